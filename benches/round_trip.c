/* XML with statistics, and control, beside one question over the raw socket of the same QEMU.
 *
 * QEMU reads its monitors byte by byte, so a command costs by its length: the raw ones carry an id, as every client's do
 * that may have two commands on their way. */
#include "raw.h"

#include <libvirt/libvirt.h>

enum { ROUNDS = 2001 };

/* QEMU has work left when an answer is out; it must not be charged to whoever asks next. */
static uint64_t start_of_call(void)
{
    usleep(300);
    return now_ns();
}

static uint64_t timed_ask(struct raw *raw, const char *command)
{
    uint64_t time = start_of_call();

    raw_ask(raw, command);
    return now_ns() - time;
}

static uint64_t timed_xml(virDomainPtr dom, const char *job)
{
    uint64_t time = start_of_call();
    char *xml = virDomainJobGetXMLDesc(dom, job, 0);

    time = now_ns() - time;
    MUST(xml);
    free(xml);
    return time;
}

static uint64_t timed_speed(virDomainPtr dom, const char *job, unsigned long long speed)
{
    uint64_t time = start_of_call();

    MUST(virDomainJobSetSpeed(dom, job, speed, 0) == 0);
    return now_ns() - time;
}

/* What a pause leads to, and what a resume does: a copy that is done with its first pass is READY again. */
static const unsigned int PAUSED = 1u << VIR_DOMAIN_JOB_STATE_PAUSED;
static const unsigned int GOES_ON = 1u << VIR_DOMAIN_JOB_STATE_RUNNING | 1u << VIR_DOMAIN_JOB_STATE_READY;

static void reach(virDomainPtr dom, const char *job, unsigned int states)
{
    int state = virDomainJobWait(dom, job, states, 10000, 0);

    MUST(state > 0 && (states & 1u << state));
}

static uint64_t timed_control(virDomainPtr dom, const char *job, virDomainJobControlOperation op, unsigned int wanted)
{
    uint64_t time = start_of_call();

    MUST(virDomainJobControl(dom, job, op, 0) == 0);
    time = now_ns() - time;
    reach(dom, job, wanted);
    return time;
}

/* arguments: URI, domain, disk, target of the copy, a second monitor socket of the same QEMU */
int main(int argc, char **argv)
{
    static uint64_t raw[ROUNDS], xml[ROUNDS], speed[ROUNDS], raw_speed[ROUNDS], control[ROUNDS / 10], raw_control[ROUNDS / 10];
    unsigned int flags = VIR_DOMAIN_BLOCK_REBASE_COPY | VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES;
    virConnectPtr conn;
    virDomainPtr dom;
    char *job, command[512];
    struct raw *other;
    int i;

    MUST(argc == 6);
    MUST(conn = virConnectOpen(argv[1]));
    MUST(dom = virDomainLookupByName(conn, argv[2]));
    MUST(virDomainBlockRebase(dom, argv[3], argv[4], 65536, flags) == 0);
    MUST(job = virDomainJobLastStarted(dom, 0));
    other = raw_open(argv[5]);
    for (i = 0; i < ROUNDS; i++) {
        raw[i] = timed_ask(other, "{\"execute\":\"query-jobs\",\"id\":1000}\n");
        xml[i] = timed_xml(dom, job);
    }
    for (i = 0; i < ROUNDS; i++) {
        snprintf(command, sizeof(command), "{\"execute\":\"block-job-set-speed\",\"arguments\":{\"device\":\"%s\",\"speed\":65536},\"id\":1000}\n", job);
        raw_speed[i] = timed_ask(other, command);
        speed[i] = timed_speed(dom, job, 65536);
    }
    for (i = 0; i + 1 < ROUNDS / 10; i += 2) {
        control[i] = timed_control(dom, job, VIR_DOMAIN_JOB_CONTROL_OPERATION_PAUSE, PAUSED);
        control[i + 1] = timed_control(dom, job, VIR_DOMAIN_JOB_CONTROL_OPERATION_RESUME, GOES_ON);
        snprintf(command, sizeof(command), "{\"execute\":\"job-pause\",\"arguments\":{\"id\":\"%s\"},\"id\":1000}\n", job);
        raw_control[i] = timed_ask(other, command);
        reach(dom, job, PAUSED);
        snprintf(command, sizeof(command), "{\"execute\":\"job-resume\",\"arguments\":{\"id\":\"%s\"},\"id\":1000}\n", job);
        raw_control[i + 1] = timed_ask(other, command);
        reach(dom, job, GOES_ON);
    }
    report_ratio("job XML with statistics", median_us(xml, ROUNDS), "raw query-jobs", median_us(raw, ROUNDS), 1.2);
    report_ratio("set the speed of a job", median_us(speed, ROUNDS), "raw block-job-set-speed", median_us(raw_speed, ROUNDS), 1.2);
    report_ratio("pause or resume a job", median_us(control, (size_t)(ROUNDS / 10) & ~(size_t)1), "raw job-pause/-resume",
                 median_us(raw_control, (size_t)(ROUNDS / 10) & ~(size_t)1), 1.2);
    MUST(virDomainJobControl(dom, job, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0) == 0);
    MUST(virDomainJobWait(dom, job, 0, 10000, 0) == VIR_DOMAIN_JOB_STATE_ABORTED);
    raw_close(other);
    free(job);
    virDomainFree(dom);
    virConnectClose(conn);
    return 0;
}
