/* How large a disk is. */
#define _XOPEN_SOURCE 700
#include "snapshots.h"

#include <sys/stat.h>

/* As sizes depend on the file system, they are compared with what it says itself. */
static void show_sizes(const struct machine *m, const char *disk, const char *file)
{
    virDomainBlockInfo info = {0, 0, 0};
    struct stat st;

    if (CALL(virDomainGetBlockInfo(m->dom, disk, &info, 0)) < 0)
        return;
    if (stat(file, &st) < 0)
        give_up("no file %s", file);
    say("  %s: %llu bytes, %s %s, %s %s", base_name(disk), info.capacity,
        info.allocation == (unsigned long long)st.st_blocks * 512 ? "takes the blocks of" : "does NOT take the blocks of", file,
        info.physical == (unsigned long long)st.st_size ? "is as long as" : "is NOT as long as", file);
}

static void kinds_of_disks(struct machine *m)
{
    struct disk disks[] = {{"vda", NULL, "vda-1.qcow2", NULL, NULL},
                           {"vdb", NULL, "plain.raw", "raw", NULL},
                           {"vdc", NULL, "vdc.qcow2", NULL, "<readonly/>"},
                           {"hdc", "sata", NULL, NULL, NULL}};
    virDomainBlockInfo info;

    make_chain(m, "vda", 2);
    make_image(m, "plain.raw", "raw", NULL);
    make_image(m, "vdc.qcow2", "qcow2", NULL);
    machine_start(m, disks, 4, VIR_DOMAIN_START_PAUSED);
    await_event("lifecycle suspended, detail 0");
    show_sizes(m, "vda", "vda-1.qcow2");
    show_sizes(m, path_of(m, "vda-1.qcow2"), "vda-1.qcow2");
    show_sizes(m, "vdb", "plain.raw");
    show_sizes(m, "vdc", "vdc.qcow2");
    show_sizes(m, "hdc", "");
    show_sizes(m, "vdz", "");
    show_sizes(m, path_of(m, "vda-0.qcow2"), "");
    show_sizes(m, "vda[2]", "");
    CALL(virDomainGetBlockInfo(m->dom, "", &info, 0));
    CALL(virDomainGetBlockInfo(m->dom, NULL, &info, 0));
    CALL(virDomainGetBlockInfo(m->dom, "vda", NULL, 0));
    CALL(virDomainGetBlockInfo(m->dom, "vda", &info, 1));
    machine_destroy(m);
}

static void after_a_snapshot(struct machine *m)
{
    machine_start_suspended(m, 2);
    TAKE(m, snapshot_xml(m, "s", "vda", "s.qcow2"), DISK_ONLY);
    show_sizes(m, "vda", "s.qcow2");
    machine_destroy(m);
}

const struct scenario size_scenarios[] = {
    {"sizes-of-all-kinds-of-disks", kinds_of_disks},
    {"sizes-after-a-disk-snapshot", after_a_snapshot},
    {NULL, NULL},
};
