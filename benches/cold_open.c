/* From dlopen to a closed connection, in a process that has not seen the library before. */
#include "bench.h"

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libvirt/libvirt.h>

enum { ROUNDS = 41 };

static void *need(void *library, const char *name)
{
    void *symbol = dlsym(library, name);

    MUST(symbol);
    return symbol;
}

static uint64_t open_list_close(const char *path)
{
    uint64_t start = now_ns();
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    virConnectPtr (*open_it)(const char *);
    virDomainPtr (*look_up)(virConnectPtr, const char *);
    int (*list)(virDomainPtr, virDomainJobPtr **, unsigned int);
    int (*free_domain)(virDomainPtr);
    int (*close_it)(virConnectPtr);
    virConnectPtr conn;
    virDomainPtr dom;

    MUST(library);
    *(void **)&open_it = need(library, "virConnectOpen");
    *(void **)&look_up = need(library, "virDomainLookupByName");
    *(void **)&list = need(library, "virDomainJobList");
    *(void **)&free_domain = need(library, "virDomainFree");
    *(void **)&close_it = need(library, "virConnectClose");
    MUST(conn = open_it("test:///default"));
    MUST(dom = look_up(conn, "test"));
    MUST(list(dom, NULL, 0) == 0);
    free_domain(dom);
    close_it(conn);
    return now_ns() - start;
}

/* argument: the library */
int main(int argc, char **argv)
{
    uint64_t times[ROUNDS];
    int i, pipe_[2], status;

    MUST(argc == 2 && pipe(pipe_) == 0);
    for (i = 0; i < ROUNDS; i++) {
        pid_t child = fork();

        MUST(child >= 0);
        if (child == 0) {
            uint64_t time = open_list_close(argv[1]);

            _exit(write(pipe_[1], &time, sizeof(time)) == sizeof(time) ? 0 : 1);
        }
        MUST(read(pipe_[0], &times[i], sizeof(times[i])) == sizeof(times[i]));
        MUST(waitpid(child, &status, 0) == child && status == 0);
    }
    report_limit("dlopen, open, list and close, cold", median_us(times, ROUNDS) / 1000.0, "ms", 5);
    return 0;
}
