/*
 * Events are written down as text by the loop's thread, in the order of their arrival, and printed by the main thread
 * at the points where a scenario asks for them.
 */
#define _POSIX_C_SOURCE 200809L
#include "oracle.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOG_LINES 256
#define LINE_SIZE 640

static struct {
    pthread_mutex_t lock;
    pthread_cond_t grown;
    char lines[LOG_LINES][LINE_SIZE];
    size_t written, printed;
} event_log = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, {{0}}, 0, 0};

static pthread_t loop_thread;
static volatile int loop_stopping;
static int watched[3];

static void *run_loop(void *unused)
{
    (void)unused;
    while (!loop_stopping) {
        if (virEventRunDefaultImpl() < 0)
            give_up("virEventRunDefaultImpl");
    }
    return NULL;
}

void events_start_loop(void)
{
    if (virEventRegisterDefaultImpl() < 0)
        give_up("virEventRegisterDefaultImpl");
    if (pthread_create(&loop_thread, NULL, run_loop, NULL) != 0)
        give_up("pthread_create");
}

static void stop_loop(int timer, void *unused)
{
    (void)unused;
    loop_stopping = 1;
    virEventRemoveTimeout(timer);
}

void events_stop_loop(void)
{
    virEventAddTimeout(0, stop_loop, NULL, NULL);
    pthread_join(loop_thread, NULL);
}

void record_event(const char *format, ...)
{
    va_list args;

    pthread_mutex_lock(&event_log.lock);
    if (event_log.written == LOG_LINES)
        give_up("more than %d events", LOG_LINES);
    va_start(args, format);
    vsnprintf(event_log.lines[event_log.written++], LINE_SIZE, format, args);
    va_end(args);
    pthread_cond_broadcast(&event_log.grown);
    pthread_mutex_unlock(&event_log.lock);
}

void await_event(const char *line)
{
    struct timespec end;
    int late = 0, found = 0;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_SECONDS;
    pthread_mutex_lock(&event_log.lock);
    while (!found && !late) {
        while (!found && event_log.printed < event_log.written) {
            found = strcmp(event_log.lines[event_log.printed], line) == 0;
            say("  event %s", event_log.lines[event_log.printed++]);
        }
        if (!found)
            late = pthread_cond_timedwait(&event_log.grown, &event_log.lock, &end) != 0;
    }
    pthread_mutex_unlock(&event_log.lock);
    if (!found)
        give_up("no event '%s' within %d seconds", line, PATIENCE_SECONDS);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

void await_events_in_any_order(size_t n)
{
    struct timespec end;
    size_t first;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_SECONDS;
    pthread_mutex_lock(&event_log.lock);
    first = event_log.printed;
    while (event_log.written - first < n) {
        if (pthread_cond_timedwait(&event_log.grown, &event_log.lock, &end) != 0)
            give_up("%d of %d events within %d seconds", (int)(event_log.written - first), (int)n, PATIENCE_SECONDS);
    }
    qsort(event_log.lines[first], n, LINE_SIZE, by_text);
    while (event_log.printed < first + n)
        say("  event %s", event_log.lines[event_log.printed++]);
    pthread_mutex_unlock(&event_log.lock);
}

void show_late_events(void)
{
    pthread_mutex_lock(&event_log.lock);
    while (event_log.printed < event_log.written)
        say("  event %s", event_log.lines[event_log.printed++]);
    pthread_mutex_unlock(&event_log.lock);
}

/* Other machines of the same daemon are none of our business. */
static int concerns(const struct machine *m, virDomainPtr dom)
{
    const char *name = virDomainGetName(dom);

    return name && strcmp(name, m->name) == 0;
}

void format_block_job(char *text, size_t size, const char *label, const char *disk, int type, int status)
{
    snprintf(text, size, "%s %s %s %s", label, disk ? base_name(disk) : "NULL", block_job_type(type),
             block_job_status(status));
}

static void on_block_job(virConnectPtr conn, virDomainPtr dom, const char *path, int type, int status, void *opaque)
{
    char text[LINE_SIZE];

    (void)conn;
    format_block_job(text, sizeof(text), "block-job", path, type, status);
    if (concerns(opaque, dom))
        record_event("%s", text);
}

static void on_block_job_2(virConnectPtr conn, virDomainPtr dom, const char *disk, int type, int status, void *opaque)
{
    char text[LINE_SIZE];

    (void)conn;
    format_block_job(text, sizeof(text), "block-job-2", disk, type, status);
    if (concerns(opaque, dom))
        record_event("%s", text);
}

/*
 * libvirt tells of QEMU's answer to being destroyed only if it hears it before it sees the end of the process, which is
 * mostly but not always.
 */
int shutdown_by_chance(int event, int detail)
{
    return event == VIR_DOMAIN_EVENT_SHUTDOWN && detail == VIR_DOMAIN_EVENT_SHUTDOWN_HOST;
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    (void)conn;
    if (concerns(opaque, dom) && !shutdown_by_chance(event, detail))
        record_event("lifecycle %s, detail %d", lifecycle_event(event), detail);
    return 0;
}

static int watch(struct machine *m, int id, virConnectDomainEventGenericCallback callback)
{
    int number = virConnectDomainEventRegisterAny(m->conn, NULL, id, callback, m, NULL);

    if (number < 0)
        give_up("virConnectDomainEventRegisterAny(%d)", id);
    return number;
}

void events_watch(struct machine *m)
{
    pthread_mutex_lock(&event_log.lock);
    event_log.written = event_log.printed = 0;
    pthread_mutex_unlock(&event_log.lock);
    watched[0] = watch(m, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle));
    watched[1] = watch(m, VIR_DOMAIN_EVENT_ID_BLOCK_JOB, VIR_DOMAIN_EVENT_CALLBACK(on_block_job));
    watched[2] = watch(m, VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2, VIR_DOMAIN_EVENT_CALLBACK(on_block_job_2));
}

void events_unwatch(struct machine *m)
{
    size_t i;

    for (i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
        if (virConnectDomainEventDeregisterAny(m->conn, watched[i]) < 0)
            say("virConnectDomainEventDeregisterAny failed");
    }
}
