//! QEMU's words for jobs, in the engine's terms, for every driver that hears them. No I/O: recorded conversations can be replayed through it.

use serde_json::Value;

use crate::job::{HypStatus, Listed, Observation, Outcome, Progress};
use crate::model::JobType;

/// The type of job that QEMU means by a `JobType` word.
pub fn kind_of(word: &str) -> JobType {
    match word {
        "stream" => JobType::BlockPull,
        "mirror" => JobType::BlockCopy,
        "commit" => JobType::BlockCommit,
        "backup" => JobType::BlockBackup,
        "create" => JobType::BlockCreate,
        "amend" => JobType::BlockAmend,
        "snapshot-save" => JobType::Snapshot,
        "snapshot-load" => JobType::SnapshotRevert,
        "snapshot-delete" => JobType::SnapshotDelete,
        _ => JobType::Other,
    }
}

/// What an event says about jobs, in order. Events with parts missing say nothing.
pub fn observations(name: &str, data: &Value) -> Vec<Observation> {
    match name {
        "JOB_STATUS_CHANGE" => match (id_of(data, "id"), text(data, "status")) {
            (Some(id), Some(status)) => vec![Observation::Status { id: id.to_owned(), status: HypStatus::parse(status) }],
            _ => Vec::new(),
        },
        "BLOCK_JOB_COMPLETED" => {
            let outcome = text(data, "error").map_or(Outcome::Completed, |error| Outcome::Failed(error.to_owned()));
            over(data, outcome)
        }
        "BLOCK_JOB_CANCELLED" => over(data, Outcome::Aborted),
        "BLOCK_JOB_READY" => position(data).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn over(data: &Value, outcome: Outcome) -> Vec<Observation> {
    let Some(id) = id_of(data, "device") else { return Vec::new() };
    let end = Observation::Outcome { id: id.to_owned(), kind: text(data, "type").map(kind_of), outcome };
    position(data).into_iter().chain([end]).collect()
}

fn position(data: &Value) -> Option<Observation> {
    let progress = Progress { current: number(data, "offset"), end: number(data, "len"), speed: Some(number(data, "speed")) };
    Some(Observation::Progress { id: id_of(data, "device")?.to_owned(), progress })
}

/// Reads the reply to `query-jobs`; entries without an id are passed over.
pub fn listing(reply: &Value) -> Vec<Listed> {
    let entry = |job: &Value| {
        Some(Listed {
            id: id_of(job, "id")?.to_owned(),
            kind: kind_of(text(job, "type").unwrap_or_default()),
            status: HypStatus::parse(text(job, "status").unwrap_or_default()),
            progress: Progress { current: number(job, "current-progress"), end: number(job, "total-progress"), speed: None },
            error: text(job, "error").map(str::to_owned),
        })
    };
    reply.as_array().into_iter().flatten().filter_map(entry).collect()
}

/// The longest id that is taken for one: ids are remembered, and a monitor can make up any number of them.
const MAX_ID: usize = 1024;

/// The id of a job. One that is empty names none, and neither does one that C could not be told.
fn id_of<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    text(value, key).filter(|id| !id.is_empty() && id.len() <= MAX_ID && !id.contains('\0'))
}

/// A count; 0 where QEMU gives none, or one that cannot be a count.
pub fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or(0)
}

/// A string member.
pub fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}
