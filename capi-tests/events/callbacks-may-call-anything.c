/*
 * A callback may make any call: list and describe the job that it is told of, control it, start another, ask for the
 * domain, end its own registration, give up the domain and close the connection.
 */

#include "watch.h"

static virConnectPtr the_conn;
static virDomainPtr the_dom;
static int id, stage, frees;

static void first_job(virDomainPtr dom, const char *name, int state)
{
    char *xml;

    switch (state) {
    case VIR_DOMAIN_JOB_STATE_RUNNING:
        CHECK(listed_state(dom, name) != VIR_DOMAIN_JOB_STATE_NONE);
        CHECK((xml = virDomainJobGetXMLDesc(dom, name, 0)) != NULL);
        CHECK_HAS(xml, name);
        free(xml);
        if (stage++ == 0)
            CHECK_INT(control(dom, name, PAUSE), 0);
        else
            CHECK_INT(control(dom, name, ABORT), 0);
        break;
    case VIR_DOMAIN_JOB_STATE_PAUSED:
        CHECK_INT(virDomainJobSetSpeed(dom, name, 1, 0), 0);
        CHECK_INT(control(dom, name, RESUME), 0);
        break;
    default:
        CHECK_INT(state, VIR_DOMAIN_JOB_STATE_ABORTED);
        CHECK_INT(virDomainJobWait(dom, name, 0, -1, 0), VIR_DOMAIN_JOB_STATE_ABORTED);
        free(start_endless(dom, "vdb", 0));
    }
}

static void on_free(void *opaque)
{
    CHECK(opaque == &stage);
    frees++;
}

static void on_state(virConnectPtr conn, virDomainPtr dom, const char *name, virDomainJobType type, virDomainJobState state,
                     void *opaque)
{
    virDomainPtr found;
    virConnectPtr other;

    (void)type;
    CHECK(opaque == &stage);
    CHECK(conn == the_conn);
    if (strstr(name, "vda")) {
        first_job(dom, name, state);
        return;
    }
    if (state == VIR_DOMAIN_JOB_STATE_RUNNING) {
        found = domain_of(conn, virDomainGetName(dom));
        CHECK_INT(virDomainDestroy(found), 0);
        CHECK_INT(virDomainFree(found), 0);
        other = open_world(DEFAULT_URI);
        CHECK_INT(virConnectNumOfDomains(other), 0);
        CHECK_INT(virConnectClose(other), 0);
        return;
    }
    CHECK_INT(state, VIR_DOMAIN_JOB_STATE_FAILED);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, id), 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, id), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_INT(virDomainFree(the_dom), 0);
    CHECK(virConnectClose(the_conn) >= 0);
    CHECK_STR(virDomainGetName(dom), "test");
    stage = 100;
}

int main(void)
{
    const struct watch nobody = {0};
    int timer;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    quiet_errors();
    the_conn = open_world(DEFAULT_URI);
    the_dom = domain_of(the_conn, "test");
    CHECK((id = virConnectDomainEventRegisterAny(the_conn, the_dom, VIR_DOMAIN_EVENT_ID_JOB_STATE,
                                                 VIR_DOMAIN_EVENT_CALLBACK(on_state), &stage, on_free)) >= 0);
    free(start_endless(the_dom, "vda", 0));
    CHECK((timer = virEventAddTimeout(SOON, on_patience_ends, (void *)&nobody, NULL)) >= 0);
    while (stage < 100)
        CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_INT(virEventRemoveTimeout(timer), 0);
    run_loop_for_what_waits();
    CHECK_INT(frees, 1);
    CHECK_INT(virConnectIsAlive(the_conn), -1);
    CHECK_ERROR(VIR_ERR_INVALID_CONN);
    return 0;
}
