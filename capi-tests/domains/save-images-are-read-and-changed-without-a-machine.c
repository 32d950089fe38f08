/* virDomainSaveImageGetXMLDesc and virDomainSaveImageDefineXML work on a file alone. */
#include <stdint.h>
#include <unistd.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

#define XML \
    "<domain type='qemu'><name>saved</name><uuid>11111111-2222-3333-4444-555555555555</uuid><memory>65536</memory>" \
    "<os><type arch='x86_64' machine='pc'>hvm</type></os></domain>"
#define ROOM 4096

/* What libvirt writes: a header of 92 bytes, the XML with room for a longer one, QEMU's stream. */
static void write_image(const char *file, const char *magic, uint32_t version, uint32_t length)
{
    unsigned char header[92] = { 0 };
    uint32_t fields[3];
    char data[ROOM] = XML;
    FILE *out = fopen(file, "wb");

    fields[0] = version;
    fields[1] = length;
    fields[2] = 1;
    memcpy(header, magic, 16);
    memcpy(header + 16, fields, sizeof(fields));
    CHECK(out != NULL);
    CHECK_INT(fwrite(header, 1, sizeof(header), out), sizeof(header));
    CHECK_INT(fwrite(data, 1, sizeof(data), out), sizeof(data));
    CHECK_INT(fwrite("QEVM", 1, 4, out), 4);
    CHECK_INT(fclose(out), 0);
}

static void refused(virConnectPtr conn, const char *file, int code)
{
    CHECK(virDomainSaveImageGetXMLDesc(conn, file, 0) == NULL);
    CHECK_ERROR(code);
    CHECK_INT(virDomainSaveImageDefineXML(conn, file, XML, 0), -1);
    CHECK_ERROR(code);
    CHECK_INT(virDomainRestore(conn, file), -1);
    CHECK_ERROR(code);
}

static void check_title(virConnectPtr conn, const char *file, const char *title)
{
    char *xml = virDomainSaveImageGetXMLDesc(conn, file, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE);

    CHECK(xml != NULL);
    CHECK_NO_ERROR();
    CHECK(strstr(xml, "<name>saved</name>") != NULL);
    CHECK((strstr(xml, title) != NULL) == (*title == '<'));
    free(xml);
}

int main(void)
{
    char uri[4200] = "qemu+qmp://", *end = uri + strlen(uri);
    virConnectPtr conn;

    quiet_errors();
    CHECK(getcwd(end, sizeof(uri) - (size_t)(end - uri)) != NULL);
    conn = virConnectOpen(uri);
    CHECK(conn != NULL);

    refused(conn, "no-such-file", VIR_ERR_SYSTEM_ERROR);
    refused(conn, ".", VIR_ERR_OPERATION_FAILED);
    write_image("partial", "LibvirtQemudPart", 2, ROOM);
    refused(conn, "partial", VIR_ERR_OPERATION_FAILED);
    write_image("other", "SomethingElseFor", 2, ROOM);
    refused(conn, "other", VIR_ERR_OPERATION_FAILED);
    write_image("newer", "LibvirtQemudSave", 3, ROOM);
    refused(conn, "newer", VIR_ERR_OPERATION_FAILED);
    write_image("longer", "LibvirtQemudSave", 2, UINT32_MAX);
    refused(conn, "longer", VIR_ERR_OPERATION_FAILED);

    write_image("image", "LibvirtQemudSave", 2, ROOM);
    check_title(conn, "image", "no title");
    CHECK_INT(virDomainSaveImageDefineXML(conn, "image", "<domain", 0), -1);
    CHECK_ERROR(VIR_ERR_XML_DETAIL);
    CHECK_INT(virDomainSaveImageDefineXML(conn, "image",
        "<domain type='qemu'><name>other</name><memory>65536</memory><os><type>hvm</type></os></domain>", 0), -1);
    CHECK_ERROR(VIR_ERR_CONFIG_UNSUPPORTED);
    CHECK_INT(virDomainSaveImageDefineXML(conn, "image",
        "<domain type='qemu'><name>saved</name><title>new</title><memory>65536</memory>"
        "<os><type arch='x86_64'>hvm</type></os></domain>", VIR_DOMAIN_SAVE_PAUSED), 0);
    CHECK_NO_ERROR();
    check_title(conn, "image", "<title>new</title>");

    virConnectClose(conn);
    return 0;
}
