/* With the real libvirt in the process a thread has one last error, whichever library's function failed, and whichever
 * is asked for it; and whoever is to be told of errors is told of each once. */
#define _GNU_SOURCE

#include <pthread.h>

#include "real.h"

static int told;
static int told_code;

static void count(void *opaque, virErrorPtr error)
{
    CHECK(opaque == &told);
    told++;
    told_code = error->code;
}

/** The error is the same for both libraries' functions, and was told once; forgets it. */
static void check_both(int code, const char *words)
{
    virErrorPtr saved = virSaveLastError();
    virError copy;

    CHECK_INT(virGetLastErrorCode(), code);
    CHECK_INT(REAL(virGetLastErrorCode)(), code);
    CHECK(virGetLastError() != NULL && virGetLastError() == REAL(virGetLastError)());
    CHECK_HAS(virGetLastErrorMessage(), words);
    CHECK_STR(REAL(virGetLastErrorMessage)(), virGetLastErrorMessage());
    CHECK_INT(REAL(virGetLastErrorDomain)(), virGetLastErrorDomain());
    CHECK_INT(virCopyLastError(&copy), code);
    CHECK_STR(copy.message, saved->message);
    virResetError(&copy);
    virFreeError(saved);
    CHECK_INT(told, 1);
    CHECK_INT(told_code, code);
    told = 0;
}

static void failures_are_seen_by_both(virConnectPtr own, virConnectPtr theirs)
{
    CHECK(virDomainLookupByName(own, "gone") == NULL);
    check_both(VIR_ERR_NO_DOMAIN, "gone");
    virResetLastError();
    CHECK(REAL(virGetLastError)() == NULL);

    CHECK(virDomainLookupByName(theirs, "missing") == NULL);
    check_both(VIR_ERR_NO_DOMAIN, "not found");
    CHECK_INT(virConnGetLastError(theirs)->code, VIR_ERR_NO_DOMAIN);
    virConnResetLastError(theirs);
    CHECK_INT(REAL(virConnGetLastError)(theirs)->code, VIR_ERR_OK);
    REAL(virResetLastError)();
    CHECK(virGetLastError() == NULL);

    CHECK(REAL(virDomainLookupByName)(theirs, "lost") == NULL);
    check_both(VIR_ERR_NO_DOMAIN, "not found");
}

/** Every call that succeeds leaves no error behind, not even the other library's. */
static void success_forgets_both(virConnectPtr own, virConnectPtr theirs)
{
    CHECK(virDomainLookupByName(own, "gone") == NULL);
    CHECK_INT(virConnectIsAlive(theirs), 1);
    CHECK_NO_ERROR();
    CHECK(virDomainLookupByName(theirs, "gone") == NULL);
    CHECK_INT(virConnectIsAlive(own), 1);
    CHECK_NO_ERROR();
    CHECK(REAL(virGetLastError)() == NULL);
    told = 0;
}

static int told_of_own;

static void count_own(void *opaque, virErrorPtr error)
{
    (void)opaque;
    (void)error;
    told_of_own++;
}

static void handlers_are_told_once(virConnectPtr own, virConnectPtr theirs)
{
    told = 0;
    REAL(virSetErrorFunc)(&told, count);
    CHECK(virDomainLookupByName(own, "gone") == NULL);
    CHECK_INT(told, 1);
    virConnSetErrorFunc(theirs, NULL, count_own);
    virConnSetErrorFunc(own, NULL, count_own);
    CHECK(virDomainLookupByName(own, "gone") == NULL);
    CHECK(virDomainLookupByName(theirs, "gone") == NULL);
    CHECK_INT(told_of_own, 2);
    CHECK_INT(told, 1);
    virConnSetErrorFunc(theirs, NULL, NULL);
    CHECK(virDomainLookupByName(theirs, "gone") == NULL);
    CHECK_INT(told, 2);
}

static void *in_another_thread(void *own)
{
    CHECK_NO_ERROR();
    CHECK(virDomainLookupByName(own, "elsewhere") == NULL);
    CHECK_HAS(REAL(virGetLastErrorMessage)(), "elsewhere");
    return NULL;
}

static void threads_have_their_own(virConnectPtr own, virConnectPtr theirs)
{
    pthread_t thread;

    CHECK_INT(virDomainIsActive((virDomainPtr)theirs), -1);
    CHECK_INT(pthread_create(&thread, NULL, in_another_thread, own), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_INT(virGetLastErrorCode(), VIR_ERR_INVALID_DOMAIN);
    virResetLastError();
}

static void errno_is_that_of_the_call(virConnectPtr own, virConnectPtr theirs)
{
    errno = ENOTTY;
    CHECK_INT(virConnectIsAlive(theirs), 1);
    CHECK_INT(errno, ENOTTY);
    CHECK(virDomainLookupByName(own, "gone") == NULL);
    CHECK_INT(errno, ENOTTY);
    CHECK(virGetLastError() != NULL);
    CHECK_INT(errno, ENOTTY);
}

int main(void)
{
    virConnectPtr own, theirs;
    int before;

    /* What was set, and went wrong, before the real library came is not lost when it comes. */
    virSetErrorFunc(&told, count);
    before = real_library() == NULL;
    own = open_world(DEFAULT_URI);
    CHECK(virDomainLookupByName(own, "early") == NULL);
    if (before && dlopen("libvirt.so.0", RTLD_NOW | RTLD_LOCAL | (CHECK_SANITIZED ? 0 : RTLD_DEEPBIND)))
        check_both(VIR_ERR_NO_DOMAIN, "early");
    need_real_library();
    told = 0;

    theirs = open_world(REAL_WORLD);
    failures_are_seen_by_both(own, theirs);
    success_forgets_both(own, theirs);
    threads_have_their_own(own, theirs);
    errno_is_that_of_the_call(own, theirs);
    handlers_are_told_once(own, theirs);
    CHECK_INT(virConnectClose(theirs), 0);
    CHECK_INT(virConnectClose(own), 0);
    return 0;
}
