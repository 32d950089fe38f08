/* An object lives until its last reference is given up; whoever has one can use it, and nobody can after that. */

#include "world.h"

int main(void)
{
    virDomainSnapshotPtr snapshot;
    virConnectPtr conn;
    virDomainPtr dom;
    const char *name;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    snapshot = take_snapshot(dom, "s");

    CHECK_INT(virConnectRef(conn), 0);
    CHECK_INT(virDomainRef(dom), 0);
    CHECK_INT(virDomainSnapshotRef(snapshot), 0);
    CHECK_INT(virDomainSnapshotFree(snapshot), 0);
    CHECK_INT(virDomainFree(dom), 0);
    CHECK_INT(virConnectClose(conn), 1);
    CHECK_STR(virDomainSnapshotGetName(snapshot), "s");
    CHECK_STR(virDomainGetName(dom), "test");
    CHECK_INT(virConnectIsAlive(conn), 1);

    /* A snapshot keeps its domain, which keeps its connection; what belongs to them lasts as long. */
    CHECK((name = virDomainGetName(dom)) != NULL);
    CHECK_INT(virConnectClose(conn), 1);
    CHECK_INT(virDomainFree(dom), 0);
    CHECK_STR(name, "test");
    CHECK(virDomainSnapshotGetDomain(snapshot) == dom);
    CHECK(virDomainSnapshotGetConnect(snapshot) == conn);
    CHECK(virDomainGetConnect(dom) == conn);
    CHECK_INT(virConnectIsAlive(conn), 1);

    CHECK_INT(virDomainSnapshotFree(snapshot), 0);
    CHECK(virDomainSnapshotGetName(snapshot) == NULL);
    CHECK_ERROR(VIR_ERR_INVALID_DOMAIN_SNAPSHOT);
    CHECK_INT(virDomainRef(dom), -1);
    CHECK_ERROR(VIR_ERR_INVALID_DOMAIN);
    CHECK_INT(virConnectRef(conn), -1);
    CHECK_ERROR(VIR_ERR_INVALID_CONN);
    return 0;
}
