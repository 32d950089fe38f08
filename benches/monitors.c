/* Threads and memory that N monitors cost. */
#include "process.h"

#include <libvirt/libvirt.h>

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
    before = private_kib();
    time = now_ns();
    MUST(conn = virConnectOpen(argv[1]));
    time = now_ns() - time;
    MUST((count = virConnectNumOfDomains(conn)) == wanted);
    printf("%-44s %10.1f us\n", "open a directory of that many monitors", (double)time / 1000.0);
    report_limit("threads of ours, whatever the number", threads() - 1, "", 2);
    report_limit("resident memory per monitor", (double)(private_kib() - before) / count, "KiB", 64);
    virConnectClose(conn);
    virConnectClose(empty);
    return 0;
}
