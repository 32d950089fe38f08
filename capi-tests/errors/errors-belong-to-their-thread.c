/* What goes wrong in one thread is not seen in another, and goes away with the thread. */

#include <pthread.h>

#include "world.h"

#define THREADS 8

static virConnectPtr conn;
static pthread_barrier_t together;

static void *fail_in_a_way_of_its_own(void *opaque)
{
    int number = *(int *)opaque, round;
    char name[32], words[64];

    CHECK(virGetLastError() == NULL);
    snprintf(name, sizeof(name), "nobody-%d", number);
    snprintf(words, sizeof(words), "no domain with matching name '%s'", name);
    for (round = 0; round < 50; round++) {
        CHECK(virDomainLookupByName(conn, name) == NULL);
        pthread_barrier_wait(&together);
        CHECK_ERROR_SAYS(VIR_ERR_NO_DOMAIN, words);
        pthread_barrier_wait(&together);
        CHECK(virGetLastError() == NULL);
    }
    CHECK(virDomainLookupByName(conn, name) == NULL);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    int numbers[THREADS], i;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    CHECK(virDomainLookupByName(conn, NULL) == NULL);
    CHECK_INT(pthread_barrier_init(&together, NULL, THREADS), 0);
    for (i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CHECK_INT(pthread_create(&threads[i], NULL, fail_in_a_way_of_its_own, &numbers[i]), 0);
    }
    for (i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    pthread_barrier_destroy(&together);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
