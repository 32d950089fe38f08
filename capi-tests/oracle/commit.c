/* virDomainBlockCommit() of layers that the guest does not write to. */
#include "oracle.h"

static void middle(struct machine *m)
{
    machine_start_with_chain(m, 4);
    CALL(virDomainBlockCommit(m->dom, "vda", path_of(m, "vda-1.qcow2"), path_of(m, "vda-2.qcow2"), 0, 0));
    await_event("block-job-2 vda commit completed");
    show_job(m, "vda");
    show_disks(m);
    machine_destroy(m);
    check_image("vda-3.qcow2", "qcow2", 4);
    show_backing("vda-3.qcow2");
    check_image("vda-1.qcow2", "qcow2", 3);
    show_file("vda-2.qcow2");
}

static void middle_by_index(struct machine *m)
{
    machine_start_with_chain(m, 4);
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[4]", "vda[2]", 0, 0));
    await_event("block-job-2 vda commit completed");
    show_disks(m);
    machine_destroy(m);
    check_image("vda-0.qcow2", "qcow2", 3);
    show_backing("vda-3.qcow2");
}

static void default_base(struct machine *m)
{
    machine_start_with_chain(m, 4);
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "vda[2]", 0, 0));
    await_event("block-job-2 vda commit completed");
    show_disks(m);
    machine_destroy(m);
    check_image("vda-0.qcow2", "qcow2", 3);
}

static void shallow(struct machine *m)
{
    machine_start_with_chain(m, 4);
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "vda[2]", 0, VIR_DOMAIN_BLOCK_COMMIT_SHALLOW));
    await_event("block-job-2 vda commit completed");
    show_disks(m);
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[4]", "vda[3]", 0, VIR_DOMAIN_BLOCK_COMMIT_SHALLOW));
    await_event("block-job-2 vda commit completed");
    show_disks(m);
    machine_destroy(m);
    check_image("vda-0.qcow2", "qcow2", 3);
}

static void cancelled(struct machine *m)
{
    machine_start_with_chain(m, 3);
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "vda[2]", SLOW, VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES));
    show_job(m, "vda");
    show_disks(m);
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    show_job(m, "vda");
    await_event("block-job-2 vda commit canceled");
    show_disks(m);
    machine_destroy(m);
    check_image("vda-2.qcow2", "qcow2", 3);
}

static void delete_layers(struct machine *m)
{
    machine_start_with_chain(m, 4);
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[4]", "vda[2]", 0, VIR_DOMAIN_BLOCK_COMMIT_DELETE));
    await_event("block-job-2 vda commit completed");
    show_disks(m);
    machine_destroy(m);
    show_file("vda-0.qcow2");
    show_file("vda-1.qcow2");
    show_file("vda-2.qcow2");
    check_image("vda-3.qcow2", "qcow2", 4);
}

static void relative(struct machine *m)
{
    struct disk disk = {"vda", NULL, "vda-3.qcow2", NULL, NULL};

    make_relative_chain(m, "vda", 4);
    machine_start(m, &disk, 1, 0);
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[3]", "vda[2]", 0, VIR_DOMAIN_BLOCK_COMMIT_RELATIVE));
    await_event("block-job-2 vda commit completed");
    show_disks(m);
    show_backing("vda-3.qcow2");
    machine_destroy(m);
    check_image("vda-3.qcow2", "qcow2", 4);
}

static void relative_refused(struct machine *m)
{
    machine_start_with_chain(m, 4);
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[3]", "vda[2]", 0, VIR_DOMAIN_BLOCK_COMMIT_RELATIVE));
    show_late_events();
    machine_destroy(m);
}

/* The layers have numbers: top 1, middle 2, base 3. */
static void bad_layers(struct machine *m)
{
    machine_start_with_chain(m, 3);
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, NULL, 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "vda[1]", 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, path_of(m, "vda-2.qcow2"), 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[2]", "vda[3]", 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[2]", "vda[2]", 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[1]", "vda[2]", 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[1]", "vda[1]", 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "vda[2]", 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "vda[3]", 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "vda[3]", 0, VIR_DOMAIN_BLOCK_COMMIT_SHALLOW));
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[3]", NULL, 0,
                              VIR_DOMAIN_BLOCK_COMMIT_SHALLOW | VIR_DOMAIN_BLOCK_COMMIT_ACTIVE));
    show_late_events();
    show_disks(m);
    machine_destroy(m);
}

static void strange_layers(struct machine *m)
{
    machine_start_with_chain(m, 3);
    make_image(m, "stranger.qcow2", "qcow2", NULL);
    CALL(virDomainBlockCommit(m->dom, "vda", path_of(m, "stranger.qcow2"), "vda[2]", 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, path_of(m, "stranger.qcow2"), 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[99]", "vda[2]", 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "vda[99]", 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "vdb[2]", 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", "", "vda[2]", 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "", 0, 0));
    show_late_events();
    show_disks(m);
    machine_destroy(m);
}

const struct scenario commit_scenarios[] = {
    {"commit-merges-a-middle-layer-into-the-one-below", middle},
    {"commit-merges-several-layers-given-as-indexes", middle_by_index},
    {"commit-without-a-base-goes-down-to-the-bottom", default_base},
    {"commit-shallow-goes-down-one-layer", shallow},
    {"commit-cancelled-while-it-runs", cancelled},
    {"commit-removes-the-merged-files-when-asked", delete_layers},
    {"commit-keeps-a-relative-backing-name-when-asked", relative},
    {"commit-refuses-a-relative-name-that-it-cannot-make", relative_refused},
    {"commit-refuses-layers-in-the-wrong-order", bad_layers},
    {"commit-refuses-layers-that-are-not-in-the-chain", strange_layers},
    {NULL, NULL},
};
