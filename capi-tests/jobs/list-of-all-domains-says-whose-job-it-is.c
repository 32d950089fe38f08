/* The listing of a connection has the jobs of all its domains, each with the name and the UUID of its domain. */

#include "world.h"

static const char *text(virDomainJobPtr job, const char *field)
{
    const char *value = NULL;

    CHECK_INT(virTypedParamsGetString(job->data, (int)job->ndata, field, &value), 1);
    return value;
}

int main(void)
{
    virConnectPtr conn = open_fixture("<node>" FIXTURE_DOMAIN("one", "") FIXTURE_DOMAIN("two", "") "</node>");
    virDomainPtr doms[2] = { domain_of(conn, "one"), domain_of(conn, "two") };
    char uuid[VIR_UUID_STRING_BUFLEN], *names[3];
    virDomainJobPtr *jobs;
    int i;

    CHECK_INT(virConnectListAllDomainJobs(conn, &jobs, 0), 0);
    CHECK(jobs[0] == NULL);
    free(jobs);
    names[0] = start_endless(doms[0], "vda", 0);
    names[1] = start_endless(doms[0], "vdb", 0);
    names[2] = start_endless(doms[1], "vda", 0);

    CHECK_INT(virConnectListAllDomainJobs(conn, &jobs, 0), 3);
    for (i = 0; i < 3; i++) {
        virDomainPtr dom = doms[i / 2];

        CHECK_STR(jobs[i]->name, names[i]);
        CHECK_INT(jobs[i]->ndata, 2);
        CHECK_STR(text(jobs[i], VIR_DOMAIN_JOB_PARAM_DOMAIN_NAME), virDomainGetName(dom));
        CHECK_INT(virDomainGetUUIDString(dom, uuid), 0);
        CHECK_STR(text(jobs[i], VIR_DOMAIN_JOB_PARAM_DOMAIN_UUID), uuid);
    }
    CHECK(jobs[3] == NULL);
    free_jobs(jobs);

    /* What else the flags ask for comes with it, and they select as for one domain. */
    CHECK_INT(virConnectListAllDomainJobs(conn, &jobs, VIR_DOMAIN_JOB_LIST_STATS | VIR_DOMAIN_JOB_LIST_XML), 3);
    for (i = 0; i < 3; i++) {
        CHECK_STR(text(jobs[i], VIR_DOMAIN_JOB_PARAM_DOMAIN_NAME), virDomainGetName(doms[i / 2]));
        CHECK_STR(text(jobs[i], VIR_DOMAIN_JOB_PARAM_DISK), i == 1 ? "vdb" : "vda");
        CHECK_HAS(text(jobs[i], VIR_DOMAIN_JOB_PARAM_XML), names[i]);
    }
    free_jobs(jobs);
    CHECK_INT(virConnectListAllDomainJobs(conn, NULL, VIR_DOMAIN_JOB_LIST_FINISHED), 0);
    CHECK_INT(virDomainDestroy(doms[0]), 0);
    CHECK_INT(virConnectListAllDomainJobs(conn, NULL, 0), 1);
    for (i = 0; i < 3; i++)
        free(names[i]);
    CHECK_INT(virDomainFree(doms[0]), 0);
    close_world(doms[1], conn);
    return 0;
}
