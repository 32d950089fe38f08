/*
 * libvirt has one job per disk and one backup at a time, and so have these calls. With PARALLEL a second one starts and
 * runs beside the first, which goes on undisturbed.
 */

#include "world.h"

#define COPY "<disk type='file'><source file='/guest/copy'/><driver type='qcow2'/></disk>"
#define PARALLEL VIR_DOMAIN_JOB_START_PARALLEL

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    char *first, *second, *other;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    first = start_endless(dom, "vda", 0);
    CHECK_INT(virDomainBlockPull(dom, "vda", 1, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_UNSUPPORTED);
    CHECK_INT(virDomainBlockRebase(dom, "vda", "vda[3]", 1, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_UNSUPPORTED);
    CHECK_INT(virDomainBlockCopy(dom, "vda", COPY, NULL, 0, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_UNSUPPORTED);
    CHECK_INT(virDomainBlockCommit(dom, "vda", NULL, "vda[2]", 1, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_UNSUPPORTED);
    CHECK_INT(virDomainBlockCommit(dom, "vda", NULL, NULL, 1, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_UNSUPPORTED);
    CHECK_INT(virDomainJobList(dom, NULL, 0), 1);

    /* Another disk is free, the same one with the flag. */
    other = start_endless(dom, "vdb", 0);
    second = start_endless(dom, "vda", PARALLEL);
    CHECK(strcmp(first, second) != 0);
    CHECK_INT(virDomainBlockCopy(dom, "vda", COPY, NULL, 0, PARALLEL), 0);
    CHECK_INT(virDomainJobList(dom, NULL, VIR_DOMAIN_JOB_LIST_ACTIVE), 4);

    /* Each can be controlled by its name alone. */
    CHECK_INT(control(dom, second, PAUSE), 0);
    WAIT_FOR(dom, second, VIR_DOMAIN_JOB_STATE_PAUSED);
    CHECK_INT(listed_state(dom, first), VIR_DOMAIN_JOB_STATE_RUNNING);
    end_job(dom, first);
    CHECK_INT(listed_state(dom, second), VIR_DOMAIN_JOB_STATE_PAUSED);
    end_job(dom, second);
    end_job(dom, other);
    end_job(dom, last_started(dom));

    CHECK_INT(virDomainBackupBegin(dom, A_PULL, NULL, 0), 0);
    first = last_started(dom);
    CHECK_INT(virDomainBackupBegin(dom, A_PULL, NULL, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_TIMEOUT);
    CHECK_INT(virDomainBackupBegin(dom, "<domainbackup/>", NULL, PARALLEL), 0);
    end_job(dom, last_started(dom));
    end_job(dom, first);
    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);
    close_world(dom, conn);
    return 0;
}
