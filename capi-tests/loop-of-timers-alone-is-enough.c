/* A loop of the application's own that watches no descriptors gets by with a timer. */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"
#include "events.h"

static virEventTimeoutCallback callback;
static virFreeCallback release;
static void *data;
static int due = -1, alive, events;

static int add_timeout(int timeout, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff)
{
    CHECK_INT(alive++, 0);
    CHECK_INT(timeout, -1);
    callback = cb;
    release = ff;
    data = opaque;
    return 5;
}

static void update_timeout(int timer, int timeout)
{
    CHECK_INT(timer, 5);
    due = timeout;
}

static int remove_timeout(int timer)
{
    CHECK_INT(timer, 5);
    CHECK_INT(alive--, 1);
    return 0;
}

static int on_event(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    (void)conn;
    (void)dom;
    (void)event;
    (void)detail;
    (void)opaque;
    return ++events;
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    int id;

    virEventRegisterImpl(NULL, NULL, NULL, add_timeout, update_timeout, remove_timeout);
    CHECK((conn = virConnectOpen("test+jobs:///default")) != NULL);
    CHECK((dom = virDomainLookupByName(conn, "test")) != NULL);
    id = subscribe(conn, NULL, on_event, NULL, NULL);
    CHECK(id >= 0 && alive == 1);
    make_two_events(dom);
    CHECK_INT(due, 0);
    callback(5, data);
    CHECK_INT(events, 2);
    CHECK_INT(due, -1);

    CHECK_INT(virConnectDomainEventDeregisterAny(conn, id), 0);
    CHECK_INT(alive, 0);
    release(data);
    CHECK_INT(virDomainFree(dom), 0);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
