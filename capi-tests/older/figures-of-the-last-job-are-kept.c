/* How the last domain job went can be asked when it is over: once, or as often as one likes without taking it away. */

#include "world.h"

#define COMPLETED VIR_DOMAIN_JOB_STATS_COMPLETED
#define KEEP VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED

static int ask(virDomainPtr dom, unsigned int flags)
{
    virTypedParameterPtr params = NULL;
    int type = -1, count = -1, operation = -1;

    CHECK_INT(virDomainGetJobStats(dom, &type, &params, &count, flags), 0);
    if (type == VIR_DOMAIN_JOB_COMPLETED) {
        CHECK_INT(virTypedParamsGetInt(params, count, VIR_DOMAIN_JOB_OPERATION, &operation), 1);
        CHECK_INT(operation, VIR_DOMAIN_JOB_OPERATION_DUMP);
        CHECK(virTypedParamsGet(params, count, VIR_DOMAIN_JOB_TIME_ELAPSED) != NULL);
    } else {
        CHECK_INT(count, 0);
    }
    virTypedParamsFree(params, count);
    return type;
}

int main(void)
{
    virTypedParameterPtr params;
    virConnectPtr conn;
    virDomainPtr dom;
    int type, count;

    quiet_errors();
    conn = open_fixture(FIXTURE("<jobs:speed unit='GiB'>1</jobs:speed>"));
    dom = domain_of(conn, "test");
    CHECK_INT(ask(dom, COMPLETED), VIR_DOMAIN_JOB_NONE);
    CHECK_INT(virDomainCoreDump(dom, "./dump", 0), 0);
    CHECK_INT(unlink("./dump"), 0);
    CHECK_INT(ask(dom, 0), VIR_DOMAIN_JOB_NONE);
    CHECK_INT(ask(dom, COMPLETED | KEEP), VIR_DOMAIN_JOB_COMPLETED);
    CHECK_INT(ask(dom, COMPLETED | KEEP), VIR_DOMAIN_JOB_COMPLETED);
    CHECK_INT(ask(dom, COMPLETED), VIR_DOMAIN_JOB_COMPLETED);
    CHECK_INT(ask(dom, COMPLETED), VIR_DOMAIN_JOB_NONE);
    CHECK_INT(virDomainGetJobStats(dom, &type, &params, &count, KEEP), -1);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "VIR_DOMAIN_JOB_STATS_COMPLETED");
    CHECK_INT(virDomainGetJobStats(dom, NULL, &params, &count, 0), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    close_world(dom, conn);
    return 0;
}
