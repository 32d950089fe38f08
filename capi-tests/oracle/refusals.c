/* Calls that are in order by themselves, but not here. */
#include "oracle.h"

#include <stdlib.h>

static void all_job_calls(const struct machine *m, virDomainPtr dom, const char *disk)
{
    virDomainBlockJobInfo info;

    CALL(virDomainBlockPull(dom, disk, 0, 0));
    CALL(virDomainBlockRebase(dom, disk, NULL, 0, 0));
    CALL(virDomainBlockRebase(dom, disk, path_of(m, "copy.qcow2"), 0, VIR_DOMAIN_BLOCK_REBASE_COPY));
    CALL(virDomainBlockCopy(dom, disk, copy_xml(m, "copy.qcow2", "qcow2"), NULL, 0, 0));
    CALL(virDomainBlockCommit(dom, disk, NULL, NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE));
    CALL(virDomainBlockJobAbort(dom, disk, 0));
    CALL(virDomainBlockJobSetSpeed(dom, disk, 0, 0));
    CALL(virDomainGetBlockJobInfo(dom, disk, &info, 0));
}

static void read_only(struct machine *m)
{
    virConnectPtr conn;
    virDomainPtr dom;
    char *xml;

    machine_start_with_chain(m, 2);
    conn = CALL_POINTER(virConnectOpenReadOnly(m->uri));
    dom = CALL_POINTER(virDomainLookupByName(conn, m->name));
    all_job_calls(m, dom, "vda");
    CALL(virDomainSuspend(dom));
    CALL(virDomainResume(dom));
    CALL(virDomainShutdown(dom));
    CALL(virDomainDestroy(dom));
    CALL_POINTER(virDomainCreateXML(conn, "<domain/>", 0));
    xml = CALL_POINTER(virDomainGetXMLDesc(dom, 0));
    free(xml);
    CALL_POINTER(virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_SECURE));
    virDomainFree(dom);
    virConnectClose(conn);
    show_late_events();
    show_state(m);
    machine_destroy(m);
}

static void after_destroy(struct machine *m)
{
    virDomainPtr dom;
    int state;

    machine_start_with_chain(m, 2);
    dom = m->dom;
    virDomainRef(dom);
    machine_destroy(m);
    all_job_calls(m, dom, "vda");
    CALL(virDomainSuspend(dom));
    CALL(virDomainResume(dom));
    CALL(virDomainShutdown(dom));
    CALL(virDomainDestroy(dom));
    CALL(virDomainIsActive(dom));
    CALL(virDomainGetState(dom, &state, NULL, 0));
    CALL_POINTER(virDomainGetXMLDesc(dom, 0));
    virDomainFree(dom);
}

static void drives_without_jobs(struct machine *m)
{
    struct disk disks[3] = {{"vda", NULL, "vda-1.qcow2", NULL, "<readonly/>"},
                            {"sda", "sata", NULL, "raw", "<readonly/>"},
                            {"vdb", NULL, "vdb.raw", "raw", NULL}};

    make_chain(m, "vda", 2);
    make_image(m, "vdb.raw", "raw", NULL);
    machine_start(m, disks, 3, 0);
    show_disks(m);
    all_job_calls(m, m->dom, "sda");
    CALL(virDomainBlockCommit(m->dom, "vdb", NULL, NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE));
    await_event("block-job-2 vda active-commit ready");
    machine_destroy(m);
}

const struct scenario refusal_scenarios[] = {
    {"read-only-connections-look-but-do-not-touch", read_only},
    {"calls-on-a-machine-that-is-gone", after_destroy},
    {"jobs-on-empty-and-read-only-drives", drives_without_jobs},
    {NULL, NULL},
};
