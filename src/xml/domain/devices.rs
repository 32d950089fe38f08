//! `<devices>`: the list as a whole, and everything in it that is not a disk.

use super::check::{known_attributes, number, only, text_of, unsupported_in, unsupported_value};
use super::{disk, Controller, DomainDef, Scope};
use crate::model::disk::Disk;
use crate::model::{Error, Result};
use crate::xml::reader::Element;

/// Kinds of controllers that libvirt has, but no driver here.
const OTHER_CONTROLLERS: [&str; 6] = ["ide", "fdc", "virtio-serial", "ccid", "xenbus", "isa"];

pub(super) fn read(list: &Element, def: &mut DomainDef, scope: Scope) -> Result<()> {
    only(list, &[], &["emulator", "disk*", "controller*", "input*", "audio*", "memballoon"])?;
    def.emulator = text_of(list, "emulator");
    for device in &list.children {
        match device.name.as_str() {
            "disk" => def.disks.push(disk::of_domain(device, scope)?),
            "controller" => def.controllers.push(controller(device, scope)?),
            "input" => input(device, list, def)?,
            "audio" => nothing(device, list, "type")?,
            "memballoon" => {
                nothing(device, list, "model")?;
                def.memballoon = Some("none".to_owned());
            }
            _ => {}
        }
    }
    Ok(())
}

/// The disk in a document for attaching or detaching.
pub(super) fn attachable(device: &Element) -> Result<Disk> {
    if device.name == "disk" {
        return disk::of_domain(device, Scope::Configuration);
    }
    Err(Error::config(format!("device '{}' is not supported", device.name)))
}

/// Checks the devices against each other, and adds what the disks and libvirt's defaults imply.
pub(super) fn complete(def: &mut DomainDef) -> Result<()> {
    targets(&def.disks)?;
    boot_order(def)?;
    for (i, one) in def.controllers.iter().enumerate() {
        if def.controllers[..i].iter().any(|other| other.kind == one.kind && other.index == one.index) {
            return Err(Error::xml(format!("Multiple '{}' controllers with index '{}'", one.kind, one.index)));
        }
    }
    if def.kind == "test" {
        return Ok(());
    }
    for (bus, model) in [("scsi", Some("virtio-scsi")), ("sata", None)] {
        let there = def.controllers.iter().any(|c| c.kind == bus);
        if !there && def.disks.iter().any(|disk| disk.bus == bus) {
            let model = model.map(str::to_owned);
            def.controllers.push(Controller { kind: bus.to_owned(), index: 0, model, alias: None });
        }
    }
    def.memballoon.get_or_insert_with(|| "none".to_owned());
    Ok(())
}

fn targets(disks: &[Disk]) -> Result<()> {
    for (i, disk) in disks.iter().enumerate() {
        if let Some(other) = disks[..i].iter().find(|other| other.target == disk.target) {
            let path = |disk: &Disk| disk.source().map_or("(null)".to_owned(), |image| image.path.clone());
            let (first, second) = (path(other), path(disk));
            return Err(Error::xml(format!("target '{}' duplicated for disk sources '{first}' and '{second}'", disk.target)));
        }
    }
    Ok(())
}

fn boot_order(def: &mut DomainDef) -> Result<()> {
    let mut orders: Vec<u32> = def.disks.iter().filter_map(|disk| disk.boot_order).collect();
    if orders.is_empty() {
        if def.boot.is_empty() {
            def.boot.push("hd".to_owned());
        }
        return Ok(());
    }
    if !def.boot.is_empty() {
        return Err(Error::config("per-device boot elements cannot be used together with os/boot elements"));
    }
    orders.sort_unstable();
    match orders.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(Error::xml(format!("boot order {} used for more than one device", pair[0]))),
    }
}

fn controller(element: &Element, scope: Scope) -> Result<Controller> {
    only(element, &["type", "index", "model"], &["alias"])?;
    let kind = element.attr("type").unwrap_or_default();
    let index = number(element, "index")?;
    let model = element.attr("model");
    let supported = match kind {
        "pci" => matches!(model, Some("pci-root" | "pcie-root")),
        "scsi" => matches!(model, None | Some("auto" | "virtio-scsi")),
        "sata" => model.is_none(),
        "usb" => model == Some("none"),
        other if OTHER_CONTROLLERS.contains(&other) => false,
        other => return Err(super::check::invalid_attribute(element, "type", other)),
    };
    if !supported || index.is_some_and(|index| index != 0) {
        let model = model.map_or(String::new(), |model| format!(" of model '{model}'"));
        return Err(Error::config(format!(
            "controller '{kind}'{model} with index '{}' (line {}) is not supported",
            index.unwrap_or(0),
            element.line
        )));
    }
    let model = if kind == "scsi" { Some("virtio-scsi") } else { model };
    Ok(Controller { kind: kind.to_owned(), index: 0, model: model.map(str::to_owned), alias: alias(element, scope) })
}

/// The alias of a device: kept if the user chose it, or the domain runs.
pub(super) fn alias(device: &Element, scope: Scope) -> Option<String> {
    let name = device.child("alias").and_then(|alias| alias.attr("name"));
    name.filter(|name| scope == Scope::Live || name.starts_with("ua-")).map(str::to_owned)
}

/// The PS/2 mouse and keyboard are part of an x86 machine.
fn input(element: &Element, list: &Element, def: &DomainDef) -> Result<()> {
    only(element, &["type", "bus"], &["alias"])?;
    let there = matches!(def.arch.as_str(), "x86_64" | "i686")
        && element.attr("bus") == Some("ps2")
        && matches!(element.attr("type"), Some("mouse" | "keyboard"));
    if there {
        return Ok(());
    }
    Err(unsupported_in(element, list))
}

/// A device that is given to say that there is none.
fn nothing(element: &Element, list: &Element, attribute: &str) -> Result<()> {
    match element.attr(attribute) {
        Some("none") => known_attributes(element, &["id", attribute]),
        Some(value) => Err(unsupported_value(&format!("{} {attribute}", element.name), value)),
        None => Err(unsupported_in(element, list)),
    }
}
