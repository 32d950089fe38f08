//! Deleting snapshots: out of the images, by merging images, or only what is known of them.

use std::sync::Arc;
use std::time::Duration;

use super::option;
use super::store::Snapshot;
use crate::driver::qemu::domain::QemuDomain;
use crate::driver::request::BlockCommit;
use crate::job::JobConfig;
use crate::model::flags::commit;
use crate::model::{ControlOp, Error, JobState, JobType, Result};
use crate::xml::snapshot::Location;

/// `virDomainSnapshotDeleteFlags`.
const CHILDREN: u32 = 1 << 0;
const METADATA_ONLY: u32 = 1 << 1;
const CHILDREN_ONLY: u32 = 1 << 2;

/// How often a commit that is waited for is looked at, to see that QEMU still answers.
const PATIENCE: Duration = Duration::from_secs(5);

/// A disk's image that goes, and the one below, which takes its content.
struct Merge {
    disk: String,
    top: String,
    base: String,
    active: bool,
}

impl QemuDomain {
    /// `virDomainSnapshotDelete`; returns the name of the last job, which has ended.
    pub(in crate::driver::qemu) fn snapshot_delete(self: &Arc<Self>, name: &str, flags: u32) -> Result<String> {
        self.require_alive()?;
        self.await_backups(flags)?;
        self.snapshots.find(name)?;
        let mut names = if flags & (CHILDREN | CHILDREN_ONLY) != 0 { self.snapshots.descendants(name) } else { Vec::new() };
        names.reverse();
        if flags & CHILDREN_ONLY == 0 {
            names.push(name.to_owned());
        }
        let metadata_only = flags & METADATA_ONLY != 0;
        if !metadata_only && flags & (CHILDREN | CHILDREN_ONLY) != 0 {
            self.refuse_external(&names)?;
        }
        let mut job = None;
        for name in &names {
            job = Some(self.delete_one(name, metadata_only, flags)?);
        }
        // Without children there is nothing to do, which is done in a job all the same.
        job.map_or_else(|| self.delete_metadata("", flags), Ok)
    }

    fn refuse_external(&self, names: &[String]) -> Result<()> {
        for name in names {
            if self.snapshots.find(name)?.is_external() {
                return Err(Error::config("deletion of external children disk snapshots not supported"));
            }
        }
        Ok(())
    }

    fn delete_one(self: &Arc<Self>, name: &str, metadata_only: bool, flags: u32) -> Result<String> {
        let snapshot = self.snapshots.find(name)?;
        if metadata_only {
            return self.delete_metadata(name, flags);
        }
        if snapshot.is_external() {
            return self.merge_images(&snapshot, flags);
        }
        let _modify = self.changing_disks()?;
        match self.delete_tag(name, flags)? {
            Some(job) => Ok(job),
            // No image has it any more.
            None => self.delete_metadata(name, flags),
        }
    }

    /// A job that ends as soon as it begins.
    fn delete_metadata(self: &Arc<Self>, name: &str, flags: u32) -> Result<String> {
        let snapshot = Some(name.to_owned()).filter(|name| !name.is_empty());
        let config = JobConfig { snapshot, options: vec![option::METADATA_ONLY.to_owned()], ..JobConfig::default() };
        let job = self.begin_own(JobType::SnapshotDelete, config, flags)?;
        self.end_own(&job, &Ok(()))?;
        Ok(job)
    }

    /// The images that the snapshot put on top are merged into those below, each in a commit of its own, and removed.
    fn merge_images(self: &Arc<Self>, snapshot: &Snapshot, flags: u32) -> Result<String> {
        let merges = self.merges_of(snapshot)?;
        for merge in &merges {
            self.refuse_if_busy(JobType::BlockCommit, &JobConfig::on_disk(&merge.disk), flags)?;
        }
        let config = JobConfig {
            disks: merges.iter().map(|merge| merge.disk.clone()).collect(),
            snapshot: Some(snapshot.name.clone()),
            options: vec![option::DISK_ONLY.to_owned()],
            ..JobConfig::default()
        };
        let job = self.begin_own(JobType::SnapshotDelete, config, flags)?;
        let merged = merges.iter().try_for_each(|merge| self.merge(merge));
        self.end_own(&job, &merged)?;
        merged.map(|()| job)
    }

    fn merges_of(&self, snapshot: &Snapshot) -> Result<Vec<Merge>> {
        let inner = self.inner.lock();
        let mut merges = Vec::new();
        for part in snapshot.def.disks.iter().filter(|part| part.location == Some(Location::External)) {
            let path = part.path.as_deref().unwrap_or_default();
            let gone = || Error::invalid(format!("disk '{}' does not have the image '{path}' of snapshot '{}'", part.name, snapshot.name));
            let disk = inner.disks.find(&part.name).map_err(|_| gone())?;
            let at = disk.links.iter().position(|link| link.image.path == path).ok_or_else(gone)?;
            let below = disk.links.get(at + 1).ok_or_else(gone)?;
            let (disk, base) = (part.name.clone(), below.image.path.clone());
            merges.push(Merge { disk, top: path.to_owned(), base, active: at == 0 });
        }
        Ok(merges)
    }

    fn merge(self: &Arc<Self>, merge: &Merge) -> Result<()> {
        let flags = commit::DELETE | if merge.active { commit::ACTIVE } else { 0 };
        let request = BlockCommit { disk: &merge.disk, base: Some(&merge.base), top: Some(&merge.top), bandwidth: 0, flags };
        let job = self.block_commit(&request)?;
        if merge.active && self.wait_until_ready(&job)? == JobState::Ready {
            self.control(&job, ControlOp::Finalize)?;
        }
        self.require_success(&job, "Failed to merge an image").map(drop)
    }

    /// Waits until a job is ready or has ended, as long as QEMU answers.
    fn wait_until_ready(self: &Arc<Self>, job: &str) -> Result<JobState> {
        loop {
            if let Some(state) = self.table.wait(job, 1 << JobState::Ready as u32, Some(PATIENCE))? {
                return Ok(state);
            }
            self.refresh_jobs()?;
        }
    }
}
