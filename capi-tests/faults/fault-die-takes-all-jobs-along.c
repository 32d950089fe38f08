/*
 * When the hypervisor crashes under a job, all jobs of the domain fail with the reason, each with its last event, and then
 * the domain's end is told.
 */

#include "watch.h"

static int on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    char what[64];

    (void)conn;
    (void)dom;
    snprintf(what, sizeof(what), "lifecycle %d %d", event, detail);
    watch_note(opaque, what);
    return 0;
}

int main(void)
{
    char *name, *other, *xml, wanted[512];
    int state, reason, id;
    struct watch watch;
    virConnectPtr conn;
    virDomainPtr dom;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    quiet_errors();
    conn = open_fixture(FIXTURE("<jobs:speed unit='GiB'>1</jobs:speed>"
                                "<jobs:fault type='block-pull' disk='vda' at='50%' action='die' error='guest panicked'/>"));
    dom = domain_of(conn, "test");
    watch_jobs(&watch, conn);
    CHECK((id = virConnectDomainEventRegisterAny(conn, dom, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                                 VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), &watch, NULL)) >= 0);
    other = start_endless(dom, "vdb", VIR_DOMAIN_JOB_START_PERSIST);
    name = start_short(dom, "vda", VIR_DOMAIN_JOB_START_PERSIST);
    CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_FAILED);
    watch_until(&watch, 5);
    snprintf(wanted, sizeof(wanted), "%s running;%s running;%s failed;%s failed;lifecycle %d %d;", other, name, other, name,
             VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_CRASHED);
    CHECK_STR(watch.seen, wanted);

    CHECK_INT(virDomainGetState(dom, &state, &reason, 0), 0);
    CHECK_INT(state, VIR_DOMAIN_SHUTOFF);
    CHECK_INT(reason, VIR_DOMAIN_SHUTOFF_CRASHED);
    CHECK((xml = virDomainJobGetXMLDesc(dom, other, 0)) != NULL);
    CHECK_HAS(xml, "<error>guest panicked</error>");
    free(xml);
    free(name);
    free(other);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, id), 0);
    watch_end(&watch);
    close_world(dom, conn);
    return 0;
}
