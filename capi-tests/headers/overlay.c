/* On top of libvirt's own headers: the jobs are there, and what libvirt has keeps its meaning. */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <libvirt/libvirt-jobs.h>

#include "check.h"

#ifdef VIRT_JOBS_OWN_TREE
# error "this is not libvirt's own <libvirt/libvirt.h>"
#endif

static void on_job(virConnectPtr conn, virDomainPtr dom, const char *jobname, virDomainJobType jobtype,
                   virDomainJobState newstate, void *opaque)
{
    (void)conn;
    (void)dom;
    (void)jobname;
    (void)jobtype;
    (void)newstate;
    (void)opaque;
}

int main(void)
{
    virDomainJobPtr *jobs = NULL;
    virConnectPtr conn;
    virDomainPtr domain;
    virDomainJobType type;
    int callback;

    CHECK_INT(VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE, 25);
    CHECK_INT(VIR_DOMAIN_EVENT_ID_JOB_STATE, 0x10019);
    CHECK_INT(VIR_DOMAIN_JOB_COMPLETED, 3);
    CHECK_INT(VIR_DOMAIN_JOB_TYPE_BLOCK_COPY, 3);
    CHECK_INT(VIR_ERR_NO_DOMAIN_JOB, 0x1006e);

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    conn = virConnectOpen("test+jobs:///default");
    domain = virDomainLookupByName(conn, "test");
    CHECK(domain);
    callback = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_JOB_STATE,
                                                VIR_DOMAIN_EVENT_CALLBACK(on_job), NULL, NULL);
    CHECK(callback >= 0);
    CHECK_INT(virDomainBlockPull(domain, "vda", 1, 0), 0);
    CHECK_INT(virDomainJobList(domain, &jobs, 0), 1);
    type = jobs[0]->type;
    CHECK_INT(type, VIR_DOMAIN_JOB_TYPE_BLOCK_PULL);
    virDomainJobFree(jobs[0]);
    free(jobs);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, callback), 0);
    virDomainFree(domain);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
