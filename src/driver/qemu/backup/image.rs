//! The images that a backup writes.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use serde_json::{json, Value};

use super::super::blockdev::{self, format_node, storage_node};
use super::super::domain::QemuDomain;
use super::super::monitor::sys;
use super::plan::Part;
use crate::job::JobConfig;
use crate::model::disk::{DiskTuning, ImageKind};
use crate::model::{Error, Result};
use crate::xml::backup::BackupDef;

impl QemuDomain {
    /// Opens the image at this place of the backup in QEMU, creating it first unless it is to be used as it is.
    pub(super) fn open_backup_image(self: &Arc<Self>, name: &str, at: usize, part: &mut Part, pull: bool, reuse: bool) -> Result<()> {
        let create = !reuse && part.image.kind == ImageKind::File;
        if create {
            make_file(part)?;
        }
        let opened = self.add_storage(&mut part.image, &DiskTuning::default(), |index| self.note_index(name, at, index));
        if create && part.image.index == 0 {
            // Nothing says yet that it is ours.
            let _ = fs::remove_file(&part.image.path);
        }
        opened?;
        if !reuse {
            self.create_content(name, part, pull)?;
        }
        let mut node = blockdev::format(&part.image, None, &DiskTuning::default(), true, false);
        if part.is_overlay(pull) {
            node["backing"] = part.root.clone().into();
        }
        self.call("blockdev-add", node).map(drop)
    }

    /// Writes down which number the image at this place has: from now on it is ours to remove.
    fn note_index(self: &Arc<Self>, name: &str, at: usize, index: u32) {
        let document = {
            let mut backups = self.backups.lock();
            let Some(backup) = backups.get_mut(name) else { return };
            if let Some(part) = backup.def.chosen_mut().nth(at) {
                part.index = index;
            }
            backup.document()
        };
        let note = |config: &mut JobConfig| {
            if let Some(target) = config.targets.get_mut(at) {
                target.index = index;
            }
            config.document = Some(document);
        };
        self.update_jobs(|engine, out| engine.describe(name, note, out));
    }

    /// What the image's format needs to begin with.
    fn create_content(self: &Arc<Self>, name: &str, part: &Part, pull: bool) -> Result<()> {
        let (image, size) = (&part.image, part.size);
        if image.format == "raw" {
            return Ok(());
        }
        let mut options = json!({ "driver": image.format, "file": storage_node(image.index), "size": size });
        let source = part.disk.links.first().map(|link| &link.image).filter(|source| source.path.starts_with('/'));
        if let Some(source) = source.filter(|_| part.is_overlay(pull)) {
            options["backing-file"] = source.path.clone().into();
            options["backing-fmt"] = source.format.clone().into();
        }
        self.create_image(name, &part.disk, image, false, options)
    }
}

/// A file that was not there before, of the size that its format needs to begin with.
fn make_file(part: &Part) -> Result<()> {
    let (path, disk) = (&part.image.path, &part.disk.front.target);
    let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).and_then(|file| {
        let size = if part.image.format == "raw" { part.size } else { 0 };
        file.set_len(size).inspect_err(|_| drop(fs::remove_file(path)))
    });
    made.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::invalid_arg(format!("store '{path}' for backup of '{disk}' exists")),
        _ => Error::system(format!("failed to create image file '{path}'"), &error),
    })
}

/// The commands that close the images that were opened, those of formats first.
pub(super) fn closing(def: &BackupDef) -> impl Iterator<Item = (&'static str, Value)> + '_ {
    let opened = def.chosen().filter(|part| part.index > 0);
    opened.flat_map(|part| [format_node(part.index), storage_node(part.index)].map(|node| ("blockdev-del", json!({ "node-name": node }))))
}

/// Removes the files that were made for a backup, where they are not what it was for.
pub(super) fn remove_files(def: &BackupDef) {
    for part in def.chosen().filter(|part| part.index > 0 && part.kind == ImageKind::File) {
        if let Some(path) = &part.path {
            // One that somebody else has removed is gone just as well.
            let _ = fs::remove_file(path);
        }
    }
}

/// Removes the socket of a server that is gone with its QEMU, which does so only if it comes to stop it. Says whether that is
/// done: somebody may listen still.
pub(super) fn remove_socket(socket: &str) -> bool {
    let is_socket = fs::symlink_metadata(socket).is_ok_and(|meta| meta.file_type().is_socket());
    if is_socket && sys::connect(Path::new(socket)).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
        let _ = fs::remove_file(socket);
        return true;
    }
    !is_socket
}
