/* A backup document that is against libvirt's schema is refused as libvirt refuses it; what only does not fit the domain is not. */

#include "world.h"

#define DISK(disk) "<domainbackup><disks>" disk "</disks></domainbackup>"

static const struct {
    const char *xml;
    int code;
} documents[] = {
    { "<domainbackup", VIR_ERR_XML_DETAIL },
    { "<domain/>", VIR_ERR_XML_ERROR },
    { "<domainbackup mode='sideways'/>", VIR_ERR_XML_INVALID_SCHEMA },
    { "<domainbackup mode='pull'/>", VIR_ERR_XML_INVALID_SCHEMA },
    { "<domainbackup mode='pull'><server transport='unix' socket='s'/></domainbackup>", VIR_ERR_XML_INVALID_SCHEMA },
    { "<domainbackup mode='pull'><server transport='tcp'/></domainbackup>", VIR_ERR_XML_INVALID_SCHEMA },
    { "<domainbackup><server transport='unix' socket='/s'/></domainbackup>", VIR_ERR_XML_INVALID_SCHEMA },
    { DISK("<disk type='file'/>"), VIR_ERR_XML_INVALID_SCHEMA },
    { DISK("<disk name='vda'/>"), VIR_ERR_XML_INVALID_SCHEMA },
    { DISK("<disk name='vda' type='network'/>"), VIR_ERR_XML_INVALID_SCHEMA },
    { DISK("<disk name='vda' type='file'><target file='relative'/></disk>"), VIR_ERR_XML_INVALID_SCHEMA },
    { DISK("<disk name='vda' type='file'><scratch file='/s'/></disk>"), VIR_ERR_XML_INVALID_SCHEMA },
    { DISK("<disk name='vda' type='file' index='1'/>"), VIR_ERR_XML_INVALID_SCHEMA },
    { DISK("<disk name='vdz' type='file'/>"), VIR_ERR_CONFIG_UNSUPPORTED },
    { DISK("<disk name='vda' type='file'/><disk name='vda' type='file'/>"), VIR_ERR_CONFIG_UNSUPPORTED },
    { DISK("<disk name='vda' type='file' backupmode='incremental'/>"), VIR_ERR_CONFIG_UNSUPPORTED },
    { DISK("<disk name='vda' backup='no'/>"), VIR_ERR_CONFIG_UNSUPPORTED },
};

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    size_t i;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    for (i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        if (virDomainBackupBegin(dom, documents[i].xml, NULL, 0) != -1 || virGetLastErrorCode() != documents[i].code) {
            fprintf(stderr, "%s: %s\n", documents[i].xml, virGetLastErrorMessage());
            return 1;
        }
    }
    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);
    close_world(dom, conn);
    return 0;
}
