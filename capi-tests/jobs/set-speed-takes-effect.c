/*
 * The speed of a job can be changed while it runs, in bytes per second: what would take for ever is done at once when
 * its limit is lifted, and the other way round it stands still. The limit in force is in the job's description.
 */

#include "world.h"

static void check_bandwidth(virDomainPtr dom, const char *name, const char *wanted)
{
    char *xml;

    CHECK((xml = virDomainJobGetXMLDesc(dom, name, VIR_DOMAIN_JOB_XML_NO_STATS)) != NULL);
    if (wanted)
        CHECK_HAS(xml, wanted);
    else
        CHECK(strstr(xml, "<bandwidth") == NULL);
    free(xml);
}

int main(void)
{
    virDomainBlockJobInfo info;
    virConnectPtr conn;
    virDomainPtr dom;
    char *name;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    name = start_endless(dom, "vda", VIR_DOMAIN_JOB_START_PERSIST);
    check_bandwidth(dom, name, "<bandwidth unit='bytes/s'>1</bandwidth>");
    CHECK_INT(virDomainJobSetSpeed(dom, name, 4096, 0), 0);
    check_bandwidth(dom, name, "<bandwidth unit='bytes/s'>4096</bandwidth>");
    CHECK_INT(virDomainGetBlockJobInfo(dom, "vda", &info, VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES), 1);
    CHECK_INT(info.bandwidth, 4096);
    CHECK_INT(virDomainJobWait(dom, name, 0, 20, 0), 0);

    CHECK_INT(virDomainJobSetSpeed(dom, name, 0, 0), 0);
    check_bandwidth(dom, name, NULL);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_COMPLETED);
    CHECK_INT(virDomainJobSetSpeed(dom, name, 1, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_OPERATION_INVALID, name);
    CHECK_INT(control(dom, name, DISMISS), 0);
    free(name);

    CHECK_INT(virDomainBlockPull(dom, "vdb", 1, 0), 0);
    name = last_started(dom);
    CHECK_INT(virDomainJobSetSpeed(dom, name, 1, 0), 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, 300, 0), 0);

    /* More than libvirt could express is refused; the most is not. */
    CHECK_INT(virDomainJobSetSpeed(dom, name, 1ULL << 63, 0), -1);
    CHECK_ERROR(VIR_ERR_OVERFLOW);
    CHECK_INT(virDomainJobSetSpeed(dom, name, ~0ULL, 0), -1);
    CHECK_ERROR(VIR_ERR_OVERFLOW);
    CHECK_INT(virDomainJobSetSpeed(dom, name, ~0ULL >> 1, 0), 0);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_COMPLETED);
    free(name);
    close_world(dom, conn);
    return 0;
}
