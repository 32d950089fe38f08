/*
 * A program that uses libvirt as ever: it lists the jobs of a domain, whoever started them, and follows one of them by its
 * name to its end. If it gets ready, it is finalized.
 *
 *   follow URI DOMAIN JOB
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/libvirt-jobs.h>

struct followed {
    const char *job;
    virDomainJobState state;
};

/* Called by the thread that runs libvirt's loop. The domain is libvirt's own, and valid during the call. */
static void job_state(virConnectPtr conn, virDomainPtr domain, const char *job, virDomainJobType type,
                      virDomainJobState state, void *opaque)
{
    static const char *const names[] = { "none", "running", "ready", "failed", "completed", "aborted", "paused" };
    struct followed *followed = opaque;

    (void)conn;
    (void)type;
    if (strcmp(job, followed->job) != 0)
        return;
    printf("%s is %s\n", job, names[state]);
    followed->state = state;
    if (state == VIR_DOMAIN_JOB_STATE_READY)
        virDomainJobControl(domain, job, VIR_DOMAIN_JOB_CONTROL_OPERATION_FINALIZE, 0);
}

/* Prints all jobs; the state of the one that is followed, NONE if it is not there, -1 on failure. */
static int list(virDomainPtr domain, const char *followed)
{
    virDomainJobPtr *jobs;
    int n = virDomainJobList(domain, &jobs, VIR_DOMAIN_JOB_LIST_STATS);
    int state = n < 0 ? -1 : VIR_DOMAIN_JOB_STATE_NONE;

    for (int i = 0; i < n; i++) {
        unsigned long long current = 0, end = 0;

        virTypedParamsGetULLong(jobs[i]->data, (int)jobs[i]->ndata, VIR_DOMAIN_JOB_PARAM_CURRENT, &current);
        virTypedParamsGetULLong(jobs[i]->data, (int)jobs[i]->ndata, VIR_DOMAIN_JOB_PARAM_END, &end);
        printf("%s: %llu of %llu bytes\n", jobs[i]->name, current, end);
        if (strcmp(jobs[i]->name, followed) == 0)
            state = (int)jobs[i]->state;
        virDomainJobFree(jobs[i]);
    }
    if (n >= 0)
        free(jobs);
    return state;
}

static int is_over(int state)
{
    return state == VIR_DOMAIN_JOB_STATE_COMPLETED || state == VIR_DOMAIN_JOB_STATE_FAILED ||
           state == VIR_DOMAIN_JOB_STATE_ABORTED;
}

static int follow(virConnectPtr conn, virDomainPtr domain, const char *job)
{
    struct followed followed = { job, VIR_DOMAIN_JOB_STATE_NONE };
    int state, events;

    /* First of all, so that nothing is missed. */
    events = virConnectDomainEventRegisterAny(conn, domain, VIR_DOMAIN_EVENT_ID_JOB_STATE_OVERLAY,
                                              VIR_DOMAIN_EVENT_CALLBACK(job_state), &followed, NULL);
    if (events < 0)
        return 0;
    state = list(domain, job);
    if (state == VIR_DOMAIN_JOB_STATE_READY)
        virDomainJobControl(domain, job, VIR_DOMAIN_JOB_CONTROL_OPERATION_FINALIZE, 0);
    while (state > 0 && !is_over(state) && !is_over(followed.state)) {
        if (virEventRunDefaultImpl() < 0)
            break;
    }
    /* It holds the connection, as every registration does. */
    virConnectDomainEventDeregisterAny(conn, events);
    return state == VIR_DOMAIN_JOB_STATE_COMPLETED || followed.state == VIR_DOMAIN_JOB_STATE_COMPLETED;
}

int main(int argc, char **argv)
{
    virConnectPtr conn;
    virDomainPtr domain;
    int done = 0;

    if (argc != 4) {
        fprintf(stderr, "usage: %s URI DOMAIN JOB\n", argv[0]);
        return 2;
    }
    if (virEventRegisterDefaultImpl() < 0 || !(conn = virConnectOpen(argv[1])))
        return 1;
    if ((domain = virDomainLookupByName(conn, argv[2]))) {
        done = follow(conn, domain, argv[3]);
        virDomainFree(domain);
    }
    return virConnectClose(conn) < 0 || !done;
}
