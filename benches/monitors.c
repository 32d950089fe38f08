/* Threads and memory that N monitors cost. */
#include "bench.h"

#include <dirent.h>

#include <libvirt/libvirt.h>

static long resident_kib(void)
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

/* arguments: URI of a directory with N monitors, N, URI of one that is empty */
int main(int argc, char **argv)
{
    virConnectPtr empty, conn;
    int count, wanted;
    uint64_t time;
    long before;

    MUST(argc == 4);
    wanted = atoi(argv[2]);
    MUST(empty = virConnectOpen(argv[3]));
    MUST(virConnectNumOfDomains(empty) == 0);
    before = resident_kib();
    time = now_ns();
    MUST(conn = virConnectOpen(argv[1]));
    time = now_ns() - time;
    MUST((count = virConnectNumOfDomains(conn)) == wanted);
    printf("%-44s %10.1f us\n", "open a directory of that many monitors", (double)time / 1000.0);
    report_limit("threads of ours, whatever the number", threads() - 1, "", 2);
    report_limit("resident memory per monitor", (double)(resident_kib() - before) / count, "KiB", 64);
    virConnectClose(conn);
    virConnectClose(empty);
    return 0;
}
