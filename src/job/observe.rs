//! What drivers tell the engine, and what it answers.

use serde::{Deserialize, Serialize};

use super::legacy::OlderEvent;
use super::order::Moment;
use super::stats::{DiskStats, MigrationStats, Progress};
use crate::model::{JobState, JobType};

/// A hypervisor's own word for the status of a job. QEMU's set; other drivers use the part that fits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub enum HypStatus {
    #[default]
    Created,
    Running,
    Paused,
    Ready,
    Standby,
    Waiting,
    Pending,
    Aborting,
    Concluded,
    Null,
    /// A word that this version does not know.
    Unknown,
}

impl HypStatus {
    /// Each of them, in the order of a job's life.
    pub const ALL: &[HypStatus] = &[
        HypStatus::Created,
        HypStatus::Running,
        HypStatus::Paused,
        HypStatus::Ready,
        HypStatus::Standby,
        HypStatus::Waiting,
        HypStatus::Pending,
        HypStatus::Aborting,
        HypStatus::Concluded,
        HypStatus::Null,
        HypStatus::Unknown,
    ];

    /// Reads QEMU's `JobStatus`.
    pub fn parse(word: &str) -> HypStatus {
        match word {
            "created" => HypStatus::Created,
            "running" => HypStatus::Running,
            "paused" => HypStatus::Paused,
            "ready" => HypStatus::Ready,
            "standby" => HypStatus::Standby,
            "waiting" => HypStatus::Waiting,
            "pending" => HypStatus::Pending,
            "aborting" => HypStatus::Aborting,
            "concluded" => HypStatus::Concluded,
            "null" => HypStatus::Null,
            _ => HypStatus::Unknown,
        }
    }
}

/// How a job ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Outcome {
    Completed,
    Aborted,
    Failed(String),
}

impl Outcome {
    pub fn state(&self) -> JobState {
        match self {
            Outcome::Completed => JobState::Completed,
            Outcome::Aborted => JobState::Aborted,
            Outcome::Failed(_) => JobState::Failed,
        }
    }

    pub fn error(&self) -> Option<&str> {
        match self {
            Outcome::Failed(text) => Some(text),
            _ => None,
        }
    }
}

/// One job in the hypervisor's own listing.
#[derive(Clone, PartialEq, Debug)]
pub struct Listed {
    pub id: String,
    /// [`JobType::Other`] for a type that is not known here.
    pub kind: JobType,
    pub status: HypStatus,
    pub progress: Progress,
    pub error: Option<String>,
}

/// Something that a driver saw.
#[derive(Clone, PartialEq, Debug)]
pub enum Observation {
    /// The hypervisor announced a change of status. A hint: it may announce pauses that nobody asked for.
    Status { id: String, status: HypStatus },
    /// The hypervisor announced how a job ends; the end itself is still to come.
    Outcome { id: String, kind: Option<JobType>, outcome: Outcome },
    /// A reading of a job's position.
    Progress { id: String, progress: Progress },
    /// Figures of a migration, save or dump.
    Migration { id: String, stats: MigrationStats },
    /// Progress of each disk of a job that works on several.
    Disks { id: String, disks: Vec<DiskStats> },
    /// The reply to a question for all jobs of the hypervisor: what is not in it is gone.
    Listing(Vec<Listed>),
    /// The same from a hypervisor that may have announced something since it put the reply together. `asked`: what
    /// [`Engine::moment`](super::Engine::moment) said when the question was sent.
    Answer { asked: Moment, jobs: Vec<Listed> },
    /// The reply to a question for one job alone: as sure as a listing, and says nothing about the others.
    Shown(Listed),
    /// The same for what the hypervisor does not name in its listing. An id that the driver made up ends with [`MADE_UP`].
    Unlisted(Listed),
    /// The domain is about to end: what it cancels from now on has failed for this reason.
    Going { reason: String },
    /// The domain runs, perhaps again: what was said about its end no longer holds.
    Running,
    /// The domain ended or its monitor broke: nothing more will be heard of any job.
    Gone { reason: String },
}

/// At the end of an id that is none of the hypervisor's: one of those may be what is before it.
pub const MADE_UP: char = ':';

/// What is to be done about an observation, in this order.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Tell the subscribers of JOB_STATE. `error`: why it failed.
    State { name: String, kind: JobType, state: JobState, error: Option<String> },
    /// Tell the subscribers of the older block job events.
    Older(OlderEvent),
    /// The hint is not enough: ask the hypervisor for its listing and hand it in.
    Confirm,
    /// The outcome of this job is known: release what it held, make the hypervisor forget it, then call
    /// [`Engine::settled`](super::Engine::settled).
    Settle { name: String, id: String, outcome: Outcome },
    /// The record of this job changed and must be stored before what follows is done.
    Store { name: String },
    /// The record of this job is no longer wanted.
    Forget { name: String },
}
