/* Who subscribes hears of what happens from then on: not of the past, nor of what happened between two subscriptions. */

#include "watch.h"

int main(void)
{
    struct watch watch;
    virConnectPtr conn;
    virDomainPtr dom;
    char *name, wanted[256];

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    name = start_endless(dom, "vda", 0);
    watch_jobs(&watch, conn);
    CHECK_INT(control(dom, name, PAUSE), 0);
    run_loop_for_what_waits();
    snprintf(wanted, sizeof(wanted), "%s paused;", name);
    CHECK_STR(watch.seen, wanted);
    watch_end(&watch);

    CHECK_INT(control(dom, name, RESUME), 0);
    run_loop_for_what_waits();
    watch_jobs(&watch, conn);
    CHECK_INT(control(dom, name, ABORT), 0);
    run_loop_for_what_waits();
    snprintf(wanted, sizeof(wanted), "%s aborted;", name);
    CHECK_STR(watch.seen, wanted);
    watch_end(&watch);
    free(name);
    close_world(dom, conn);
    return 0;
}
