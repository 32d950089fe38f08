//! Snapshots of the whole domain inside its qcow2 images. QEMU stops the guest, answers nothing until it is done, and lets
//! the guest go on.

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{json, Value};

use super::state_word;
use crate::driver::qemu::clock::now;
use crate::driver::qemu::disks::QemuDisk;
use crate::driver::qemu::domain::QemuDomain;
use crate::driver::qemu::translate::text;
use crate::job::{JobConfig, StartRequest};
use crate::model::{Error, JobState, JobType, Result};
use crate::qmp::CallError;
use crate::xml::snapshot::{Location, SnapshotDef};

/// How long QEMU may be busy with one snapshot. A QEMU that is stuck cannot be told from one that writes much memory to a
/// slow disk; one that was stuck before is found out before.
const LONGEST: Duration = Duration::from_secs(3600);

/// A disk's image, and the snapshots that are in it.
pub(super) struct Holder {
    pub disk: String,
    pub node: String,
    pub tags: Vec<String>,
}

impl Holder {
    pub fn has(&self, tag: &str) -> bool {
        self.tags.iter().any(|other| other == tag)
    }
}

impl QemuDomain {
    /// Returns the name of the job, which has ended.
    pub(super) fn take_of_machine(self: &Arc<Self>, mut def: SnapshotDef, flags: u32) -> Result<String> {
        let modify = self.changing_disks()?;
        let disks = self.align_disks(&mut def, flags)?;
        let parts = def.disks.iter().zip(&disks).filter(|(part, _)| part.location == Some(Location::Internal));
        let devices = parts.map(|(_, disk)| disk.root().map(str::to_owned)).collect::<Result<Vec<String>>>()?;
        let tag = def.name.clone().unwrap_or_default();
        // One of that name may be in the images of which nothing is known here. As with libvirt, it is replaced.
        self.delete_tag(&tag, flags)?;
        let state = state_word(self.inner.lock().state);
        let job = self.reserve_snapshot(JobType::Snapshot, &tag, Vec::new(), flags)?;
        def.memory = Some((Location::Internal, None));
        let begun = self.begin_snapshot(&job, def, state, flags);
        // Not before: until then another call may find the name free.
        drop(modify);
        begun.inspect_err(|error| self.start_failed(&job, error))?;
        let launched = self.launch_blocking(&job, "snapshot-save", json!({ "tag": tag, "vmstate": devices[0], "devices": devices }));
        launched.inspect_err(|_| {
            self.snapshots.missed(&job);
            // What was written about it may have outlived the domain.
            self.forget_if_empty();
        })?;
        self.require_success(&job, "Failed to take snapshot")
    }

    pub(super) fn reserve_snapshot(self: &Arc<Self>, kind: JobType, tag: &str, options: Vec<String>, flags: u32) -> Result<String> {
        let config = JobConfig { snapshot: Some(tag.to_owned()), options, ..JobConfig::default() };
        self.reserve_in_turn(StartRequest::new(kind, config).with_flags(flags))
    }

    /// Starts a reserved job whose command is answered only when its work is done.
    pub(super) fn launch_blocking(self: &Arc<Self>, job: &str, command: &str, arguments: Value) -> Result<()> {
        let Value::Object(mut arguments) = arguments else { return Ok(()) };
        arguments.insert("job-id".to_owned(), job.into());
        self.occupants.fetch_add(1, Ordering::AcqRel);
        let answer = self.monitor().and_then(|monitor| monitor.call_within(command, Value::Object(arguments), LONGEST));
        self.occupants.fetch_sub(1, Ordering::AcqRel);
        if let Err(error) = answer.as_ref().map_err(Clone::clone) {
            let late = matches!(error, CallError::Timeout { .. });
            let error = Error::from(error);
            if !late {
                self.start_failed(job, &error);
                return Err(error);
            }
            // It may be at it still.
            self.update_jobs(|engine, out| engine.started(job, now(), out));
            return Err(error);
        }
        self.update_jobs(|engine, out| engine.started(job, now(), out));
        Ok(())
    }

    /// Waits for the end of a job; returns its name if it has completed.
    pub(super) fn require_success(self: &Arc<Self>, job: &str, failure: &str) -> Result<String> {
        match self.end_of(job)? {
            (JobState::Completed, _) => Ok(job.to_owned()),
            (_, why) => Err(Error::failed(format!("{failure}: {}", why.unwrap_or_else(|| "unknown error".to_owned())))),
        }
    }

    /// The images that the guest writes to, with the snapshots in them.
    pub(super) fn holders(&self) -> Result<Vec<Holder>> {
        let reply = self.call("query-block", json!({}))?;
        let inner = self.inner.lock();
        let holder = |(disk, inserted): (&QemuDisk, &Value)| {
            let snapshots = inserted.pointer("/image/snapshots").and_then(Value::as_array).into_iter().flatten();
            let tags = snapshots.filter_map(|snapshot| text(snapshot, "name").map(str::to_owned)).collect();
            Some(Holder { disk: disk.front.target.clone(), node: disk.root().ok()?.to_owned(), tags })
        };
        Ok(inner.disks.shown(&reply).filter(|(disk, _)| !disk.front.readonly).filter_map(holder).collect())
    }

    /// Deletes a snapshot from the images that it is in, in a job of QEMU's; returns the name of the job, if it is in any.
    ///
    /// QEMU takes the deletion of a snapshot that there is not for done.
    pub(super) fn delete_tag(self: &Arc<Self>, tag: &str, flags: u32) -> Result<Option<String>> {
        let nodes: Vec<String> = self.holders()?.into_iter().filter(|holder| holder.has(tag)).map(|holder| holder.node).collect();
        if nodes.is_empty() {
            return Ok(None);
        }
        let job = self.reserve_snapshot(JobType::SnapshotDelete, tag, Vec::new(), flags)?;
        self.launch_blocking(&job, "snapshot-delete", json!({ "tag": tag, "devices": nodes }))?;
        self.require_success(&job, "Failed to delete snapshot").map(Some)
    }
}
