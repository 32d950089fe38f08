/*
 * fixture.c: what a fixture says of a domain happens, and is seen through the C interface
 */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

#define COPY "<disk type='file'><source file='/images/copy.qcow2'/><driver type='qcow2'/></disk>"
#define FINAL (1 << VIR_DOMAIN_JOB_STATE_FAILED | 1 << VIR_DOMAIN_JOB_STATE_COMPLETED | 1 << VIR_DOMAIN_JOB_STATE_ABORTED)
#define PATIENCE 20000

static void the_jobs_that_are_there(virDomainPtr domain)
{
    virDomainJobPtr *jobs = NULL;
    char *xml;

    CHECK_INT(virDomainJobList(domain, &jobs, 0), 2);
    CHECK_STR(jobs[0]->name, "dump-1");
    CHECK_INT(jobs[0]->type, VIR_DOMAIN_JOB_TYPE_DUMP);
    CHECK_INT(jobs[0]->state, VIR_DOMAIN_JOB_STATE_COMPLETED);
    CHECK_STR(jobs[1]->name, "vendor <7>");
    CHECK_INT(jobs[1]->type, VIR_DOMAIN_JOB_TYPE_OTHER);
    CHECK_INT(jobs[1]->state, VIR_DOMAIN_JOB_STATE_RUNNING);
    xml = virDomainJobGetXMLDesc(domain, jobs[1]->name, 0);
    CHECK(xml && strstr(xml, "<name>vendor &lt;7&gt;</name>") && strstr(xml, "<end>1073741824</end>"));
    free(xml);
    CHECK_INT(virDomainJobControl(domain, "dump-1", VIR_DOMAIN_JOB_CONTROL_OPERATION_DISMISS, 0), 0);
    CHECK_INT(virDomainJobControl(domain, jobs[1]->name, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), 0);
    virDomainJobFree(jobs[0]);
    virDomainJobFree(jobs[1]);
    free(jobs);
    CHECK_INT(virDomainJobList(domain, NULL, 0), 0);
}

static void a_copy_fails_once(virDomainPtr domain)
{
    char *name, *xml;

    CHECK_INT(virDomainBlockCopy(domain, "vda", COPY, NULL, 0, VIR_DOMAIN_JOB_START_PERSIST), 0);
    name = virDomainJobLastStarted(domain, 0);
    CHECK_INT(virDomainJobWait(domain, name, FINAL, PATIENCE, 0), VIR_DOMAIN_JOB_STATE_FAILED);
    xml = virDomainJobGetXMLDesc(domain, name, 0);
    CHECK(xml && strstr(xml, "<error>No space left on device</error>"));
    free(xml);
    CHECK_INT(virDomainJobControl(domain, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_DISMISS, 0), 0);
    free(name);

    CHECK_INT(virDomainBlockCopy(domain, "vda", COPY, NULL, 0, 0), 0);
    name = virDomainJobLastStarted(domain, 0);
    CHECK_INT(virDomainJobWait(domain, name, 1 << VIR_DOMAIN_JOB_STATE_READY, PATIENCE, 0), VIR_DOMAIN_JOB_STATE_READY);
    CHECK_INT(virDomainJobControl(domain, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), 0);
    CHECK_INT(virDomainJobWait(domain, name, FINAL, PATIENCE, 0), VIR_DOMAIN_JOB_STATE_ABORTED);
    free(name);
}

static void a_pull_outlives_its_disk(virDomainPtr domain)
{
    char *name, *xml;

    CHECK_INT(virDomainBlockPull(domain, "vda", 0, 0), 0);
    name = virDomainJobLastStarted(domain, 0);
    CHECK_INT(virDomainJobWait(domain, name, FINAL, PATIENCE, 0), VIR_DOMAIN_JOB_STATE_COMPLETED);
    free(name);
    xml = virDomainGetXMLDesc(domain, 0);
    CHECK(xml && !strstr(xml, "vda"));
    free(xml);
    CHECK_INT(virDomainBlockPull(domain, "vda", 0, 0), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
}

int main(int argc, char **argv)
{
    char uri[4096];
    virConnectPtr conn;
    virDomainPtr domain;

    CHECK_INT(argc, 2);
    snprintf(uri, sizeof(uri), "test://%s", argv[1]);
    conn = virConnectOpen(uri);
    CHECK(conn);
    domain = virDomainLookupByName(conn, "troubled");
    CHECK(domain);
    the_jobs_that_are_there(domain);
    a_copy_fails_once(domain);
    a_pull_outlives_its_disk(domain);
    virDomainFree(domain);
    CHECK_INT(virConnectClose(conn), 0);
    CHECK(!virConnectOpen("test:///nonexistent/file.xml"));
    CHECK_ERROR(VIR_ERR_SYSTEM_ERROR);
    return 0;
}
