/* Migration, save, dump and snapshots of the memory run one at a time, PARALLEL or not; block jobs run beside them. */

#include <pthread.h>

#include "world.h"

static virDomainPtr dom;

static void *migrate(void *opaque)
{
    *(int *)opaque = virDomainMigrateToURI(dom, "tcp:localhost:49152", VIR_DOMAIN_JOB_START_PARALLEL, NULL, 0);
    return NULL;
}

int main(void)
{
    const unsigned int flags[] = { 0, VIR_DOMAIN_JOB_START_PARALLEL };
    virDomainJobPtr *jobs;
    virConnectPtr conn;
    pthread_t thread;
    int result = 0, i;
    char *name;

    quiet_errors();
    conn = open_fixture(FIXTURE("<jobs:speed unit='KiB'>64</jobs:speed>"));
    dom = domain_of(conn, "test");
    CHECK_INT(pthread_create(&thread, NULL, migrate, &result), 0);
    while (virDomainJobList(dom, NULL, VIR_DOMAIN_JOB_LIST_DOMAIN) == 0)
        a_moment();
    CHECK_INT(virDomainJobList(dom, &jobs, 0), 1);
    for (i = 0; i < 2; i++) {
        CHECK_INT(virDomainSaveFlags(dom, "./never", NULL, flags[i]), -1);
        CHECK_ERROR_SAYS(VIR_ERR_OPERATION_INVALID, jobs[0]->name);
        CHECK_INT(virDomainCoreDump(dom, "./never", flags[i]), -1);
        CHECK_ERROR_SAYS(VIR_ERR_OPERATION_INVALID, jobs[0]->name);
        CHECK_INT(virDomainMigrateToURI(dom, "tcp:elsewhere:49152", flags[i], NULL, 0), -1);
        CHECK_ERROR_SAYS(VIR_ERR_OPERATION_INVALID, jobs[0]->name);
        CHECK(virDomainSnapshotCreateXML(dom, "<domainsnapshot/>", flags[i]) == NULL);
        CHECK_ERROR_SAYS(VIR_ERR_OPERATION_INVALID, jobs[0]->name);
    }
    CHECK(access("never", F_OK) != 0);
    name = start_endless(dom, "vda", VIR_DOMAIN_JOB_START_PARALLEL);
    CHECK_INT(virDomainJobList(dom, NULL, 0), 2);
    end_job(dom, name);
    CHECK_INT(control(dom, jobs[0]->name, ABORT), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_INT(result, -1);
    free_jobs(jobs);
    close_world(dom, conn);
    return 0;
}
