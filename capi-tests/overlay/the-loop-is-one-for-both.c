/*
 * the-loop-is-one-for-both ORDER
 *
 * Whoever registers an event loop with either library, before or after the other is there, gets the events of both
 * libraries' connections from it.
 */
#define _GNU_SOURCE

#include <poll.h>

#include "real.h"
#include "events.h"

static int heard;

static int on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    CHECK(conn == opaque);
    CHECK_STR(virDomainGetName(dom), "test");
    CHECK(event == VIR_DOMAIN_EVENT_SUSPENDED || event == VIR_DOMAIN_EVENT_RESUMED);
    (void)detail;
    heard++;
    return 0;
}

/* A loop of the application's: for one thread, as simple as can be. */

struct timer {
    int interval;
    virEventTimeoutCallback cb;
    void *opaque;
    virFreeCallback ff;
};

static struct timer timers[64];
static int timers_made;

static int my_add_timeout(int interval, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff)
{
    struct timer timer = { interval, cb, opaque, ff };

    CHECK(timers_made < (int)(sizeof(timers) / sizeof(timers[0])));
    timers[timers_made] = timer;
    return timers_made++;
}

static void my_update_timeout(int timer, int interval)
{
    timers[timer].interval = interval;
}

static int my_remove_timeout(int timer)
{
    timers[timer].interval = -1;
    timers[timer].cb = NULL;
    return 0;
}

/** A loop that does not watch descriptors says so. */
struct handle {
    struct pollfd wait;
    virEventHandleCallback cb;
    void *opaque;
    virFreeCallback ff;
};

static struct handle handles[64];
static int handles_made;

/** Conditions as poll() knows them, and back; those that are not asked for are told all the same. */
static short to_poll(int events)
{
    return (short)((events & VIR_EVENT_HANDLE_READABLE ? POLLIN : 0) | (events & VIR_EVENT_HANDLE_WRITABLE ? POLLOUT : 0));
}

static int from_poll(short events)
{
    return (events & POLLIN ? VIR_EVENT_HANDLE_READABLE : 0) | (events & POLLOUT ? VIR_EVENT_HANDLE_WRITABLE : 0) |
           (events & POLLERR ? VIR_EVENT_HANDLE_ERROR : 0) | (events & POLLHUP ? VIR_EVENT_HANDLE_HANGUP : 0);
}

static int my_add_handle(int fd, int events, virEventHandleCallback cb, void *opaque, virFreeCallback ff)
{
    struct handle handle = { { fd, to_poll(events), 0 }, cb, opaque, ff };

    CHECK(handles_made < (int)(sizeof(handles) / sizeof(handles[0])));
    handles[handles_made] = handle;
    return handles_made++;
}

static void my_update_handle(int watch, int events)
{
    handles[watch].wait.events = to_poll(events);
}

static int my_remove_handle(int watch)
{
    handles[watch].cb = NULL;
    return 0;
}

static void run_my_handles(void)
{
    int i;

    for (i = 0; i < handles_made; i++) {
        struct handle *handle = &handles[i];

        if (handle->cb && poll(&handle->wait, 1, 0) > 0)
            handle->cb(i, handle->wait.fd, from_poll(handle->wait.revents), handle->opaque);
        if (!handle->cb && handle->ff) {
            virFreeCallback ff = handle->ff;

            handle->ff = NULL;
            ff(handle->opaque);
        }
    }
}

static int run_my_loop(void)
{
    int i;

    run_my_handles();
    for (i = 0; i < timers_made; i++) {
        if (timers[i].cb && timers[i].interval == 0)
            timers[i].cb(i, timers[i].opaque);
        if (!timers[i].cb && timers[i].ff) {
            virFreeCallback ff = timers[i].ff;

            timers[i].ff = NULL;
            ff(timers[i].opaque);
        }
    }
    a_moment();
    return 0;
}

static int (*run)(void);

static void register_mine(void)
{
    virEventRegisterImpl(my_add_handle, my_update_handle, my_remove_handle, my_add_timeout, my_update_timeout, my_remove_timeout);
    run = run_my_loop;
}

static void register_default(void)
{
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    run = virEventRunDefaultImpl;
}

static void register_with_libvirt(void)
{
    CHECK_INT(REAL(virEventRegisterDefaultImpl)(), 0);
    run = REAL(virEventRunDefaultImpl);
}

static void come_in_order(const char *order)
{
    if (strcmp(order, "default-first") == 0)
        register_default();
    if (strcmp(order, "application-first") == 0)
        register_mine();
    need_real_library();
    if (strcmp(order, "default-last") == 0)
        register_default();
    if (strcmp(order, "application-last") == 0)
        register_mine();
    if (strcmp(order, "libvirt-last") == 0)
        register_with_libvirt();
    CHECK(run != NULL);
    /* It is there already, so this changes nothing. */
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
}

static void on_tick(int timer, void *opaque)
{
    int *ticks = opaque;

    (*ticks)++;
    virEventUpdateTimeout(timer, -1);
}

static void freed(void *opaque)
{
    int *ticks = opaque;

    *ticks = -1;
}

/** A timer that is added with one library's function is run, and can be removed by the other's. */
static void timers_are_known_to_both(void)
{
    long long end = now_ms() + SOON;
    int ticks = 0;
    int timer = virEventAddTimeout(0, on_tick, &ticks, freed);

    CHECK(timer >= 0);
    while (ticks == 0 && now_ms() < end)
        run();
    CHECK_INT(ticks, 1);
    CHECK_INT(REAL(virEventRemoveTimeout)(timer), 0);
    timer = REAL(virEventAddTimeout)(1, on_tick, &heard, NULL);
    CHECK(timer >= 0);
    while (ticks != -1 && now_ms() < end)
        run();
    CHECK_INT(ticks, -1);
    CHECK_INT(virEventRemoveTimeout(timer), 0);
    heard = 0;
}

int main(int argc, char **argv)
{
    virConnectPtr own, theirs;
    virDomainPtr own_dom, their_dom;
    long long end = now_ms() + SOON;
    int own_id, their_id;

    CHECK_INT(argc, 2);
    quiet_errors();
    come_in_order(argv[1]);
    timers_are_known_to_both();

    own = open_world(DEFAULT_URI);
    theirs = open_world(REAL_WORLD);
    own_dom = domain_of(own, "test");
    their_dom = domain_of(theirs, "test");
    own_id = subscribe(own, own_dom, on_lifecycle, own, NULL);
    their_id = subscribe(theirs, NULL, on_lifecycle, theirs, NULL);
    CHECK(own_id >= 0);
    CHECK(their_id >= 0);
    make_two_events(own_dom);
    make_two_events(their_dom);
    CHECK_INT(heard, 0);
    while (heard < 4 && now_ms() < end)
        run();
    CHECK_INT(heard, 4);
    CHECK_INT(virConnectDomainEventDeregisterAny(own, own_id), 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(theirs, their_id), 0);
    CHECK_INT(virDomainFree(own_dom), 0);
    CHECK_INT(virDomainFree(their_dom), 0);
    CHECK_INT(virConnectClose(own), 0);
    CHECK_INT(virConnectClose(theirs), 0);
    return 0;
}
