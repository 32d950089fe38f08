/*
 * The block job events of libvirt tell of the same jobs, by the path of the disk and by its target, with libvirt's types
 * and statuses; they come after the newer event of the same change.
 */

#include "watch.h"

#define COPY "<disk type='file'><source file='/guest/copy'/></disk>"

static void on_block_job(virConnectPtr conn, virDomainPtr dom, const char *disk, int type, int status, void *opaque)
{
    char what[256];

    (void)conn;
    (void)dom;
    snprintf(what, sizeof(what), "%s %d %d", disk, type, status);
    watch_note(opaque, what);
}

static void check_heard(struct watch *watch, const char *wanted)
{
    run_loop_for_what_waits();
    CHECK_STR(watch->seen, wanted);
    watch->seen[0] = '\0';
}

int main(void)
{
    struct watch watch, paths = {0};
    char *name, wanted[512];
    virConnectPtr conn;
    virDomainPtr dom;
    int by_path, by_target;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    conn = open_fixture(FIXTURE("<jobs:speed unit='GiB'>1</jobs:speed>"));
    dom = domain_of(conn, "test");
    watch_jobs(&watch, conn);
    CHECK((by_target = virConnectDomainEventRegisterAny(conn, dom, VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2,
                                                        VIR_DOMAIN_EVENT_CALLBACK(on_block_job), &watch, NULL)) >= 0);
    CHECK((by_path = virConnectDomainEventRegisterAny(conn, dom, VIR_DOMAIN_EVENT_ID_BLOCK_JOB,
                                                      VIR_DOMAIN_EVENT_CALLBACK(on_block_job), &paths, NULL)) >= 0);

    name = start_short(dom, "vda", 0);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_COMPLETED);
    snprintf(wanted, sizeof(wanted), "%s running;%s completed;vda 1 0;", name, name);
    check_heard(&watch, wanted);
    check_heard(&paths, "/guest/vda 1 0;");
    free(name);

    CHECK_INT(virDomainBlockCopy(dom, "vdb", COPY, NULL, 0, VIR_DOMAIN_BLOCK_COPY_REUSE_EXT), 0);
    name = last_started(dom);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_READY);
    CHECK_INT(control(dom, name, PAUSE), 0);
    CHECK_INT(control(dom, name, RESUME), 0);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_READY);
    CHECK_INT(control(dom, name, ABORT), 0);
    snprintf(wanted, sizeof(wanted), "%s running;%s ready;vdb 2 3;%s paused;%s ready;%s aborted;vdb 2 2;", name, name, name,
             name, name);
    check_heard(&watch, wanted);
    check_heard(&paths, "/guest/vdb 2 3;/guest/vdb 2 2;");
    free(name);

    /* The path is that of the disk as it is then: after a switch, the new one. */
    CHECK_INT(virDomainBlockCopy(dom, "vdb", COPY, NULL, 0, VIR_DOMAIN_BLOCK_COPY_REUSE_EXT), 0);
    name = last_started(dom);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_READY);
    CHECK_INT(control(dom, name, FINALIZE), 0);
    check_heard(&paths, "/guest/vdb 2 3;/guest/copy 2 0;");
    free(name);

    CHECK_INT(virConnectDomainEventDeregisterAny(conn, by_path), 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, by_target), 0);
    watch_end(&watch);
    close_world(dom, conn);
    return 0;
}
