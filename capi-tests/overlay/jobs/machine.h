/*
 * machine.h: a machine of a private libvirtd, and what happens to the jobs of its disks
 *
 * private_libvirtd.py runs the test with ORACLE_URI and ORACLE_DIR set.
 */

#ifndef MACHINE_H
#define MACHINE_H

#include <dirent.h>
#include <signal.h>
#include <time.h>

#include "watch.h"

/** JOB_STATE of a real connection, where 25 is libvirt's own. */
#define REAL_JOB_STATE 0x10019

#define MIB (1024ull * 1024ull)

/** How fast a job runs that is not to end during a test. */
#define SLOW (64 * 1024)

static inline virConnectPtr open_real(void)
{
    const char *uri = getenv("ORACLE_URI");

    if (!uri)
        skip("there is no private libvirtd");
    return open_world(uri);
}

static inline virConnectPtr open_real_readonly(void)
{
    virConnectPtr conn;

    CHECK((conn = virConnectOpenReadOnly(getenv("ORACLE_URI"))) != NULL);
    return conn;
}

static inline void run(const char *format, const char *a, const char *b, const char *c)
{
    char command[2048];

    snprintf(command, sizeof(command), format, a, b, c);
    CHECK_INT(system(command), 0);
}

/** The path of a file in the test's directory; in one of four places that take turns. */
static inline const char *file_in_dir(const char *name, const char *what)
{
    static char paths[4][512];
    static unsigned int next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s-%s", getenv("ORACLE_DIR"), name, what);
    return path;
}

/** An image of 64 MiB that is full of data, and one on top of it with 4 MiB: more than QEMU copies at once whatever its limit. */
static inline void make_chain(const char *name, const char *disk)
{
    char base[512], top[512], what[64];

    snprintf(what, sizeof(what), "%s-base", disk);
    snprintf(base, sizeof(base), "%s", file_in_dir(name, what));
    snprintf(top, sizeof(top), "%s", file_in_dir(name, disk));
    run("qemu-img create -q -f qcow2 %s 64M && qemu-io -f qcow2 -c 'write -q -P 1 0 64M' %s", base, base, "");
    run("qemu-img create -q -f qcow2 -F qcow2 -b %s %s && qemu-io -f qcow2 -c 'write -q -P 2 0 4M' %s", base, top, top);
}

/** Starts a machine with nothing to run and one or two disks, vda and vdb. */
static inline virDomainPtr start_machine(virConnectPtr conn, const char *name, int disks)
{
    static const char *const names[] = { "vda", "vdb" };
    char xml[4096];
    size_t used;
    virDomainPtr dom;
    int i;

    used = (size_t)snprintf(xml, sizeof(xml),
                            "<domain type='qemu'><name>%s</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>"
                            "<os><type arch='x86_64' machine='pc'>hvm</type></os><devices>", name);
    for (i = 0; i < disks; i++) {
        make_chain(name, names[i]);
        used += (size_t)snprintf(xml + used, sizeof(xml) - used,
                                 "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s'/>"
                                 "<target dev='%s' bus='virtio'/></disk>", file_in_dir(name, names[i]), names[i]);
    }
    snprintf(xml + used, sizeof(xml) - used, "</devices></domain>");
    CHECK((dom = virDomainCreateXML(conn, xml, 0)) != NULL);
    return dom;
}

/** libvirtd is killed ("kill"), while its machines go on, or started again ("revive"). */
static inline void daemon_is(const char *what)
{
    run("\"$ORACLE_SCRIPT\" %s \"$ORACLE_DIR\"%s%s", what, "", "");
}

/** A process by a file in the test's directory that has its number. */
static inline pid_t pid_in(const char *file)
{
    char path[600];
    FILE *opened;
    int pid = 0;

    snprintf(path, sizeof(path), "%s/%s", getenv("ORACLE_DIR"), file);
    CHECK((opened = fopen(path, "r")) != NULL);
    CHECK_INT(fscanf(opened, "%d", &pid), 1);
    fclose(opened);
    CHECK(pid > 1);
    return pid;
}

/** How many entries a directory has: threads in /proc/self/task, descriptors in /proc/self/fd. */
static inline int entries(const char *path)
{
    DIR *dir = opendir(path);
    int n = 0;

    CHECK(dir != NULL);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

/** Starts a machine with so much memory that, although it is empty, it does not fit into a pipe. */
static inline virDomainPtr start_large(virConnectPtr conn, const char *name)
{
    char xml[512];
    virDomainPtr dom;

    snprintf(xml, sizeof(xml), "<domain type='qemu'><name>%s</name><memory unit='GiB'>1</memory><vcpu>1</vcpu>"
             "<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>", name);
    CHECK((dom = virDomainCreateXML(conn, xml, 0)) != NULL);
    return dom;
}

/** Starts a machine with 32 MiB of memory that no migration can leave out. */
static inline virDomainPtr start_full(virConnectPtr conn, const char *name)
{
    char xml[2048], file[512];
    virDomainPtr dom;

    snprintf(file, sizeof(file), "%s", file_in_dir(name, "memory"));
    run("head -c 32M /dev/urandom > %s%s%s", file, "", "");
    snprintf(xml, sizeof(xml), "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>%s</name>"
             "<memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os>"
             "<qemu:commandline><qemu:arg value='-device'/><qemu:arg value='loader,file=%s,addr=0x1000000,force-raw=on'/>"
             "</qemu:commandline></domain>", name, file);
    CHECK((dom = virDomainCreateXML(conn, xml, 0)) != NULL);
    return dom;
}

static inline void end_machine(virDomainPtr dom)
{
    CHECK_INT(virDomainDestroy(dom), 0);
    virDomainFree(dom);
}

/** Starts a copy of a disk to a file of its own, at so many bytes per second. */
static inline void start_copy(virDomainPtr dom, const char *disk, const char *target, unsigned long long speed, unsigned int flags)
{
    virTypedParameter param;
    char xml[1024];

    snprintf(xml, sizeof(xml), "<disk type='file'><source file='%s'/><driver type='qcow2'/></disk>", target);
    memset(&param, 0, sizeof(param));
    strcpy(param.field, VIR_DOMAIN_BLOCK_COPY_BANDWIDTH);
    param.type = VIR_TYPED_PARAM_ULLONG;
    param.value.ul = speed;
    CHECK_INT(virDomainBlockCopy(dom, disk, xml, &param, speed ? 1 : 0, flags | VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB), 0);
}

/** The same by another program. */
static inline void others_copy(const char *name, const char *disk, const char *target, unsigned long long speed)
{
    char command[2048];

    snprintf(command, sizeof(command), "virsh -q -c \"$ORACLE_URI\" blockcopy %s %s %s --format qcow2 --transient-job --bytes --bandwidth %llu",
             name, disk, target, speed);
    CHECK_INT(system(command), 0);
}

/** The listing as `NAME TYPE STATE;...`, types by their numbers. */
static inline const char *listed(virDomainPtr dom, unsigned int flags)
{
    static char text[4096];
    virDomainJobPtr *jobs;
    int n, i;
    size_t used = 0;

    text[0] = '\0';
    CHECK((n = virDomainJobList(dom, &jobs, flags)) >= 0);
    for (i = 0; i < n; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %d %s;", jobs[i]->name, (int)jobs[i]->type,
                                 state_word((int)jobs[i]->state));
        virDomainJobFree(jobs[i]);
    }
    free(jobs);
    return text;
}

/** Waits for a listing. */
static inline void await_listing(virDomainPtr dom, const char *wanted)
{
    time_t end = time(NULL) + SOON / 1000;

    while (strcmp(listed(dom, 0), wanted) != 0) {
        if (time(NULL) > end)
            CHECK_STR(listed(dom, 0), wanted);
        usleep(20000);
    }
}

/** Waits until a job's description has a figure, given by its element, that is not 0. */
static inline void await_figure(virDomainPtr dom, const char *name, const char *element)
{
    time_t end = time(NULL) + SOON / 1000;
    const char *found;
    char *xml;
    int there;

    do {
        CHECK((xml = virDomainJobGetXMLDesc(dom, name, 0)) != NULL);
        found = strstr(xml, element);
        there = found && found[strlen(element)] >= '1';
        if (!there && time(NULL) > end) {
            fprintf(stderr, "%s", xml);
            check_failed(__FILE__, __LINE__, element);
        }
        free(xml);
        usleep(20000);
    } while (!there);
}

/** Waits until a domain is there. */
static inline virDomainPtr await_domain(virConnectPtr conn, const char *name)
{
    time_t end = time(NULL) + SOON / 1000;
    virDomainPtr dom;

    while (!(dom = virDomainLookupByName(conn, name))) {
        CHECK(time(NULL) <= end);
        usleep(20000);
    }
    return dom;
}

/** The name of the only job; to be freed. */
static inline char *only_job(virDomainPtr dom)
{
    virDomainJobPtr *jobs;
    char *name;

    CHECK_INT(virDomainJobList(dom, &jobs, 0), 1);
    name = strdup(jobs[0]->name);
    virDomainJobFree(jobs[0]);
    free(jobs);
    return name;
}

/** Waits for a state of a job. */
static inline void await_state(virDomainPtr dom, const char *name, int state)
{
    CHECK_INT(virDomainJobWait(dom, name, 1u << state, SOON, 0), state);
}

/** Once what hung goes on: asks until there is an answer, and ends the job, which has gone on as well. */
static inline void abort_after_hang(virDomainPtr dom, const char *name)
{
    time_t begun = time(NULL);

    /* The answer to the question that was given up comes first. */
    while (virDomainJobList(dom, NULL, 0) < 0 && time(NULL) - begun < SOON / 1000)
        usleep(20000);
    await_state(dom, name, VIR_DOMAIN_JOB_STATE_RUNNING);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_ABORTED);
}

/** Whether a disk's source is that file, for libvirt. */
static inline int source_is(virDomainPtr dom, const char *path)
{
    char *xml = virDomainGetXMLDesc(dom, 0), wanted[600];
    const char *mirror, *found;
    int is;

    CHECK(xml != NULL);
    snprintf(wanted, sizeof(wanted), "<source file='%s'", path);
    mirror = strstr(xml, "<mirror");
    found = strstr(xml, wanted);
    is = found && (!mirror || found < mirror);
    free(xml);
    return is;
}

/** Whether libvirt takes a disk for one that is being copied. */
static inline int has_mirror(virDomainPtr dom)
{
    char *xml = virDomainGetXMLDesc(dom, 0);
    int has;

    CHECK(xml != NULL);
    has = strstr(xml, "<mirror") != NULL;
    free(xml);
    return has;
}

/** Subscribes to the changes of state of all jobs of a real connection. */
static inline void watch_real(struct watch *watch, virConnectPtr conn, virDomainPtr dom)
{
    memset(watch, 0, sizeof(*watch));
    watch->conn = conn;
    watch->id = virConnectDomainEventRegisterAny(conn, dom, REAL_JOB_STATE, VIR_DOMAIN_EVENT_CALLBACK(watch_on_state), watch, NULL);
    CHECK(watch->id >= 0);
}

static inline void machine_tick(int timer, void *opaque)
{
    (void)timer;
    (void)opaque;
}

/** Runs the loop until a text was noted. */
static inline void await_note(struct watch *watch, const char *note)
{
    static int ticking;
    time_t end = time(NULL) + SOON / 1000;

    if (!ticking) {
        CHECK(virEventAddTimeout(50, machine_tick, NULL, NULL) >= 0);
        ticking = 1;
    }
    while (!strstr(watch->seen, note)) {
        if (time(NULL) > end) {
            fprintf(stderr, "heard only: %s\n", watch->seen);
            check_failed(__FILE__, __LINE__, note);
        }
        CHECK_INT(virEventRunDefaultImpl(), 0);
    }
}

#endif /* MACHINE_H */
