//! Backups: one job over several disks.

use super::block::disk_target;
use super::chain::find_disk;
use super::task::{Consequence, Plan, Task};
use super::vm::{Locked, Vm};
use crate::job::{JobConfig, StartRequest};
use crate::model::disk::{Disk, Image};
use crate::model::flags::JOB_START_MASK;
use crate::model::{code, Error, JobType, Result};
use crate::xml::backup::{BackupDef, BackupDisk};

/// `VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL`.
const REUSE_EXTERNAL: u32 = 1;

/// What an incremental backup has to copy: one part in so many.
const INCREMENT: u64 = 8;

impl Vm {
    pub fn begin_backup(&self, backup_xml: &str, checkpoint_xml: Option<&str>, flags: u32) -> Result<String> {
        super::check_flags(flags & !JOB_START_MASK, REUSE_EXTERNAL, "virDomainBackupBegin")?;
        if checkpoint_xml.is_some() {
            return Err(Error::unsupported("checkpoints cannot be simulated"));
        }
        let mut def = BackupDef::parse(backup_xml)?;
        let mut vm = self.lock();
        let images = vm.backup_images(&mut def)?;
        let mut options = vec![if def.pull { "pull" } else { "push" }.to_owned()];
        options.extend((flags & REUSE_EXTERNAL != 0).then(|| "reuse-external".to_owned()));
        let config = JobConfig {
            disks: images.iter().map(|(disk, _)| disk.clone()).collect(),
            targets: images.iter().map(|(disk, image)| disk_target(disk, image)).collect(),
            incremental: def.incremental.clone(),
            options,
            ..JobConfig::default()
        };
        let name = vm.reserve(StartRequest::new(JobType::BlockBackup, config.clone()).with_flags(flags))?;
        drop(vm);
        let created = if flags & REUSE_EXTERNAL == 0 { self.create_images(&name, &config) } else { Ok(()) };
        let mut vm = self.ready_to_begin(&name, created)?;
        let plan = vm.backup_plan(&config.disks, def);
        vm.begin(&name, &config, plan);
        Ok(name)
    }

    /// The XML of the backup that is going on.
    pub fn running_backup(&self) -> Result<String> {
        let vm = self.lock();
        let running = self.table.read(|engine| {
            let backups = engine.iter().filter(|job| job.is_active() && job.kind() == JobType::BlockBackup);
            backups.map(|job| job.hypervisor_id().to_owned()).collect::<Vec<_>>()
        });
        let def = running.iter().find_map(|id| vm.inner.tasks.get(id)?.backup.as_ref());
        def.map(BackupDef::format).ok_or_else(|| Error::new(code::NO_DOMAIN_BACKUP, "no domain backup job present"))
    }
}

impl Locked<'_> {
    /// Completes what the document says of each disk of the domain, and returns the images that are written.
    fn backup_images(&mut self, def: &mut BackupDef) -> Result<Vec<(String, Image)>> {
        let disks = self.live()?.disks.clone();
        let wanted = def.disks.take();
        for (place, one) in wanted.iter().flatten().enumerate() {
            let disk = find_disk(&disks, &one.name).map_err(|_| Error::config(format!("no disk named '{}'", one.name)))?;
            if wanted.iter().flatten().take(place).any(|other| find_disk(&disks, &other.name).is_ok_and(|d| d.target == disk.target)) {
                return Err(Error::config(format!("disk '{}' specified twice", one.name)));
            }
        }
        let suffix = self.now().wall_ms / 1000;
        let mut images = Vec::new();
        let mut parts = Vec::new();
        for disk in disks.iter().filter(|disk| disk.source().is_some()) {
            let named = wanted.iter().flatten().find(|one| find_disk(&disks, &one.name).is_ok_and(|d| d.target == disk.target));
            let backup = match (&wanted, named) {
                (None, _) => !disk.readonly,
                (Some(_), named) => named.is_some_and(|one| one.backup),
            };
            let mut part = BackupDisk { backup, name: disk.target.clone(), ..named.cloned().unwrap_or_default() };
            part.name.clone_from(&disk.target);
            if backup {
                let mut image = backup_image(disk, &part, suffix);
                self.number(std::slice::from_mut(&mut image));
                part = BackupDisk { path: Some(image.path.clone()), format: Some(image.format.clone()), index: image.index, ..part };
                images.push((disk.target.clone(), image));
            }
            parts.push(part);
        }
        def.disks = Some(parts);
        if images.is_empty() {
            return Err(Error::xml("no disks selected for backup"));
        }
        Ok(images)
    }

    fn backup_plan(&self, disks: &[String], def: BackupDef) -> Plan {
        let share = |disk: &String| {
            let size = self.inner.script.size_of(disk);
            (disk.clone(), if def.incremental.is_some() { size / INCREMENT } else { size })
        };
        let mut task = Task::new(JobType::BlockBackup, Consequence::Nothing);
        task.disks = disks.iter().map(share).collect();
        let size = task.disks.iter().fold(0u64, |sum, (_, size)| sum.saturating_add(*size));
        let endless = def.pull;
        task.backup = Some(def);
        Plan { endless, ..Plan::new(task, size) }
    }
}

/// The image that a backup of a disk writes.
fn backup_image(disk: &Disk, part: &BackupDisk, suffix: u64) -> Image {
    let source = disk.source().map(|image| image.path.as_str()).unwrap_or_default();
    Image {
        kind: part.kind,
        path: part.path.clone().unwrap_or_else(|| format!("{source}.{suffix}")),
        format: part.format.clone().unwrap_or_else(|| "qcow2".to_owned()),
        index: 0,
    }
}
