/* Saving and dumping the memory of a machine, and the older calls for the job that does it. */
#define _POSIX_C_SOURCE 200809L
#include "oracle.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BIG_MIB 512
#define MAGIC_SIZE 16
/* VIR_DOMAIN_CORE_DUMP_FORMAT_LAST, which applications do not see. */
#define FORMATS 5

/* Print what a file begins with. */
static void show_magic(const char *file)
{
    char magic[MAGIC_SIZE + 1] = "";
    int fd = open(file, O_RDONLY);
    ssize_t got = fd < 0 ? -1 : read(fd, magic, MAGIC_SIZE);
    size_t i;

    if (fd >= 0)
        close(fd);
    for (i = 0; i < MAGIC_SIZE; i++) {
        if (magic[i] < ' ' || magic[i] > '~')
            magic[i] = '.';
    }
    /* QEMU's stream goes on with what differs from run to run. */
    if (strncmp(magic, "QEVM", 4) == 0)
        magic[4] = '\0';
    say("%s: %s", file, got < 0 ? "absent" : magic);
}

/* A machine whose memory takes a while to write: no page of it is zero. */
static void start_big(struct machine *m)
{
    static const char noise[] = "domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n";
    char *xml = malloc(4096), *block = malloc(1 << 20);
    unsigned long seed = 88172645u;
    size_t i;
    int fd = open("memory", O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (!xml || !block || fd < 0)
        give_up("no memory for a machine");
    for (i = 0; i < 1 << 20; i++) {
        seed = seed * 1103515245u + 12345u;
        block[i] = (char)(seed >> 16);
    }
    for (i = 0; i < BIG_MIB; i++) {
        if (write(fd, block, 1 << 20) != 1 << 20)
            give_up("the disk is full");
    }
    close(fd);
    free(block);
    snprintf(xml, 4096,
             "<%s"
             "  <name>%s</name>\n"
             "  <memory unit='MiB'>%d</memory>\n"
             "  <vcpu>1</vcpu>\n"
             "  <os><type arch='x86_64' machine='pc'>hvm</type></os>\n"
             "  <features><acpi/></features>\n"
             "  <qemu:commandline>\n"
             "    <qemu:arg value='-object'/>\n"
             "    <qemu:arg value='memory-backend-file,id=noise,size=%dM,mem-path=%s,share=on'/>\n"
             "    <qemu:arg value='-machine'/>\n"
             "    <qemu:arg value='memory-backend=noise'/>\n"
             "  </qemu:commandline>\n"
             "</domain>\n",
             noise, m->name, BIG_MIB, BIG_MIB, path_of(m, "memory"));
    virResetLastError();
    m->dom = virDomainCreateXML(m->conn, xml, 0);
    free(xml);
    report_pointer("virDomainCreateXML", m->dom);
    if (!m->dom)
        give_up("no machine: %s", virGetLastErrorMessage());
    await_event("lifecycle started, detail 0");
    completions_watch(m);
}

static void start_small(struct machine *m)
{
    machine_start_with_chain(m, 1);
    completions_watch(m);
}

/* What can still be said of a machine that has gone. */
static void show_gone(struct machine *m)
{
    show_state(m);
    show_domain_job(m);
    CALL_POINTER(virDomainLookupByName(m->conn, m->name));
    completions_unwatch(m);
    virDomainFree(m->dom);
    m->dom = NULL;
}

static void leave(struct machine *m)
{
    completions_unwatch(m);
    machine_destroy(m);
}

static void save(struct machine *m)
{
    start_small(m);
    CALL(virDomainSave(m->dom, path_of(m, "saved")));
    await_event("lifecycle stopped, detail 4");
    show_magic("saved");
    show_gone(m);
}

static void save_with_flags(struct machine *m)
{
    start_small(m);
    CALL(virDomainSaveFlags(m->dom, path_of(m, "saved"), NULL, VIR_DOMAIN_SAVE_RUNNING | VIR_DOMAIN_SAVE_PAUSED));
    CALL(virDomainSaveFlags(m->dom, path_of(m, "saved"), NULL, 1u << 20));
    CALL(virDomainSaveFlags(m->dom, NULL, NULL, 0));
    CALL(virDomainSaveFlags(m->dom, path_of(m, "saved"), "<domain/>", 0));
    await_event("lifecycle resumed, detail 0");
    show_state(m);
    CALL(virDomainSaveFlags(m->dom, path_of(m, "saved"), NULL, VIR_DOMAIN_SAVE_PAUSED));
    await_event("lifecycle stopped, detail 4");
    show_magic("saved");
    show_gone(m);
}

static void save_suspended(struct machine *m)
{
    start_small(m);
    CALL(virDomainSuspend(m->dom));
    await_event("lifecycle suspended, detail 0");
    CALL(virDomainSave(m->dom, path_of(m, "saved")));
    await_event("lifecycle stopped, detail 4");
    show_magic("saved");
    show_gone(m);
}

static void save_past_the_cache(struct machine *m)
{
    start_small(m);
    CALL(virDomainSaveFlags(m->dom, path_of(m, "saved"), NULL, VIR_DOMAIN_SAVE_BYPASS_CACHE));
    await_event("lifecycle stopped, detail 4");
    show_magic("saved");
    show_gone(m);
}

static void save_nowhere(struct machine *m)
{
    start_small(m);
    CALL(virDomainSave(m->dom, "/absent/saved"));
    await_event("lifecycle resumed, detail 0");
    show_state(m);
    CALL(virDomainSave(m->dom, m->dir));
    await_event("lifecycle resumed, detail 0");
    show_state(m);
    show_domain_job_stats(m, VIR_DOMAIN_JOB_STATS_COMPLETED);
    leave(m);
}

/* ---- jobs that are looked at while they run; those that are aborted bypass the cache, so that they last long enough ---- */

struct caller {
    struct machine *m;
    const char *file;
    int dump, result, error;
    unsigned int flags;
    pthread_t thread;
};

static void *call(void *opaque)
{
    struct caller *c = opaque;

    if (c->dump)
        c->result = virDomainCoreDumpWithFormat(c->m->dom, c->file, VIR_DOMAIN_CORE_DUMP_FORMAT_RAW, c->flags);
    else
        c->result = virDomainSaveFlags(c->m->dom, c->file, NULL, c->flags);
    c->error = c->result < 0 ? virGetLastError()->code : 0;
    return NULL;
}

/* Let another thread save or dump the machine to a file, and return when its job is on its way. */
static void start_call(struct caller *c, struct machine *m, const char *file)
{
    virDomainJobInfo info;
    const struct timespec moment = {0, 1000000};
    int tries = PATIENCE_SECONDS * 1000;

    c->m = m;
    c->file = path_of(m, file);
    memset(&info, 0, sizeof(info));
    if (pthread_create(&c->thread, NULL, call, c) != 0)
        give_up("pthread_create");
    while (info.memTotal == 0) {
        if (virDomainGetJobInfo(m->dom, &info) < 0 || tries-- == 0)
            give_up("no job");
        nanosleep(&moment, NULL);
    }
}

/* The job was on its way all the time until now, or the scenario shows nothing of what it is for. */
static void require_job(struct caller *c)
{
    virDomainJobInfo info;

    memset(&info, 0, sizeof(info));
    if (virDomainGetJobInfo(c->m->dom, &info) < 0 || info.memTotal == 0 || info.type != VIR_DOMAIN_JOB_UNBOUNDED)
        too_late("the job was over before it had been looked at");
}

static void show_call(const struct caller *c)
{
    say("the call returned %d, error %d", c->result, c->error);
}

static void end_call(struct caller *c)
{
    pthread_join(c->thread, NULL);
    show_call(c);
}

/* Abort the job of the call, and wait until the call has returned. */
static void abort_call(struct caller *c)
{
    struct machine *m = c->m;
    int aborted = CALL(virDomainAbortJob(m->dom));

    pthread_join(c->thread, NULL);
    if (aborted < 0 || c->result == 0)
        too_late("the job was over before it could be aborted");
}

static void save_aborted(struct machine *m)
{
    struct caller caller = {NULL, NULL, 0, 0, 0, VIR_DOMAIN_SAVE_BYPASS_CACHE, 0};

    start_big(m);
    start_call(&caller, m, "saved");
    abort_call(&caller);
    await_event("lifecycle resumed, detail 0");
    show_call(&caller);
    show_state(m);
    show_magic("saved");
    show_domain_job(m);
    show_domain_job_stats(m, VIR_DOMAIN_JOB_STATS_COMPLETED);
    CALL(virDomainAbortJob(m->dom));
    CALL(virDomainSave(m->dom, caller.file));
    await_event("lifecycle stopped, detail 4");
    show_magic("saved");
    show_gone(m);
}

static void save_looked_at(struct machine *m)
{
    struct caller caller = {NULL, NULL, 0, 0, 0, 0, 0};

    start_big(m);
    show_domain_job(m);
    show_domain_job_stats(m, 0);
    start_call(&caller, m, "saved");
    show_domain_job(m);
    show_domain_job_stats(m, 0);
    require_job(&caller);
    await_event("lifecycle stopped, detail 4");
    end_call(&caller);
    show_gone(m);
}

static void dump_waits_for_dump(struct machine *m)
{
    struct caller caller = {NULL, NULL, 1, 0, 0, 0, 0};

    start_big(m);
    start_call(&caller, m, "dumped");
    CALL(virDomainCoreDump(m->dom, path_of(m, "second"), VIR_DUMP_MEMORY_ONLY));
    end_call(&caller);
    /* The guest goes on after each of them, and that is told when it is told. */
    await_event("lifecycle resumed, detail 0");
    await_event("lifecycle resumed, detail 0");
    show_magic("dumped");
    show_magic("second");
    show_state(m);
    machine_destroy(m);
}

static void dump_aborted(struct machine *m)
{
    struct caller caller = {NULL, NULL, 1, 0, 0, VIR_DUMP_BYPASS_CACHE, 0};

    start_big(m);
    start_call(&caller, m, "dumped");
    abort_call(&caller);
    await_event("lifecycle resumed, detail 0");
    show_call(&caller);
    show_state(m);
    show_magic("dumped");
    leave(m);
}

static void memory_dump_is_not_aborted(struct machine *m)
{
    struct caller caller = {NULL, NULL, 1, 0, 0, VIR_DUMP_MEMORY_ONLY, 0};

    start_big(m);
    start_call(&caller, m, "dumped");
    await_event("lifecycle suspended, detail 0");
    show_domain_job(m);
    if (show_domain_job_stats(m, 0) != VIR_DOMAIN_JOB_UNBOUNDED)
        too_late("the job was over before it had been looked at");
    CALL(virDomainAbortJob(m->dom));
    await_event("lifecycle resumed, detail 0");
    end_call(&caller);
    show_magic("dumped");
    show_domain_job_stats(m, VIR_DOMAIN_JOB_STATS_COMPLETED);
    leave(m);
}

/* Suspending waits until the guest goes on that a dump has stopped. */
static void suspended_during(struct machine *m, unsigned int flags)
{
    struct caller caller = {NULL, NULL, 1, 0, 0, 0, 0};

    start_big(m);
    caller.flags = flags;
    start_call(&caller, m, "dumped");
    CALL(virDomainSuspend(m->dom));
    end_call(&caller);
    await_event("lifecycle resumed, detail 0");
    await_event("lifecycle suspended, detail 0");
    show_state(m);
    show_magic("dumped");
    leave(m);
}

static void suspended_during_dump(struct machine *m)
{
    suspended_during(m, 0);
}

static void suspended_during_dump_of_memory(struct machine *m)
{
    suspended_during(m, VIR_DUMP_MEMORY_ONLY);
}

static void suspended_during_save(struct machine *m)
{
    struct caller caller = {NULL, NULL, 0, 0, 0, VIR_DOMAIN_SAVE_BYPASS_CACHE, 0};

    start_big(m);
    start_call(&caller, m, "saved");
    CALL(virDomainSuspend(m->dom));
    await_event("lifecycle stopped, detail 4");
    end_call(&caller);
    show_gone(m);
}

/* ---- dumps ---- */

static void dump(struct machine *m)
{
    start_small(m);
    CALL(virDomainCoreDump(m->dom, path_of(m, "dumped"), 0));
    await_event("lifecycle resumed, detail 0");
    show_magic("dumped");
    show_state(m);
    show_domain_job_stats(m, VIR_DOMAIN_JOB_STATS_COMPLETED | VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED);
    show_domain_job_stats(m, VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED);
    show_domain_job_stats(m, VIR_DOMAIN_JOB_STATS_COMPLETED);
    show_domain_job_stats(m, VIR_DOMAIN_JOB_STATS_COMPLETED);
    CALL(virDomainCoreDump(m->dom, path_of(m, "dumped"), VIR_DUMP_LIVE));
    await_event("lifecycle resumed, detail 0");
    show_state(m);
    CALL(virDomainCoreDump(m->dom, "/absent/dumped", 0));
    await_event("lifecycle resumed, detail 0");
    show_state(m);
    leave(m);
}

static void dump_of_memory_only(struct machine *m)
{
    unsigned int format;

    start_small(m);
    for (format = 0; format <= FORMATS; format++) {
        say("format %u", format);
        CALL(virDomainCoreDumpWithFormat(m->dom, path_of(m, "dumped"), format, VIR_DUMP_MEMORY_ONLY));
        if (format < FORMATS)
            await_event("lifecycle resumed, detail 0");
        show_magic("dumped");
        unlink("dumped");
    }
    CALL(virDomainCoreDumpWithFormat(m->dom, path_of(m, "dumped"), VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB, 0));
    await_event("lifecycle resumed, detail 0");
    show_magic("dumped");
    show_state(m);
    leave(m);
}

static void dump_and_crash(struct machine *m)
{
    start_small(m);
    CALL(virDomainCoreDump(m->dom, path_of(m, "dumped"), VIR_DUMP_CRASH | VIR_DUMP_LIVE));
    CALL(virDomainCoreDump(m->dom, path_of(m, "dumped"), VIR_DUMP_CRASH | VIR_DUMP_MEMORY_ONLY));
    await_event("lifecycle stopped, detail 2");
    show_magic("dumped");
    show_gone(m);
}

static void dump_and_reset(struct machine *m)
{
    start_small(m);
    CALL(virDomainCoreDump(m->dom, path_of(m, "dumped"), VIR_DUMP_RESET | VIR_DUMP_BYPASS_CACHE));
    await_event("lifecycle resumed, detail 0");
    show_magic("dumped");
    show_state(m);
    leave(m);
}

static void dump_suspended(struct machine *m)
{
    start_small(m);
    CALL(virDomainSuspend(m->dom));
    await_event("lifecycle suspended, detail 0");
    CALL(virDomainCoreDump(m->dom, path_of(m, "dumped"), VIR_DUMP_MEMORY_ONLY));
    show_magic("dumped");
    CALL(virDomainCoreDump(m->dom, path_of(m, "dumped"), 0));
    show_magic("dumped");
    show_late_events();
    show_state(m);
    leave(m);
}

/* ---- limits of migrations ---- */

static void limits(struct machine *m)
{
    unsigned long speed = 0;
    unsigned long long downtime = 0;

    start_small(m);
    CALL(virDomainMigrateGetMaxSpeed(m->dom, &speed, 0));
    say("%lu MiB/s", speed);
    CALL(virDomainMigrateSetMaxSpeed(m->dom, 7, 0));
    CALL(virDomainMigrateGetMaxSpeed(m->dom, &speed, 0));
    say("%lu MiB/s", speed);
    CALL(virDomainMigrateSetMaxSpeed(m->dom, speed, 1u << 20));
    CALL(virDomainMigrateGetMaxDowntime(m->dom, &downtime, 0));
    say("%llu ms", downtime);
    CALL(virDomainMigrateSetMaxDowntime(m->dom, 123, 0));
    CALL(virDomainMigrateGetMaxDowntime(m->dom, &downtime, 0));
    say("%llu ms", downtime);
    CALL(virDomainMigrateSetMaxDowntime(m->dom, 123, 1));
    CALL(virDomainMigrateStartPostCopy(m->dom, 0));
    leave(m);
}

static void no_job(struct machine *m)
{
    start_small(m);
    show_domain_job(m);
    show_domain_job_stats(m, 0);
    show_domain_job_stats(m, VIR_DOMAIN_JOB_STATS_COMPLETED);
    show_domain_job_stats(m, 1u << 20);
    CALL(virDomainGetJobInfo(m->dom, NULL));
    CALL(virDomainAbortJob(m->dom));
    leave(m);
}

const struct scenario memory_scenarios[] = {
    {"save-takes-the-machine-away", save},
    {"save-takes-flags", save_with_flags},
    {"save-of-a-machine-that-is-suspended", save_suspended},
    {"save-past-the-cache", save_past_the_cache},
    {"save-that-has-nowhere-to-go-leaves-the-machine-running", save_nowhere},
    {"save-is-aborted-and-then-done-after-all", save_aborted},
    {"save-is-looked-at-by-the-older-calls", save_looked_at},
    {"dump-to-a-file", dump},
    {"dump-in-every-format", dump_of_memory_only},
    {"dump-and-end-the-machine", dump_and_crash},
    {"dump-and-reset-the-machine", dump_and_reset},
    {"dump-of-a-machine-that-is-suspended", dump_suspended},
    {"dump-is-aborted", dump_aborted},
    {"dump-of-the-memory-alone-cannot-be-aborted", memory_dump_is_not_aborted},
    {"dump-waits-until-another-is-over", dump_waits_for_dump},
    {"dump-is-over-before-the-machine-is-suspended", suspended_during_dump},
    {"dump-of-the-memory-alone-is-over-before-the-machine-is-suspended", suspended_during_dump_of_memory},
    {"save-is-over-before-the-machine-is-suspended", suspended_during_save},
    {"migration-limits-are-kept", limits},
    {"job-calls-where-there-is-no-job", no_job},
    {NULL, NULL},
};
