/*
 * Two registrations are two: the same function for one domain and for all, by the older call and by the newer one, each
 * is called and freed for itself.
 */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"
#include "events.h"

static char seen[256];

static int on_event(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    (void)conn;
    (void)dom;
    (void)event;
    (void)detail;
    strcat(seen, opaque);
    return 0;
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
    int all, one;

    CHECK_INT(virInitialize(), 0);
    quiet_errors();
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK((conn = virConnectOpen("test:///default")) != NULL);
    CHECK((dom = virDomainLookupByName(conn, "test")) != NULL);

    all = subscribe(conn, NULL, on_event, "all ", on_free);
    one = subscribe(conn, dom, on_event, "one ", on_free);
    CHECK(all >= 0 && one > all);
    CHECK_INT(virConnectDomainEventRegister(conn, on_event, (void *)"older ", on_free), 0);
    CHECK_INT(virConnectDomainEventRegister(conn, on_event, (void *)"again ", on_free), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);

    CHECK_INT(virDomainSuspend(dom), 0);
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_STR(seen, "all one older ");

    seen[0] = '\0';
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, all), 0);
    CHECK_STR(seen, "free all ");
    CHECK_INT(virDomainResume(dom), 0);
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_STR(seen, "free all one older ");

    seen[0] = '\0';
    CHECK_INT(virConnectDomainEventDeregister(conn, on_event), 0);
    CHECK_STR(seen, "free older ");
    CHECK_INT(virConnectDomainEventDeregister(conn, on_event), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, one), 0);
    CHECK_STR(seen, "free older free one ");
    CHECK_INT(virDomainFree(dom), 0);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
