/*
 * With STATS a job's data say on which disk it is, how far, how far it goes and how fast; with XML they hold its document
 * without statistics; without flags there are none.
 */

#include "world.h"

static virDomainJobPtr *list(virDomainPtr dom, unsigned int flags)
{
    virDomainJobPtr *jobs;

    CHECK_INT(virDomainJobList(dom, &jobs, flags), 1);
    return jobs;
}

static unsigned long long number(virDomainJobPtr job, const char *field)
{
    unsigned long long value = 0;

    CHECK_INT(virTypedParamsGetULLong(job->data, (int)job->ndata, field, &value), 1);
    return value;
}

static const char *text(virDomainJobPtr job, const char *field)
{
    const char *value = NULL;

    return virTypedParamsGetString(job->data, (int)job->ndata, field, &value) == 1 ? value : NULL;
}

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);
    virDomainPtr dom = domain_of(conn, "test");
    virDomainJobPtr *jobs;
    char *name, *xml;

    CHECK_INT(virDomainBlockPull(dom, "vda", 1 << 20, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES), 0);
    name = last_started(dom);

    jobs = list(dom, 0);
    CHECK(jobs[0]->data == NULL);
    CHECK_INT(jobs[0]->ndata, 0);
    free_jobs(jobs);

    jobs = list(dom, VIR_DOMAIN_JOB_LIST_STATS);
    CHECK_STR(text(jobs[0], VIR_DOMAIN_JOB_PARAM_DISK), "vda");
    CHECK_INT(number(jobs[0], VIR_DOMAIN_JOB_PARAM_END), 16 << 20);
    CHECK(number(jobs[0], VIR_DOMAIN_JOB_PARAM_CURRENT) < 16 << 20);
    CHECK(text(jobs[0], VIR_DOMAIN_JOB_PARAM_ERROR) == NULL);
    CHECK(text(jobs[0], VIR_DOMAIN_JOB_PARAM_XML) == NULL);
    CHECK(text(jobs[0], VIR_DOMAIN_JOB_PARAM_DOMAIN_NAME) == NULL);
    free_jobs(jobs);

    CHECK((xml = virDomainJobGetXMLDesc(dom, name, VIR_DOMAIN_JOB_XML_NO_STATS)) != NULL);
    jobs = list(dom, VIR_DOMAIN_JOB_LIST_XML);
    CHECK_INT(jobs[0]->ndata, 1);
    CHECK_STR(text(jobs[0], VIR_DOMAIN_JOB_PARAM_XML), xml);
    free_jobs(jobs);

    jobs = list(dom, VIR_DOMAIN_JOB_LIST_STATS | VIR_DOMAIN_JOB_LIST_XML);
    CHECK_STR(text(jobs[0], VIR_DOMAIN_JOB_PARAM_DISK), "vda");
    CHECK_STR(text(jobs[0], VIR_DOMAIN_JOB_PARAM_XML), xml);
    free_jobs(jobs);
    free(xml);
    end_job(dom, name);
    close_world(dom, conn);
    return 0;
}
