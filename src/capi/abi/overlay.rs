//! Section `overlay`: names of the proposal that mean something else in libvirt's own headers, or are missing there.

use std::ffi::c_int;

/// The event id of a job's change of state. The number of the proposal, 25, has since become another event of libvirt's;
/// this one (0x10019) works on every connection.
pub const VIR_DOMAIN_EVENT_ID_JOB_STATE: c_int = 0x10019;

/// No type.
pub const VIR_DOMAIN_JOB_TYPE_NONE: c_int = 0;
/// The domain moves to another host.
pub const VIR_DOMAIN_JOB_TYPE_MIGRATION: c_int = 1;
/// A disk takes over what its backing images hold.
pub const VIR_DOMAIN_JOB_TYPE_BLOCK_PULL: c_int = 2;
/// A disk is copied, and kept in step with its copy until finalized or aborted.
pub const VIR_DOMAIN_JOB_TYPE_BLOCK_COPY: c_int = 3;
/// Backing images are merged into one below them.
pub const VIR_DOMAIN_JOB_TYPE_BLOCK_COMMIT: c_int = 4;
/// The active image is merged into one below it, and kept in step until finalized or aborted.
pub const VIR_DOMAIN_JOB_TYPE_BLOCK_COMMIT_ACTIVE: c_int = 5;
/// Disks are backed up as they were at one moment.
pub const VIR_DOMAIN_JOB_TYPE_BLOCK_BACKUP: c_int = 6;
/// An image is created.
pub const VIR_DOMAIN_JOB_TYPE_BLOCK_CREATE: c_int = 7;
/// Options of an image are changed.
pub const VIR_DOMAIN_JOB_TYPE_BLOCK_AMEND: c_int = 8;
/// The domain is saved to a file and stopped.
pub const VIR_DOMAIN_JOB_TYPE_SAVE: c_int = 9;
/// The domain is restored from a file.
pub const VIR_DOMAIN_JOB_TYPE_RESTORE: c_int = 10;
/// Guest memory is written to a file.
pub const VIR_DOMAIN_JOB_TYPE_DUMP: c_int = 11;
/// A snapshot is taken.
pub const VIR_DOMAIN_JOB_TYPE_SNAPSHOT: c_int = 12;
/// The domain goes back to a snapshot.
pub const VIR_DOMAIN_JOB_TYPE_SNAPSHOT_REVERT: c_int = 13;
/// A snapshot is deleted.
pub const VIR_DOMAIN_JOB_TYPE_SNAPSHOT_DELETE: c_int = 14;
/// The domain arrives from another host.
pub const VIR_DOMAIN_JOB_TYPE_MIGRATION_IN: c_int = 15;
/// A kind of job that this version does not know; it can be listed and controlled all the same.
pub const VIR_DOMAIN_JOB_TYPE_OTHER: c_int = 16;
