//! One job, as the engine keeps it.

use std::ops::{Deref, DerefMut};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{HypStatus, JobConfig, JobStats, Moment, Outcome};
use crate::model::{JobState, JobType, Now};

/// Who started a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// This library, in this process or an earlier one.
    Own,
    /// Somebody else: another monitor, a script, an older client.
    Foreign,
}

/// How a running job was asked to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Ending {
    /// Cancelled; the hypervisor will say so itself.
    Cancel,
    /// A ready mirror ended without pivot: the hypervisor calls that success, its user an abort.
    Soft,
    /// A ready mirror made the disk's source.
    Pivot,
}

/// Where a job stands between its start and its place in the list of finished ones.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Its name is taken, the hypervisor has not shown it yet.
    Reserved,
    /// The hypervisor has it.
    Live,
    /// Its outcome is known; the driver is releasing what it held.
    Settling(Outcome),
    /// Its final event is out.
    Ended,
    /// Its user has dismissed it, and the hypervisor is to do so, too.
    Dismissed,
}

/// A long-running operation of one domain. A listing of thousands of jobs looks at these few members alone, which lie one
/// behind the other in memory; everything else is a step away.
#[derive(Clone, Debug)]
pub struct Job {
    /// Short ones, as nearly all are, lie in here, too.
    pub(super) name: CompactString,
    pub(super) phase: Phase,
    pub(super) kind: JobType,
    pub(super) state: JobState,
    pub(super) origin: Origin,
    pub(super) serial: u64,
    pub(super) details: Box<Details>,
}

/// What is known of a job besides.
#[derive(Clone, Debug, Default)]
pub struct Details {
    pub(super) hyp_id: String,
    /// Whether its RUNNING event is out. A job of unknown type waits for the hypervisor to tell the type.
    pub(super) announced: bool,
    /// Whether the hypervisor's listing names it.
    pub(super) listed: bool,
    pub(super) persist: bool,
    pub(super) config: JobConfig,
    pub(super) stats: JobStats,
    /// The limit now in force, in bytes per second.
    pub(super) speed: u64,
    pub(super) error: Option<String>,
    pub(super) started: Now,
    pub(super) finished: Option<Now>,
    /// The hypervisor's last word on its status.
    pub(super) status: HypStatus,
    /// What was said about its end before it ended.
    pub(super) outcome: Option<Outcome>,
    pub(super) saw_aborting: bool,
    pub(super) ending: Option<Ending>,
    /// The reply to the command that starts it is still to come: it says whether there is a job to speak of.
    pub(super) launching: bool,
    /// How it ended before that reply.
    pub(super) early_end: Option<Outcome>,
    /// It failed to start: the older events know no such job.
    pub(super) stillborn: bool,
    /// How an earlier process meant to end it; whether the hypervisor was asked to is not known.
    pub(super) recalled: Option<Ending>,
    /// How many requests to end it stand, that is, have not been refused.
    pub(super) enders: u32,
    /// The older READY event is out; a pause and resume does not repeat it.
    pub(super) was_ready: bool,
    /// The hypervisor still has it, although it ended, and waits for a dismiss.
    pub(super) held: bool,
    /// An earlier process learned its outcome, and may not have come to release what it held.
    pub(super) unsettled: bool,
    /// When an event or a reply last told of it.
    pub(super) heard: Moment,
}

impl Deref for Job {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.details
    }
}

impl DerefMut for Job {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.details
    }
}

impl Job {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the hypervisor calls it.
    pub fn hypervisor_id(&self) -> &str {
        &self.hyp_id
    }

    pub fn kind(&self) -> JobType {
        self.kind
    }

    pub fn state(&self) -> JobState {
        self.state
    }

    pub fn origin(&self) -> Origin {
        self.origin
    }

    pub fn config(&self) -> &JobConfig {
        &self.config
    }

    pub fn stats(&self) -> &JobStats {
        &self.stats
    }

    /// The limit now in force, in bytes per second; 0 is none.
    pub fn speed(&self) -> u64 {
        self.speed
    }

    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    pub fn started(&self) -> Now {
        self.started
    }

    pub fn finished(&self) -> Option<Now> {
        self.finished
    }

    /// Whether it stays listed after its end until DISMISS.
    pub fn is_persistent(&self) -> bool {
        self.persist
    }

    /// The first disk that it works on.
    pub fn disk(&self) -> Option<&str> {
        self.config.disks.first().map(String::as_str)
    }

    /// Whether it has been seen on the hypervisor and has not ended.
    pub fn is_active(&self) -> bool {
        matches!(self.phase, Phase::Live | Phase::Settling(_))
    }

    /// Whether the hypervisor has said how it ended, while its final event is still to come.
    pub fn is_settling(&self) -> bool {
        matches!(self.phase, Phase::Settling(_))
    }

    /// Whether the hypervisor names it in its listing.
    pub fn is_listed_by_hypervisor(&self) -> bool {
        self.listed
    }

    /// How it ends, once that is known.
    pub fn outcome(&self) -> Option<Outcome> {
        match (&self.phase, self.state) {
            (Phase::Settling(outcome), _) => Some(outcome.clone()),
            (_, JobState::Completed) => Some(Outcome::Completed),
            (_, JobState::Aborted) => Some(Outcome::Aborted),
            (_, JobState::Failed) => Some(Outcome::Failed(self.error.clone().unwrap_or_default())),
            _ => None,
        }
    }

    /// Whether it belongs into a listing.
    pub fn is_listed(&self) -> bool {
        !matches!(self.phase, Phase::Reserved | Phase::Dismissed)
    }

    /// Whether it may be in the way of another one.
    pub(super) fn is_present(&self) -> bool {
        !matches!(self.phase, Phase::Ended | Phase::Dismissed)
    }

    /// How it is believed to end.
    pub(super) fn effective_ending(&self) -> Option<Ending> {
        self.ending.or(self.recalled)
    }

    /// It is asked to end. How was decided by the first request that stands.
    pub(super) fn end_by(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
        self.enders += 1;
    }

    /// Milliseconds that it has run, or ran.
    pub fn elapsed_ms(&self, now: Now) -> u64 {
        self.finished.unwrap_or(now).mono_ms.saturating_sub(self.started.mono_ms)
    }
}
