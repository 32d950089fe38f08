/* A domain that is not there is VIR_ERR_NO_DOMAIN, and the message says what was looked for; nonsense is an argument. */

#include "world.h"

int main(void)
{
    static const unsigned char nobody[VIR_UUID_BUFLEN] = { 1 };
    virConnectPtr conn;
    virDomainPtr dom;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    CHECK(virDomainLookupByName(conn, "Test") == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_NO_DOMAIN, "'Test'");
    CHECK(virDomainLookupByName(conn, "") == NULL);
    CHECK_ERROR(VIR_ERR_NO_DOMAIN);
    CHECK(virDomainLookupByName(conn, NULL) == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "name");
    CHECK(virDomainLookupByID(conn, 2) == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_NO_DOMAIN, "id 2");
    CHECK(virDomainLookupByID(conn, 0) == NULL);
    CHECK_ERROR(VIR_ERR_NO_DOMAIN);
    CHECK(virDomainLookupByID(conn, -1) == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "id");
    CHECK(virDomainLookupByUUID(conn, nobody) == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_NO_DOMAIN, "01000000-0000-0000-0000-000000000000");
    CHECK(virDomainLookupByUUID(conn, NULL) == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "uuid");
    CHECK(virDomainLookupByUUIDString(conn, "6695eb01-f6a4-8304-79aa-97f2502e1930") == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_NO_DOMAIN, "6695eb01-f6a4-8304-79aa-97f2502e1930");
    CHECK(virDomainLookupByUUIDString(conn, "6695eb01") == NULL);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK(virDomainLookupByUUIDString(conn, "test") == NULL);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK(virDomainLookupByUUIDString(conn, NULL) == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "uuidstr");

    /* A number is of a run, and gone with it. */
    dom = domain_of(conn, "test");
    CHECK_INT(virDomainDestroy(dom), 0);
    CHECK_INT(virDomainGetID(dom), (unsigned int)-1);
    CHECK(virDomainLookupByID(conn, 1) == NULL);
    CHECK_ERROR(VIR_ERR_NO_DOMAIN);
    CHECK_INT(virDomainCreate(dom), 0);
    CHECK(virDomainGetID(dom) > 1 && virDomainGetID(dom) != (unsigned int)-1);
    close_world(dom, conn);
    return 0;
}
