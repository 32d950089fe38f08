/*
 * A loop of the application's own is used as it is: its functions get exactly what was asked for, events come from a
 * descriptor that it watches, whatever thread they came up on, and the default loop takes no part.
 */

#include <poll.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"
#include "events.h"

#define TIMERS 16

static struct {
    virEventTimeoutCallback cb;
    virFreeCallback ff;
    void *opaque;
    int timeout;
    int used;
} timers[TIMERS];

/** What the library has watched for itself. */
static struct {
    virEventHandleCallback cb;
    virFreeCallback ff;
    void *opaque;
    int fd;
} watched = { NULL, NULL, NULL, -1 };

#define APPLICATIONS_FD 7
#define WATCH 100
#define LIBRARYS_WATCH 200

static int added_handle, updated_handle, removed_handle;
static int timers_alive, events;

static void on_ready(int watch, int fd, int ready, void *opaque)
{
    (void)watch;
    (void)fd;
    (void)ready;
    (void)opaque;
}

static void on_timer(int timer, void *opaque)
{
    (void)timer;
    ++*(int *)opaque;
}

static void on_free(void *opaque)
{
    ++*(int *)opaque;
}

static int add_handle(int fd, int event, virEventHandleCallback cb, void *opaque, virFreeCallback ff)
{
    CHECK_INT(event, VIR_EVENT_HANDLE_READABLE);
    if (fd != APPLICATIONS_FD) {
        CHECK_INT(watched.fd, -1);
        watched.cb = cb;
        watched.ff = ff;
        watched.opaque = opaque;
        watched.fd = fd;
        return LIBRARYS_WATCH;
    }
    CHECK(cb == on_ready && opaque == &added_handle && ff == on_free);
    added_handle++;
    return WATCH;
}

static void update_handle(int watch, int event)
{
    CHECK_INT(watch, WATCH);
    CHECK_INT(event, 0);
    updated_handle++;
}

static int remove_handle(int watch)
{
    if (watch == LIBRARYS_WATCH) {
        CHECK(watched.fd >= 0);
        watched.fd = -1;
        return 0;
    }
    CHECK_INT(watch, WATCH);
    return removed_handle++ ? -1 : 0;
}

static int add_timeout(int timeout, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff)
{
    int timer = 0;

    while (timers[timer].used)
        timer++;
    CHECK(timer < TIMERS);
    timers[timer].cb = cb;
    timers[timer].ff = ff;
    timers[timer].opaque = opaque;
    timers[timer].timeout = timeout;
    timers[timer].used = 1;
    timers_alive++;
    return timer;
}

static void update_timeout(int timer, int timeout)
{
    CHECK(timer >= 0 && timer < TIMERS && timers[timer].used == 1);
    timers[timer].timeout = timeout;
}

static int remove_timeout(int timer)
{
    CHECK(timer >= 0 && timer < TIMERS);
    if (timers[timer].used != 1)
        return -1;
    timers[timer].used = 2;
    timers_alive--;
    return 0;
}

static void run(void)
{
    struct pollfd ready = { watched.fd, POLLIN, 0 };
    int timer;

    if (watched.fd >= 0 && poll(&ready, 1, 0) == 1)
        watched.cb(LIBRARYS_WATCH, watched.fd, VIR_EVENT_HANDLE_READABLE, watched.opaque);
    if (watched.fd < 0 && watched.ff) {
        watched.ff(watched.opaque);
        watched.ff = NULL;
    }
    for (timer = 0; timer < TIMERS; timer++)
        if (timers[timer].used == 1 && timers[timer].timeout == 0)
            timers[timer].cb(timer, timers[timer].opaque);
    for (timer = 0; timer < TIMERS; timer++)
        if (timers[timer].used == 2) {
            if (timers[timer].ff)
                timers[timer].ff(timers[timer].opaque);
            timers[timer].used = 0;
        }
}

static int on_event(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    (void)conn;
    (void)event;
    (void)detail;
    (void)opaque;
    CHECK_STR(virDomainGetName(dom), "test");
    events++;
    return 0;
}

int main(void)
{
    static int calls, freed;
    virConnectPtr conn;
    virDomainPtr dom;
    int timer, id;

    CHECK_INT(virInitialize(), 0);
    virEventRegisterImpl(add_handle, update_handle, remove_handle, add_timeout, update_timeout, remove_timeout);
    CHECK_INT(virEventRegisterDefaultImpl(), 0);

    CHECK_INT(virEventAddHandle(APPLICATIONS_FD, VIR_EVENT_HANDLE_READABLE, on_ready, &added_handle, on_free), WATCH);
    virEventUpdateHandle(WATCH, 0);
    CHECK_INT(virEventRemoveHandle(WATCH), 0);
    CHECK_INT(virEventRemoveHandle(WATCH), -1);
    CHECK_INT(added_handle + updated_handle, 2);

    timer = virEventAddTimeout(-1, on_timer, &calls, NULL);
    CHECK_INT(timers_alive, 1);
    CHECK(timers[timer].cb == on_timer && timers[timer].opaque == &calls);
    virEventUpdateTimeout(timer, 0);
    run();
    CHECK_INT(calls, 1);
    CHECK_INT(virEventRemoveTimeout(timer), 0);
    run();

    CHECK((conn = virConnectOpen("test:///default")) != NULL);
    CHECK((dom = virDomainLookupByName(conn, "test")) != NULL);
    CHECK_INT(watched.fd, -1);
    id = subscribe(conn, NULL, on_event, &freed, on_free);
    CHECK(id >= 0);
    CHECK(watched.fd >= 0);
    make_two_events(dom);
    CHECK_INT(events, 0);
    run();
    CHECK_INT(events, 2);
    run();
    CHECK_INT(events, 2);

    CHECK_INT(virConnectDomainEventDeregisterAny(conn, id), 0);
    CHECK_INT(freed, 1);
    CHECK_INT(watched.fd, -1);
    CHECK_INT(timers_alive, 0);
    run();
    CHECK_INT(virDomainFree(dom), 0);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
