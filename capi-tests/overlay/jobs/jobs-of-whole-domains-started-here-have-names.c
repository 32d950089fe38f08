/*
 * A save, restore, dump or snapshot that this program starts has a name of its own, and with PERSIST stays listed with its end
 * until it is dismissed. Its end is what the call says. A save can be aborted by its name from another thread.
 */

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "overlay/jobs/machine.h"

#define PERSIST VIR_DOMAIN_JOB_START_PERSIST

static void dismiss(virDomainPtr dom, const char *name)
{
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_DISMISS, 0), 0);
}

/** The job that was started last is the only one listed, has come to its end, and is dismissed. */
static void last_is(virDomainPtr dom, const char *name, int type, const char *end)
{
    char *last = last_started(dom), wanted[128];

    CHECK_STR(last, name);
    snprintf(wanted, sizeof(wanted), "%s %d %s;", name, type, end);
    CHECK_STR(listed(dom, 0), wanted);
    dismiss(dom, name);
    free(last);
}

struct saving {
    virDomainPtr dom;
    const char *file;
    int result;
    int code;
    char *name;
};

static void *save(void *opaque)
{
    struct saving *saving = opaque;

    saving->result = virDomainSaveFlags(saving->dom, saving->file, NULL, PERSIST | VIR_DOMAIN_JOB_START_PARALLEL);
    saving->code = virGetLastErrorCode();
    saving->name = virDomainJobLastStarted(saving->dom, 0);
    return NULL;
}

/** Takes whatever is in a pipe, until the end of its last writer. */
static void *drain(void *opaque)
{
    const int *fifo = opaque;
    char buffer[65536];

    while (read(*fifo, buffer, sizeof(buffer)) > 0) {
    }
    return NULL;
}

/** A save to a pipe that nobody reads goes on until it is aborted. */
static void abort_a_save(virConnectPtr conn)
{
    static const char *const name = "save-1";
    virDomainPtr dom = start_large(conn, "large");
    struct saving saving = { dom, file_in_dir("whole", "fifo"), 0, 0, NULL };
    char wanted[64];
    pthread_t thread, drainer;
    int fifo, writer;

    CHECK_INT(mkfifo(saving.file, 0600), 0);
    CHECK((fifo = open(saving.file, O_RDONLY | O_NONBLOCK)) >= 0);
    CHECK((writer = open(saving.file, O_WRONLY)) >= 0);
    CHECK_INT(fcntl(fifo, F_SETFL, 0), 0);
    CHECK_INT(pthread_create(&thread, NULL, save, &saving), 0);
    snprintf(wanted, sizeof(wanted), "%s 9 running;", name);
    await_listing(dom, wanted);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), 0);
    CHECK_INT(pthread_create(&drainer, NULL, drain, &fifo), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    close(writer);
    CHECK_INT(pthread_join(drainer, NULL), 0);
    close(fifo);
    CHECK_INT(saving.result, -1);
    CHECK_INT(saving.code, VIR_ERR_OPERATION_ABORTED);
    CHECK_STR(saving.name, name);
    snprintf(wanted, sizeof(wanted), "%s 9 aborted;", name);
    CHECK_STR(listed(dom, 0), wanted);
    dismiss(dom, name);
    CHECK_INT(virDomainIsActive(dom), 1);
    free(saving.name);
    end_machine(dom);
}

static void snapshots(virDomainPtr dom)
{
    static const char *const xml = "<domainsnapshot><name>s1</name></domainsnapshot>";
    virDomainSnapshotPtr snapshot;
    char *job;

    CHECK((snapshot = virDomainSnapshotCreateXML(dom, xml, PERSIST)) != NULL);
    CHECK((job = virDomainJobGetXMLDesc(dom, "snapshot-6", 0)) != NULL);
    CHECK_HAS(job, "<snapshot>s1</snapshot>");
    free(job);
    last_is(dom, "snapshot-6", VIR_DOMAIN_JOB_TYPE_SNAPSHOT, "completed");
    CHECK_INT(virDomainRevertToSnapshot(snapshot, PERSIST), 0);
    last_is(dom, "snapshot-revert-7", VIR_DOMAIN_JOB_TYPE_SNAPSHOT_REVERT, "completed");
    CHECK_INT(virDomainSnapshotDelete(snapshot, PERSIST), 0);
    last_is(dom, "snapshot-delete-8", VIR_DOMAIN_JOB_TYPE_SNAPSHOT_DELETE, "completed");
    virDomainSnapshotFree(snapshot);
}

int main(void)
{
    virConnectPtr conn = open_real();
    virDomainPtr dom = start_machine(conn, "whole", 1);
    char saved[512], *xml, *last;

    quiet_errors();
    snprintf(saved, sizeof(saved), "%s", file_in_dir("whole", "saved"));

    /* What libvirt refuses was no job. */
    CHECK_INT(virDomainSaveFlags(dom, saved, NULL, VIR_DOMAIN_SAVE_RUNNING | VIR_DOMAIN_SAVE_PAUSED | PERSIST), -1);
    CHECK(virGetLastErrorCode() != VIR_ERR_OK);
    CHECK_STR(listed(dom, 0), "");
    CHECK((last = virDomainJobLastStarted(dom, 0)) == NULL);

    CHECK_INT(virDomainSaveFlags(dom, saved, NULL, PERSIST), 0);
    CHECK((xml = virDomainJobGetXMLDesc(dom, "save-2", 0)) != NULL);
    CHECK_HAS(xml, "whole-saved</file>");
    free(xml);
    last_is(dom, "save-2", VIR_DOMAIN_JOB_TYPE_SAVE, "completed");
    virDomainFree(dom);

    CHECK_INT(virDomainRestoreFlags(conn, saved, NULL, PERSIST), 0);
    dom = domain_of(conn, "whole");
    last_is(dom, "restore-3", VIR_DOMAIN_JOB_TYPE_RESTORE, "completed");

    CHECK_INT(virDomainCoreDump(dom, file_in_dir("whole", "dump"), PERSIST), 0);
    last_is(dom, "dump-4", VIR_DOMAIN_JOB_TYPE_DUMP, "completed");
    CHECK_INT(virDomainCoreDumpWithFormat(dom, file_in_dir("whole", "dump"), 0, VIR_DUMP_MEMORY_ONLY | PERSIST), 0);
    last_is(dom, "dump-5", VIR_DOMAIN_JOB_TYPE_DUMP, "completed");

    snapshots(dom);
    abort_a_save(conn);

    /* Without the flag nothing stays. */
    CHECK_INT(virDomainCoreDump(dom, file_in_dir("whole", "dump"), 0), 0);
    CHECK((last = last_started(dom)) != NULL);
    CHECK_STR(last, "dump-9");
    CHECK_STR(listed(dom, 0), "");
    free(last);

    end_machine(dom);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
