/* How long an event takes from the socket to the callback, beside a thread that just reads the same bytes. */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <libvirt/libvirt.h>

enum { ROUNDS = 1001, GAP_US = 500 };

static const char *const GREETING =
    "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":0,\"minor\":2,\"major\":7},\"package\":\"\"},\"capabilities\":[]}}\n";

static atomic_int client = -1;
static atomic_int current; /* number of the job that the monitor lists */
static _Atomic uint64_t arrived;

static void say(int fd, const char *text)
{
    MUST(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

/* Answers one command of a client: with the job where jobs are asked for, else with nothing. */
static void answer(int fd, const char *line)
{
    const char *id = strstr(line, "\"id\":");
    char reply[512];

    MUST(id);
    if (strstr(line, "\"query-jobs\""))
        snprintf(reply, sizeof(reply),
                 "{\"return\":[{\"id\":\"j%d\",\"type\":\"mirror\",\"status\":\"running\",\"current-progress\":0,"
                 "\"total-progress\":1}],\"id\":%d}\n",
                 atomic_load(&current), atoi(id + 5));
    else
        snprintf(reply, sizeof(reply), "{\"return\":{},\"id\":%d}\n", atoi(id + 5));
    say(fd, reply);
}

/* A monitor that does what it is told by the measuring thread. */
static void *monitor(void *listener)
{
    char buffer[65536], *end;
    size_t used = 0;
    ssize_t got;
    int fd = accept(*(int *)listener, NULL, NULL);

    MUST(fd >= 0);
    say(fd, GREETING);
    while ((got = read(fd, buffer + used, sizeof(buffer) - used - 1)) > 0) {
        used += (size_t)got;
        buffer[used] = 0;
        while ((end = strchr(buffer, '\n'))) {
            *end = 0;
            answer(fd, buffer);
            used -= (size_t)(end + 1 - buffer);
            memmove(buffer, end + 1, used + 1);
        }
        atomic_store(&client, fd);
    }
    return NULL;
}

static void on_state(virConnectPtr conn, virDomainPtr dom, const char *name, virDomainJobType type, virDomainJobState state, void *opaque)
{
    (void)conn, (void)dom, (void)name, (void)type, (void)opaque;
    if (state == VIR_DOMAIN_JOB_STATE_READY || state == VIR_DOMAIN_JOB_STATE_RUNNING)
        atomic_store(&arrived, now_ns() << 1 | (state == VIR_DOMAIN_JOB_STATE_READY));
}

static void *loop(void *nothing)
{
    for (;;)
        MUST(virEventRunDefaultImpl() == 0);
    return nothing;
}

static uint64_t await_arrival(int ready)
{
    uint64_t seen, deadline = now_ns() + 5000000000u;

    while (!(seen = atomic_exchange(&arrived, 0)) || (seen & 1) != (uint64_t)ready) {
        MUST(now_ns() < deadline);
        usleep(20);
    }
    return seen >> 1;
}

static uint64_t measure(int round)
{
    char text[512];
    uint64_t sent;
    int fd = atomic_load(&client);

    atomic_store(&current, round);
    snprintf(text, sizeof(text), "{\"event\":\"JOB_STATUS_CHANGE\",\"data\":{\"id\":\"j%d\",\"status\":\"created\"},"
                                 "\"timestamp\":{\"seconds\":1,\"microseconds\":1}}\n", round);
    say(fd, text);
    await_arrival(0);
    usleep(GAP_US);
    snprintf(text, sizeof(text), "{\"event\":\"JOB_STATUS_CHANGE\",\"data\":{\"id\":\"j%d\",\"status\":\"ready\"},"
                                 "\"timestamp\":{\"seconds\":1,\"microseconds\":1}}\n", round);
    sent = now_ns();
    say(fd, text);
    sent = await_arrival(1) - sent;
    snprintf(text, sizeof(text), "{\"event\":\"JOB_STATUS_CHANGE\",\"data\":{\"id\":\"j%d\",\"status\":\"null\"},"
                                 "\"timestamp\":{\"seconds\":1,\"microseconds\":1}}\n", round);
    say(fd, text);
    return sent;
}

/* The floor: a thread in read() on a socket of the same kind. */
static void *reader(void *opaque)
{
    char buffer[512];
    int fd = *(int *)opaque;

    while (read(fd, buffer, sizeof(buffer)) > 0)
        atomic_store(&arrived, now_ns() << 1 | 1);
    return NULL;
}

static double bare_read(void)
{
    static uint64_t times[ROUNDS];
    pthread_t thread;
    int pair[2], i;

    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    MUST(pthread_create(&thread, NULL, reader, &pair[1]) == 0);
    for (i = 0; i < ROUNDS; i++) {
        usleep(GAP_US);
        times[i] = now_ns();
        say(pair[0], "{\"event\":\"JOB_STATUS_CHANGE\",\"data\":{\"id\":\"j1\",\"status\":\"ready\"}}\n");
        times[i] = await_arrival(1) - times[i];
    }
    close(pair[0]);
    pthread_join(thread, NULL);
    return median_us(times, ROUNDS);
}

/* argument: an empty directory */
int main(int argc, char **argv)
{
    static uint64_t times[ROUNDS];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char uri[256];
    double floor, ours;
    pthread_t thread;
    virConnectPtr conn;
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), i;

    MUST(argc == 2 && strlen(argv[1]) + 10 < sizeof(address.sun_path));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/vm.qmp", argv[1]);
    MUST(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(listener, 1) == 0);
    MUST(pthread_create(&thread, NULL, monitor, &listener) == 0);
    floor = bare_read();
    MUST(virEventRegisterDefaultImpl() == 0);
    snprintf(uri, sizeof(uri), "qemu+qmp://%s", argv[1]);
    MUST(conn = virConnectOpen(uri));
    MUST(virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_JOB_STATE, VIR_DOMAIN_EVENT_CALLBACK(on_state), NULL, NULL) >= 0);
    MUST(pthread_create(&thread, NULL, loop, NULL) == 0);
    for (i = 0; i < ROUNDS; i++)
        times[i] = measure(i + 1);
    ours = median_us(times, ROUNDS);
    printf("%-44s %10.1f us   %-22s %10.1f us   ratio %5.2f\n", "event, from the socket to the callback", ours, "bare read", floor, ours / floor);
    report_limit("  the same", ours, "us", 50);
    unlink(address.sun_path);
    return 0;
}
