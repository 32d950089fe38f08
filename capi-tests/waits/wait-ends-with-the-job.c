/*
 * Whatever state was asked for, a wait ends when the job does, and says how. That can be asked for later, too, when the
 * job is no longer listed.
 */

#include <pthread.h>

#include "world.h"

#define BIT VIR_DOMAIN_JOB_STATE_BIT
#define WAITERS 4

static virDomainPtr dom;
static char *name;

static void *wait_for_ready(void *opaque)
{
    *(int *)opaque = virDomainJobWait(dom, name, BIT(VIR_DOMAIN_JOB_STATE_READY), SOON, 0);
    return NULL;
}

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);
    pthread_t threads[WAITERS];
    int reached[WAITERS] = {0}, i;

    dom = domain_of(conn, "test");
    name = start_short(dom, "vda", 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_COMPLETED);
    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, 0, 0), VIR_DOMAIN_JOB_STATE_COMPLETED);
    CHECK_INT(virDomainJobWait(dom, name, BIT(VIR_DOMAIN_JOB_STATE_PAUSED), -1, 0), VIR_DOMAIN_JOB_STATE_COMPLETED);
    free(name);

    /* All who wait hear of it. */
    name = start_endless(dom, "vda", 0);
    for (i = 0; i < WAITERS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, wait_for_ready, &reached[i]), 0);
    CHECK_INT(control(dom, name, ABORT), 0);
    for (i = 0; i < WAITERS; i++) {
        CHECK_INT(pthread_join(threads[i], NULL), 0);
        CHECK_INT(reached[i], VIR_DOMAIN_JOB_STATE_ABORTED);
    }
    free(name);

    /* Also when the domain takes its jobs with it. */
    name = start_endless(dom, "vda", 0);
    CHECK_INT(pthread_create(&threads[0], NULL, wait_for_ready, &reached[0]), 0);
    CHECK_INT(virDomainDestroy(dom), 0);
    CHECK_INT(pthread_join(threads[0], NULL), 0);
    CHECK_INT(reached[0], VIR_DOMAIN_JOB_STATE_FAILED);
    CHECK_INT(virDomainJobWait(dom, name, 0, 0, 0), VIR_DOMAIN_JOB_STATE_FAILED);
    free(name);
    close_world(dom, conn);
    return 0;
}
