/* Looking at a job, changing its speed, ending it. */
#include "oracle.h"

static void no_job(struct machine *m)
{
    machine_start_with_chain(m, 2);
    show_job(m, "vda");
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC));
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    CALL(virDomainBlockJobSetSpeed(m->dom, "vda", 1, 0));
    show_late_events();
    machine_destroy(m);
}

static void abort_async(struct machine *m)
{
    machine_start_suspended(m, 2);
    CALL(virDomainBlockPull(m->dom, "vda", SLOW, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC));
    await_event("block-job-2 vda pull canceled");
    show_job(m, "vda");
    start_slow_copy(m, 0);
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC));
    await_event("block-job-2 vda copy canceled");
    show_job(m, "vda");
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, NULL, SLOW,
                              VIR_DOMAIN_BLOCK_COMMIT_ACTIVE | VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES));
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC));
    await_event("block-job-2 vda active-commit canceled");
    show_job(m, "vda");
    machine_destroy(m);
}

static void abort_pivot_of_pull(struct machine *m)
{
    machine_start_with_chain(m, 2);
    CALL(virDomainBlockPull(m->dom, "vda", SLOW, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    show_late_events();
    show_job(m, "vda");
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    await_event("block-job-2 vda pull canceled");
    machine_destroy(m);
}

static void speeds(struct machine *m)
{
    machine_start_with_chain(m, 2);
    CALL(virDomainBlockPull(m->dom, "vda", SLOW, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    show_job(m, "vda");
    CALL(virDomainBlockJobSetSpeed(m->dom, "vda", 1, 0));
    show_job(m, "vda");
    CALL(virDomainBlockJobSetSpeed(m->dom, "vda", 70000, VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES));
    show_job(m, "vda");
    CALL(virDomainBlockJobSetSpeed(m->dom, path_of(m, "vda-1.qcow2"), 1500000,
                                   VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES));
    show_job(m, path_of(m, "vda-1.qcow2"));
    CALL(virDomainBlockJobSetSpeed(m->dom, "vda", 0, 0));
    await_event("block-job-2 vda pull completed");
    CALL(virDomainBlockJobSetSpeed(m->dom, "vda", 1, 0));
    machine_destroy(m);
}

static void speed_of_ready_copy(struct machine *m)
{
    machine_start_with_chain(m, 1);
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.qcow2", "qcow2"), NULL, 0, 0));
    await_event("block-job-2 vda copy ready");
    CALL(virDomainBlockJobSetSpeed(m->dom, "vda", 3, 0));
    show_job(m, "vda");
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    await_event("block-job-2 vda copy canceled");
    machine_destroy(m);
}

static void info_of_every_type(struct machine *m)
{
    machine_start_suspended(m, 3);
    CALL(virDomainBlockPull(m->dom, "vda", SLOW, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    show_job(m, "vda");
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    start_slow_copy(m, 0);
    show_job(m, "vda");
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "vda[2]", SLOW, VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES));
    show_job(m, "vda");
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, NULL, SLOW,
                              VIR_DOMAIN_BLOCK_COMMIT_ACTIVE | VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES));
    show_job(m, "vda");
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    await_event("block-job-2 vda active-commit canceled");
    machine_destroy(m);
}

const struct scenario control_scenarios[] = {
    {"control-of-a-disk-without-a-job", no_job},
    {"abort-without-waiting-ends-with-an-event", abort_async},
    {"abort-with-pivot-is-refused-for-a-pull", abort_pivot_of_pull},
    {"speed-is-changed-while-a-job-runs", speeds},
    {"speed-is-changed-while-a-copy-is-ready", speed_of_ready_copy},
    {"info-tells-every-type-of-job", info_of_every_type},
    {NULL, NULL},
};
