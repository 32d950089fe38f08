/*
 * real.h: the real libvirt, as it is by itself, beside what a program gets that calls the functions by their names
 */

#ifndef REAL_H
#define REAL_H

#include <dlfcn.h>
#include <errno.h>

#include "world.h"

/** Something that only the real libvirt can open, so it is in the process from then on. */
#define NOBODYS_URI "nobody:///"
/** A world of libvirt's own test driver, made anew for whoever opens it while no other connection to it is open. */
#define REAL_WORLD "test:///default"

static inline void *real_library(void)
{
    static void *library;

    if (!library)
        library = dlopen("libvirt.so.0", RTLD_LAZY | RTLD_NOLOAD);
    return library;
}

static inline void *real_symbol(const char *name)
{
    void *function = dlsym(real_library(), name);

    CHECK(function != NULL);
    return function;
}

/** A function of the real library itself. */
#define REAL(name) \
    (__extension__(__typeof__(&name))real_symbol(#name))

/** Makes sure that the real library is in the process, however that comes about. */
static inline void need_real_library(void)
{
    CHECK(virConnectOpen(NOBODYS_URI) == NULL);
    if (!real_library())
        skip("there is no libvirt.so.0");
    virResetLastError();
    /* Else the calls of the test would not be ours. */
    CHECK(dlsym(RTLD_DEFAULT, "virDomainGetName") != real_symbol("virDomainGetName"));
}

#endif /* REAL_H */
