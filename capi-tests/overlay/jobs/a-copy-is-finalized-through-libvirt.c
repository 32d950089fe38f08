/*
 * Finalizing a copy leaves libvirt's document and reality the same, once and again: the second job on the disk has a name of
 * its own although QEMU knows it by the same id, and its copy is what the guest writes to.
 */

#include "overlay/jobs/machine.h"

static void copy_and_pivot(virDomainPtr dom, const char *target)
{
    char *name;

    start_copy(dom, "vda", target, 0, 0);
    name = only_job(dom);
    await_state(dom, name, VIR_DOMAIN_JOB_STATE_READY);
    CHECK(has_mirror(dom));
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_FINALIZE, 0), 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_COMPLETED);
    CHECK(source_is(dom, target));
    CHECK(!has_mirror(dom));
    free(name);
}

int main(void)
{
    virConnectPtr conn = open_real();
    virDomainPtr dom = start_machine(conn, "pivoted", 1);
    const char *first = file_in_dir("pivoted", "first"), *second = file_in_dir("pivoted", "second");
    char *name, *again;
    char command[1024];

    quiet_errors();
    copy_and_pivot(dom, first);
    /* What libvirt and QEMU call the disk's file is one. */
    snprintf(command, sizeof(command), "virsh -q -c \"$ORACLE_URI\" qemu-monitor-command pivoted '{\"execute\":\"query-block\"}' | grep -q '%s'", first);
    CHECK_INT(system(command), 0);
    copy_and_pivot(dom, second);
    snprintf(command, sizeof(command), "virsh -q -c \"$ORACLE_URI\" qemu-monitor-command pivoted '{\"execute\":\"query-block\"}' | grep -q '%s'", second);
    CHECK_INT(system(command), 0);

    /* Aborted twice, the second job has the first one's id, and not its name. */
    others_copy("pivoted", "vda", file_in_dir("pivoted", "third"), 0);
    name = only_job(dom);
    await_state(dom, name, VIR_DOMAIN_JOB_STATE_READY);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_ABORTED);
    CHECK(!has_mirror(dom) && source_is(dom, second));
    others_copy("pivoted", "vda", file_in_dir("pivoted", "fourth"), 0);
    again = only_job(dom);
    CHECK(strncmp(name, again, strlen(name)) == 0 && strcmp(again + strlen(name), "#2") == 0);
    CHECK_INT(virDomainJobControl(dom, again, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), 0);
    CHECK_INT(virDomainJobWait(dom, again, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_ABORTED);

    free(name);
    free(again);
    end_machine(dom);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
