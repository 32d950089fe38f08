/*
 * table.h: which requests are accepted for a type of job in a state
 *
 * A row is a job as a fixture describes it, and for each request, in the order ABORT FINALIZE PAUSE RESUME DISMISS, what
 * is to come of it: the state that the job is in then, GONE if it is no longer listed, or the code of the refusal.
 */

#ifndef TABLE_H
#define TABLE_H

#include "world.h"

#define REQUESTS 5

enum outcome {
    RUNNING = VIR_DOMAIN_JOB_STATE_RUNNING,
    READY = VIR_DOMAIN_JOB_STATE_READY,
    COMPLETED = VIR_DOMAIN_JOB_STATE_COMPLETED,
    ABORTED = VIR_DOMAIN_JOB_STATE_ABORTED,
    PAUSED = VIR_DOMAIN_JOB_STATE_PAUSED,
    GONE = 0,
    /** Jobs of this type never can. */
    NEVER = -VIR_ERR_OPERATION_UNSUPPORTED,
    /** Not in this state. */
    NOT_NOW = -VIR_ERR_OPERATION_INVALID,
};

struct row {
    /** The attributes of the job, without its state. */
    const char *job;
    const char *state;
    enum outcome outcomes[REQUESTS];
};

static const struct row *row;

static void fail(const char *what, unsigned int request, int got)
{
    fprintf(stderr, "request %u to <job %s state='%s'>: %s %d: %s\n", request, row->job, row->state, what, got,
            virGetLastErrorMessage());
    exit(1);
}

/** A new world with the job of the row in it; its name is to be freed. */
static char *stage(virConnectPtr *conn, virDomainPtr *dom)
{
    virDomainJobPtr *jobs;
    char xml[8192], *name;

    snprintf(xml, sizeof(xml), FIXTURE("<jobs:job %s state='%s'/>"), row->job, row->state);
    if (!(*conn = try_fixture(xml)))
        fail("no world, error", 0, virGetLastErrorCode());
    *dom = domain_of(*conn, "test");
    CHECK_INT(virDomainJobList(*dom, &jobs, 0), 1);
    CHECK((name = strdup(jobs[0]->name)) != NULL);
    free_jobs(jobs);
    return name;
}

static void check_cell(unsigned int request)
{
    enum outcome wanted = row->outcomes[request - 1];
    virConnectPtr conn;
    virDomainPtr dom;
    char *name = stage(&conn, &dom);
    int before = listed_state(dom, name), done = control(dom, name, request), code = virGetLastErrorCode(), after;

    after = listed_state(dom, name);
    if (wanted < 0) {
        if (done != -1 || code != -(int)wanted)
            fail("error", request, code);
        if (after != before)
            fail("refused, but the state is now", request, after);
    } else {
        if (done != 0)
            fail("error", request, code);
        if (after != (int)wanted)
            fail("the state is now", request, after);
    }
    free(name);
    close_world(dom, conn);
}

/** What is no request is refused whatever the job. */
static void check_no_request(void)
{
    static const unsigned int none[] = { VIR_DOMAIN_JOB_CONTROL_OPERATION_NONE, REQUESTS + 1, 1U << 31, ~0U };
    virConnectPtr conn;
    virDomainPtr dom;
    char *name = stage(&conn, &dom);
    size_t i;

    for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        if (control(dom, name, none[i]) != -1 || virGetLastErrorCode() != VIR_ERR_INVALID_ARG)
            fail("error", none[i], virGetLastErrorCode());
    }
    virResetLastError();
    free(name);
    close_world(dom, conn);
}

static void check_rows(const struct row *rows, size_t count)
{
    unsigned int request;

    quiet_errors();
    for (row = rows; row < rows + count; row++) {
        for (request = ABORT; request <= DISMISS; request++)
            check_cell(request);
        check_no_request();
    }
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof(rows[0]))

/** The rows of a type that ended: it is refused whatever it could do before, and dismissed. */
#define ENDED(job, abort, finalize, pause) \
    { job, "completed", { abort, finalize, pause, pause, GONE } }, \
    { job, "failed", { abort, finalize, pause, pause, GONE } }, \
    { job, "aborted", { abort, finalize, pause, pause, GONE } }

#endif /* TABLE_H */
