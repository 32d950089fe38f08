//! Section `block`: block jobs and backups of the older API.

use std::ffi::{c_int, c_ulong, c_ulonglong};

/// Kinds of block jobs in the older API.
#[repr(C)]
pub enum _virDomainBlockJobType {
    VIR_DOMAIN_BLOCK_JOB_TYPE_UNKNOWN = 0,
    VIR_DOMAIN_BLOCK_JOB_TYPE_PULL = 1,
    VIR_DOMAIN_BLOCK_JOB_TYPE_COPY = 2,
    VIR_DOMAIN_BLOCK_JOB_TYPE_COMMIT = 3,
    VIR_DOMAIN_BLOCK_JOB_TYPE_ACTIVE_COMMIT = 4,
    VIR_DOMAIN_BLOCK_JOB_TYPE_BACKUP = 5,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_BLOCK_JOB_TYPE_LAST,
}
pub type virDomainBlockJobType = _virDomainBlockJobType;

/// Flags of virDomainBlockJobAbort.
#[repr(C)]
pub enum _virDomainBlockJobAbortFlags {
    /// Do not wait for the end; an event tells of it.
    VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC = 1 << 0,
    /// Complete a ready copy or active commit by switching the disk over.
    VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT = 1 << 1,
}
pub type virDomainBlockJobAbortFlags = _virDomainBlockJobAbortFlags;

/// Flags of virDomainGetBlockJobInfo.
#[repr(C)]
pub enum _virDomainBlockJobInfoFlags {
    /// Report the limit in bytes per second rather than MiB per second.
    VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES = 1 << 0,
}
pub type virDomainBlockJobInfoFlags = _virDomainBlockJobInfoFlags;

/// Flags of virDomainBlockJobSetSpeed.
#[repr(C)]
pub enum _virDomainBlockJobSetSpeedFlags {
    /// The limit is in bytes per second rather than MiB per second.
    VIR_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES = 1 << 0,
}
pub type virDomainBlockJobSetSpeedFlags = _virDomainBlockJobSetSpeedFlags;

/// Flags of virDomainBlockPull.
#[repr(C)]
pub enum _virDomainBlockPullFlags {
    /// The limit is in bytes per second rather than MiB per second.
    VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES = 1 << 6,
}
pub type virDomainBlockPullFlags = _virDomainBlockPullFlags;

/// Flags of virDomainBlockRebase.
#[repr(C)]
pub enum _virDomainBlockRebaseFlags {
    /// Copy the top image only.
    VIR_DOMAIN_BLOCK_REBASE_SHALLOW = 1 << 0,
    /// The destination exists.
    VIR_DOMAIN_BLOCK_REBASE_REUSE_EXT = 1 << 1,
    /// Make the destination raw.
    VIR_DOMAIN_BLOCK_REBASE_COPY_RAW = 1 << 2,
    /// Copy rather than pull.
    VIR_DOMAIN_BLOCK_REBASE_COPY = 1 << 3,
    /// Keep backing names relative.
    VIR_DOMAIN_BLOCK_REBASE_RELATIVE = 1 << 4,
    /// The destination is a block device.
    VIR_DOMAIN_BLOCK_REBASE_COPY_DEV = 1 << 5,
    /// The limit is in bytes per second rather than MiB per second.
    VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES = 1 << 6,
}
pub type virDomainBlockRebaseFlags = _virDomainBlockRebaseFlags;

/// Flags of virDomainBlockCopy.
#[repr(C)]
pub enum _virDomainBlockCopyFlags {
    /// Copy the top image only.
    VIR_DOMAIN_BLOCK_COPY_SHALLOW = 1 << 0,
    /// The destination exists.
    VIR_DOMAIN_BLOCK_COPY_REUSE_EXT = 1 << 1,
    /// Do not insist on a job that survives a restart.
    VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB = 1 << 2,
    /// Guest writes reach the destination before they are acknowledged.
    VIR_DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES = 1 << 3,
}
pub type virDomainBlockCopyFlags = _virDomainBlockCopyFlags;

/// Flags of virDomainBlockCommit.
#[repr(C)]
pub enum _virDomainBlockCommitFlags {
    /// Commit one image, into the one below it.
    VIR_DOMAIN_BLOCK_COMMIT_SHALLOW = 1 << 0,
    /// Delete the images that are committed.
    VIR_DOMAIN_BLOCK_COMMIT_DELETE = 1 << 1,
    /// Allow the active image as top; such a job becomes ready and has to be finalized.
    VIR_DOMAIN_BLOCK_COMMIT_ACTIVE = 1 << 2,
    /// Keep backing names relative.
    VIR_DOMAIN_BLOCK_COMMIT_RELATIVE = 1 << 3,
    /// The limit is in bytes per second rather than MiB per second.
    VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES = 1 << 4,
}
pub type virDomainBlockCommitFlags = _virDomainBlockCommitFlags;

/// Flags of virDomainBackupBegin.
#[repr(C)]
pub enum _virDomainBackupBeginFlags {
    /// The target files exist.
    VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL = 1 << 0,
}
pub type virDomainBackupBeginFlags = _virDomainBackupBeginFlags;

/// A position of a block job.
pub type virDomainBlockJobCursor = c_ulonglong;

/// What virDomainGetBlockJobInfo returns.
#[repr(C)]
pub struct _virDomainBlockJobInfo {
    /// One of virDomainBlockJobType.
    pub r#type: c_int,
    /// The limit, in MiB or bytes per second as the flags asked for; 0 for none.
    pub bandwidth: c_ulong,
    /// Where it is, from 0 to end.
    pub cur: virDomainBlockJobCursor,
    pub end: virDomainBlockJobCursor,
}
pub type virDomainBlockJobInfo = _virDomainBlockJobInfo;
pub type virDomainBlockJobInfoPtr = *mut virDomainBlockJobInfo;
