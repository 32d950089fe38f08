/* Every call that names a job says VIR_ERR_NO_DOMAIN_JOB, with the name, if there is none. */

#include "world.h"

static void check_unknown(virDomainPtr dom, const char *name)
{
    CHECK(virDomainJobGetXMLDesc(dom, name, 0) == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_NO_DOMAIN_JOB, name);
    CHECK(virDomainJobGetXMLDesc(dom, name, VIR_DOMAIN_JOB_XML_NO_STATS) == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_NO_DOMAIN_JOB, name);
    CHECK_INT(control(dom, name, ABORT), -1);
    CHECK_ERROR_SAYS(VIR_ERR_NO_DOMAIN_JOB, name);
    CHECK_INT(virDomainJobSetSpeed(dom, name, 1, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_NO_DOMAIN_JOB, name);
    CHECK_INT(virDomainJobWait(dom, name, 0, -1, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_NO_DOMAIN_JOB, name);
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    char *name, *longer;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    check_unknown(dom, "no-such-job");
    check_unknown(dom, "");

    /* Not the beginning of a name, nor a longer one, nor another case, nor the disk. */
    name = start_endless(dom, "vda", 0);
    CHECK((longer = malloc(strlen(name) + 2)) != NULL);
    sprintf(longer, "%s0", name);
    check_unknown(dom, longer);
    longer[strlen(name) - 1] = '\0';
    check_unknown(dom, longer);
    strcpy(longer, name);
    longer[0] = 'B';
    check_unknown(dom, longer);
    check_unknown(dom, "vda");
    check_unknown(dom, "block-pull");
    free(longer);

    CHECK(virDomainJobGetXMLDesc(dom, NULL, 0) == NULL);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "jobname");
    CHECK_INT(control(dom, NULL, ABORT), -1);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "jobname");
    CHECK_INT(virDomainJobSetSpeed(dom, NULL, 1, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "jobname");
    CHECK_INT(virDomainJobWait(dom, NULL, 0, 0, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "jobname");
    end_job(dom, name);
    close_world(dom, conn);
    return 0;
}
