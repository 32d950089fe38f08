/*
 * libvirtd is killed under a program that listens, and started again, some times over: as many as its argument says, or 8.
 * No thread and no descriptor is left of any of its connections, and each close was the last.
 */

#include "overlay/jobs/machine.h"

static void one_life(void)
{
    virConnectPtr conn = open_real();
    virDomainPtr dom = domain_of(conn, "steady");
    struct watch watch;

    watch_real(&watch, conn, NULL);
    CHECK_HAS(listed(dom, VIR_DOMAIN_JOB_LIST_STATS), "block-copy-vda-1 3 running;");
    daemon_is("kill");
    CHECK_INT(virDomainJobList(dom, NULL, 0), -1);
    CHECK(virGetLastErrorCode() != VIR_ERR_OK);
    watch_end(&watch);
    virDomainFree(dom);
    CHECK_INT(virConnectClose(conn), 0);
    daemon_is("revive");
}

/** Runs the loop until there are no more than that. */
static void await_entries(const char *path, int n)
{
    int i;

    for (i = 0; i < SOON / 50 && entries(path) > n; i++)
        CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK(entries(path) <= n);
}

int main(int argc, char **argv)
{
    int lives = argc > 1 ? atoi(argv[1]) : 8, threads, descriptors, i;
    virConnectPtr conn;
    virDomainPtr dom;

    /* libvirt writes to sockets whose other ends are gone, and expects of programs that they can bear that. */
    signal(SIGPIPE, SIG_IGN);
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK(virEventAddTimeout(50, machine_tick, NULL, NULL) >= 0);
    conn = open_real();
    dom = start_machine(conn, "steady", 1);
    start_copy(dom, "vda", file_in_dir("steady", "copy"), SLOW, VIR_DOMAIN_JOB_START_PERSIST);
    virDomainFree(dom);
    CHECK_INT(virConnectClose(conn), 0);
    quiet_errors();
    one_life();
    threads = entries("/proc/self/task");
    descriptors = entries("/proc/self/fd");
    for (i = 1; i < lives; i++)
        one_life();
    await_entries("/proc/self/task", threads);
    await_entries("/proc/self/fd", descriptors);

    conn = open_real();
    dom = domain_of(conn, "steady");
    CHECK_INT(virDomainJobControl(dom, "block-copy-vda-1", VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), 0);
    CHECK_INT(virDomainJobWait(dom, "block-copy-vda-1", 0, SOON, 0), VIR_DOMAIN_JOB_STATE_ABORTED);
    end_machine(dom);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
