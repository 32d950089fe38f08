/* A connection keeps the last error that was about it, through calls that succeed, until it is told to forget it. */

#include "world.h"

int main(void)
{
    virConnectPtr conn, other;
    virErrorPtr error;
    virDomainPtr dom;
    virError copy;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    other = open_world(DEFAULT_URI);
    CHECK((error = virConnGetLastError(conn)) != NULL);
    CHECK_INT(error->code, VIR_ERR_OK);

    CHECK(virDomainLookupByName(conn, "nobody") == NULL);
    dom = domain_of(conn, "test");
    CHECK_NO_ERROR();
    CHECK((error = virConnGetLastError(conn)) != NULL);
    CHECK_INT(error->code, VIR_ERR_NO_DOMAIN);
    CHECK_HAS(error->message, "'nobody'");
    CHECK_INT(virConnGetLastError(other)->code, VIR_ERR_OK);

    CHECK_INT(virDomainJobControl(dom, "no-such-job", ABORT, 0), -1);
    CHECK_INT(virConnGetLastError(conn)->code, VIR_ERR_NO_DOMAIN_JOB);
    virConnResetLastError(conn);
    CHECK_INT(virConnGetLastError(conn)->code, VIR_ERR_OK);
    CHECK_INT(virGetLastErrorCode(), VIR_ERR_NO_DOMAIN_JOB);

    /* Whoever asks for the error of something else is told so, and the thread's error stays. */
    CHECK(virConnGetLastError(NULL) == NULL);
    CHECK_INT(virConnCopyLastError(NULL, &copy), -1);
    CHECK_INT(virConnCopyLastError(conn, NULL), -1);
    CHECK_INT(virGetLastErrorCode(), VIR_ERR_NO_DOMAIN_JOB);
    CHECK_INT(virConnectClose(other), 0);
    close_world(dom, conn);
    return 0;
}
