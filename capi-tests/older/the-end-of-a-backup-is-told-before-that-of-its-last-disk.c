/* JOB_COMPLETED tells of the whole backup; it comes between the older events of its disks, as libvirt has it. */

#include "watch.h"

static void on_block_job(virConnectPtr conn, virDomainPtr dom, const char *disk, int type, int status, void *opaque)
{
    char what[256];

    (void)conn;
    (void)dom;
    snprintf(what, sizeof(what), "%s %d %d", disk, type, status);
    watch_note(opaque, what);
}

static void on_completed(virConnectPtr conn, virDomainPtr dom, virTypedParameterPtr params, int n, void *opaque)
{
    int operation = -1, success = -1;

    (void)conn;
    (void)dom;
    CHECK_INT(virTypedParamsGetInt(params, n, VIR_DOMAIN_JOB_OPERATION, &operation), 1);
    CHECK_INT(operation, VIR_DOMAIN_JOB_OPERATION_BACKUP);
    CHECK_INT(virTypedParamsGetBoolean(params, n, VIR_DOMAIN_JOB_SUCCESS, &success), 1);
    watch_note(opaque, success ? "success" : "no success");
}

static void check_heard(struct watch *watch, const char *name, const char *format)
{
    char wanted[512];

    snprintf(wanted, sizeof(wanted), format, name, name);
    run_loop_for_what_waits();
    CHECK_STR(watch->seen, wanted);
    watch->seen[0] = '\0';
}

static void check_last_type(virDomainPtr dom, int wanted)
{
    virTypedParameterPtr params;
    int type, n;

    CHECK_INT(virDomainGetJobStats(dom, &type, &params, &n, VIR_DOMAIN_JOB_STATS_COMPLETED), 0);
    CHECK_INT(type, wanted);
    virTypedParamsFree(params, n);
}

int main(void)
{
    struct watch watch;
    virConnectPtr conn;
    virDomainPtr dom;
    int disks, whole;
    char *name;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    conn = open_fixture(FIXTURE("<jobs:disk name='vdb' size='8MiB'/><jobs:speed unit='GiB'>1</jobs:speed>"));
    dom = domain_of(conn, "test");
    watch_jobs(&watch, conn);
    CHECK((disks = virConnectDomainEventRegisterAny(conn, dom, VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2,
                                                    VIR_DOMAIN_EVENT_CALLBACK(on_block_job), &watch, NULL)) >= 0);
    CHECK((whole = virConnectDomainEventRegisterAny(conn, dom, VIR_DOMAIN_EVENT_ID_JOB_COMPLETED,
                                                    VIR_DOMAIN_EVENT_CALLBACK(on_completed), &watch, NULL)) >= 0);

    CHECK_INT(virDomainBackupBegin(dom, "<domainbackup/>", NULL, VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL), 0);
    name = last_started(dom);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_COMPLETED);
    check_heard(&watch, name, "%s running;%s completed;vda 5 0;success;vdb 5 0;");
    check_last_type(dom, VIR_DOMAIN_JOB_COMPLETED);
    free(name);

    /* One that is read by its client ends well by being aborted. */
    CHECK_INT(virDomainBackupBegin(dom, A_PULL, NULL, VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL), 0);
    name = last_started(dom);
    CHECK_INT(virDomainAbortJob(dom), 0);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_ABORTED);
    check_heard(&watch, name, "%s running;%s aborted;vda 5 2;success;vdb 5 2;");
    check_last_type(dom, VIR_DOMAIN_JOB_COMPLETED);
    free(name);

    CHECK_INT(virConnectDomainEventDeregisterAny(conn, disks), 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, whole), 0);
    watch_end(&watch);
    close_world(dom, conn);
    return 0;
}
