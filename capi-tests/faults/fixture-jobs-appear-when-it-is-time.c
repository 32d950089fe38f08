/* A job that somebody else starts later is seen when it appears, under the id that it has there. */

#include "watch.h"

int main(void)
{
    struct watch watch;
    virConnectPtr conn;
    virDomainPtr dom;
    virDomainJobPtr *jobs;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    conn = open_fixture(FIXTURE("<jobs:job id='nightly &lt;1&gt;' type='block-backup' disk='vda' bandwidth='1' start='1s'/>"
                                "<jobs:job id='vendor' type='defragment' size='1MiB' bandwidth='1' start='800ms'/>"));
    dom = domain_of(conn, "test");
    watch_jobs(&watch, conn);
    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);
    watch_until(&watch, 2);
    CHECK_STR(watch.seen, "vendor running;nightly <1> running;");
    CHECK_INT(virDomainJobList(dom, &jobs, 0), 2);
    CHECK_STR(jobs[0]->name, "vendor");
    CHECK_INT(jobs[0]->type, VIR_DOMAIN_JOB_TYPE_OTHER);
    CHECK_STR(jobs[1]->name, "nightly <1>");
    CHECK_INT(jobs[1]->type, VIR_DOMAIN_JOB_TYPE_BLOCK_BACKUP);
    free_jobs(jobs);
    end_job(dom, strdup("nightly <1>"));
    run_loop_for_what_waits();
    CHECK_STR(watch.seen, "vendor running;nightly <1> running;nightly <1> aborted;");
    watch_end(&watch);
    close_world(dom, conn);
    return 0;
}
