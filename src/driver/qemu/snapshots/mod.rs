//! Snapshots: of disks alone, as new images on top of them, and of the whole domain, inside its qcow2 images.
//!
//! What is known of a snapshot is written down before the job begins that takes it, and shown once it is taken. QEMU takes
//! snapshots of the whole domain in jobs of its own, and answers nothing meanwhile; the others are jobs of ours alone.

mod align;
mod delete;
mod disk_only;
mod internal;
mod recall;
mod revert;
mod settle;
mod store;

use std::sync::Arc;

use super::clock::now;
use super::disks::QemuDisk;
use super::domain::QemuDomain;
use crate::job::{HypStatus, Job};
use crate::job::{JobConfig, Observation, Outcome, StartRequest};
use crate::model::{DomainState, Error, JobType, Result};
use crate::xml::snapshot::{Location, SnapshotDef};
pub(super) use settle::{is_own, is_snapshot};
use store::Snapshot;
pub(super) use store::Snapshots;

/// `virDomainSnapshotCreateFlags`.
mod create {
    pub const REDEFINE: u32 = 1 << 0;
    pub const NO_METADATA: u32 = 1 << 2;
    pub const HALT: u32 = 1 << 3;
    pub const DISK_ONLY: u32 = 1 << 4;
    pub const REUSE_EXT: u32 = 1 << 5;
    pub const QUIESCE: u32 = 1 << 6;
    pub const LIVE: u32 = 1 << 8;
}

/// Words in the configuration of a job.
mod option {
    pub const DISK_ONLY: &str = "disk-only";
    pub const REUSE: &str = "reuse-external";
    pub const METADATA_ONLY: &str = "metadata-only";
    pub const RUNNING: &str = "running";
    pub const PAUSED: &str = "paused";
}

impl QemuDomain {
    /// `virDomainSnapshotCreateXML`: returns the names of the snapshot and of the job.
    pub(super) fn snapshot_create(self: &Arc<Self>, xml: &str, flags: u32) -> Result<(String, String)> {
        self.require_alive()?;
        check_flags(flags)?;
        let mut def = SnapshotDef::parse(xml)?;
        check_memory(&def, flags)?;
        if flags & create::NO_METADATA == 0 {
            def.check_name()?;
        }
        self.await_backups(flags)?;
        let name = def.name.get_or_insert_with(|| (now().wall_ms / 1000).to_string()).clone();
        let taken = if flags & create::DISK_ONLY != 0 { self.take_of_disks(def, flags) } else { self.take_of_machine(def, flags) };
        Ok((name, taken?))
    }

    /// The disks that take part, with the description completed by them.
    fn align_disks(&self, def: &mut SnapshotDef, flags: u32) -> Result<Vec<QemuDisk>> {
        let disk_only = flags & create::DISK_ONLY != 0;
        let disks: Vec<QemuDisk> = self.inner.lock().disks.list.iter().filter(|disk| disk.plugged).cloned().collect();
        if let Some(disk) = disks.iter().find(|disk| disk.export.is_some()) {
            return Err(Error::unsupported(format!(
                "'{}' is an export of a storage daemon, of which no snapshot is taken",
                disk.front.target
            )));
        }
        align::align(def, &disks, if disk_only { Location::External } else { Location::Internal })?;
        for (part, disk) in def.disks.iter_mut().zip(&disks) {
            if part.location != Some(Location::No) {
                self.refuse_if_busy(JobType::BlockPull, &JobConfig::on_disk(&part.name), flags)?;
            }
            align::check_part(part, disk, disk_only, flags & create::REUSE_EXT != 0)?;
        }
        align::check_whole(def, &disks, disk_only)?;
        self.snapshots.require_free(def.name.as_deref().unwrap_or_default())?;
        Ok(disks)
    }

    /// Writes down what a job is about to take, unless its user does not want that.
    fn begin_snapshot(&self, job: &str, def: SnapshotDef, state: &str, flags: u32) -> Result<()> {
        if flags & create::NO_METADATA != 0 {
            return Ok(());
        }
        self.snapshots.begin(Snapshot {
            name: def.name.clone().unwrap_or_default(),
            parent: None,
            created: now().wall_ms / 1000,
            number: 0,
            state: state.to_owned(),
            def,
            domain: self.inactive_definition().format(None),
            job: Some(job.to_owned()),
        })
    }

    /// Begins a job that is ours alone: it is listed from now on, and ends by [`end_own`](Self::end_own).
    fn begin_own(self: &Arc<Self>, kind: JobType, config: JobConfig, flags: u32) -> Result<String> {
        let start = StartRequest { listed: false, ..StartRequest::new(kind, config).with_flags(flags) };
        let name = self.reserve_in_turn(start)?;
        self.update_jobs(|engine, out| engine.started(&name, now(), out));
        Ok(name)
    }

    /// Says how such a job has ended, and waits until that is told. One that has ended with its domain stays so.
    fn end_own(self: &Arc<Self>, name: &str, result: &Result<()>) -> Result<()> {
        let outcome = match result {
            Ok(()) => Outcome::Completed,
            Err(error) => Outcome::Failed(error.message()),
        };
        self.tell_end(name, outcome);
        self.wait_for_end(name).map(drop)
    }

    fn tell_end(self: &Arc<Self>, name: &str, outcome: Outcome) {
        self.update_jobs(|engine, out| {
            if engine.by_hypervisor_id(name).is_some_and(Job::is_active) {
                engine.observe(Observation::Outcome { id: name.to_owned(), kind: None, outcome }, now(), out);
                engine.observe(Observation::Status { id: name.to_owned(), status: HypStatus::Null }, now(), out);
            }
        });
    }
}

/// The checks of flags that libvirt's driver does itself.
fn check_flags(flags: u32) -> Result<()> {
    let exclusive = |a: &str, b: &str| {
        let prefix = "VIR_DOMAIN_SNAPSHOT_CREATE";
        Err(Error::invalid_arg(format!("Flags '{prefix}_{a}' and '{prefix}_{b}' are mutually exclusive")))
    };
    if flags & create::QUIESCE != 0 && flags & create::DISK_ONLY == 0 {
        let (required, by) = ("VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY", "VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE");
        return Err(Error::invalid_arg(format!("Flag '{required}' is required by flag '{by}'")));
    }
    if flags & create::LIVE != 0 && flags & create::REDEFINE != 0 {
        return exclusive("LIVE", "REDEFINE");
    }
    if flags & create::HALT != 0 {
        return Err(Error::invalid("cannot halt after transient domain snapshot"));
    }
    if flags & create::REDEFINE != 0 {
        return Err(Error::unsupported("what is known of a snapshot cannot be defined anew"));
    }
    Ok(())
}

fn check_memory(def: &SnapshotDef, flags: u32) -> Result<()> {
    let location = def.memory.as_ref().map(|(location, _)| *location);
    if flags & create::DISK_ONLY != 0 && location.is_some_and(|location| location != Location::No) {
        return Err(Error::xml("memory state cannot be saved with offline or disk-only snapshot"));
    }
    if flags & create::LIVE != 0 && location != Some(Location::External) {
        return Err(Error::unsupported("live snapshot creation is supported only during full system snapshots"));
    }
    if location == Some(Location::External) {
        return Err(Error::unsupported("snapshots with the memory in a file of its own are not supported"));
    }
    if flags & create::DISK_ONLY == 0 && location == Some(Location::No) {
        return Err(Error::unsupported("internal snapshot of a running VM must include the memory state"));
    }
    Ok(())
}

/// What a snapshot says of the domain's state.
fn state_word(state: DomainState) -> &'static str {
    match state {
        DomainState::Running => "running",
        DomainState::Blocked => "blocked",
        DomainState::Paused => "paused",
        DomainState::Shutdown => "shutdown",
        DomainState::Crashed => "crashed",
        DomainState::PmSuspended => "pmsuspended",
        DomainState::NoState | DomainState::Shutoff => "nostate",
    }
}
