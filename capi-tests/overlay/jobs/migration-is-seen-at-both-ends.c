/*
 * A migration that this program starts is listed at its source with what has been moved, and as one that comes in at its
 * destination. Aborted by its name, it has ended so at the one end and failed at the other, and the machine goes on; the next
 * one completes at both.
 */

#include <pthread.h>

#include "overlay/jobs/machine.h"

struct moving {
    virDomainPtr dom;
    int result;
};

static void *move(void *opaque)
{
    struct moving *moving = opaque;

    moving->result = virDomainMigrateToURI3(moving->dom, getenv("PEER_P2P_URI"), NULL, 0, VIR_MIGRATE_LIVE | VIR_MIGRATE_PEER2PEER);
    return NULL;
}

static int told;

static void count_error(void *opaque, virErrorPtr error)
{
    (void)opaque;
    (void)error;
    told++;
}

/** Asks both ends while it goes on, and ends it. */
static void look_and_abort(virDomainPtr dom, virConnectPtr peer, struct watch *here, struct watch *there)
{
    struct moving moving = { dom, 0 };
    pthread_t thread;
    virDomainPtr incoming;

    CHECK_INT(virDomainMigrateSetMaxSpeed(dom, 1, 0), 0);
    CHECK_INT(pthread_create(&thread, NULL, move, &moving), 0);
    await_note(here, "migration-1 running;");
    await_note(there, "migration-in-1 running;");
    CHECK_STR(listed(dom, 0), "migration-1 1 running;");
    incoming = domain_of(peer, "moved");
    virSetErrorFunc(NULL, count_error);
    CHECK_STR(listed(incoming, 0), "migration-in-1 15 running;");
    CHECK_INT(told, 0);
    quiet_errors();
    virDomainFree(incoming);

    await_figure(dom, "migration-1", "<processed unit='bytes'>");
    await_figure(dom, "migration-1", "<iteration>");
    CHECK_INT(virDomainJobControl(dom, "migration-1", VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_INT(moving.result, -1);
    await_note(here, "migration-1 aborted;");
    await_note(there, "migration-in-1 failed;");
    CHECK_STR(listed(dom, 0), "");
    CHECK_INT(virDomainIsActive(dom), 1);
}

int main(void)
{
    virConnectPtr conn, peer;
    virDomainPtr dom;
    struct watch here, there;
    struct moving moving;
    pthread_t thread;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    conn = open_real();
    peer = open_world(getenv("PEER_URI"));
    quiet_errors();
    watch_real(&here, conn, NULL);
    watch_real(&there, peer, NULL);
    dom = start_full(conn, "moved");
    look_and_abort(dom, peer, &here, &there);

    CHECK_INT(virDomainMigrateSetMaxSpeed(dom, 1000, 0), 0);
    moving.dom = dom;
    CHECK_INT(pthread_create(&thread, NULL, move, &moving), 0);
    await_note(&here, "migration-2 completed;");
    await_note(&there, "completed;");
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_INT(moving.result, 0);
    virDomainFree(dom);

    dom = domain_of(peer, "moved");
    CHECK_STR(listed(dom, 0), "");
    run_loop_for_what_waits();
    CHECK_STR(here.seen, "migration-1 running;migration-1 aborted;migration-2 running;migration-2 completed;");
    CHECK_STR(there.seen, "migration-in-1 running;migration-in-1 failed;migration-in-2 running;migration-in-2 completed;");
    watch_end(&here);
    watch_end(&there);
    end_machine(dom);
    return 0;
}
