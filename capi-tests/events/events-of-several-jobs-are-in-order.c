/* What happens to several jobs is told in the order in which it happened. */

#include "watch.h"

int main(void)
{
    struct watch watch;
    virConnectPtr conn;
    virDomainPtr dom;
    char *a, *b, wanted[2048];

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    watch_jobs(&watch, conn);

    a = start_endless(dom, "vda", 0);
    b = start_endless(dom, "vdb", 0);
    CHECK_INT(control(dom, b, PAUSE), 0);
    CHECK_INT(control(dom, a, PAUSE), 0);
    CHECK_INT(control(dom, a, RESUME), 0);
    CHECK_INT(control(dom, b, ABORT), 0);
    CHECK_INT(control(dom, a, ABORT), 0);
    snprintf(wanted, sizeof(wanted), "%s running;%s running;%s paused;%s paused;%s running;%s aborted;%s aborted;", a, b, b, a,
             a, b, a);
    run_loop_for_what_waits();
    CHECK_STR(watch.seen, wanted);
    free(a);
    free(b);

    /* Ends of the clock's making come in the order of time, and all jobs of a domain that stops in that of their age. */
    watch.seen[0] = '\0';
    a = start_endless(dom, "vda", 0);
    b = start_endless(dom, "vdb", 0);
    CHECK_INT(virDomainDestroy(dom), 0);
    snprintf(wanted, sizeof(wanted), "%s running;%s running;%s failed;%s failed;", a, b, a, b);
    run_loop_for_what_waits();
    CHECK_STR(watch.seen, wanted);
    free(a);
    free(b);
    watch_end(&watch);
    close_world(dom, conn);
    return 0;
}
