/*
 * Asking for the jobs of a machine whose QEMU hangs fails after a while, and at once as long as the first question is still
 * on its way; the last known document of a job is there all the same. Once QEMU goes on, so does everything else.
 */

#include "overlay/jobs/machine.h"

int main(void)
{
    virConnectPtr conn = open_real();
    virDomainPtr dom = start_machine(conn, "hung", 1), other = start_machine(conn, "lively", 1);
    pid_t pid = pid_in("run/libvirt/qemu/run/hung.pid");
    char *name, *xml;
    time_t begun;

    quiet_errors();
    others_copy("hung", "vda", file_in_dir("hung", "copy"), SLOW);
    name = only_job(dom);
    CHECK_INT(kill(pid, SIGSTOP), 0);
    begun = time(NULL);
    CHECK_INT(virDomainJobList(dom, NULL, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_TIMEOUT);
    CHECK(time(NULL) - begun < 60);
    /* It harms no other, and what is known is told. */
    CHECK_INT(virDomainJobList(other, NULL, 0), 0);
    CHECK((xml = virDomainJobGetXMLDesc(dom, name, VIR_DOMAIN_JOB_XML_NO_STATS)) != NULL);
    CHECK_HAS(xml, "state='running'");
    free(xml);
    CHECK_INT(kill(pid, SIGCONT), 0);
    abort_after_hang(dom, name);

    free(name);
    end_machine(dom);
    end_machine(other);
    virConnectClose(conn);
    return 0;
}
