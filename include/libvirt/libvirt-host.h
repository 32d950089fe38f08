/*
 * libvirt-host.h: connections
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Generated from the Rust sources of virt-jobs; change those and run "make headers".
 */

#ifndef LIBVIRT_HOST_H
#define LIBVIRT_HOST_H

#include <libvirt/libvirt-common.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of a raw UUID. */
#define VIR_UUID_BUFLEN 16

/** Bytes of a UUID as text, with its NUL. */
#define VIR_UUID_STRING_BUFLEN 37

/** Flags of virConnectOpenAuth. */
enum _virConnectFlags {
    /** Open the connection read-only. */
    VIR_CONNECT_RO = (1 << 0),
    /** Do not look the name up among configured URI aliases. */
    VIR_CONNECT_NO_ALIASES = (1 << 1),
};

/** What an authentication callback is asked for. */
enum _virConnectCredentialType {
    VIR_CRED_USERNAME = 1,
    VIR_CRED_AUTHNAME = 2,
    VIR_CRED_LANGUAGE = 3,
    VIR_CRED_CNONCE = 4,
    VIR_CRED_PASSPHRASE = 5,
    VIR_CRED_ECHOPROMPT = 6,
    VIR_CRED_NOECHOPROMPT = 7,
    VIR_CRED_REALM = 8,
    VIR_CRED_EXTERNAL = 9,
#if defined(VIR_ENUM_SENTINELS)
    VIR_CRED_LAST,
#endif
};

/** A connection to a hypervisor. */
struct _virConnect;

typedef struct _virConnect virConnect;

typedef virConnect *virConnectPtr;

typedef enum _virConnectFlags virConnectFlags;

typedef enum _virConnectCredentialType virConnectCredentialType;

/** One question of an authentication and room for its answer. */
struct _virConnectCredential {
    /** One of virConnectCredentialType. */
    int type;
    const char *prompt;
    const char *challenge;
    const char *defresult;
    /** Set by the callback, from malloc. */
    char *result;
    unsigned int resultlen;
};

typedef struct _virConnectCredential virConnectCredential;

typedef virConnectCredential *virConnectCredentialPtr;

/** Answers the questions of an authentication. Returns 0, or -1 to give up. */
typedef int (*virConnectAuthCallbackPtr)(virConnectCredentialPtr cred, unsigned int ncred, void *cbdata);

/** How virConnectOpenAuth asks the user: which questions it may ask, and through what. */
struct _virConnectAuth {
    int *credtype;
    unsigned int ncredtype;
    virConnectAuthCallbackPtr cb;
    void *cbdata;
};

typedef struct _virConnectAuth virConnectAuth;

typedef virConnectAuth *virConnectAuthPtr;

/** Called when a connection closes; reason is one of virConnectCloseReason. */
typedef void (*virConnectCloseFunc)(virConnectPtr conn, int reason, void *opaque);

/**
 * Prepares the library. Every function that needs it does this by itself.
 *
 * Returns 0; there is nothing that can fail.
 */
int virInitialize(void);

/**
 * Stores the libvirt release whose interface this library follows in @libVer and, unless it is NULL, in @typeVer:
 * major * 1,000,000 + minor * 1,000 + micro. @type is not looked at.
 *
 * Returns 0, or -1 if @libVer is NULL.
 */
int virGetVersion(unsigned long *libVer, const char *type, unsigned long *typeVer);

/**
 * Opens a connection to a hypervisor.
 *
 * @name is a URI: `test:///default`, `test:///ABS/FILE.xml`, `qemu+qmp:///DIR`, `qemu+qmp:///SOCKET`, or one that the
 * real libvirt knows. NULL means what LIBVIRT_DEFAULT_URI says.
 *
 * Returns a connection that must be closed with virConnectClose, or NULL on error.
 */
virConnectPtr virConnectOpen(const char *name);

/** Opens a connection that can look but not touch. See virConnectOpen. */
virConnectPtr virConnectOpenReadOnly(const char *name);

/**
 * Opens a connection, with @auth to answer the real libvirt's questions for credentials; other drivers never ask.
 *
 * @flags is a combination of virConnectFlags. See virConnectOpen.
 */
virConnectPtr virConnectOpenAuth(const char *name, virConnectAuthPtr auth, unsigned int flags);

/**
 * Gives up one reference to @conn. The connection is closed with the last; domains and event callbacks hold one each.
 *
 * Returns 0 if it was the last, 1 if others remain, -1 on error.
 */
int virConnectClose(virConnectPtr conn);

/**
 * Adds a reference to @conn, to be given up with virConnectClose.
 *
 * Returns 0, or -1 on error.
 */
int virConnectRef(virConnectPtr conn);

/**
 * The name of the driver behind @conn, such as "QEMU" or "Test". It belongs to the connection.
 *
 * Returns the name, or NULL on error.
 */
const char *virConnectGetType(virConnectPtr conn);

/**
 * Stores the hypervisor's version in @hvVer: major * 1,000,000 + minor * 1,000 + micro.
 *
 * Returns 0, or -1 on error.
 */
int virConnectGetVersion(virConnectPtr conn, unsigned long *hvVer);

/**
 * Stores the libvirt release whose interface the peer follows in @libVer.
 *
 * Returns 0, or -1 on error.
 */
int virConnectGetLibVersion(virConnectPtr conn, unsigned long *libVer);

/**
 * The name of the host that the hypervisor runs on.
 *
 * Returns a text to be released with free(), or NULL on error.
 */
char *virConnectGetHostname(virConnectPtr conn);

/**
 * The canonical URI of @conn.
 *
 * Returns a text to be released with free(), or NULL on error.
 */
char *virConnectGetURI(virConnectPtr conn);

/**
 * What the host and the hypervisor can do, as a `<capabilities>` document.
 *
 * Returns a text to be released with free(), or NULL on error.
 */
char *virConnectGetCapabilities(virConnectPtr conn);

/**
 * The largest number of virtual CPUs of a domain of @type. No driver of this library sets a limit of its own.
 *
 * Returns -1 with VIR_ERR_NO_SUPPORT.
 */
int virConnectGetMaxVcpus(virConnectPtr conn, const char *type);

/**
 * Whether @conn is still usable.
 *
 * Returns 1 if it is, 0 if not, -1 on error.
 */
int virConnectIsAlive(virConnectPtr conn);

/**
 * Whether what goes over @conn is encrypted. Connections within a host are not.
 *
 * Returns 1 if it is, 0 if not, -1 on error.
 */
int virConnectIsEncrypted(virConnectPtr conn);

/**
 * Whether what goes over @conn cannot be overheard. Within a host it cannot.
 *
 * Returns 1 if so, 0 if not, -1 on error.
 */
int virConnectIsSecure(virConnectPtr conn);

/**
 * Asks for messages that keep a connection over a network alive. There is nothing to do within a host.
 *
 * Returns 0, or -1 on error.
 */
int virConnectSetKeepAlive(virConnectPtr conn, int interval, unsigned int count);

/**
 * Registers @cb to be called when the peer is lost. Connections of this library have no peer to lose, so it never is.
 *
 * @freecb is called with @opaque after virConnectUnregisterCloseCallback, or when the connection is closed.
 *
 * Returns 0, or -1 on error, in which case @freecb is not called.
 */
int virConnectRegisterCloseCallback(virConnectPtr conn, virConnectCloseFunc cb, void *opaque, virFreeCallback freecb);

/**
 * Takes back what virConnectRegisterCloseCallback registered.
 *
 * Returns 0, or -1 if @cb is not the function that is registered.
 */
int virConnectUnregisterCloseCallback(virConnectPtr conn, virConnectCloseFunc cb);

/** For virConnectOpenAuth: answers no question, as there is no terminal that this library would ask on. */
VIR_EXPORT_VAR virConnectAuthPtr virConnectAuthPtrDefault;

#ifdef __cplusplus
}
#endif

#endif /* LIBVIRT_HOST_H */
