/* States that there are not, and times before now other than "for ever", are refused. */

#include "world.h"

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    char *name;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    name = start_endless(dom, "vda", 0);
    CHECK_INT(virDomainJobWait(dom, name, VIR_DOMAIN_JOB_STATE_BIT(VIR_DOMAIN_JOB_STATE_NONE), 0, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "state");
    CHECK_INT(virDomainJobWait(dom, name, VIR_DOMAIN_JOB_STATE_BIT(VIR_DOMAIN_JOB_STATE_PAUSED + 1), 0, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "state");
    CHECK_INT(virDomainJobWait(dom, name, ~0U, 0, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "state");
    CHECK_INT(virDomainJobWait(dom, name, 0, -2, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "timeout");
    end_job(dom, name);
    close_world(dom, conn);
    return 0;
}
