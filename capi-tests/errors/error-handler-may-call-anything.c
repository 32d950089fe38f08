/*
 * A handler may call the library, even to close the connection that the error is about. Whatever it calls, the failed call
 * leaves its own error behind.
 */

#include "world.h"

static virConnectPtr conn;
static virDomainPtr dom;
static int times;

static void on_error(void *opaque, virErrorPtr error)
{
    virDomainPtr found;
    virErrorPtr saved;

    (void)opaque;
    if (times++ > 0)
        return;
    CHECK_INT(error->code, VIR_ERR_NO_DOMAIN_JOB);
    CHECK((saved = virSaveLastError()) != NULL);
    CHECK((found = virDomainLookupByName(conn, "test")) != NULL);
    CHECK_INT(virDomainFree(found), 0);
    CHECK(virDomainLookupByName(conn, "nobody") == NULL);
    CHECK_INT(times, 2);
    virConnSetErrorFunc(conn, NULL, on_error);
    virSetErrorFunc(NULL, on_error);
    CHECK_INT(virConnectClose(conn), 1);
    CHECK_INT(virDomainFree(dom), 0);
    CHECK_INT(saved->code, VIR_ERR_NO_DOMAIN_JOB);
    virFreeError(saved);
}

int main(void)
{
    virSetErrorFunc(NULL, on_error);
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    CHECK_INT(virDomainJobControl(dom, "no-such-job", ABORT, 0), -1);
    CHECK_INT(times, 2);
    CHECK_ERROR_SAYS(VIR_ERR_NO_DOMAIN_JOB, "no-such-job");
    CHECK_INT(virDomainFree(dom), -1);
    CHECK_ERROR(VIR_ERR_INVALID_DOMAIN);
    return 0;
}
