/*
 * A call that fails leaves an error with a code, a domain, a level and a message; a call that succeeds leaves none, not
 * even that of the call before it.
 */

#include "world.h"

int main(void)
{
    virErrorPtr error;
    virConnectPtr conn;
    virDomainPtr dom;

    quiet_errors();
    CHECK(virGetLastError() == NULL);
    CHECK_STR(virGetLastErrorMessage(), "no error");
    conn = open_world(DEFAULT_URI);
    CHECK_NO_ERROR();

    CHECK(virDomainLookupByName(conn, "nobody") == NULL);
    CHECK((error = virGetLastError()) != NULL);
    CHECK_INT(error->code, VIR_ERR_NO_DOMAIN);
    CHECK_INT(error->domain, VIR_FROM_TEST);
    CHECK_INT(error->level, VIR_ERR_ERROR);
    CHECK_STR(error->message, "Domain not found: no domain with matching name 'nobody'");
    CHECK_STR(error->str1, "Domain not found: %s");
    CHECK_STR(error->str2, "no domain with matching name 'nobody'");
    CHECK(error->conn == NULL && error->dom == NULL && error->net == NULL);
    CHECK_INT(virGetLastErrorCode(), error->code);
    CHECK_INT(virGetLastErrorDomain(), error->domain);
    CHECK(virGetLastErrorMessage() == error->message);

    dom = domain_of(conn, "test");
    CHECK(virGetLastError() == NULL);
    CHECK_INT(virGetLastErrorCode(), VIR_ERR_OK);
    CHECK_INT(virGetLastErrorDomain(), VIR_FROM_NONE);
    CHECK_STR(virGetLastErrorMessage(), "no error");

    /* An argument that breaks a rule of the interface: no driver was asked, and the message has no prefix. */
    CHECK(virDomainLookupByName(conn, NULL) == NULL);
    CHECK((error = virGetLastError()) != NULL);
    CHECK_INT(error->code, VIR_ERR_INVALID_ARG);
    CHECK_INT(error->domain, VIR_FROM_DOMAIN);
    CHECK_STR(error->message, "name in virDomainLookupByName must not be NULL");

    CHECK_INT(virDomainJobControl(dom, "no-such-job", ABORT, 0), -1);
    CHECK((error = virGetLastError()) != NULL);
    CHECK_INT(error->code, VIR_ERR_NO_DOMAIN_JOB);
    CHECK_INT(error->code, 0x1006e);
    CHECK_HAS(error->message, "'no-such-job'");

    virResetLastError();
    CHECK(virGetLastError() == NULL);
    close_world(dom, conn);
    return 0;
}
