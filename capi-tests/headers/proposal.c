/*
 * What the proposal declares is declared like that: a declaration that differs does not compile, a number that differs
 * fails. The same for libvirt's own headers with libvirt-jobs.h on top.
 */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <libvirt/libvirt-jobs.h>

#include "check.h"

void virDomainJobFree(virDomainJobPtr job);
int virDomainJobList(virDomainPtr domain, virDomainJobPtr **jobs, unsigned int flags);
char *virDomainJobGetXMLDesc(virDomainPtr domain, const char *jobname, unsigned int flags);
int virDomainJobControl(virDomainPtr domain, const char *jobname, virDomainJobControlOperation op, unsigned int flags);

typedef void (*proposed_callback)(virConnectPtr conn, virDomainPtr dom, const char *jobname, virDomainJobType jobtype,
                                  virDomainJobState newstate, void *opaque);

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

static const struct {
    int value;
    int proposed;
} numbers[] = {
    { VIR_DOMAIN_JOB_TYPE_NONE, 0 },
    { VIR_DOMAIN_JOB_TYPE_MIGRATION, 1 },
    { VIR_DOMAIN_JOB_TYPE_BLOCK_PULL, 2 },
    { VIR_DOMAIN_JOB_TYPE_BLOCK_COPY, 3 },
    { VIR_DOMAIN_JOB_TYPE_BLOCK_COMMIT, 4 },
    { VIR_DOMAIN_JOB_TYPE_BLOCK_COMMIT_ACTIVE, 5 },
    { VIR_DOMAIN_JOB_TYPE_BLOCK_BACKUP, 6 },
    { VIR_DOMAIN_JOB_TYPE_BLOCK_CREATE, 7 },
    { VIR_DOMAIN_JOB_TYPE_BLOCK_AMEND, 8 },
    { VIR_DOMAIN_JOB_TYPE_SAVE, 9 },
    { VIR_DOMAIN_JOB_TYPE_RESTORE, 10 },
    { VIR_DOMAIN_JOB_TYPE_DUMP, 11 },
    { VIR_DOMAIN_JOB_TYPE_SNAPSHOT, 12 },
    { VIR_DOMAIN_JOB_TYPE_SNAPSHOT_REVERT, 13 },
    { VIR_DOMAIN_JOB_TYPE_SNAPSHOT_DELETE, 14 },
    { VIR_DOMAIN_JOB_TYPE_MIGRATION_IN, 15 },
    { VIR_DOMAIN_JOB_TYPE_OTHER, 16 },
    { VIR_DOMAIN_JOB_STATE_NONE, 0 },
    { VIR_DOMAIN_JOB_STATE_RUNNING, 1 },
    { VIR_DOMAIN_JOB_STATE_READY, 2 },
    { VIR_DOMAIN_JOB_STATE_FAILED, 3 },
    { VIR_DOMAIN_JOB_STATE_COMPLETED, 4 },
    { VIR_DOMAIN_JOB_STATE_ABORTED, 5 },
    { VIR_DOMAIN_JOB_STATE_PAUSED, 6 },
    { VIR_DOMAIN_JOB_CONTROL_OPERATION_NONE, 0 },
    { VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 1 },
    { VIR_DOMAIN_JOB_CONTROL_OPERATION_FINALIZE, 2 },
    { VIR_DOMAIN_JOB_CONTROL_OPERATION_PAUSE, 3 },
    { VIR_DOMAIN_JOB_CONTROL_OPERATION_RESUME, 4 },
    { VIR_DOMAIN_JOB_CONTROL_OPERATION_DISMISS, 5 },
    { VIR_DOMAIN_JOB_LIST_ACTIVE, 1 << 0 },
    { VIR_DOMAIN_JOB_LIST_FINISHED, 1 << 1 },
    { VIR_DOMAIN_JOB_LIST_BLOCK, 1 << 2 },
    { VIR_DOMAIN_JOB_LIST_DOMAIN, 1 << 3 },
    { VIR_DOMAIN_JOB_LIST_STATS, 1 << 4 },
    { VIR_DOMAIN_JOB_LIST_XML, 1 << 5 },
    { VIR_DOMAIN_JOB_XML_NO_STATS, 1 << 0 },
    { VIR_DOMAIN_JOB_START_PARALLEL, 1 << 29 },
    { VIR_DOMAIN_JOB_START_PERSIST, 1 << 30 },
    { VIR_DOMAIN_BLOCK_PULL_PERSIST_JOB, 1 << 30 },
    { VIR_ERR_NO_DOMAIN_JOB, 0x1006e },
    { VIR_DOMAIN_EVENT_ID_JOB_STATE_OVERLAY, 0x10019 },
#ifdef VIRT_JOBS_OWN_TREE
    { VIR_DOMAIN_EVENT_ID_JOB_STATE, 25 },
#else
    { VIR_DOMAIN_EVENT_ID_JOB_STATE, 0x10019 },
#endif
};

int main(void)
{
    virConnectDomainEventJobStateCallback callback = on_job;
    proposed_callback proposed = callback;
    virDomainJobControlOperations plural = VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT;
    struct _virDomainJob job = { 0 };
    size_t i;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        CHECK_INT(numbers[i].value, numbers[i].proposed);
    CHECK(proposed == on_job);
    CHECK_INT(plural, 1);

    job.name = NULL;
    job.type = VIR_DOMAIN_JOB_TYPE_BLOCK_COPY;
    job.state = VIR_DOMAIN_JOB_STATE_READY;
    job.data = NULL;
    job.ndata = sizeof(size_t);
    CHECK_INT(sizeof(job.ndata), sizeof(size_t));
    virDomainJobFree(NULL);
    return 0;
}
