//! What a backup is to do, disk by disk, before anything is touched.

use serde_json::{json, Value};

use super::super::copy::virtual_size;
use super::super::disks::{is_filter, QemuDisk};
use super::super::domain::QemuDomain;
use super::super::translate::text;
use crate::driver::backup;
use crate::model::disk::{Disk, Image, ImageKind};
use crate::model::{code, Error, Result};
use crate::xml::backup::{BackupDef, Place};
use crate::xml::checkpoint::CheckpointDef;

/// A backup with everything that its document left open.
pub(super) struct Plan {
    pub def: BackupDef,
    pub parts: Vec<Part>,
    /// Bitmaps that begin with the backup, as pairs of a node and a name.
    pub checkpoint: Vec<(String, String)>,
}

/// One disk of a backup.
pub(super) struct Part {
    pub disk: QemuDisk,
    /// The node that is copied.
    pub root: String,
    /// Where to; without a number as long as it has not been opened.
    pub image: Image,
    /// The size of the disk in bytes.
    pub size: u64,
    /// The bitmap that says what has changed, for an incremental backup.
    pub since: Option<String>,
    /// The bitmap of what has changed as a client of a pull sees it.
    pub export_bitmap: Option<String>,
}

impl Part {
    /// What is not in the image is read from the disk.
    pub fn is_overlay(&self, pull: bool) -> bool {
        pull || (self.since.is_some() && self.image.format != "raw")
    }
}

impl QemuDomain {
    /// Completes the document from the domain's disks, and checks it in libvirt's order.
    pub(super) fn plan_backup(&self, mut def: BackupDef, checkpoint: Option<&CheckpointDef>, suffix: &str) -> Result<Plan> {
        let disks: Vec<QemuDisk> = self.inner.lock().disks.list.iter().filter(|disk| disk.plugged).cloned().collect();
        let described: Vec<Disk> = disks.iter().map(QemuDisk::describe).collect();
        backup::align(&mut def, &described, suffix)?;
        check_server(&def)?;
        let find = |name: &str| disks.iter().find(|disk| disk.front.target == name);
        let begins = checkpoint.map_or(Ok(Vec::new()), |checkpoint| new_bitmaps(checkpoint, &disks))?;
        let known = if def.chosen().any(|part| part.incremental.is_some()) { self.call("query-block", json!({}))? } else { Value::Null };
        let mut parts = Vec::new();
        for part in def.disks.iter_mut().flatten().filter(|part| part.backup) {
            let Some(disk) = find(&part.name) else { continue };
            let format = part.format.get_or_insert_with(|| "qcow2".to_owned()).clone();
            check_format(&part.name, &format, def.pull)?;
            let root = disk.root()?.to_owned();
            if let Some(since) = &part.incremental {
                check_bitmap(&known, disk, since)?;
                if def.pull {
                    part.export_bitmap.get_or_insert_with(|| format!("backup-{}", part.name));
                }
            }
            if def.pull {
                part.export_name.get_or_insert_with(|| part.name.clone());
            }
            let path = part.path.clone().ok_or_else(|| Error::internal(format!("the backup of disk '{}' has no target", part.name)))?;
            parts.push(Part {
                root,
                image: Image { kind: part.kind, path, format, index: 0 },
                size: virtual_size(disk)?,
                since: part.incremental.clone(),
                export_bitmap: part.export_bitmap.clone(),
                disk: disk.clone(),
            });
        }
        if parts.is_empty() {
            return Err(Error::config("no disks selected for backup"));
        }
        Ok(Plan { def, parts, checkpoint: begins })
    }
}

fn check_server(def: &BackupDef) -> Result<()> {
    let Some(server) = &def.server else { return Ok(()) };
    if matches!(server.place, Place::Tcp { port: 0, .. }) {
        return Err(Error::unsupported("<domainbackup> must specify TCP port for now"));
    }
    if server.tls == Some(true) {
        return Err(Error::invalid("backup TLS directory not configured"));
    }
    Ok(())
}

fn check_format(disk: &str, format: &str, pull: bool) -> Result<()> {
    match format {
        "qcow2" => Ok(()),
        _ if pull => Err(Error::config(format!("pull mode backup for disk '{disk}' requires qcow2 driver"))),
        "raw" => Ok(()),
        _ => Err(Error::config(format!("backup of disk '{disk}': storage format '{format}' is not supported"))),
    }
}

/// The bitmaps that QEMU has on a disk, as pairs of a name and whether it can be used. `None` while another job stands before
/// the image: QEMU tells of the topmost node only.
fn bitmaps_on(known: &Value, disk: &QemuDisk) -> Option<Vec<(String, bool)>> {
    let root = disk.root().unwrap_or_default();
    let qdev = disk.qdev.as_deref().unwrap_or_default();
    let is_it = |entry: &&Value| {
        let path = text(entry, "qdev").unwrap_or_default();
        entry.pointer("/inserted/node-name").and_then(Value::as_str) == Some(root)
            || (!qdev.is_empty() && path.split('/').any(|part| part == qdev))
            || text(entry, "device").is_some_and(|name| !name.is_empty() && disk.drive.as_deref() == Some(name))
    };
    let entry = known.as_array().into_iter().flatten().find(is_it);
    let driver = entry.and_then(|entry| entry.pointer("/inserted/drv")).and_then(Value::as_str).unwrap_or_default();
    if is_filter(driver) {
        return None;
    }
    let bitmaps = entry.and_then(|entry| entry.pointer("/inserted/dirty-bitmaps")).and_then(Value::as_array);
    let sound = |bitmap: &Value| !bitmap.get("inconsistent").and_then(Value::as_bool).unwrap_or(false);
    Some(bitmaps.into_iter().flatten().filter_map(|bitmap| Some((text(bitmap, "name")?.to_owned(), sound(bitmap)))).collect())
}

/// There are no checkpoints here but their bitmaps: one that no disk has is no checkpoint.
fn check_bitmap(known: &Value, disk: &QemuDisk, since: &str) -> Result<()> {
    let target = &disk.front.target;
    // What cannot be seen is for QEMU to find missing, when the backup is to begin.
    if bitmaps_on(known, disk).is_none_or(|bitmaps| bitmaps.iter().any(|(name, sound)| name == since && *sound)) {
        return Ok(());
    }
    let entries = known.as_array().into_iter().flatten();
    let mut all = entries.filter_map(|entry| entry.pointer("/inserted/dirty-bitmaps")?.as_array()).flatten();
    if all.any(|bitmap| text(bitmap, "name") == Some(since)) {
        return Err(Error::new(code::CHECKPOINT_INCONSISTENT, format!("missing or broken bitmap '{since}' for disk '{target}'")));
    }
    let what = format!("Checkpoint '{since}' for incremental backup of disk '{target}' not found");
    Err(Error::new(code::NO_DOMAIN_CHECKPOINT, what))
}

/// The bitmaps that a checkpoint consists of.
fn new_bitmaps(checkpoint: &CheckpointDef, disks: &[QemuDisk]) -> Result<Vec<(String, String)>> {
    let mut bitmaps = Vec::new();
    for wanted in checkpoint.disks.iter().flatten() {
        if !disks.iter().any(|disk| disk.front.target == wanted.name) {
            return Err(Error::config(format!("no disk named '{}'", wanted.name)));
        }
    }
    for disk in disks {
        let target = &disk.front.target;
        let wanted = checkpoint.disks.iter().flatten().find(|one| one.name == *target);
        let chosen = match (&checkpoint.disks, wanted) {
            (None, _) => !disk.front.readonly && !disk.links.is_empty(),
            (Some(_), wanted) => wanted.is_some_and(|one| one.bitmap),
        };
        if !chosen {
            continue;
        }
        let image = disk.links.first().map(|link| &link.image);
        let format = image.map_or("", |image| image.format.as_str());
        if format != "qcow2" || image.is_some_and(|image| image.kind == ImageKind::Network) {
            return Err(Error::config(format!("checkpoint for disk {target} unsupported for storage type {format}")));
        }
        let name = wanted.and_then(|one| one.name_of_bitmap.clone()).unwrap_or_else(|| checkpoint.name.clone());
        bitmaps.push((disk.root()?.to_owned(), name));
    }
    Ok(bitmaps)
}
