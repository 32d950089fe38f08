//! What moves the guest's memory: migration, save and dump are one mechanism of QEMU's, which has one of them at a time, gives
//! it no name and lists it nowhere.

mod course;
mod direct;
mod dump;
mod file;
pub(super) mod incoming;
mod out;
mod pump;
mod reading;
pub(super) mod restore;
mod save;
pub(super) mod save_image;
mod turns;

pub(super) use turns::is_own_backup;

use serde_json::{Map, Value};

use crate::job::{JobConfig, Outcome};
use crate::model::domain::reason;
use crate::model::event::lifecycle;
use crate::model::JobType;

/// What is known of a domain's migrations.
#[derive(Default)]
pub(super) struct Migrations {
    /// The one that is on its way.
    pub course: Option<Course>,
    /// The limit of migrations to come in bytes per second; 0 is none.
    pub speed: u64,
    /// The image that a guest is read from.
    pub source: Option<restore::Source>,
}

/// The job that QEMU's events and answers on "the migration" are about.
#[derive(Clone, Debug)]
pub(in crate::driver::qemu) struct Course {
    pub job: String,
    pub kind: JobType,
    /// How QEMU is asked about it.
    pub question: &'static str,
    /// Its caller waits for it and sees to what follows from its outcome.
    pub awaited: bool,
    /// QEMU's parameters that were changed for it, as they were.
    pub before: Map<String, Value>,
    /// Its user has given it up, and QEMU is going to call that a failure.
    pub aborted: bool,
    /// What is in an image has been read.
    pub loaded: bool,
}

/// The id of a migration that somebody else started: QEMU gives it none, and may have a job that is called "migration".
const FOREIGN: &str = "migration:";
/// How QEMU is asked about migrations of all kinds, and about a dump that is none.
const QUERY_MIGRATE: &str = "query-migrate";
const QUERY_DUMP: &str = "query-dump";

impl Course {
    fn of(job: &str, kind: JobType, config: &JobConfig, awaited: bool) -> Course {
        let question = if config.has_option(MEMORY_ONLY) { QUERY_DUMP } else { QUERY_MIGRATE };
        Course { job: job.to_owned(), kind, question, awaited, before: Map::new(), aborted: false, loaded: false }
    }

    /// Somebody else started it, or has to: it may take as long as it likes, and not tell what it does.
    fn is_of_others(&self) -> bool {
        self.job == FOREIGN || self.kind == JobType::MigrationIn
    }

    /// Whether what QEMU says of its last migration or dump may be about an earlier one: the client that was to begin this is
    /// gone.
    fn may_be_another(&self) -> bool {
        let goes_out = matches!(self.kind, JobType::Save | JobType::Dump | JobType::Migration);
        goes_out && !self.awaited && self.job != FOREIGN
    }

    /// Why the guest is paused, and the detail of the event, when it stops on the way.
    pub fn pauses(&self) -> (i32, i32) {
        match self.kind {
            JobType::Save => (reason::PAUSED_SAVE, lifecycle::SUSPENDED_PAUSED),
            JobType::Dump => (reason::PAUSED_DUMP, lifecycle::SUSPENDED_PAUSED),
            JobType::Migration => (reason::PAUSED_MIGRATION, lifecycle::SUSPENDED_MIGRATED),
            _ => (reason::PAUSED_USER, lifecycle::SUSPENDED_PAUSED),
        }
    }

    /// Why the guest runs that goes on after it was stopped on the way.
    pub fn resumes(&self) -> i32 {
        match self.kind {
            JobType::Save => reason::RUNNING_SAVE_CANCELED,
            JobType::Migration => reason::RUNNING_MIGRATION_CANCELED,
            _ => reason::RUNNING_UNPAUSED,
        }
    }
}

/// Words of a job's options that say what is to follow.
const MEMORY_ONLY: &str = "memory-only";
const CRASH: &str = "crash";
const RESET: &str = "reset";
/// The guest ran, and goes on when the job is over, if it is still there.
pub(super) const RESUME: &str = "resume";

/// What becomes of the guest when the job is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Aftermath {
    Nothing,
    Resume,
    /// `true`: and resumed.
    Reset(bool),
    /// QEMU ends: `virDomainShutoffReason` and the detail of the event.
    Leave(i32, i32),
}

impl Aftermath {
    fn of(kind: JobType, config: &JobConfig, outcome: &Outcome) -> Aftermath {
        match (kind, *outcome == Outcome::Completed) {
            (JobType::Save, true) => Aftermath::Leave(reason::SHUTOFF_SAVED, lifecycle::STOPPED_SAVED),
            (JobType::Migration, true) => Aftermath::Leave(reason::SHUTOFF_MIGRATED, lifecycle::STOPPED_MIGRATED),
            (JobType::Dump, true) if config.has_option(CRASH) => Aftermath::Leave(reason::SHUTOFF_CRASHED, lifecycle::STOPPED_CRASHED),
            (JobType::Dump, true) if config.has_option(RESET) => Aftermath::Reset(config.has_option(RESUME)),
            (JobType::Restore, false) => Aftermath::Leave(reason::SHUTOFF_FAILED, lifecycle::STOPPED_FAILED),
            _ if config.has_option(RESUME) => Aftermath::Resume,
            _ => Aftermath::Nothing,
        }
    }
}
