/* A listing of 10,000 jobs beside a loop that makes the same allocations and copies. */
#include "bench.h"

#include <libvirt/libvirt.h>

enum { JOBS = 10000, ROUNDS = 101 };

/* What the caller of virDomainJobList gets, made by hand from names that are there already. */
static uint64_t by_hand(char **names)
{
    uint64_t start = now_ns();
    virDomainJobPtr *jobs = NULL;
    size_t room = 0, i;

    for (i = 0; i <= JOBS; i++) {
        if (i == room) {
            room = room ? room * 2 : 16;
            jobs = realloc(jobs, room * sizeof(*jobs));
            MUST(jobs);
        }
        if (i == JOBS) {
            jobs[i] = NULL;
            break;
        }
        jobs[i] = calloc(1, sizeof(**jobs));
        MUST(jobs[i]);
        jobs[i]->name = malloc(strlen(names[i]) + 1);
        MUST(jobs[i]->name);
        memcpy(jobs[i]->name, names[i], strlen(names[i]) + 1);
        jobs[i]->type = VIR_DOMAIN_JOB_TYPE_BLOCK_PULL;
        jobs[i]->state = VIR_DOMAIN_JOB_STATE_RUNNING;
    }
    start = now_ns() - start;
    for (i = 0; i < JOBS; i++) {
        free(jobs[i]->name);
        free(jobs[i]);
    }
    free(jobs);
    return start;
}

static uint64_t by_call(virDomainPtr dom, char **names)
{
    virDomainJobPtr *jobs = NULL;
    uint64_t time;
    int count, i;

    time = now_ns();
    count = virDomainJobList(dom, &jobs, 0);
    time = now_ns() - time;
    MUST(count == JOBS);
    for (i = 0; i < count; i++) {
        if (names && !names[i])
            MUST(names[i] = strdup(jobs[i]->name));
        virDomainJobFree(jobs[i]);
    }
    free(jobs);
    return time;
}

int main(int argc, char **argv)
{
    static char *names[JOBS];
    uint64_t ours[ROUNDS], floor[ROUNDS];
    virConnectPtr conn;
    virDomainPtr dom;
    int i;

    MUST(argc == 2);
    MUST(conn = virConnectOpen(argv[1]));
    MUST(dom = virDomainLookupByName(conn, "many"));
    by_call(dom, names);
    for (i = 0; i < ROUNDS; i++) {
        floor[i] = by_hand(names);
        ours[i] = by_call(dom, NULL);
    }
    report_ratio("list of 10,000 jobs", median_us(ours, ROUNDS), "C loop", median_us(floor, ROUNDS), 1.5);
    virDomainFree(dom);
    virConnectClose(conn);
    return 0;
}
