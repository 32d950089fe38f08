/*
 * A migration from one libvirtd to another that this program starts has a name of its own at the source, and with PERSIST stays
 * listed with its end until it is dismissed; also if the program has a connection to either.
 */

#include "overlay/jobs/machine.h"

/** By the program itself, which has a connection to either end. */
static virDomainPtr move_back(virDomainPtr dom, virConnectPtr conn)
{
    virDomainPtr back;
    char *name;

    CHECK((back = virDomainMigrate3(dom, conn, NULL, 0, VIR_MIGRATE_LIVE | VIR_DOMAIN_JOB_START_PERSIST)) != NULL);
    CHECK_INT(virDomainIsActive(back), 1);
    CHECK((name = last_started(dom)) != NULL);
    CHECK(strncmp(name, "migration-", strlen("migration-")) == 0);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_DISMISS, 0), 0);
    free(name);
    virDomainFree(dom);
    return back;
}

int main(void)
{
    virConnectPtr conn = open_real(), peer = open_world(getenv("PEER_URI"));
    virDomainPtr dom = start_machine(conn, "moved", 0);
    char *name, *xml;

    quiet_errors();
    CHECK_INT(virDomainMigrateToURI3(dom, getenv("PEER_P2P_URI"), NULL, 0,
                                     VIR_MIGRATE_LIVE | VIR_MIGRATE_PEER2PEER | VIR_DOMAIN_JOB_START_PERSIST), 0);
    name = last_started(dom);
    CHECK_STR(name, "migration-1");
    CHECK_STR(listed(dom, 0), "migration-1 1 completed;");
    CHECK((xml = virDomainJobGetXMLDesc(dom, name, 0)) != NULL);
    CHECK_HAS(xml, "<uri>qemu+ext://peer/session");
    free(xml);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_DISMISS, 0), 0);
    free(name);
    virDomainFree(dom);

    dom = domain_of(peer, "moved");
    CHECK_STR(listed(dom, VIR_DOMAIN_JOB_LIST_ACTIVE), "");
    dom = move_back(dom, conn);
    end_machine(dom);
    CHECK_INT(virConnectClose(peer), 0);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
