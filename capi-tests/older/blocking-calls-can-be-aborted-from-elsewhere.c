/*
 * A call that waits for its job, such as a migration, is a job like others meanwhile: another thread lists it, asks how
 * far it is, and aborts it by the newer or the older call. The call then fails with VIR_ERR_OPERATION_ABORTED.
 */

#include <pthread.h>

#include "world.h"

static virConnectPtr conn;
static virDomainPtr dom;

struct outcome {
    int result;
    int code;
};

static void *migrate(void *opaque)
{
    struct outcome *outcome = opaque;

    outcome->result = virDomainMigrateToURI(dom, "tcp:localhost:49152", VIR_MIGRATE_LIVE, NULL, 1);
    outcome->code = virGetLastErrorCode();
    return NULL;
}

static void *save(void *opaque)
{
    struct outcome *outcome = opaque;

    outcome->result = virDomainSave(dom, "./never-saved");
    outcome->code = virGetLastErrorCode();
    return NULL;
}

/** The name of the only job, once it is there; to be freed. */
static char *the_job(int type)
{
    virDomainJobPtr *jobs = NULL;
    char *name;

    while (virDomainJobList(dom, &jobs, VIR_DOMAIN_JOB_LIST_ACTIVE) == 0) {
        free(jobs);
        a_moment();
    }
    CHECK(jobs != NULL && jobs[0] != NULL);
    CHECK_INT(jobs[0]->type, type);
    CHECK((name = strdup(jobs[0]->name)) != NULL);
    free_jobs(jobs);
    return name;
}

static void check_aborted(pthread_t thread, struct outcome *outcome)
{
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_INT(outcome->result, -1);
    CHECK_INT(outcome->code, VIR_ERR_OPERATION_ABORTED);
    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);
    CHECK_INT(virDomainIsActive(dom), 1);
}

int main(void)
{
    struct outcome outcome;
    virTypedParameterPtr params;
    virDomainJobInfo info;
    pthread_t thread;
    int type, count, operation;
    char *name, *xml;

    quiet_errors();
    conn = open_fixture(FIXTURE("<jobs:speed unit='KiB'>64</jobs:speed>"));
    dom = domain_of(conn, "test");
    CHECK_INT(virDomainGetJobInfo(dom, &info), 0);
    CHECK_INT(info.type, VIR_DOMAIN_JOB_NONE);
    CHECK_INT(virDomainAbortJob(dom), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_INVALID);

    CHECK_INT(pthread_create(&thread, NULL, migrate, &outcome), 0);
    name = the_job(VIR_DOMAIN_JOB_TYPE_MIGRATION);
    CHECK((xml = virDomainJobGetXMLDesc(dom, name, 0)) != NULL);
    CHECK_HAS(xml, "<uri>tcp:localhost:49152</uri>");
    CHECK_HAS(xml, "<bandwidth unit='bytes/s'>1048576</bandwidth>");
    CHECK_HAS(xml, "<migration>");
    free(xml);
    CHECK_INT(virDomainGetJobInfo(dom, &info), 0);
    CHECK_INT(info.type, VIR_DOMAIN_JOB_UNBOUNDED);
    CHECK_INT(info.memTotal, 32 << 20);
    CHECK_INT(virDomainGetJobStats(dom, &type, &params, &count, 0), 0);
    CHECK_INT(type, VIR_DOMAIN_JOB_UNBOUNDED);
    CHECK_INT(virTypedParamsGetInt(params, count, VIR_DOMAIN_JOB_OPERATION, &operation), 1);
    CHECK_INT(operation, VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT);
    virTypedParamsFree(params, count);
    CHECK_INT(virDomainSave(dom, "./never-saved"), -1);
    CHECK_INT(virGetLastErrorCode(), VIR_ERR_OPERATION_INVALID);
    CHECK_HAS(virGetLastErrorMessage(), name);
    CHECK_INT(control(dom, name, ABORT), 0);
    check_aborted(thread, &outcome);
    free(name);

    CHECK_INT(pthread_create(&thread, NULL, save, &outcome), 0);
    name = the_job(VIR_DOMAIN_JOB_TYPE_SAVE);
    CHECK_INT(virDomainAbortJob(dom), 0);
    check_aborted(thread, &outcome);
    CHECK(access("never-saved", F_OK) != 0);
    free(name);
    close_world(dom, conn);
    return 0;
}
