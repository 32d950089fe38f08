/* Registering for events, and thinking better of it. */
#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>

/* What a registration prints, and what it does when it is called. */
struct listener {
    const char *name;
    virConnectPtr conn;
    int number;     /* of the registration */
    int deregister; /* the registration to take back when called, or -1 */
};

static void freed(void *opaque)
{
    struct listener *l = opaque;

    record_event("%s is freed", l->name);
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    struct listener *l = opaque;

    (void)dom;
    if (shutdown_by_chance(event, detail))
        return 0;
    record_event("%s: lifecycle %s, detail %d", l->name, lifecycle_event(event), detail);
    if (l->deregister >= 0) {
        record_event("%s: deregisters, %d", l->name, virConnectDomainEventDeregisterAny(conn, l->deregister));
        l->deregister = -1;
    }
    return 0;
}

/* The same but a function of its own, for registrations that must not be taken for the same. */
static int on_lifecycle_too(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    return on_lifecycle(conn, dom, event, detail, opaque);
}

static void on_block_job_2(virConnectPtr conn, virDomainPtr dom, const char *disk, int type, int status, void *opaque)
{
    struct listener *l = opaque;

    (void)conn;
    (void)dom;
    record_event("%s: block-job-2 %s %s %s", l->name, disk, block_job_type(type), block_job_status(status));
}

static int add(struct machine *m, struct listener *l, virDomainPtr dom, int id,
               virConnectDomainEventGenericCallback callback)
{
    l->conn = m->conn;
    l->deregister = -1;
    virResetLastError();
    l->number = virConnectDomainEventRegisterAny(m->conn, dom, id, callback, l, freed);
    /* The number itself means nothing. */
    if (l->number >= 0)
        say("%s is registered", l->name);
    else
        report("virConnectDomainEventRegisterAny", l->number);
    return l->number;
}

#define ADD_LIFECYCLE(m, l, dom, function) \
    add(m, l, dom, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(function))

static void duplicates(struct machine *m)
{
    struct listener first = {"first", NULL, 0, 0}, second = {"second", NULL, 0, 0}, third = {"third", NULL, 0, 0};

    machine_start_with_chain(m, 1);
    ADD_LIFECYCLE(m, &first, m->dom, on_lifecycle);
    ADD_LIFECYCLE(m, &second, m->dom, on_lifecycle);
    ADD_LIFECYCLE(m, &third, m->dom, on_lifecycle_too);
    CALL(virDomainSuspend(m->dom));
    await_event("third: lifecycle suspended, detail 0");
    CALL(virConnectDomainEventDeregisterAny(m->conn, first.number));
    await_event("first is freed");
    CALL(virDomainResume(m->dom));
    await_event("third: lifecycle resumed, detail 0");
    CALL(virConnectDomainEventDeregisterAny(m->conn, third.number));
    await_event("third is freed");
    if (second.number >= 0)
        CALL(virConnectDomainEventDeregisterAny(m->conn, second.number));
    machine_destroy(m);
}

static void for_one_machine(struct machine *m)
{
    struct listener one = {"one", NULL, 0, 0}, jobs = {"jobs", NULL, 0, 0}, all = {"all", NULL, 0, 0};
    struct disk disk = {"vda", NULL, "vdb-0.qcow2", NULL, NULL};
    struct machine other = *m;
    char *xml;

    make_chain(m, "vdb", 1);
    machine_start_with_chain(m, 2);
    ADD_LIFECYCLE(m, &one, m->dom, on_lifecycle);
    ADD_LIFECYCLE(m, &all, NULL, on_lifecycle);
    add(m, &jobs, m->dom, VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2, VIR_DOMAIN_EVENT_CALLBACK(on_block_job_2));
    snprintf(other.name, sizeof(other.name), "%.20s-b", m->name);
    xml = machine_xml(&other, &disk, 1);
    other.dom = CALL_POINTER(virDomainCreateXML(m->conn, xml, 0));
    free(xml);
    CALL(virDomainBlockPull(other.dom, "vda", SLOW, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    CALL(virDomainBlockPull(m->dom, "vda", 0, 0));
    await_event("jobs: block-job-2 vda pull completed");
    CALL(virDomainDestroy(other.dom));
    await_event("all: lifecycle stopped, detail 1");
    virDomainFree(other.dom);
    CALL(virConnectDomainEventDeregisterAny(m->conn, jobs.number));
    await_event("jobs is freed");
    CALL(virConnectDomainEventDeregisterAny(m->conn, all.number));
    await_event("all is freed");
    CALL(virDomainSuspend(m->dom));
    await_event("one: lifecycle suspended, detail 0");
    CALL(virConnectDomainEventDeregisterAny(m->conn, one.number));
    await_event("one is freed");
    machine_destroy(m);
}

static void from_inside(struct machine *m)
{
    struct listener self = {"self", NULL, 0, 0}, victim = {"victim", NULL, 0, 0};

    machine_start_with_chain(m, 1);
    ADD_LIFECYCLE(m, &self, m->dom, on_lifecycle);
    ADD_LIFECYCLE(m, &victim, m->dom, on_lifecycle_too);
    self.deregister = victim.number;
    CALL(virDomainSuspend(m->dom));
    await_event("victim is freed");
    self.deregister = self.number;
    CALL(virDomainResume(m->dom));
    await_event("self is freed");
    CALL(virDomainSuspend(m->dom));
    await_event("lifecycle suspended, detail 0");
    CALL(virConnectDomainEventDeregisterAny(m->conn, self.number));
    machine_destroy(m);
}

static void older_form(struct machine *m)
{
    struct listener first = {"first", NULL, 0, -1}, second = {"second", NULL, 0, -1};

    machine_start_with_chain(m, 1);
    CALL(virConnectDomainEventRegister(m->conn, on_lifecycle, &first, freed));
    CALL(virConnectDomainEventRegister(m->conn, on_lifecycle, &second, freed));
    CALL(virDomainSuspend(m->dom));
    await_event("first: lifecycle suspended, detail 0");
    CALL(virConnectDomainEventDeregister(m->conn, on_lifecycle));
    await_event("first is freed");
    CALL(virConnectDomainEventDeregister(m->conn, on_lifecycle));
    machine_destroy(m);
}

static void refused(struct machine *m)
{
    struct listener l = {"listener", NULL, 0, -1};

    machine_start_with_chain(m, 1);
    CALL(virConnectDomainEventRegisterAny(NULL, NULL, 0, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), &l, NULL));
    CALL(virConnectDomainEventRegisterAny(m->conn, NULL, 0, NULL, &l, NULL));
    CALL(virConnectDomainEventRegisterAny(m->conn, NULL, -1, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), &l, NULL));
    CALL(virConnectDomainEventRegisterAny(m->conn, NULL, 12345, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), &l, NULL));
    CALL(virConnectDomainEventDeregisterAny(m->conn, 12345));
    CALL(virConnectDomainEventDeregisterAny(m->conn, -1));
    CALL(virConnectDomainEventDeregisterAny(NULL, 0));
    CALL(virConnectDomainEventRegister(m->conn, NULL, &l, NULL));
    CALL(virConnectDomainEventDeregister(m->conn, on_lifecycle));
    machine_destroy(m);
}

const struct scenario registration_scenarios[] = {
    {"events-with-the-same-callback-twice", duplicates},
    {"events-of-one-machine", for_one_machine},
    {"events-are-deregistered-from-inside-a-callback", from_inside},
    {"events-registered-in-the-older-form", older_form},
    {"events-that-cannot-be-registered", refused},
    {NULL, NULL},
};
