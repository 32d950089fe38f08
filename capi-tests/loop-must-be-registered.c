/* Without an event loop nobody can be told anything, and the error says so; the failed registration frees nothing. */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"
#include "events.h"

static int on_event(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    (void)conn;
    (void)dom;
    (void)event;
    (void)detail;
    (void)opaque;
    return 0;
}

static void on_timer(int timer, void *opaque)
{
    (void)timer;
    (void)opaque;
}

static void on_free(void *opaque)
{
    (void)opaque;
    CHECK(!"freed");
}

int main(void)
{
    virConnectPtr conn;

    CHECK_INT(virInitialize(), 0);
    quiet_errors();
    CHECK_INT(virEventAddTimeout(0, on_timer, NULL, on_free), -1);
    CHECK_INT(virEventRemoveTimeout(1), -1);
    CHECK_INT(virEventRemoveHandle(1), -1);
    virEventUpdateTimeout(1, 0);
    virEventUpdateHandle(1, 0);

    CHECK((conn = virConnectOpen("test:///default")) != NULL);
    CHECK_INT(subscribe(conn, NULL, on_event, NULL, on_free), -1);
    CHECK_STR(virGetLastErrorMessage(), "internal error: could not initialize domain event timer");
    CHECK_ERROR(VIR_ERR_INTERNAL_ERROR);
    CHECK_INT(virConnectDomainEventRegister(conn, on_event, NULL, on_free), -1);
    CHECK_ERROR(VIR_ERR_INTERNAL_ERROR);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
