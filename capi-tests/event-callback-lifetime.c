/*
 * A callback is called for what happens while it is registered, in order, and its data are freed once, after the last
 * call. The connection stays open as long as somebody is registered.
 */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"
#include "events.h"

static virConnectPtr the_conn;
static char seen[256];
static int frees;

static int on_event(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    char text[64];

    CHECK(conn == the_conn);
    CHECK_STR(virDomainGetName(dom), "test");
    CHECK_STR(opaque, "data");
    CHECK_INT(frees, 0);
    snprintf(text, sizeof(text), "%d/%d ", event, detail);
    strcat(seen, text);
    return 0;
}

static void on_free(void *opaque)
{
    CHECK_STR(opaque, "data");
    frees++;
}

static int reg(void)
{
    return subscribe(the_conn, NULL, on_event, "data", on_free);
}

int main(void)
{
    virDomainPtr dom;
    int id;

    CHECK_INT(virInitialize(), 0);
    quiet_errors();
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK((the_conn = virConnectOpen("test:///default")) != NULL);
    CHECK((dom = virDomainLookupByName(the_conn, "test")) != NULL);

    CHECK_INT(virDomainSuspend(dom), 0);
    CHECK_INT(id = reg(), 0);
    CHECK_INT(reg(), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_INT(frees, 0);
    CHECK_INT(virDomainResume(dom), 0);
    make_two_events(dom);
    CHECK_STR(seen, "");
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_STR(seen, "4/0 3/0 4/0 ");

    CHECK_INT(virDomainSuspend(dom), 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(the_conn, id), 0);
    CHECK_INT(frees, 1);
    CHECK_INT(virConnectDomainEventDeregisterAny(the_conn, id), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_STR(seen, "4/0 3/0 4/0 ");

    frees = 0;
    CHECK_INT(id = reg(), 1);
    CHECK_INT(virDomainResume(dom), 0);
    CHECK_INT(virDomainFree(dom), 0);
    CHECK_INT(virConnectClose(the_conn), 1);
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_STR(seen, "4/0 3/0 4/0 4/0 ");
    CHECK_INT(virConnectDomainEventDeregisterAny(the_conn, id), 0);
    CHECK_INT(frees, 1);
    return 0;
}
