/*
 * Copies a disk of a running virtual machine to TARGET and lets the machine go on with the copy.
 *
 *   copy URI DOMAIN DISK TARGET
 *
 * DOMAIN is the name of a domain, or the name of a file ending in .xml with a domain that is to be started.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>

/* What the events have told about our job. Events come on the thread that runs the loop, which is this one. */
struct progress {
    const char *job;
    virDomainJobState state;
};

static void job_state(virConnectPtr conn, virDomainPtr domain, const char *job, virDomainJobType type,
                      virDomainJobState state, void *opaque)
{
    static const char *const names[] = { "none", "running", "ready", "failed", "completed", "aborted", "paused" };
    struct progress *progress = opaque;

    (void)conn;
    (void)type;
    printf("%s: %s is %s\n", virDomainGetName(domain), job, names[state]);
    if (strcmp(job, progress->job) == 0)
        progress->state = state;
}

/* Runs the event loop until the job is in that state; 0 if it ends in another one. */
static int reach(struct progress *progress, virDomainJobState wanted)
{
    while (progress->state != wanted) {
        if (progress->state >= VIR_DOMAIN_JOB_STATE_FAILED && progress->state <= VIR_DOMAIN_JOB_STATE_ABORTED)
            return 0;
        if (virEventRunDefaultImpl() < 0)
            return 0;
    }
    return 1;
}

static int control(virDomainPtr domain, const char *job, virDomainJobControlOperation operation)
{
    return virDomainJobControl(domain, job, operation, 0) == 0;
}

static void list(virDomainPtr domain)
{
    virDomainJobPtr *jobs;
    int n = virDomainJobList(domain, &jobs, VIR_DOMAIN_JOB_LIST_STATS);

    for (int i = 0; i < n; i++) {
        unsigned long long current = 0, end = 0;

        virTypedParamsGetULLong(jobs[i]->data, (int)jobs[i]->ndata, VIR_DOMAIN_JOB_PARAM_CURRENT, &current);
        virTypedParamsGetULLong(jobs[i]->data, (int)jobs[i]->ndata, VIR_DOMAIN_JOB_PARAM_END, &end);
        printf("  %s: %llu of %llu bytes\n", jobs[i]->name, current, end);
        virDomainJobFree(jobs[i]);
    }
    if (n >= 0)
        free(jobs);
}

/* From here on the job is known by its name alone. */
static int follow(virDomainPtr domain, const char *job, struct progress *progress)
{
    char *xml;

    list(domain);
    if (!control(domain, job, VIR_DOMAIN_JOB_CONTROL_OPERATION_PAUSE) || !reach(progress, VIR_DOMAIN_JOB_STATE_PAUSED) ||
        !control(domain, job, VIR_DOMAIN_JOB_CONTROL_OPERATION_RESUME) || virDomainJobSetSpeed(domain, job, 0, 0) < 0 ||
        !reach(progress, VIR_DOMAIN_JOB_STATE_READY) ||
        !control(domain, job, VIR_DOMAIN_JOB_CONTROL_OPERATION_FINALIZE) ||
        !reach(progress, VIR_DOMAIN_JOB_STATE_COMPLETED))
        return 0;
    /* It was started with PERSIST, so what became of it can be looked up until it is dismissed. */
    if (!(xml = virDomainJobGetXMLDesc(domain, job, 0)))
        return 0;
    fputs(xml, stdout);
    free(xml);
    return control(domain, job, VIR_DOMAIN_JOB_CONTROL_OPERATION_DISMISS);
}

static int copy(virConnectPtr conn, virDomainPtr domain, const char *disk, const char *target)
{
    struct progress progress = { "", VIR_DOMAIN_JOB_STATE_NONE };
    virTypedParameterPtr params = NULL;
    int nparams = 0, room = 0, done = 0, events;
    char destination[4096];
    char *job = NULL;

    /* A name with markup in it would have to be escaped. */
    snprintf(destination, sizeof(destination), "<disk type='file'><driver type='qcow2'/><source file='%s'/></disk>", target);
    virTypedParamsAddULLong(&params, &nparams, &room, VIR_DOMAIN_BLOCK_COPY_BANDWIDTH, 4 << 20);
    events = virConnectDomainEventRegisterAny(conn, domain, VIR_DOMAIN_EVENT_ID_JOB_STATE,
                                              VIR_DOMAIN_EVENT_CALLBACK(job_state), &progress, NULL);
    if (events >= 0 &&
        virDomainBlockCopy(domain, disk, destination, params, nparams,
                           VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB | VIR_DOMAIN_BLOCK_COPY_PERSIST_JOB) == 0 &&
        (job = virDomainJobLastStarted(domain, 0))) {
        progress.job = job;
        done = follow(domain, job, &progress);
    }
    if (events >= 0)
        virConnectDomainEventDeregisterAny(conn, events);
    virTypedParamsFree(params, nparams);
    free(job);
    return done;
}

/* The domain of that name, or one that is started from the file of that name. */
static virDomainPtr find(virConnectPtr conn, const char *name, int *started)
{
    const char *ending = strrchr(name, '.');
    char xml[16384];
    FILE *file;

    *started = ending && strcmp(ending, ".xml") == 0;
    if (!*started)
        return virDomainLookupByName(conn, name);
    if (!(file = fopen(name, "r"))) {
        perror(name);
        return NULL;
    }
    xml[fread(xml, 1, sizeof(xml) - 1, file)] = '\0';
    fclose(file);
    return virDomainCreateXML(conn, xml, 0);
}

int main(int argc, char **argv)
{
    virConnectPtr conn;
    virDomainPtr domain;
    int started, done = 0;

    if (argc != 5) {
        fprintf(stderr, "usage: %s URI DOMAIN DISK TARGET\n", argv[0]);
        return 2;
    }
    /* Whatever fails is printed to stderr, as long as no error handler is set. */
    if (virEventRegisterDefaultImpl() < 0 || !(conn = virConnectOpen(argv[1])))
        return 1;
    if ((domain = find(conn, argv[2], &started))) {
        done = copy(conn, domain, argv[3], argv[4]);
        if (started)
            virDomainDestroy(domain);
        virDomainFree(domain);
    }
    virConnectClose(conn);
    return done ? 0 : 1;
}
