/*
 * The name of a job that ended is not given to another one, not even after the domain was restarted, so that a late
 * request hits nobody else.
 */

#include "world.h"

#define ROUNDS 200

static char *names[ROUNDS];

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    int i, j;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    for (i = 0; i < ROUNDS; i++) {
        names[i] = start_endless(dom, "vda", i % 3 == 0 ? VIR_DOMAIN_JOB_START_PERSIST : 0);
        CHECK_INT(control(dom, names[i], ABORT), 0);
        if (i % 3 == 0)
            CHECK_INT(control(dom, names[i], DISMISS), 0);
        if (i == ROUNDS / 2) {
            CHECK_INT(virDomainDestroy(dom), 0);
            CHECK_INT(virDomainCreate(dom), 0);
        }
        CHECK_INT(control(dom, names[0], ABORT), -1);
        CHECK_ERROR(VIR_ERR_NO_DOMAIN_JOB);
    }
    for (i = 0; i < ROUNDS; i++) {
        for (j = 0; j < i; j++)
            CHECK(strcmp(names[i], names[j]) != 0);
    }
    for (i = 0; i < ROUNDS; i++)
        free(names[i]);
    close_world(dom, conn);
    return 0;
}
