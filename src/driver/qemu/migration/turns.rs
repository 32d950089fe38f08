//! Waiting until the job is over that is in the way: the domain's own job is one at a time.

use std::sync::Arc;
use std::time::Instant;

use super::Course;
use crate::driver::qemu::clock::now;
use crate::driver::qemu::domain::{QemuDomain, TURN};
use crate::job::{Engine, Job, Origin, StartRequest};
use crate::model::flags::JOB_START_PARALLEL;
use crate::model::{code, Error, JobType, Result};

impl QemuDomain {
    /// Takes a name as soon as the domain's job is over that is in the way, like libvirt for half a minute at most.
    pub(in crate::driver::qemu) fn reserve_in_turn(self: &Arc<Self>, request: StartRequest) -> Result<String> {
        let deadline = Instant::now() + TURN;
        // What somebody else started may take as long as it likes.
        let foreign = || self.inner.lock().migrations.course.as_ref().is_some_and(Course::is_of_others);
        // With PARALLEL it is for QEMU to say what goes with a backup.
        let waits = !request.parallel && matches!(request.kind, JobType::Migration | JobType::Save | JobType::Dump);
        let backup = |engine: &Engine| engine.unfinished().find(|job| waits && is_own_backup(job)).map(|job| job.name().to_owned());
        loop {
            let free = |engine: &Engine| foreign() || backup(engine).is_none() && engine.admits(&request).is_ok();
            let free = self.table.wait_until(deadline, free);
            self.require_still_there()?;
            if let Some(name) = self.table.read(backup).filter(|_| !foreign()) {
                if free {
                    continue;
                }
                return Err(held_by_job(&name));
            }
            match self.update_jobs(|engine, out| engine.reserve(request.clone(), now(), out)) {
                Ok(reserved) => return Ok(reserved.name),
                Err(error) if foreign() => return Err(error),
                // Somebody else was quicker.
                Err(_) if free => {}
                Err(error) => return Err(held_by(&error)),
            }
        }
    }

    /// Waits until no job of ours holds the guest, for what must not come between.
    pub(in crate::driver::qemu) fn await_turn(&self) -> Result<()> {
        self.await_turn_beside(|_| false)
    }

    /// The same for what goes with a migration: its guest may be stopped, and arrives so.
    pub(in crate::driver::qemu) fn await_turn_to_stop(&self) -> Result<()> {
        self.await_turn_beside(|course| course.kind == JobType::Migration)
    }

    fn await_turn_beside(&self, harmless: impl Fn(&Course) -> bool) -> Result<()> {
        let in_the_way = |course: &&Course| !course.is_of_others() && !harmless(course);
        let holder = || self.inner.lock().migrations.course.as_ref().filter(in_the_way).map(|course| course.job.clone());
        let free = self.table.wait_until(Instant::now() + TURN, |_| holder().is_none());
        self.require_still_there()?;
        match holder() {
            Some(job) if !free => Err(held_by_job(&job)),
            _ => Ok(()),
        }
    }

    /// Waits until no backup of ours is on its way, for what libvirt has wait for one, unless PARALLEL is among the flags.
    pub(in crate::driver::qemu) fn await_backups(&self, flags: u32) -> Result<()> {
        if flags & JOB_START_PARALLEL != 0 {
            return Ok(());
        }
        let backup = |engine: &Engine| engine.unfinished().find(|job| is_own_backup(job)).map(|job| job.name().to_owned());
        let free = self.table.wait_until(Instant::now() + TURN, |engine| backup(engine).is_none());
        self.require_still_there()?;
        match self.table.read(backup) {
            Some(job) if !free => Err(held_by_job(&job)),
            _ => Ok(()),
        }
    }

    /// For a call that has waited: the domain may have ended with the job that was in the way.
    ///
    /// # Errors
    /// `NO_DOMAIN` if nothing of it is kept, otherwise `OPERATION_INVALID`.
    fn require_still_there(&self) -> Result<()> {
        self.require_alive().map_err(|error| {
            let kept = self.table.read(|engine| engine.iter().any(Job::is_persistent));
            if kept {
                return error;
            }
            Error::no_domain(format!("no domain with matching uuid '{}' ({})", self.me.uuid, self.me.name))
        })
    }
}

/// Whether it is a backup that libvirt would know of: it counts as the one job that a domain may have.
pub(in crate::driver::qemu) fn is_own_backup(job: &Job) -> bool {
    job.kind() == JobType::BlockBackup && job.origin() == Origin::Own
}

/// libvirt's error for a call whose turn does not come.
pub(super) fn held_by(error: &Error) -> Error {
    Error::new(code::OPERATION_TIMEOUT, format!("cannot acquire state change lock: {}", error.detail))
}

fn held_by_job(name: &str) -> Error {
    held_by(&Error::invalid(format!("another job is active: '{name}'")))
}
