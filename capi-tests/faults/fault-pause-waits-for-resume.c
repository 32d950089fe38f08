/* A job that the hypervisor itself pauses, as when the target is full, is PAUSED with an event, and goes on by request. */

#include "watch.h"

int main(void)
{
    struct watch watch;
    virConnectPtr conn;
    virDomainPtr dom;
    char *name, wanted[256];

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    conn = open_fixture(FIXTURE("<jobs:speed unit='GiB'>1</jobs:speed>"
                                "<jobs:fault type='block-pull' at='4MiB' action='pause'/>"));
    dom = domain_of(conn, "test");
    watch_jobs(&watch, conn);
    name = start_short(dom, "vda", 0);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_PAUSED);
    CHECK_INT(control(dom, name, RESUME), 0);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_COMPLETED);
    run_loop_for_what_waits();
    snprintf(wanted, sizeof(wanted), "%s running;%s paused;%s running;%s completed;", name, name, name, name);
    CHECK_STR(watch.seen, wanted);
    free(name);
    watch_end(&watch);
    close_world(dom, conn);
    return 0;
}
