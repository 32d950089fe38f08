/*
 * Threads that share handles give up and take references at the same time: each handle is freed once, by the last, and
 * those who come too late are told so.
 */

#include <pthread.h>

#include "world.h"

#define THREADS 8
#define ROUNDS 200

static virConnectPtr conn;
static virDomainPtr shared;
static pthread_barrier_t together;
static int taken, freed, late;

static void give_up(void)
{
    if (virDomainFree(shared) == 0) {
        __atomic_add_fetch(&freed, 1, __ATOMIC_SEQ_CST);
    } else {
        CHECK_INT(virGetLastErrorCode(), VIR_ERR_INVALID_DOMAIN);
        __atomic_add_fetch(&late, 1, __ATOMIC_SEQ_CST);
    }
}

static void *free_it(void *opaque)
{
    int round;

    (void)opaque;
    for (round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&together);
        if (virDomainGetName(shared) != NULL)
            virDomainGetID(shared);
        if (virDomainRef(shared) == 0) {
            __atomic_add_fetch(&taken, 1, __ATOMIC_SEQ_CST);
            give_up();
        }
        give_up();
        pthread_barrier_wait(&together);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    int i, round;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    CHECK_INT(pthread_barrier_init(&together, NULL, THREADS + 1), 0);
    for (i = 0; i < THREADS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, free_it, NULL), 0);
    for (round = 0; round < ROUNDS; round++) {
        shared = domain_of(conn, "test");
        /* There are references for half of them. */
        for (i = 1; i < THREADS / 2; i++)
            CHECK_INT(virDomainRef(shared), 0);
        pthread_barrier_wait(&together);
        pthread_barrier_wait(&together);
        CHECK(virDomainGetName(shared) == NULL);
    }
    for (i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    CHECK_INT(freed, ROUNDS * THREADS / 2 + taken);
    CHECK_INT(late, ROUNDS * THREADS / 2);
    pthread_barrier_destroy(&together);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
