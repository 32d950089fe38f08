/* Threads open, use and close connections to the shared world and to worlds of their own at the same time. */

#include <pthread.h>

#include "world.h"

#define THREADS 8
#define ROUNDS 25

static void *come_and_go(void *opaque)
{
    const char *uri = opaque;
    virConnectPtr mine;
    virDomainPtr dom;
    int round;

    for (round = 0; round < ROUNDS; round++) {
        mine = open_world(round % 2 ? DEFAULT_URI : uri);
        dom = domain_of(mine, "test");
        end_job(dom, start_endless(dom, "vda", VIR_DOMAIN_JOB_START_PARALLEL));
        if (round % 3 == 0) {
            CHECK_INT(virConnectClose(mine), 1);
            CHECK_INT(virDomainIsActive(dom), 1);
            CHECK_INT(virDomainFree(dom), 0);
        } else {
            close_world(dom, mine);
        }
    }
    return NULL;
}

int main(void)
{
    char path[512], uri[512];
    pthread_t threads[THREADS];
    int i;

    write_fixture(FIXTURE(""), path, uri, sizeof(path));
    for (i = 0; i < THREADS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, come_and_go, uri), 0);
    for (i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    CHECK_INT(unlink(path), 0);
    return 0;
}
