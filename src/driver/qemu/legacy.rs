//! The older block job API on a disk: the same jobs, seen as libvirt's callers see them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{json, Value};

use super::domain::QemuDomain;
use super::translate::{number, text};
use crate::driver::request::BlockJobInfo;
use crate::job::{block_type, Job};
use crate::model::disk::MirrorReady;
use crate::model::{code, ControlOp, Error, JobState, Result};

/// How often a synchronous abort makes sure that QEMU still answers.
const PATIENCE: Duration = Duration::from_secs(5);

impl QemuDomain {
    /// The name and target of the job that the older API sees on a disk.
    fn older_job(&self, disk: &str) -> Result<Option<(String, String)>> {
        let target = self.inner.lock().disks.find(disk)?.front.target.clone();
        Ok(self.table.read(|engine| engine.block_job_on(&target).map(|job| (job.name().to_owned(), target.clone()))))
    }

    fn require_older_job(&self, disk: &str) -> Result<(String, String)> {
        self.require_alive()?;
        self.older_job(disk)?.ok_or_else(|| Error::invalid_arg(format!("disk {disk} does not have an active block job")))
    }

    pub(super) fn older_info(self: &Arc<Self>, disk: &str) -> Result<Option<BlockJobInfo>> {
        self.require_alive()?;
        let Some((name, target)) = self.older_job(disk)? else { return Ok(None) };
        let reply = self.call("query-block-jobs", json!({}))?;
        let job =
            self.table.read(|engine| engine.get(&name).map(|job| (block_type(job.kind()).unwrap_or(0), job.hypervisor_id().to_owned())));
        let Some((kind, id)) = job else { return Ok(None) };
        let id = self.job_behind(&name, &id, &target);
        let entry = reply.as_array().into_iter().flatten().find(|entry| text(entry, "device") == Some(&id));
        Ok(entry.map(|entry| older_view(kind, entry)))
    }

    pub(super) fn older_set_speed(self: &Arc<Self>, disk: &str, bytes_per_s: u64) -> Result<()> {
        let (name, target) = self.require_older_job(disk)?;
        let member = self.backups.lock().get(&name).and_then(|backup| backup.group.member_on(&target)).map(str::to_owned);
        match member {
            // Of a job over several disks, only that of this one.
            Some(member) => self.ask("block-job-set-speed", json!({ "device": member, "speed": bytes_per_s })),
            None => self.set_speed(&name, bytes_per_s),
        }
    }

    /// Ends the job of a disk: with `pivot` by making a ready mirror the source, else by cancelling it.
    pub(super) fn older_abort(self: &Arc<Self>, disk: &str, pivot: bool, wait: bool) -> Result<()> {
        let (name, target) = self.require_older_job(disk)?;
        if pivot {
            self.table.read(|engine| engine.get(&name).map_or(Ok(()), |job| may_pivot(job, &target)))?;
        }
        let op = if pivot { ControlOp::Finalize } else { ControlOp::Abort };
        let before = self.mark_mirror(&name, if pivot { MirrorReady::Pivot } else { MirrorReady::Abort });
        if let Err(error) = self.control(&name, op) {
            before.map(|before| self.mark_mirror(&name, before));
            return Err(error);
        }
        if !wait {
            return Ok(());
        }
        match self.wait_for_end(&name)? {
            JobState::Failed if pivot => Err(Error::failed(format!("block job of disk '{target}' failed while pivoting"))),
            _ => Ok(()),
        }
    }

    /// Returns what it was before.
    fn mark_mirror(&self, job: &str, ready: MirrorReady) -> Option<MirrorReady> {
        self.inner.lock().disks.mirror_mut(job).map(|mirror| std::mem::replace(&mut mirror.ready, ready))
    }

    /// The same, with the reason of a failure.
    pub(super) fn end_of(self: &Arc<Self>, name: &str) -> Result<(JobState, Option<String>)> {
        Ok((self.wait_for_end(name)?, self.table.error_of(name)))
    }

    /// Waits until a job has ended, as long as QEMU answers.
    pub(super) fn wait_for_end(self: &Arc<Self>, name: &str) -> Result<JobState> {
        let started = Instant::now();
        loop {
            if let Some(state) = self.table.wait(name, 0, Some(PATIENCE))? {
                return Ok(state);
            }
            // Fails when QEMU is stuck, and then ends the wait; and finds out if there is nothing to wait for.
            self.refresh_jobs().or_else(|error| match error.code {
                code::OPERATION_TIMEOUT => {
                    Err(Error::new(error.code, format!("job '{name}' has not ended after {} s", started.elapsed().as_secs())))
                }
                _ => Ok(()),
            })?;
        }
    }
}

/// The older API's figures. A job that is not ready never shows itself complete, so that a caller that waits for
/// `cur == end` may pivot then.
fn older_view(kind: i32, entry: &Value) -> BlockJobInfo {
    let (mut cur, mut end) = (number(entry, "offset"), number(entry, "len"));
    let ready = entry.get("ready").and_then(Value::as_bool).unwrap_or(true);
    if !ready && cur == end {
        match cur {
            0 => end = 1,
            _ => cur -= 1,
        }
    }
    BlockJobInfo { kind, bandwidth: number(entry, "speed"), cur, end }
}

/// libvirt looks at the state before it looks at the type.
fn may_pivot(job: &Job, target: &str) -> Result<()> {
    if job.state() != JobState::Ready {
        let detail = format!("disk '{target}' not ready for pivot yet: job '{}' is {}", job.name(), job.state());
        return Err(Error::new(code::BLOCK_COPY_ACTIVE, detail));
    }
    if !job.kind().becomes_ready() {
        return Err(Error::invalid(format!("job type '{}' of disk '{target}' does not support pivot", job.kind())));
    }
    Ok(())
}
