/*
 * JOB_STATE is told under both of its numbers, once for each state of a job and in order, and the older block job events
 * keep coming beside it.
 */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

static char seen[4][256];

static void note(void *opaque, const char *name, int state)
{
    char text[128];

    snprintf(text, sizeof(text), "%s=%d ", name, state);
    strncat(seen[*(int *)opaque], text, sizeof(seen[0]) - strlen(seen[*(int *)opaque]) - 1);
}

static void on_job(virConnectPtr conn, virDomainPtr dom, const char *name, virDomainJobType type, virDomainJobState state, void *opaque)
{
    (void)conn;
    CHECK_STR(virDomainGetName(dom), "test");
    CHECK_INT(type, VIR_DOMAIN_JOB_TYPE_BLOCK_PULL);
    note(opaque, name, state);
}

static void on_block_job(virConnectPtr conn, virDomainPtr dom, const char *disk, int type, int status, void *opaque)
{
    (void)conn;
    (void)dom;
    CHECK_INT(type, VIR_DOMAIN_BLOCK_JOB_TYPE_PULL);
    note(opaque, disk[0] == '/' ? "path" : disk, status);
}

int main(void)
{
    static int which[4] = { 0, 1, 2, 3 };
    static const int numbers[2] = { VIR_DOMAIN_EVENT_ID_JOB_STATE, 0x10019 };
    virConnectPtr conn;
    virDomainPtr dom;
    int i, ids[4];

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    CHECK((conn = virConnectOpen("test:///default")) != NULL);
    CHECK((dom = virDomainLookupByName(conn, "test")) != NULL);
    for (i = 0; i < 2; i++) {
        ids[i] = virConnectDomainEventRegisterAny(conn, dom, numbers[i], VIR_DOMAIN_EVENT_CALLBACK(on_job), &which[i], NULL);
        CHECK_INT(ids[i], i);
    }
    ids[2] = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2, VIR_DOMAIN_EVENT_CALLBACK(on_block_job), &which[2], NULL);
    ids[3] = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_BLOCK_JOB, VIR_DOMAIN_EVENT_CALLBACK(on_block_job), &which[3], NULL);

    CHECK_INT(virDomainBlockPull(dom, "vda", 0, 0), 0);
    while (!seen[3][0])
        CHECK_INT(virEventRunDefaultImpl(), 0);
    while (!strstr(seen[1], "=4 "))
        CHECK_INT(virEventRunDefaultImpl(), 0);

    CHECK_STR(seen[0], "block-pull-vda-1=1 block-pull-vda-1=4 ");
    CHECK_STR(seen[1], seen[0]);
    CHECK_STR(seen[2], "vda=0 ");
    CHECK_STR(seen[3], "path=0 ");
    for (i = 0; i < 4; i++)
        CHECK_INT(virConnectDomainEventDeregisterAny(conn, ids[i]), 0);
    CHECK_INT(virDomainFree(dom), 0);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
