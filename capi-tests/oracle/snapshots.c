/* Snapshots of the whole machine, inside its images, and what is known of snapshots. */
#include "snapshots.h"

#include <stdlib.h>
#include <string.h>

static const char *named(const char *name)
{
    static char xml[4][128];
    static size_t next;
    char *text = xml[next++ % 4];

    strcpy(text, "<domainsnapshot><name>");
    strcat(text, name);
    strcat(text, "</name></domainsnapshot>");
    return text;
}

#define RUNS "lifecycle resumed, detail 2"
#define PAUSES "lifecycle suspended, detail 5"

/* Go back to a snapshot, up to the event that is the last to come; NULL if none is to come. */
static void revert(struct machine *m, const char *name, unsigned int flags, const char *last)
{
    virDomainSnapshotPtr snapshot = FIND(m, name);

    say("revert to %s", name);
    if (snapshot)
        CALL(virDomainRevertToSnapshot(snapshot, flags));
    release_snapshot(snapshot);
    if (last)
        await_event(last);
    show_late_events();
    show_state(m);
}

static void delete_it(struct machine *m, const char *name, unsigned int flags)
{
    virDomainSnapshotPtr snapshot = FIND(m, name);

    say("delete %s", name);
    if (snapshot)
        CALL(virDomainSnapshotDelete(snapshot, flags));
    release_snapshot(snapshot);
    show_late_events();
    show_snapshots(m);
}

static void running(struct machine *m)
{
    machine_start_with_chain(m, 2);
    TAKE(m, named("warm"), 0);
    await_event("lifecycle resumed, detail 0");
    show_state(m);
    show_snapshots(m);
    show_snapshot(m, "warm");
    show_disks(m);
    revert(m, "warm", 0, RUNS);
    revert(m, "warm", VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED, PAUSES);
    revert(m, "warm", VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING, RUNS);
    revert(m, "warm", VIR_DOMAIN_SNAPSHOT_REVERT_FORCE, RUNS);
    revert(m, "warm", VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING | VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED, NULL);
    revert(m, "warm", 1u << 20, NULL);
    show_disks(m);
    show_snapshots(m);
    delete_it(m, "warm", 0);
    machine_destroy(m);
    check_image("vda-1.qcow2", "qcow2", 2);
}

static void paused(struct machine *m)
{
    machine_start_suspended(m, 2);
    TAKE(m, named("cold"), VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC);
    show_late_events();
    show_state(m);
    show_snapshot(m, "cold");
    revert(m, "cold", 0, PAUSES);
    revert(m, "cold", VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING, RUNS);
    revert(m, "cold", 0, PAUSES);
    CALL(virDomainResume(m->dom));
    await_event("lifecycle resumed, detail 0");
    show_state(m);
    delete_it(m, "cold", 0);
    machine_destroy(m);
}

static void two_disks(struct machine *m)
{
    machine_start_with_two_chains(m, 2);
    TAKE(m, named("both"), 0);
    show_late_events();
    show_snapshot(m, "both");
    revert(m, "both", 0, PAUSES);
    delete_it(m, "both", 0);
    machine_destroy(m);
    check_image("vda-1.qcow2", "qcow2", 2);
    check_image("vdb-1.qcow2", "qcow2", 2);
}

/* Base, then two on it, of which one has another on it. */
static void take_a_family(struct machine *m)
{
    machine_start_suspended(m, 1);
    TAKE(m, named("base"), 0);
    TAKE(m, named("left"), 0);
    TAKE(m, named("leaf"), 0);
    revert(m, "base", 0, PAUSES);
    TAKE(m, named("right"), 0);
    show_late_events();
    show_snapshots(m);
}

static void show_selected(struct machine *m)
{
    static const unsigned int flags[] = {
        VIR_DOMAIN_SNAPSHOT_LIST_ROOTS,       VIR_DOMAIN_SNAPSHOT_LIST_LEAVES,   VIR_DOMAIN_SNAPSHOT_LIST_NO_LEAVES,
        VIR_DOMAIN_SNAPSHOT_LIST_METADATA,    VIR_DOMAIN_SNAPSHOT_LIST_INACTIVE, VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE,
        VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY,   VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL, VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL,
        VIR_DOMAIN_SNAPSHOT_LIST_NO_METADATA,
    };
    size_t i;

    for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        say("%u selects %d", flags[i], virDomainSnapshotNum(m->dom, flags[i]));
}

/* What is based on a snapshot: directly, and at all; then the leaves among that, and the others. */
static void show_below(struct machine *m, const char *name)
{
    static const unsigned int flags[] = {
        0,
        VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS,
        VIR_DOMAIN_SNAPSHOT_LIST_LEAVES,
        VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS | VIR_DOMAIN_SNAPSHOT_LIST_NO_LEAVES,
        VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS | VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL,
        VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL,
    };
    virDomainSnapshotPtr snapshot = FIND(m, name), *found = NULL;
    char *names[8];
    int count;
    size_t i;

    for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        say("below %s %u selects %d", name, flags[i], virDomainSnapshotNumChildren(snapshot, flags[i]));
    CALL(virDomainSnapshotNumChildren(snapshot, 1u << 20));
    CALL(virDomainSnapshotListAllChildren(snapshot, NULL, 0));
    for (count = CALL(virDomainSnapshotListChildrenNames(snapshot, names, 8, VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS)); count > 0;)
        free(names[--count]);
    for (count = CALL(virDomainSnapshotListAllChildren(snapshot, &found, 0)); count > 0;)
        virDomainSnapshotFree(found[--count]);
    free(found);
    CALL(virDomainSnapshotListChildrenNames(snapshot, names, -1, 0));
    release_snapshot(snapshot);
}

static void family(struct machine *m)
{
    take_a_family(m);
    show_selected(m);
    show_below(m, "base");
    show_below(m, "leaf");
    delete_it(m, "left", 0);
    show_snapshot(m, "leaf");
    delete_it(m, "base", VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY);
    delete_it(m, "base", VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN);
    machine_destroy(m);
    check_image("vda-0.qcow2", "qcow2", 1);
}

static void family_by_its_root(struct machine *m)
{
    take_a_family(m);
    delete_it(m, "right", VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY);
    delete_it(m, "base", VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN | VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY);
    machine_destroy(m);
}

static void metadata_of_disks(struct machine *m)
{
    machine_start_suspended(m, 2);
    TAKE(m, snapshot_xml(m, "a", "vda", "a.qcow2"), DISK_ONLY);
    TAKE(m, snapshot_xml(m, "b", "vda", "b.qcow2"), DISK_ONLY);
    TAKE(m, named("inner"), 0);
    show_late_events();
    show_snapshots(m);
    show_selected(m);
    revert(m, "a", 0, NULL);
    revert(m, "a", VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING, NULL);
    delete_it(m, "a", VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY);
    show_snapshot(m, "b");
    delete_it(m, "b", VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY);
    show_disks(m);
    machine_destroy(m);
}

static void names(struct machine *m)
{
    machine_start_suspended(m, 1);
    TAKE(m, named("taken"), 0);
    TAKE(m, named("taken"), 0);
    TAKE(m, named("taken"), DISK_ONLY);
    TAKE(m, named("&lt;&amp;&quot;' \xc3\xa4"), 0);
    CALL_POINTER(FIND(m, "absent"));
    CALL_POINTER(virDomainSnapshotLookupByName(m->dom, NULL, 0));
    CALL_POINTER(virDomainSnapshotLookupByName(m->dom, "taken", 1));
    show_snapshots(m);
    machine_destroy(m);
}

static void without_metadata(struct machine *m)
{
    machine_start_suspended(m, 1);
    CALL_POINTER(virDomainSnapshotCurrent(m->dom, 0));
    TAKE(m, named("hidden"), NO_METADATA);
    show_snapshots(m);
    CALL_POINTER(FIND(m, "hidden"));
    TAKE(m, named("hidden"), 0);
    show_snapshots(m);
    delete_it(m, "hidden", 0);
    machine_destroy(m);
}

static void handles(struct machine *m)
{
    virDomainSnapshotPtr snapshot;
    char *xml;

    machine_start_suspended(m, 1);
    snapshot = CALL_POINTER(virDomainSnapshotCreateXML(m->dom, "<domainsnapshot/>", 0));
    CALL(virDomainSnapshotIsCurrent(snapshot, 0));
    CALL(virDomainSnapshotHasMetadata(snapshot, 0));
    CALL_POINTER(virDomainSnapshotGetParent(snapshot, 0));
    CALL(virDomainSnapshotDelete(snapshot, 0));
    CALL(virDomainSnapshotDelete(snapshot, 0));
    CALL(virDomainRevertToSnapshot(snapshot, 0));
    CALL(virDomainSnapshotIsCurrent(snapshot, 0));
    CALL(virDomainSnapshotHasMetadata(snapshot, 0));
    CALL(virDomainSnapshotNumChildren(snapshot, 0));
    xml = CALL_POINTER(virDomainSnapshotGetXMLDesc(snapshot, 0));
    free(xml);
    CALL(virDomainSnapshotFree(snapshot));
    CALL(virDomainSnapshotDelete(NULL, 0));
    machine_destroy(m);
}

static void wrong_ones(struct machine *m)
{
    machine_start_with_chain(m, 2);
    TAKE(m, "<domainsnapshot><name>x</name><memory snapshot='no'/></domainsnapshot>", 0);
    TAKE(m, "<domainsnapshot><name>x</name><disks><disk name='vda' snapshot='no'/></disks></domainsnapshot>", 0);
    TAKE(m, "<domainsnapshot><name>x</name><disks><disk name='vdz' snapshot='internal'/></disks></domainsnapshot>", 0);
    TAKE(m, snapshot_xml(m, "x", "vda", "x.qcow2"), 0);
    TAKE(m, named("x"), VIR_DOMAIN_SNAPSHOT_CREATE_LIVE);
    TAKE(m, named("x"), VIR_DOMAIN_SNAPSHOT_CREATE_HALT);
    TAKE(m, named("x"), VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT | NO_METADATA);
    show_late_events();
    show_state(m);
    show_snapshots(m);
    machine_destroy(m);
}

static void during_a_copy(struct machine *m)
{
    machine_start_suspended(m, 2);
    TAKE(m, named("before"), 0);
    start_slow_copy(m, 0);
    TAKE(m, named("during"), 0);
    TAKE(m, named("during"), DISK_ONLY);
    revert(m, "before", 0, NULL);
    delete_it(m, "before", VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY);
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    await_event("block-job-2 vda copy canceled");
    machine_destroy(m);
}

static void after_the_end(struct machine *m)
{
    virDomainPtr dom;
    virDomainSnapshotPtr snapshot;

    machine_start_suspended(m, 1);
    snapshot = CALL_POINTER(virDomainSnapshotCreateXML(m->dom, named("s"), 0));
    dom = m->dom;
    virDomainRef(dom);
    machine_destroy(m);
    CALL_POINTER(virDomainSnapshotCreateXML(dom, named("t"), 0));
    CALL_POINTER(virDomainSnapshotCreateXML(dom, named("t"), DISK_ONLY));
    CALL(virDomainSnapshotNum(dom, 0));
    CALL(virDomainRevertToSnapshot(snapshot, 0));
    CALL(virDomainSnapshotDelete(snapshot, 0));
    virDomainSnapshotFree(snapshot);
    virDomainFree(dom);
    check_image("vda-0.qcow2", "qcow2", 1);
}

const struct scenario snapshot_scenarios[] = {
    {"snapshot-of-a-running-machine-reverted-to-and-deleted", running},
    {"snapshot-of-a-paused-machine-reverted-to-and-deleted", paused},
    {"snapshot-of-a-machine-with-two-disks", two_disks},
    {"snapshots-have-parents-and-children", family},
    {"snapshots-are-forgotten-with-their-children", family_by_its_root},
    {"snapshots-of-disks-and-of-machines-side-by-side", metadata_of_disks},
    {"snapshots-have-names", names},
    {"snapshot-without-metadata", without_metadata},
    {"snapshot-handles-outlive-their-snapshots", handles},
    {"snapshot-that-cannot-be-taken", wrong_ones},
    {"snapshots-during-a-copy", during_a_copy},
    {"snapshots-of-a-machine-that-is-gone", after_the_end},
    {NULL, NULL},
};
