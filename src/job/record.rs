//! What is written down about a job, so that another process can go on where this one stopped.

use serde::{Deserialize, Serialize};

use super::job::{Details, Ending, Job, Origin, Phase};
use super::{HypStatus, JobConfig, JobStats, Outcome};
use crate::model::{JobState, JobType, Now};

/// A job in plain values.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct JobRecord {
    pub name: String,
    pub id: String,
    /// `virDomainJobType` by name.
    pub kind: String,
    pub persist: bool,
    /// Whether the hypervisor names it in its listing.
    #[serde(default = "yes")]
    pub listed: bool,
    #[serde(default)]
    pub config: JobConfig,
    #[serde(default)]
    pub stats: JobStats,
    /// How it is asked to end, where the hypervisor's word on its end will not tell.
    #[serde(default)]
    pub ending: Option<Ending>,
    /// How it ended; absent while it runs.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// What it held has been released, and its end has been told.
    #[serde(default)]
    pub settled: bool,
    /// Milliseconds since the epoch.
    pub started: u64,
    #[serde(default)]
    pub finished: Option<u64>,
}

impl JobRecord {
    /// The record of a job.
    pub fn of(job: &Job) -> JobRecord {
        JobRecord {
            name: job.name.to_string(),
            id: job.hyp_id.clone(),
            kind: job.kind.as_str().to_owned(),
            persist: job.persist,
            listed: job.listed,
            config: job.config.clone(),
            stats: job.stats.clone(),
            ending: job.effective_ending().filter(|ending| *ending == Ending::Soft),
            outcome: job.outcome(),
            settled: job.phase == Phase::Ended,
            started: job.started.wall_ms,
            finished: job.finished.map(|n| n.wall_ms),
        }
    }

    /// The job that this record describes, seen at `now`; `None` if its type is not one.
    pub(super) fn revive(self, serial: u64, now: Now) -> Option<Job> {
        let kind = JobType::from_name(&self.kind)?;
        let started = at_wall(self.started, now);
        let ended = self.outcome.clone().filter(|_| self.settled);
        let phase = match (&self.outcome, self.settled) {
            (None, _) => Phase::Live,
            (Some(_), true) => Phase::Ended,
            (Some(outcome), false) => Phase::Settling(outcome.clone()),
        };
        let finished = self.outcome.as_ref().map(|_| at_wall(self.finished.unwrap_or(now.wall_ms), now).max(started));
        let unsettled = matches!(phase, Phase::Settling(_));
        Some(Job {
            serial,
            name: self.name.into(),
            kind,
            origin: Origin::Own,
            state: ended.as_ref().map_or(JobState::Running, Outcome::state),
            phase,
            details: Box::new(Details {
                hyp_id: self.id,
                announced: true,
                listed: self.listed,
                persist: self.persist,
                speed: self.config.bandwidth,
                config: self.config,
                stats: self.stats,
                error: ended.as_ref().and_then(|outcome| outcome.error().map(str::to_owned)),
                started,
                finished,
                status: HypStatus::Unknown,
                outcome: self.outcome,
                recalled: self.ending,
                unsettled,
                ..Details::default()
            }),
        })
    }
}

fn yes() -> bool {
    true
}

/// A wall clock time of another process on this process's monotonic clock. The clock may have been set back since; nothing
/// that was written down is yet to come.
fn at_wall(wall_ms: u64, now: Now) -> Now {
    let wall_ms = wall_ms.min(now.wall_ms);
    Now { mono_ms: now.mono_ms.saturating_sub(now.wall_ms - wall_ms), wall_ms }
}
