//! Snapshots: of disks alone, or of the whole domain.

use super::block::{disk_target, HEADER_SIZE};
use super::chain::find_disk;
use super::memory::Passes;
use super::task::{Consequence, Plan, Task};
use super::vm::{Locked, Vm};
use crate::job::{JobConfig, StartRequest};
use crate::model::disk::{Disk, Image};
use crate::model::domain::reason;
use crate::model::event::lifecycle;
use crate::model::flags::{JOB_START_MASK, JOB_START_PARALLEL};
use crate::model::{code, from, DomainState, Error, JobType, Result};
use crate::xml::domain::DomainDef;
use crate::xml::snapshot::{Location, SnapshotDef, SnapshotDisk, Taken};

/// `virDomainSnapshotCreateFlags`.
const NO_METADATA: u32 = 1 << 2;
const HALT: u32 = 1 << 3;
const DISK_ONLY: u32 = 1 << 4;
const REUSE_EXT: u32 = 1 << 5;
const ATOMIC: u32 = 1 << 7;
const LIVE: u32 = 1 << 8;
const CREATE_ALL: u32 = NO_METADATA | HALT | DISK_ONLY | REUSE_EXT | ATOMIC | LIVE;

/// `virDomainSnapshotRevertFlags`.
const REVERT_RUNNING: u32 = 1 << 0;
const REVERT_PAUSED: u32 = 1 << 1;
const REVERT_FORCE: u32 = 1 << 2;

/// `virDomainSnapshotDeleteFlags`.
const DELETE_CHILDREN: u32 = 1 << 0;
const DELETE_METADATA_ONLY: u32 = 1 << 1;
const DELETE_CHILDREN_ONLY: u32 = 1 << 2;

/// A snapshot that was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Snapshot {
    pub name: String,
    def: SnapshotDef,
    parent: Option<String>,
    /// Seconds since the epoch.
    created: u64,
    /// `None` for a snapshot of disks alone.
    state: Option<DomainState>,
    domain: DomainDef,
    keep: bool,
}

/// The snapshots of a domain, oldest first.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    taken: Vec<Snapshot>,
    current: Option<String>,
}

impl Snapshots {
    pub fn names(&self) -> Vec<String> {
        self.taken.iter().map(|snapshot| snapshot.name.clone()).collect()
    }

    pub fn current(&self) -> Option<String> {
        self.current.clone()
    }

    /// What a snapshot is based on, if anything.
    pub fn parent(&self, name: &str) -> Result<Option<String>> {
        self.find(name).map(|snapshot| snapshot.parent.clone())
    }

    fn find(&self, name: &str) -> Result<&Snapshot> {
        let found = self.taken.iter().find(|snapshot| snapshot.name == name);
        found.ok_or_else(|| Error::new(code::NO_DOMAIN_SNAPSHOT, format!("no domain snapshot with matching name '{name}'")))
    }

    pub fn add(&mut self, snapshot: &Snapshot) {
        if snapshot.keep {
            self.current = Some(snapshot.name.clone());
            self.taken.push(snapshot.clone());
        }
    }

    /// Takes snapshots away; their children become those of the next one up that is left.
    pub fn drop_all(&mut self, names: &[String]) {
        for name in names {
            let Some(at) = self.taken.iter().position(|snapshot| snapshot.name == *name) else { continue };
            let parent = self.taken.remove(at).parent;
            for child in self.taken.iter_mut().filter(|child| child.parent.as_ref() == Some(name)) {
                child.parent.clone_from(&parent);
            }
            if self.current.as_ref() == Some(name) {
                self.current = parent;
            }
        }
    }

    /// A snapshot's descendants, nearest first.
    fn descendants(&self, name: &str) -> Vec<String> {
        let mut found = vec![name.to_owned()];
        let mut next = 0;
        while let Some(parent) = found.get(next).cloned() {
            let children = self.taken.iter().filter(|child| child.parent.as_ref() == Some(&parent));
            found.extend(children.map(|child| child.name.clone()));
            next += 1;
        }
        found.remove(0);
        found
    }
}

impl Vm {
    pub fn take_snapshot(&self, xml: &str, flags: u32) -> Result<(String, String)> {
        super::check_flags(flags & !JOB_START_MASK, CREATE_ALL, "virDomainSnapshotCreateXML")?;
        let def = SnapshotDef::parse(xml)?;
        if flags & NO_METADATA == 0 {
            def.check_name()?;
        }
        if flags & DISK_ONLY != 0 {
            return self.snapshot_disks(def, flags);
        }
        if matches!(def.memory, Some((Location::External, _))) || def.disks.iter().any(|disk| disk.location == Some(Location::External)) {
            return Err(Error::config("only snapshots of disks alone can be external"));
        }
        let mut vm = self.lock();
        let active = vm.is_active();
        let mut snapshot = vm.new_snapshot(def, flags)?;
        let location = if active { Location::Internal } else { Location::No };
        snapshot.def.memory = Some((location, None));
        snapshot.def.disks = snapshot.domain.disks.iter().map(|disk| part(&disk.target, Location::Internal)).collect();
        let (name, halt) = (snapshot.name.clone(), flags & HALT != 0 && active);
        let take = Consequence::TakeSnapshot { snapshot: Box::new(snapshot), images: Vec::new(), halt };
        let plan = if active {
            vm.whole_memory_plan(JobType::Snapshot, take, Passes::Unseen)
        } else {
            Plan::new(Task::new(JobType::Snapshot, take), HEADER_SIZE)
        };
        let config = JobConfig { snapshot: Some(name.clone()), ..JobConfig::default() };
        let job = self.run(vm, StartRequest::new(JobType::Snapshot, config).with_flags(flags), plan)?;
        Ok((name, job))
    }

    /// Puts a new image on top of disks.
    fn snapshot_disks(&self, def: SnapshotDef, flags: u32) -> Result<(String, String)> {
        let mut vm = self.lock();
        vm.live()?;
        let mut snapshot = vm.new_snapshot(def, flags)?;
        snapshot.state = None;
        let images = vm.new_tops(&mut snapshot, flags)?;
        let name = snapshot.name.clone();
        let config = JobConfig {
            disks: images.iter().map(|(disk, _)| disk.clone()).collect(),
            targets: images.iter().map(|(disk, image)| disk_target(disk, image)).collect(),
            snapshot: Some(name.clone()),
            options: vec!["disk-only".to_owned()],
            ..JobConfig::default()
        };
        let start = StartRequest::new(JobType::Snapshot, config.clone()).with_flags(flags);
        let job = vm.reserve(start)?;
        drop(vm);
        let created = if flags & REUSE_EXT == 0 { self.create_images(&job, &config) } else { Ok(()) };
        let take = Consequence::TakeSnapshot { snapshot: Box::new(snapshot), images, halt: flags & HALT != 0 };
        let plan = Plan::new(Task::new(JobType::Snapshot, take), HEADER_SIZE);
        self.ready_to_begin(&job, created)?.begin_awaited(&job, &config, plan);
        self.end_of(&job, JobType::Snapshot)?;
        Ok((name, job))
    }

    pub fn snapshot_xml(&self, name: &str) -> Result<String> {
        let vm = self.lock();
        let snapshot = vm.inner.snapshots.find(name)?;
        let state = match snapshot.state {
            None => "disk-snapshot",
            Some(DomainState::Running) => "running",
            Some(DomainState::Paused) => "paused",
            Some(_) => "shutoff",
        };
        let domain = snapshot.domain.format(None);
        let taken = Taken { state, parent: snapshot.parent.as_deref(), created: snapshot.created, domain: &domain };
        Ok(snapshot.def.format(&taken))
    }

    pub fn revert(&self, name: &str, flags: u32) -> Result<String> {
        let known = REVERT_RUNNING | REVERT_PAUSED | REVERT_FORCE;
        super::check_flags(flags & !JOB_START_MASK, known, "virDomainRevertToSnapshot")?;
        let vm = self.lock();
        let snapshot = vm.inner.snapshots.find(name)?;
        let state = snapshot.state.ok_or_else(|| Error::config("revert to external snapshot not supported yet"))?;
        let paused = flags & REVERT_PAUSED != 0 || (state == DomainState::Paused && flags & REVERT_RUNNING == 0);
        let config = JobConfig { snapshot: Some(name.to_owned()), ..JobConfig::default() };
        let plan = vm.whole_memory_plan(JobType::SnapshotRevert, Consequence::Revert { snapshot: name.to_owned(), paused }, Passes::Unseen);
        self.run(vm, StartRequest::new(JobType::SnapshotRevert, config).with_flags(flags), plan)
    }

    pub fn delete_snapshot(&self, name: &str, flags: u32) -> Result<String> {
        let known = DELETE_CHILDREN | DELETE_METADATA_ONLY | DELETE_CHILDREN_ONLY;
        super::check_flags(flags & !JOB_START_MASK, known, "virDomainSnapshotDelete")?;
        let vm = self.lock();
        vm.inner.snapshots.find(name)?;
        let mut names =
            if flags & (DELETE_CHILDREN | DELETE_CHILDREN_ONLY) != 0 { vm.inner.snapshots.descendants(name) } else { Vec::new() };
        if flags & DELETE_CHILDREN_ONLY == 0 {
            names.push(name.to_owned());
        }
        let config = JobConfig { snapshot: Some(name.to_owned()), ..JobConfig::default() };
        let plan = Plan::new(Task::new(JobType::SnapshotDelete, Consequence::DropSnapshots { names }), HEADER_SIZE);
        self.run(vm, StartRequest::new(JobType::SnapshotDelete, config).with_flags(flags), plan)
    }
}

impl Locked<'_> {
    /// A snapshot of the domain as it is now.
    fn new_snapshot(&mut self, mut def: SnapshotDef, flags: u32) -> Result<Snapshot> {
        let created = self.now().wall_ms / 1000;
        let name = def.name.get_or_insert_with(|| created.to_string()).clone();
        if self.inner.snapshots.find(&name).is_ok() {
            return Err(Error::failed(format!("domain moment {name} already exists")).raised_by(from::DOMAIN));
        }
        let inner = &self.inner;
        let domain = inner.live.as_ref().or(inner.persistent.as_ref()).cloned().ok_or_else(|| self.gone())?;
        let parent = inner.snapshots.current.clone();
        Ok(Snapshot { name, def, parent, created, state: Some(inner.state), domain, keep: flags & NO_METADATA == 0 })
    }

    /// The images that a snapshot of disks puts on top, by disk.
    fn new_tops(&mut self, snapshot: &mut Snapshot, flags: u32) -> Result<Vec<(String, Image)>> {
        let disks = snapshot.domain.disks.clone();
        for wanted in &snapshot.def.disks {
            find_disk(&disks, &wanted.name).map_err(|_| Error::config(format!("no disk named '{}'", wanted.name)))?;
        }
        let mut parts = Vec::new();
        let mut images = Vec::new();
        for disk in disks.iter().filter(|disk| !disk.readonly && disk.source().is_some()) {
            let wanted =
                snapshot.def.disks.iter().find(|part| find_disk(&disks, &part.name).is_ok_and(|found| found.target == disk.target));
            match wanted.and_then(|part| part.location) {
                Some(Location::No) => parts.push(part(&disk.target, Location::No)),
                Some(Location::Internal) => return Err(Error::config("a snapshot of disks alone must be external")),
                _ => {
                    let image = self.new_top(disk, wanted, &snapshot.name, flags)?;
                    let (path, format) = (Some(image.path.clone()), Some(image.format.clone()));
                    parts.push(SnapshotDisk { kind: image.kind, path, format, ..part(&disk.target, Location::External) });
                    images.push((disk.target.clone(), image));
                }
            }
        }
        snapshot.def.disks = parts;
        if images.is_empty() {
            return Err(Error::config("nothing selected for snapshot"));
        }
        Ok(images)
    }

    fn new_top(&mut self, disk: &Disk, wanted: Option<&SnapshotDisk>, name: &str, flags: u32) -> Result<Image> {
        if let Some(busy) = self.busy(&disk.target).filter(|_| flags & JOB_START_PARALLEL == 0) {
            return Err(busy);
        }
        let source = disk.source().cloned().unwrap_or_default();
        let stem = match source.path.rsplit_once('/') {
            Some((folder, file)) => format!("{folder}/{}", file.rsplit_once('.').map_or(file, |(stem, _)| stem)),
            None => source.path.clone(),
        };
        let mut image = Image {
            kind: wanted.map_or(source.kind, |part| part.kind),
            path: wanted.and_then(|part| part.path.clone()).unwrap_or_else(|| format!("{stem}.{name}")),
            format: wanted.and_then(|part| part.format.clone()).unwrap_or_else(|| "qcow2".to_owned()),
            index: 0,
        };
        self.number(std::slice::from_mut(&mut image));
        Ok(image)
    }

    /// The domain is as it was when the snapshot was taken.
    pub fn become_snapshot(&mut self, name: &str, paused: bool) {
        let Ok(snapshot) = self.inner.snapshots.find(name).cloned() else { return };
        if self.is_active() {
            self.halt("the domain was reverted to a snapshot", reason::SHUTOFF_FROM_SNAPSHOT);
            self.lifecycle(lifecycle::STOPPED, lifecycle::STOPPED_FROM_SNAPSHOT);
        }
        self.inner.snapshots.current = Some(snapshot.name);
        if self.inner.persistent.is_some() {
            self.inner.persistent = Some(snapshot.domain.clone());
        }
        if !matches!(snapshot.state, Some(DomainState::Running | DomainState::Paused)) {
            self.enter(DomainState::Shutoff, reason::SHUTOFF_FROM_SNAPSHOT);
            return self.forget_transient();
        }
        self.run(snapshot.domain, reason::RUNNING_FROM_SNAPSHOT);
        self.lifecycle(lifecycle::STARTED, lifecycle::STARTED_FROM_SNAPSHOT);
        if paused {
            self.enter(DomainState::Paused, reason::PAUSED_FROM_SNAPSHOT);
            self.lifecycle(lifecycle::SUSPENDED, lifecycle::SUSPENDED_FROM_SNAPSHOT);
        }
    }
}

fn part(disk: &str, location: Location) -> SnapshotDisk {
    SnapshotDisk { name: disk.to_owned(), location: Some(location), kind: Default::default(), path: None, format: None }
}
