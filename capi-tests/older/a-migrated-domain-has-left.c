/* A domain that has migrated is off here, with the reason; its limit of speed is taken from the domain or the call. */

#include "world.h"

int main(void)
{
    int state = -1, reason = -1;
    unsigned long long downtime = 0;
    unsigned long speed = 0;
    virConnectPtr conn;
    virDomainPtr dom;

    quiet_errors();
    conn = open_fixture(FIXTURE("<jobs:speed unit='GiB'>1</jobs:speed>"));
    dom = domain_of(conn, "test");
    CHECK_INT(virDomainMigrateGetMaxSpeed(dom, &speed, 0), 0);
    CHECK_INT(speed, 8796093022207);
    CHECK_INT(virDomainMigrateSetMaxSpeed(dom, 512, 0), 0);
    CHECK_INT(virDomainMigrateGetMaxSpeed(dom, &speed, 0), 0);
    CHECK_INT(speed, 512);
    CHECK_INT(virDomainMigrateSetMaxSpeed(dom, ~0UL, 0), -1);
    CHECK_ERROR(VIR_ERR_OVERFLOW);
    CHECK_INT(virDomainMigrateGetMaxDowntime(dom, &downtime, 0), 0);
    CHECK_INT(downtime, 300);
    CHECK_INT(virDomainMigrateSetMaxDowntime(dom, 100, 0), 0);
    CHECK_INT(virDomainMigrateGetMaxDowntime(dom, &downtime, 0), 0);
    CHECK_INT(downtime, 100);
    CHECK_INT(virDomainMigrateToURI(dom, "http://elsewhere/", 0, NULL, 0), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_INT(virDomainMigrateToURI(dom, "tcp:elsewhere:49152", VIR_MIGRATE_PEER2PEER, NULL, 0), -1);
    CHECK_ERROR(VIR_ERR_ARGUMENT_UNSUPPORTED);
    CHECK_INT(virDomainIsActive(dom), 1);

    CHECK_INT(virDomainMigrateToURI2(dom, NULL, "unix:/run/peer", NULL, VIR_MIGRATE_LIVE, NULL, 0), 0);
    CHECK_INT(virDomainGetState(dom, &state, &reason, 0), 0);
    CHECK_INT(state, VIR_DOMAIN_SHUTOFF);
    CHECK_INT(reason, VIR_DOMAIN_SHUTOFF_MIGRATED);
    CHECK_INT(virDomainMigrateToURI(dom, "tcp:elsewhere:49152", 0, NULL, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_INVALID);
    close_world(dom, conn);
    return 0;
}
