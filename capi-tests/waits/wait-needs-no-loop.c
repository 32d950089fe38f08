/*
 * Waiting works without an event loop, and beside one whose thread does nothing: a program from start to end without
 * events.
 */

#include "world.h"

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);
    virDomainPtr dom = domain_of(conn, "test");
    char *name;

    CHECK_INT(virDomainBlockCommit(dom, "vda", NULL, NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE), 0);
    name = last_started(dom);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_READY);
    CHECK_INT(control(dom, name, FINALIZE), 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, -1, 0), VIR_DOMAIN_JOB_STATE_COMPLETED);
    free(name);

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    name = start_short(dom, "vdb", 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, -1, 0), VIR_DOMAIN_JOB_STATE_COMPLETED);
    free(name);
    close_world(dom, conn);
    return 0;
}
