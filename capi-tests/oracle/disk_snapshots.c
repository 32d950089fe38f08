/* Snapshots of disks alone: a new image on top of each. */
#include "snapshots.h"

#include <stdio.h>

static void one_disk(struct machine *m)
{
    machine_start_with_chain(m, 2);
    TAKE(m, snapshot_xml(m, "first", "vda", "first.qcow2"), DISK_ONLY);
    show_late_events();
    show_disks(m);
    show_snapshots(m);
    show_snapshot(m, "first");
    show_state(m);
    show_backing("first.qcow2");
    machine_destroy(m);
    check_image("first.qcow2", "qcow2", 2);
}

static void two_disks(struct machine *m)
{
    machine_start_with_two_chains(m, 2);
    TAKE(m, "<domainsnapshot><name>both</name></domainsnapshot>",
         DISK_ONLY | NO_METADATA | VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC);
    show_late_events();
    show_disks(m);
    show_snapshots(m);
    machine_destroy(m);
    check_image("vda-1.both", "qcow2", 2);
    check_image("vdb-1.both", "qcow2", 2);
}

static void one_disk_left_out(struct machine *m)
{
    machine_start_with_two_chains(m, 2);
    TAKE(m,
         "<domainsnapshot><name>half</name><description>of &lt;two&gt; disks</description>"
         "<disks><disk name='vda' snapshot='no'/></disks></domainsnapshot>",
         DISK_ONLY);
    show_disks(m);
    show_snapshot(m, "half");
    machine_destroy(m);
    check_image("vdb-1.half", "qcow2", 2);
    show_file("vda-1.half");
}

static void named_by_source(struct machine *m)
{
    char xml[3 * PATH_SIZE];

    machine_start_with_two_chains(m, 2);
    snprintf(xml, sizeof(xml),
             "<domainsnapshot><name>s</name><disks><disk name='%s'><driver type='qcow2'/><source file='%s'/></disk>"
             "<disk name='vdb' snapshot='no'/></disks></domainsnapshot>",
             path_of(m, "vda-1.qcow2"), path_of(m, "new.qcow2"));
    TAKE(m, xml, DISK_ONLY);
    show_disks(m);
    show_snapshot(m, "s");
    machine_destroy(m);
}

static void existing_image(struct machine *m)
{
    machine_start_with_chain(m, 2);
    make_image(m, "there.qcow2", "qcow2", "vda-1.qcow2");
    TAKE(m, snapshot_xml(m, "s", "vda", "there.qcow2"), DISK_ONLY);
    TAKE(m, snapshot_xml(m, "s", "vda", "there.qcow2"), DISK_ONLY | VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT);
    show_disks(m);
    TAKE(m, snapshot_xml(m, "t", "vda", "absent.qcow2"), DISK_ONLY | VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT);
    make_empty_file("empty");
    TAKE(m, snapshot_xml(m, "u", "vda", "empty"), DISK_ONLY | VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT);
    show_disks(m);
    show_snapshots(m);
    TAKE(m, snapshot_xml(m, "v", "vda", "empty"), DISK_ONLY);
    show_disks(m);
    show_snapshots(m);
    machine_destroy(m);
    check_image("there.qcow2", "qcow2", 2);
    check_image("empty", "qcow2", 2);
}

static void jobs_afterwards(struct machine *m)
{
    machine_start_with_chain(m, 2);
    TAKE(m, snapshot_xml(m, "a", "vda", "a.qcow2"), DISK_ONLY);
    TAKE(m, snapshot_xml(m, "b", "vda", "b.qcow2"), DISK_ONLY);
    show_disks(m);
    CALL(virDomainBlockCommit(m->dom, "vda", "vda[3]", "vda[1]", 0, 0));
    show_late_events();
    CALL(virDomainBlockCommit(m->dom, "vda", path_of(m, "vda-1.qcow2"), path_of(m, "a.qcow2"), 0, 0));
    await_event("block-job-2 vda commit completed");
    show_disks(m);
    CALL(virDomainBlockCommit(m->dom, "vda", NULL, NULL, 0, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE | VIR_DOMAIN_BLOCK_COMMIT_SHALLOW));
    await_event("block-job-2 vda active-commit ready");
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    await_event("block-job-2 vda active-commit completed");
    show_disks(m);
    show_snapshots(m);
    TAKE(m, snapshot_xml(m, "c", "vda", "c.qcow2"), DISK_ONLY);
    CALL(virDomainBlockPull(m->dom, "vda", 0, 0));
    await_event("block-job-2 vda pull completed");
    show_disks(m);
    machine_destroy(m);
    check_image("c.qcow2", "qcow2", 2);
}

static void delete_it(struct machine *m, const char *name, unsigned int flags, const char *last)
{
    virDomainSnapshotPtr snapshot = FIND(m, name);

    say("delete %s", name);
    if (snapshot)
        CALL(virDomainSnapshotDelete(snapshot, flags));
    release_snapshot(snapshot);
    if (last)
        await_event(last);
    show_late_events();
    show_disks(m);
    show_snapshots(m);
}

static void deleted(struct machine *m)
{
    machine_start_with_chain(m, 2);
    TAKE(m, snapshot_xml(m, "a", "vda", "a.qcow2"), DISK_ONLY);
    TAKE(m, snapshot_xml(m, "b", "vda", "b.qcow2"), DISK_ONLY);
    TAKE(m, snapshot_xml(m, "c", "vda", "c.qcow2"), DISK_ONLY);
    delete_it(m, "b", VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN, NULL);
    delete_it(m, "b", 0, "block-job-2 vda commit completed");
    show_file("b.qcow2");
    delete_it(m, "c", 0, "block-job-2 vda active-commit completed");
    show_file("c.qcow2");
    delete_it(m, "a", 0, "block-job-2 vda active-commit completed");
    show_file("a.qcow2");
    machine_destroy(m);
    check_image("vda-1.qcow2", "qcow2", 2);
}

static void guest_writes(struct machine *m)
{
    struct disk disk = {"vda", NULL, "vda-0.qcow2", NULL, NULL};

    make_chain(m, "vda", 1);
    make_bootable("vda-0.qcow2", "qcow2");
    machine_start(m, &disk, 1, VIR_DOMAIN_START_PAUSED);
    await_event("lifecycle suspended, detail 0");
    TAKE(m, snapshot_xml(m, "s", "vda", "top.qcow2"), DISK_ONLY);
    show_late_events();
    show_state(m);
    CALL(virDomainResume(m->dom));
    await_event("lifecycle stopped, detail 0");
    virDomainFree(m->dom);
    m->dom = NULL;
    check_bootable_image("vda-0.qcow2", "qcow2", 1, 0);
    check_bootable_image("top.qcow2", "qcow2", 1, 1);
}

static void wrong_disks(struct machine *m)
{
    TAKE(m, snapshot_xml(m, "x", "vdz", "x.qcow2"), DISK_ONLY);
    TAKE(m, snapshot_xml(m, "x", "", "x.qcow2"), DISK_ONLY);
    TAKE(m, snapshot_xml(m, "x", "vda", "vda-0.qcow2"), DISK_ONLY);
    TAKE(m, snapshot_xml(m, "x", "vda", "no-directory/x.qcow2"), DISK_ONLY);
    TAKE(m, "<domainsnapshot><name>x</name><disks><disk name='vda' snapshot='internal'/></disks></domainsnapshot>",
         DISK_ONLY);
    TAKE(m, "<domainsnapshot><name>x</name><disks><disk name='vda' snapshot='no'/></disks></domainsnapshot>", DISK_ONLY);
    TAKE(m, "<domainsnapshot><name>x</name><disks><disk name='vda'><driver type='raw'/></disk></disks></domainsnapshot>",
         DISK_ONLY);
    TAKE(m, "<domainsnapshot><name>x</name><disks><disk name='vda'/><disk name='vda'/></disks></domainsnapshot>", DISK_ONLY);
    TAKE(m, "<domainsnapshot><name>x</name><disks><disk/></disks></domainsnapshot>", DISK_ONLY);
    TAKE(m, "<domainsnapshot><name>x</name><disks><disk name='vda' snapshot='maybe'/></disks></domainsnapshot>", DISK_ONLY);
    TAKE(m, "<domainsnapshot><name>x</name><disks><disk name='vda'><source file='relative'/></disk></disks></domainsnapshot>",
         DISK_ONLY);
}

static void wrong_documents(struct machine *m)
{
    TAKE(m, "<domainsnapshot>", DISK_ONLY);
    TAKE(m, "<domain/>", DISK_ONLY);
    TAKE(m, "", DISK_ONLY);
    CALL_POINTER(virDomainSnapshotCreateXML(m->dom, NULL, DISK_ONLY));
    TAKE(m, "<domainsnapshot><name>a/b</name></domainsnapshot>", DISK_ONLY);
    TAKE(m, "<domainsnapshot><name>.a</name></domainsnapshot>", DISK_ONLY);
    TAKE(m, "<domainsnapshot><name></name></domainsnapshot>", DISK_ONLY | NO_METADATA | VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT);
    TAKE(m, "<domainsnapshot><name>x</name><memory snapshot='internal'/></domainsnapshot>", DISK_ONLY);
    TAKE(m, "<domainsnapshot><name>x</name><memory snapshot='external' file='/nowhere/m'/></domainsnapshot>", DISK_ONLY);
    TAKE(m, "<domainsnapshot><name>x</name><memory snapshot='external'/></domainsnapshot>", 0);
    TAKE(m, "<domainsnapshot><name>x</name><memory snapshot='external' file='relative'/></domainsnapshot>", 0);
    TAKE(m, "<domainsnapshot><name>x</name><memory snapshot='no' file='/nowhere/m'/></domainsnapshot>", 0);
}

static void wrong_flags(struct machine *m)
{
    const char *xml = "<domainsnapshot><name>x</name></domainsnapshot>";

    TAKE(m, xml, 1u << 20);
    TAKE(m, xml, DISK_ONLY | VIR_DOMAIN_SNAPSHOT_CREATE_HALT);
    TAKE(m, xml, DISK_ONLY | VIR_DOMAIN_SNAPSHOT_CREATE_LIVE);
    TAKE(m, xml, DISK_ONLY | VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE);
    TAKE(m, xml, VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE);
    TAKE(m, xml, VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT);
    TAKE(m, xml, VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE | NO_METADATA);
    TAKE(m, xml, VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE | VIR_DOMAIN_SNAPSHOT_CREATE_HALT);
    TAKE(m, xml, VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE | VIR_DOMAIN_SNAPSHOT_CREATE_LIVE);
}

static void wrong_arguments(struct machine *m)
{
    machine_start_with_chain(m, 2);
    wrong_disks(m);
    wrong_documents(m);
    wrong_flags(m);
    show_late_events();
    show_disks(m);
    show_snapshots(m);
    machine_destroy(m);
}

static void kinds_of_disks(struct machine *m)
{
    struct disk disks[] = {{"vda", NULL, "vda-1.qcow2", NULL, NULL},
                           {"vdb", NULL, "plain.raw", "raw", NULL},
                           {"vdc", NULL, "vdc.qcow2", NULL, "<readonly/>"},
                           {"hdc", "sata", NULL, NULL, NULL}};

    make_chain(m, "vda", 2);
    make_image(m, "plain.raw", "raw", NULL);
    make_image(m, "vdc.qcow2", "qcow2", NULL);
    machine_start(m, disks, 4, VIR_DOMAIN_START_PAUSED);
    await_event("lifecycle suspended, detail 0");
    TAKE(m, "<domainsnapshot><name>all</name></domainsnapshot>", DISK_ONLY);
    show_disks(m);
    show_snapshot(m, "all");
    TAKE(m, "<domainsnapshot><name>inside</name></domainsnapshot>", 0);
    machine_destroy(m);
}

const struct scenario disk_snapshot_scenarios[] = {
    {"disk-snapshot-of-one-disk", one_disk},
    {"disk-snapshot-of-two-disks-without-metadata", two_disks},
    {"disk-snapshot-that-leaves-a-disk-out", one_disk_left_out},
    {"disk-snapshot-of-a-disk-named-by-its-source", named_by_source},
    {"disk-snapshot-with-an-image-that-is-there", existing_image},
    {"disk-snapshot-then-commit-and-pull", jobs_afterwards},
    {"disk-snapshots-are-deleted-with-their-images", deleted},
    {"disk-snapshot-keeps-what-the-guest-writes-out-of-the-old-image", guest_writes},
    {"disk-snapshot-with-wrong-arguments", wrong_arguments},
    {"disk-snapshot-of-all-kinds-of-disks", kinds_of_disks},
    {NULL, NULL},
};
