/*
 * A program that is linked to this library may ask for the name of the job that it has just started, though it has asked for nothing
 * of the kind before.
 */

#include "overlay/jobs/machine.h"

int main(void)
{
    virConnectPtr conn = open_real();
    virDomainPtr dom = start_machine(conn, "first", 1);
    char *name;

    CHECK_INT(virDomainBlockPull(dom, "vda", SLOW, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES), 0);
    name = last_started(dom);
    CHECK_STR(name, "block-pull-vda-1");
    CHECK_STR(listed(dom, 0), "block-pull-vda-1 2 running;");
    free(name);
    end_machine(dom);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
