//! Section `flags`: flags of the job calls, and those that every call that starts a job takes.

use std::ffi::c_uint;

/// For every call that starts a job: lift what only libvirt's own rules forbid, such as a second job on one disk.
/// Migration, save, restore and dump exclude each other all the same.
pub const VIR_DOMAIN_JOB_START_PARALLEL: c_uint = 1 << 29;
/// For every call that starts a job: keep it listed after its end, with state, statistics and error, until DISMISS.
pub const VIR_DOMAIN_JOB_START_PERSIST: c_uint = 1 << 30;

/// VIR_DOMAIN_JOB_START_PARALLEL among the flags of virDomainBlockPull.
pub const VIR_DOMAIN_BLOCK_PULL_PARALLEL_JOB: c_uint = VIR_DOMAIN_JOB_START_PARALLEL;
/// VIR_DOMAIN_JOB_START_PERSIST among the flags of virDomainBlockPull.
pub const VIR_DOMAIN_BLOCK_PULL_PERSIST_JOB: c_uint = VIR_DOMAIN_JOB_START_PERSIST;
/// VIR_DOMAIN_JOB_START_PARALLEL among the flags of virDomainBlockRebase.
pub const VIR_DOMAIN_BLOCK_REBASE_PARALLEL_JOB: c_uint = VIR_DOMAIN_JOB_START_PARALLEL;
/// VIR_DOMAIN_JOB_START_PERSIST among the flags of virDomainBlockRebase.
pub const VIR_DOMAIN_BLOCK_REBASE_PERSIST_JOB: c_uint = VIR_DOMAIN_JOB_START_PERSIST;
/// VIR_DOMAIN_JOB_START_PARALLEL among the flags of virDomainBlockCopy.
pub const VIR_DOMAIN_BLOCK_COPY_PARALLEL_JOB: c_uint = VIR_DOMAIN_JOB_START_PARALLEL;
/// VIR_DOMAIN_JOB_START_PERSIST among the flags of virDomainBlockCopy.
pub const VIR_DOMAIN_BLOCK_COPY_PERSIST_JOB: c_uint = VIR_DOMAIN_JOB_START_PERSIST;
/// VIR_DOMAIN_JOB_START_PARALLEL among the flags of virDomainBlockCommit.
pub const VIR_DOMAIN_BLOCK_COMMIT_PARALLEL_JOB: c_uint = VIR_DOMAIN_JOB_START_PARALLEL;
/// VIR_DOMAIN_JOB_START_PERSIST among the flags of virDomainBlockCommit.
pub const VIR_DOMAIN_BLOCK_COMMIT_PERSIST_JOB: c_uint = VIR_DOMAIN_JOB_START_PERSIST;
/// VIR_DOMAIN_JOB_START_PARALLEL among the flags of virDomainBackupBegin.
pub const VIR_DOMAIN_BACKUP_BEGIN_PARALLEL_JOB: c_uint = VIR_DOMAIN_JOB_START_PARALLEL;
/// VIR_DOMAIN_JOB_START_PERSIST among the flags of virDomainBackupBegin.
pub const VIR_DOMAIN_BACKUP_BEGIN_PERSIST_JOB: c_uint = VIR_DOMAIN_JOB_START_PERSIST;
/// VIR_DOMAIN_JOB_START_PARALLEL among the flags of the calls that save and restore.
pub const VIR_DOMAIN_SAVE_PARALLEL_JOB: c_uint = VIR_DOMAIN_JOB_START_PARALLEL;
/// VIR_DOMAIN_JOB_START_PERSIST among the flags of the calls that save and restore.
pub const VIR_DOMAIN_SAVE_PERSIST_JOB: c_uint = VIR_DOMAIN_JOB_START_PERSIST;
/// VIR_DOMAIN_JOB_START_PARALLEL among the flags of the calls that dump memory.
pub const VIR_DUMP_PARALLEL_JOB: c_uint = VIR_DOMAIN_JOB_START_PARALLEL;
/// VIR_DOMAIN_JOB_START_PERSIST among the flags of the calls that dump memory.
pub const VIR_DUMP_PERSIST_JOB: c_uint = VIR_DOMAIN_JOB_START_PERSIST;
/// VIR_DOMAIN_JOB_START_PARALLEL among the flags of the migration calls.
pub const VIR_MIGRATE_PARALLEL_JOB: c_uint = VIR_DOMAIN_JOB_START_PARALLEL;
/// VIR_DOMAIN_JOB_START_PERSIST among the flags of the migration calls.
pub const VIR_MIGRATE_PERSIST_JOB: c_uint = VIR_DOMAIN_JOB_START_PERSIST;
/// VIR_DOMAIN_JOB_START_PARALLEL among the flags of virDomainSnapshotCreateXML.
pub const VIR_DOMAIN_SNAPSHOT_CREATE_PARALLEL_JOB: c_uint = VIR_DOMAIN_JOB_START_PARALLEL;
/// VIR_DOMAIN_JOB_START_PERSIST among the flags of virDomainSnapshotCreateXML.
pub const VIR_DOMAIN_SNAPSHOT_CREATE_PERSIST_JOB: c_uint = VIR_DOMAIN_JOB_START_PERSIST;
/// VIR_DOMAIN_JOB_START_PARALLEL among the flags of virDomainRevertToSnapshot.
pub const VIR_DOMAIN_SNAPSHOT_REVERT_PARALLEL_JOB: c_uint = VIR_DOMAIN_JOB_START_PARALLEL;
/// VIR_DOMAIN_JOB_START_PERSIST among the flags of virDomainRevertToSnapshot.
pub const VIR_DOMAIN_SNAPSHOT_REVERT_PERSIST_JOB: c_uint = VIR_DOMAIN_JOB_START_PERSIST;
/// VIR_DOMAIN_JOB_START_PARALLEL among the flags of virDomainSnapshotDelete.
pub const VIR_DOMAIN_SNAPSHOT_DELETE_PARALLEL_JOB: c_uint = VIR_DOMAIN_JOB_START_PARALLEL;
/// VIR_DOMAIN_JOB_START_PERSIST among the flags of virDomainSnapshotDelete.
pub const VIR_DOMAIN_SNAPSHOT_DELETE_PERSIST_JOB: c_uint = VIR_DOMAIN_JOB_START_PERSIST;

/// Flags of virDomainJobList and virConnectListAllDomainJobs. Of each pair of opposites, none set means both.
#[repr(C)]
pub enum _virDomainJobListFlags {
    /// Jobs that have not ended.
    VIR_DOMAIN_JOB_LIST_ACTIVE = 1 << 0,
    /// Jobs that have ended and wait to be dismissed.
    VIR_DOMAIN_JOB_LIST_FINISHED = 1 << 1,
    /// Jobs of the BLOCK types.
    VIR_DOMAIN_JOB_LIST_BLOCK = 1 << 2,
    /// Jobs of the other types.
    VIR_DOMAIN_JOB_LIST_DOMAIN = 1 << 3,
    /// Describe each job with fresh figures, which may have to be asked for.
    VIR_DOMAIN_JOB_LIST_STATS = 1 << 4,
    /// Add the job's XML document, without statistics.
    VIR_DOMAIN_JOB_LIST_XML = 1 << 5,
}
pub type virDomainJobListFlags = _virDomainJobListFlags;

/// Flags of virDomainJobGetXMLDesc.
#[repr(C)]
pub enum _virDomainJobXMLFlags {
    /// No statistics; the hypervisor is not asked for anything.
    VIR_DOMAIN_JOB_XML_NO_STATS = 1 << 0,
}
pub type virDomainJobXMLFlags = _virDomainJobXMLFlags;
