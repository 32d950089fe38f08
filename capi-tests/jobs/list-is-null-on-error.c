/* When a listing fails, the caller's array is NULL, so that nobody goes through what is not there. */

#include "world.h"

#define UNTOUCHED ((virDomainJobPtr *)0x5a5a5a5aUL)

int main(void)
{
    virDomainJobPtr *jobs;
    virConnectPtr conn;
    virDomainPtr dom;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");

    jobs = UNTOUCHED;
    CHECK_INT(virDomainJobList(dom, &jobs, 1 << 6), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK(jobs == NULL);
    jobs = UNTOUCHED;
    CHECK_INT(virDomainJobList(NULL, &jobs, 0), -1);
    CHECK_ERROR(VIR_ERR_INVALID_DOMAIN);
    CHECK(jobs == NULL);
    jobs = UNTOUCHED;
    CHECK_INT(virConnectListAllDomainJobs(conn, &jobs, 1U << 31), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK(jobs == NULL);
    jobs = UNTOUCHED;
    CHECK_INT(virConnectListAllDomainJobs((virConnectPtr)(void *)dom, &jobs, 0), -1);
    CHECK_ERROR(VIR_ERR_INVALID_CONN);
    CHECK(jobs == NULL);
    close_world(dom, conn);
    return 0;
}
