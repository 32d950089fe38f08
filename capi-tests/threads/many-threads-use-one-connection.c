/*
 * Sixteen threads share one connection, and each makes all kinds of calls on it while a loop delivers their events: none
 * crashes, deadlocks, or fails for another reason than that somebody else was faster.
 */

#include <pthread.h>

#include "watch.h"

#define THREADS 16
#define ROUNDS 12

static virConnectPtr conn;
static int quit, begun, ended;

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

static void count_event(virConnectPtr c, virDomainPtr dom, const char *name, virDomainJobType type, virDomainJobState state,
                        void *opaque)
{
    CHECK(c == conn);
    CHECK(name && *name);
    CHECK(type != VIR_DOMAIN_JOB_TYPE_NONE && state != VIR_DOMAIN_JOB_STATE_NONE);
    CHECK_STR(virDomainGetName(dom), "test");
    __atomic_add_fetch((int *)opaque, 1, __ATOMIC_SEQ_CST);
}

/** Only the loop's thread counts here. */
static void count_jobs(virConnectPtr c, virDomainPtr dom, const char *name, virDomainJobType type, virDomainJobState state,
                       void *opaque)
{
    (void)c;
    (void)dom;
    (void)type;
    (void)opaque;
    begun += state == VIR_DOMAIN_JOB_STATE_RUNNING;
    begun -= state == VIR_DOMAIN_JOB_STATE_PAUSED;
    ended += state == VIR_DOMAIN_JOB_STATE_ABORTED;
    CHECK(strncmp(name, "block-pull-", 11) == 0);
}

/** A call that others may have been faster for. */
static void may_be_late(int result)
{
    int code = virGetLastErrorCode();

    CHECK(result >= 0 || code == VIR_ERR_NO_DOMAIN_JOB || code == VIR_ERR_OPERATION_INVALID ||
          code == VIR_ERR_OPERATION_UNSUPPORTED || code == VIR_ERR_BLOCK_COPY_ACTIVE || code == VIR_ERR_INVALID_ARG);
    virResetLastError();
}

static void look_around(virDomainPtr dom)
{
    virDomainBlockJobInfo info;
    virDomainJobPtr *jobs;
    virDomainPtr *doms;
    int i, count;
    char *xml;

    CHECK((count = virDomainJobList(dom, &jobs, VIR_DOMAIN_JOB_LIST_STATS | VIR_DOMAIN_JOB_LIST_XML)) >= 0);
    for (i = 0; i < count; i++) {
        xml = virDomainJobGetXMLDesc(dom, jobs[i]->name, i % 2 ? VIR_DOMAIN_JOB_XML_NO_STATS : 0);
        may_be_late(xml ? 0 : -1);
        free(xml);
    }
    free_jobs(jobs);
    CHECK_INT(virConnectListAllDomains(conn, &doms, 0), 1);
    CHECK_INT(virDomainFree(doms[0]), 0);
    free(doms);
    CHECK((xml = virDomainGetXMLDesc(dom, 0)) != NULL);
    free(xml);
    CHECK(virDomainGetBlockJobInfo(dom, "vda", &info, 0) >= 0);
    CHECK(virConnectListAllDomainJobs(conn, NULL, 0) >= 0);
}

static void *work(void *opaque)
{
    int number = *(int *)opaque, round, id, events = 0;
    virDomainPtr dom;
    char *name;

    CHECK(virConnectRef(conn) == 0);
    for (round = 0; round < ROUNDS; round++) {
        dom = domain_of(conn, "test");
        /* Each thread has a registration of its own for a moment; a second one for the same would be refused. */
        id = virConnectDomainEventRegisterAny(conn, number % 2 ? dom : NULL, VIR_DOMAIN_EVENT_ID_JOB_STATE,
                                              VIR_DOMAIN_EVENT_CALLBACK(count_event), &events, NULL);
        may_be_late(id);
        name = start_endless(dom, number % 3 ? "vda" : "vdb",
                             VIR_DOMAIN_JOB_START_PARALLEL | (round % 4 ? 0 : VIR_DOMAIN_JOB_START_PERSIST));
        look_around(dom);
        CHECK_INT(control(dom, name, PAUSE), 0);
        CHECK_INT(virDomainJobWait(dom, name, VIR_DOMAIN_JOB_STATE_BIT(VIR_DOMAIN_JOB_STATE_PAUSED), SOON, 0),
                  VIR_DOMAIN_JOB_STATE_PAUSED);
        CHECK_INT(virDomainJobSetSpeed(dom, name, 1 + (unsigned int)round, 0), 0);
        CHECK_INT(control(dom, name, RESUME), 0);
        may_be_late(virDomainBlockPull(dom, "vdb", 1, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
        may_be_late(virDomainBlockJobSetSpeed(dom, "vdb", 2, 0));
        CHECK_INT(virDomainJobList(dom, NULL, 1 << 20), -1);
        CHECK_ERROR(VIR_ERR_INVALID_ARG);
        CHECK_INT(control(dom, name, ABORT), 0);
        CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_ABORTED);
        if (round % 4 == 0)
            CHECK_INT(control(dom, name, DISMISS), 0);
        free(name);
        if (id >= 0)
            CHECK_INT(virConnectDomainEventDeregisterAny(conn, id), 0);
        CHECK_INT(virDomainFree(dom), 0);
    }
    CHECK(virConnectClose(conn) == 1);
    return NULL;
}

int main(void)
{
    pthread_t loop, threads[THREADS];
    int numbers[THREADS], i, id;
    virDomainJobPtr *jobs;
    virDomainPtr dom;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    quiet_errors();
    conn = open_world(DEFAULT_URI);
    CHECK((id = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_JOB_STATE,
                                                 VIR_DOMAIN_EVENT_CALLBACK(count_jobs), NULL, NULL)) >= 0);
    CHECK_INT(pthread_create(&loop, NULL, run_loop, NULL), 0);
    for (i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CHECK_INT(pthread_create(&threads[i], NULL, work, &numbers[i]), 0);
    }
    for (i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);

    /* What the plain pulls left. */
    dom = domain_of(conn, "test");
    CHECK(virDomainJobList(dom, &jobs, 0) >= 0);
    for (i = 0; jobs[i]; i++)
        may_be_late(control(dom, jobs[i]->name, ABORT));
    free_jobs(jobs);
    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);
    CHECK(virEventAddTimeout(0, on_quit, NULL, NULL) > 0);
    CHECK_INT(pthread_join(loop, NULL), 0);
    run_loop_for_what_waits();
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, id), 0);
    CHECK(begun >= THREADS * ROUNDS);
    CHECK_INT(ended, begun);
    close_world(dom, conn);
    return 0;
}
