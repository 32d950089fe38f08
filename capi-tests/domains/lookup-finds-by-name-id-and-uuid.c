/* A domain is found by its name, its number and its UUID as bytes or as text; each handle says who it is. */

#include "world.h"

static const unsigned char uuid_bytes[VIR_UUID_BUFLEN] = {
    0x66, 0x95, 0xeb, 0x01, 0xf6, 0xa4, 0x83, 0x04, 0x79, 0xaa, 0x97, 0xf2, 0x50, 0x2e, 0x19, 0x3f,
};

static void check_is_test(virConnectPtr conn, virDomainPtr dom)
{
    char text[VIR_UUID_STRING_BUFLEN];
    unsigned char bytes[VIR_UUID_BUFLEN];

    CHECK(dom != NULL);
    CHECK_NO_ERROR();
    CHECK_STR(virDomainGetName(dom), "test");
    CHECK_INT(virDomainGetUUIDString(dom, text), 0);
    CHECK_STR(text, "6695eb01-f6a4-8304-79aa-97f2502e193f");
    CHECK_INT(virDomainGetUUID(dom, bytes), 0);
    CHECK_INT(memcmp(bytes, uuid_bytes, sizeof(bytes)), 0);
    CHECK_INT(virDomainGetID(dom), 1);
    CHECK(virDomainGetConnect(dom) == conn);
    CHECK_INT(virDomainFree(dom), 0);
}

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);

    check_is_test(conn, virDomainLookupByName(conn, "test"));
    check_is_test(conn, virDomainLookupByID(conn, 1));
    check_is_test(conn, virDomainLookupByUUID(conn, uuid_bytes));
    check_is_test(conn, virDomainLookupByUUIDString(conn, "6695eb01-f6a4-8304-79aa-97f2502e193f"));
    check_is_test(conn, virDomainLookupByUUIDString(conn, "6695EB01F6A4830479AA97F2502E193F"));
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
