/* Arguments that no call takes. */
#include "oracle.h"

#include <limits.h>
#include <string.h>

#define UNKNOWN_FLAG (1u << 20)

static void pull(struct machine *m)
{
    machine_start_with_chain(m, 2);
    CALL(virDomainBlockPull(NULL, "vda", 0, 0));
    CALL(virDomainBlockPull(m->dom, NULL, 0, 0));
    CALL(virDomainBlockPull(m->dom, "", 0, 0));
    CALL(virDomainBlockPull(m->dom, "vdz", 0, 0));
    CALL(virDomainBlockPull(m->dom, "vda[1]", 0, 0));
    CALL(virDomainBlockPull(m->dom, path_of(m, "vda-0.qcow2"), 0, 0));
    CALL(virDomainBlockPull(m->dom, path_of(m, "nothing.qcow2"), 0, 0));
    CALL(virDomainBlockPull(m->dom, "vda", 0, UNKNOWN_FLAG));
    CALL(virDomainBlockPull(m->dom, "vda", 0, 1));
    CALL(virDomainBlockPull(m->dom, "vda", ULONG_MAX, 0));
    CALL(virDomainBlockPull(m->dom, "vda", ULONG_MAX, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    CALL(virDomainBlockPull(m->dom, "vda", (LONG_MAX >> 20) + 1, 0));
    CALL(virDomainBlockPull(m->dom, "vda", (unsigned long)LONG_MAX + 1, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    show_late_events();
    machine_destroy(m);
}

static void rebase(struct machine *m)
{
    machine_start_with_chain(m, 2);
    CALL(virDomainBlockRebase(NULL, "vda", NULL, 0, 0));
    CALL(virDomainBlockRebase(m->dom, NULL, NULL, 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vdz", NULL, 0, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", NULL, 0, UNKNOWN_FLAG));
    CALL(virDomainBlockRebase(m->dom, "vda", NULL, 0, VIR_DOMAIN_BLOCK_REBASE_SHALLOW));
    CALL(virDomainBlockRebase(m->dom, "vda", NULL, 0, VIR_DOMAIN_BLOCK_REBASE_REUSE_EXT));
    CALL(virDomainBlockRebase(m->dom, "vda", NULL, 0, VIR_DOMAIN_BLOCK_REBASE_COPY_RAW));
    CALL(virDomainBlockRebase(m->dom, "vda", NULL, 0, VIR_DOMAIN_BLOCK_REBASE_COPY_DEV));
    CALL(virDomainBlockRebase(m->dom, "vda", NULL, 0, VIR_DOMAIN_BLOCK_REBASE_COPY));
    CALL(virDomainBlockRebase(m->dom, "vda", "copy.qcow2", 0, VIR_DOMAIN_BLOCK_REBASE_COPY));
    CALL(virDomainBlockRebase(m->dom, "vda", "vda[2]", 0,
                              VIR_DOMAIN_BLOCK_REBASE_COPY | VIR_DOMAIN_BLOCK_REBASE_RELATIVE));
    CALL(virDomainBlockRebase(m->dom, "vda", path_of(m, "copy.qcow2"), 0,
                              VIR_DOMAIN_BLOCK_REBASE_COPY | VIR_DOMAIN_BLOCK_REBASE_REUSE_EXT |
                                  VIR_DOMAIN_BLOCK_REBASE_COPY_RAW));
    CALL(virDomainBlockRebase(m->dom, "vda", path_of(m, "copy.qcow2"), ULONG_MAX, VIR_DOMAIN_BLOCK_REBASE_COPY));
    CALL(virDomainBlockRebase(m->dom, "vda", NULL, ULONG_MAX, 0));
    CALL(virDomainBlockRebase(m->dom, "vda", NULL, ULONG_MAX, VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES));
    show_late_events();
    show_disks(m);
    machine_destroy(m);
}

static void copy(struct machine *m)
{
    virTypedParameter one = bandwidth_parameter(0);
    const char *good;

    machine_start_with_chain(m, 2);
    good = copy_xml(m, "copy.qcow2", "qcow2");
    CALL(virDomainBlockCopy(NULL, "vda", good, NULL, 0, 0));
    CALL(virDomainBlockCopy(m->dom, NULL, good, NULL, 0, 0));
    CALL(virDomainBlockCopy(m->dom, "vda", NULL, NULL, 0, 0));
    CALL(virDomainBlockCopy(m->dom, "", good, NULL, 0, 0));
    CALL(virDomainBlockCopy(m->dom, "vdz", good, NULL, 0, 0));
    CALL(virDomainBlockCopy(m->dom, "vda", good, NULL, 0, UNKNOWN_FLAG));
    CALL(virDomainBlockCopy(m->dom, "vda", good, NULL, 1, 0));
    CALL(virDomainBlockCopy(m->dom, "vda", good, NULL, -1, 0));
    CALL(virDomainBlockCopy(m->dom, "vda", good, &one, -1, 0));
    CALL(virDomainBlockCopy(m->dom, "vda", "", NULL, 0, 0));
    CALL(virDomainBlockCopy(m->dom, "vda", "<disk", NULL, 0, 0));
    CALL(virDomainBlockCopy(m->dom, "vda", "<domain/>", NULL, 0, 0));
    CALL(virDomainBlockCopy(m->dom, "vda", "<disk/>", NULL, 0, 0));
    CALL(virDomainBlockCopy(m->dom, "vda", "<disk type='file'><driver type='qcow2'/></disk>", NULL, 0, 0));
    CALL(virDomainBlockCopy(m->dom, "vda", "<disk type='moon'><source file='/x'/></disk>", NULL, 0, 0));
    CALL(virDomainBlockCopy(m->dom, "vda", "<disk type='file'><source file='/x'/><driver type='moon'/></disk>",
                            NULL, 0, 0));
    CALL(virDomainBlockCopy(m->dom, "vda", "<disk type='file'><source file='x'/><driver type='raw'/></disk>",
                            NULL, 0, 0));
    show_late_events();
    show_disks(m);
    show_file("copy.qcow2");
    machine_destroy(m);
}

static void copy_parameters(struct machine *m)
{
    virTypedParameter two[2];
    const char *good;

    machine_start_with_chain(m, 1);
    good = copy_xml(m, "copy.qcow2", "qcow2");
    two[0] = number_parameter("moon", 1);
    CALL(virDomainBlockCopy(m->dom, "vda", good, two, 1, 0));
    two[0] = number_parameter(VIR_DOMAIN_BLOCK_COPY_BANDWIDTH, 1);
    CALL(virDomainBlockCopy(m->dom, "vda", good, two, 1, 0));
    two[0] = two[1] = bandwidth_parameter(SLOW);
    CALL(virDomainBlockCopy(m->dom, "vda", good, two, 2, 0));
    two[0] = bandwidth_parameter(ULLONG_MAX);
    CALL(virDomainBlockCopy(m->dom, "vda", good, two, 1, 0));
    two[0] = number_parameter(VIR_DOMAIN_BLOCK_COPY_GRANULARITY, 1000);
    CALL(virDomainBlockCopy(m->dom, "vda", good, two, 1, 0));
    two[0] = number_parameter(VIR_DOMAIN_BLOCK_COPY_GRANULARITY, 256);
    CALL(virDomainBlockCopy(m->dom, "vda", good, two, 1, 0));
    two[0] = bandwidth_parameter(ULLONG_MAX);
    strcpy(two[0].field, VIR_DOMAIN_BLOCK_COPY_BUF_SIZE);
    CALL(virDomainBlockCopy(m->dom, "vda", good, two, 1, 0));
    show_late_events();
    show_disks(m);
    machine_destroy(m);
    show_file("copy.qcow2");
}

static void commit(struct machine *m)
{
    machine_start_with_chain(m, 3);
    CALL(virDomainBlockCommit(NULL, "vda", NULL, "vda[2]", 0, 0));
    CALL(virDomainBlockCommit(m->dom, NULL, NULL, "vda[2]", 0, 0));
    CALL(virDomainBlockCommit(m->dom, "", NULL, "vda[2]", 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vdz", NULL, "vda[2]", 0, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, "vda[2]", 0, UNKNOWN_FLAG));
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[3]", "vda[2]", ULONG_MAX, 0));
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[3]", "vda[2]", ULONG_MAX, VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES));
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[3]", "vda[1]", 0,
                              VIR_DOMAIN_BLOCK_COMMIT_ACTIVE | VIR_DOMAIN_BLOCK_COMMIT_SHALLOW));
    show_late_events();
    show_disks(m);
    machine_destroy(m);
}

static void job_calls(struct machine *m)
{
    virDomainBlockJobInfo info;

    machine_start_with_chain(m, 2);
    CALL(virDomainBlockJobAbort(NULL, "vda", 0));
    CALL(virDomainBlockJobAbort(m->dom, NULL, 0));
    CALL(virDomainBlockJobAbort(m->dom, "", 0));
    CALL(virDomainBlockJobAbort(m->dom, "vdz", 0));
    CALL(virDomainBlockJobAbort(m->dom, "vda", UNKNOWN_FLAG));
    CALL(virDomainBlockJobSetSpeed(NULL, "vda", 0, 0));
    CALL(virDomainBlockJobSetSpeed(m->dom, NULL, 0, 0));
    CALL(virDomainBlockJobSetSpeed(m->dom, "vdz", 0, 0));
    CALL(virDomainBlockJobSetSpeed(m->dom, "vda", 0, UNKNOWN_FLAG));
    CALL(virDomainBlockJobSetSpeed(m->dom, "vda", ULONG_MAX, 0));
    CALL(virDomainBlockJobSetSpeed(m->dom, "vda", ULONG_MAX, VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES));
    CALL(virDomainGetBlockJobInfo(NULL, "vda", &info, 0));
    CALL(virDomainGetBlockJobInfo(m->dom, NULL, &info, 0));
    CALL(virDomainGetBlockJobInfo(m->dom, "vda", NULL, 0));
    CALL(virDomainGetBlockJobInfo(m->dom, "", &info, 0));
    CALL(virDomainGetBlockJobInfo(m->dom, "vdz", &info, 0));
    CALL(virDomainGetBlockJobInfo(m->dom, "vda", &info, UNKNOWN_FLAG));
    show_late_events();
    machine_destroy(m);
}

const struct scenario argument_scenarios[] = {
    {"arguments-that-pull-does-not-take", pull},
    {"arguments-that-rebase-does-not-take", rebase},
    {"arguments-that-copy-does-not-take", copy},
    {"parameters-that-copy-does-not-take", copy_parameters},
    {"arguments-that-commit-does-not-take", commit},
    {"arguments-that-abort-speed-and-info-do-not-take", job_calls},
    {NULL, NULL},
};
