/* A job that the hypervisor lets fail ends so, with the hypervisor's words, and leaves the disk as it was. */

#include "watch.h"

static void check_ended_because(virDomainPtr dom, const char *name, const char *why)
{
    const char *error = NULL;
    virDomainJobPtr *jobs;
    char *xml, element[256];

    CHECK_INT(virDomainJobWait(dom, name, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_FAILED);
    CHECK((xml = virDomainJobGetXMLDesc(dom, name, VIR_DOMAIN_JOB_XML_NO_STATS)) != NULL);
    snprintf(element, sizeof(element), "<error>%s</error>", why);
    CHECK_HAS(xml, element);
    free(xml);
    CHECK_INT(virDomainJobList(dom, &jobs, VIR_DOMAIN_JOB_LIST_FINISHED | VIR_DOMAIN_JOB_LIST_STATS), 1);
    CHECK_INT(virTypedParamsGetString(jobs[0]->data, (int)jobs[0]->ndata, VIR_DOMAIN_JOB_PARAM_ERROR, &error), 1);
    CHECK_STR(error, why);
    free_jobs(jobs);
    CHECK_INT(control(dom, name, DISMISS), 0);
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    char *before, *after, *name;

    quiet_errors();
    conn = open_fixture(FIXTURE(
        "<jobs:speed unit='GiB'>1</jobs:speed>"
        "<jobs:fault type='block-pull' at='50%' action='fail' error='No space left on device'/>"
        "<jobs:fault type='block-copy' at='0%' action='fail' times='1'/>"
        "<jobs:fault type='block-create' action='fail' error='Permission denied' times='1'/>"));
    dom = domain_of(conn, "test");
    CHECK((before = virDomainGetXMLDesc(dom, 0)) != NULL);

    name = start_short(dom, "vda", VIR_DOMAIN_JOB_START_PERSIST);
    check_ended_because(dom, name, "No space left on device");
    free(name);

    /* The target of the copy cannot be made: the call itself fails, in the words of the job that should have made it. */
    CHECK_INT(virDomainBlockCopy(dom, "vda", "<disk type='file'><source file='/c'/></disk>", NULL, 0, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_OPERATION_FAILED, "Permission denied");
    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);
    CHECK_INT(virDomainBlockCopy(dom, "vda", "<disk type='file'><source file='/c'/></disk>", NULL, 0,
                                 VIR_DOMAIN_JOB_START_PERSIST), 0);
    name = last_started(dom);
    check_ended_because(dom, name, "Input/output error");
    free(name);
    CHECK((after = virDomainGetXMLDesc(dom, 0)) != NULL);
    CHECK_STR(after, before);
    free(before);
    free(after);

    /* The fault was to be met once. */
    CHECK_INT(virDomainBlockCopy(dom, "vda", "<disk type='file'><source file='/c'/></disk>", NULL, 0, 0), 0);
    name = last_started(dom);
    WAIT_FOR(dom, name, VIR_DOMAIN_JOB_STATE_READY);
    end_job(dom, name);
    close_world(dom, conn);
    return 0;
}
