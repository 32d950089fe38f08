/* How long it takes to find N records of ended jobs, beside reading their files. */
#include "bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <libvirt/libvirt.h>

enum { ROUNDS = 21 };

static uint64_t open_and_list(const char *uri, int wanted)
{
    virDomainJobPtr *jobs = NULL;
    uint64_t time = now_ns();
    virConnectPtr conn = virConnectOpen(uri);
    int count, i;

    MUST(conn);
    count = virConnectListAllDomainJobs(conn, &jobs, 0);
    time = now_ns() - time;
    MUST(count == wanted);
    for (i = 0; i < count; i++)
        virDomainJobFree(jobs[i]);
    free(jobs);
    virConnectClose(conn);
    return time;
}

static uint64_t read_all(const char *path, int wanted)
{
    char buffer[65536];
    uint64_t time = now_ns();
    struct dirent *entry;
    DIR *dir = opendir(path);
    int fd, count = 0;

    MUST(dir);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        MUST((fd = openat(dirfd(dir), entry->d_name, O_RDONLY)) >= 0);
        while (read(fd, buffer, sizeof(buffer)) > 0)
            ;
        close(fd);
        count++;
    }
    closedir(dir);
    MUST(count >= wanted);
    return now_ns() - time;
}

/* arguments: URI of a directory, its one directory of records, N */
int main(int argc, char **argv)
{
    static uint64_t ours[ROUNDS], floor[ROUNDS];
    int wanted, i;

    MUST(argc == 4 && (wanted = atoi(argv[3])) > 0);
    for (i = 0; i < ROUNDS; i++) {
        floor[i] = read_all(argv[2], wanted);
        ours[i] = open_and_list(argv[1], wanted);
    }
    report_beside("open and list 1,000 records", ours, floor, ROUNDS);
    return 0;
}
