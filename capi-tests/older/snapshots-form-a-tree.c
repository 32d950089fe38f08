/* Snapshots are taken, found, listed, described, gone back to and deleted; each knows what it is based on. */

#include "world.h"

static virDomainPtr dom;

static void check_list(unsigned int flags, const char *wanted)
{
    virDomainSnapshotPtr *snapshots;
    char *names[8], all[256] = "";
    int i, count;

    CHECK((count = virDomainListAllSnapshots(dom, &snapshots, flags)) >= 0);
    CHECK_INT(virDomainSnapshotNum(dom, flags), count);
    CHECK_INT(virDomainSnapshotListNames(dom, names, 8, flags), count);
    for (i = 0; i < count; i++) {
        CHECK_STR(virDomainSnapshotGetName(snapshots[i]), names[i]);
        strcat(strcat(all, names[i]), " ");
        CHECK_INT(virDomainSnapshotFree(snapshots[i]), 0);
        free(names[i]);
    }
    CHECK(snapshots[count] == NULL);
    free(snapshots);
    CHECK_STR(all, wanted);
}

static virDomainSnapshotPtr take(const char *name, unsigned int flags)
{
    virDomainSnapshotPtr snapshot;
    char xml[256];

    snprintf(xml, sizeof(xml), "<domainsnapshot><name>%s</name></domainsnapshot>", name);
    CHECK((snapshot = virDomainSnapshotCreateXML(dom, xml, flags)) != NULL);
    return snapshot;
}

int main(void)
{
    virDomainSnapshotPtr a, b, c, found, *below;
    virConnectPtr conn;
    char *xml, *names[1];

    quiet_errors();
    conn = open_fixture(FIXTURE("<jobs:speed unit='GiB'>1</jobs:speed>"));
    dom = domain_of(conn, "test");
    check_list(0, "");
    CHECK_INT(virDomainHasCurrentSnapshot(dom, 0), 0);
    CHECK(virDomainSnapshotCurrent(dom, 0) == NULL);
    CHECK_ERROR(VIR_ERR_NO_DOMAIN_SNAPSHOT);

    a = take("a", 0);
    b = take("b", 0);
    CHECK_INT(virDomainRevertToSnapshot(a, 0), 0);
    c = take("c", VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY);
    check_list(0, "a b c ");
    check_list(VIR_DOMAIN_SNAPSHOT_LIST_ROOTS, "a ");
    check_list(VIR_DOMAIN_SNAPSHOT_LIST_LEAVES, "b c ");
    check_list(VIR_DOMAIN_SNAPSHOT_LIST_NO_LEAVES, "a ");
    check_list(VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY, "c ");
    check_list(VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE, "a b ");
    check_list(VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL, "c ");
    check_list(VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL, "a b ");

    CHECK_INT(virDomainSnapshotNumChildren(a, 0), 2);
    CHECK_INT(virDomainSnapshotNumChildren(a, VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL), 1);
    CHECK_INT(virDomainSnapshotNumChildren(c, VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS), 0);
    CHECK_INT(virDomainSnapshotListChildrenNames(a, names, 1, 0), 1);
    CHECK_STR(names[0], "b");
    free(names[0]);
    CHECK_INT(virDomainSnapshotListAllChildren(a, NULL, 0), 2);
    CHECK_INT(virDomainSnapshotListAllChildren(a, &below, VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL), 1);
    CHECK_STR(virDomainSnapshotGetName(below[0]), "c");
    CHECK(below[1] == NULL);
    CHECK_INT(virDomainSnapshotFree(below[0]), 0);
    free(below);

    CHECK((found = virDomainSnapshotGetParent(c, 0)) != NULL);
    CHECK_STR(virDomainSnapshotGetName(found), "a");
    CHECK_INT(virDomainSnapshotFree(found), 0);
    CHECK(virDomainSnapshotGetParent(a, 0) == NULL);
    CHECK_ERROR(VIR_ERR_NO_DOMAIN_SNAPSHOT);
    CHECK_INT(virDomainHasCurrentSnapshot(dom, 0), 1);
    CHECK((found = virDomainSnapshotCurrent(dom, 0)) != NULL);
    CHECK_STR(virDomainSnapshotGetName(found), "c");
    CHECK_INT(virDomainSnapshotIsCurrent(found, 0), 1);
    CHECK_INT(virDomainSnapshotIsCurrent(b, 0), 0);
    CHECK_INT(virDomainSnapshotHasMetadata(b, 0), 1);
    CHECK_INT(virDomainSnapshotFree(found), 0);
    CHECK((xml = virDomainSnapshotGetXMLDesc(c, 0)) != NULL);
    CHECK_HAS(xml, "<name>c</name>");
    CHECK_HAS(xml, "<parent>\n    <name>a</name>");
    CHECK_HAS(xml, "<state>disk-snapshot</state>");
    free(xml);

    CHECK(virDomainSnapshotCreateXML(dom, "<domainsnapshot><name>a</name></domainsnapshot>", 0) == NULL);
    CHECK(virGetLastErrorCode() != VIR_ERR_OK);
    virResetLastError();
    CHECK(virDomainSnapshotLookupByName(dom, "d", 0) == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_NO_DOMAIN_SNAPSHOT, "'d'");

    CHECK_INT(virDomainSnapshotDelete(b, 0), 0);
    check_list(0, "a c ");
    CHECK_INT(virDomainSnapshotIsCurrent(b, 0), -1);
    CHECK_ERROR(VIR_ERR_NO_DOMAIN_SNAPSHOT);
    CHECK_INT(virDomainSnapshotDelete(a, VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN), 0);
    check_list(0, "");
    CHECK_INT(virDomainSnapshotFree(a), 0);
    CHECK_INT(virDomainSnapshotFree(b), 0);
    CHECK_INT(virDomainSnapshotFree(c), 0);
    close_world(dom, conn);
    return 0;
}
