/*
 * Whatever is handed in as XML, be it half a document, one of another kind, or one made to use up memory or stack, is
 * refused with an error, and nothing has changed.
 */

#include "world.h"

static virConnectPtr conn;
static virDomainPtr dom;

static const char *const broken[] = {
    "",
    " ",
    "x",
    "<",
    "<domain",
    "<domain>",
    "<domain type='test'>",
    "<domain type='test'></disk>",
    "<a/><b/>",
    "<a b='1' b='2'/>",
    "<a b=1/>",
    "<a>&nothing;</a>",
    "<a>&#0;</a>",
    "<a>\x01</a>",
    "<a>\xc3\x28</a>",
    "<!DOCTYPE a [<!ENTITY e 'eeee'>]><a>&e;</a>",
    "<?xml version='1.0' encoding='UTF-16'?><a/>",
    "<html/>",
    "<domain type='martian'><name>m</name><memory>1024</memory><os><type>hvm</type></os></domain>",
    "<domain type='test'><name/><memory>1024</memory><os><type>hvm</type></os></domain>",
    "<domain type='test'><name>a/b</name><memory>1024</memory><os><type>hvm</type></os></domain>",
    "<domain type='test'><name>n</name><memory>-1</memory><os><type>hvm</type></os></domain>",
    "<domain type='test'><name>n</name><memory unit='acre'>1</memory><os><type>hvm</type></os></domain>",
    "<domain type='test'><name>n</name><uuid>1234</uuid><memory>1024</memory><os><type>hvm</type></os></domain>",
    "<disk/>",
    "<disk type='file'/>",
    "<disk type='file'><target dev='vda' bus='martian'/></disk>",
    "<domainbackup mode='martian'/>",
    "<domainbackup><disks><disk/></disks></domainbackup>",
    "<domainbackup><disks><disk name='vdz'/></disks></domainbackup>",
    "<domainsnapshot><disks><disk name='vdz'/></disks></domainsnapshot>",
    "<domainsnapshot><name>a/b</name></domainsnapshot>",
};

static void check_error_was_set(int failed, const char *function, const char *xml)
{
    int code = virGetLastErrorCode();

    /* Some refusals are internal errors of libvirt's; a panic would be one of ours. */
    if (!failed || code == VIR_ERR_OK || strstr(virGetLastErrorMessage(), "panic")) {
        fprintf(stderr, "%s of %.100s: failed %d, error %d: %s\n", function, xml, failed, code, virGetLastErrorMessage());
        exit(1);
    }
    virResetLastError();
}

static void check_refused(const char *xml)
{
    check_error_was_set(virDomainCreateXML(conn, xml, 0) == NULL, "virDomainCreateXML", xml);
    check_error_was_set(virDomainAttachDevice(dom, xml) == -1, "virDomainAttachDevice", xml);
    check_error_was_set(virDomainDetachDevice(dom, xml) == -1, "virDomainDetachDevice", xml);
    check_error_was_set(virDomainBlockCopy(dom, "vda", xml, NULL, 0, 0) == -1, "virDomainBlockCopy", xml);
    check_error_was_set(virDomainBackupBegin(dom, xml, NULL, 0) == -1, "virDomainBackupBegin", xml);
    check_error_was_set(virDomainSnapshotCreateXML(dom, xml, VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY) == NULL,
                        "virDomainSnapshotCreateXML", xml);
}

int main(void)
{
    const size_t size = 128 << 10;
    char *before, *after, *large;
    size_t i;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    CHECK((before = virDomainGetXMLDesc(dom, 0)) != NULL);
    for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        check_refused(broken[i]);

    CHECK((large = malloc(size + 1)) != NULL);
    for (i = 0; i + 3 <= size; i += 3)
        memcpy(large + i, "<a>", 3);
    large[i] = '\0';
    check_refused(large);
    memset(large, 'x', size);
    large[size] = '\0';
    check_refused(large);
    memcpy(large, "<a b='", 6);
    check_refused(large);
    free(large);

    CHECK((after = virDomainGetXMLDesc(dom, 0)) != NULL);
    CHECK_STR(after, before);
    CHECK_INT(virConnectNumOfDomains(conn), 1);
    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);
    CHECK_INT(virDomainSnapshotNum(dom, 0), 0);
    free(before);
    free(after);
    close_world(dom, conn);
    return 0;
}
