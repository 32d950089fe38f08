/*
 * Jobs of a libvirt domain that somebody else started, be it before the program opened its connection, are listed with
 * the ids that QEMU knows them by, and described in documents that follow the schema.
 */

#include "overlay/jobs/machine.h"

static void check_document(virDomainPtr dom, const char *name, unsigned int flags)
{
    char *xml = virDomainJobGetXMLDesc(dom, name, flags), path[600];
    const char *source = getenv("VIRT_JOBS_SOURCE");
    FILE *file;

    CHECK(xml != NULL);
    CHECK((strstr(xml, "<stats>") == NULL) == (flags == VIR_DOMAIN_JOB_XML_NO_STATS));
    snprintf(path, sizeof(path), "%s", file_in_dir("document", "xml"));
    CHECK((file = fopen(path, "w")) != NULL);
    CHECK(fputs(xml, file) >= 0);
    CHECK_INT(fclose(file), 0);
    run("xmllint --noout --relaxng %s/docs/schemas/domain-job.rng %s 2>/dev/null%s", source, path, "");
    free(xml);
}

int main(void)
{
    virConnectPtr other = open_real(), conn;
    virDomainPtr dom, mine;
    virDomainJobPtr *jobs;
    char *copy, *pull, *xml;

    quiet_errors();
    dom = start_machine(other, "named", 2);
    CHECK_STR(listed(dom, 0), "");
    others_copy("named", "vda", file_in_dir("named", "copy"), SLOW);
    run("virsh -q -c \"$ORACLE_URI\" blockpull named vdb --bandwidth %s --bytes%s%s", "65536", "", "");

    /* Another connection comes to jobs that run already. */
    conn = open_real();
    mine = domain_of(conn, "named");
    CHECK_INT(virDomainJobList(mine, &jobs, VIR_DOMAIN_JOB_LIST_STATS), 2);
    CHECK_INT(jobs[0]->type, VIR_DOMAIN_JOB_TYPE_BLOCK_COPY);
    CHECK_INT(jobs[1]->type, VIR_DOMAIN_JOB_TYPE_BLOCK_PULL);
    CHECK_INT(jobs[0]->state, VIR_DOMAIN_JOB_STATE_RUNNING);
    CHECK(virTypedParamsGet(jobs[1]->data, jobs[1]->ndata, "disk") != NULL);
    CHECK_STR(virTypedParamsGet(jobs[1]->data, jobs[1]->ndata, "disk")->value.s, "vdb");
    copy = strdup(jobs[0]->name);
    pull = strdup(jobs[1]->name);
    CHECK_HAS(copy, "copy-vda-libvirt-");
    CHECK_HAS(pull, "pull-vdb-libvirt-");
    virDomainJobFree(jobs[0]);
    virDomainJobFree(jobs[1]);
    free(jobs);
    check_document(mine, copy, 0);
    check_document(mine, pull, 0);
    check_document(mine, copy, VIR_DOMAIN_JOB_XML_NO_STATS);
    CHECK((xml = virDomainJobGetXMLDesc(mine, copy, 0)) != NULL);
    CHECK_HAS(xml, "<job type='block-copy' state='running'>");
    CHECK_HAS(xml, "<disk>vda</disk>");
    CHECK_HAS(xml, "named-copy</target>");
    CHECK_HAS(xml, "<bandwidth unit='bytes/s'>65536</bandwidth>");
    free(xml);

    /* All domains of a connection at once, each job with the name of its own. */
    CHECK_INT(virConnectListAllDomainJobs(conn, &jobs, VIR_DOMAIN_JOB_LIST_BLOCK), 2);
    CHECK_STR(virTypedParamsGet(jobs[0]->data, jobs[0]->ndata, "domain.name")->value.s, "named");
    virDomainJobFree(jobs[0]);
    virDomainJobFree(jobs[1]);
    free(jobs);
    CHECK_INT(virDomainJobList(mine, NULL, VIR_DOMAIN_JOB_LIST_FINISHED), 0);
    CHECK_INT(virDomainJobList(mine, NULL, VIR_DOMAIN_JOB_LIST_DOMAIN), 0);

    /* The limit of one can be changed, and both can be ended, by name. */
    CHECK_INT(virDomainJobSetSpeed(mine, pull, 131072, 0), 0);
    CHECK((xml = virDomainJobGetXMLDesc(mine, pull, 0)) != NULL);
    CHECK_HAS(xml, "<bandwidth unit='bytes/s'>131072</bandwidth>");
    free(xml);
    CHECK_INT(virDomainJobControl(mine, pull, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), 0);
    CHECK_INT(virDomainJobWait(mine, pull, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_ABORTED);
    CHECK_INT(virDomainJobControl(mine, copy, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), 0);
    CHECK_INT(virDomainJobWait(mine, copy, 0, SOON, 0), VIR_DOMAIN_JOB_STATE_ABORTED);
    CHECK(virDomainJobGetXMLDesc(mine, copy, 0) == NULL);
    CHECK_ERROR(VIR_ERR_NO_DOMAIN_JOB);
    CHECK_STR(listed(mine, 0), "");
    CHECK_NO_ERROR();

    free(copy);
    free(pull);
    end_machine(dom);
    virDomainFree(mine);
    CHECK_INT(virConnectClose(conn), 0);
    CHECK_INT(virConnectClose(other), 0);
    return 0;
}
