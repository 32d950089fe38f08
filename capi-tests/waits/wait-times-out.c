/* A wait for what does not come returns 0 when its time is over, not before; a timeout of 0 only looks. */

#include "world.h"

#define BIT VIR_DOMAIN_JOB_STATE_BIT

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);
    virDomainPtr dom = domain_of(conn, "test");
    char *name = start_endless(dom, "vda", 0);
    long long before = now_ms();

    CHECK_INT(virDomainJobWait(dom, name, 0, 50, 0), 0);
    CHECK(now_ms() - before >= 50);
    CHECK_NO_ERROR();
    CHECK_INT(virDomainJobWait(dom, name, BIT(VIR_DOMAIN_JOB_STATE_PAUSED), 0, 0), 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, 0, 0), 0);
    end_job(dom, name);
    close_world(dom, conn);
    return 0;
}
