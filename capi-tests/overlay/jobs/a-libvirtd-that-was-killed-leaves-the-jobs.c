/*
 * libvirtd is killed in the middle of jobs, and started again: until then every call fails at once, registrations of the
 * connection that is lost can be ended, and nothing is left of it. On a new connection the jobs have their names still, what
 * ended meanwhile has its right state, and what goes on can be controlled.
 */

#include "overlay/jobs/machine.h"

#define COPY "block-copy-vda-1"

static int freed;

static void on_free(void *opaque)
{
    (void)opaque;
    freed++;
}

/** Each call on a connection that is lost. */
static void check_all_fail(virConnectPtr conn, virDomainPtr dom)
{
    virDomainJobPtr *jobs;
    time_t begun = time(NULL);

    CHECK_INT(virDomainJobList(dom, &jobs, 0), -1);
    CHECK(virGetLastErrorCode() != VIR_ERR_OK);
    CHECK_INT(virConnectListAllDomainJobs(conn, &jobs, 0), -1);
    CHECK(virGetLastErrorCode() != VIR_ERR_OK);
    CHECK(virDomainJobGetXMLDesc(dom, COPY, 0) == NULL);
    CHECK(virGetLastErrorCode() != VIR_ERR_OK);
    CHECK_INT(virDomainJobControl(dom, COPY, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), -1);
    CHECK(virGetLastErrorCode() != VIR_ERR_OK);
    CHECK_INT(virDomainJobSetSpeed(dom, COPY, 0, 0), -1);
    CHECK(virGetLastErrorCode() != VIR_ERR_OK);
    CHECK_INT(virDomainJobWait(dom, COPY, 0, -1, 0), -1);
    CHECK(virGetLastErrorCode() != VIR_ERR_OK);
    CHECK(time(NULL) - begun < 60);
}

/** Runs the loop until there are no more than that of threads, or of descriptors. */
static void await_entries(const char *path, int n)
{
    int i;

    for (i = 0; i < SOON / 50 && entries(path) > n; i++)
        CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_INT(entries(path), n);
}

/** The program's life with the first daemon. */
static void until_it_is_killed(void)
{
    virConnectPtr conn = open_real();
    virDomainPtr dom = start_machine(conn, "orphaned", 2);
    struct watch watch;
    int i;

    memset(&watch, 0, sizeof(watch));
    watch.conn = conn;
    watch.id = virConnectDomainEventRegisterAny(conn, NULL, REAL_JOB_STATE, VIR_DOMAIN_EVENT_CALLBACK(watch_on_state), &watch, on_free);
    CHECK(watch.id >= 0);
    start_copy(dom, "vda", file_in_dir("orphaned", "copy"), SLOW, VIR_DOMAIN_JOB_START_PERSIST);
    CHECK_INT(virDomainBlockPull(dom, "vdb", 16, VIR_DOMAIN_JOB_START_PERSIST), 0);
    await_note(&watch, COPY " running;");
    CHECK_HAS(listed(dom, 0), COPY " 3 running;");

    daemon_is("kill");
    /* What libvirtd does not see: the pull ends, or goes on. */
    sleep(3);
    for (i = 0; i < 2; i++)
        check_all_fail(conn, dom);
    CHECK_INT(freed, 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, watch.id), 0);
    for (i = 0; i < 20 && !freed; i++)
        CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_INT(freed, 1);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, watch.id), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    virDomainFree(dom);
    CHECK_INT(virConnectClose(conn), 0);
}

int main(void)
{
    virConnectPtr conn, lost;
    virDomainPtr dom;
    struct watch before, after;
    int threads, descriptors;
    char *xml;

    /* libvirt writes to sockets whose other ends are gone, and expects of programs that they can bear that. */
    signal(SIGPIPE, SIG_IGN);
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    conn = open_real();
    quiet_errors();
    CHECK_INT(virConnectListAllDomainJobs(conn, NULL, 0), 0);
    CHECK_INT(virConnectClose(conn), 0);
    CHECK(virEventAddTimeout(50, machine_tick, NULL, NULL) >= 0);
    threads = entries("/proc/self/task");
    descriptors = entries("/proc/self/fd");

    lost = open_real();
    watch_real(&before, lost, NULL);
    until_it_is_killed();
    daemon_is("revive");
    conn = open_real();
    CHECK((dom = virDomainLookupByName(conn, "orphaned")) != NULL);
    CHECK_HAS(listed(dom, 0), COPY " 3 running;");
    CHECK_INT(virDomainJobWait(dom, "block-pull-vdb-2", 0, SOON, 0), VIR_DOMAIN_JOB_STATE_COMPLETED);
    CHECK((xml = virDomainGetXMLDesc(dom, 0)) != NULL);
    CHECK(!strstr(xml, "vdb-base"));
    free(xml);

    /* The connection that is lost is no obstacle to being told by the new one. */
    watch_real(&after, conn, NULL);
    CHECK_INT(virDomainJobSetSpeed(dom, COPY, 0, 0), 0);
    await_note(&after, COPY " ready;");
    watch_end(&before);
    CHECK_INT(virConnectClose(lost), 0);
    CHECK_INT(virDomainJobControl(dom, COPY, VIR_DOMAIN_JOB_CONTROL_OPERATION_FINALIZE, 0), 0);
    await_note(&after, COPY " completed;");
    CHECK(source_is(dom, file_in_dir("orphaned", "copy")) && !has_mirror(dom));
    CHECK_INT(freed, 1);
    watch_end(&after);
    end_machine(dom);
    /* The end of the machine may still be looked into. */
    await_entries("/proc/self/task", threads);
    CHECK_INT(virConnectClose(conn), 0);
    await_entries("/proc/self/fd", descriptors);
    return 0;
}
