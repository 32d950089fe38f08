/* What a listing returned stays as it is: through the end of its jobs, of the domain and of the connection. */

#include "world.h"

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);
    virDomainPtr dom = domain_of(conn, "test");
    char *name = start_endless(dom, "vda", 0);
    virDomainJobPtr *jobs;
    const char *disk;

    CHECK_INT(virDomainJobList(dom, &jobs, VIR_DOMAIN_JOB_LIST_STATS), 1);
    CHECK_INT(control(dom, name, ABORT), 0);
    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);
    CHECK_INT(virDomainDestroy(dom), 0);
    close_world(dom, conn);
    CHECK_STR(jobs[0]->name, name);
    CHECK_INT(jobs[0]->state, VIR_DOMAIN_JOB_STATE_RUNNING);
    CHECK_INT(virTypedParamsGetString(jobs[0]->data, (int)jobs[0]->ndata, VIR_DOMAIN_JOB_PARAM_DISK, &disk), 1);
    CHECK_STR(disk, "vda");
    free_jobs(jobs);
    free(name);
    return 0;
}
