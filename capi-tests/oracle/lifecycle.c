/* Starting, pausing and ending machines, with and without a job. */
#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void suspend_resume(struct machine *m)
{
    machine_start_with_chain(m, 1);
    show_state(m);
    CALL(virDomainSuspend(m->dom));
    await_event("lifecycle suspended, detail 0");
    show_state(m);
    CALL(virDomainSuspend(m->dom));
    CALL(virDomainResume(m->dom));
    await_event("lifecycle resumed, detail 0");
    show_state(m);
    CALL(virDomainResume(m->dom));
    machine_destroy(m);
}

static void start_paused(struct machine *m)
{
    struct disk disk = {"vda", NULL, "vda-0.qcow2", NULL, NULL};

    make_chain(m, "vda", 1);
    machine_start(m, &disk, 1, VIR_DOMAIN_START_PAUSED);
    await_event("lifecycle suspended, detail 0");
    show_state(m);
    CALL(virDomainResume(m->dom));
    await_event("lifecycle resumed, detail 0");
    show_state(m);
    machine_destroy(m);
}

static void job_while_suspended(struct machine *m)
{
    machine_start_with_chain(m, 2);
    CALL(virDomainBlockPull(m->dom, "vda", SLOW, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    CALL(virDomainSuspend(m->dom));
    await_event("lifecycle suspended, detail 0");
    show_job(m, "vda");
    CALL(virDomainBlockJobSetSpeed(m->dom, "vda", 0, 0));
    await_event("block-job-2 vda pull completed");
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.qcow2", "qcow2"), NULL, 0, 0));
    await_event("block-job-2 vda copy ready");
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    await_event("block-job-2 vda copy completed");
    show_disks(m);
    show_state(m);
    CALL(virDomainResume(m->dom));
    await_event("lifecycle resumed, detail 0");
    machine_destroy(m);
    check_image("copy.qcow2", "qcow2", 2);
}

static void shutdown_unheard(struct machine *m)
{
    machine_start_with_chain(m, 1);
    CALL(virDomainShutdown(m->dom));
    show_state(m);
    CALL(virDomainIsActive(m->dom));
    CALL(virDomainDestroyFlags(m->dom, VIR_DOMAIN_DESTROY_GRACEFUL));
    await_event("lifecycle stopped, detail 1");
}

static void lookups(struct machine *m)
{
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    virDomainPtr found;
    int id;

    machine_start_with_chain(m, 1);
    id = (int)virDomainGetID(m->dom);
    CALL(virDomainGetUUIDString(m->dom, uuid));
    found = CALL_POINTER(virDomainLookupByName(m->conn, m->name));
    say("the same id: %s", found && virDomainGetID(found) == virDomainGetID(m->dom) ? "yes" : "no");
    virDomainFree(found);
    found = CALL_POINTER(virDomainLookupByUUIDString(m->conn, uuid));
    say("the same name: %s", found && strcmp(virDomainGetName(found), m->name) == 0 ? "yes" : "no");
    virDomainFree(found);
    found = CALL_POINTER(virDomainLookupByID(m->conn, id));
    say("the same name: %s", found && strcmp(virDomainGetName(found), m->name) == 0 ? "yes" : "no");
    virDomainFree(found);
    CALL_POINTER(virDomainLookupByName(m->conn, "no such machine"));
    CALL_POINTER(virDomainLookupByName(m->conn, NULL));
    CALL_POINTER(virDomainLookupByUUIDString(m->conn, "not a uuid"));
    CALL_POINTER(virDomainLookupByUUIDString(m->conn, "00000000-1111-2222-3333-444444444444"));
    machine_destroy(m);
    CALL_POINTER(virDomainLookupByName(m->conn, m->name));
    CALL_POINTER(virDomainLookupByUUIDString(m->conn, uuid));
    CALL_POINTER(virDomainLookupByID(m->conn, id));
}

static void start_refused(struct machine *m)
{
    struct disk disk = {"vda", NULL, "vda-0.qcow2", NULL, NULL};
    struct machine other = *m;
    char *xml;

    machine_start_with_chain(m, 1);
    xml = machine_xml(m, &disk, 1);
    CALL_POINTER(virDomainCreateXML(m->conn, xml, 0));
    free(xml);
    snprintf(other.name, sizeof(other.name), "%.20s-other", m->name);
    xml = machine_xml(&other, &disk, 1);
    CALL_POINTER(virDomainCreateXML(m->conn, xml, 0));
    CALL_POINTER(virDomainCreateXML(m->conn, xml, 1u << 20));
    free(xml);
    disk.file = "nothing.qcow2";
    xml = machine_xml(&other, &disk, 1);
    CALL_POINTER(virDomainCreateXML(m->conn, xml, 0));
    free(xml);
    CALL_POINTER(virDomainCreateXML(m->conn, NULL, 0));
    CALL_POINTER(virDomainCreateXML(m->conn, "", 0));
    CALL_POINTER(virDomainCreateXML(m->conn, "<domain", 0));
    CALL_POINTER(virDomainCreateXML(m->conn, "<domain/>", 0));
    CALL_POINTER(virDomainCreateXML(m->conn, "<domain type='moon'><name>x</name></domain>", 0));
    CALL_POINTER(virDomainCreateXML(m->conn,
                                    "<domain type='qemu'><memory>65536</memory><os><type>hvm</type></os></domain>", 0));
    CALL_POINTER(virDomainLookupByName(m->conn, other.name));
    show_state(m);
    machine_destroy(m);
}

static void reset(struct machine *m)
{
    machine_start_with_chain(m, 2);
    CALL(virDomainBlockPull(m->dom, "vda", SLOW, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    CALL(virDomainReset(m->dom, 0));
    show_state(m);
    show_job(m, "vda");
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    await_event("block-job-2 vda pull canceled");
    machine_destroy(m);
}

const struct scenario lifecycle_scenarios[] = {
    {"machine-is-suspended-and-resumed", suspend_resume},
    {"machine-is-started-suspended", start_paused},
    {"jobs-go-on-while-the-machine-is-suspended", job_while_suspended},
    {"shutdown-that-the-guest-does-not-hear", shutdown_unheard},
    {"machine-is-looked-up-before-and-after-its-end", lookups},
    {"machines-that-cannot-be-started", start_refused},
    {"jobs-go-on-when-the-machine-is-reset", reset},
    {NULL, NULL},
};
