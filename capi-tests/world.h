/*
 * world.h: simulated worlds for tests, and the jobs in them
 *
 * Every test that includes it gets what it needs from the built-in test hypervisor, whatever else is in the process.
 */

#ifndef WORLD_H
#define WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

/** The world that all connections of a process share: domain `test` with disks `vda` and `vdb`. */
#define DEFAULT_URI "test+jobs:///default"

/** A backup that is read from a server, and ends when its reader says so. */
#define A_PULL "<domainbackup mode='pull'><server transport='unix' socket='/s'/></domainbackup>"

/** As long as any wait for something that is sure to come may take, in milliseconds. */
#define SOON 20000

/** The last call must have left this error, with these words in its message; forgets it. */
#define CHECK_ERROR_SAYS(wanted, words) \
    check_error_says(__FILE__, __LINE__, (wanted), (words))

/** A text must have these words in it. */
#define CHECK_HAS(text, words) \
    check_has(__FILE__, __LINE__, #text, (text), (words))

static inline void check_has(const char *file, int line, const char *what, const char *text, const char *words)
{
    if (!text || !strstr(text, words)) {
        fprintf(stderr, "%s:%d: %s is \"%s\", without \"%s\"\n", file, line, what, text ? text : "(null)", words);
        check_failed(file, line, what);
    }
}

static inline void check_error_says(const char *file, int line, int wanted, const char *words)
{
    check_has(file, line, "the error message", virGetLastErrorMessage(), words);
    check_error(file, line, wanted);
}

static inline virConnectPtr open_world(const char *uri)
{
    virConnectPtr conn;

    CHECK((conn = virConnectOpen(uri)) != NULL);
    return conn;
}

/** Writes a fixture to a file of its own and stores its URI. */
static inline void write_fixture(const char *xml, char *path, char *uri, size_t size)
{
    const char *dir = getenv("TMPDIR");
    FILE *file;
    int fd;

    snprintf(path, size, "%s/virt-jobs-XXXXXX", dir ? dir : "/tmp");
    CHECK((fd = mkstemp(path)) >= 0);
    CHECK((file = fdopen(fd, "w")) != NULL);
    CHECK(fputs(xml, file) >= 0);
    CHECK_INT(fclose(file), 0);
    snprintf(uri, size, "test+jobs://%s", path);
}

/** Opens a fixture; NULL if the library refuses it. */
static inline virConnectPtr try_fixture(const char *xml)
{
    char path[512], uri[512];
    virConnectPtr conn;

    write_fixture(xml, path, uri, sizeof(path));
    conn = virConnectOpen(uri);
    unlink(path);
    return conn;
}

static inline virConnectPtr open_fixture(const char *xml)
{
    virConnectPtr conn;

    CHECK((conn = try_fixture(xml)) != NULL);
    return conn;
}

static inline virDomainPtr domain_of(virConnectPtr conn, const char *name)
{
    virDomainPtr dom;

    CHECK((dom = virDomainLookupByName(conn, name)) != NULL);
    return dom;
}

/** A disk of a fixture, with two backing images. */
#define FIXTURE_DISK(dev) \
    "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/guest/" dev "'/>" \
    "<backingStore type='file'><format type='qcow2'/><source file='/guest/" dev ".1'/>" \
    "<backingStore type='file'><format type='qcow2'/><source file='/guest/" dev ".2'/><backingStore/></backingStore>" \
    "</backingStore><target dev='" dev "' bus='virtio'/></disk>"

/** A domain of a fixture with disks `vda` and `vdb`. `script` is what the test hypervisor is told beside libvirt's XML. */
#define FIXTURE_DOMAIN(name, script) \
    "<domain type='test' xmlns:jobs='urn:virt-jobs:test:1.0'><name>" name "</name><memory>1048576</memory><vcpu>1</vcpu>" \
    "<os><type>hvm</type></os><devices>" FIXTURE_DISK("vda") FIXTURE_DISK("vdb") "</devices>" script "</domain>"

/** A fixture with the one domain `test`. */
#define FIXTURE(script) \
    "<node>" FIXTURE_DOMAIN("test", script) "</node>"

/** Takes a snapshot of the disks, which is the fastest. */
static inline virDomainSnapshotPtr take_snapshot(virDomainPtr dom, const char *name)
{
    virDomainSnapshotPtr snapshot;
    char xml[256];

    snprintf(xml, sizeof(xml), "<domainsnapshot><name>%s</name></domainsnapshot>", name);
    CHECK((snapshot = virDomainSnapshotCreateXML(dom, xml, VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY)) != NULL);
    return snapshot;
}

/** The name of the job that this thread started last; to be freed. */
static inline char *last_started(virDomainPtr dom)
{
    char *name;

    CHECK((name = virDomainJobLastStarted(dom, 0)) != NULL);
    return name;
}

/** Starts a pull that goes on for as long as nobody ends it; its name is to be freed. */
static inline char *start_endless(virDomainPtr dom, const char *disk, unsigned int flags)
{
    CHECK_INT(virDomainBlockPull(dom, disk, 1, flags | VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES), 0);
    return last_started(dom);
}

/** Starts a pull that is over as soon as can be; its name is to be freed. */
static inline char *start_short(virDomainPtr dom, const char *disk, unsigned int flags)
{
    CHECK_INT(virDomainBlockPull(dom, disk, 0, flags), 0);
    return last_started(dom);
}

/** Waits until a job is in a state. */
#define WAIT_FOR(dom, name, state) \
    CHECK_INT(virDomainJobWait(dom, name, VIR_DOMAIN_JOB_STATE_BIT(state), SOON, 0), state)

static inline int control(virDomainPtr dom, const char *name, unsigned int op)
{
    return virDomainJobControl(dom, name, op, 0);
}

#define ABORT VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT
#define FINALIZE VIR_DOMAIN_JOB_CONTROL_OPERATION_FINALIZE
#define PAUSE VIR_DOMAIN_JOB_CONTROL_OPERATION_PAUSE
#define RESUME VIR_DOMAIN_JOB_CONTROL_OPERATION_RESUME
#define DISMISS VIR_DOMAIN_JOB_CONTROL_OPERATION_DISMISS

/** Ends a job and frees its name. */
static inline void end_job(virDomainPtr dom, char *name)
{
    CHECK_INT(control(dom, name, ABORT), 0);
    CHECK(virDomainJobWait(dom, name, 0, SOON, 0) > 0);
    free(name);
}

static inline void free_jobs(virDomainJobPtr *jobs)
{
    int i;

    for (i = 0; jobs && jobs[i]; i++)
        virDomainJobFree(jobs[i]);
    free(jobs);
}

/** The state in which a job is listed; NONE if it is not. */
static inline virDomainJobState listed_state(virDomainPtr dom, const char *name)
{
    virDomainJobState state = VIR_DOMAIN_JOB_STATE_NONE;
    virDomainJobPtr *jobs;
    int i;

    CHECK(virDomainJobList(dom, &jobs, 0) >= 0);
    for (i = 0; jobs[i]; i++) {
        if (strcmp(jobs[i]->name, name) == 0)
            state = jobs[i]->state;
    }
    free_jobs(jobs);
    return state;
}

/** Between two looks at something that nobody waits for. */
static inline void a_moment(void)
{
    usleep(1000);
}

/** Milliseconds of a clock that never goes back. */
static inline long long now_ms(void)
{
    struct timespec now;

    CHECK_INT(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/** Gives up a domain and its connection, which must be the last references. */
static inline void close_world(virDomainPtr dom, virConnectPtr conn)
{
    CHECK_INT(virDomainFree(dom), 0);
    CHECK_INT(virConnectClose(conn), 0);
}

#endif /* WORLD_H */
