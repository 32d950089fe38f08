//! A QEMU that a guest comes into: by a migration, which is a job of this domain from the moment at which the QEMU that waits
//! for it is seen, or from a save image.

use std::sync::Arc;

use serde_json::json;

use super::reading::{Reading, Status};
use super::Course;
use crate::driver::qemu::clock::now;
use crate::driver::qemu::domain::QemuDomain;
use crate::driver::qemu::paths::VmPaths;
use crate::driver::qemu::process;
use crate::job::{Job, JobConfig, Observation, Outcome, StartRequest, MADE_UP};
use crate::model::domain::reason;
use crate::model::event::{lifecycle, Payload};
use crate::model::{code, DomainState, Error, JobType, Result};
use crate::qmp::CallError;
use crate::xml::domain::DomainDef;

/// Whether a domain is configured to wait for a migration.
pub(in crate::driver::qemu) fn waits_for_migration(def: &DomainDef) -> bool {
    incoming(def).is_some()
}

/// Where a domain is configured to wait for a migration.
fn incoming(def: &DomainDef) -> Option<&str> {
    let at = def.qemu_args.iter().position(|argument| matches!(argument.as_str(), "-incoming" | "--incoming"))?;
    Some(def.qemu_args.get(at + 1).map_or("", String::as_str))
}

/// Whether a job brings a guest in.
pub(super) fn is_arrival(kind: JobType) -> bool {
    matches!(kind, JobType::Restore | JobType::MigrationIn)
}

impl QemuDomain {
    /// The migration that a domain of ours was started for is a job of ours.
    pub(super) fn expect_guest(self: &Arc<Self>) {
        let uri = incoming(&self.inner.lock().def).filter(|uri| uri.contains(':')).map(str::to_owned);
        let config = JobConfig { uri, ..JobConfig::default() };
        let request = StartRequest { listed: false, ..StartRequest::new(JobType::MigrationIn, config.clone()) };
        self.update_jobs(|engine, out| {
            let Ok(reserved) = engine.reserve(request, now(), out) else { return };
            self.inner.lock().migrations.course = Some(Course::of(&reserved.name, JobType::MigrationIn, &config, false));
            engine.started(&reserved.name, now(), out);
        });
    }

    /// Until the guest is there, nothing can be done with it but to give it up. One that is read from an image is waited for,
    /// one that is somewhere else is not: it may never come.
    ///
    /// # Errors
    /// `OPERATION_TIMEOUT`, as where libvirt has waited in vain.
    pub(in crate::driver::qemu) fn await_guest(&self) -> Result<()> {
        let arriving = |job: &&Job| job.is_active() && is_arrival(job.kind());
        let found = self.table.read(|engine| engine.iter().find(arriving).map(|job| (job.name().to_owned(), job.kind())));
        match found {
            Some((name, JobType::MigrationIn)) => {
                let detail = format!("cannot acquire state change lock: the guest is not there before job '{name}' is over");
                Err(Error::new(code::OPERATION_TIMEOUT, detail))
            }
            Some(_) => self.await_turn(),
            None => Ok(()),
        }
    }

    /// A migration has come in.
    pub(super) fn guest_arrived(self: &Arc<Self>) {
        let mut inner = self.inner.lock();
        inner.resume_reason = reason::RUNNING_UNPAUSED;
        // That it runs was told before.
        if inner.state != DomainState::Paused {
            return;
        }
        inner.enter(DomainState::Paused, reason::PAUSED_USER);
        drop(inner);
        self.emit(Payload::Lifecycle { event: lifecycle::SUSPENDED, detail: lifecycle::SUSPENDED_PAUSED });
    }

    /// Why a domain ended whose guest was on its way in; `None` for any other.
    pub(in crate::driver::qemu) fn why_nobody_arrived(&self) -> Option<String> {
        let kind = self.inner.lock().migrations.course.as_ref().map(|course| course.kind).filter(|kind| is_arrival(*kind))?;
        let what = if kind == JobType::Restore { "the saved guest" } else { "the migration" };
        let hub = self.hub.upgrade().filter(|_| self.ours);
        let paths = hub.and_then(|hub| VmPaths::new(hub.directory().ok()?, &self.me.name).ok());
        Some(match paths {
            Some(paths) => format!("QEMU ended and could not take {what} in: {}", process::last_words(&paths)),
            None => format!("QEMU ended and could not take {what} in"),
        })
    }

    /// Gives up what is on its way in. There is no command for that: a QEMU without a guest is of no use and ends.
    ///
    /// # Errors
    /// `OPERATION_INVALID` if the guest has arrived.
    pub(in crate::driver::qemu) fn abort_arrival(self: &Arc<Self>, id: &str, kind: JobType) -> Result<()> {
        let known = {
            let mut inner = self.inner.lock();
            inner.migrations.course.as_mut().filter(|course| course.job == id && !course.loaded).map(|course| course.aborted = true)
        };
        known.ok_or_else(|| Error::invalid(format!("job '{}' has ended", id.trim_end_matches(MADE_UP))))?;
        let ended = if kind == JobType::Restore { self.end_by_force() } else { self.drop_migration() };
        if ended.is_err() {
            if let Some(course) = self.inner.lock().migrations.course.as_mut().filter(|course| course.job == id) {
                course.aborted = false;
            }
        }
        ended
    }

    /// QEMU may be too busy with the image to be asked. The guest is in the image, too.
    fn end_by_force(&self) -> Result<()> {
        self.inner.lock().leaving = Some((reason::SHUTOFF_FAILED, lifecycle::STOPPED_FAILED));
        match &self.process {
            Some(process) => process.signal(libc::SIGKILL),
            None => self.call("quit", json!({})).map(drop),
        }
    }

    /// A guest that has arrived meanwhile must not be harmed: it may be nowhere else. So the connection is broken, which
    /// makes a migration fail that has not completed; a QEMU that nobody has connected to can be told to leave.
    fn drop_migration(self: &Arc<Self>) -> Result<()> {
        let reply = self.call("query-migrate", json!({}))?;
        match Reading::of_migration(&reply).status {
            Status::None | Status::Setup => {
                self.inner.lock().leaving = Some((reason::SHUTOFF_FAILED, lifecycle::STOPPED_FAILED));
                self.post("quit", json!({}), |_| {});
                Ok(())
            }
            Status::Over(_) => Err(Error::invalid("the migration is over")),
            _ => match self.monitor()?.call("yank", json!({ "instances": [{ "type": "migration" }] })) {
                Err(CallError::Qmp { desc, .. }) => Err(Error::invalid(desc)),
                answer => answer.map(drop).map_err(Error::from),
            },
        }
    }

    /// How an arrival ended that its user may have given up.
    pub(super) fn outcome_of_arrival(&self, course: &Course, outcome: Outcome) -> Outcome {
        let inner = self.inner.lock();
        let aborted = inner.migrations.course.as_ref().is_some_and(|now| now.job == course.job && now.aborted);
        match outcome {
            Outcome::Failed(_) if aborted => Outcome::Aborted,
            outcome => outcome,
        }
    }

    /// The end of QEMU is the end of what came in: tells the engine before it hears of the other.
    pub(in crate::driver::qemu) fn note_lost_arrival(self: &Arc<Self>) {
        let course = self.inner.lock().migrations.course.clone().filter(|course| is_arrival(course.kind) && course.aborted);
        let Some(course) = course else { return };
        self.report(&course.job, vec![Observation::Outcome { id: course.job.clone(), kind: None, outcome: Outcome::Aborted }]);
    }
}
