/*
 * calls.h: the table of all functions that take a handle, as something to go through
 */

#ifndef CALLS_H
#define CALLS_H

#include "world.h"

enum handle_class { CONN, DOMAIN, SNAPSHOT };

/** What a call is to a read-only connection. QUIET: it sets no error. COUNTS: it only counts references. */
enum rights { LOOKS, CHANGES, COUNTS, QUIET };

struct call {
    const char *name;
    enum handle_class class;
    enum rights rights;
    /** Flags that mean something, or NO_FLAGS. */
    unsigned int known;
    /** Calls it, gives back what it returns, and says whether it failed. */
    int (*fails)(void *handle, unsigned int flags);
};

/** The call has no flags, so none can be wrong. */
#define NO_FLAGS (~0U)
#define START (VIR_DOMAIN_JOB_START_PARALLEL | VIR_DOMAIN_JOB_START_PERSIST)

#define A_DOMAIN "<domain type='test'><name>new</name><memory>1024</memory><os><type>hvm</type></os></domain>"
#define A_DISK "<disk type='file' device='disk'><source file='/guest/new'/><target dev='vdc' bus='virtio'/></disk>"
#define A_COPY "<disk type='file'><source file='/guest/copy'/><driver type='qcow2'/></disk>"
#define A_BACKUP "<domainbackup/>"
#define A_SNAPSHOT "<domainsnapshot><name>two</name></domainsnapshot>"
#define A_PEER "tcp:127.0.0.1:49152"
/** Relative, so in the directory of the test. */
#define A_FILE "a-file"
#define A_JOB "no-such-job"

/** Room for the result of a call. */
static union {
    virDomainJobInfo largest;
    virError other;
    char bytes[256];
} places[3];

#define room(number, type) ((type *)(void *)&places[number])

static inline virTypedParameterPtr string_param(const char *name, const char *value)
{
    static virTypedParameter param;

    memset(&param, 0, sizeof(param));
    snprintf(param.field, sizeof(param.field), "%s", name);
    param.type = VIR_TYPED_PARAM_STRING;
    param.value.s = (char *)value;
    return &param;
}

static inline virTypedParameterPtr file_param(void)
{
    return string_param(VIR_DOMAIN_SAVE_PARAM_FILE, A_FILE);
}

static inline virTypedParameterPtr peer_param(void)
{
    return string_param(VIR_MIGRATE_PARAM_URI, A_PEER);
}

static inline void on_close(virConnectPtr conn, int reason, void *opaque)
{
    (void)conn;
    (void)reason;
    (void)opaque;
}

static inline int on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    (void)conn;
    (void)dom;
    (void)event;
    (void)detail;
    (void)opaque;
    return 0;
}

#define HANDLE_CONN virConnectPtr
#define HANDLE_DOMAIN virDomainPtr
#define HANDLE_SNAPSHOT virDomainSnapshotPtr

#define FAILS_VOID(call) (void)(call); return 1
#define FAILS_INT(call) return (call) == -1
#define FAILS_ID(call) return (call) == (unsigned int)-1
#define FAILS_NUMBER(call) return (call) == 0
#define FAILS_TEXT(call) return (call) == NULL
#define FAILS_CONN_OF(call) return (call) == NULL
#define FAILS_DOMAIN_OF(call) return (call) == NULL
#define FAILS_STRING(call) char *text = call; free(text); return text == NULL
#define FAILS_DOMAIN_HANDLE(call) \
    virDomainPtr made = call; if (!made) return 1; CHECK_INT(virDomainFree(made), 0); return 0
#define FAILS_SNAPSHOT_HANDLE(call) \
    virDomainSnapshotPtr made = call; if (!made) return 1; CHECK_INT(virDomainSnapshotFree(made), 0); return 0

#define CALL(class, result, rights, known, function, arguments) \
    static int fails_##function(void *handle, unsigned int flags) \
    { \
        HANDLE_##class h = handle; \
        (void)flags; \
        FAILS_##result(function arguments); \
    }
#include "calls.inc"
#undef CALL

#define CALL(class, result, rights, known, function, arguments) \
    { #function, class, rights, known, fails_##function },
static const struct call calls[] = {
#include "calls.inc"
};
#undef CALL

#define CALLS ((int)(sizeof(calls) / sizeof(calls[0])))

/** What a call says of a handle that is not of this class. */
static inline int refusal(enum handle_class class)
{
    static const int codes[] = { VIR_ERR_INVALID_CONN, VIR_ERR_INVALID_DOMAIN, VIR_ERR_INVALID_DOMAIN_SNAPSHOT };

    return codes[class];
}

#endif /* CALLS_H */
