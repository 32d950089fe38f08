/* A job that makes no progress says nothing of it: its figures stand still. It can be aborted, or paused and resumed. */

#include "world.h"

static unsigned long long current(virDomainPtr dom, const char *name)
{
    char *xml, *at;
    unsigned long long value;

    CHECK((xml = virDomainJobGetXMLDesc(dom, name, 0)) != NULL);
    CHECK((at = strstr(xml, "<current>")) != NULL);
    value = strtoull(at + strlen("<current>"), NULL, 10);
    free(xml);
    return value;
}

int main(void)
{
    virConnectPtr conn = open_fixture(FIXTURE("<jobs:speed unit='GiB'>1</jobs:speed>"
                                              "<jobs:fault at='25%' action='stall'/>"));
    virDomainPtr dom = domain_of(conn, "test");
    char *name;

    name = start_short(dom, "vda", 0);
    while (current(dom, name) < 4 << 20)
        a_moment();
    CHECK_INT(virDomainJobWait(dom, name, 0, 50, 0), 0);
    CHECK_INT(current(dom, name), 4 << 20);
    CHECK_INT(listed_state(dom, name), VIR_DOMAIN_JOB_STATE_RUNNING);
    CHECK_INT(control(dom, name, PAUSE), 0);
    CHECK_INT(control(dom, name, RESUME), 0);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_COMPLETED);
    free(name);

    name = start_short(dom, "vdb", 0);
    CHECK_INT(virDomainJobWait(dom, name, 0, 50, 0), 0);
    end_job(dom, name);
    close_world(dom, conn);
    return 0;
}
