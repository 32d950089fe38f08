/*
 * A job that ended is no longer listed. One that was started with PERSIST is: with its final state, figures, error and
 * times, until it is dismissed or its connection's world is gone.
 */

#include "world.h"

static void check_gone(virDomainPtr dom, const char *name)
{
    CHECK_INT(listed_state(dom, name), VIR_DOMAIN_JOB_STATE_NONE);
    CHECK(virDomainJobGetXMLDesc(dom, name, 0) == NULL);
    CHECK_ERROR(VIR_ERR_NO_DOMAIN_JOB);
    CHECK_INT(control(dom, name, DISMISS), -1);
    CHECK_ERROR(VIR_ERR_NO_DOMAIN_JOB);
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    char *name, *xml;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");

    name = start_endless(dom, "vda", 0);
    CHECK_INT(control(dom, name, ABORT), 0);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_ABORTED);
    check_gone(dom, name);
    free(name);

    name = start_short(dom, "vda", VIR_DOMAIN_JOB_START_PERSIST);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_COMPLETED);
    CHECK_INT(listed_state(dom, name), VIR_DOMAIN_JOB_STATE_COMPLETED);
    CHECK((xml = virDomainJobGetXMLDesc(dom, name, 0)) != NULL);
    CHECK_HAS(xml, "<job type='block-pull' state='completed'>");
    CHECK_HAS(xml, "<current>16777216</current>");
    CHECK_HAS(xml, "<end>16777216</end>");
    CHECK_HAS(xml, "<started>20");
    CHECK_HAS(xml, "<finished>20");
    free(xml);

    /* It is in nobody's way, and stays through other jobs and a restart of the domain. */
    end_job(dom, start_endless(dom, "vda", 0));
    CHECK_INT(virDomainDestroy(dom), 0);
    CHECK_INT(virDomainCreate(dom), 0);
    CHECK_INT(listed_state(dom, name), VIR_DOMAIN_JOB_STATE_COMPLETED);
    CHECK_INT(virDomainJobWait(dom, name, 0, 0, 0), VIR_DOMAIN_JOB_STATE_COMPLETED);
    CHECK_INT(control(dom, name, DISMISS), 0);
    check_gone(dom, name);
    free(name);

    /* A failure keeps its reason. */
    name = start_endless(dom, "vdb", VIR_DOMAIN_JOB_START_PERSIST);
    CHECK_INT(virDomainDestroy(dom), 0);
    CHECK_INT(listed_state(dom, name), VIR_DOMAIN_JOB_STATE_FAILED);
    CHECK((xml = virDomainJobGetXMLDesc(dom, name, 0)) != NULL);
    CHECK_HAS(xml, "<error>the domain was destroyed</error>");
    free(xml);
    CHECK_INT(control(dom, name, DISMISS), 0);
    check_gone(dom, name);
    free(name);
    close_world(dom, conn);
    return 0;
}
