/* A callback may run the loop: what it waits for arrives, everybody sees every event once and in order, and data are freed once. */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"
#include "events.h"

static char seen[256];
static virDomainPtr the_dom;
static int id;

static int on_first(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    char text[16];

    (void)dom;
    (void)detail;
    snprintf(text, sizeof(text), "%s%d ", (char *)opaque, event);
    strcat(seen, text);
    if (event == VIR_DOMAIN_EVENT_SUSPENDED) {
        CHECK_INT(virDomainResume(the_dom), 0);
        CHECK_INT(virEventRunDefaultImpl(), 0);
        strcat(seen, "back ");
        CHECK_INT(virConnectDomainEventDeregisterAny(conn, id), 0);
    }
    return 0;
}

static int on_second(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    char text[16];

    (void)conn;
    (void)dom;
    (void)detail;
    snprintf(text, sizeof(text), "%s%d ", (char *)opaque, event);
    strcat(seen, text);
    return 0;
}

static void on_free(void *opaque)
{
    strcat(seen, "free ");
    strcat(seen, opaque);
    strcat(seen, " ");
}

int main(void)
{
    virConnectPtr conn;
    int second;

    CHECK_INT(virInitialize(), 0);
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK((conn = virConnectOpen("test:///default")) != NULL);
    CHECK((the_dom = virDomainLookupByName(conn, "test")) != NULL);
    CHECK((id = subscribe(conn, NULL, on_first, "a", on_free)) >= 0);
    CHECK((second = subscribe(conn, NULL, on_second, "b", on_free)) >= 0);

    CHECK_INT(virDomainSuspend(the_dom), 0);
    CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_STR(seen, "a3 b3 a4 b4 back free a ");

    CHECK_INT(virConnectDomainEventDeregisterAny(conn, second), 0);
    CHECK_STR(seen, "a3 b3 a4 b4 back free a free b ");
    CHECK_INT(virDomainFree(the_dom), 0);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
