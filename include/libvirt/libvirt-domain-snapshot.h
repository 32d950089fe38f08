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

/**
 * In a listing of children: all descendants. The same bit as VIR_DOMAIN_SNAPSHOT_LIST_ROOTS.
 */
#define VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS (1 << 0)

/**
 * Flags of virDomainSnapshotCreateXML.
 */
enum _virDomainSnapshotCreateFlags {
    /**
     * Restore what is known about a snapshot.
     */
    VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE = (1 << 0),
    /**
     * With REDEFINE, make it the current one.
     */
    VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT = (1 << 1),
    /**
     * Take it and forget it.
     */
    VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA = (1 << 2),
    /**
     * Stop the domain afterwards.
     */
    VIR_DOMAIN_SNAPSHOT_CREATE_HALT = (1 << 3),
    /**
     * Disks alone, without memory.
     */
    VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY = (1 << 4),
    /**
     * The overlay files exist.
     */
    VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT = (1 << 5),
    /**
     * Have the guest flush its file systems.
     */
    VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE = (1 << 6),
    /**
     * All or nothing.
     */
    VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC = (1 << 7),
    /**
     * Let the guest run meanwhile.
     */
    VIR_DOMAIN_SNAPSHOT_CREATE_LIVE = (1 << 8),
    /**
     * Check the XML against the schema.
     */
    VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE = (1 << 9),
};

/**
 * Flags of virDomainSnapshotGetXMLDesc.
 */
enum _virDomainSnapshotXMLFlags {
    VIR_DOMAIN_SNAPSHOT_XML_SECURE = (1 << 0),
};

/**
 * Which snapshots a listing returns. Of each group of opposites, none set means all.
 */
enum _virDomainSnapshotListFlags {
    VIR_DOMAIN_SNAPSHOT_LIST_ROOTS = (1 << 0),
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

/**
 * Flags of virDomainRevertToSnapshot.
 */
enum _virDomainSnapshotRevertFlags {
    VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING = (1 << 0),
    VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED = (1 << 1),
    VIR_DOMAIN_SNAPSHOT_REVERT_FORCE = (1 << 2),
    VIR_DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM = (1 << 3),
};

/**
 * Flags of virDomainSnapshotDelete.
 */
enum _virDomainSnapshotDeleteFlags {
    VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN = (1 << 0),
    VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY = (1 << 1),
    VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY = (1 << 2),
};

/**
 * A snapshot of a domain.
 */
struct _virDomainSnapshot;

typedef struct _virDomainSnapshot virDomainSnapshot;

typedef virDomainSnapshot *virDomainSnapshotPtr;

typedef enum _virDomainSnapshotCreateFlags virDomainSnapshotCreateFlags;

typedef enum _virDomainSnapshotXMLFlags virDomainSnapshotXMLFlags;

typedef enum _virDomainSnapshotListFlags virDomainSnapshotListFlags;

typedef enum _virDomainSnapshotRevertFlags virDomainSnapshotRevertFlags;

typedef enum _virDomainSnapshotDeleteFlags virDomainSnapshotDeleteFlags;

#ifdef __cplusplus
}
#endif

#endif /* LIBVIRT_DOMAIN_SNAPSHOT_H */
