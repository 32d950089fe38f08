//! What the older block job API and its events see of a job.

use super::job::{Job, Origin};
use crate::model::event::{block_status, block_type as number};
use crate::model::{JobState, JobType};

/// A BLOCK_JOB / BLOCK_JOB_2 event; the driver adds what the disk's source is called at that moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OlderEvent {
    /// The name of the job.
    pub job: String,
    pub disk: String,
    /// `virDomainBlockJobType`.
    pub kind: i32,
    /// `virConnectDomainEventBlockJobStatus`.
    pub status: i32,
}

/// The number that the older API has for a type, if it knows such jobs.
pub fn block_type(kind: JobType) -> Option<i32> {
    match kind {
        JobType::BlockPull => Some(number::PULL),
        JobType::BlockCopy => Some(number::COPY),
        JobType::BlockCommit => Some(number::COMMIT),
        JobType::BlockCommitActive => Some(number::ACTIVE_COMMIT),
        JobType::BlockBackup => Some(number::BACKUP),
        _ => None,
    }
}

/// The older events that go with a job entering `state`: one for each disk of a job of ours, on READY and at the end.
pub(super) fn older_events(job: &Job, state: JobState) -> Vec<OlderEvent> {
    let status = match state {
        JobState::Ready if job.kind.becomes_ready() => block_status::READY,
        JobState::Completed => block_status::COMPLETED,
        JobState::Failed => block_status::FAILED,
        JobState::Aborted => block_status::CANCELED,
        _ => return Vec::new(),
    };
    match block_type(job.kind) {
        Some(kind) if job.origin == Origin::Own => {
            job.config.disks.iter().map(|disk| OlderEvent { job: job.name.to_string(), disk: disk.clone(), kind, status }).collect()
        }
        _ => Vec::new(),
    }
}
