/* What a copy can be made into, and what is refused. */
#include "oracle.h"

#include <string.h>

static void pivot_and_show(struct machine *m)
{
    await_event("block-job-2 vda copy ready");
    show_disks(m);
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    await_event("block-job-2 vda copy completed");
    show_disks(m);
    machine_destroy(m);
}

static void shallow(struct machine *m)
{
    machine_start_with_chain(m, 3);
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.qcow2", "qcow2"), NULL, 0, VIR_DOMAIN_BLOCK_COPY_SHALLOW));
    pivot_and_show(m);
    check_image("copy.qcow2", "qcow2", 3);
    show_backing("copy.qcow2");
}

static void shallow_into_existing(struct machine *m)
{
    machine_start_with_chain(m, 3);
    make_image(m, "copy.qcow2", "qcow2", "vda-1.qcow2");
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.qcow2", "qcow2"), NULL, 0,
                            VIR_DOMAIN_BLOCK_COPY_SHALLOW | VIR_DOMAIN_BLOCK_COPY_REUSE_EXT));
    pivot_and_show(m);
    check_image("copy.qcow2", "qcow2", 3);
    show_backing("copy.qcow2");
}

static void full_into_existing(struct machine *m)
{
    machine_start_with_chain(m, 2);
    make_image(m, "copy.qcow2", "qcow2", NULL);
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.qcow2", "qcow2"), NULL, 0,
                            VIR_DOMAIN_BLOCK_COPY_REUSE_EXT));
    pivot_and_show(m);
    check_image("copy.qcow2", "qcow2", 2);
}

static void raw(struct machine *m)
{
    machine_start_with_chain(m, 2);
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.raw", "raw"), NULL, 0, 0));
    pivot_and_show(m);
    check_image("copy.raw", "raw", 2);
}

static void shallow_raw(struct machine *m)
{
    machine_start_with_chain(m, 2);
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.raw", "raw"), NULL, 0, VIR_DOMAIN_BLOCK_COPY_SHALLOW));
    show_late_events();
    show_disks(m);
    machine_destroy(m);
}

static void without_format(struct machine *m)
{
    char xml[PATH_SIZE + 64];

    machine_start_with_chain(m, 2);
    strcpy(xml, "<disk type='file'><source file='");
    strcat(xml, path_of(m, "copy.img"));
    strcat(xml, "'/></disk>");
    CALL(virDomainBlockCopy(m->dom, "vda", xml, NULL, 0, 0));
    pivot_and_show(m);
    check_image("copy.img", "qcow2", 2);
}

static void by_rebase(struct machine *m)
{
    machine_start_with_chain(m, 2);
    CALL(virDomainBlockRebase(m->dom, "vda", path_of(m, "copy.qcow2"), 0, VIR_DOMAIN_BLOCK_REBASE_COPY));
    pivot_and_show(m);
    check_image("copy.qcow2", "qcow2", 2);
}

static void by_rebase_raw(struct machine *m)
{
    machine_start_with_chain(m, 2);
    CALL(virDomainBlockRebase(m->dom, "vda", path_of(m, "copy.raw"), 0,
                              VIR_DOMAIN_BLOCK_REBASE_COPY | VIR_DOMAIN_BLOCK_REBASE_COPY_RAW));
    pivot_and_show(m);
    check_image("copy.raw", "raw", 2);
}

static void by_rebase_shallow_reuse(struct machine *m)
{
    machine_start_with_chain(m, 3);
    make_image(m, "copy.qcow2", "qcow2", "vda-1.qcow2");
    CALL(virDomainBlockRebase(m->dom, "vda", path_of(m, "copy.qcow2"), 0,
                              VIR_DOMAIN_BLOCK_REBASE_COPY | VIR_DOMAIN_BLOCK_REBASE_SHALLOW |
                                  VIR_DOMAIN_BLOCK_REBASE_REUSE_EXT));
    pivot_and_show(m);
    check_image("copy.qcow2", "qcow2", 3);
}

static void by_rebase_with_bandwidth(struct machine *m)
{
    machine_start_suspended(m, 2);
    CALL(virDomainBlockRebase(m->dom, "vda", path_of(m, "copy.qcow2"), 1, VIR_DOMAIN_BLOCK_REBASE_COPY));
    show_job(m, "vda");
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    await_event("block-job-2 vda copy canceled");
    CALL(virDomainBlockRebase(m->dom, "vda", path_of(m, "second.qcow2"), SLOW,
                              VIR_DOMAIN_BLOCK_REBASE_COPY | VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES));
    show_job(m, "vda");
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    await_event("block-job-2 vda copy canceled");
    machine_destroy(m);
}

static void parameters(struct machine *m)
{
    virTypedParameter good[3];

    machine_start_suspended(m, 2);
    good[0] = bandwidth_parameter(SLOW);
    good[1] = number_parameter(VIR_DOMAIN_BLOCK_COPY_GRANULARITY, 65536);
    good[2] = bandwidth_parameter(1024 * 1024);
    strcpy(good[2].field, VIR_DOMAIN_BLOCK_COPY_BUF_SIZE);
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.qcow2", "qcow2"), good, 3,
                            VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB | VIR_DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES));
    show_job(m, "vda");
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    await_event("block-job-2 vda copy canceled");
    machine_destroy(m);
}

static void destinations_refused(struct machine *m)
{
    machine_start_with_chain(m, 2);
    make_image(m, "taken.qcow2", "qcow2", NULL);
    make_empty_file("empty.qcow2");
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "taken.qcow2", "qcow2"), NULL, 0, 0));
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "absent.qcow2", "qcow2"), NULL, 0,
                            VIR_DOMAIN_BLOCK_COPY_REUSE_EXT));
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "no/directory.qcow2", "qcow2"), NULL, 0, 0));
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "vda-1.qcow2", "qcow2"), NULL, 0,
                            VIR_DOMAIN_BLOCK_COPY_REUSE_EXT));
    show_late_events();
    show_disks(m);
    show_file("taken.qcow2");
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "empty.qcow2", "qcow2"), NULL, 0, 0));
    pivot_and_show(m);
    check_image("empty.qcow2", "qcow2", 2);
}

const struct scenario copy_variant_scenarios[] = {
    {"copy-of-the-top-layer-alone", shallow},
    {"copy-of-the-top-layer-into-an-image-that-is-there", shallow_into_existing},
    {"copy-into-an-image-that-is-there", full_into_existing},
    {"copy-into-a-raw-image", raw},
    {"copy-of-the-top-layer-alone-into-a-raw-image", shallow_raw},
    {"copy-without-a-format-takes-the-disks-format", without_format},
    {"copy-by-way-of-rebase", by_rebase},
    {"copy-by-way-of-rebase-into-a-raw-image", by_rebase_raw},
    {"copy-by-way-of-rebase-of-the-top-layer-into-an-image-that-is-there", by_rebase_shallow_reuse},
    {"copy-by-way-of-rebase-with-a-bandwidth", by_rebase_with_bandwidth},
    {"copy-with-all-its-parameters", parameters},
    {"copy-refuses-some-destinations", destinations_refused},
    {NULL, NULL},
};
