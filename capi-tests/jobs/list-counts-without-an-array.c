/* Whoever only wants to know how many jobs there are need not take an array. */

#include "world.h"

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);
    virDomainPtr dom = domain_of(conn, "test");
    char *names[3];
    int i;

    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);
    CHECK_INT(virConnectListAllDomainJobs(conn, NULL, 0), 0);
    for (i = 0; i < 3; i++) {
        names[i] = start_endless(dom, "vda", VIR_DOMAIN_JOB_START_PARALLEL);
        CHECK_INT(virDomainJobList(dom, NULL, 0), i + 1);
        CHECK_INT(virDomainJobList(dom, NULL, VIR_DOMAIN_JOB_LIST_STATS | VIR_DOMAIN_JOB_LIST_XML), i + 1);
        CHECK_INT(virDomainJobList(dom, NULL, VIR_DOMAIN_JOB_LIST_FINISHED), 0);
        CHECK_INT(virConnectListAllDomainJobs(conn, NULL, 0), i + 1);
    }
    for (i = 0; i < 3; i++)
        end_job(dom, names[i]);
    close_world(dom, conn);
    return 0;
}
