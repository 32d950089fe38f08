/*
 * libvirt-domain-snapshot.h: snapshots of domains
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Generated from the Rust sources of virt-jobs; change those and run "make headers".
 */

#ifndef LIBVIRT_DOMAIN_SNAPSHOT_H
#define LIBVIRT_DOMAIN_SNAPSHOT_H

#include <libvirt/libvirt-domain.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Flags of virDomainSnapshotCreateXML. */
enum _virDomainSnapshotCreateFlags {
    /** Restore what is known about a snapshot. */
    VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE = (1 << 0),
    /** With REDEFINE, make it the current one. */
    VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT = (1 << 1),
    /** Take it and forget it. */
    VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA = (1 << 2),
    /** Stop the domain afterwards. */
    VIR_DOMAIN_SNAPSHOT_CREATE_HALT = (1 << 3),
    /** Disks alone, without memory. */
    VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY = (1 << 4),
    /** The overlay files exist. */
    VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT = (1 << 5),
    /** Have the guest flush its file systems. */
    VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE = (1 << 6),
    /** All or nothing. */
    VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC = (1 << 7),
    /** Let the guest run meanwhile. */
    VIR_DOMAIN_SNAPSHOT_CREATE_LIVE = (1 << 8),
    /** Check the XML against the schema. */
    VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE = (1 << 9),
};

/** Flags of virDomainSnapshotGetXMLDesc. */
enum _virDomainSnapshotXMLFlags {
    VIR_DOMAIN_SNAPSHOT_XML_SECURE = (1 << 0),
};

/** Which snapshots a listing returns. Of each group of opposites, none set means all. */
enum _virDomainSnapshotListFlags {
    VIR_DOMAIN_SNAPSHOT_LIST_ROOTS = (1 << 0),
    /** In a listing of children: all descendants. */
    VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS = (1 << 0),
    VIR_DOMAIN_SNAPSHOT_LIST_LEAVES = (1 << 2),
    VIR_DOMAIN_SNAPSHOT_LIST_NO_LEAVES = (1 << 3),
    VIR_DOMAIN_SNAPSHOT_LIST_METADATA = (1 << 1),
    VIR_DOMAIN_SNAPSHOT_LIST_NO_METADATA = (1 << 4),
    VIR_DOMAIN_SNAPSHOT_LIST_INACTIVE = (1 << 5),
    VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE = (1 << 6),
    VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY = (1 << 7),
    VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL = (1 << 8),
    VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL = (1 << 9),
    VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL = (1 << 10),
};

/** Flags of virDomainRevertToSnapshot. */
enum _virDomainSnapshotRevertFlags {
    VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING = (1 << 0),
    VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED = (1 << 1),
    VIR_DOMAIN_SNAPSHOT_REVERT_FORCE = (1 << 2),
    VIR_DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM = (1 << 3),
};

/** Flags of virDomainSnapshotDelete. */
enum _virDomainSnapshotDeleteFlags {
    VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN = (1 << 0),
    VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY = (1 << 1),
    VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY = (1 << 2),
};

/** A snapshot of a domain. */
struct _virDomainSnapshot;

typedef struct _virDomainSnapshot virDomainSnapshot;

typedef virDomainSnapshot *virDomainSnapshotPtr;

typedef enum _virDomainSnapshotCreateFlags virDomainSnapshotCreateFlags;

typedef enum _virDomainSnapshotXMLFlags virDomainSnapshotXMLFlags;

typedef enum _virDomainSnapshotListFlags virDomainSnapshotListFlags;

typedef enum _virDomainSnapshotRevertFlags virDomainSnapshotRevertFlags;

typedef enum _virDomainSnapshotDeleteFlags virDomainSnapshotDeleteFlags;

/**
 * Takes a snapshot of @domain, described by the `<domainsnapshot>` document @xmlDesc. Returns when it is taken.
 *
 * @flags is a combination of virDomainSnapshotCreateFlags and virDomainJobStartFlags.
 *
 * Returns a handle to be released with virDomainSnapshotFree, or NULL on error.
 */
virDomainSnapshotPtr virDomainSnapshotCreateXML(virDomainPtr domain, const char *xmlDesc, unsigned int flags);

/**
 * Finds a snapshot of @domain by its name. @flags is 0.
 *
 * Returns a handle to be released with virDomainSnapshotFree, or NULL with VIR_ERR_NO_DOMAIN_SNAPSHOT if there is none.
 */
virDomainSnapshotPtr virDomainSnapshotLookupByName(virDomainPtr domain, const char *name, unsigned int flags);

/**
 * Lists the snapshots of @domain that @flags (virDomainSnapshotListFlags) selects; 0 selects all.
 *
 * If @snaps is not NULL it receives an array of handles, terminated by NULL: release each with virDomainSnapshotFree
 * and the array with free().
 *
 * Returns the number of snapshots, or -1 on error, in which case *@snaps is NULL.
 */
int virDomainListAllSnapshots(virDomainPtr domain, virDomainSnapshotPtr **snaps, unsigned int flags);

/**
 * The number of snapshots of @domain that @flags (virDomainSnapshotListFlags) selects.
 *
 * Returns the number, or -1 on error.
 */
int virDomainSnapshotNum(virDomainPtr domain, unsigned int flags);

/**
 * Stores the names of the snapshots of @domain that @flags selects in @names, @nameslen at most. Release each with
 * free().
 *
 * Returns how many were stored, or -1 on error.
 */
int virDomainSnapshotListNames(virDomainPtr domain, char **names, int nameslen, unsigned int flags);

/**
 * The number of snapshots that are based on @snapshot and that @flags (virDomainSnapshotListFlags) selects; with
 * VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS also of those based on these, and so on.
 *
 * Returns the number, or -1 on error.
 */
int virDomainSnapshotNumChildren(virDomainSnapshotPtr snapshot, unsigned int flags);

/**
 * Stores the names of the snapshots that virDomainSnapshotNumChildren counts in @names, @nameslen at most. Release each
 * with free().
 *
 * Returns how many were stored, or -1 on error.
 */
int virDomainSnapshotListChildrenNames(virDomainSnapshotPtr snapshot, char **names, int nameslen, unsigned int flags);

/**
 * Lists the snapshots that virDomainSnapshotNumChildren counts.
 *
 * If @snaps is not NULL it receives an array of handles, terminated by NULL: release each with virDomainSnapshotFree
 * and the array with free().
 *
 * Returns the number of snapshots, or -1 on error, in which case *@snaps is NULL.
 */
int virDomainSnapshotListAllChildren(virDomainSnapshotPtr snapshot, virDomainSnapshotPtr **snaps, unsigned int flags);

/**
 * Whether @domain has a current snapshot. @flags is 0.
 *
 * Returns 1 if it has, 0 if not, -1 on error.
 */
int virDomainHasCurrentSnapshot(virDomainPtr domain, unsigned int flags);

/**
 * The current snapshot of @domain. @flags is 0.
 *
 * Returns a handle to be released with virDomainSnapshotFree, or NULL with VIR_ERR_NO_DOMAIN_SNAPSHOT if there is none.
 */
virDomainSnapshotPtr virDomainSnapshotCurrent(virDomainPtr domain, unsigned int flags);

/**
 * The snapshot that @snapshot is based on. @flags is 0.
 *
 * Returns a handle to be released with virDomainSnapshotFree, or NULL with VIR_ERR_NO_DOMAIN_SNAPSHOT if there is none.
 */
virDomainSnapshotPtr virDomainSnapshotGetParent(virDomainSnapshotPtr snapshot, unsigned int flags);

/**
 * Whether @snapshot is the current one of its domain. @flags is 0.
 *
 * Returns 1 if it is, 0 if not, -1 on error.
 */
int virDomainSnapshotIsCurrent(virDomainSnapshotPtr snapshot, unsigned int flags);

/**
 * Whether this library keeps metadata of @snapshot: it does of all. @flags is 0.
 *
 * Returns 1, or -1 on error.
 */
int virDomainSnapshotHasMetadata(virDomainSnapshotPtr snapshot, unsigned int flags);

/**
 * The name of @snapshot. It belongs to the handle.
 *
 * Returns the name, or NULL on error.
 */
const char *virDomainSnapshotGetName(virDomainSnapshotPtr snapshot);

/**
 * The domain of @snapshot, without a reference of its own: it must not be freed.
 *
 * Returns the domain, or NULL on error.
 */
virDomainPtr virDomainSnapshotGetDomain(virDomainSnapshotPtr snapshot);

/**
 * The connection of @snapshot, without a reference of its own: it must not be closed.
 *
 * Returns the connection, or NULL on error.
 */
virConnectPtr virDomainSnapshotGetConnect(virDomainSnapshotPtr snapshot);

/**
 * The description of @snapshot. @flags is a combination of virDomainSnapshotXMLFlags.
 *
 * Returns a text to be released with free(), or NULL on error.
 */
char *virDomainSnapshotGetXMLDesc(virDomainSnapshotPtr snapshot, unsigned int flags);

/**
 * Takes the domain of @snapshot back to it. Returns when that is done. @flags is a combination of
 * virDomainSnapshotRevertFlags and virDomainJobStartFlags.
 *
 * Returns 0, or -1 on error.
 */
int virDomainRevertToSnapshot(virDomainSnapshotPtr snapshot, unsigned int flags);

/**
 * Deletes @snapshot; the handle must still be freed. Returns when that is done. @flags is a combination of
 * virDomainSnapshotDeleteFlags and virDomainJobStartFlags.
 *
 * Returns 0, or -1 on error.
 */
int virDomainSnapshotDelete(virDomainSnapshotPtr snapshot, unsigned int flags);

/**
 * Adds a reference to @snapshot, to be given up with virDomainSnapshotFree.
 *
 * Returns 0, or -1 on error.
 */
int virDomainSnapshotRef(virDomainSnapshotPtr snapshot);

/**
 * Gives up one reference to @snapshot. The snapshot itself is not touched.
 *
 * Returns 0, or -1 with VIR_ERR_INVALID_DOMAIN_SNAPSHOT if @snapshot is NULL or no snapshot.
 */
int virDomainSnapshotFree(virDomainSnapshotPtr snapshot);

#ifdef __cplusplus
}
#endif

#endif /* LIBVIRT_DOMAIN_SNAPSHOT_H */
