//! Pausing, resuming and ending a domain.

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::MutexGuard;
use serde_json::{json, Value};

use super::domain::{QemuDomain, TURN};
use super::hub::Hub;
use super::monitor::sys;
use super::paths::VmPaths;
use super::process;
use super::translate::text;
use crate::job::Observation;
use crate::model::domain::reason;
use crate::model::event::{lifecycle, Payload};
use crate::model::{code, DomainState, Error, Result};

/// `VIR_DOMAIN_DESTROY_GRACEFUL`.
const DESTROY_GRACEFUL: u32 = 1 << 0;
/// How long a QEMU may take to flush its images and leave.
const QUIT_PATIENCE: Duration = Duration::from_secs(10);

impl QemuDomain {
    pub(super) fn suspend(&self) -> Result<()> {
        self.require_alive()?;
        self.await_guest()?;
        // A job that stops the guest lets it go on at its end, whoever else wants it stopped.
        self.await_turn_to_stop()?;
        if self.inner.lock().state == DomainState::Shutdown {
            return Err(Error::invalid("domain is not running"));
        }
        self.call("stop", json!({})).map(drop)
    }

    pub(super) fn resume(&self) -> Result<()> {
        self.require_alive()?;
        self.await_turn()?;
        if self.inner.lock().state == DomainState::Running {
            return Err(Error::invalid("domain is already running"));
        }
        self.await_guest()?;
        self.call("cont", json!({})).map(drop)
    }

    pub(super) fn reset(&self) -> Result<()> {
        self.require_alive()?;
        self.await_guest()?;
        self.await_turn()?;
        let _only = self.between_resets()?;
        self.refuse_if_dumping()?;
        self.reset_guest()
    }

    /// For a reset, and for the beginning of a dump of the memory: what a reset finds out about dumps must hold until it is
    /// done.
    ///
    /// # Errors
    /// `OPERATION_TIMEOUT` if another call takes longer than half a minute.
    pub(super) fn between_resets(&self) -> Result<MutexGuard<'_, ()>> {
        let late = || Error::new(code::OPERATION_TIMEOUT, "cannot acquire state change lock: another call resets or dumps the guest");
        self.resets.try_lock_for(TURN).ok_or_else(late)
    }

    pub(super) fn reset_guest(&self) -> Result<()> {
        let status = self.call("query-status", json!({}))?;
        self.note_reset(&status);
        self.call("system_reset", json!({})).map(drop)
    }

    /// Takes in the run state in which a reset finds the guest.
    pub(super) fn note_reset(&self, status: &Value) {
        if text(status, "status") == Some("postmigrate") {
            self.inner.lock().handed_over = true;
        }
    }

    /// Refuses a migration that QEMU would not survive.
    pub(super) fn refuse_if_handed_over(&self) -> Result<()> {
        if self.inner.lock().handed_over {
            return Err(Error::invalid("the guest has been saved or dumped and reset since it last ran; it has to be resumed first"));
        }
        Ok(())
    }

    /// A reset during a dump of the memory ends QEMU. Somebody else may have started the dump.
    fn refuse_if_dumping(&self) -> Result<()> {
        // A storage daemon has no dumps.
        let dump = self.call("query-dump", json!({})).unwrap_or_default();
        match text(&dump, "status") {
            Some("active") => Err(Error::invalid("the memory of the domain is being dumped: QEMU would not survive a reset")),
            _ => Ok(()),
        }
    }

    pub(super) fn shutdown(&self, _flags: u32) -> Result<()> {
        self.require_alive()?;
        self.await_guest()?;
        self.await_turn()?;
        self.call("system_powerdown", json!({})).map(drop)
    }

    /// Ends QEMU: politely, then by force. Returns when it is gone.
    pub(super) fn destroy(self: &Arc<Self>, flags: u32) -> Result<()> {
        self.require_alive()?;
        self.inner.lock().destroying = true;
        self.end(flags & DESTROY_GRACEFUL != 0)
    }

    /// Ends QEMU since a job is done with it. Returns when it is gone.
    pub(super) fn leave_for(self: &Arc<Self>, reason: i32, detail: i32) -> Result<()> {
        self.inner.lock().leaving = Some((reason, detail));
        self.end(false)
    }

    fn end(self: &Arc<Self>, graceful: bool) -> Result<()> {
        let reason = self.inner.lock().end_reason().to_owned();
        self.observe(Observation::Going { reason });
        self.post("quit", json!({}), |_| {});
        if self.wait_until_gone(QUIT_PATIENCE) {
            return Ok(());
        }
        if graceful {
            return Err(Error::new(
                code::OPERATION_FAILED,
                format!("QEMU of domain '{}' did not leave in {} s", self.me.name, QUIT_PATIENCE.as_secs()),
            ));
        }
        let cannot = || Error::failed(format!("QEMU of domain '{}' (process {}) cannot be ended", self.me.name, self.me.id));
        process::end(self.process.as_ref().ok_or_else(cannot)?)?;
        self.monitor()?.close();
        if self.wait_until_gone(QUIT_PATIENCE) {
            return Ok(());
        }
        Err(cannot())
    }

    fn wait_until_gone(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let gone = self.table.wait_until(deadline, |_| self.left.load(Ordering::Acquire))
            && self.process.as_ref().is_none_or(|process| process.wait(deadline));
        if let Some(hub) = self.hub.upgrade().filter(|_| gone) {
            hub.sweep();
        }
        gone
    }

    /// QEMU is gone and its jobs have ended: tells the subscribers, and leaves the hub unless records are kept.
    pub(super) fn leave(self: &Arc<Self>) {
        let ((state_reason, detail), unborn) = {
            let inner = self.inner.lock();
            let unborn = inner.unborn && !inner.destroying;
            let how = match (inner.destroying, inner.shutdown_seen, inner.state) {
                _ if inner.leaving.is_some() && !inner.destroying => inner.leaving.unwrap_or_default(),
                (true, _, _) => (reason::SHUTOFF_DESTROYED, lifecycle::STOPPED_DESTROYED),
                (_, true, _) => (reason::SHUTOFF_SHUTDOWN, lifecycle::STOPPED_SHUTDOWN),
                (_, _, DomainState::Crashed) => (reason::SHUTOFF_CRASHED, lifecycle::STOPPED_CRASHED),
                _ => (reason::SHUTOFF_FAILED, lifecycle::STOPPED_FAILED),
            };
            (how, unborn)
        };
        self.inner.lock().enter(DomainState::Shutoff, state_reason);
        self.alive.store(false, Ordering::Release);
        self.forget_if_empty();
        if !unborn {
            self.emit(Payload::Lifecycle { event: lifecycle::STOPPED, detail });
        }
        self.left.store(true, Ordering::Release);
        // Wakes those who wait for the end.
        self.table.wake();
    }

    /// A domain that has ended is kept as long as records of its jobs are.
    pub(super) fn forget_if_empty(self: &Arc<Self>) {
        if self.alive.load(Ordering::Acquire) || !self.table.read(|engine| engine.is_empty()) {
            return;
        }
        if let Some(hub) = self.hub.upgrade() {
            // What is still to be removed would be found, and taken for that of a domain that was lost.
            self.records.write();
            hub.remove(self);
            hub.sweep_up(self);
        }
    }

    /// What a domain leaves in its directory; the log of one that we started stays for those who ask why it ended. Says
    /// whether that is done. A process on its way out has its files still, and one that only its connection has left is
    /// there to be found again.
    pub(super) fn remove_files(&self, hub: &Hub) -> bool {
        if self.process.as_ref().is_some_and(|process| !process.is_gone()) {
            return false;
        }
        if sys::is_served(&self.records.socket()) {
            // Another process has started one of this name since, or the kernel has not come to close it.
            return false;
        }
        self.snapshots.clear();
        self.records.remove_all();
        if let Some(dir) = hub.directory().ok().filter(|_| self.ours) {
            if let Ok(paths) = VmPaths::new(dir, &self.me.name) {
                paths.remove();
            }
        }
        true
    }
}
