/*
 * When a domain stops, each of its jobs has failed, with a reason; those that were to be kept are kept, and the next run
 * starts without any of them in its way.
 */

#include "world.h"

static void check_failed_because(virDomainPtr dom, const char *name, const char *words)
{
    char *xml;

    CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_FAILED);
    CHECK((xml = virDomainJobGetXMLDesc(dom, name, 0)) != NULL);
    CHECK_HAS(xml, "state='failed'");
    CHECK_HAS(xml, "<error>");
    CHECK_HAS(xml, words);
    free(xml);
    CHECK_INT(control(dom, name, ABORT), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_INVALID);
    CHECK_INT(control(dom, name, DISMISS), 0);
}

int main(void)
{
    const unsigned int keep = VIR_DOMAIN_JOB_START_PERSIST, both = keep | VIR_DOMAIN_JOB_START_PARALLEL;
    char *kept, *unkept, *paused, *ready;
    virConnectPtr conn;
    virDomainPtr dom;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    kept = start_endless(dom, "vda", keep);
    unkept = start_endless(dom, "vdb", 0);
    paused = start_endless(dom, "vda", both);
    CHECK_INT(control(dom, paused, PAUSE), 0);
    WAIT_FOR(dom, paused, VIR_DOMAIN_JOB_STATE_PAUSED);
    CHECK_INT(virDomainBlockCopy(dom, "vda", "<disk type='file'><source file='/copy'/></disk>", NULL, 0, both), 0);
    ready = last_started(dom);
    WAIT_FOR(dom, ready, VIR_DOMAIN_JOB_STATE_READY);

    CHECK_INT(virDomainDestroy(dom), 0);
    CHECK_INT(virDomainJobList(dom, NULL, VIR_DOMAIN_JOB_LIST_ACTIVE), 0);
    CHECK_INT(virDomainJobList(dom, NULL, VIR_DOMAIN_JOB_LIST_FINISHED), 3);
    CHECK_INT(listed_state(dom, unkept), VIR_DOMAIN_JOB_STATE_NONE);
    CHECK_INT(virDomainJobWait(dom, unkept, 0, 0, 0), VIR_DOMAIN_JOB_STATE_FAILED);
    check_failed_because(dom, kept, "destroyed");
    check_failed_because(dom, paused, "destroyed");
    check_failed_because(dom, ready, "destroyed");

    CHECK_INT(virDomainCreate(dom), 0);
    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);
    free(kept);
    kept = start_endless(dom, "vda", keep);
    CHECK_INT(virDomainShutdown(dom), 0);
    check_failed_because(dom, kept, "shut down");
    free(kept);
    free(unkept);
    free(paused);
    free(ready);
    close_world(dom, conn);
    return 0;
}
