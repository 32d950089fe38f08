/*
 * Threads register, make events and deregister while another one runs the loop: every registration is freed once, and
 * nobody is called after that.
 */

#include <pthread.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"
#include "events.h"

#define THREADS 2
#define VISITS 200

struct visit {
    int freed;
    int calls;
};

static struct visit visits[THREADS][VISITS];
static virConnectPtr conn;
static int quit;

static int on_event(virConnectPtr c, virDomainPtr dom, int event, int detail, void *opaque)
{
    struct visit *visit = opaque;

    (void)event;
    (void)detail;
    CHECK(c == conn);
    CHECK_STR(virDomainGetName(dom), "test");
    CHECK_INT(__atomic_load_n(&visit->freed, __ATOMIC_SEQ_CST), 0);
    visit->calls++;
    return 0;
}

static void on_free(void *opaque)
{
    __atomic_add_fetch(&((struct visit *)opaque)->freed, 1, __ATOMIC_SEQ_CST);
}

static void on_quit(int timer, void *opaque)
{
    (void)timer;
    (void)opaque;
    __atomic_store_n(&quit, 1, __ATOMIC_SEQ_CST);
}

static void *run_loop(void *opaque)
{
    (void)opaque;
    while (!__atomic_load_n(&quit, __ATOMIC_SEQ_CST))
        CHECK_INT(virEventRunDefaultImpl(), 0);
    return NULL;
}

static void *visit(void *opaque)
{
    struct visit *mine = opaque;
    virDomainPtr dom;
    int i;

    CHECK((dom = virDomainLookupByName(conn, "test")) != NULL);
    for (i = 0; i < VISITS; i++) {
        /* One thread listens to all domains, the other to this one: the same twice would be refused. */
        int id = subscribe(conn, mine == visits[0] ? NULL : dom, on_event, &mine[i], on_free);

        CHECK(id >= 0);
        virDomainSuspend(dom);
        virDomainResume(dom);
        CHECK_INT(virConnectDomainEventDeregisterAny(conn, id), 0);
    }
    CHECK_INT(virDomainFree(dom), 0);
    return NULL;
}

int main(void)
{
    pthread_t loop, threads[THREADS];
    int i, j;

    CHECK_INT(virInitialize(), 0);
    quiet_errors();
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK((conn = virConnectOpen("test:///default")) != NULL);
    CHECK_INT(pthread_create(&loop, NULL, run_loop, NULL), 0);
    for (i = 0; i < THREADS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, visit, visits[i]), 0);
    for (i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    CHECK(virEventAddTimeout(0, on_quit, NULL, NULL) > 0);
    CHECK_INT(pthread_join(loop, NULL), 0);
    for (i = 0; i < THREADS; i++)
        for (j = 0; j < VISITS; j++)
            CHECK_INT(visits[i][j].freed, 1);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
