//! Which jobs may not run beside each other. The rules are libvirt's; PARALLEL lifts those that are libvirt's alone.

use super::engine::StartRequest;
use super::job::{Job, Origin};
use crate::model::time::iso8601;
use crate::model::{code, Error, JobType, Result};

/// Refuses a start if one of `present` (jobs that have not ended, reserved ones included) is in its way.
pub(super) fn check<'a>(request: &StartRequest, mut present: impl Iterator<Item = &'a Job>) -> Result<()> {
    match present.find_map(|job| conflict(request, job)) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn conflict(request: &StartRequest, job: &Job) -> Option<Error> {
    if moves_memory(request.kind) && moves_memory(job.kind) {
        return Some(Error::new(code::OPERATION_INVALID, format!("another job is active: {}", who(job))));
    }
    if request.parallel {
        return None;
    }
    if request.kind == JobType::BlockBackup && job.kind == JobType::BlockBackup && job.origin == Origin::Own {
        return Some(Error::new(code::OPERATION_TIMEOUT, format!("another backup is active: {}", who(job))));
    }
    // Of what somebody else started libvirt would know nothing either: there the hypervisor decides.
    if !holds_disk(request.kind) || !holds_disk(job.kind) || job.origin == Origin::Foreign {
        return None;
    }
    let disk = request.config.disks.iter().find(|disk| job.config.disks.contains(disk))?;
    let code = if job.kind.becomes_ready() { code::BLOCK_COPY_ACTIVE } else { code::OPERATION_UNSUPPORTED };
    Some(Error::new(code, format!("disk '{disk}' already in active block job: {}", who(job))))
}

/// One of these at a time, whatever the flags: they all move the guest's memory.
fn moves_memory(kind: JobType) -> bool {
    matches!(
        kind,
        JobType::Migration
            | JobType::MigrationIn
            | JobType::Save
            | JobType::Restore
            | JobType::Dump
            | JobType::Snapshot
            | JobType::SnapshotRevert
    )
}

/// Types that libvirt allows once per disk.
fn holds_disk(kind: JobType) -> bool {
    matches!(kind, JobType::BlockPull | JobType::BlockCopy | JobType::BlockCommit | JobType::BlockCommitActive | JobType::BlockBackup)
}

/// The job in the way, for people: name, type, and since when.
pub(super) fn who(job: &Job) -> String {
    format!("'{}' ({}, since {})", job.name, job.kind, iso8601(job.started.wall_ms))
}
