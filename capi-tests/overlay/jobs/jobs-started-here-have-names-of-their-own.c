/*
 * A job that this program starts has a name of its own, which the thread that started it can ask for. With PERSIST it stays
 * listed with its end until it is dismissed, and libvirt sees nothing of the flag; with a start that fails no job is left.
 */

#include "overlay/jobs/machine.h"

int main(void)
{
    virConnectPtr conn = open_real();
    virDomainPtr dom = start_machine(conn, "started", 2);
    char *copy, *pull, *xml;
    char backup[1024];

    quiet_errors();
    start_copy(dom, "vda", file_in_dir("started", "copy"), SLOW, VIR_DOMAIN_JOB_START_PERSIST);
    copy = last_started(dom);
    CHECK_STR(copy, "block-copy-vda-1");
    CHECK_STR(listed(dom, 0), "block-copy-vda-1 3 running;");
    CHECK((xml = virDomainJobGetXMLDesc(dom, copy, 0)) != NULL);
    CHECK_HAS(xml, "started-copy</target>");
    free(xml);

    /* What libvirt refuses leaves no job. */
    CHECK_INT(virDomainBlockPull(dom, "vda", 0, 0), -1);
    CHECK(virGetLastErrorCode() != VIR_ERR_OK);
    CHECK_STR(listed(dom, 0), "block-copy-vda-1 3 running;");

    CHECK_INT(virDomainJobControl(dom, copy, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), 0);
    CHECK_INT(virDomainJobWait(dom, copy, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_ABORTED);
    CHECK_STR(listed(dom, 0), "block-copy-vda-1 3 aborted;");
    CHECK_INT(virDomainJobControl(dom, copy, VIR_DOMAIN_JOB_CONTROL_OPERATION_DISMISS, 0), 0);
    CHECK_STR(listed(dom, 0), "");

    /* A pull that is over at once, with nobody listening: that it completed is seen from the disk. */
    CHECK_INT(virDomainBlockPull(dom, "vdb", 0, VIR_DOMAIN_JOB_START_PERSIST), 0);
    pull = last_started(dom);
    CHECK_INT(virDomainJobWait(dom, pull, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_COMPLETED);
    CHECK_INT(virDomainJobControl(dom, pull, VIR_DOMAIN_JOB_CONTROL_OPERATION_DISMISS, 0), 0);

    /* Several disks are one backup. */
    snprintf(backup, sizeof(backup), "<domainbackup><disks><disk name='vda' type='file'><target file='%s'/></disk>"
             "<disk name='vdb' type='file'><target file='%s'/></disk></disks></domainbackup>",
             file_in_dir("started", "a"), file_in_dir("started", "b"));
    CHECK_INT(virDomainBackupBegin(dom, backup, NULL, VIR_DOMAIN_JOB_START_PERSIST), 0);
    free(pull);
    pull = last_started(dom);
    CHECK(strncmp(pull, "block-backup-", 13) == 0);
    CHECK_INT(virDomainJobWait(dom, pull, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_COMPLETED);
    CHECK((xml = virDomainJobGetXMLDesc(dom, pull, 0)) != NULL);
    CHECK_HAS(xml, "<disk>vda</disk>");
    CHECK_HAS(xml, "<disk>vdb</disk>");
    free(xml);
    CHECK_INT(virDomainJobControl(dom, pull, VIR_DOMAIN_JOB_CONTROL_OPERATION_DISMISS, 0), 0);
    CHECK_STR(listed(dom, 0), "");

    free(copy);
    free(pull);
    end_machine(dom);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
