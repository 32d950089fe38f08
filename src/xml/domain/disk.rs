//! `<disk>`: its front end, its images, and the mirror of a running job.

use super::check::{invalid_attribute, number, only, text_of, unsupported_value, word};
use super::devices::{address, alias};
use super::Scope;
use crate::model::disk::{Disk, DiskTuning, Image, ImageKind, Mirror, MirrorJob, MirrorReady};
use crate::model::{code, from, Error, Result};
use crate::xml::reader::Element;

/// Types of disks, formats and buses that libvirt has, but no driver here.
const OTHER_TYPES: [&str; 7] = ["dir", "network", "volume", "nvme", "vhostuser", "vhostvdpa", "bad"];
const OTHER_FORMATS: [&str; 15] =
    ["none", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd", "ploop", "cow", "qcow", "qed", "vmdk"];
const OTHER_BUSES: [&str; 6] = ["ide", "fdc", "xen", "usb", "uml", "sd"];

/// A disk of a domain: it needs a target and, unless it is an empty drive, a source.
pub(super) fn of_domain(element: &Element, scope: Scope) -> Result<Disk> {
    let mut disk = with_target(element, scope)?;
    if disk.chain.is_empty() && disk.device == "disk" {
        return Err(Error::new(code::NO_SOURCE, disk.target));
    }
    if let Some(top) = disk.chain.first_mut().filter(|top| top.format.is_empty()) {
        // As libvirt does: guessing the format of what a guest can write would let it choose its backing file.
        top.format = "raw".to_owned();
        if disk.chain.len() > 1 {
            return Err(nothing_below_raw());
        }
    }
    check_front(&disk)?;
    Ok(disk)
}

/// A disk that is meant to be found by its target.
pub(super) fn with_target(element: &Element, scope: Scope) -> Result<Disk> {
    let mut disk = front(element, scope)?;
    backend(element, &mut disk, scope)?;
    if disk.target.is_empty() {
        let path = disk.source().map_or("", |image| &image.path);
        return Err(Error::new(code::NO_TARGET, path));
    }
    Ok(disk)
}

/// Where a job is to write: the source counts, and the format if one is given. The front end is not looked at.
pub(super) fn destination(element: &Element) -> Result<Disk> {
    let target = element.child("target").and_then(|target| target.attr("dev"));
    let mut disk = Disk { target: target.unwrap_or_default().to_owned(), device: "disk".to_owned(), ..Disk::default() };
    backend(element, &mut disk, Scope::Configuration)?;
    if disk.chain.is_empty() {
        return Err(Error::new(code::NO_SOURCE, disk.target));
    }
    Ok(disk)
}

fn front(element: &Element, scope: Scope) -> Result<Disk> {
    only(
        element,
        &["type", "device"],
        &["driver", "source", "backingStore", "mirror", "target", "readonly", "serial", "boot", "alias", "address"],
    )?;
    let device = match element.attr("device") {
        None => "disk",
        Some(device @ ("disk" | "cdrom")) => device,
        Some(device @ ("floppy" | "lun")) => return Err(unsupported_value("disk device", device)),
        Some(device) => return Err(invalid_attribute(element, "device", device)),
    };
    let mut disk = Disk {
        device: device.to_owned(),
        readonly: device == "cdrom" || element.child("readonly").is_some(),
        serial: text_of(element, "serial"),
        alias: alias(element, scope),
        address: address(element)?,
        ..Disk::default()
    };
    if let Some(target) = element.child("target") {
        only(target, &["dev", "bus"], &[])?;
        disk.target = target.attr("dev").unwrap_or_default().to_owned();
        if target.attr("dev") == Some("") {
            return Err(unknown_name(""));
        }
        disk.bus = bus(target, &disk.target)?;
    }
    if let Some(boot) = element.child("boot") {
        only(boot, &["order"], &[])?;
        disk.boot_order = number(boot, "order")?;
        if disk.boot_order == Some(0) {
            let message = "Invalid value for attribute 'order' in element 'boot': Zero is not permitted";
            return Err(Error::xml(message).raised_by(from::XML));
        }
    }
    Ok(disk)
}

/// The bus that a target names, or that its name implies.
fn bus(target: &Element, dev: &str) -> Result<String> {
    let bus = match target.attr("bus") {
        Some(bus) => bus,
        None if dev.starts_with("vd") => "virtio",
        None if dev.starts_with("sd") => "scsi",
        None if dev.starts_with("hd") => "ide",
        None if dev.starts_with("fd") => "fdc",
        None if dev.starts_with("xvd") => "xen",
        None => "virtio",
    };
    match bus {
        "virtio" | "scsi" | "sata" => Ok(bus.to_owned()),
        other if OTHER_BUSES.contains(&other) => Err(unsupported_value("disk bus", other)),
        other => Err(invalid_attribute(target, "bus", other)),
    }
}

/// Rules on the front end that need all of it.
fn check_front(disk: &Disk) -> Result<()> {
    let name = disk.target.as_str();
    let rest = ["hd", "sd", "vd", "xvd", "ubd", "fd"].iter().find_map(|prefix| name.strip_prefix(prefix));
    let letters = rest.map(|rest| rest.trim_end_matches(|c: char| c.is_ascii_digit()));
    if !letters.is_some_and(|l| !l.is_empty() && l.len() <= 6 && l.chars().all(|c| c.is_ascii_lowercase())) {
        return Err(unknown_name(name));
    }
    if letters != rest {
        return Err(Error::config(format!("invalid disk target '{name}', partitions can't appear in disk targets")));
    }
    if name.starts_with("fd") {
        return Err(Error::internal(format!("Invalid harddisk device name: {name}")));
    }
    if disk.device == "cdrom" && disk.bus == "virtio" {
        return Err(Error::config(format!("disk type of '{name}' does not support ejectable media")));
    }
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' ' | '+' | '.');
    if let Some(serial) = disk.serial.as_ref().filter(|serial| !serial.chars().all(safe)) {
        return Err(Error::internal(format!("driver serial '{serial}' contains unsafe characters")));
    }
    Ok(())
}

fn unknown_name(name: &str) -> Error {
    Error::xml(format!("Unknown disk name '{name}' and no address specified"))
}

/// What is behind the front end: how it is driven, the images, the mirror.
fn backend(element: &Element, disk: &mut Disk, scope: Scope) -> Result<()> {
    let kind = image_kind(element)?;
    let mut format = String::new();
    if let Some(driver) = element.child("driver") {
        (disk.tuning, format) = tuning(driver)?;
    }
    let Some(top) = source(element, kind, format, scope)? else { return Ok(()) };
    disk.chain.push(top);
    let whole = backing(element, &mut disk.chain, scope)?;
    disk.probe_after = (!whole).then_some(disk.chain.len());
    if scope == Scope::Live {
        disk.mirror = element.child("mirror").map(|child| mirror(child, &disk.chain)).transpose()?;
    }
    Ok(())
}

fn tuning(driver: &Element) -> Result<(DiskTuning, String)> {
    only(driver, &["name", "type", "cache", "io", "discard", "detect_zeroes"], &[])?;
    if let Some(name) = driver.attr("name").filter(|&name| name != "qemu") {
        return Err(Error::config(format!("unsupported driver name '{name}'")));
    }
    let tuning = DiskTuning {
        cache: word(driver, "cache", &["none", "writethrough", "writeback", "directsync", "unsafe"])?,
        io: word(driver, "io", &["native", "threads", "io_uring"])?,
        discard: word(driver, "discard", &["unmap", "ignore"])?,
        detect_zeroes: word(driver, "detect_zeroes", &["off", "on", "unmap"])?,
    };
    let unknown = |format: &str| Error::config(format!("unknown driver format value '{format}'"));
    let format = driver.attr("type").map(|name| format(name, unknown)).transpose()?;
    Ok((tuning, format.unwrap_or_default()))
}

/// A format that can be opened; `unknown` makes the error for one that libvirt does not know either.
fn format(name: &str, unknown: impl Fn(&str) -> Error) -> Result<String> {
    match name {
        "raw" | "qcow2" => Ok(name.to_owned()),
        "aio" => Ok("raw".to_owned()),
        other if OTHER_FORMATS.contains(&other) => Err(unsupported_value("disk format", other)),
        other => Err(unknown(other)),
    }
}

fn image_kind(element: &Element) -> Result<ImageKind> {
    match element.attr("type") {
        None | Some("file") => Ok(ImageKind::File),
        Some("block") => Ok(ImageKind::Block),
        Some(other) if OTHER_TYPES.contains(&other) => Err(unsupported_value("disk type", other)),
        Some(other) => Err(invalid_attribute(element, "type", other)),
    }
}

/// The image that `<source>` in `parent` names; `None` if there is none.
fn source(parent: &Element, kind: ImageKind, format: String, scope: Scope) -> Result<Option<Image>> {
    let Some(source) = parent.child("source") else { return Ok(None) };
    let attribute = if kind == ImageKind::Block { "dev" } else { "file" };
    only(source, &["file", "dev", "index"], &[])?;
    let Some(path) = source.attr(attribute).filter(|path| !path.is_empty()) else { return Ok(None) };
    let index = number(source, "index")?.or(number(parent, "index")?).filter(|_| scope == Scope::Live);
    Ok(Some(Image { kind, path: path.to_owned(), format, index: index.unwrap_or(0) }))
}

/// Reads what is below the last image of a chain. True if the chain is told to its end, an empty `<backingStore/>`.
fn backing(parent: &Element, chain: &mut Vec<Image>, scope: Scope) -> Result<bool> {
    let mut parent = parent;
    while let Some(store) = parent.child("backingStore") {
        only(store, &["type", "index"], &["format", "source", "backingStore"])?;
        if store.children.is_empty() && store.attr("type").is_none() {
            return Ok(true);
        }
        if store.attr("type").is_none() {
            return Err(Error::xml("missing disk backing store type"));
        }
        if chain.last().is_some_and(|above| above.format == "raw") {
            return Err(nothing_below_raw());
        }
        let kind = image_kind(store)?;
        let format = backing_format(store)?;
        let image = source(store, kind, format, scope)?;
        chain.push(image.ok_or_else(|| Error::xml("missing disk backing store source"))?);
        parent = store;
    }
    Ok(false)
}

fn nothing_below_raw() -> Error {
    Error::config("storage format 'raw' does not support backing store")
}

fn backing_format(store: &Element) -> Result<String> {
    let missing = || Error::xml("missing disk backing store format");
    let element = store.child("format").ok_or_else(missing)?;
    only(element, &["type"], &[])?;
    let name = element.attr("type").ok_or_else(missing)?;
    format(name, |name| Error::xml(format!("unknown storage source format '{name}'")))
}

/// The mirror of a running copy or active commit. The `file` and `format` that libvirt repeats for old readers are not read.
/// A copy without a `<backingStore>` of its own, not even an empty one, goes on in the disk's chain.
fn mirror(element: &Element, own: &[Image]) -> Result<Mirror> {
    only(element, &["type", "file", "dev", "format", "job", "ready"], &["format", "source", "backingStore"])?;
    let job = match element.attr("job") {
        Some("copy") => MirrorJob::Copy,
        Some("active-commit") => MirrorJob::ActiveCommit,
        other => return Err(invalid_attribute(element, "job", other.unwrap_or_default())),
    };
    let ready = match element.attr("ready") {
        None => MirrorReady::No,
        Some("yes") => MirrorReady::Yes,
        Some("abort") => MirrorReady::Abort,
        Some("pivot") => MirrorReady::Pivot,
        Some(other) => return Err(invalid_attribute(element, "ready", other)),
    };
    let top = source(element, image_kind(element)?, backing_format(element)?, Scope::Live)?;
    let mut chain = vec![top.ok_or_else(|| Error::xml("mirror requires source element"))?];
    let told = backing(element, &mut chain, Scope::Live)?;
    if job == MirrorJob::Copy && !told && chain.len() == 1 {
        chain.extend(own.iter().skip(1).cloned());
    }
    Ok(Mirror { job, ready, chain })
}
