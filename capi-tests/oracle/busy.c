/* A second job on a disk that has one, and jobs on two disks at once. */
#include "oracle.h"

#include <limits.h>

static void try_second_jobs(struct machine *m)
{
    CALL(virDomainBlockPull(m->dom, "vda", 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", "vda[3]", 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", path_of(m, "second.qcow2"), 0, VIR_DOMAIN_BLOCK_REBASE_COPY));
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "second.qcow2", "qcow2"), NULL, 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[3]", "vda[2]", 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE));
    show_file("second.qcow2");
    show_late_events();
    show_job(m, "vda");
    show_disks(m);
}

static void try_other_changes(struct machine *m)
{
    const char *detach = "<disk type='file' device='disk'><target dev='vda' bus='virtio'/></disk>";
    const char *snapshot = "<domainsnapshot><name>other</name></domainsnapshot>";

    CALL(virDomainDetachDeviceFlags(m->dom, detach, VIR_DOMAIN_AFFECT_LIVE));
    CALL_POINTER(virDomainSnapshotCreateXML(m->dom, snapshot, VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY |
                                                                  VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA));
    CALL(virDomainSave(m->dom, path_of(m, "saved")));
    show_late_events();
    show_job(m, "vda");
}

/* Nothing is left over from what was refused: the disk is free once its own job has gone. */
static void cancel_and_use_again(struct machine *m, const char *cancelled)
{
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    await_event(cancelled);
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[3]", "vda[2]", 0, 0));
    await_event("block-job-2 vda commit completed");
    show_disks(m);
    machine_destroy(m);
    check_image("vda-2.qcow2", "qcow2", 3);
}

static void try_wrong_calls(struct machine *m)
{
    CALL(virDomainBlockPull(m->dom, "vda", 0, 1u << 20));
    CALL(virDomainBlockPull(m->dom, "vda", ULONG_MAX, 0));
    CALL(virDomainBlockPull(m->dom, "vda", ULONG_MAX, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    CALL(virDomainBlockRebase(m->dom, "vda", "nothing", 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", "vda[99]", 0, VIR_DOMAIN_BLOCK_REBASE_RELATIVE));
    CALL(virDomainBlockRebase(m->dom, "vda", NULL, 0, VIR_DOMAIN_BLOCK_REBASE_RELATIVE));
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[99]", "vda[2]", 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, NULL, 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[3]", "vda[2]", ULONG_MAX, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[3]", "vda[2]", 0, VIR_DOMAIN_BLOCK_COMMIT_RELATIVE));
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "vda-1.qcow2", "qcow2"), NULL, 0, 0));
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "absent.qcow2", "qcow2"), NULL, 0,
                            VIR_DOMAIN_BLOCK_COPY_REUSE_EXT));
    CALL(virDomainBlockCopy(m->dom, "vda", "<disk/>", NULL, 0, 0));
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.raw", "raw"), NULL, 0, VIR_DOMAIN_BLOCK_COPY_SHALLOW));
    CALL(virDomainBlockJobSetSpeed(m->dom, "vda", ULONG_MAX, 0));
    CALL(virDomainBlockJobSetSpeed(m->dom, "vda", ULONG_MAX, VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES));
    show_late_events();
    show_job(m, "vda");
}

static void wrong_calls(struct machine *m)
{
    machine_start_with_chain(m, 3);
    CALL(virDomainBlockPull(m->dom, "vda", SLOW, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    try_wrong_calls(m);
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    await_event("block-job-2 vda pull canceled");
    machine_destroy(m);
}

static void during_pull(struct machine *m)
{
    machine_start_with_chain(m, 3);
    CALL(virDomainBlockPull(m->dom, "vda", SLOW, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    try_second_jobs(m);
    try_other_changes(m);
    cancel_and_use_again(m, "block-job-2 vda pull canceled");
}

static void during_copy(struct machine *m)
{
    machine_start_suspended(m, 3);
    start_slow_copy(m, 0);
    try_second_jobs(m);
    try_other_changes(m);
    cancel_and_use_again(m, "block-job-2 vda copy canceled");
}

static void during_ready_copy(struct machine *m)
{
    machine_start_with_chain(m, 3);
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.qcow2", "qcow2"), NULL, 0, 0));
    await_event("block-job-2 vda copy ready");
    try_second_jobs(m);
    try_other_changes(m);
    cancel_and_use_again(m, "block-job-2 vda copy canceled");
}

static void during_commit(struct machine *m)
{
    machine_start_with_chain(m, 3);
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "vda[2]", SLOW, VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES));
    try_second_jobs(m);
    try_other_changes(m);
    cancel_and_use_again(m, "block-job-2 vda commit canceled");
}

static void during_active_commit(struct machine *m)
{
    machine_start_suspended(m, 3);
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, NULL, SLOW,
                              VIR_DOMAIN_BLOCK_COMMIT_ACTIVE | VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES));
    try_second_jobs(m);
    try_other_changes(m);
    cancel_and_use_again(m, "block-job-2 vda active-commit canceled");
}

static void during_ready_active_commit(struct machine *m)
{
    machine_start_with_chain(m, 3);
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[2]", NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE));
    await_event("block-job-2 vda active-commit ready");
    try_second_jobs(m);
    try_other_changes(m);
    cancel_and_use_again(m, "block-job-2 vda active-commit canceled");
}

static void two_disks(struct machine *m)
{
    machine_start_with_two_chains(m, 2);
    start_slow_copy(m, 0);
    CALL(virDomainBlockPull(m->dom, "vdb", SLOW, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    show_job(m, "vda");
    show_job(m, "vdb");
    show_disks(m);
    CALL(virDomainBlockJobSetSpeed(m->dom, "vdb", 0, 0));
    await_event("block-job-2 vdb pull completed");
    show_job(m, "vda");
    show_job(m, "vdb");
    CALL(virDomainBlockJobSetSpeed(m->dom, "vda", 0, 0));
    await_event("block-job-2 vda copy ready");
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    await_event("block-job-2 vda copy completed");
    show_disks(m);
    machine_destroy(m);
    check_image("copy.qcow2", "qcow2", 2);
    check_image("vdb-1.qcow2", "qcow2", 2);
}

static void two_buses(struct machine *m)
{
    struct disk disks[2] = {{"sda", "scsi", "sda-1.qcow2", NULL, NULL}, {"sdb", "sata", "sdb-1.qcow2", NULL, NULL}};

    make_chain(m, "sda", 2);
    make_chain(m, "sdb", 2);
    machine_start(m, disks, 2, 0);
    show_disks(m);
    CALL(virDomainBlockPull(m->dom, "sda", 0, 0));
    await_event("block-job-2 sda pull completed");
    CALL(virDomainBlockCommit(m->dom, "sdb", NULL, NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE));
    await_event("block-job-2 sdb active-commit ready");
    CALL(virDomainBlockJobAbort(m->dom, "sdb", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    await_event("block-job-2 sdb active-commit completed");
    show_disks(m);
    machine_destroy(m);
    check_image("sda-1.qcow2", "qcow2", 2);
    check_image("sdb-0.qcow2", "qcow2", 2);
}

const struct scenario busy_scenarios[] = {
    {"busy-with-a-pull-the-disk-takes-no-second-job", during_pull},
    {"busy-with-a-copy-the-disk-takes-no-second-job", during_copy},
    {"busy-with-a-ready-copy-the-disk-takes-no-second-job", during_ready_copy},
    {"busy-with-a-commit-the-disk-takes-no-second-job", during_commit},
    {"busy-with-an-active-commit-the-disk-takes-no-second-job", during_active_commit},
    {"busy-with-a-ready-active-commit-the-disk-takes-no-second-job", during_ready_active_commit},
    {"busy-or-wrong-which-is-found-first", wrong_calls},
    {"two-disks-have-jobs-at-the-same-time", two_disks},
    {"disks-on-scsi-and-sata-have-jobs-too", two_buses},
    {NULL, NULL},
};
