/*
 * Nobody is called from inside a call, nor from a thread of the library: events wait until the application's loop runs,
 * and come on its thread.
 */

#include <pthread.h>

#include "watch.h"

static pthread_t loop_thread;
static int calls, frees;

static void on_state(virConnectPtr conn, virDomainPtr dom, const char *name, virDomainJobType type, virDomainJobState state,
                     void *opaque)
{
    (void)conn;
    (void)dom;
    (void)name;
    (void)type;
    (void)state;
    (void)opaque;
    CHECK(pthread_equal(pthread_self(), loop_thread));
    __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
}

static void on_free(void *opaque)
{
    (void)opaque;
    __atomic_add_fetch(&frees, 1, __ATOMIC_SEQ_CST);
}

static void *run_the_loop(void *opaque)
{
    const struct watch nobody = {0};
    int timer;

    (void)opaque;
    loop_thread = pthread_self();
    CHECK((timer = virEventAddTimeout(SOON, on_patience_ends, (void *)&nobody, NULL)) >= 0);
    while (__atomic_load_n(&calls, __ATOMIC_SEQ_CST) < 4)
        CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_INT(virEventRemoveTimeout(timer), 0);
    return NULL;
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    pthread_t thread;
    char *name;
    int id;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    CHECK((id = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_JOB_STATE, VIR_DOMAIN_EVENT_CALLBACK(on_state),
                                                 NULL, on_free)) >= 0);
    end_job(dom, start_endless(dom, "vda", 0));
    name = start_short(dom, "vda", 0);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_COMPLETED);
    CHECK_INT(__atomic_load_n(&calls, __ATOMIC_SEQ_CST), 0);

    CHECK_INT(pthread_create(&thread, NULL, run_the_loop, NULL), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_INT(calls, 4);
    CHECK_INT(frees, 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, id), 0);
    CHECK_INT(frees, 1);
    free(name);
    close_world(dom, conn);
    return 0;
}
