/*
 * A handle that was given up stays refused while many others come and go: a program that uses one by mistake is told so
 * rather than given something else.
 */

#include "world.h"

#define OTHERS 1000

int main(void)
{
    virDomainPtr others[OTHERS], stale;
    virConnectPtr conn, gone;
    int i;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    gone = open_world(DEFAULT_URI);
    CHECK_INT(virConnectClose(gone), 0);
    stale = domain_of(conn, "test");
    CHECK_INT(virDomainFree(stale), 0);

    for (i = 0; i < OTHERS / 2; i++) {
        others[i] = domain_of(conn, "test");
        CHECK(others[i] != stale);
        CHECK((void *)others[i] != (void *)gone);
        CHECK_INT(virDomainFree(others[i]), 0);
    }
    for (i = 0; i < OTHERS / 2; i++) {
        others[i] = domain_of(conn, "test");
        CHECK(others[i] != stale);
        CHECK((void *)others[i] != (void *)gone);
    }
    CHECK(virDomainGetName(stale) == NULL);
    CHECK_ERROR(VIR_ERR_INVALID_DOMAIN);
    CHECK_INT(virDomainFree(stale), -1);
    CHECK_ERROR(VIR_ERR_INVALID_DOMAIN);
    CHECK_INT(virConnectIsAlive(gone), -1);
    CHECK_ERROR(VIR_ERR_INVALID_CONN);
    CHECK_INT(virConnectClose(gone), -1);
    CHECK_ERROR(VIR_ERR_INVALID_CONN);

    for (i = 0; i < OTHERS / 2; i++)
        CHECK_INT(virDomainFree(others[i]), 0);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
