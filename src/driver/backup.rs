//! What a backup document leaves open, completed from the disks of the domain as libvirt does. Shared by the drivers.

use crate::model::disk::{Disk, ImageKind};
use crate::model::{from, Error, Result};
use crate::xml::backup::{BackupDef, BackupDisk, Extent};

/// Gives every disk of the domain a place in the backup: those that the document names first, in its order.
///
/// A disk that is part of the backup and has no target is given one beside its image, with `suffix` at its end.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for disks that are not there, are named twice, or have nothing to copy.
pub fn align(def: &mut BackupDef, disks: &[Disk], suffix: &str) -> Result<()> {
    complete(def, disks, suffix).map_err(|error| error.or_from(from::DOMAIN))
}

fn complete(def: &mut BackupDef, disks: &[Disk], suffix: &str) -> Result<()> {
    if disks.is_empty() {
        return Err(Error::config("domain must have at least one disk to perform backup"));
    }
    let all = def.disks.as_ref().is_none_or(Vec::is_empty);
    let mut parts = def.disks.take().unwrap_or_default();
    for at in 0..parts.len() {
        let name = parts[at].name.clone();
        let disk = disks.iter().find(|disk| disk.target == name).ok_or_else(|| Error::config(format!("no disk named '{name}'")))?;
        if parts[..at].iter().any(|other| other.name == name) {
            return Err(Error::config(format!("disk '{name}' specified twice")));
        }
        if parts[at].extent == Some(Extent::Incremental) && parts[at].incremental.is_none() && def.incremental.is_none() {
            let what = "requires setting 'incremental' field for disk or backup";
            return Err(Error::config(format!("'incremental' backup mode of disk '{name}' {what}")));
        }
        if parts[at].backup {
            place(&mut parts[at], disk, suffix)?;
        }
    }
    for disk in disks {
        if parts.iter().any(|part| part.name == disk.target) {
            continue;
        }
        let backup = all && disk.source().is_some() && !disk.readonly;
        let mut part = BackupDisk { name: disk.target.clone(), backup, ..BackupDisk::default() };
        if backup {
            place(&mut part, disk, suffix)?;
        }
        parts.push(part);
    }
    for part in &mut parts {
        let since = part.incremental.is_some() || def.incremental.is_some();
        let extent = *part.extent.get_or_insert(if since { Extent::Incremental } else { Extent::Full });
        if extent == Extent::Incremental && part.incremental.is_none() {
            part.incremental.clone_from(&def.incremental);
        }
    }
    def.disks = Some(parts);
    Ok(())
}

/// Where the copy of a disk goes.
fn place(part: &mut BackupDisk, disk: &Disk, suffix: &str) -> Result<()> {
    let source = disk.source().ok_or_else(|| Error::config(format!("disk '{}' has no media", part.name)))?;
    if part.path.is_some() || part.kind == ImageKind::Block {
        return Ok(());
    }
    if source.kind != ImageKind::File {
        return Err(Error::config(format!("refusing to generate file name for disk '{}'", part.name)));
    }
    part.path = Some(format!("{}.{suffix}", source.path));
    Ok(())
}
