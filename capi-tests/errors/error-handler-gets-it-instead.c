/*
 * A handler is told of errors in place of stderr: that of the connection if it has one, else the global one. It is told
 * once of each, on the thread that made the call, with the error that the thread also finds afterwards.
 */

#include <pthread.h>

#include "world.h"

struct told {
    int times;
    int code;
    char message[256];
    pthread_t thread;
};

static void on_error(void *opaque, virErrorPtr error)
{
    struct told *told = opaque;

    told->times++;
    told->code = error->code;
    snprintf(told->message, sizeof(told->message), "%s", error->message);
    told->thread = pthread_self();
    CHECK(error == virGetLastError());
}

int main(void)
{
    struct told global = {0}, own = {0};
    virConnectPtr conn, other;
    virDomainPtr dom;

    virSetErrorFunc(&global, on_error);
    conn = open_world(DEFAULT_URI);
    other = open_world(DEFAULT_URI);
    CHECK(virDomainLookupByName(conn, "nobody") == NULL);
    CHECK_INT(global.times, 1);
    CHECK_INT(global.code, VIR_ERR_NO_DOMAIN);
    CHECK_STR(global.message, virGetLastErrorMessage());
    CHECK(pthread_equal(global.thread, pthread_self()));

    virConnSetErrorFunc(conn, &own, on_error);
    CHECK(virDomainLookupByName(conn, "somebody") == NULL);
    CHECK_INT(own.times, 1);
    CHECK_HAS(own.message, "'somebody'");
    CHECK_INT(global.times, 1);
    CHECK(virDomainLookupByName(other, "nobody") == NULL);
    CHECK_INT(own.times, 1);
    CHECK_INT(global.times, 2);

    /* What happens to a domain is the business of its connection. */
    dom = domain_of(conn, "test");
    CHECK_INT(virDomainJobControl(dom, "no-such-job", ABORT, 0), -1);
    CHECK_INT(own.times, 2);
    CHECK_INT(own.code, VIR_ERR_NO_DOMAIN_JOB);
    CHECK_INT(global.times, 2);

    /* Without a connection to tell there is the global handler. */
    CHECK(virConnectOpen("test+jobs:///no/such/file") == NULL);
    CHECK_INT(global.times, 3);
    CHECK_INT(virDomainFree(NULL), -1);
    CHECK_INT(global.times, 4);

    virConnSetErrorFunc(conn, NULL, NULL);
    CHECK(virDomainLookupByName(conn, "nobody") == NULL);
    CHECK_INT(own.times, 2);
    CHECK_INT(global.times, 5);
    CHECK_INT(virConnectClose(other), 0);
    close_world(dom, conn);
    CHECK_INT(global.times, 5);
    return 0;
}
