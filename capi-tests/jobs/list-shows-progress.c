/* Each listing with STATS has fresh figures; they only rise, and stand still while the job is paused. */

#include "world.h"

static unsigned long long current(virDomainPtr dom)
{
    unsigned long long value = 0;
    virDomainJobPtr *jobs;

    CHECK_INT(virDomainJobList(dom, &jobs, VIR_DOMAIN_JOB_LIST_STATS), 1);
    CHECK_INT(virTypedParamsGetULLong(jobs[0]->data, (int)jobs[0]->ndata, VIR_DOMAIN_JOB_PARAM_CURRENT, &value), 1);
    free_jobs(jobs);
    return value;
}

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);
    virDomainPtr dom = domain_of(conn, "test");
    unsigned long long before = 0, now;
    int steps = 0;
    char *name;

    CHECK_INT(virDomainBlockPull(dom, "vda", 1 << 20, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES), 0);
    name = last_started(dom);
    while (steps < 5) {
        a_moment();
        CHECK((now = current(dom)) >= before);
        steps += now > before;
        before = now;
    }
    CHECK_INT(control(dom, name, PAUSE), 0);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_PAUSED);
    before = current(dom);
    usleep(20000);
    CHECK_INT(current(dom), before);
    CHECK_INT(control(dom, name, RESUME), 0);
    while (current(dom) == before)
        a_moment();
    end_job(dom, name);
    close_world(dom, conn);
    return 0;
}
