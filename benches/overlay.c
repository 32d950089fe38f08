/*
 * The jobs of a machine with 16 disks of a stock libvirtd: what it costs to see all of them, and how late their ends are told.
 * capi-tests/support/private_libvirtd.py runs it.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <dlfcn.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

enum { DISKS = 16, ROUNDS = 201 };

static char names[DISKS][8];
static uint64_t told_by_libvirt, told_by_us;

static void ignore(void *opaque, virErrorPtr error)
{
    (void)opaque;
    (void)error;
}

static void block_job(virConnectPtr conn, virDomainPtr dom, const char *disk, int type, int status, void *opaque)
{
    (void)conn, (void)dom, (void)disk, (void)type, (void)opaque;
    if (status == VIR_DOMAIN_BLOCK_JOB_CANCELED)
        told_by_libvirt = now_ns();
}

static void job_state(virConnectPtr conn, virDomainPtr dom, const char *job, virDomainJobType type, virDomainJobState state, void *opaque)
{
    (void)conn, (void)dom, (void)job, (void)type, (void)opaque;
    if (state == VIR_DOMAIN_JOB_STATE_ABORTED)
        told_by_us = now_ns();
}

static void tick(int timer, void *opaque)
{
    (void)timer;
    (void)opaque;
}

static void report(const char *what, uint64_t *ours, const char *beside, uint64_t *theirs, size_t count)
{
    double value = median_us(ours, count), floor = median_us(theirs, count);

    printf("%-44s %10.1f us   %-22s %10.1f us   ratio %5.2f\n", what, value, beside, floor, value / floor);
    fflush(stdout);
}

static virDomainPtr start(virConnectPtr conn, const char *dir)
{
    static char xml[16384];
    char command[1024];
    size_t used = (size_t)snprintf(xml, sizeof(xml), "<domain type='qemu'><name>many</name><memory unit='MiB'>32</memory><os>"
                                                     "<type arch='x86_64' machine='pc'>hvm</type></os><devices>");
    virDomainPtr dom;

    for (int i = 0; i < DISKS; i++) {
        snprintf(names[i], sizeof(names[i]), "vd%c", 'a' + i);
        snprintf(command, sizeof(command), "qemu-img create -q -f qcow2 %s/%s 16M", dir, names[i]);
        MUST(system(command) == 0);
        used += (size_t)snprintf(xml + used, sizeof(xml) - used,
                                 "<disk type='file'><driver name='qemu' type='qcow2'/><source file='%s/%s'/>"
                                 "<target dev='%s' bus='virtio'/></disk>", dir, names[i], names[i]);
    }
    snprintf(xml + used, sizeof(xml) - used, "</devices></domain>");
    MUST(dom = virDomainCreateXML(conn, xml, 0));
    /* The images are empty, so they are ready soon, and stay so. */
    for (int i = 0; i < DISKS; i++) {
        snprintf(command, sizeof(command), "<disk type='file'><source file='%s/%s.copy'/><driver type='qcow2'/></disk>", dir, names[i]);
        MUST(virDomainBlockCopy(dom, names[i], command, NULL, 0, VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB) == 0);
    }
    return dom;
}

static void list(virDomainPtr dom)
{
    virDomainJobPtr *jobs;
    int n = virDomainJobList(dom, &jobs, VIR_DOMAIN_JOB_LIST_STATS);

    MUST(n == DISKS);
    for (int i = 0; i < n; i++)
        virDomainJobFree(jobs[i]);
    free(jobs);
}

static void compare_listing(virDomainPtr dom)
{
    static uint64_t ours[ROUNDS], again[ROUNDS], each[ROUNDS], command[ROUNDS];
    int (*monitor_command)(virDomainPtr, const char *, char **, unsigned int);
    void *qemu = dlopen("libvirt-qemu.so.0", RTLD_NOW);

    MUST(qemu && (*(void **)&monitor_command = dlsym(qemu, "virDomainQemuMonitorCommand")));
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t begin = now_ns();
        virDomainBlockJobInfo info;
        char *reply;

        list(dom);
        again[round] = ours[round] = now_ns() - begin;
        begin = now_ns();
        for (int i = 0; i < DISKS; i++)
            MUST(virDomainGetBlockJobInfo(dom, names[i], &info, 0) == 1);
        each[round] = now_ns() - begin;
        begin = now_ns();
        MUST(monitor_command(dom, "{\"execute\":\"query-jobs\"}", &reply, 0) == 0);
        command[round] = now_ns() - begin;
        free(reply);
    }
    report("16 jobs of a libvirt domain, with statistics", ours, "16 x BlockJobInfo", each, ROUNDS);
    report("the same", again, "one query-jobs", command, ROUNDS);
}

static void compare_ends(virConnectPtr conn, virDomainPtr dom)
{
    uint64_t ours[DISKS], theirs[DISKS];
    int libvirts = virConnectDomainEventRegisterAny(conn, dom, VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2, VIR_DOMAIN_EVENT_CALLBACK(block_job), NULL, NULL);
    int states = virConnectDomainEventRegisterAny(conn, dom, VIR_DOMAIN_EVENT_ID_JOB_STATE_OVERLAY, VIR_DOMAIN_EVENT_CALLBACK(job_state), NULL, NULL);

    MUST(libvirts >= 0 && states >= 0);
    for (int i = 0; i < DISKS; i++) {
        uint64_t begin = now_ns();

        told_by_libvirt = told_by_us = 0;
        MUST(virDomainBlockJobAbort(dom, names[i], VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC) == 0);
        while (!told_by_libvirt || !told_by_us) {
            MUST(now_ns() - begin < 30000000000u);
            MUST(virEventRunDefaultImpl() == 0);
        }
        theirs[i] = told_by_libvirt - begin;
        ours[i] = told_by_us - begin;
    }
    report("from the abort of a job to JOB_STATE", ours, "to BLOCK_JOB_2", theirs, DISKS);
    virConnectDomainEventDeregisterAny(conn, states);
    virConnectDomainEventDeregisterAny(conn, libvirts);
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;

    virSetErrorFunc(NULL, ignore);
    MUST(virEventRegisterDefaultImpl() == 0 && virEventAddTimeout(1000, tick, NULL, NULL) >= 0);
    MUST(conn = virConnectOpen(getenv("ORACLE_URI")));
    dom = start(conn, getenv("ORACLE_DIR"));
    compare_listing(dom);
    compare_ends(conn, dom);
    virDomainDestroy(dom);
    virDomainFree(dom);
    virConnectClose(conn);
    return 0;
}
