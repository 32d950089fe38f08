/*
 * The calls that libvirt has had for long see the block job on a disk, change its speed and end it; what they do shows in
 * the newer ones, and the other way round.
 */

#include "world.h"

#define COPY "<disk type='file'><source file='/guest/copy'/></disk>"
#define BYTES VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES

static void check_info(virDomainPtr dom, int type, unsigned long bandwidth)
{
    virDomainBlockJobInfo info, by_path;

    memset(&info, 0xa5, sizeof(info));
    CHECK_INT(virDomainGetBlockJobInfo(dom, "vda", &info, BYTES), 1);
    CHECK_INT(info.type, type);
    CHECK_INT(info.bandwidth, bandwidth);
    CHECK_INT(info.end, 16 << 20);
    CHECK(info.cur <= info.end);
    CHECK_INT(virDomainGetBlockJobInfo(dom, "/guest/vda", &by_path, 0), 1);
    CHECK_INT(by_path.type, type);
    CHECK_INT(by_path.bandwidth, (bandwidth + (1 << 20) - 1) >> 20);
}

static void check_no_job(virDomainPtr dom)
{
    virDomainBlockJobInfo info;

    memset(&info, 0xa5, sizeof(info));
    CHECK_INT(virDomainGetBlockJobInfo(dom, "vda", &info, 0), 0);
    CHECK_INT(info.type, VIR_DOMAIN_BLOCK_JOB_TYPE_UNKNOWN);
    CHECK(info.bandwidth == 0 && info.cur == 0 && info.end == 0);
    CHECK_NO_ERROR();
    CHECK_INT(virDomainBlockJobAbort(dom, "vda", 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "does not have an active block job");
    CHECK_INT(virDomainBlockJobSetSpeed(dom, "vda", 1, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "does not have an active block job");
}

int main(void)
{
    virDomainBlockJobInfo info;
    virConnectPtr conn;
    virDomainPtr dom;
    char *name;

    quiet_errors();
    conn = open_fixture(FIXTURE("<jobs:speed unit='GiB'>1</jobs:speed>"));
    dom = domain_of(conn, "test");
    check_no_job(dom);

    name = start_endless(dom, "vda", 0);
    check_info(dom, VIR_DOMAIN_BLOCK_JOB_TYPE_PULL, 1);
    CHECK_INT(virDomainBlockJobSetSpeed(dom, "vda", 4096, VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES), 0);
    check_info(dom, VIR_DOMAIN_BLOCK_JOB_TYPE_PULL, 4096);
    CHECK_INT(virDomainJobSetSpeed(dom, name, 2, 0), 0);
    check_info(dom, VIR_DOMAIN_BLOCK_JOB_TYPE_PULL, 2);
    CHECK_INT(virDomainBlockJobAbort(dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT), -1);
    CHECK_ERROR(VIR_ERR_BLOCK_COPY_ACTIVE);
    CHECK_INT(virDomainBlockJobAbort(dom, "vda", 0), 0);
    check_no_job(dom);
    CHECK_INT(virDomainJobWait(dom, name, 0, 0, 0), VIR_DOMAIN_JOB_STATE_ABORTED);
    free(name);

    CHECK_INT(virDomainBlockCopy(dom, "vda", COPY, NULL, 0, VIR_DOMAIN_JOB_START_PERSIST), 0);
    name = last_started(dom);
    CHECK_INT(virDomainJobSetSpeed(dom, name, 1, 0), 0);
    check_info(dom, VIR_DOMAIN_BLOCK_JOB_TYPE_COPY, 1);
    CHECK_INT(virDomainBlockJobAbort(dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT), -1);
    CHECK_ERROR(VIR_ERR_BLOCK_COPY_ACTIVE);
    CHECK_INT(virDomainBlockJobSetSpeed(dom, "vda", 0, 0), 0);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_READY);
    CHECK_INT(virDomainGetBlockJobInfo(dom, "vda", &info, 0), 1);
    CHECK_INT(info.cur, info.end);
    CHECK_INT(virDomainBlockJobAbort(dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT), 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_COMPLETED);
    /* It is listed still, but to the older calls it is over. */
    CHECK_INT(listed_state(dom, name), VIR_DOMAIN_JOB_STATE_COMPLETED);
    check_no_job(dom);
    free(name);

    CHECK_INT(virDomainGetBlockJobInfo(dom, "vdz", &info, 0), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_INT(virDomainGetBlockJobInfo(dom, "vda", NULL, 0), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_INT(virDomainBlockJobSetSpeed(dom, "vda", ~0UL, 0), -1);
    CHECK_ERROR(VIR_ERR_OVERFLOW);
    close_world(dom, conn);
    return 0;
}
