//! `virDomainBackupBegin`: disks are copied, each by a job of QEMU's, to files or to scratch images behind an NBD server.

mod begin;
mod end;
mod group;
mod image;
mod plan;
mod running;

pub(super) use running::Backups;

use serde_json::json;

use self::group::Group;
use self::running::Backup;
use super::clock::now;
use super::domain::QemuDomain;
use crate::job::{Job, Origin};
use crate::model::{code, Error, JobType, Result};
use crate::xml::backup::BackupDef;

/// Words of a job's options.
const PULL: &str = "pull";
const PUSH: &str = "push";
const REUSE: &str = "reuse-external";

impl QemuDomain {
    /// The document of the backup that runs: with several, of the one that was started first.
    pub(super) fn running_backup(&self) -> Result<String> {
        self.require_alive()?;
        let none = || Error::new(code::NO_DOMAIN_BACKUP, "no domain backup job present");
        self.backups.lock().first_begun().map(|backup| backup.def.format()).ok_or_else(none)
    }

    /// Backups that an earlier process started.
    pub(super) fn take_over_backups(&self) {
        let found: Vec<Backup> = self.table.read(|engine| {
            let ours = engine.iter().filter(|job| job.is_active() && job.origin() == Origin::Own && job.kind() == JobType::BlockBackup);
            ours.map(recalled).collect()
        });
        let mut backups = self.backups.lock();
        found.into_iter().for_each(|backup| backups.add(backup));
    }

    /// Where one disk has failed, or was ended by somebody else, the others are of no use.
    pub(super) fn end_ailing_backups(&self) {
        let members = self.backups.lock().take_ailing();
        for id in members {
            // One that has ended meanwhile needs no end.
            self.post("job-cancel", json!({ "id": id }), |_| {});
        }
    }

    /// QEMU's id of the job that a job runs for a disk.
    pub(super) fn job_behind(&self, job: &str, id: &str, disk: &str) -> String {
        self.backups.lock().get(job).and_then(|backup| backup.group.member_on(disk)).unwrap_or(id).to_owned()
    }
}

/// What is known of a backup from its record.
fn recalled(job: &Job) -> Backup {
    let config = job.config();
    let def = config.document.as_deref().and_then(|xml| BackupDef::parse_live(xml).ok()).unwrap_or_default();
    Backup {
        group: Group::new(job.name(), &config.disks),
        // Written down just before it was started.
        serving: def.pull && def.server.is_some(),
        def,
        reuse: config.options.iter().any(|option| option == REUSE),
        begun: Some(now()),
        last_words: None,
        untold: config.disks.len(),
    }
}
