/* Telling of an error does not touch errno: what it was when the call failed it is afterwards, whatever a handler does. */

#include <errno.h>

#include "world.h"

static void spoil_errno(void *opaque, virErrorPtr error)
{
    (void)opaque;
    (void)error;
    errno = EPIPE;
}

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);

    virSetErrorFunc(NULL, spoil_errno);
    errno = ENOTTY;
    CHECK(virDomainLookupByName(conn, "nobody") == NULL);
    CHECK_INT(errno, ENOTTY);
    CHECK_ERROR(VIR_ERR_NO_DOMAIN);
    CHECK_INT(virDomainFree(NULL), -1);
    CHECK_INT(errno, ENOTTY);
    CHECK(virConnectOpen("test+jobs:///no/such/file") == NULL);
    CHECK(errno != EPIPE);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
