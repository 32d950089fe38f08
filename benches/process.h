/* What this process takes. */
#ifndef VIRT_JOBS_BENCH_PROCESS_H
#define VIRT_JOBS_BENCH_PROCESS_H

#include "bench.h"

#include <dirent.h>

/* Memory that it shares with no other, in KiB. */
static long private_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");

    MUST(file);
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "Private_Dirty: %ld", &kib) == 1)
            break;
    fclose(file);
    return kib;
}

/* Its threads. */
static int threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    int count = -2; /* . and .. */

    MUST(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

#endif
