/*
 * A thread opens the library, leaves an error behind in it, closes it and ends. What the library keeps for the thread is
 * released by code of its own, so it must still be there.
 */

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

static void fail(const char *what)
{
    const char *why = dlerror();

    fprintf(stderr, "%s%s%s\n", what, why ? ": " : "", why ? why : "");
    exit(1);
}

/* ISO C has no conversion from an object pointer to a function pointer; POSIX means this one to work. */
static void find(void *library, const char *name, void *function)
{
    *(void **)function = dlsym(library, name);
    if (!*(void **)function)
        fail(name);
}

static void ignore(void *opaque, virErrorPtr error)
{
    (void)opaque;
    (void)error;
}

static void *use(void *path)
{
    virConnectPtr (*open_connection)(const char *name);
    int (*close_connection)(virConnectPtr conn);
    int (*error_code)(void);
    void (*set_handler)(void *opaque, virErrorFunc handler);
    virConnectPtr conn;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (!library)
        fail("dlopen");
    find(library, "virConnectOpen", &open_connection);
    find(library, "virConnectClose", &close_connection);
    find(library, "virGetLastErrorCode", &error_code);
    find(library, "virSetErrorFunc", &set_handler);
    set_handler(NULL, ignore);

    conn = open_connection("test+jobs:///default");
    if (!conn || close_connection(conn) != 0)
        fail("the test hypervisor cannot be opened and closed");
    if (close_connection(NULL) != -1 || error_code() != VIR_ERR_INVALID_CONN)
        fail("no error was left behind");
    set_handler(NULL, NULL);
    if (dlclose(library) != 0)
        fail("dlclose");
    return NULL;
}

int main(int argc, char **argv)
{
    int i;

    if (argc != 2) {
        fprintf(stderr, "usage: %s LIBRARY\n", argv[0]);
        return 2;
    }
    for (i = 0; i < 8; i++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, use, argv[1]) != 0 || pthread_join(thread, NULL) != 0)
            fail("thread");
    }
    if (!dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD))
        fail("the library was unloaded");
    return 0;
}
