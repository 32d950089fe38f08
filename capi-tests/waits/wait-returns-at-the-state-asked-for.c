/* A wait ends when the job is in one of the states of the mask, at once if it is already, and says which it is. */

#include <pthread.h>

#include "world.h"

#define BIT VIR_DOMAIN_JOB_STATE_BIT
#define RUNNING VIR_DOMAIN_JOB_STATE_RUNNING
#define READY VIR_DOMAIN_JOB_STATE_READY
#define PAUSED VIR_DOMAIN_JOB_STATE_PAUSED

struct waiter {
    virDomainPtr dom;
    const char *name;
    unsigned int states;
    int reached;
};

static void *wait_for_it(void *opaque)
{
    struct waiter *waiter = opaque;

    waiter->reached = virDomainJobWait(waiter->dom, waiter->name, waiter->states, SOON, 0);
    return NULL;
}

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);
    virDomainPtr dom = domain_of(conn, "test");
    struct waiter waiter = { dom, NULL, BIT(PAUSED) | BIT(READY), 0 };
    pthread_t thread;
    char *name;

    name = start_endless(dom, "vda", 0);
    CHECK_INT(virDomainJobWait(dom, name, BIT(RUNNING), 0, 0), RUNNING);
    CHECK_INT(virDomainJobWait(dom, name, BIT(RUNNING) | BIT(PAUSED), -1, 0), RUNNING);

    /* Somebody who waits already is woken. */
    waiter.name = name;
    CHECK_INT(pthread_create(&thread, NULL, wait_for_it, &waiter), 0);
    usleep(10000);
    CHECK_INT(control(dom, name, PAUSE), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_INT(waiter.reached, PAUSED);
    CHECK_INT(virDomainJobWait(dom, name, BIT(PAUSED), -1, 0), PAUSED);
    CHECK_INT(virDomainJobWait(dom, name, BIT(RUNNING), 10, 0), 0);
    CHECK_INT(control(dom, name, RESUME), 0);
    CHECK_INT(virDomainJobWait(dom, name, BIT(RUNNING), SOON, 0), RUNNING);
    end_job(dom, name);

    CHECK_INT(virDomainBlockCopy(dom, "vda", "<disk type='file'><source file='/copy'/></disk>", NULL, 0, 0), 0);
    name = last_started(dom);
    CHECK_INT(virDomainJobWait(dom, name, BIT(READY) | BIT(PAUSED), SOON, 0), READY);
    CHECK_INT(control(dom, name, FINALIZE), 0);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_COMPLETED);
    free(name);
    close_world(dom, conn);
    return 0;
}
