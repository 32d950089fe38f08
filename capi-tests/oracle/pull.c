/* virDomainBlockPull() and the pulling form of virDomainBlockRebase(). */
#include "oracle.h"

static void whole_chain(struct machine *m)
{
    machine_start_with_chain(m, 3);
    show_inactive_disks(m);
    CALL(virDomainBlockPull(m->dom, "vda", 0, 0));
    await_event("block-job-2 vda pull completed");
    show_job(m, "vda");
    show_disks(m);
    show_inactive_disks(m);
    machine_destroy(m);
    check_image("vda-2.qcow2", "qcow2", 3);
    show_backing("vda-2.qcow2");
    check_image("vda-1.qcow2", "qcow2", 2);
    check_image("vda-0.qcow2", "qcow2", 1);
}

static void with_bandwidth(struct machine *m)
{
    machine_start_with_chain(m, 2);
    CALL(virDomainBlockPull(m->dom, "vda", 16, 0));
    show_job(m, "vda");
    await_event("block-job-2 vda pull completed");
    machine_destroy(m);
    check_image("vda-1.qcow2", "qcow2", 2);
}

static void cancelled(struct machine *m)
{
    machine_start_with_chain(m, 3);
    CALL(virDomainBlockPull(m->dom, "vda", SLOW, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    show_job(m, "vda");
    show_disks(m);
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    show_job(m, "vda");
    await_event("block-job-2 vda pull canceled");
    show_disks(m);
    machine_destroy(m);
    check_image("vda-2.qcow2", "qcow2", 3);
    show_backing("vda-2.qcow2");
}

static void by_disk_path(struct machine *m)
{
    machine_start_with_chain(m, 2);
    CALL(virDomainBlockPull(m->dom, path_of(m, "vda-1.qcow2"), 0, 0));
    await_event("block-job-2 vda pull completed");
    show_disks(m);
    machine_destroy(m);
}

static void without_backing(struct machine *m)
{
    machine_start_with_chain(m, 1);
    CALL(virDomainBlockPull(m->dom, "vda", 0, 0));
    await_event("block-job-2 vda pull completed");
    show_disks(m);
    machine_destroy(m);
}

static void to_base_by_path(struct machine *m)
{
    machine_start_with_chain(m, 4);
    CALL(virDomainBlockRebase(m->dom, "vda", path_of(m, "vda-1.qcow2"), 0, 0));
    await_event("block-job-2 vda pull completed");
    show_disks(m);
    machine_destroy(m);
    check_image("vda-3.qcow2", "qcow2", 4);
    show_backing("vda-3.qcow2");
    check_image("vda-2.qcow2", "qcow2", 3);
}

static void to_base_by_index(struct machine *m)
{
    machine_start_with_chain(m, 4);
    CALL(virDomainBlockRebase(m->dom, "vda", "vda[4]", 0, 0));
    await_event("block-job-2 vda pull completed");
    show_disks(m);
    CALL(virDomainBlockRebase(m->dom, "vda", NULL, 0, 0));
    await_event("block-job-2 vda pull completed");
    show_disks(m);
    machine_destroy(m);
    check_image("vda-3.qcow2", "qcow2", 4);
    show_backing("vda-3.qcow2");
}

static void to_base_by_relative_path(struct machine *m)
{
    machine_start_with_chain(m, 3);
    CALL(virDomainBlockRebase(m->dom, "vda", "vda-0.qcow2", 0, 0));
    await_event("block-job-2 vda pull completed");
    show_disks(m);
    machine_destroy(m);
    show_backing("vda-2.qcow2");
}

static void to_direct_backing(struct machine *m)
{
    machine_start_with_chain(m, 3);
    CALL(virDomainBlockRebase(m->dom, "vda", path_of(m, "vda-1.qcow2"), 0, 0));
    await_event("block-job-2 vda pull completed");
    show_disks(m);
    machine_destroy(m);
    check_image("vda-2.qcow2", "qcow2", 3);
    show_backing("vda-2.qcow2");
}

static void relative(struct machine *m)
{
    struct disk disk = {"vda", NULL, "vda-3.qcow2", NULL, NULL};

    make_relative_chain(m, "vda", 4);
    machine_start(m, &disk, 1, 0);
    show_disks(m);
    CALL(virDomainBlockRebase(m->dom, "vda", "vda[3]", 0, VIR_DOMAIN_BLOCK_REBASE_RELATIVE));
    await_event("block-job-2 vda pull completed");
    show_backing("vda-3.qcow2");
    CALL(virDomainBlockRebase(m->dom, "vda", "vda[4]", 0, 0));
    await_event("block-job-2 vda pull completed");
    show_backing("vda-3.qcow2");
    show_disks(m);
    machine_destroy(m);
    check_image("vda-3.qcow2", "qcow2", 4);
}

static void relative_refused(struct machine *m)
{
    machine_start_with_chain(m, 3);
    CALL(virDomainBlockRebase(m->dom, "vda", "vda[3]", 0, VIR_DOMAIN_BLOCK_REBASE_RELATIVE));
    CALL(virDomainBlockRebase(m->dom, "vda", NULL, 0, VIR_DOMAIN_BLOCK_REBASE_RELATIVE));
    show_late_events();
    machine_destroy(m);
}

static void bad_bases(struct machine *m)
{
    machine_start_with_two_chains(m, 3);
    make_image(m, "stranger.qcow2", "qcow2", NULL);
    CALL(virDomainBlockRebase(m->dom, "vda", path_of(m, "stranger.qcow2"), 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", path_of(m, "nothing.qcow2"), 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", path_of(m, "vda-2.qcow2"), 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", path_of(m, "vdb-1.qcow2"), 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", "vda[0]", 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", "vda[1]", 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", "vda[99]", 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", "vda[x]", 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", "vda[2", 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", "vda[-2]", 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", "vda[]", 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", "vdb[5]", 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", "vda", 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", "", 0, 0));
    show_late_events();
    show_disks(m);
    machine_destroy(m);
}

const struct scenario pull_scenarios[] = {
    {"pull-merges-the-whole-chain-into-the-top", whole_chain},
    {"pull-keeps-to-its-bandwidth-and-says-so", with_bandwidth},
    {"pull-cancelled-while-it-runs-leaves-the-chain-as-it-was", cancelled},
    {"pull-takes-the-path-of-the-disk-for-its-name", by_disk_path},
    {"pull-of-a-disk-without-backing", without_backing},
    {"rebase-pulls-down-to-a-base-given-as-a-path", to_base_by_path},
    {"rebase-pulls-down-to-a-base-given-as-an-index", to_base_by_index},
    {"rebase-pulls-down-to-a-base-named-relative-to-the-image-above-it", to_base_by_relative_path},
    {"rebase-to-the-direct-backing-file", to_direct_backing},
    {"rebase-keeps-a-relative-backing-name-when-asked", relative},
    {"rebase-refuses-a-relative-name-that-it-cannot-make", relative_refused},
    {"rebase-refuses-a-base-that-is-not-below-the-top", bad_bases},
    {NULL, NULL},
};
