/* A wait that has begun goes on to its end though others give up the domain and the connection meanwhile. */

#include <pthread.h>

#include "world.h"

static virDomainPtr dom;
static char *name;

static void *wait_for_the_end(void *opaque)
{
    *(int *)opaque = virDomainJobWait(dom, name, 0, SOON, 0);
    return NULL;
}

int main(void)
{
    virConnectPtr conn, other;
    virDomainPtr same;
    pthread_t thread;
    int reached = 0;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    other = open_world(DEFAULT_URI);
    same = domain_of(other, "test");
    dom = domain_of(conn, "test");
    name = start_endless(dom, "vda", 0);
    CHECK_INT(pthread_create(&thread, NULL, wait_for_the_end, &reached), 0);
    usleep(10000);
    CHECK_INT(virDomainFree(dom), 0);
    CHECK(virConnectClose(conn) >= 0);
    CHECK_INT(control(same, name, ABORT), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    /* On a busy machine the thread may have come too late, to a handle that was gone. */
    CHECK(reached == VIR_DOMAIN_JOB_STATE_ABORTED || reached == -1);
    free(name);
    close_world(same, other);
    return 0;
}
