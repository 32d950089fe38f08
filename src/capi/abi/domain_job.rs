//! Section `domain_job`: the one domain job of the older API.

use std::ffi::{c_int, c_ulonglong};

/// The type of a job, in two families. The older one, of virDomainGetJobInfo and virDomainGetJobStats, says how a job
/// is measured or ended; that of the TYPE names, used wherever a job has a name, says what it does.
#[cfg(VIRT_JOBS_FOR_C)] // a Rust enum cannot have two names for one number
#[repr(C)]
pub enum _virDomainJobType {
    /// No job.
    VIR_DOMAIN_JOB_NONE = 0,
    /// A job that knows how much there is to do.
    VIR_DOMAIN_JOB_BOUNDED = 1,
    /// A job without a known end.
    VIR_DOMAIN_JOB_UNBOUNDED = 2,
    /// It has completed.
    VIR_DOMAIN_JOB_COMPLETED = 3,
    /// It has failed.
    VIR_DOMAIN_JOB_FAILED = 4,
    /// It was aborted.
    VIR_DOMAIN_JOB_CANCELLED = 5,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_JOB_LAST,
    /// No type.
    VIR_DOMAIN_JOB_TYPE_NONE = 0,
    /// The domain moves to another host.
    VIR_DOMAIN_JOB_TYPE_MIGRATION = 1,
    /// A disk takes over what its backing images hold.
    VIR_DOMAIN_JOB_TYPE_BLOCK_PULL = 2,
    /// A disk is copied, and kept in step with its copy until finalized or aborted.
    VIR_DOMAIN_JOB_TYPE_BLOCK_COPY = 3,
    /// Backing images are merged into one below them.
    VIR_DOMAIN_JOB_TYPE_BLOCK_COMMIT = 4,
    /// The active image is merged into one below it, and kept in step until finalized or aborted.
    VIR_DOMAIN_JOB_TYPE_BLOCK_COMMIT_ACTIVE = 5,
    /// Disks are backed up as they were at one moment.
    VIR_DOMAIN_JOB_TYPE_BLOCK_BACKUP = 6,
    /// An image is created.
    VIR_DOMAIN_JOB_TYPE_BLOCK_CREATE = 7,
    /// Options of an image are changed.
    VIR_DOMAIN_JOB_TYPE_BLOCK_AMEND = 8,
    /// The domain is saved to a file and stopped.
    VIR_DOMAIN_JOB_TYPE_SAVE = 9,
    /// The domain is restored from a file.
    VIR_DOMAIN_JOB_TYPE_RESTORE = 10,
    /// Guest memory is written to a file.
    VIR_DOMAIN_JOB_TYPE_DUMP = 11,
    /// A snapshot is taken.
    VIR_DOMAIN_JOB_TYPE_SNAPSHOT = 12,
    /// The domain goes back to a snapshot.
    VIR_DOMAIN_JOB_TYPE_SNAPSHOT_REVERT = 13,
    /// A snapshot is deleted.
    VIR_DOMAIN_JOB_TYPE_SNAPSHOT_DELETE = 14,
    /// The domain arrives from another host.
    VIR_DOMAIN_JOB_TYPE_MIGRATION_IN = 15,
    /// A kind of job that this version does not know; it can be listed and controlled all the same.
    VIR_DOMAIN_JOB_TYPE_OTHER = 16,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_JOB_TYPE_LAST,
}
#[cfg(VIRT_JOBS_FOR_C)]
pub type virDomainJobType = _virDomainJobType;

/// Which operation a domain job of the older API stands for.
#[repr(C)]
pub enum _virDomainJobOperation {
    VIR_DOMAIN_JOB_OPERATION_UNKNOWN = 0,
    VIR_DOMAIN_JOB_OPERATION_START = 1,
    VIR_DOMAIN_JOB_OPERATION_SAVE = 2,
    VIR_DOMAIN_JOB_OPERATION_RESTORE = 3,
    VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN = 4,
    VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT = 5,
    VIR_DOMAIN_JOB_OPERATION_SNAPSHOT = 6,
    VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_REVERT = 7,
    VIR_DOMAIN_JOB_OPERATION_DUMP = 8,
    VIR_DOMAIN_JOB_OPERATION_BACKUP = 9,
    VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_DELETE = 10,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_JOB_OPERATION_LAST,
}
pub type virDomainJobOperation = _virDomainJobOperation;

/// Flags of virDomainGetJobStats.
#[repr(C)]
pub enum _virDomainGetJobStatsFlags {
    /// Statistics of the last completed job rather than the current one.
    VIR_DOMAIN_JOB_STATS_COMPLETED = 1 << 0,
    /// Leave them in place for the next call.
    VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED = 1 << 1,
}
pub type virDomainGetJobStatsFlags = _virDomainGetJobStatsFlags;

/// Flags of virDomainAbortJobFlags.
#[repr(C)]
pub enum _virDomainAbortJobFlagsValues {
    /// Interrupt a migration in its post-copy phase.
    VIR_DOMAIN_ABORT_JOB_POSTCOPY = 1 << 0,
}
pub type virDomainAbortJobFlagsValues = _virDomainAbortJobFlagsValues;

/// What virDomainGetJobInfo returns; times in milliseconds, sizes in bytes.
#[repr(C)]
pub struct _virDomainJobInfo {
    /// One of VIR_DOMAIN_JOB_NONE to VIR_DOMAIN_JOB_CANCELLED.
    pub r#type: c_int,
    pub timeElapsed: c_ulonglong,
    /// Of bounded jobs only.
    pub timeRemaining: c_ulonglong,
    pub dataTotal: c_ulonglong,
    pub dataProcessed: c_ulonglong,
    pub dataRemaining: c_ulonglong,
    /// Guest memory alone.
    pub memTotal: c_ulonglong,
    pub memProcessed: c_ulonglong,
    pub memRemaining: c_ulonglong,
    /// Disks alone.
    pub fileTotal: c_ulonglong,
    pub fileProcessed: c_ulonglong,
    pub fileRemaining: c_ulonglong,
}
pub type virDomainJobInfo = _virDomainJobInfo;
pub type virDomainJobInfoPtr = *mut virDomainJobInfo;
