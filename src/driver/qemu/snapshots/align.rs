//! Which disks take part in a snapshot, and how: what the description leaves open is decided here, in libvirt's order.

use std::fs;
use std::os::unix::fs::FileTypeExt;

use crate::driver::qemu::disks::QemuDisk;
use crate::model::disk::ImageKind;
use crate::model::{from, Error, Result};
use crate::xml::snapshot::{Location, SnapshotDef, SnapshotDisk};

/// Names every disk of the domain in the description, in the domain's order. `usual`: where a part is kept that the
/// description says nothing of; a snapshot inside the images allows nothing else.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for disks that there are not, or that cannot take part so.
pub(super) fn align(def: &mut SnapshotDef, disks: &[QemuDisk], usual: Location) -> Result<()> {
    align_disks(def, disks, usual).and_then(|()| name_images(def, disks)).map_err(|error| error.or_from(from::DOMAIN_SNAPSHOT))
}

fn align_disks(def: &mut SnapshotDef, disks: &[QemuDisk], usual: Location) -> Result<()> {
    if def.disks.len() > disks.len() {
        return Err(Error::config("too many disk snapshot requests for domain"));
    }
    let mut parts: Vec<Option<SnapshotDisk>> = vec![None; disks.len()];
    for mut part in std::mem::take(&mut def.disks) {
        let at = disks.iter().position(|disk| answers_to(disk, &part.name));
        let at = at.ok_or_else(|| Error::config(format!("no disk named '{}'", part.name)))?;
        if parts[at].is_some() {
            return Err(Error::config(format!("disk '{}' specified twice", part.name)));
        }
        let location = *part.location.get_or_insert(usual);
        if usual == Location::Internal && location != usual {
            return Err(Error::config(format!("disk '{}' must use snapshot mode '{}'", part.name, usual.as_str())));
        }
        part.name.clone_from(&disks[at].front.target);
        parts[at] = Some(part);
    }
    let of_disk = |(part, disk): (Option<SnapshotDisk>, &QemuDisk)| {
        let location = if disk.links.is_empty() || disk.front.readonly { Location::No } else { usual };
        part.unwrap_or_else(|| SnapshotDisk {
            name: disk.front.target.clone(),
            location: Some(location),
            kind: ImageKind::File,
            path: None,
            format: None,
        })
    };
    def.disks = parts.into_iter().zip(disks).map(of_disk).collect();
    Ok(())
}

fn answers_to(disk: &QemuDisk, name: &str) -> bool {
    if name.starts_with('/') {
        disk.source_path() == name
    } else {
        disk.front.target == name
    }
}

/// New images that are not named are called like the old ones, with the snapshot's name for an ending.
fn name_images(def: &mut SnapshotDef, disks: &[QemuDisk]) -> Result<()> {
    let name = def.name.clone().unwrap_or_default();
    let mut taken: Vec<(String, String)> = def.disks.iter().filter_map(|part| Some((part.path.clone()?, part.name.clone()))).collect();
    let unnamed = |part: &SnapshotDisk| part.location == Some(Location::External) && part.path.is_none();
    for (part, disk) in def.disks.iter_mut().zip(disks).filter(|(part, _)| unnamed(part)) {
        let path = name_beside(part, disk.source_path(), &name)?;
        if let Some((_, other)) = taken.iter().find(|(known, _)| *known == path) {
            return Err(cannot_name(&format!("disk '{}': collision with disk '{other}'", part.name)));
        }
        taken.push((path.clone(), part.name.clone()));
        part.path = Some(path);
    }
    Ok(())
}

fn name_beside(part: &SnapshotDisk, source: &str, snapshot: &str) -> Result<String> {
    let target = &part.name;
    if part.kind != ImageKind::File {
        return Err(cannot_name(&format!("disk '{target}' on a '{}' device", part.kind.as_str())));
    }
    if source.is_empty() {
        return Err(cannot_name(&format!("disk '{target}' without source")));
    }
    if !fs::metadata(source).is_ok_and(|meta| meta.is_file()) {
        let why = format!("source for disk '{target}' is not a regular file; refusing to generate external snapshot name");
        return Err(Error::config(why));
    }
    Ok(format!("{}.{snapshot}", without_ending(source)))
}

fn cannot_name(what: &str) -> Error {
    Error::config(format!("cannot generate external snapshot name for {what}"))
}

fn without_ending(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((stem, ending)) if !ending.contains('/') => stem,
        _ => path,
    }
}

/// Checks one disk's part of a snapshot, and fills in the format of a new image.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` or `SYSTEM_ERROR`.
pub(super) fn check_part(part: &mut SnapshotDisk, disk: &QemuDisk, disk_only: bool, reuse: bool) -> Result<()> {
    let target = &part.name;
    match part.location {
        Some(Location::Internal) if disk_only => {
            Err(Error::config(format!("active qemu domains require external disk snapshots; disk {target} requested internal")))
        }
        Some(Location::Internal) => match disk.links.first().map(|link| link.image.format.as_str()) {
            None | Some("qcow2") => Ok(()),
            Some(format) => Err(Error::config(format!("internal snapshot for disk {target} unsupported for storage type {format}"))),
        },
        Some(Location::External) => {
            let format = part.format.get_or_insert_with(|| "qcow2".to_owned());
            if format != "qcow2" {
                return Err(Error::config(format!("external snapshot format for disk {target} is unsupported: {format}")));
            }
            check_image(target, part.path.as_deref().unwrap_or_default(), reuse)
        }
        _ => Ok(()),
    }
}

/// A new image must not be there, or be empty; one that is to be used must be there.
fn check_image(target: &str, path: &str, reuse: bool) -> Result<()> {
    match fs::metadata(path) {
        Ok(meta) if !reuse && !meta.file_type().is_block_device() && meta.len() > 0 => {
            Err(Error::config(format!("external snapshot file for disk {target} already exists and is not a block device: {path}")))
        }
        Ok(_) => Ok(()),
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::system(format!("unable to stat for disk {target}: {path}"), &why))
        }
        Err(why) if reuse => Err(Error::system(format!("missing existing file for disk {target}: {path}"), &why)),
        Err(_) => Ok(()),
    }
}

/// Checks what the parts are together.
///
/// # Errors
/// `CONFIG_UNSUPPORTED`.
pub(super) fn check_whole(def: &SnapshotDef, disks: &[QemuDisk], disk_only: bool) -> Result<()> {
    let has = |location| def.disks.iter().any(|part| part.location == Some(location));
    let (internal, external) = (has(Location::Internal), has(Location::External));
    if disk_only && !internal && !external {
        return Err(Error::config("nothing selected for snapshot"));
    }
    let left_out =
        |(part, disk): (&SnapshotDisk, &QemuDisk)| part.location == Some(Location::No) && !disk.links.is_empty() && !disk.front.readonly;
    let some_left_out = def.disks.iter().zip(disks).any(left_out);
    if (!disk_only && !internal) || (internal && some_left_out) {
        return Err(Error::config("internal and full system snapshots require all disks to be selected for snapshot"));
    }
    if internal && external {
        return Err(Error::config("mixing internal and external targets for a snapshot is not yet supported"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::qemu::disks::Link;
    use crate::model::code;
    use crate::model::disk::{Disk, Image};

    fn disk(target: &str, path: &str, format: &str) -> QemuDisk {
        let mut disk = QemuDisk::plugged(Disk { target: target.into(), ..Disk::default() });
        if !path.is_empty() {
            disk.links.push(Link::own(Image { path: path.into(), format: format.into(), index: 1, ..Image::default() }));
        }
        disk
    }

    fn wanted(disks: &str) -> SnapshotDef {
        SnapshotDef::parse(&format!("<domainsnapshot><name>s</name><disks>{disks}</disks></domainsnapshot>")).unwrap()
    }

    #[test]
    fn every_disk_gets_its_part_in_the_order_of_the_domain() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("image.v1.qcow2");
        fs::write(&file, "").unwrap();
        let path = file.to_str().unwrap();
        let mut readonly = disk("vdc", "/c", "qcow2");
        readonly.front.readonly = true;
        let disks = [disk("vda", path, "qcow2"), disk("vdb", "/b", "qcow2"), readonly, disk("hdc", "", "")];
        let mut def = wanted("<disk name='/b' snapshot='no'/>");
        align(&mut def, &disks, Location::External).unwrap();
        let parts: Vec<(&str, Option<Location>)> = def.disks.iter().map(|part| (part.name.as_str(), part.location)).collect();
        let no = Some(Location::No);
        assert_eq!(parts, [("vda", Some(Location::External)), ("vdb", no), ("vdc", no), ("hdc", no)]);
        assert_eq!(def.disks[0].path, Some(path.replace(".qcow2", ".s")));
    }

    #[test]
    fn what_cannot_be_is_refused_with_libvirts_code() {
        let disks = [disk("vda", "/nowhere/a.qcow2", "qcow2"), disk("vdb", "/nowhere/b", "raw")];
        for (parts, usual) in [
            ("<disk name='vdz'/>", Location::External),
            ("<disk name='vda'/><disk name='/nowhere/a.qcow2'/>", Location::External),
            ("<disk name='vda'/><disk name='vda'/><disk name='vda'/>", Location::External),
            ("<disk name='vda'/>", Location::External),
            ("<disk name='vda' type='block'/>", Location::External),
            ("<disk name='vda' snapshot='no'/>", Location::Internal),
            ("<disk name='vda'><source file='/x'/></disk>", Location::Internal),
        ] {
            let refused = align(&mut wanted(parts), &disks, usual).map_err(|e| e.code);
            assert_eq!(refused, Err(code::CONFIG_UNSUPPORTED), "{parts}");
        }
        let mut def = wanted("");
        align(&mut def, &disks, Location::Internal).unwrap();
        assert_eq!(check_part(&mut def.disks[0], &disks[0], false, false), Ok(()));
        assert_eq!(check_part(&mut def.disks[1], &disks[1], false, false).map_err(|e| e.code), Err(code::CONFIG_UNSUPPORTED));
        assert_eq!(check_whole(&def, &disks, false), Ok(()));
        def.disks[1].location = Some(Location::No);
        assert_eq!(check_whole(&def, &disks, false).map_err(|e| e.code), Err(code::CONFIG_UNSUPPORTED));
    }
}
