/* Threads that end with an error still set, or with a job started last, leave nothing behind that hurts the others. */

#include <pthread.h>

#include "world.h"

#define THREADS 50

static virConnectPtr conn;

static void *leave_an_error(void *opaque)
{
    virDomainPtr dom = domain_of(conn, "test");

    (void)opaque;
    free(start_endless(dom, "vda", VIR_DOMAIN_JOB_START_PARALLEL));
    CHECK_INT(virDomainFree(dom), 0);
    CHECK(virDomainLookupByName(conn, "nobody") == NULL);
    return virGetLastError() ? NULL : &conn;
}

int main(void)
{
    virDomainPtr dom;
    pthread_t thread;
    void *result;
    int i;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    for (i = 0; i < THREADS; i++) {
        CHECK_INT(pthread_create(&thread, NULL, leave_an_error, NULL), 0);
        CHECK_INT(pthread_join(thread, &result), 0);
        CHECK(result == NULL);
        CHECK(virGetLastError() == NULL);
    }
    dom = domain_of(conn, "test");
    CHECK_INT(virDomainJobList(dom, NULL, 0), THREADS);
    CHECK(virDomainJobLastStarted(dom, 0) == NULL);
    close_world(dom, conn);
    return 0;
}
