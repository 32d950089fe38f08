/* A callback may close its connection, end its registration and look at a domain that it kept: nothing is used after its end. */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"
#include "events.h"

static virDomainPtr kept;
static int id, frees;

static int on_event(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    (void)event;
    (void)detail;
    (void)opaque;
    CHECK_INT(virDomainRef(dom), 0);
    kept = dom;
    CHECK_INT(virConnectClose(conn), 1);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, id), 0);
    CHECK_INT(frees, 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, id + 1), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    return 0;
}

static void on_free(void *opaque)
{
    (void)opaque;
    frees++;
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;

    CHECK_INT(virInitialize(), 0);
    quiet_errors();
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK((conn = virConnectOpen("test:///default")) != NULL);
    CHECK((dom = virDomainLookupByName(conn, "test")) != NULL);
    id = subscribe(conn, NULL, on_event, NULL, on_free);
    CHECK(id >= 0);
    make_two_events(dom);
    CHECK_INT(virDomainFree(dom), 0);
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_INT(frees, 1);
    CHECK_STR(virDomainGetName(kept), "test");
    CHECK_INT(virDomainFree(kept), 0);
    return 0;
}
