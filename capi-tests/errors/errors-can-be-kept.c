/* Copies of an error, saved or made in place, stay as they are through later calls, and own what they hold. */

#include "world.h"

static void check_is_nobody(virErrorPtr error)
{
    CHECK_INT(error->code, VIR_ERR_NO_DOMAIN);
    CHECK_INT(error->domain, VIR_FROM_TEST);
    CHECK_INT(error->level, VIR_ERR_ERROR);
    CHECK_STR(error->message, "Domain not found: no domain with matching name 'nobody'");
    CHECK_STR(error->str2, "no domain with matching name 'nobody'");
}

int main(void)
{
    virError copy, of_conn;
    virErrorPtr saved;
    virConnectPtr conn;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    memset(&copy, 0xa5, sizeof(copy));
    CHECK_INT(virCopyLastError(&copy), VIR_ERR_OK);
    CHECK(copy.message == NULL);
    CHECK((saved = virSaveLastError()) != NULL);
    CHECK_INT(saved->code, VIR_ERR_OK);
    virFreeError(saved);

    CHECK(virDomainLookupByName(conn, "nobody") == NULL);
    memset(&copy, 0xa5, sizeof(copy));
    CHECK_INT(virCopyLastError(&copy), VIR_ERR_NO_DOMAIN);
    CHECK((saved = virSaveLastError()) != NULL);
    CHECK_INT(virConnCopyLastError(conn, &of_conn), VIR_ERR_NO_DOMAIN);
    CHECK_INT(virGetLastErrorCode(), VIR_ERR_NO_DOMAIN);
    CHECK(virDomainLookupByName(conn, "another") == NULL);
    virResetLastError();
    check_is_nobody(&copy);
    check_is_nobody(saved);
    check_is_nobody(&of_conn);

    virResetError(&copy);
    CHECK_INT(copy.code, VIR_ERR_OK);
    CHECK(copy.message == NULL && copy.str1 == NULL);
    virResetError(&copy);
    virResetError(&of_conn);
    virFreeError(saved);
    CHECK_INT(virCopyLastError(NULL), -1);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
