/* virDomainBlockCopy() and the copying form of virDomainBlockRebase(): the course of a copy and its ends. */
#include "oracle.h"

static void start_copy(struct machine *m, unsigned int flags)
{
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.qcow2", "qcow2"), NULL, 0, flags));
    await_event("block-job-2 vda copy ready");
    show_job(m, "vda");
    show_disks(m);
}

static void pivot(struct machine *m)
{
    machine_start_with_chain(m, 2);
    start_copy(m, 0);
    show_inactive_disks(m);
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    show_job(m, "vda");
    await_event("block-job-2 vda copy completed");
    show_disks(m);
    show_inactive_disks(m);
    machine_destroy(m);
    check_image("copy.qcow2", "qcow2", 2);
    show_backing("copy.qcow2");
    check_image("vda-1.qcow2", "qcow2", 2);
}

static void pivot_async(struct machine *m)
{
    machine_start_with_chain(m, 1);
    start_copy(m, 0);
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT | VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC));
    await_event("block-job-2 vda copy completed");
    show_job(m, "vda");
    show_disks(m);
    machine_destroy(m);
    check_image("copy.qcow2", "qcow2", 1);
}

static void cancelled_when_ready(struct machine *m)
{
    machine_start_with_chain(m, 2);
    start_copy(m, 0);
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    show_job(m, "vda");
    await_event("block-job-2 vda copy canceled");
    show_disks(m);
    machine_destroy(m);
    check_image("copy.qcow2", "qcow2", 2);
    check_image("vda-1.qcow2", "qcow2", 2);
}

static void cancelled_async_when_ready(struct machine *m)
{
    machine_start_with_chain(m, 1);
    start_copy(m, 0);
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC));
    await_event("block-job-2 vda copy canceled");
    show_job(m, "vda");
    show_disks(m);
    machine_destroy(m);
    check_image("copy.qcow2", "qcow2", 1);
}

static void cancelled_while_running(struct machine *m)
{
    machine_start_suspended(m, 2);
    start_slow_copy(m, 0);
    show_job(m, "vda");
    show_disks(m);
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    show_job(m, "vda");
    await_event("block-job-2 vda copy canceled");
    show_disks(m);
    machine_destroy(m);
    show_file("copy.qcow2");
    check_image("vda-1.qcow2", "qcow2", 2);
}

static void pivot_too_early(struct machine *m)
{
    machine_start_suspended(m, 2);
    start_slow_copy(m, 0);
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT | VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC));
    show_job(m, "vda");
    show_disks(m);
    CALL(virDomainBlockJobSetSpeed(m->dom, "vda", 0, 0));
    await_event("block-job-2 vda copy ready");
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    await_event("block-job-2 vda copy completed");
    show_disks(m);
    machine_destroy(m);
    check_image("copy.qcow2", "qcow2", 2);
}

static void one_after_another(struct machine *m)
{
    machine_start_with_chain(m, 2);
    start_copy(m, 0);
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    await_event("block-job-2 vda copy canceled");
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "second.qcow2", "qcow2"), NULL, 0, 0));
    await_event("block-job-2 vda copy ready");
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    await_event("block-job-2 vda copy completed");
    show_disks(m);
    CALL(virDomainBlockCopy(m->dom, path_of(m, "second.qcow2"), copy_xml(m, "third.qcow2", "qcow2"), NULL, 0, 0));
    await_event("block-job-2 vda copy ready");
    show_disks(m);
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    await_event("block-job-2 vda copy completed");
    show_disks(m);
    machine_destroy(m);
    check_image("third.qcow2", "qcow2", 2);
}

static void pull_after_pivot(struct machine *m)
{
    machine_start_with_chain(m, 3);
    start_copy(m, VIR_DOMAIN_BLOCK_COPY_SHALLOW);
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    await_event("block-job-2 vda copy completed");
    show_disks(m);
    CALL(virDomainBlockPull(m->dom, "vda", 0, 0));
    await_event("block-job-2 vda pull completed");
    show_disks(m);
    machine_destroy(m);
    check_image("copy.qcow2", "qcow2", 3);
    show_backing("copy.qcow2");
}

const struct scenario copy_scenarios[] = {
    {"copy-becomes-ready-and-is-pivoted-to", pivot},
    {"copy-is-pivoted-to-without-waiting", pivot_async},
    {"copy-cancelled-when-ready-is-a-complete-image", cancelled_when_ready},
    {"copy-cancelled-when-ready-without-waiting", cancelled_async_when_ready},
    {"copy-cancelled-while-it-runs", cancelled_while_running},
    {"copy-cannot-be-pivoted-to-before-it-is-ready", pivot_too_early},
    {"copies-one-after-another-on-the-same-disk", one_after_another},
    {"pull-after-the-pivot-to-a-shallow-copy", pull_after_pivot},
    {NULL, NULL},
};
