/* Jobs are listed in the order in which they began, whatever their disks, types and states, and others ending. */

#include "world.h"

#define JOBS 6

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);
    virDomainPtr dom = domain_of(conn, "test");
    virDomainJobPtr *jobs;
    char *names[JOBS];
    int i;

    for (i = 0; i < JOBS; i++)
        names[i] = start_endless(dom, i % 2 ? "vda" : "vdb", VIR_DOMAIN_JOB_START_PARALLEL | VIR_DOMAIN_JOB_START_PERSIST);
    CHECK_INT(control(dom, names[1], PAUSE), 0);
    CHECK_INT(control(dom, names[2], ABORT), 0);
    CHECK_INT(control(dom, names[4], ABORT), 0);
    CHECK_INT(control(dom, names[4], DISMISS), 0);

    CHECK_INT(virDomainJobList(dom, &jobs, 0), JOBS - 1);
    for (i = 0; i < JOBS - 1; i++)
        CHECK_STR(jobs[i]->name, names[i < 4 ? i : i + 1]);
    CHECK_INT(jobs[1]->state, VIR_DOMAIN_JOB_STATE_PAUSED);
    CHECK_INT(jobs[2]->state, VIR_DOMAIN_JOB_STATE_ABORTED);
    free_jobs(jobs);
    for (i = 0; i < JOBS; i++)
        free(names[i]);
    close_world(dom, conn);
    return 0;
}
