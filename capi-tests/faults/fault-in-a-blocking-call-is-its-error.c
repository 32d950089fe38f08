/* A call that waits for its job fails when the job does, in its words; the domain goes on, and no file is left. */

#include "world.h"

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;

    quiet_errors();
    conn = open_fixture(FIXTURE("<jobs:speed unit='GiB'>1</jobs:speed>"
                                "<jobs:fault type='save' at='50%' action='fail' error='No space left on device'/>"
                                "<jobs:fault type='dump' at='50%' action='fail' error='Disk quota exceeded'/>"
                                "<jobs:fault type='migration' at='50%' action='fail' error='Connection reset by peer'/>"
                                "<jobs:fault type='snapshot' action='fail' error='no room for it'/>"));
    dom = domain_of(conn, "test");
    CHECK_INT(virDomainSave(dom, "fault-save"), -1);
    CHECK_ERROR_SAYS(VIR_ERR_OPERATION_FAILED, "No space left on device");
    CHECK(access("fault-save", F_OK) != 0);
    CHECK_INT(virDomainCoreDump(dom, "fault-dump", 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_OPERATION_FAILED, "Disk quota exceeded");
    CHECK(access("fault-dump", F_OK) != 0);
    CHECK_INT(virDomainMigrateToURI(dom, "tcp:localhost:49152", VIR_MIGRATE_LIVE, NULL, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_OPERATION_FAILED, "Connection reset by peer");
    CHECK(virDomainSnapshotCreateXML(dom, "<domainsnapshot/>", 0) == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_OPERATION_FAILED, "no room for it");
    CHECK_INT(virDomainSnapshotNum(dom, 0), 0);
    CHECK_INT(virDomainIsActive(dom), 1);
    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);
    close_world(dom, conn);
    return 0;
}
