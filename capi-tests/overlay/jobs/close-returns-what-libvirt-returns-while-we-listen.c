/*
 * Who asks for jobs while an event loop runs is listened for, which holds the connection in libvirt; and yet each
 * virConnectClose returns what it returns without us, and the last one closes the connection: with domains and callbacks
 * that are left, from inside callbacks, by many threads while things happen. Who does not ask is not listened for.
 */

#include <pthread.h>

#include "overlay/jobs/machine.h"

#define ROUNDS 10

static volatile int over;
static virDomainPtr machine;

static void *run_loop(void *opaque)
{
    (void)opaque;
    while (!over)
        CHECK_INT(virEventRunDefaultImpl(), 0);
    return NULL;
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    (void)conn, (void)dom, (void)event, (void)detail, (void)opaque;
    return 0;
}

static int subscribe(virConnectPtr conn)
{
    return virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), NULL, NULL);
}

/** A connection that is listened on if a loop is there. */
static virConnectPtr open_and_ask(void)
{
    virConnectPtr conn = open_real();

    CHECK(virConnectListAllDomainJobs(conn, NULL, 0) >= 0);
    return conn;
}

/** Waits until so many descriptors are open: the loop gives some back in its next round. */
static void await_descriptors(int n)
{
    int i;

    for (i = 0; i < SOON / 10 && entries("/proc/self/fd") > n; i++)
        usleep(10000);
    CHECK_INT(entries("/proc/self/fd"), n);
}

/** libvirt numbers the callbacks of a connection from 0. */
static void who_is_listened_for(void)
{
    virConnectPtr conn = open_real();
    int id = subscribe(conn);

    CHECK_INT(id, 0);
    CHECK(virDomainGetState(machine, &id, NULL, 0) == 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, 0), 0);
    CHECK_INT(virConnectClose(conn), 0);

    conn = open_and_ask();
    CHECK((id = subscribe(conn)) > 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, id), 0);
    CHECK_INT(virConnectClose(conn), 0);
}

static void what_holds_a_connection(int descriptors)
{
    virConnectPtr conn = open_and_ask();
    virDomainPtr dom;

    CHECK_INT(virConnectRef(conn), 0);
    CHECK_INT(virConnectClose(conn), 1);
    CHECK(virConnectListAllDomainJobs(conn, NULL, 0) >= 0);
    CHECK_INT(virConnectClose(conn), 0);
    await_descriptors(descriptors);

    conn = open_and_ask();
    CHECK((dom = virDomainLookupByName(conn, "closed")) != NULL);
    CHECK_INT(virConnectClose(conn), 1);
    CHECK(virDomainJobList(dom, NULL, 0) >= 0);
    CHECK_INT(virDomainFree(dom), 0);
    await_descriptors(descriptors);
}

struct closer {
    virConnectPtr conn;
    int id;
    volatile int result;
};

static int close_on_event(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    struct closer *closer = opaque;

    (void)dom, (void)event, (void)detail;
    if (closer->result < 0) {
        CHECK(conn == closer->conn);
        CHECK_INT(virConnectDomainEventDeregisterAny(conn, closer->id), 0);
        closer->result = virConnectClose(conn);
    }
    return 0;
}

static void close_on_timer(int timer, void *opaque)
{
    struct closer *closer = opaque;

    CHECK_INT(virEventRemoveTimeout(timer), 0);
    closer->result = virConnectClose(closer->conn);
}

static int result_of(struct closer *closer)
{
    int i;

    for (i = 0; i < SOON / 10 && closer->result < 0; i++)
        usleep(10000);
    return closer->result;
}

static void closed_inside_callbacks(int descriptors)
{
    struct closer closer = { open_and_ask(), 0, -1 };

    CHECK(virEventAddTimeout(0, close_on_timer, &closer, NULL) >= 0);
    CHECK_INT(result_of(&closer), 0);
    await_descriptors(descriptors);

    /* The callback that runs still holds it, as it does without us. */
    closer.conn = open_and_ask();
    closer.result = -1;
    closer.id = virConnectDomainEventRegisterAny(closer.conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(close_on_event),
                                                 &closer, NULL);
    CHECK(closer.id >= 0);
    CHECK_INT(virDomainSuspend(machine), 0);
    CHECK_INT(virDomainResume(machine), 0);
    CHECK_INT(result_of(&closer), 1);
    await_descriptors(descriptors);
}

static void *open_and_close(void *opaque)
{
    int i;

    (void)opaque;
    for (i = 0; i < ROUNDS; i++)
        CHECK_INT(virConnectClose(open_and_ask()), 0);
    return NULL;
}

static void by_threads_while_things_happen(int descriptors)
{
    pthread_t threads[4];
    size_t i;

    for (i = 0; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, open_and_close, NULL), 0);
    for (i = 0; i < ROUNDS; i++) {
        CHECK_INT(virDomainSuspend(machine), 0);
        CHECK_INT(virDomainResume(machine), 0);
    }
    for (i = 0; i < 4; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    await_descriptors(descriptors);
}

static void count_error(void *opaque, virErrorPtr error)
{
    (void)error;
    ++*(int *)opaque;
}

/** Of what goes wrong with registrations that are not its own the program hears nothing. */
static void once_libvirtd_is_gone(void)
{
    virConnectPtr conn = open_and_ask();
    int errors = 0;

    virSetErrorFunc(&errors, count_error);
    CHECK(virDomainLookupByName(conn, "nobody") == NULL);
    CHECK_INT(errors, 1);
    daemon_is("kill");
    CHECK_INT(virConnectClose(conn), 0);
    CHECK_INT(errors, 1);
    virSetErrorFunc(NULL, NULL);
    daemon_is("revive");
}

int main(void)
{
    virConnectPtr conn;
    pthread_t loop;
    int descriptors;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK_INT(pthread_create(&loop, NULL, run_loop, NULL), 0);
    conn = open_real();
    machine = start_machine(conn, "closed", 1);
    descriptors = entries("/proc/self/fd");

    who_is_listened_for();
    await_descriptors(descriptors);
    what_holds_a_connection(descriptors);
    closed_inside_callbacks(descriptors);
    by_threads_while_things_happen(descriptors);

    end_machine(machine);
    CHECK_INT(virConnectClose(conn), 0);
    once_libvirtd_is_gone();
    over = 1;
    CHECK(virEventAddTimeout(0, machine_tick, NULL, NULL) >= 0);
    CHECK_INT(pthread_join(loop, NULL), 0);
    return 0;
}
