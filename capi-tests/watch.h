/*
 * watch.h: what the event loop tells of jobs, written down
 */

#ifndef WATCH_H
#define WATCH_H

#include "world.h"

/** What was heard, one `NAME STATE;` after the other. */
struct watch {
    virConnectPtr conn;
    int id;
    int events;
    char seen[8192];
};

static inline const char *state_word(int state)
{
    static const char *const words[] = { "none", "running", "ready", "failed", "completed", "aborted", "paused" };

    CHECK(state >= 0 && state < (int)(sizeof(words) / sizeof(words[0])));
    return words[state];
}

static inline void watch_note(struct watch *watch, const char *what)
{
    CHECK(strlen(watch->seen) + strlen(what) + 2 < sizeof(watch->seen));
    strcat(strcat(watch->seen, what), ";");
    watch->events++;
}

static inline void watch_on_state(virConnectPtr conn, virDomainPtr dom, const char *name, virDomainJobType type,
                                  virDomainJobState state, void *opaque)
{
    struct watch *watch = opaque;
    char what[512];

    CHECK(conn == watch->conn);
    CHECK(virDomainGetConnect(dom) == conn);
    CHECK(type != VIR_DOMAIN_JOB_TYPE_NONE);
    snprintf(what, sizeof(what), "%s %s", name, state_word(state));
    watch_note(watch, what);
}

/** Subscribes to the changes of state of all jobs. An event loop must be registered. */
static inline void watch_jobs(struct watch *watch, virConnectPtr conn)
{
    memset(watch, 0, sizeof(*watch));
    watch->conn = conn;
    watch->id = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_JOB_STATE,
                                                 VIR_DOMAIN_EVENT_CALLBACK(watch_on_state), watch, NULL);
    CHECK(watch->id >= 0);
}

static inline void watch_end(struct watch *watch)
{
    CHECK_INT(virConnectDomainEventDeregisterAny(watch->conn, watch->id), 0);
}

static inline void on_patience_ends(int timer, void *opaque)
{
    const struct watch *watch = opaque;

    (void)timer;
    fprintf(stderr, "heard only: %s\n", watch->seen);
    CHECK(!"what was waited for came");
}

/** Runs the loop until so many events have been heard in all. */
static inline void watch_until(struct watch *watch, int events)
{
    int timer = virEventAddTimeout(SOON, on_patience_ends, watch, NULL);

    CHECK(timer >= 0);
    while (watch->events < events)
        CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_INT(virEventRemoveTimeout(timer), 0);
}

static inline void on_round_ends(int timer, void *opaque)
{
    (void)timer;
    *(int *)opaque = 1;
}

/** Runs the loop once for everything that waits already. */
static inline void run_loop_for_what_waits(void)
{
    int done = 0, timer = virEventAddTimeout(0, on_round_ends, &done, NULL);

    CHECK(timer >= 0);
    while (!done)
        CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_INT(virEventRemoveTimeout(timer), 0);
}

#endif /* WATCH_H */
