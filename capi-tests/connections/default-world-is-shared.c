/*
 * All connections of a process to test:///default see one world: what is done over one is seen over the others, read-only
 * ones too. It is gone with the last of them, and the next one finds a fresh one.
 */

#include "world.h"

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI), other = open_world("test:///default"), looker;
    virDomainPtr dom = domain_of(conn, "test"), same = domain_of(other, "test"), seen;
    char *name;

    name = start_endless(dom, "vda", 0);
    CHECK_INT(listed_state(same, name), VIR_DOMAIN_JOB_STATE_RUNNING);
    CHECK_INT(control(same, name, PAUSE), 0);
    CHECK_INT(listed_state(dom, name), VIR_DOMAIN_JOB_STATE_PAUSED);
    close_world(dom, conn);

    CHECK((looker = virConnectOpenReadOnly(DEFAULT_URI)) != NULL);
    seen = domain_of(looker, "test");
    close_world(same, other);
    CHECK_INT(listed_state(seen, name), VIR_DOMAIN_JOB_STATE_PAUSED);
    close_world(seen, looker);

    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);
    CHECK_INT(listed_state(dom, name), VIR_DOMAIN_JOB_STATE_NONE);
    free(name);
    close_world(dom, conn);
    return 0;
}
