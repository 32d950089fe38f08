/* A job that somebody else starts later is seen when it appears, under the id that it has there. */

#include "watch.h"

int main(void)
{
    struct watch watch;
    virConnectPtr conn;
    virDomainPtr dom;
    virDomainJobPtr *jobs;
    long long began;
    int early;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    began = now_ms();
    conn = open_fixture(FIXTURE("<jobs:job id='nightly &lt;1&gt;' type='block-backup' disk='vda' bandwidth='1' start='5s'/>"
                                "<jobs:job id='vendor' type='defragment' size='1MiB' bandwidth='1' start='4s'/>"));
    dom = domain_of(conn, "test");
    watch_jobs(&watch, conn);
    early = virDomainJobList(dom, NULL, 0);
    CHECK(early == 0 || now_ms() - began >= 4000);
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
