/* Backups: pushed to files by QEMU, or read by a client from QEMU's NBD server. */
#define _POSIX_C_SOURCE 200809L
#include "snapshots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XML_SIZE 2048

/* The document, with names that do not change from run to run. */
static void show_xml(struct machine *m)
{
    char *xml = CALL_POINTER(virDomainBackupGetXMLDesc(m->dom, 0));
    const char *at;

    if (!xml)
        return;
    for (at = xml; *at;) {
        size_t digits = strspn(at, "0123456789");

        if (strncmp(at, m->dir, strlen(m->dir)) == 0) {
            fputs("DIR", stdout);
            at += strlen(m->dir);
        } else if (digits >= 9) {
            fputs("TIME", stdout);
            at += digits;
        } else {
            putchar(*at++);
        }
    }
    putchar('\n');
    free(xml);
}

static const char *disk_element(const char *name, const char *attributes, const char *content)
{
    static char text[4][XML_SIZE];
    static size_t next;
    char *place = text[next++ % 4];

    snprintf(place, XML_SIZE, "<disk name='%s' %s>%s</disk>", name, attributes, content);
    return place;
}

static const char *file_element(const struct machine *m, const char *element, const char *file)
{
    static char text[4][PATH_SIZE + 64];
    static size_t next;
    char *place = text[next++ % 4];

    snprintf(place, sizeof(text[0]), "<%s file='%s'/>", element, path_of(m, file));
    return place;
}

/* `head` is what comes before the disks. */
static int begin(struct machine *m, const char *label, const char *mode, const char *head, const char *disks,
                 unsigned int flags)
{
    char xml[4 * XML_SIZE], call[128];

    snprintf(xml, sizeof(xml), "<domainbackup mode='%s'>%s%s%s%s</domainbackup>", mode, head, *disks ? "<disks>" : "",
             disks, *disks ? "</disks>" : "");
    snprintf(call, sizeof(call), "virDomainBackupBegin %s", label);
    virResetLastError();
    return report(call, virDomainBackupBegin(m->dom, xml, NULL, flags));
}

static const char *two(const char *first, const char *second)
{
    static char text[2 * XML_SIZE];

    snprintf(text, sizeof(text), "%s%s", first, second);
    return text;
}

static void push_two(struct machine *m)
{
    machine_start_with_two_chains(m, 2);
    completions_watch(m);
    begin(m, "of two disks", "push", "",
          two(disk_element("vda", "type='file'", file_element(m, "target", "a.qcow2")),
              disk_element("vdb", "type='file'", file_element(m, "target", "b.qcow2"))),
          0);
    /* Two for each disk, and one for the backup. */
    await_events_in_any_order(5);
    show_domain_job_stats(m, 0);
    show_domain_job(m);
    show_domain_job_stats(m, VIR_DOMAIN_JOB_STATS_COMPLETED | VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED);
    show_domain_job_stats(m, VIR_DOMAIN_JOB_STATS_COMPLETED);
    show_domain_job_stats(m, VIR_DOMAIN_JOB_STATS_COMPLETED);
    show_xml(m);
    show_disks(m);
    completions_unwatch(m);
    machine_destroy(m);
    check_image("a.qcow2", "qcow2", 2);
    check_image("b.qcow2", "qcow2", 2);
    show_backing("a.qcow2");
}

static void push_raw(struct machine *m)
{
    machine_start_suspended(m, 2);
    completions_watch(m);
    begin(m, "to a raw file", "push", "",
          disk_element("vda", "type='file'", two("<driver type='raw'/>", file_element(m, "target", "a.raw"))), 0);
    await_event("block-job-2 vda backup completed");
    make_image(m, "there.qcow2", "qcow2", NULL);
    begin(m, "to a file that is there", "push", "", disk_element("vda", "type='file'", file_element(m, "target", "there.qcow2")), 0);
    begin(m, "to a file that is there, reused", "push", "", disk_element("vda", "type='file'", file_element(m, "target", "there.qcow2")),
          VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL);
    await_event("block-job-2 vda backup completed");
    begin(m, "to a file that is not there, reused", "push", "",
          disk_element("vda", "type='file'", file_element(m, "target", "absent.qcow2")), VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL);
    show_late_events();
    completions_unwatch(m);
    machine_destroy(m);
    check_image("a.raw", "raw", 2);
    check_image("there.qcow2", "qcow2", 2);
    show_file("absent.qcow2");
}

static const char unix_server[] = "<server transport='unix' socket='%s'/>";

static const char *server(const struct machine *m)
{
    static char text[PATH_SIZE + 64];

    /* A socket's path has to be short. */
    snprintf(text, sizeof(text), unix_server, path_of(m, "s"));
    return text;
}

static void look(struct machine *m)
{
    show_xml(m);
    show_domain_job(m);
    show_domain_job_stats(m, 0);
    show_job(m, "vda");
    show_job(m, "vdb");
    show_disks(m);
    begin(m, "again", "push", "", disk_element("vda", "type='file'", file_element(m, "target", "second.qcow2")), 0);
    show_file("second.qcow2");
    CALL(virDomainBlockPull(m->dom, "vda", 0, 0));
    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "second.qcow2", "qcow2"), NULL, 0, 0));
    CALL(virDomainBlockJobAbort(m->dom, "vda", VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT));
    show_late_events();
}

static void pull(struct machine *m)
{
    machine_start_with_two_chains(m, 2);
    completions_watch(m);
    begin(m, "of all disks", "pull", server(m), "", 0);
    look(m);
    CALL(virDomainAbortJob(m->dom));
    await_event("block-job-2 vdb backup canceled");
    show_domain_job_stats(m, VIR_DOMAIN_JOB_STATS_COMPLETED);
    show_xml(m);
    CALL(virDomainAbortJob(m->dom));
    completions_unwatch(m);
    machine_destroy(m);
}

static void pull_one(struct machine *m)
{
    machine_start_with_two_chains(m, 2);
    completions_watch(m);
    begin(m, "of one disk", "pull", server(m),
          disk_element("vda", "type='file' exportname='here'", file_element(m, "scratch", "scratch.qcow2")), 0);
    show_xml(m);
    show_file("scratch.qcow2");
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    await_event("block-job-2 vda backup canceled");
    show_file("scratch.qcow2");
    show_domain_job_stats(m, VIR_DOMAIN_JOB_STATS_COMPLETED);
    completions_unwatch(m);
    machine_destroy(m);
    check_image("vda-1.qcow2", "qcow2", 2);
}

static void destroyed(struct machine *m)
{
    machine_start_with_two_chains(m, 2);
    completions_watch(m);
    begin(m, "of one disk", "pull", server(m),
          disk_element("vda", "type='file'", file_element(m, "scratch", "scratch.qcow2")), 0);
    machine_destroy(m);
    completions_unwatch(m);
    show_file("scratch.qcow2");
}

static void failing(struct machine *m)
{
    machine_start_with_two_chains(m, 2);
    completions_watch(m);
    make_image(m, "spoilt.qcow2", "qcow2", NULL);
    spoil_image("spoilt.qcow2");
    make_image(m, "sound.qcow2", "qcow2", NULL);
    begin(m, "to an image that cannot be written", "push", "",
          disk_element("vda", "type='file'", file_element(m, "target", "spoilt.qcow2")), VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL);
    await_event("block-job-2 vda backup failed");
    show_domain_job_stats(m, VIR_DOMAIN_JOB_STATS_COMPLETED);
    completions_unwatch(m);
    machine_destroy(m);
    show_file("spoilt.qcow2");
}

static void refused(struct machine *m)
{
    struct disk disks[3] = {{"vda", NULL, "vda-1.qcow2", NULL, NULL}, {"sda", "sata", NULL, NULL, NULL},
                            {"vdb", NULL, "vdb-0.qcow2", NULL, "<readonly/>"}};
    const char *a = file_element(m, "target", "a.qcow2");

    make_chain(m, "vda", 2);
    make_chain(m, "vdb", 1);
    machine_start(m, disks, 3, VIR_DOMAIN_START_PAUSED);
    await_event("lifecycle suspended, detail 0");
    CALL(virDomainBackupBegin(m->dom, NULL, NULL, 0));
    CALL(virDomainBackupBegin(m->dom, "", NULL, 0));
    CALL(virDomainBackupBegin(m->dom, "<domainbackup", NULL, 0));
    CALL(virDomainBackupBegin(m->dom, "<backup/>", NULL, 0));
    CALL(virDomainBackupBegin(m->dom, "<domainbackup mode='sideways'/>", NULL, 0));
    CALL(virDomainBackupBegin(m->dom, "<domainbackup mode='default'/>", NULL, 0));
    CALL(virDomainBackupBegin(m->dom, "<domainbackup/>", NULL, 1u << 20));
    CALL_POINTER(virDomainBackupGetXMLDesc(m->dom, 1));
    CALL_POINTER(virDomainBackupGetXMLDesc(m->dom, 0));
    CALL(virDomainAbortJob(m->dom));
    begin(m, "without a type", "push", "", disk_element("vda", "", a), 0);
    begin(m, "without a name", "push", "", "<disk/>", 0);
    begin(m, "of no such disk", "push", "", disk_element("vdz", "type='file'", a), 0);
    begin(m, "of a path", "push", "", disk_element(path_of(m, "vda-1.qcow2"), "type='file'", a), 0);
    begin(m, "of one disk twice", "push", "", two(disk_element("vda", "type='file'", a), disk_element("vda", "type='file'", a)), 0);
    begin(m, "of no disk", "push", "", disk_element("vda", "backup='no'", ""), 0);
    begin(m, "perhaps", "push", "", disk_element("vda", "backup='perhaps' type='file'", ""), 0);
    begin(m, "of an empty drive", "push", "", disk_element("sda", "type='file'", a), 0);
    begin(m, "of an empty drive without a target", "push", "", disk_element("sda", "type='file'", ""), 0);
    begin(m, "with a server", "push", server(m), disk_element("vda", "type='file'", a), 0);
    begin(m, "over a network", "push", "", disk_element("vda", "type='network'", a), 0);
    begin(m, "to something", "push", "", disk_element("vda", "type='something'", a), 0);
    begin(m, "in an unknown format", "push", "", disk_element("vda", "type='file'", two("<driver type='unknown'/>", a)), 0);
    begin(m, "without a place", "push", "", disk_element("vda", "type='file'", "<target/>"), 0);
    begin(m, "to a relative place", "push", "", disk_element("vda", "type='file'", "<target file='a.qcow2'/>"), 0);
    begin(m, "to a directory that is not there", "push", "", disk_element("vda", "type='file'", "<target file='/absent/a.qcow2'/>"), 0);
    begin(m, "to an absent device", "push", "", disk_element("vda", "type='block'", "<target dev='/dev/absent'/>"), 0);
    begin(m, "to no device", "push", "", disk_element("vda", "type='block'", ""), 0);
    begin(m, "incremental, since nothing", "push", "", disk_element("vda", "type='file' backupmode='incremental'", a), 0);
    begin(m, "since no such checkpoint", "push", "<incremental>never</incremental>", disk_element("vda", "type='file'", a), 0);
    begin(m, "without a server", "pull", "", disk_element("vda", "type='file'", ""), 0);
    begin(m, "by a server without a port", "pull", "<server transport='tcp' name='localhost'/>", disk_element("vda", "type='file'", ""), 0);
    begin(m, "by a server without a socket", "pull", "<server transport='unix'/>", disk_element("vda", "type='file'", ""), 0);
    begin(m, "by a server with a relative socket", "pull", "<server transport='unix' socket='s'/>", disk_element("vda", "type='file'", ""), 0);
    begin(m, "by a strange server", "pull", "<server transport='pigeon'/>", disk_element("vda", "type='file'", ""), 0);
    begin(m, "by rdma", "pull", "<server transport='rdma' name='localhost' port='1'/>", disk_element("vda", "type='file'", ""), 0);
    begin(m, "with a raw scratch file", "pull", server(m), disk_element("vda", "type='file'", "<driver type='raw'/>"), 0);
    begin(m, "at a socket that cannot be", "pull", "<server transport='unix' socket='/absent/s'/>", disk_element("vda", "type='file'", file_element(m, "scratch", "scratch.qcow2")), 0);
    show_file("a.qcow2");
    show_file("scratch.qcow2");
    show_late_events();
    show_job(m, "vda");
    begin(m, "after all", "pull", server(m), "", 0);
    show_job(m, "vda");
    CALL(virDomainAbortJob(m->dom));
    await_event("block-job-2 vda backup canceled");
    machine_destroy(m);
}

/* `checkpoint`: what is to be kept track of from now on. */
static int begin_checkpoint(struct machine *m, const char *label, const char *head, const char *disks,
                            const char *checkpoint)
{
    char xml[4 * XML_SIZE], call[128];

    snprintf(xml, sizeof(xml), "<domainbackup>%s<disks>%s</disks></domainbackup>", head, disks);
    snprintf(call, sizeof(call), "virDomainBackupBegin %s", label);
    virResetLastError();
    return report(call, virDomainBackupBegin(m->dom, xml, checkpoint, 0));
}

static void incremental(struct machine *m)
{
    const char *monday = "<domaincheckpoint><name>monday</name></domaincheckpoint>";
    const char *tuesday = "<domaincheckpoint><name>tuesday</name><disks><disk name='vda' checkpoint='bitmap'/></disks>"
                          "</domaincheckpoint>";
    const char *since_monday = "<incremental>monday</incremental>";

    machine_start_suspended(m, 2);
    completions_watch(m);
    begin_checkpoint(m, "with a checkpoint", "", disk_element("vda", "type='file'", file_element(m, "target", "a.qcow2")),
                     monday);
    await_event("block-job-2 vda backup completed");
    begin_checkpoint(m, "since a checkpoint, with another", since_monday,
                     disk_element("vda", "type='file'", file_element(m, "target", "b.qcow2")), tuesday);
    await_event("block-job-2 vda backup completed");
    begin_checkpoint(m, "to a raw file, incrementally", since_monday,
                     disk_element("vda", "type='file'",
                                  two("<driver type='raw'/>", file_element(m, "target", "c.raw"))), NULL);
    await_event("block-job-2 vda backup completed");
    begin(m, "since a checkpoint, pulled", "pull", two(server(m), "<incremental>tuesday</incremental>"),
          disk_element("vda", "type='file' exportbitmap='changes'", file_element(m, "scratch", "scratch.qcow2")), 0);
    show_xml(m);
    CALL(virDomainAbortJob(m->dom));
    await_event("block-job-2 vda backup canceled");
    begin(m, "since the first checkpoint, pulled", "pull", server(m),
          disk_element("vda", "type='file' incremental='monday'", file_element(m, "scratch", "scratch.qcow2")), 0);
    show_xml(m);
    CALL(virDomainAbortJob(m->dom));
    await_event("block-job-2 vda backup canceled");
    begin(m, "in full, although there are checkpoints", "pull", two(server(m), since_monday),
          disk_element("vda", "type='file' backupmode='full'", file_element(m, "scratch", "scratch.qcow2")), 0);
    show_xml(m);
    CALL(virDomainAbortJob(m->dom));
    await_event("block-job-2 vda backup canceled");
    completions_unwatch(m);
    machine_destroy(m);
    check_image("a.qcow2", "qcow2", 2);
    show_backing("a.qcow2");
    check_image("b.qcow2", "qcow2", 2);
    show_backing("b.qcow2");
    show_file("c.raw");
}

static void busy(struct machine *m)
{
    machine_start_with_two_chains(m, 2);
    CALL(virDomainBlockPull(m->dom, "vda", SLOW, VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES));
    begin(m, "of a disk that has a job", "push", "",
          disk_element("vda", "type='file'", file_element(m, "target", "a.qcow2")), 0);
    show_file("a.qcow2");
    begin(m, "of the other disk", "pull", server(m),
          disk_element("vdb", "type='file'", file_element(m, "scratch", "scratch.qcow2")), 0);
    show_job(m, "vda");
    show_job(m, "vdb");
    CALL(virDomainBlockJobSetSpeed(m->dom, "vdb", 1, 0));
    show_job(m, "vdb");
    CALL(virDomainAbortJob(m->dom));
    await_event("block-job-2 vdb backup canceled");
    CALL(virDomainBlockJobAbort(m->dom, "vda", 0));
    await_event("block-job-2 vda pull canceled");
    machine_destroy(m);
}

static void failing_beside(struct machine *m)
{
    machine_start_with_two_chains(m, 2);
    completions_watch(m);
    make_image(m, "spoilt.qcow2", "qcow2", NULL);
    spoil_image("spoilt.qcow2");
    begin(m, "to one image that cannot be written", "push", "",
          two(disk_element("vda", "type='file'", file_element(m, "target", "spoilt.qcow2")),
              disk_element("vdb", "backup='no'", "")),
          VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL);
    await_event("block-job-2 vda backup failed");
    begin(m, "to files, after that", "push", "", disk_element("vda", "type='file'", file_element(m, "target", "a.qcow2")), 0);
    await_event("block-job-2 vda backup completed");
    completions_unwatch(m);
    machine_destroy(m);
    check_image("a.qcow2", "qcow2", 2);
}

static void snapshot_beside(struct machine *m)
{
    machine_start_with_two_chains(m, 2);
    TAKE(m, "<domainsnapshot><name>earlier</name></domainsnapshot>", 0);
    begin(m, "of one disk", "pull", server(m),
          two(disk_element("vda", "type='file'", file_element(m, "scratch", "scratch.qcow2")),
              disk_element("vdb", "backup='no'", "")),
          0);
    CALL(virDomainSuspend(m->dom));
    CALL(virDomainResume(m->dom));
    await_event("lifecycle resumed, detail 0");
    TAKE(m, snapshot_xml(m, "during", "vdb", "b.qcow2"), DISK_ONLY);
    show_file("b.qcow2");
    show_snapshots(m);
    show_disks(m);
    CALL(virDomainAbortJob(m->dom));
    await_event("block-job-2 vda backup canceled");
    machine_destroy(m);
}

const struct scenario backup_scenarios[] = {
    {"backup-since-a-checkpoint", incremental},
    {"backup-beside-a-pull", busy},
    {"backup-after-one-that-failed", failing_beside},
    {"backup-and-a-snapshot-exclude-each-other", snapshot_beside},
    {"backup-pushes-two-disks", push_two},
    {"backup-into-raw-and-reused-files", push_raw},
    {"backup-of-all-disks-is-pulled", pull},
    {"backup-that-is-pulled-ends-with-the-job-of-its-disk", pull_one},
    {"backup-ends-with-its-machine", destroyed},
    {"backup-that-cannot-write-fails", failing},
    {"backup-refuses-what-cannot-be-done", refused},
    {NULL, NULL},
};
