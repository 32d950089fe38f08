/*
 * Whoever waits for a job is told that it has failed when its domain is destroyed, and so is who comes later; with or without a
 * callback for JOB_STATE.
 */

#include <pthread.h>

#include "overlay/jobs/machine.h"

struct waiter {
    virDomainPtr dom;
    const char *name;
    int reached;
    char error[512];
};

static void *wait_for_end(void *opaque)
{
    struct waiter *waiter = opaque;

    waiter->reached = virDomainJobWait(waiter->dom, waiter->name, 0, SOON, 0);
    snprintf(waiter->error, sizeof(waiter->error), "%s", virGetLastErrorMessage());
    return NULL;
}

static void destroy_under_waiter(virConnectPtr conn, const char *domain)
{
    virDomainPtr dom = start_machine(conn, domain, 1);
    struct waiter waiter = { dom, NULL, 0, "" };
    pthread_t thread;
    char *name;

    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);
    CHECK_INT(virDomainBlockPull(dom, "vda", SLOW, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES), 0);
    waiter.name = name = last_started(dom);
    CHECK_INT(pthread_create(&thread, NULL, wait_for_end, &waiter), 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, 100, 0), 0);
    CHECK_INT(virDomainDestroy(dom), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_STR(waiter.reached == -1 ? waiter.error : "", "");
    CHECK_INT(waiter.reached, VIR_DOMAIN_JOB_STATE_FAILED);
    CHECK_INT(virDomainJobWait(dom, name, 0, 0, 0), VIR_DOMAIN_JOB_STATE_FAILED);
    free(name);
    virDomainFree(dom);
}

static int stop;

static void *run_loop(void *opaque)
{
    (void)opaque;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        CHECK_INT(virEventRunDefaultImpl(), 0);
    return NULL;
}

static void on_tick(int timer, void *opaque)
{
    (void)timer, (void)opaque;
}

static void on_state(virConnectPtr conn, virDomainPtr dom, const char *name, virDomainJobType type, virDomainJobState state, void *opaque)
{
    (void)conn, (void)dom, (void)name, (void)type, (void)state, (void)opaque;
}

int main(void)
{
    virConnectPtr conn;
    pthread_t loop;
    int id;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK(virEventAddTimeout(100, on_tick, NULL, NULL) >= 0);
    conn = open_real();
    quiet_errors();
    CHECK_INT(pthread_create(&loop, NULL, run_loop, NULL), 0);

    destroy_under_waiter(conn, "unheard");
    id = virConnectDomainEventRegisterAny(conn, NULL, REAL_JOB_STATE, VIR_DOMAIN_EVENT_CALLBACK(on_state), NULL, NULL);
    CHECK(id >= 0);
    destroy_under_waiter(conn, "heard");

    CHECK_INT(virConnectDomainEventDeregisterAny(conn, id), 0);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    CHECK_INT(pthread_join(loop, NULL), 0);
    return 0;
}
