/* virDomainBlockCommit() of the layer that the guest writes to. */
#include "oracle.h"

static void start_active(struct machine *m, const char *base, const char *top, unsigned int flags)
{
    CALL(virDomainBlockCommit(m->dom, "vda", base, top, 0, flags | VIR_DOMAIN_BLOCK_COMMIT_ACTIVE));
    await_event("block-job-2 vda active-commit ready");
    show_job(m, "vda");
    show_disks(m);
}

static void pivot(struct machine *m, unsigned int flags)
{
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT | flags));
    await_event("block-job-2 vda active-commit completed");
    show_job(m, "vda");
    show_disks(m);
}

static void into_the_bottom(struct machine *m)
{
    machine_start_with_chain(m, 3);
    start_active(m, NULL, NULL, 0);
    pivot(m, 0);
    show_inactive_disks(m);
    machine_destroy(m);
    check_image("vda-0.qcow2", "qcow2", 3);
    show_backing("vda-0.qcow2");
}

static void into_the_layer_below(struct machine *m)
{
    machine_start_with_chain(m, 3);
    start_active(m, NULL, "vda[1]", VIR_DOMAIN_BLOCK_COMMIT_SHALLOW);
    pivot(m, VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC);
    machine_destroy(m);
    check_image("vda-1.qcow2", "qcow2", 3);
}

static void by_paths(struct machine *m)
{
    machine_start_with_chain(m, 3);
    start_active(m, path_of(m, "vda-1.qcow2"), path_of(m, "vda-2.qcow2"), 0);
    pivot(m, 0);
    machine_destroy(m);
    check_image("vda-1.qcow2", "qcow2", 3);
}

static void cancelled_when_ready(struct machine *m)
{
    machine_start_with_chain(m, 3);
    start_active(m, NULL, NULL, 0);
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    await_event("block-job-2 vda active-commit canceled");
    show_job(m, "vda");
    show_disks(m);
    machine_destroy(m);
    check_image("vda-2.qcow2", "qcow2", 3);
}

static void cancelled_while_running(struct machine *m)
{
    machine_start_suspended(m, 2);
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, NULL, SLOW,
                              VIR_DOMAIN_BLOCK_COMMIT_ACTIVE | VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES));
    show_job(m, "vda");
    show_disks(m);
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    await_event("block-job-2 vda active-commit canceled");
    show_disks(m);
    machine_destroy(m);
    check_image("vda-1.qcow2", "qcow2", 2);
}

static void delete_top(struct machine *m)
{
    machine_start_with_chain(m, 3);
    start_active(m, NULL, NULL, VIR_DOMAIN_BLOCK_COMMIT_DELETE);
    pivot(m, 0);
    machine_destroy(m);
    show_file("vda-2.qcow2");
    show_file("vda-1.qcow2");
    check_image("vda-0.qcow2", "qcow2", 3);
}

static void delete_not_when_cancelled(struct machine *m)
{
    machine_start_with_chain(m, 2);
    start_active(m, NULL, NULL, VIR_DOMAIN_BLOCK_COMMIT_DELETE);
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    await_event("block-job-2 vda active-commit canceled");
    machine_destroy(m);
    check_image("vda-1.qcow2", "qcow2", 2);
}

static void then_copy(struct machine *m)
{
    machine_start_with_chain(m, 3);
    start_active(m, "vda[2]", NULL, 0);
    pivot(m, 0);
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.qcow2", "qcow2"), NULL, 0, VIR_DOMAIN_BLOCK_COPY_SHALLOW));
    await_event("block-job-2 vda copy ready");
    show_disks(m);
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    await_event("block-job-2 vda copy completed");
    show_disks(m);
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE));
    await_event("block-job-2 vda active-commit ready");
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    await_event("block-job-2 vda active-commit completed");
    show_disks(m);
    machine_destroy(m);
    check_image("vda-0.qcow2", "qcow2", 3);
}

static void nothing_below(struct machine *m)
{
    machine_start_with_chain(m, 1);
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, NULL, 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_SHALLOW));
    show_late_events();
    machine_destroy(m);
}

const struct scenario active_commit_scenarios[] = {
    {"active-commit-into-the-bottom-layer", into_the_bottom},
    {"active-commit-into-the-layer-below-without-waiting", into_the_layer_below},
    {"active-commit-with-top-and-base-given-as-paths", by_paths},
    {"active-commit-cancelled-when-ready", cancelled_when_ready},
    {"active-commit-cancelled-while-it-runs", cancelled_while_running},
    {"active-commit-removes-the-merged-files-when-asked", delete_top},
    {"active-commit-removes-nothing-when-cancelled", delete_not_when_cancelled},
    {"active-commit-then-copy-then-active-commit", then_copy},
    {"active-commit-of-a-disk-without-backing", nothing_below},
    {NULL, NULL},
};
