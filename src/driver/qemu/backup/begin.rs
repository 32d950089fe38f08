//! Starting a backup.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{json, Value};

use super::super::block::is_undecided;
use super::super::blockdev::format_node;
use super::super::clock::now;
use super::super::copy::describe_target;
use super::super::domain::{QemuDomain, TURN};
use super::super::migration::is_own_backup;
use super::group::Group;
use super::image::{closing, remove_files};
use super::plan::{Part, Plan};
use super::running::Backup;
use super::{PULL, PUSH, REUSE};
use crate::job::{JobConfig, StartRequest};
use crate::model::flags::JOB_START_PARALLEL;
use crate::model::{code, ControlOp, Error, JobType, Result};
use crate::xml::backup::{BackupDef, Place, Server};
use crate::xml::checkpoint::CheckpointDef;

/// `VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL`.
const REUSE_EXTERNAL: u32 = 1;

impl QemuDomain {
    /// `virDomainBackupBegin`. Returns when the disks are being copied.
    pub(in crate::driver::qemu) fn begin_backup(self: &Arc<Self>, xml: &str, checkpoint: Option<&str>, flags: u32) -> Result<String> {
        let seconds = (now().wall_ms / 1000).to_string();
        let def = BackupDef::parse(xml)?;
        let checkpoint = checkpoint.map(|xml| CheckpointDef::parse(xml, &seconds)).transpose()?;
        self.require_alive().map_err(|_| Error::unsupported("cannot perform disk backup for inactive domain"))?;
        self.await_other_backups(flags);
        self.await_images()?;
        let _modify = self.changing_disks()?;
        self.refuse_if_busy(JobType::BlockBackup, &JobConfig::default(), flags)?;
        self.learn_sizes()?;
        let suffix = checkpoint.as_ref().map_or(&seconds, |checkpoint| &checkpoint.name);
        let mut plan = self.plan_backup(def, checkpoint.as_ref(), suffix)?;
        for part in &plan.parts {
            // libvirt finds this out late, and takes it for a mistake of its own.
            let busy = self.refuse_if_busy(JobType::BlockBackup, &JobConfig::on_disk(&part.disk.front.target), flags);
            busy.map_err(|error| Error { code: code::INTERNAL_ERROR, ..error })?;
        }
        let reuse = flags & REUSE_EXTERNAL != 0;
        let request = StartRequest::new(JobType::BlockBackup, config_of(&plan, reuse)).with_flags(flags);
        let disks = request.config.disks.clone();
        let name = self.reserve_block_job(request)?;
        self.backups.lock().add(Backup::new(Group::new(&name, &disks), plan.def.clone(), reuse));
        if let Err(error) = self.start_backup(&name, &mut plan, reuse) {
            if self.backups.lock().get(&name).is_some_and(|backup| backup.begun.is_none()) {
                self.undo_backup(&name, &error);
            }
            return Err(error);
        }
        if let Err(error) = self.export_backup(&name, &plan) {
            // Its user never heard that it began.
            let _ = self.control(&name, ControlOp::Abort);
            let _ = self.wait_for_end(&name);
            return Err(error);
        }
        Ok(name)
    }

    /// Waits for the end of another backup, like libvirt for half a minute at most. That it has not come is found out later.
    fn await_other_backups(&self, flags: u32) {
        if flags & JOB_START_PARALLEL == 0 {
            self.table.wait_until(Instant::now() + TURN, |engine| !engine.unfinished().any(is_own_backup));
        }
    }

    fn start_backup(self: &Arc<Self>, name: &str, plan: &mut Plan, reuse: bool) -> Result<()> {
        let pull = plan.def.pull;
        for (at, part) in plan.parts.iter_mut().enumerate() {
            self.open_backup_image(name, at, part, pull, reuse)?;
        }
        if let Some(server) = plan.def.server.as_ref().filter(|_| pull) {
            self.start_server(name, server)?;
        }
        let (actions, grouped) = self.actions(name, plan);
        let mode = if grouped { "grouped" } else { "individual" };
        let answer = self.call("transaction", json!({ "actions": actions, "properties": { "completion-mode": mode } }));
        let undecided = answer.as_ref().is_err_and(is_undecided);
        if undecided || answer.is_ok() {
            if let Some(backup) = self.backups.lock().get_mut(name) {
                backup.begun = Some(now());
            }
        }
        if undecided {
            self.await_verdict(name.to_owned());
        }
        answer?;
        self.update_jobs(|engine, out| engine.started(name, now(), out));
        Ok(())
    }

    /// Everything that is to happen at one moment, and whether QEMU itself is to end all jobs when one ends: it refuses to
    /// where bitmaps are made in the same breath.
    fn actions(&self, name: &str, plan: &Plan) -> (Vec<Value>, bool) {
        let backups = self.backups.lock();
        let members: Vec<String> = backups.get(name).map(|backup| backup.group.ids()).unwrap_or_default();
        let begin = |(node, bitmap): &(String, String)| json!({ "type": "block-dirty-bitmap-add", "data": { "node": node, "name": bitmap, "persistent": true } });
        let bitmaps = plan.checkpoint.iter().map(begin);
        let changes = plan.parts.iter().zip(&members).flat_map(|(part, member)| changes_of(part, member, plan.def.pull));
        let mut actions: Vec<Value> = bitmaps.chain(changes).collect();
        let grouped = actions.is_empty();
        actions.extend(plan.parts.iter().zip(&members).map(|(part, member)| copying(part, member, plan.def.pull)));
        (actions, grouped)
    }

    fn start_server(self: &Arc<Self>, name: &str, server: &Server) -> Result<()> {
        self.note_serving(name, true);
        let address = match &server.place {
            Place::Unix { socket } => json!({ "type": "unix", "data": { "path": socket } }),
            Place::Tcp { name, port } => json!({ "type": "inet", "data": { "host": name, "port": port.to_string() } }),
        };
        let started = self.call("nbd-server-start", json!({ "addr": address }));
        if started.is_err() {
            // Another one, which may run, is not ours to stop.
            self.note_serving(name, false);
        }
        started.map(drop)
    }

    /// Writes down whether there is a server to stop.
    fn note_serving(self: &Arc<Self>, name: &str, serving: bool) {
        let document = self.backups.lock().get_mut(name).map(|backup| {
            backup.serving = serving;
            backup.document()
        });
        self.update_jobs(|engine, out| engine.describe(name, |config| config.document = document, out));
    }

    /// Offers the scratch images to clients.
    fn export_backup(&self, name: &str, plan: &Plan) -> Result<()> {
        let members = self.backups.lock().get(name).map(|backup| backup.group.ids()).unwrap_or_default();
        for ((part, offered), member) in plan.parts.iter().zip(plan.def.chosen()).zip(members).filter(|_| plan.def.pull) {
            let mut export = json!({
                "type": "nbd",
                "id": member,
                "node-name": format_node(part.image.index),
                "name": offered.export_name,
                "writable": false,
            });
            if let Some(bitmap) = part.export_bitmap.as_ref().filter(|_| part.since.is_some()) {
                export["bitmaps"] = json!([bitmap]);
            }
            self.call("block-export-add", export)?;
        }
        Ok(())
    }

    /// A backup of which it was not known whether it runs does not: nothing is left of the attempt.
    pub(in crate::driver::qemu) fn drop_backup(&self, name: &str) {
        let Some(backup) = self.backups.lock().take(name) else { return };
        let stop = backup.serving.then(|| ("nbd-server-stop", json!({})));
        for (command, arguments) in stop.into_iter().chain(closing(&backup.def)) {
            self.post(command, arguments, |_| {});
        }
        if !backup.reuse {
            remove_files(&backup.def);
        }
    }

    /// A backup does not come to run: nothing is left of the attempt.
    fn undo_backup(self: &Arc<Self>, name: &str, why: &Error) {
        let backup = self.backups.lock().get(name).cloned();
        if let Some(backup) = &backup {
            let stop = backup.serving.then(|| ("nbd-server-stop", json!({})));
            for (command, arguments) in stop.into_iter().chain(closing(&backup.def)) {
                // What was not done yet cannot be undone; the error that counts is the first.
                let _ = self.call(command, arguments);
            }
            if !backup.reuse {
                remove_files(&backup.def);
            }
        }
        self.backups.lock().forget_images(name);
        self.start_failed(name, why);
        self.backups.lock().take(name);
    }
}

fn config_of(plan: &Plan, reuse: bool) -> JobConfig {
    let mode = if plan.def.pull { PULL } else { PUSH };
    let disk = |part: &Part| part.disk.front.target.clone();
    JobConfig {
        disks: plan.parts.iter().map(disk).collect(),
        targets: plan.parts.iter().map(|part| describe_target(&part.disk, &part.image)).collect(),
        incremental: plan.parts.iter().find_map(|part| part.since.clone()),
        options: [mode].into_iter().chain(reuse.then_some(REUSE)).map(str::to_owned).collect(),
        document: Some(super::running::document(&plan.def, false)),
        ..JobConfig::default()
    }
}

/// A bitmap of what has changed since the checkpoint, which does not change any more: where the copying job reads it, or
/// where it is exported.
fn changes_of(part: &Part, member: &str, pull: bool) -> Vec<Value> {
    let Some(since) = &part.since else { return Vec::new() };
    let (node, name) = match &part.export_bitmap {
        Some(bitmap) if pull => (format_node(part.image.index), bitmap.clone()),
        _ => (part.root.clone(), member.to_owned()),
    };
    let source = json!([{ "node": part.root, "name": since }]);
    vec![
        json!({ "type": "block-dirty-bitmap-add", "data": { "node": node, "name": name, "persistent": false, "disabled": true } }),
        json!({ "type": "block-dirty-bitmap-merge", "data": { "node": node, "target": name, "bitmaps": source } }),
    ]
}

/// The job for one disk.
fn copying(part: &Part, member: &str, pull: bool) -> Value {
    let mut job = json!({
        "job-id": member,
        "device": part.root,
        "target": format_node(part.image.index),
        "sync": if pull { "none" } else { "full" },
        "auto-finalize": true,
        "auto-dismiss": false,
    });
    if part.since.is_some() && !pull {
        job["sync"] = "incremental".into();
        job["bitmap"] = member.into();
    }
    json!({ "type": "blockdev-backup", "data": job })
}
