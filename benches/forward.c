/* What it costs that a call with the real libvirt's handle comes to us first, on libvirt's own test driver. */
#define _GNU_SOURCE
#include "bench.h"

#include <dlfcn.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

enum { SAMPLES = 201, CALLS = 1000 };

static void ignore(void *opaque, virErrorPtr error)
{
    (void)opaque;
    (void)error;
}

/* Medians of the time of one call, in nanoseconds; the two take turns, so that the machine is as busy for both. */
static void compare(const char *what, void *forwarded, void *direct, void *handle)
{
    const void *(*functions[2])(void *);
    uint64_t times[2][SAMPLES];
    double median[2];
    int sample, way, i;

    *(void **)&functions[0] = forwarded;
    *(void **)&functions[1] = direct;
    for (sample = 0; sample < SAMPLES; sample++) {
        for (way = 0; way < 2; way++) {
            uint64_t start = now_ns();

            for (i = 0; i < CALLS; i++)
                functions[way](handle);
            times[way][sample] = now_ns() - start;
        }
    }
    for (way = 0; way < 2; way++)
        median[way] = median_us(times[way], SAMPLES) * 1000 / CALLS;
    printf("%-44s %10.1f ns   %-22s %10.1f ns   added %4.1f ns\n", what, median[0], "called directly", median[1], median[0] - median[1]);
    fflush(stdout);
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    void *real;

    /* Nobody's, so libvirt is asked, and is there from then on. */
    virSetErrorFunc(NULL, ignore);
    virConnectOpen("nobody:///");
    real = dlopen("libvirt.so.0", RTLD_LAZY | RTLD_NOLOAD);
    if (!real) {
        printf("forwarded calls: there is no libvirt.so.0\n");
        return 0;
    }
    MUST(conn = virConnectOpen("test:///default"));
    MUST(dom = virDomainLookupByName(conn, "test"));
    compare("forwarded virDomainGetName", dlsym(RTLD_DEFAULT, "virDomainGetName"), dlsym(real, "virDomainGetName"), dom);
    compare("forwarded virConnectIsAlive", dlsym(RTLD_DEFAULT, "virConnectIsAlive"), dlsym(real, "virConnectIsAlive"), conn);
    compare("virGetLastError with libvirt", dlsym(RTLD_DEFAULT, "virGetLastError"), dlsym(real, "virGetLastError"), NULL);
    virDomainFree(dom);
    virConnectClose(conn);
    return 0;
}
