//! The end of a backup: what it held is released, files that are of no use are removed, and it is told in libvirt's order.

use std::sync::Arc;

use serde_json::{json, Value};

use super::super::clock::now;
use super::super::domain::QemuDomain;
use super::image::{closing, remove_files, remove_socket};
use super::running::Backup;
use crate::driver::older::{self, job_type};
use crate::job::{Engine, Job, OlderEvent, Outcome};
use crate::model::event::block_status;
use crate::model::{JobType, TypedParam, TypedValue};
use crate::qmp::CallError;
use crate::xml::backup::{BackupDisk, Place, Server};

impl QemuDomain {
    /// How it ended is known: QEMU closes what was opened for it and forgets its jobs, and then its user may know. Runs under
    /// the lock of the job table.
    pub(in crate::driver::qemu) fn settle_backup(self: &Arc<Self>, engine: &Engine, name: &str, outcome: &Outcome) {
        let Some(mut backup) = self.backups.lock().get(name).cloned() else { return };
        let job = engine.get(name).filter(|_| backup.begun.is_some() && !engine.is_going());
        let words = |job: &Job| Some((older::type_of_end(job, outcome), older::completed(job, outcome, now())?));
        backup.last_words = job.and_then(words);
        let commands = self.releasing(&backup);
        if let Some(known) = self.backups.lock().get_mut(name) {
            known.last_words.clone_from(&backup.last_words);
        }
        let remove = backup.files_go(*outcome == Outcome::Completed);
        let (domain, job) = (Arc::downgrade(self), name.to_owned());
        let finish = move || {
            let Some(domain) = domain.upgrade() else { return };
            if remove {
                remove_files(&backup.def);
            }
            domain.backups.lock().forget_images(&job);
            domain.update_jobs(|engine, out| engine.settled(&job, now(), out));
            domain.forget_unplugged();
        };
        // Once QEMU has forgotten the jobs, the record is all that tells how they ended.
        let settling = Arc::downgrade(self);
        self.records.when_written(move || {
            if let Some(domain) = settling.upgrade() {
                domain.post_all(commands, finish);
            }
        });
    }

    /// What QEMU is told, in this order.
    fn releasing(&self, backup: &Backup) -> Vec<(&'static str, Value)> {
        let stop = backup.serving.then(|| ("nbd-server-stop", json!({})));
        let dismiss = backup.group.ids().into_iter().map(|id| ("job-dismiss", json!({ "id": id })));
        let inner = self.inner.lock();
        // The image that was copied may have come to be below others since.
        let bitmap = |part: &BackupDisk| -> Vec<(&'static str, Value)> {
            let (disk, name) = (inner.disks.find(&part.name), backup.group.member_on(&part.name));
            let nodes = disk.into_iter().flat_map(|disk| disk.links.iter().filter_map(|link| link.node.as_deref()));
            nodes.map(|node| ("block-dirty-bitmap-remove", json!({ "node": node, "name": name }))).collect()
        };
        let since = |part: &&BackupDisk| !backup.def.pull && part.incremental.is_some();
        let bitmaps = backup.def.chosen().filter(since).flat_map(bitmap);
        stop.into_iter().chain(dismiss).chain(closing(&backup.def)).chain(bitmaps).collect()
    }

    /// Posts commands whose failures change nothing, and looks at the disks after that: as long as a backup stood before an
    /// image, QEMU did not tell of its node. `then` runs when that has been answered, unless the monitor breaks.
    fn post_all(self: &Arc<Self>, commands: Vec<(&'static str, Value)>, then: impl FnOnce() + Send + 'static) {
        for (command, arguments) in commands {
            self.post(command, arguments, |_| {});
        }
        self.take_strays().into_iter().for_each(|node| self.remove_node(node, |_| {}));
        let (domain, question) = (Arc::downgrade(self), self.inner.lock().disks.question());
        self.post(question, json!({}), move |reply| {
            if matches!(reply, Err(CallError::Closed(_))) {
                return;
            }
            if let (Some(domain), Ok(reply)) = (domain.upgrade(), reply) {
                let orphans = domain.inner.lock().disks.refresh_by(question, &reply, None);
                domain.remove_nodes(&orphans);
            }
            then();
        });
    }

    /// Its final state has been told. Where its domain ends too, or it never began, the events of its disks do not follow.
    /// Runs under the lock of the job table.
    pub(in crate::driver::qemu) fn backup_ended(&self, engine: &Engine, name: &str, completed: bool) {
        let backup = {
            let mut backups = self.backups.lock();
            let quiet = engine.is_going() || backups.get(name).is_some_and(|backup| backup.begun.is_none());
            if quiet {
                backups.take(name)
            } else {
                None
            }
        };
        let Some(backup) = backup else { return };
        if backup.files_go(completed) {
            remove_files(&backup.def);
        }
        if let Some(Server { place: Place::Unix { socket }, .. }) = backup.def.server.as_ref().filter(|_| backup.serving) {
            if !remove_socket(socket) {
                self.backups.lock().left.push(socket.clone());
            }
        }
        if let Some((kind, params)) = backup.last_words.clone().or_else(|| without_figures(&backup)) {
            self.tell_completed(kind, params);
        }
    }

    /// Removes the sockets that QEMU had still when its backups ended with it, if it is gone by now.
    pub(in crate::driver::qemu) fn remove_backup_sockets(&self) {
        self.backups.lock().left.retain(|socket| !remove_socket(socket));
    }

    /// The status of a disk in the older event of a job's end; that of a backup's last disk is preceded by what is told of the
    /// backup as a whole.
    pub(in crate::driver::qemu) fn status_in_backup(&self, older: &OlderEvent) -> i32 {
        let (status, ended) = {
            let mut backups = self.backups.lock();
            let Some(backup) = backups.get_mut(&older.job) else { return older.status };
            backup.untold = backup.untold.saturating_sub(1);
            let status = match backup.group.outcome_on(&older.disk) {
                Some(Outcome::Completed) => block_status::COMPLETED,
                Some(Outcome::Failed(_)) => block_status::FAILED,
                Some(Outcome::Aborted) => block_status::CANCELED,
                None => older.status,
            };
            let over = backup.untold == 0;
            (status, if over { backups.take(&older.job) } else { None })
        };
        if let Some((kind, params)) = ended.and_then(|backup| backup.last_words) {
            self.tell_completed(kind, params);
        }
        status
    }
}

/// All that is told of a backup that ended with its domain.
fn without_figures(backup: &Backup) -> Option<(i32, Vec<TypedParam>)> {
    let elapsed = now().mono_ms.saturating_sub(backup.begun?.mono_ms);
    let params = vec![
        TypedParam::new("operation", TypedValue::Int(older::operation(JobType::BlockBackup)?)),
        TypedParam::ullong("time_elapsed", elapsed),
        TypedParam::new("success", TypedValue::Boolean(false)),
    ];
    Some((job_type::CANCELLED, params))
}
