/*
 * check.h: assertions for the tests in C
 *
 * A test is a program: 0 is success, 77 means that something it needs is not there. A check that fails says where and
 * with which values, and ends the program. To be included after <libvirt/libvirt.h> and <libvirt/virterror.h>.
 */

#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_SKIPPED 77

/** Whether a sanitizer is in the program: then nothing may be opened with RTLD_DEEPBIND. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
# define CHECK_SANITIZED 1
#elif defined(__has_feature)
# define CHECK_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
# define CHECK_SANITIZED 0
#endif

/** What must hold. */
#define CHECK(condition) \
    ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

/** Two integers must be the same. */
#define CHECK_INT(got, wanted) \
    check_int(__FILE__, __LINE__, #got, (long long)(got), (long long)(wanted))

/** Two strings must be the same. */
#define CHECK_STR(got, wanted) \
    check_str(__FILE__, __LINE__, #got, (got), (wanted))

/** The last call must have left this error, with a message; forgets it. */
#define CHECK_ERROR(wanted) \
    check_error(__FILE__, __LINE__, (wanted))

/** Nothing must have gone wrong since the last error was forgotten. */
#define CHECK_NO_ERROR() \
    CHECK_INT(virGetLastErrorCode(), VIR_ERR_OK)

static inline void check_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    if (virGetLastErrorCode() != VIR_ERR_OK)
        fprintf(stderr, "  last error %d: %s\n", virGetLastErrorCode(), virGetLastErrorMessage());
    exit(1);
}

static inline void check_int(const char *file, int line, const char *what, long long got, long long wanted)
{
    if (got != wanted) {
        fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", file, line, what, got, wanted);
        check_failed(file, line, what);
    }
}

static inline void check_str(const char *file, int line, const char *what, const char *got, const char *wanted)
{
    if (!got || !wanted ? got != wanted : strcmp(got, wanted) != 0) {
        fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\"\n", file, line, what, got ? got : "(null)", wanted ? wanted : "(null)");
        check_failed(file, line, what);
    }
}

static inline void check_error(const char *file, int line, int wanted)
{
    virErrorPtr error = virGetLastError();

    check_int(file, line, "the error code", error ? error->code : VIR_ERR_OK, wanted);
    if (!error || !error->message || !*error->message)
        check_failed(file, line, "the error has a message");
    virResetLastError();
}

/** Ends the test as one that cannot be run here. */
static inline void skip(const char *why)
{
    printf("skipped: %s\n", why);
    exit(CHECK_SKIPPED);
}

static inline void check_ignore_error(void *opaque, virErrorPtr error)
{
    (void)opaque;
    (void)error;
}

/** Keeps errors off stderr, for tests that cause them on purpose. */
static inline void quiet_errors(void)
{
    virSetErrorFunc(NULL, check_ignore_error);
}

#endif /* CHECK_H */
