/*
 * libvirt has QEMU create the image of a copy, which takes a moment and is forgotten at once. All that is heard of it is still
 * about a job of type BLOCK_CREATE, though QEMU's events do not say so and nobody can ask any more.
 */

#include "overlay/jobs/machine.h"

static int begun, ended, ready;

static void on_state(virConnectPtr conn, virDomainPtr dom, const char *name, virDomainJobType type, virDomainJobState state, void *opaque)
{
    (void)conn, (void)dom, (void)opaque;
    if (strncmp(name, "create-", 7) == 0) {
        CHECK_INT(type, VIR_DOMAIN_JOB_TYPE_BLOCK_CREATE);
        begun += state == VIR_DOMAIN_JOB_STATE_RUNNING;
        ended += state == VIR_DOMAIN_JOB_STATE_COMPLETED;
    } else {
        CHECK_INT(type, VIR_DOMAIN_JOB_TYPE_BLOCK_COPY);
        ready += state == VIR_DOMAIN_JOB_STATE_READY;
    }
}

static void on_patience(int timer, void *opaque)
{
    (void)timer, (void)opaque;
    fprintf(stderr, "images: %d begun, %d ended; %d copies ready\n", begun, ended, ready);
    CHECK(!"what was waited for came");
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    int id, timer;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    conn = open_real();
    dom = start_machine(conn, "creating", 1);
    id = virConnectDomainEventRegisterAny(conn, dom, REAL_JOB_STATE, VIR_DOMAIN_EVENT_CALLBACK(on_state), NULL, NULL);
    CHECK(id >= 0);
    timer = virEventAddTimeout(SOON, on_patience, NULL, NULL);

    start_copy(dom, "vda", file_in_dir("creating", "copy"), 0, 0);
    while (!ready || !ended)
        CHECK_INT(virEventRunDefaultImpl(), 0);
    CHECK_INT(begun, ended);

    CHECK_INT(virEventRemoveTimeout(timer), 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, id), 0);
    end_machine(dom);
    return 0;
}
