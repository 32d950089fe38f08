//! The runs of a domain, with which its jobs end.
//!
//! An event tells that a run is over, and may come late: when libvirt has brought the domain back since, with other jobs.
//! So it is held against what libvirt says when it is asked: the number that it gives the domain for each run.

use std::sync::Arc;

use super::calls::{RealDomain, RealState};
use super::domain::{DomainJobs, Ties};
use crate::job::{Observation, Outcome};
use crate::model::domain::reason;
use crate::model::event::lifecycle;
use crate::model::{code, from, Error, JobType, Result};

/// Stands for the domain itself among the jobs that are gone while their last event has not come.
const DOMAIN: &str = "";

/// What is known of the run that a domain's jobs belong to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Run {
    /// libvirt's number for it; `None` if nothing depends on which one it is.
    id: Option<i32>,
    /// Its end, if that was heard of: or that of the run before.
    stopped: Option<Cause>,
}

/// A domain that there is, as libvirt has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Presence {
    pub state: RealState,
    /// Its number, if libvirt has told.
    pub id: Option<i32>,
}

/// Why a run is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cause {
    Shutdown,
    Destroyed,
    Crashed,
    Migrated,
    Saved,
    Unknown,
}

impl Cause {
    fn of_event(detail: i32) -> Cause {
        match detail {
            lifecycle::STOPPED_SHUTDOWN => Cause::Shutdown,
            lifecycle::STOPPED_DESTROYED => Cause::Destroyed,
            lifecycle::STOPPED_CRASHED | lifecycle::STOPPED_FAILED => Cause::Crashed,
            lifecycle::STOPPED_MIGRATED => Cause::Migrated,
            lifecycle::STOPPED_SAVED => Cause::Saved,
            _ => Cause::Unknown,
        }
    }

    fn of_state(state: RealState) -> Cause {
        match state.reason {
            reason::SHUTOFF_SHUTDOWN => Cause::Shutdown,
            reason::SHUTOFF_DESTROYED => Cause::Destroyed,
            reason::SHUTOFF_CRASHED | reason::SHUTOFF_FAILED => Cause::Crashed,
            reason::SHUTOFF_MIGRATED => Cause::Migrated,
            reason::SHUTOFF_SAVED => Cause::Saved,
            _ => Cause::Unknown,
        }
    }

    /// Whether it is how a job of this kind succeeds.
    fn completes(self, kind: JobType) -> bool {
        matches!((self, kind), (Cause::Saved, JobType::Save) | (Cause::Migrated, JobType::Migration))
    }

    fn text(self) -> &'static str {
        match self {
            Cause::Shutdown => "the domain was shut down",
            Cause::Destroyed => "the domain was destroyed",
            Cause::Crashed => "the domain ended unexpectedly",
            Cause::Migrated => "the domain was migrated",
            Cause::Saved => "the domain was saved",
            Cause::Unknown => "the domain does not run any more",
        }
    }
}

impl Ties {
    /// Whether an event with this number of the domain's is about another run.
    pub fn is_of_another_run(&self, id: i32) -> bool {
        id > 0 && self.run.id.is_some_and(|known| known != id)
    }
}

impl DomainJobs {
    /// A job is about to be started. Where there is no other, it does not matter which run was the last one seen.
    pub fn begins_anew(&self) {
        if !self.has_active() {
            self.ties.lock().run = Run::default();
        }
    }

    /// What has been heard of the end of a run, before the domain is asked for.
    pub fn heard_of_end(&self) -> Run {
        self.ties.lock().run
    }

    /// Takes in whether the domain runs; says whether what its jobs are now can be taken in. `heard`: what
    /// [`heard_of_end`](DomainJobs::heard_of_end) said before it was asked.
    ///
    /// # Errors
    /// `NO_DOMAIN` if it is gone and no job of it was known.
    pub fn sees(self: &Arc<Self>, domain: &RealDomain, seen: Option<Presence>, heard: Run) -> Result<bool> {
        let Some(Presence { state, id }) = seen else {
            if self.is_idle() {
                let name = self.identity().name;
                return Err(Error::new(code::NO_DOMAIN, format!("no domain with matching name '{name}'")).or_from(from::DOMAIN));
            }
            self.run_is_over(domain, Cause::Unknown);
            return Ok(false);
        };
        if !state.is_active() {
            self.run_is_over(domain, Cause::of_state(state));
            return Ok(false);
        }
        let known = self.ties.lock().run.id;
        if known.is_some() && id.is_some() && known != id && !self.run_is_over(domain, Cause::Unknown) {
            return Ok(false);
        }
        let mut ties = self.ties.lock();
        ties.missing.remove(DOMAIN);
        ties.run.id = id.or(ties.run.id);
        // It runs: what had been heard by then was about the run before.
        if ties.run.stopped == heard.stopped {
            ties.run.stopped = None;
        }
        Ok(true)
    }

    /// The run that the jobs belong to is over, says libvirt; says whether they have ended with it. Where events come in,
    /// those before its end may tell more of them.
    fn run_is_over(self: &Arc<Self>, domain: &RealDomain, cause: Cause) -> bool {
        let awaited = self.is_fed().is_some() && self.has_active();
        let cause = {
            let mut ties = self.ties.lock();
            let calling = ties.chief.as_ref().is_some_and(|chief| chief.calling);
            if awaited && !calling && ties.run.stopped.is_none() && !ties.is_overdue(DOMAIN) {
                return false;
            }
            ties.run.stopped.unwrap_or(cause)
        };
        self.end_run(domain, cause);
        true
    }

    fn end_run(self: &Arc<Self>, domain: &RealDomain, cause: Cause) {
        let chief = {
            let mut ties = self.ties.lock();
            ties.missing.remove(DOMAIN);
            ties.run = Run::default();
            ties.chief.clone().filter(|chief| cause.completes(chief.kind) && !chief.calling)
        };
        if let Some(chief) = chief.filter(|chief| self.is_running(&chief.name)) {
            self.expect_last_event(&chief.name, chief.kind, &Outcome::Completed);
            self.end(domain, &chief.name, chief.kind, Outcome::Completed);
        }
        if !self.ties.lock().leave_to_call(cause.text()) {
            self.observe(domain, Observation::Gone { reason: cause.text().to_owned() });
        }
    }

    /// An event says that the domain was started.
    pub fn run_begins(self: &Arc<Self>, domain: &RealDomain, id: i32) {
        let (another, cause) = {
            let mut ties = self.ties.lock();
            let restored = ties.chief.as_ref().is_some_and(|chief| chief.calling && chief.kind == JobType::Restore);
            let run = std::mem::take(&mut ties.run.stopped);
            (ties.is_of_another_run(id) && !restored, run.unwrap_or(Cause::Unknown))
        };
        if another {
            self.end_run(domain, cause);
        }
        self.observe(domain, Observation::Running);
    }

    /// An event says that the domain was stopped. Whether it has been started since is asked, if there is a job to lose.
    pub fn run_ends(self: &Arc<Self>, domain: &RealDomain, detail: i32) {
        let cause = Cause::of_event(detail);
        if self.has_active() {
            self.ties.lock().run.stopped = Some(cause);
            self.refresh_soon(domain);
        } else {
            self.end_run(domain, cause);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;

    use super::super::callbacks::Heard;
    use super::super::whole::JOB_COMPLETED;
    use super::*;
    use crate::job::JobConfig;
    use crate::model::{DomainRef, DomainState, JobState, TypedParam, TypedValue, Uuid};

    /// No library is behind it: nothing can be asked.
    fn nobody() -> RealDomain {
        RealDomain(std::ptr::null_mut())
    }

    fn jobs() -> Arc<DomainJobs> {
        let identity = DomainRef { name: "tried".to_owned(), uuid: Uuid([7; 16]), id: 1 };
        Arc::new(DomainJobs::new(identity, Weak::new()))
    }

    /// The domain is asked for, and runs under this number.
    fn seen(jobs: &Arc<DomainJobs>, id: i32, heard: Run) {
        let state = RealState { state: DomainState::Running as i32, reason: 1 };
        assert_eq!(jobs.sees(&nobody(), Some(Presence { state, id: Some(id) }), heard), Ok(true));
        jobs.observe(&nobody(), Observation::Running);
    }

    fn begun(jobs: &Arc<DomainJobs>, kind: JobType) -> String {
        jobs.begin(&nobody(), kind, JobConfig::default()).expect("nothing is in its way")
    }

    fn state_of(jobs: &DomainJobs, name: &str) -> Option<JobState> {
        jobs.table.read(|engine| engine.get(name).map(crate::job::Job::state))
    }

    fn hear(jobs: &Arc<DomainJobs>, event: i32, detail: i32) {
        jobs.heard(&nobody(), Heard::Lifecycle { event, detail });
    }

    #[test]
    fn a_late_stop_does_not_end_the_jobs_of_the_next_run() {
        let jobs = jobs();
        seen(&jobs, 1, Run::default());
        begun(&jobs, JobType::BlockPull);
        // It was saved and restored before the loop told of that.
        seen(&jobs, 2, jobs.heard_of_end());
        assert!(!jobs.has_active(), "what ran before has ended");
        let copy = begun(&jobs, JobType::BlockCopy);
        hear(&jobs, lifecycle::STOPPED, lifecycle::STOPPED_SAVED);
        assert_eq!(state_of(&jobs, &copy), Some(JobState::Running));
        seen(&jobs, 2, jobs.heard_of_end());
        jobs.run_begins(&nobody(), 2);
        assert_eq!(state_of(&jobs, &copy), Some(JobState::Running));
        assert_eq!(jobs.heard_of_end().stopped, None);
    }

    #[test]
    fn a_stop_ends_what_ran_before_the_next_start() {
        let jobs = jobs();
        seen(&jobs, 1, Run::default());
        begun(&jobs, JobType::BlockCopy);
        hear(&jobs, lifecycle::STOPPED, lifecycle::STOPPED_DESTROYED);
        jobs.run_begins(&nobody(), 2);
        assert!(!jobs.has_active());
    }

    #[test]
    fn a_stop_that_is_heard_of_while_it_is_asked_is_not_forgotten() {
        let jobs = jobs();
        seen(&jobs, 1, Run::default());
        begun(&jobs, JobType::BlockCopy);
        let before = jobs.heard_of_end();
        hear(&jobs, lifecycle::STOPPED, lifecycle::STOPPED_DESTROYED);
        seen(&jobs, 1, before);
        assert_eq!(jobs.heard_of_end().stopped, Some(Cause::Destroyed));
    }

    #[test]
    fn a_late_word_on_a_save_whose_end_is_known_is_not_about_the_next_one() {
        let jobs = jobs();
        let params = [TypedParam { field: "operation".to_owned(), value: TypedValue::Int(2) }];
        jobs.ties.lock().expected.push((JOB_COMPLETED, JobType::Save, std::time::Instant::now()));
        jobs.heard(&nobody(), Heard::JobCompleted { params: params.to_vec() });
        assert!(jobs.is_idle(), "no job begins");
        let next = begun(&jobs, JobType::Save);
        jobs.ties.lock().expected.push((JOB_COMPLETED, JobType::Save, std::time::Instant::now()));
        jobs.heard(&nobody(), Heard::JobCompleted { params: params.to_vec() });
        assert_eq!(state_of(&jobs, &next), Some(JobState::Running));
    }
}
