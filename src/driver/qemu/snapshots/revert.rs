//! Going back to a snapshot of the whole domain.
//!
//! libvirt ends QEMU and starts it anew from the snapshot. Here QEMU loads the snapshot as it runs, so its jobs and monitors
//! stay; what is told of the domain is the same.

use std::sync::atomic::Ordering;
use std::sync::Arc;

use serde_json::json;

use super::option;
use super::store::Snapshot;
use crate::driver::qemu::domain::QemuDomain;
use crate::model::domain::reason;
use crate::model::event::{lifecycle, Payload};
use crate::model::flags::JOB_START_PARALLEL;
use crate::model::{code, DomainState, Error, JobType, Result};
use crate::xml::snapshot::Location;

/// `virDomainSnapshotRevertFlags`.
const RUNNING: u32 = 1 << 0;
const PAUSED: u32 = 1 << 1;

/// Failures that QEMU finds before it touches anything, by their words.
const HARMLESS: &[&str] = &["does not exist", "does not support snapshots", "No block device", "disk-only snapshot", "not available"];

impl QemuDomain {
    /// `virDomainRevertToSnapshot`; returns the name of the job, which has ended.
    pub(in crate::driver::qemu) fn snapshot_revert(self: &Arc<Self>, name: &str, flags: u32) -> Result<String> {
        self.require_alive()?;
        let modify = self.changing_disks()?;
        if flags & JOB_START_PARALLEL == 0 {
            self.refuse_if_any_busy().map_err(|error| Error { code: code::OPERATION_INVALID, ..error })?;
        }
        let snapshot = self.snapshots.find(name)?;
        check_revertible(&snapshot, flags)?;
        let run = flags & RUNNING != 0 || (flags & PAUSED == 0 && snapshot.state == "running");
        let devices = self.devices_of(&snapshot)?;
        let word = if run { option::RUNNING } else { option::PAUSED };
        let job = self.reserve_snapshot(JobType::SnapshotRevert, name, vec![word.to_owned()], flags)?;
        drop(modify);
        let was_running = {
            let mut inner = self.inner.lock();
            inner.reverting = true;
            inner.state == DomainState::Running
        };
        let loaded = self.load(&job, name, &devices, (was_running, run));
        loaded.map_err(|error| self.give_up_revert(was_running, error))
    }

    /// `runs`: whether the guest runs, and whether it is to run afterwards. QEMU lets one go on that ran before.
    fn load(self: &Arc<Self>, job: &str, tag: &str, devices: &[String], runs: (bool, bool)) -> Result<String> {
        match runs {
            (true, false) => self.pause_for_job(job).inspect_err(|error| self.start_failed(job, error))?,
            (true, true) => self.note_resume(job),
            (false, _) => {}
        }
        self.launch_blocking(job, "snapshot-load", json!({ "tag": tag, "vmstate": devices[0], "devices": devices }))?;
        self.require_success(job, "Failed to load snapshot")
    }

    /// QEMU leaves a guest stopped when it could not load a snapshot. One that is what it was before goes on; one whose disks
    /// or memory may be half those of the snapshot stays as it is, and the error says so.
    fn give_up_revert(self: &Arc<Self>, was_running: bool, error: Error) -> Error {
        let untouched = is_harmless(&error.detail);
        let resumed = was_running && untouched && self.call("cont", json!({})).is_ok();
        let mut inner = self.inner.lock();
        inner.reverting = false;
        if !was_running || resumed || !self.alive.load(Ordering::Acquire) || inner.state != DomainState::Running {
            return error;
        }
        inner.enter(DomainState::Paused, reason::PAUSED_FROM_SNAPSHOT);
        drop(inner);
        self.emit(Payload::Lifecycle { event: lifecycle::SUSPENDED, detail: lifecycle::SUSPENDED_API_ERROR });
        let detail = format!("{}; the guest is left paused, as it may be neither what it was nor what the snapshot holds", error.detail);
        Error { detail, ..error }
    }

    /// The nodes of the disks, if they are those of the snapshot and have it.
    fn devices_of(&self, snapshot: &Snapshot) -> Result<Vec<String>> {
        let holders = self.holders()?;
        let parts = snapshot.def.disks.iter().filter(|part| part.location == Some(Location::Internal));
        let names: Vec<&str> = parts.map(|part| part.name.as_str()).collect();
        if let Some(missing) = names.iter().find(|name| !holders.iter().any(|holder| holder.disk == **name)) {
            return Err(Error::invalid(format!("disk '{missing}' of snapshot '{}' is not there any more", snapshot.name)));
        }
        for holder in &holders {
            if !names.contains(&holder.disk.as_str()) {
                return Err(Error::invalid(format!("disk '{}' was not there when snapshot '{}' was taken", holder.disk, snapshot.name)));
            }
            if !holder.has(&snapshot.name) {
                let disk = &holder.disk;
                return Err(Error::invalid(format!("the image that disk '{disk}' has now does not hold snapshot '{}'", snapshot.name)));
            }
        }
        Ok(holders.into_iter().map(|holder| holder.node).collect())
    }

    /// QEMU has loaded the snapshot: lets the guest run if it is to, tells what libvirt would tell, and goes on with `then`.
    pub(super) fn settle_revert(self: &Arc<Self>, run: bool, then: impl FnOnce(&Arc<QemuDomain>) + Send + 'static) {
        if !run {
            self.tell_reverted(false);
            return then(self);
        }
        let domain = Arc::downgrade(self);
        self.post("cont", json!({}), move |reply| {
            if let Some(domain) = domain.upgrade() {
                domain.tell_reverted(reply.is_ok());
                then(&domain);
            }
        });
    }

    fn tell_reverted(self: &Arc<Self>, runs: bool) {
        let mut inner = self.inner.lock();
        inner.reverting = false;
        if runs {
            inner.enter(DomainState::Running, reason::RUNNING_FROM_SNAPSHOT);
        } else {
            inner.enter(DomainState::Paused, reason::PAUSED_FROM_SNAPSHOT);
        }
        drop(inner);
        let last = match runs {
            true => (lifecycle::RESUMED, lifecycle::RESUMED_FROM_SNAPSHOT),
            false => (lifecycle::SUSPENDED, lifecycle::SUSPENDED_FROM_SNAPSHOT),
        };
        let first = (lifecycle::STOPPED, lifecycle::STOPPED_FROM_SNAPSHOT);
        for (event, detail) in [first, (lifecycle::STARTED, lifecycle::STARTED_FROM_SNAPSHOT), last] {
            self.emit(Payload::Lifecycle { event, detail });
        }
    }
}

/// Whether QEMU has found a failure before it touched anything.
pub(super) fn is_harmless(why: &str) -> bool {
    HARMLESS.iter().any(|words| why.contains(words))
}

fn check_revertible(snapshot: &Snapshot, flags: u32) -> Result<()> {
    if !matches!(snapshot.state.as_str(), "running" | "paused") && flags & (RUNNING | PAUSED) == 0 {
        return Err(Error::invalid("transient domain needs to request run or pause to revert to inactive snapshot"));
    }
    if snapshot.is_external() {
        return Err(Error::config("revert to external snapshot not supported yet"));
    }
    Ok(())
}
