/* Jobs that fail, at once or on their way. */
#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>

/* No guest runs: its firmware would not like the disk either. */
static void start_with_spoiled_layer(struct machine *m, int layers, const char *spoiled)
{
    struct disk disk = {"vda", NULL, NULL, NULL, NULL};
    char top[32];

    make_chain(m, "vda", layers);
    spoil_image(spoiled);
    snprintf(top, sizeof(top), "vda-%d.qcow2", layers - 1);
    disk.file = top;
    machine_start(m, &disk, 1, VIR_DOMAIN_START_PAUSED);
    await_event("lifecycle suspended, detail 0");
}

static void show_after_failure(struct machine *m)
{
    show_job(m, "vda");
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    show_disks(m);
    show_state(m);
}

static void pull(struct machine *m)
{
    start_with_spoiled_layer(m, 2, "vda-0.qcow2");
    CALL(virDomainBlockPull(m->dom, "vda", 0, 0));
    await_event("block-job-2 vda pull failed");
    show_after_failure(m);
    machine_destroy(m);
    show_backing("vda-1.qcow2");
}

static void copy_from(struct machine *m)
{
    start_with_spoiled_layer(m, 2, "vda-0.qcow2");
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.qcow2", "qcow2"), NULL, 0, 0));
    await_event("block-job-2 vda copy failed");
    show_after_failure(m);
    machine_destroy(m);
    show_file("copy.qcow2");
}

static void copy_to(struct machine *m)
{
    machine_start_suspended(m, 2);
    make_image(m, "copy.qcow2", "qcow2", NULL);
    spoil_image("copy.qcow2");
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.qcow2", "qcow2"), NULL, 0,
                            VIR_DOMAIN_BLOCK_COPY_REUSE_EXT));
    await_event("block-job-2 vda copy failed");
    show_after_failure(m);
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "second.qcow2", "qcow2"), NULL, 0, 0));
    await_event("block-job-2 vda copy ready");
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    await_event("block-job-2 vda copy completed");
    show_disks(m);
    machine_destroy(m);
    check_image("second.qcow2", "qcow2", 2);
}

/* It is the source that is spoiled: QEMU 7.2 does not survive the failure of a commit into a corrupt base. */
static void commit(struct machine *m)
{
    start_with_spoiled_layer(m, 3, "vda-1.qcow2");
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "vda[2]", 0, 0));
    await_event("block-job-2 vda commit failed");
    show_after_failure(m);
    machine_destroy(m);
    show_backing("vda-2.qcow2");
}

static void commit_does_not_delete(struct machine *m)
{
    start_with_spoiled_layer(m, 3, "vda-1.qcow2");
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "vda[2]", 0, VIR_DOMAIN_BLOCK_COMMIT_DELETE));
    await_event("block-job-2 vda commit failed");
    machine_destroy(m);
    show_file("vda-1.qcow2");
}

static void active_commit(struct machine *m)
{
    start_with_spoiled_layer(m, 2, "vda-0.qcow2");
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE));
    await_event("block-job-2 vda active-commit failed");
    show_after_failure(m);
    machine_destroy(m);
}

static void copy_of_another_size(struct machine *m)
{
    char path[PATH_SIZE];

    machine_start_suspended(m, 1);
    snprintf(path, sizeof(path), "%s", path_of(m, "small.raw"));
    make_empty_file("small.raw");
    CALL(virDomainBlockRebase(m->dom, "vda", path, 0, VIR_DOMAIN_BLOCK_REBASE_COPY | VIR_DOMAIN_BLOCK_REBASE_COPY_RAW |
                                                          VIR_DOMAIN_BLOCK_REBASE_REUSE_EXT));
    await_event("block-job-2 vda copy failed");
    show_after_failure(m);
    show_file("small.raw");
    machine_destroy(m);
}

/* Two machines on overlays of one base: neither may write to it. */
static void base_in_use(struct machine *m)
{
    struct disk disk = {"vda", NULL, "other.qcow2", NULL, NULL};
    struct machine other = *m;
    char *xml;

    machine_start_suspended(m, 3);
    make_image(m, "other.qcow2", "qcow2", "vda-0.qcow2");
    snprintf(other.name, sizeof(other.name), "%.20s-b", m->name);
    xml = machine_xml(&other, &disk, 1);
    other.dom = CALL_POINTER(virDomainCreateXML(m->conn, xml, 0));
    free(xml);
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "vda[2]", 0, 0));
    show_after_failure(m);
    CALL(virDomainDestroy(other.dom));
    virDomainFree(other.dom);
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "vda[2]", 0, 0));
    await_event("block-job-2 vda commit completed");
    machine_destroy(m);
    check_image("vda-2.qcow2", "qcow2", 3);
}

const struct scenario failure_scenarios[] = {
    {"pull-that-cannot-read-fails", pull},
    {"copy-that-cannot-read-fails", copy_from},
    {"copy-that-cannot-write-fails-and-another-can-be-made", copy_to},
    {"commit-that-cannot-read-fails", commit},
    {"commit-that-fails-removes-no-files", commit_does_not_delete},
    {"active-commit-that-cannot-write-fails", active_commit},
    {"copy-into-an-image-of-another-size", copy_of_another_size},
    {"commit-into-a-base-that-another-machine-uses", base_in_use},
    {NULL, NULL},
};
