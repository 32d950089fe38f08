/* The function that frees a callback's data may call everything: nothing of the library's is locked. */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"
#include "events.h"

static virConnectPtr the_conn;
static virDomainPtr the_dom;
static int first, second, frees, calls;

static int on_event(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    (void)dom;
    (void)event;
    (void)detail;
    (void)opaque;
    calls++;
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, second), 0);
    return 0;
}

static void on_free(void *opaque)
{
    virDomainPtr dom;
    int id;

    (void)opaque;
    frees++;
    CHECK((dom = virDomainLookupByName(the_conn, "test")) != NULL);
    make_two_events(dom);
    id = virConnectDomainEventRegisterAny(the_conn, dom, VIR_DOMAIN_EVENT_ID_REBOOT, VIR_DOMAIN_EVENT_CALLBACK(on_event), NULL, NULL);
    CHECK(id > 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(the_conn, id), 0);
    CHECK_INT(virDomainFree(dom), 0);
}

int main(void)
{
    quiet_errors();
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK((the_conn = virConnectOpen("test:///default")) != NULL);
    CHECK((the_dom = virDomainLookupByName(the_conn, "test")) != NULL);

    first = subscribe(the_conn, NULL, on_event, NULL, on_free);
    CHECK_INT(first, 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(the_conn, first), 0);
    CHECK_INT(frees, 1);

    second = subscribe(the_conn, NULL, on_event, NULL, on_free);
    CHECK(second > 0);
    make_two_events(the_dom);
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_INT(calls, 1);
    CHECK_INT(frees, 2);

    CHECK_INT(virDomainFree(the_dom), 0);
    CHECK_INT(virConnectClose(the_conn), 0);
    return 0;
}
