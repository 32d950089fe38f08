/* A handle of ours in the hands of the real library is refused by its class check. */
#define _GNU_SOURCE

#include <dlfcn.h>

#include "world.h"

static void *library;

/** A function of the real library. */
#define REAL(name) \
    (__extension__(__typeof__(&name))real(#name))

static void *real(const char *name)
{
    void *function = dlsym(library, name);

    CHECK(function != NULL);
    return function;
}

static void ours_among_theirs(virConnectPtr conn, virDomainPtr dom)
{
    unsigned long version;
    virError copy;

    CHECK(REAL(virDomainGetName)(dom) == NULL);
    CHECK_INT(REAL(virGetLastErrorCode)(), VIR_ERR_INVALID_DOMAIN);
    CHECK_INT(REAL(virDomainRef)(dom), -1);
    CHECK_INT(REAL(virDomainFree)(dom), -1);
    CHECK_INT(REAL(virDomainSuspend)(dom), -1);
    CHECK_INT(REAL(virConnectGetLibVersion)(conn, &version), -1);
    CHECK_INT(REAL(virGetLastErrorCode)(), VIR_ERR_INVALID_CONN);
    CHECK_INT(REAL(virConnectRef)(conn), -1);
    CHECK_INT(REAL(virConnectClose)(conn), -1);
    CHECK(REAL(virDomainLookupByName)(conn, "test") == NULL);

    /* These check nothing, and read and write what they take for an object of their own. */
    REAL(virConnSetErrorFunc)(conn, &copy, check_ignore_error);
    CHECK_INT(REAL(virConnGetLastError)(conn)->code, VIR_ERR_OK);
    CHECK_INT(REAL(virConnCopyLastError)(conn, &copy), VIR_ERR_OK);
    REAL(virConnResetLastError)(conn);

    CHECK_STR(virDomainGetName(dom), "test");
    CHECK_INT(virConnectIsAlive(conn), 1);
    CHECK_NO_ERROR();
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;

    if (CHECK_SANITIZED)
        skip("a sanitizer lets nobody open a library with RTLD_DEEPBIND");
    quiet_errors();
    CHECK((conn = virConnectOpen(DEFAULT_URI)) != NULL);
    CHECK((dom = virDomainLookupByName(conn, "test")) != NULL);

    library = dlopen("libvirt.so.0", RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (!library)
        skip("there is no libvirt.so.0");
    CHECK_INT(REAL(virInitialize)(), 0);
    REAL(virSetErrorFunc)(NULL, check_ignore_error);

    ours_among_theirs(conn, dom);

    CHECK_INT(virDomainFree(dom), 0);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
