/* What the benchmarks share: a clock, medians, and the line that each of them prints. */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MUST(condition)                                                                                  \
    do {                                                                                                 \
        if (!(condition)) {                                                                              \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                \
            exit(1);                                                                                     \
        }                                                                                                \
    } while (0)

static inline uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline int compare_times(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static inline double median_us(uint64_t *times, size_t count)
{
    qsort(times, count, sizeof(*times), compare_times);
    return (double)times[count / 2] / 1000.0;
}

/* One result: what was measured, beside its floor, and the bar that it should meet. */
static inline void report_ratio(const char *what, double ours, const char *floor_name, double floor, double bar)
{
    printf("%-44s %10.1f us   %-22s %10.1f us   ratio %5.2f   bar %4.1f   %s\n", what, ours, floor_name, floor, ours / floor, bar,
           ours / floor <= bar ? "met" : "MISSED");
    fflush(stdout);
}

/* One result without a bar: what was measured, beside the same by hand. */
static inline void report_beside(const char *what, uint64_t *ours, uint64_t *by_hand, size_t count)
{
    double value = median_us(ours, count), floor = median_us(by_hand, count);

    printf("%-44s %10.1f us   %-22s %10.1f us   ratio %5.2f\n", what, value, "by hand", floor, value / floor);
    fflush(stdout);
}

static inline void report_limit(const char *what, double value, const char *unit, double bar)
{
    printf("%-44s %10.1f %-4s %-51s bar %4.0f   %s\n", what, value, unit, "", bar, value <= bar ? "met" : "MISSED");
    fflush(stdout);
}

#endif
