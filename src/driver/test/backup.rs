//! Backups: one job over several disks.

use super::block::disk_target;
use super::task::{Consequence, Plan, Task};
use super::vm::{Locked, Vm};
use crate::driver::backup;
use crate::job::{JobConfig, StartRequest};
use crate::model::disk::Image;
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
        let suffix = (self.now().wall_ms / 1000).to_string();
        backup::align(def, &disks, &suffix)?;
        let mut images = Vec::new();
        for part in def.chosen_mut() {
            let mut image = backup_image(part)?;
            self.number(std::slice::from_mut(&mut image));
            (part.format, part.index) = (Some(image.format.clone()), image.index);
            images.push((part.name.clone(), image));
        }
        if images.is_empty() {
            return Err(Error::config("no disks selected for backup"));
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
fn backup_image(part: &BackupDisk) -> Result<Image> {
    let path = part.path.clone().ok_or_else(|| Error::internal(format!("the backup of disk '{}' has no target", part.name)))?;
    let format = part.format.clone().unwrap_or_else(|| "qcow2".to_owned());
    Ok(Image { kind: part.kind, path, format, index: 0 })
}
