/* What is wrong with the description of a snapshot is found before anything is done, with libvirt's codes. */

#include "world.h"

static virDomainPtr dom;

static void refused(const char *xml, unsigned int flags, int code)
{
    CHECK(virDomainSnapshotCreateXML(dom, xml, flags) == NULL);
    CHECK_ERROR(code);
    CHECK_INT(virDomainSnapshotNum(dom, 0), 0);
}

int main(void)
{
    unsigned int disks = VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY;
    virConnectPtr conn;
    virDomainSnapshotPtr snapshot;

    quiet_errors();
    conn = open_fixture(FIXTURE(""));
    dom = domain_of(conn, "test");
    refused("<domainsnapshot><name>a/b</name></domainsnapshot>", 0, VIR_ERR_XML_DETAIL);
    refused("<domainsnapshot><name>.a</name></domainsnapshot>", disks, VIR_ERR_XML_DETAIL);
    refused("<domainsnapshot><disks><disk/></disks></domainsnapshot>", disks, VIR_ERR_INTERNAL_ERROR);
    refused("<domainsnapshot><disks><disk name='vda'><source file='x'/></disk></disks></domainsnapshot>", disks,
            VIR_ERR_XML_ERROR);
    refused("<domainsnapshot><memory snapshot='external'/></domainsnapshot>", 0, VIR_ERR_XML_ERROR);
    refused("<domainsnapshot><memory snapshot='no' file='/m'/></domainsnapshot>", 0, VIR_ERR_XML_ERROR);
    refused("<domainsnapshot><memory file='m'/></domainsnapshot>", 0, VIR_ERR_XML_ERROR);

    /* A name that is to be kept nowhere may be any. */
    snapshot = virDomainSnapshotCreateXML(dom, "<domainsnapshot><name>a/b</name></domainsnapshot>",
                                          VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA);
    CHECK(snapshot != NULL);
    CHECK_STR(virDomainSnapshotGetName(snapshot), "a/b");
    CHECK_INT(virDomainSnapshotFree(snapshot), 0);
    CHECK_INT(virDomainSnapshotNum(dom, 0), 0);
    virDomainFree(dom);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
