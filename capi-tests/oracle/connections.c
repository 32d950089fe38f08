/* More than one connection, and calls made while an event is being told. */
#define _POSIX_C_SOURCE 200809L
#include "oracle.h"

#include <semaphore.h>
#include <time.h>

static void seen_from_another(struct machine *m)
{
    virDomainBlockJobInfo info;
    virConnectPtr conn;
    virDomainPtr dom;

    conn = CALL_POINTER(virConnectOpen(m->uri));
    machine_start_suspended(m, 2);
    dom = CALL_POINTER(virDomainLookupByName(conn, m->name));
    start_slow_copy(m, 0);
    CALL(virDomainGetBlockJobInfo(dom, "vda", &info, 0));
    say("%s", block_job_type(info.type));
    CALL(virDomainBlockPull(dom, "vda", 0, 0));
    CALL(virDomainBlockJobAbort(dom, "vda", 0));
    await_event("block-job-2 vda copy canceled");
    CALL(virDomainBlockPull(dom, "vda", 0, 0));
    await_event("block-job-2 vda pull completed");
    show_disks(m);
    CALL(virDomainDestroy(dom));
    await_event("lifecycle stopped, detail 1");
    CALL(virDomainDestroy(m->dom));
    virDomainFree(dom);
    virDomainFree(m->dom);
    CALL(virConnectClose(conn));
}

/* The order of events is only defined within a connection, so what another one hears is not told as an event. */
static sem_t heard, freed;

static void on_other_block_job(virConnectPtr conn, virDomainPtr dom, const char *disk, int type, int status,
                               void *opaque)
{
    (void)conn;
    (void)dom;
    (void)disk;
    (void)type;
    (void)status;
    (void)opaque;
    sem_post(&heard);
}

static void on_freed(void *opaque)
{
    (void)opaque;
    sem_post(&freed);
}

static void await_other(sem_t *what, const char *text)
{
    struct timespec end;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_SECONDS;
    say("%s: %s", text, sem_timedwait(what, &end) == 0 ? "yes" : "no");
}

/*
 * A registration is a reference as well.  (It must not be the last one that is given back: libvirt 9.0 then waits for
 * itself for ever.)
 */
static void held_by_registration(struct machine *m)
{
    virConnectPtr conn;
    int number;

    sem_init(&heard, 0, 0);
    sem_init(&freed, 0, 0);
    conn = CALL_POINTER(virConnectOpen(m->uri));
    number = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2,
                                              VIR_DOMAIN_EVENT_CALLBACK(on_other_block_job), NULL, on_freed);
    machine_start_with_chain(m, 2);
    CALL(virDomainBlockPull(m->dom, "vda", 0, 0));
    await_event("block-job-2 vda pull completed");
    await_other(&heard, "the other connection heard it");
    CALL(virConnectRef(conn));
    CALL(virConnectClose(conn));
    CALL(virDomainBlockPull(m->dom, "vda", 0, 0));
    await_event("block-job-2 vda pull completed");
    await_other(&heard, "the other connection heard it");
    CALL(virConnectDomainEventDeregisterAny(conn, number));
    await_other(&freed, "its registration is freed");
    CALL(virConnectClose(conn));
    machine_destroy(m);
}

/* What many programs do: end a copy as soon as they hear that it is ready, from inside the callback that says so. */
static void on_ready(virConnectPtr conn, virDomainPtr dom, const char *disk, int type, int status, void *opaque)
{
    virDomainBlockJobInfo info;
    int found, ended;

    (void)conn;
    (void)type;
    (void)opaque;
    if (status != VIR_DOMAIN_BLOCK_JOB_READY)
        return;
    found = virDomainGetBlockJobInfo(dom, disk, &info, 0);
    record_event("inside: virDomainGetBlockJobInfo = %d", found);
    ended = virDomainBlockJobAbort(dom, disk, VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT | VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC);
    record_event("inside: virDomainBlockJobAbort = %d", ended);
}

static void from_inside(struct machine *m)
{
    int number = virConnectDomainEventRegisterAny(m->conn, NULL, VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2,
                                                  VIR_DOMAIN_EVENT_CALLBACK(on_ready), NULL, NULL);

    machine_start_with_chain(m, 2);
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.qcow2", "qcow2"), NULL, 0, 0));
    await_event("block-job-2 vda copy completed");
    show_disks(m);
    if (virConnectDomainEventDeregisterAny(m->conn, number) < 0)
        give_up("virConnectDomainEventDeregisterAny");
    machine_destroy(m);
    check_image("copy.qcow2", "qcow2", 2);
}

static void outlived(struct machine *m)
{
    virDomainBlockJobInfo info;
    virConnectPtr conn;
    virDomainPtr dom;

    machine_start_suspended(m, 2);
    conn = CALL_POINTER(virConnectOpen(m->uri));
    dom = CALL_POINTER(virDomainLookupByName(conn, m->name));
    CALL(virDomainBlockCopy(dom, "vda", copy_xml(m, "copy.qcow2", "qcow2"), NULL, 0, 0));
    await_event("block-job-2 vda copy ready");
    CALL(virConnectClose(conn));
    /* The machine holds on to its connection. */
    CALL(virDomainGetBlockJobInfo(dom, "vda", &info, 0));
    CALL(virDomainBlockJobAbort(dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    await_event("block-job-2 vda copy completed");
    CALL(virDomainFree(dom));
    machine_destroy(m);
}

const struct scenario connection_scenarios[] = {
    {"jobs-are-seen-from-another-connection", seen_from_another},
    {"registrations-hold-their-connection", held_by_registration},
    {"calls-from-inside-a-callback", from_inside},
    {"machine-outlives-the-handle-of-its-connection", outlived},
    {NULL, NULL},
};
