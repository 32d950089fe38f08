/* A copy, a backup and a save from the call to the end, beside the same commands by hand over a raw socket. Either way the
 * end is when whoever is told may rely on the file: it is closed, what is in it is on the disk, and of a saved guest nothing
 * is left that could write to its disks. */
#include "raw.h"

#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <libvirt/libvirt.h>

enum { ROUNDS = 15, SAVES = 15 };

static char command[4096], path[1024];

#define SAY(raw, ...)                                                                                    \
    do {                                                                                                 \
        snprintf(command, sizeof(command), __VA_ARGS__);                                                 \
        raw_ask(raw, command);                                                                           \
    } while (0)

/* The same for what starts a job, whose events may come before its answer. */
#define START(raw, ...)                                                                                  \
    do {                                                                                                 \
        snprintf(command, sizeof(command), __VA_ARGS__);                                                 \
        raw_send(raw, command, -1);                                                                      \
    } while (0)

/* Waits until a job is over, and has QEMU forget it. */
static void finish(struct raw *raw, const char *job)
{
    char id[64];

    snprintf(id, sizeof(id), "\"id\": \"%s\"", job);
    raw_await(raw, "\"status\": \"concluded\"", id);
    SAY(raw, "{\"execute\":\"job-dismiss\",\"arguments\":{\"id\":\"%s\"}}\n", job);
}

/* A new image, open as node `hand`. */
static void make_image(struct raw *raw, unsigned long long size)
{
    START(raw, "{\"execute\":\"blockdev-create\",\"arguments\":{\"job-id\":\"c1\",\"options\":{\"driver\":\"file\",\"filename\":\"%s\","
             "\"size\":0}}}\n", path);
    finish(raw, "c1");
    SAY(raw, "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"file\",\"node-name\":\"hand-file\",\"filename\":\"%s\"}}\n", path);
    START(raw, "{\"execute\":\"blockdev-create\",\"arguments\":{\"job-id\":\"c2\",\"options\":{\"driver\":\"qcow2\",\"file\":\"hand-file\","
             "\"size\":%llu}}}\n", size);
    finish(raw, "c2");
    SAY(raw, "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"qcow2\",\"node-name\":\"hand\",\"file\":\"hand-file\"}}\n");
}

static void close_image(struct raw *raw)
{
    SAY(raw, "{\"execute\":\"blockdev-del\",\"arguments\":{\"node-name\":\"hand\"}}\n");
    SAY(raw, "{\"execute\":\"blockdev-del\",\"arguments\":{\"node-name\":\"hand-file\"}}\n");
}

static uint64_t copy_by_hand(struct raw *raw, unsigned long long size)
{
    uint64_t time = now_ns();

    make_image(raw, size);
    START(raw, "{\"execute\":\"blockdev-mirror\",\"arguments\":{\"job-id\":\"m\",\"device\":\"disk\",\"target\":\"hand\",\"sync\":\"full\","
             "\"auto-dismiss\":false}}\n");
    raw_await(raw, "\"status\": \"ready\"", "\"id\": \"m\"");
    START(raw, "{\"execute\":\"block-job-cancel\",\"arguments\":{\"device\":\"m\"}}\n");
    finish(raw, "m");
    close_image(raw);
    time = now_ns() - time;
    MUST(unlink(path) == 0);
    return time;
}

static uint64_t copy_by_call(virDomainPtr dom, const char *disk)
{
    uint64_t time = now_ns();
    char *job;

    MUST(virDomainBlockRebase(dom, disk, path, 0, VIR_DOMAIN_BLOCK_REBASE_COPY) == 0);
    MUST(job = virDomainJobLastStarted(dom, 0));
    MUST(virDomainJobWait(dom, job, 1u << VIR_DOMAIN_JOB_STATE_READY, 60000, 0) == VIR_DOMAIN_JOB_STATE_READY);
    MUST(virDomainJobControl(dom, job, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0) == 0);
    MUST(virDomainJobWait(dom, job, 0, 60000, 0) == VIR_DOMAIN_JOB_STATE_ABORTED);
    time = now_ns() - time;
    free(job);
    MUST(unlink(path) == 0);
    return time;
}

static uint64_t backup_by_hand(struct raw *raw, unsigned long long size)
{
    uint64_t time = now_ns();

    make_image(raw, size);
    START(raw, "{\"execute\":\"blockdev-backup\",\"arguments\":{\"job-id\":\"b\",\"device\":\"disk\",\"target\":\"hand\",\"sync\":\"full\","
             "\"auto-dismiss\":false}}\n");
    finish(raw, "b");
    close_image(raw);
    time = now_ns() - time;
    MUST(unlink(path) == 0);
    return time;
}

static uint64_t backup_by_call(virDomainPtr dom, const char *disk)
{
    char xml[2048], *job;
    uint64_t time;

    snprintf(xml, sizeof(xml), "<domainbackup><disks><disk name='%s' type='file'><target file='%s'/></disk></disks></domainbackup>", disk, path);
    time = now_ns();
    MUST(virDomainBackupBegin(dom, xml, NULL, 0) == 0);
    MUST(job = virDomainJobLastStarted(dom, 0));
    MUST(virDomainJobWait(dom, job, 0, 60000, 0) == VIR_DOMAIN_JOB_STATE_COMPLETED);
    time = now_ns() - time;
    free(job);
    MUST(unlink(path) == 0);
    return time;
}

static void sync_name(void)
{
    char *copy = strdup(path);
    int fd;

    MUST(copy && (fd = open(dirname(copy), O_RDONLY)) >= 0);
    MUST(fsync(fd) == 0);
    close(fd);
    free(copy);
}

/* Saves a running guest of a QEMU with a second monitor, and ends it. The file begins with a mark that makes it count, which
 * gets there when all the rest has. */
static uint64_t save_by_hand(const char *socket, pid_t pid)
{
    static char head[4096];
    struct raw *raw = raw_open(socket);
    struct pollfd process = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
    uint64_t time = now_ns();
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    MUST(fd >= 0 && process.fd >= 0);
    MUST(write(fd, head, sizeof(head)) == sizeof(head));
    SAY(raw, "{\"execute\":\"stop\"}\n");
    raw_send(raw, "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"f\"}}\n", fd);
    raw_await(raw, "{\"return\"", "");
    SAY(raw, "{\"execute\":\"migrate-set-capabilities\",\"arguments\":{\"capabilities\":[{\"capability\":\"events\",\"state\":true}]}}\n");
    SAY(raw, "{\"execute\":\"migrate-set-parameters\",\"arguments\":{\"max-bandwidth\":9223372036853727232}}\n");
    START(raw, "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"fd:f\"}}\n");
    sync_name();
    raw_await(raw, "\"MIGRATION\"", "\"completed\"");
    MUST(fdatasync(fd) == 0 && pwrite(fd, "complete", 8, 0) == 8 && fdatasync(fd) == 0);
    close(fd);
    MUST(write(raw->fd, "{\"execute\":\"quit\"}\n", 19) == 19);
    MUST(poll(&process, 1, 60000) == 1);
    time = now_ns() - time;
    close(process.fd);
    raw_close(raw);
    return time;
}

static uint64_t save_by_call(virDomainPtr dom)
{
    uint64_t time = now_ns();

    MUST(virDomainSave(dom, path) == 0);
    return now_ns() - time;
}

static uint64_t one_save(virConnectPtr conn, const char *xml, const char *socket, int by_hand)
{
    virDomainPtr dom;
    uint64_t time;

    MUST(dom = virDomainCreateXML(conn, xml, 0));
    time = by_hand ? save_by_hand(socket, (pid_t)virDomainGetID(dom)) : save_by_call(dom);
    virDomainFree(dom);
    /* The domain goes with its QEMU. */
    while (virConnectNumOfDomains(conn) > 1)
        usleep(1000);
    MUST(unlink(path) == 0);
    return time;
}

static char *read_file(const char *name)
{
    char *text = calloc(1, 65536);
    int fd = open(name, O_RDONLY);

    MUST(text && fd >= 0 && read(fd, text, 65535) > 0);
    close(fd);
    return text;
}

/* arguments: URI, domain, disk, its size, a second monitor socket of the same QEMU, where to work, XML of a domain to save, its second
 * monitor socket */
int main(int argc, char **argv)
{
    static uint64_t ours[ROUNDS], hand[ROUNDS];
    unsigned long long size;
    virConnectPtr conn;
    virDomainPtr dom;
    struct raw *raw;
    char *xml;
    int i;

    MUST(argc == 9);
    size = strtoull(argv[4], NULL, 10);
    snprintf(path, sizeof(path), "%s/target", argv[6]);
    MUST(conn = virConnectOpen(argv[1]));
    MUST(dom = virDomainLookupByName(conn, argv[2]));
    raw = raw_open(argv[5]);
    for (i = 0; i < ROUNDS; i++) {
        hand[i] = copy_by_hand(raw, size);
        ours[i] = copy_by_call(dom, argv[3]);
    }
    report_beside("copy of 64 MiB, from the call to its end", ours, hand, ROUNDS);
    for (i = 0; i < ROUNDS; i++) {
        hand[i] = backup_by_hand(raw, size);
        ours[i] = backup_by_call(dom, argv[3]);
    }
    report_beside("backup of 64 MiB", ours, hand, ROUNDS);
    xml = read_file(argv[7]);
    for (i = 0; i < SAVES; i++) {
        hand[i] = one_save(conn, xml, argv[8], 1);
        ours[i] = one_save(conn, xml, argv[8], 0);
    }
    report_beside("save of a guest with 64 MiB", ours, hand, SAVES);
    raw_close(raw);
    free(xml);
    virDomainFree(dom);
    virConnectClose(conn);
    return 0;
}
