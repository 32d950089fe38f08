/*
 * A callback may end its own registration and that of others: none of them is called again, not even for what is
 * waiting already, and their data are freed when the events that are being delivered are done.
 */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"
#include "events.h"

static char seen[256];
static int ids[3];

static int on_first(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    (void)dom;
    (void)event;
    (void)detail;
    strcat(seen, opaque);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, ids[0]), 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, ids[1]), 0);
    return 0;
}

static int on_event(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    (void)conn;
    (void)dom;
    (void)event;
    (void)detail;
    strcat(seen, opaque);
    return 0;
}

static int on_last(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    return on_event(conn, dom, event, detail, opaque);
}

static void on_free(void *opaque)
{
    strcat(seen, "free ");
    strcat(seen, opaque);
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;

    CHECK_INT(virInitialize(), 0);
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK((conn = virConnectOpen("test:///default")) != NULL);
    CHECK((dom = virDomainLookupByName(conn, "test")) != NULL);
    ids[0] = subscribe(conn, NULL, on_first, "a ", on_free);
    ids[1] = subscribe(conn, NULL, on_event, "b ", on_free);
    ids[2] = subscribe(conn, NULL, on_last, "c ", on_free);

    make_two_events(dom);
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_STR(seen, "a c c free a free b ");

    CHECK_INT(virConnectDomainEventDeregisterAny(conn, ids[2]), 0);
    CHECK_STR(seen, "a c c free a free b free c ");
    CHECK_INT(virDomainFree(dom), 0);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
