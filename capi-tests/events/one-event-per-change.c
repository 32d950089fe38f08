/* Every change of state is told once; a request that is refused or changes nothing is not told at all. */

#include "watch.h"

int main(void)
{
    struct watch watch;
    virConnectPtr conn;
    virDomainPtr dom;
    char *name, wanted[2048] = "";
    int i;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    watch_jobs(&watch, conn);

    name = start_endless(dom, "vda", 0);
    sprintf(wanted, "%s running;", name);
    for (i = 0; i < 10; i++) {
        CHECK_INT(control(dom, name, RESUME), -1);
        CHECK_INT(control(dom, name, FINALIZE), -1);
        CHECK_INT(control(dom, name, DISMISS), -1);
        CHECK_INT(control(dom, name, PAUSE), 0);
        CHECK_INT(control(dom, name, PAUSE), -1);
        CHECK_INT(virDomainJobSetSpeed(dom, name, 1 + (unsigned int)i, 0), 0);
        CHECK_INT(virDomainJobList(dom, NULL, VIR_DOMAIN_JOB_LIST_STATS), 1);
        CHECK_INT(control(dom, name, RESUME), 0);
        sprintf(wanted + strlen(wanted), "%s paused;%s running;", name, name);
    }
    CHECK_INT(control(dom, name, ABORT), 0);
    CHECK_INT(control(dom, name, ABORT), -1);
    sprintf(wanted + strlen(wanted), "%s aborted;", name);
    run_loop_for_what_waits();
    CHECK_STR(watch.seen, wanted);
    free(name);
    watch_end(&watch);
    close_world(dom, conn);
    return 0;
}
