//! The backups of a domain that have not ended.

use super::group::Group;
use crate::job::{Listed, Observation};
use crate::model::{Now, TypedParam};
use crate::xml::backup::BackupDef;

/// A backup, from the moment on at which its name is taken.
#[derive(Clone, Debug)]
pub(in crate::driver::qemu) struct Backup {
    pub group: Group,
    /// The document, with what has been added to it since.
    pub def: BackupDef,
    /// The images were there before, and stay.
    pub reuse: bool,
    /// Its NBD server has been started.
    pub serving: bool,
    /// When QEMU took it on, or when it was found to have done so; `None` as long as it may fail to start.
    pub begun: Option<Now>,
    /// What is told of its end besides the events of its disks; known when it has been settled.
    pub last_words: Option<(i32, Vec<TypedParam>)>,
    /// The disks whose end is still to be told.
    pub untold: usize,
}

impl Backup {
    pub fn new(group: Group, def: BackupDef, reuse: bool) -> Backup {
        let untold = def.chosen().count();
        Backup { group, def, reuse, serving: false, begun: None, last_words: None, untold }
    }

    /// What is written down of it.
    pub fn document(&self) -> String {
        document(&self.def, self.serving)
    }

    /// Whether the files that were made for it go with it: those of a pull always, those of a push that did not succeed.
    pub fn files_go(&self, completed: bool) -> bool {
        !self.reuse && (self.def.pull || !completed)
    }
}

/// The document of a backup as it is kept for another process. It names the server only if there may be one to stop.
pub(super) fn document(def: &BackupDef, serving: bool) -> String {
    let server = def.server.clone().filter(|_| serving);
    BackupDef { server, ..def.clone() }.format()
}

/// All of them, oldest first.
#[derive(Debug, Default)]
pub(in crate::driver::qemu) struct Backups {
    list: Vec<Backup>,
    /// Sockets of servers that had not ended when their backups had.
    pub left: Vec<String>,
}

impl Backups {
    pub fn add(&mut self, backup: Backup) {
        self.list.push(backup);
    }

    pub fn take(&mut self, job: &str) -> Option<Backup> {
        let at = self.list.iter().position(|backup| backup.group.job() == job)?;
        Some(self.list.remove(at))
    }

    /// The oldest of those that run.
    pub fn first_begun(&self) -> Option<&Backup> {
        self.list.iter().find(|backup| backup.begun.is_some())
    }

    pub fn get(&self, job: &str) -> Option<&Backup> {
        self.list.iter().find(|backup| backup.group.job() == job)
    }

    pub fn get_mut(&mut self, job: &str) -> Option<&mut Backup> {
        self.list.iter_mut().find(|backup| backup.group.job() == job)
    }

    /// The images of a backup are closed, and its files are seen to.
    pub fn forget_images(&mut self, job: &str) {
        if let Some(backup) = self.get_mut(job) {
            backup.def.chosen_mut().for_each(|part| part.index = 0);
            backup.serving = false;
        }
    }

    /// What the engine is to hear of an event.
    pub fn translate(&mut self, seen: Observation) -> Vec<Observation> {
        match self.list.iter_mut().find_map(|backup| backup.group.see(&seen)) {
            Some(told) => told,
            None => vec![seen],
        }
    }

    /// Puts each group in the place of its members in a listing; returns what is to be told beside it.
    pub fn fold(&mut self, listing: &mut Vec<Listed>) -> Vec<Observation> {
        let mut beside = Vec::new();
        for backup in &mut self.list {
            if let Some(entry) = backup.group.extract(listing) {
                beside.push(backup.group.disks());
                listing.push(entry);
            }
        }
        beside
    }

    /// QEMU's jobs that are meant by an id that stands for a backup; `None` if it does not.
    pub fn members_to_ask(&mut self, id: &str, command: &str) -> Option<Vec<String>> {
        let group = &mut self.get_mut(id)?.group;
        match command {
            "job-dismiss" => return Some(group.ids()),
            "job-cancel" => group.end(),
            _ => {}
        }
        Some(group.running())
    }

    /// QEMU's jobs that are to be ended since another of their backup has failed or was ended.
    pub fn take_ailing(&mut self) -> Vec<String> {
        self.list.iter_mut().flat_map(|backup| backup.group.take_ailing()).collect()
    }
}
