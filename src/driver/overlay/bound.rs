//! A domain's jobs through one handle of the real library.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{json, Value};

use super::calls::{forget_error, RealDomain};
use super::domain::DomainJobs;
use super::line::command;
use crate::driver::clock::now;
use crate::driver::request::ListFilter;
use crate::driver::Jobs;
use crate::job::{Action, HypStatus, Job};
use crate::model::flags::abort;
use crate::model::{code, ControlOp, Error, JobState, JobType, Result};
use crate::xml::job::job_xml;

/// How often a wait looks again, at first and later.
const LOOK: Duration = Duration::from_millis(20);
const LOOK_AT_MOST: Duration = Duration::from_millis(500);

/// How long it may take until a job that was asked to pause does, and until a domain that fails is gone.
const SETTLES: Duration = Duration::from_secs(2);

/// A domain's jobs, and the handle by which they are asked for.
#[derive(Clone)]
pub(super) struct Bound {
    pub domain: RealDomain,
    pub jobs: Arc<DomainJobs>,
}

/// What is known of a job that is to be controlled.
struct Subject {
    kind: JobType,
    state: JobState,
    listed: bool,
    /// QEMU's id.
    id: String,
    /// The disk, if libvirt keeps track of the job.
    disk: Option<String>,
    /// The parts of a backup, by QEMU's ids.
    members: Option<Vec<String>>,
}

impl Jobs for Bound {
    fn list_jobs(&self, filter: ListFilter, sink: &mut dyn FnMut(&Job)) -> Result<()> {
        self.jobs.refresh(&self.domain, filter.stats())?;
        self.jobs.table.list(filter, sink);
        Ok(())
    }

    fn job_xml(&self, name: &str, with_stats: bool) -> Result<String> {
        let describe = || self.jobs.table.read(|engine| engine.get(name).map(|job| job_xml(job, now(), with_stats)));
        let over = self.jobs.table.read(|engine| engine.get(name).is_some_and(|job| job.state().is_final()));
        match describe().filter(|_| over || !with_stats) {
            Some(document) => Ok(document),
            None => {
                self.jobs.refresh(&self.domain, with_stats)?;
                describe().ok_or_else(|| Error::no_job(name))
            }
        }
    }

    fn control_job(&self, name: &str, op: ControlOp) -> Result<()> {
        if op != ControlOp::Dismiss {
            self.jobs.refresh(&self.domain, false)?;
        }
        let subject = self.subject(name);
        if op == ControlOp::Pause && subject.as_ref().is_some_and(|subject| subject.state == JobState::Ready) {
            return Err(ready_cannot_pause(name));
        }
        let action = self.jobs.update(&self.domain, |engine, out| engine.control(name, op, out))?;
        let Some(subject) = subject else { return Ok(()) };
        if matches!(action, Action::Cancel { .. }) {
            self.jobs.ties.lock().aborted.insert(name.to_owned());
        }
        let (bound, asked, name_of) = (self.clone(), action.clone(), name.to_owned());
        let result = self.jobs.line.bounded(self.domain.connect()?, move || bound.act(&name_of, &subject, &asked));
        if let Err(error) = &result {
            if error.code != code::OPERATION_TIMEOUT {
                self.jobs.update(&self.domain, |engine, out| engine.control_refused(name, &action, out));
                self.jobs.ties.lock().aborted.remove(name);
            }
        }
        result
    }

    fn set_job_speed(&self, name: &str, bytes_per_s: u64) -> Result<()> {
        self.jobs.refresh(&self.domain, false)?;
        let subject = self.subject(name).ok_or_else(|| Error::no_job(name))?;
        if subject.state.is_final() {
            return Err(Error::invalid(format!("job '{name}' has ended")));
        }
        let bound = self.clone();
        self.jobs.line.bounded(self.domain.connect()?, move || bound.set_speed(&subject, bytes_per_s))?;
        self.jobs.update(&self.domain, |engine, _| engine.speed_set(name, bytes_per_s));
        Ok(())
    }

    /// Needs no loop: it looks again and again, unless events wake it.
    fn wait_job(&self, name: &str, states: u32, timeout: Option<Duration>) -> Result<Option<JobState>> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let (mut pause, mut failing) = (LOOK, None);
        loop {
            self.look_for(name, &mut failing)?;
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let now = left.map_or(pause, |left| left.min(pause));
            if let Some(state) = self.jobs.table.wait(name, states, Some(now))? {
                return Ok(Some(state));
            }
            if left.is_some_and(|left| left <= now) {
                return Ok(None);
            }
            pause = (pause * 2).min(LOOK_AT_MOST);
        }
    }
}

/// A job that is ready must not be paused: when libvirt is asked to make its copy the disk's source then, it waits for the
/// job for ever, and every other call for the domain with it.
fn ready_cannot_pause(name: &str) -> Error {
    Error::unsupported(format!("job '{name}' is ready, and libvirt could not finalize it while it is paused"))
}

/// Whether QEMU limits the speed of jobs of this type.
pub fn has_limit(kind: JobType) -> bool {
    kind.is_block() && !matches!(kind, JobType::BlockCreate | JobType::BlockAmend)
}

impl Bound {
    /// Looks how the jobs are, for somebody who waits for one of them. A domain that ends fails in more than one way before it is
    /// known to be gone, and then it cannot be asked any more; but how its jobs ended is remembered. `failing`: since when.
    fn look_for(&self, name: &str, failing: &mut Option<Instant>) -> Result<()> {
        let before = Instant::now();
        let Err(error) = self.jobs.refresh(&self.domain, false) else {
            *failing = None;
            return Ok(());
        };
        let since = *failing.get_or_insert(before);
        match self.jobs.table.wait(name, 0, Some(Duration::ZERO)) {
            Ok(None) if since.elapsed() >= SETTLES => Err(error),
            Ok(_) => {
                forget_error();
                Ok(())
            }
            Err(_) => Err(error),
        }
    }

    fn subject(&self, name: &str) -> Option<Subject> {
        let (id, kind, state, listed) = self.jobs.table.read(|engine| {
            engine.get(name).map(|job| (job.hypervisor_id().to_owned(), job.kind(), job.state(), job.is_listed_by_hypervisor()))
        })?;
        let ties = self.jobs.ties.lock();
        let disk = ties.tracked.get(name).map(|tracked| tracked.disk.clone());
        let parts = |backup: &super::domain::Backup| {
            backup.members.iter().filter(|(_, (status, _))| *status != HypStatus::Concluded).map(|(id, _)| id.clone()).collect()
        };
        let members = ties.backup.as_ref().filter(|backup| backup.name == name).map(parts);
        Some(Subject { kind, state, listed, id: ties.qemu_id(&id), disk, members })
    }

    fn set_speed(&self, subject: &Subject, bytes_per_s: u64) -> Result<()> {
        match (&subject.disk, &subject.members) {
            (Some(disk), _) => self.domain.block_job_set_speed(disk, bytes_per_s)?,
            (None, Some(members)) if !members.is_empty() => {
                members.iter().try_for_each(|id| self.ask("block-job-set-speed", json!({ "device": id, "speed": bytes_per_s })))?;
            }
            _ if subject.listed && has_limit(subject.kind) => {
                self.ask("block-job-set-speed", json!({ "device": subject.id, "speed": bytes_per_s }))?;
            }
            _ => return Err(Error::unsupported(format!("a job of type '{}' has no limit that could be set", subject.kind))),
        }
        Ok(())
    }

    fn act(&self, name: &str, subject: &Subject, action: &Action) -> Result<()> {
        let id = &subject.id;
        match action {
            Action::Cancel { .. } if !subject.listed => {
                self.wake_members(subject)?;
                self.domain.abort_job()
            }
            Action::Cancel { .. } => {
                // libvirt's request would be refused while it is paused, whoever did that.
                self.wake(subject)?;
                match &subject.disk {
                    Some(disk) => self.domain.block_job_abort(disk, abort::ASYNC),
                    None => self.ask("job-cancel", json!({ "id": id })),
                }
            }
            Action::Complete { .. } => match &subject.disk {
                Some(disk) => self.domain.block_job_abort(disk, abort::PIVOT | abort::ASYNC),
                None => self.ask("job-complete", json!({ "id": id })),
            },
            Action::Finalize { .. } => self.ask("job-finalize", json!({ "id": id })),
            Action::Pause { .. } => match &subject.members {
                Some(members) => members.iter().try_for_each(|id| self.ask("job-pause", json!({ "id": id }))),
                None => self.pause(name, subject),
            },
            Action::Resume { .. } => match &subject.members {
                Some(members) => members.iter().try_for_each(|id| self.ask("job-resume", json!({ "id": id }))),
                None => self.ask("job-resume", json!({ "id": id })),
            },
            Action::Dismiss { .. } => self.ask("job-dismiss", json!({ "id": id })),
            Action::Nothing => Ok(()),
        }
    }

    /// Pauses a job. One that got ready before the request took effect goes on at once.
    fn pause(&self, name: &str, subject: &Subject) -> Result<()> {
        self.ask("job-pause", json!({ "id": subject.id }))?;
        if !matches!(subject.kind, JobType::BlockCopy | JobType::BlockCommit | JobType::BlockCommitActive) {
            return Ok(());
        }
        let deadline = Instant::now() + SETTLES;
        while Instant::now() < deadline {
            match self.status_of(&subject.id)? {
                Some(HypStatus::Running) => std::thread::sleep(LOOK),
                Some(HypStatus::Standby) => {
                    self.ask("job-resume", json!({ "id": subject.id }))?;
                    return Err(ready_cannot_pause(name));
                }
                _ => break,
            }
        }
        Ok(())
    }

    /// Lets a job go on if it is paused.
    fn wake(&self, subject: &Subject) -> Result<()> {
        if subject.state != JobState::Paused {
            return Ok(());
        }
        match self.ask("job-resume", json!({ "id": subject.id })) {
            Err(error) if error.code == code::OPERATION_INVALID => Ok(()),
            result => result,
        }
    }

    fn wake_members(&self, subject: &Subject) -> Result<()> {
        for id in subject.members.iter().flatten().filter(|_| subject.state == JobState::Paused) {
            match self.ask("job-resume", json!({ "id": id })) {
                Err(error) if error.code != code::OPERATION_INVALID => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn status_of(&self, id: &str) -> Result<Option<HypStatus>> {
        let reply = command(&self.domain, "query-jobs", Value::Null)?;
        Ok(crate::driver::translate::listing(&reply).into_iter().find(|job| job.id == id).map(|job| job.status))
    }

    fn ask(&self, verb: &str, arguments: Value) -> Result<()> {
        if !self.domain.access()?.monitor {
            return Err(Error::unsupported(format!("'{verb}' takes the monitor of a QEMU")));
        }
        command(&self.domain, verb, arguments).map(drop)
    }
}
