/* What N monitors with a job each cost: one list over all of them, beside the same questions over raw sockets, and doing
 * nothing. */
#include "process.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libvirt/libvirt.h>

enum { MOST = 500, ROUNDS = 101, IDLE_SECONDS = 3 };

static const char *const GREETING =
    "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":0,\"minor\":0,\"major\":10},\"package\":\"\"},\"capabilities\":[]}}\n";

static void say(int fd, const char *text)
{
    MUST(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

/* Answers what came in one read; commands come one at a time or in short bursts. */
static void answer(int fd)
{
    char text[65536], reply[512], *line, *end, *id;
    ssize_t got = read(fd, text, sizeof(text) - 1);

    if (got <= 0)
        exit(0);
    text[got] = 0;
    for (line = text; (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        MUST(id = strstr(line, "\"id\":"));
        snprintf(reply, sizeof(reply), "{\"return\":%s,\"id\":%d}\n",
                 !strstr(line, "query-jobs") ? "{}"
                                             : "[{\"id\":\"copy\",\"type\":\"mirror\",\"status\":\"running\",\"current-progress\":1,"
                                               "\"total-progress\":2}]",
                 atoi(id + 5));
        say(fd, reply);
    }
}

static void name_socket(char *name, size_t room, const char *dir, int i, int by_hand)
{
    MUST((size_t)snprintf(name, room, "%s/vm%d.%s", dir, i, by_hand ? "hand" : "qmp") < room);
}

/* N monitors in one process, and N more for doing things by hand. It ends with its parent or its first client. */
static void serve(const char *dir, int monitors)
{
    static struct pollfd polled[4 * MOST];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int count = 2 * monitors, i, ready;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (i = 0; i < count; i++) {
        polled[i].fd = socket(AF_UNIX, SOCK_STREAM, 0);
        polled[i].events = polled[count + i].events = POLLIN;
        polled[count + i].fd = -1;
        name_socket(address.sun_path, sizeof(address.sun_path), dir, i / 2, i % 2);
        MUST(bind(polled[i].fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(polled[i].fd, 1) == 0);
    }
    kill(getpid(), SIGSTOP);
    while ((ready = poll(polled, (nfds_t)(2 * count), -1)) > 0)
        for (i = 0; i < 2 * count; i++)
            if (polled[i].revents && i < count) {
                MUST((polled[count + i].fd = accept(polled[i].fd, NULL, NULL)) >= 0);
                polled[i].fd = -1;
                say(polled[count + i].fd, GREETING);
            } else if (polled[i].revents) {
                answer(polled[i].fd);
            }
}

static double cpu_ms(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
}

static uint64_t list(virConnectPtr conn, int wanted, unsigned int flags)
{
    virDomainJobPtr *jobs = NULL;
    uint64_t time = now_ns();
    int count = virConnectListAllDomainJobs(conn, &jobs, flags), i;

    time = now_ns() - time;
    MUST(count == wanted);
    for (i = 0; i < count; i++)
        virDomainJobFree(jobs[i]);
    free(jobs);
    return time;
}

static void read_line(int fd)
{
    char text[4096];
    size_t used = 0;
    ssize_t got;

    do {
        MUST((got = read(fd, text + used, sizeof(text) - used)) > 0);
        used += (size_t)got;
    } while (text[used - 1] != '\n');
}

/* Opens N monitors by hand. */
static void open_by_hand(const char *dir, int count, int *fds)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int i;

    for (i = 0; i < count; i++) {
        name_socket(address.sun_path, sizeof(address.sun_path), dir, i, 1);
        MUST((fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0);
        MUST(connect(fds[i], (struct sockaddr *)&address, sizeof(address)) == 0);
        read_line(fds[i]);
    }
}

/* Asks them all, and then reads all answers: whole lines, which nobody looks into. */
static uint64_t list_by_hand(const int *fds, int count)
{
    uint64_t time = now_ns();
    int i;

    for (i = 0; i < count; i++)
        say(fds[i], "{\"execute\":\"query-jobs\",\"id\":100}\n");
    for (i = 0; i < count; i++)
        read_line(fds[i]);
    return now_ns() - time;
}

/* arguments: an empty directory, N */
int main(int argc, char **argv)
{
    static uint64_t plain[ROUNDS], figures[ROUNDS], hand[ROUNDS];
    static int fds[MOST];
    virConnectPtr empty, conn;
    int count, i, status;
    char uri[256];
    uint64_t time;
    double busy;
    long before;
    pid_t child;

    MUST(argc == 3 && (count = atoi(argv[2])) > 0 && count <= MOST);
    MUST((child = fork()) >= 0);
    if (child == 0) {
        serve(argv[1], count);
        exit(1);
    }
    MUST(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    kill(child, SIGCONT);
    MUST(empty = virConnectOpen("test:///default"));
    before = private_kib();
    snprintf(uri, sizeof(uri), "qemu+qmp://%s", argv[1]);
    time = now_ns();
    MUST(conn = virConnectOpen(uri));
    time = now_ns() - time;
    list(conn, count, 0);
    printf("%d monitors with one job each\n", count);
    printf("%-44s %10.1f us\n", "  open", (double)time / 1000.0);
    report_limit("  threads of ours", threads() - 1, "", 2);
    report_limit("  resident memory per domain", (double)(private_kib() - before) / count, "KiB", 64);
    open_by_hand(argv[1], count, fds);
    for (i = 0; i < ROUNDS; i++) {
        plain[i] = list(conn, count, 0);
        hand[i] = list_by_hand(fds, count);
        figures[i] = list(conn, count, VIR_DOMAIN_JOB_LIST_STATS);
    }
    printf("%-44s %10.1f us\n", "  one list of all jobs", median_us(plain, ROUNDS));
    report_beside("  the same with figures, asked of all", figures, hand, ROUNDS);
    busy = cpu_ms();
    sleep(IDLE_SECONDS);
    printf("%-44s %10.2f ms per second\n", "  processor time while nothing happens", (cpu_ms() - busy) / IDLE_SECONDS);
    virConnectClose(conn);
    virConnectClose(empty);
    waitpid(child, &status, 0);
    return 0;
}
