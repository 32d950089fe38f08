//! Section `snapshot`: snapshots of domains.

/// A snapshot of a domain.
pub struct _virDomainSnapshot {
    _private: [u8; 0],
}
pub type virDomainSnapshot = _virDomainSnapshot;
pub type virDomainSnapshotPtr = *mut virDomainSnapshot;

/// Flags of virDomainSnapshotCreateXML.
#[repr(C)]
pub enum _virDomainSnapshotCreateFlags {
    /// Restore what is known about a snapshot.
    VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE = 1 << 0,
    /// With REDEFINE, make it the current one.
    VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT = 1 << 1,
    /// Take it and forget it.
    VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA = 1 << 2,
    /// Stop the domain afterwards.
    VIR_DOMAIN_SNAPSHOT_CREATE_HALT = 1 << 3,
    /// Disks alone, without memory.
    VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY = 1 << 4,
    /// The overlay files exist.
    VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT = 1 << 5,
    /// Have the guest flush its file systems.
    VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE = 1 << 6,
    /// All or nothing.
    VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC = 1 << 7,
    /// Let the guest run meanwhile.
    VIR_DOMAIN_SNAPSHOT_CREATE_LIVE = 1 << 8,
    /// Check the XML against the schema.
    VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE = 1 << 9,
}
pub type virDomainSnapshotCreateFlags = _virDomainSnapshotCreateFlags;

/// Flags of virDomainSnapshotGetXMLDesc.
#[repr(C)]
pub enum _virDomainSnapshotXMLFlags {
    VIR_DOMAIN_SNAPSHOT_XML_SECURE = 1 << 0,
}
pub type virDomainSnapshotXMLFlags = _virDomainSnapshotXMLFlags;

/// Which snapshots a listing returns. Of each group of opposites, none set means all.
#[repr(C)]
pub enum _virDomainSnapshotListFlags {
    VIR_DOMAIN_SNAPSHOT_LIST_ROOTS = 1 << 0,
    /// In a listing of children: all descendants.
    #[cfg(VIRT_JOBS_FOR_C)] // a Rust enum cannot have two names for one number
    VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS = 1 << 0,
    VIR_DOMAIN_SNAPSHOT_LIST_LEAVES = 1 << 2,
    VIR_DOMAIN_SNAPSHOT_LIST_NO_LEAVES = 1 << 3,
    VIR_DOMAIN_SNAPSHOT_LIST_METADATA = 1 << 1,
    VIR_DOMAIN_SNAPSHOT_LIST_NO_METADATA = 1 << 4,
    VIR_DOMAIN_SNAPSHOT_LIST_INACTIVE = 1 << 5,
    VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE = 1 << 6,
    VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY = 1 << 7,
    VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL = 1 << 8,
    VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL = 1 << 9,
    VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL = 1 << 10,
}
pub type virDomainSnapshotListFlags = _virDomainSnapshotListFlags;

/// Flags of virDomainRevertToSnapshot.
#[repr(C)]
pub enum _virDomainSnapshotRevertFlags {
    VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING = 1 << 0,
    VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED = 1 << 1,
    VIR_DOMAIN_SNAPSHOT_REVERT_FORCE = 1 << 2,
    VIR_DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM = 1 << 3,
}
pub type virDomainSnapshotRevertFlags = _virDomainSnapshotRevertFlags;

/// Flags of virDomainSnapshotDelete.
#[repr(C)]
pub enum _virDomainSnapshotDeleteFlags {
    VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN = 1 << 0,
    VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY = 1 << 1,
    VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY = 1 << 2,
}
pub type virDomainSnapshotDeleteFlags = _virDomainSnapshotDeleteFlags;
