//! `<devices>`: the list as a whole, and everything in it that is not a disk.

use super::check::{invalid_attribute, known_attributes, number, only, text_of, unsupported_in, unsupported_value, word};
use super::{disk, Controller, DomainDef, Scope};
use crate::model::disk::{Address, Disk};
use crate::model::{from, Error, Result};
use crate::xml::reader::Element;

/// Kinds of controllers that libvirt has, but no driver here.
const OTHER_CONTROLLERS: [&str; 6] = ["ide", "fdc", "virtio-serial", "ccid", "xenbus", "isa"];

pub(super) fn read(list: &Element, def: &mut DomainDef, scope: Scope) -> Result<()> {
    only(list, &[], &["emulator", "disk*", "controller*", "input*", "audio*", "memballoon"])?;
    def.emulator = text_of(list, "emulator");
    for device in &list.children {
        match device.name.as_str() {
            "disk" => def.disks.push(disk::of_domain(device, scope)?),
            "controller" => {
                let controller = controller(device, &def.controllers, scope)?;
                def.controllers.push(controller);
            }
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

/// Fails unless a document is about a disk, the only device that comes and goes.
pub(super) fn expect_disk(device: Element) -> Result<Element> {
    if device.name == "disk" {
        return Ok(device);
    }
    Err(Error::config(format!("device '{}' is not supported", device.name)))
}

/// Checks the devices against each other, and adds what the disks and libvirt's defaults imply.
pub(super) fn complete(def: &mut DomainDef) -> Result<()> {
    targets(&def.disks)?;
    boot_order(def)?;
    if def.kind == "test" {
        return Ok(());
    }
    for (bus, model) in [("scsi", Some("virtio-scsi")), ("sata", None)] {
        let there = def.controllers.iter().any(|c| c.kind == bus);
        if !there && def.disks.iter().any(|disk| disk.bus == bus) {
            let model = model.map(str::to_owned);
            def.controllers.push(Controller { kind: bus.to_owned(), model, ..Controller::default() });
        }
    }
    balloon(def)
}

/// Without a balloon a guest always has all of its memory. libvirt adds one unless told not to, so a request for less
/// memory can only be met if the configuration itself says that there is no balloon.
fn balloon(def: &mut DomainDef) -> Result<()> {
    if def.memballoon.is_none() && def.current_memory_kib < def.memory_kib {
        return Err(Error::config("'currentMemory' below 'memory' needs a memory balloon, which is not supported"));
    }
    def.current_memory_kib = def.memory_kib;
    def.memballoon = Some("none".to_owned());
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
        Some(pair) => Err(Error::config(format!("boot order '{}' used for more than one device", pair[0]))),
    }
}

/// One controller of each kind is what there can be, and it has the index 0.
fn controller(element: &Element, others: &[Controller], scope: Scope) -> Result<Controller> {
    only(element, &["type", "index", "model"], &["alias", "address"])?;
    let kind = element.attr("type").unwrap_or_default();
    let model = element.attr("model");
    let supported = match kind {
        "pci" => matches!(model, Some("pci-root" | "pcie-root")),
        "scsi" => matches!(model, None | Some("auto" | "virtio-scsi")),
        "sata" => model.is_none(),
        "usb" => model == Some("none"),
        other if OTHER_CONTROLLERS.contains(&other) => false,
        other => return Err(invalid_attribute(element, "type", other)),
    };
    let taken = others.iter().any(|other| other.kind == kind);
    let index = number(element, "index")?;
    if taken && index == Some(0) {
        return Err(Error::xml(format!("Multiple '{kind}' controllers with index '0'")));
    }
    let index = index.unwrap_or(u32::from(taken));
    if !supported || index != 0 {
        let model = model.map_or(String::new(), |model| format!(" of model '{model}'"));
        let message = format!("controller '{kind}'{model} with index '{index}' (line {}) is not supported", element.line);
        return Err(Error::config(message));
    }
    let model = if kind == "scsi" { Some("virtio-scsi") } else { model };
    let address = address(element)?;
    if address.is_some_and(|address| !matches!(address, Address::Pci { .. })) {
        return Err(Error::config(format!("the address of controller '{kind}' (line {}) is not supported", element.line)));
    }
    Ok(Controller { kind: kind.to_owned(), index, model: model.map(str::to_owned), alias: alias(element, scope), address })
}

/// `<address>` of a device, if it has one.
pub(super) fn address(device: &Element) -> Result<Option<Address>> {
    let Some(element) = device.child("address") else { return Ok(None) };
    let unsupported = |what: &str| Error::config(format!("{what} (line {}) is not supported", element.line));
    match element.attr("type") {
        Some("pci") => {
            only(element, &["type", "domain", "bus", "slot", "function", "multifunction"], &[])?;
            let multifunction = word(element, "multifunction", &["on", "off"])?;
            let part = |name: &str| hexadecimal(element, name);
            if part("domain")? != 0 || part("function")? != 0 || multifunction.as_deref() == Some("on") {
                return Err(unsupported("a PCI address with a domain or a function other than 0"));
            }
            Ok(Some(Address::Pci { bus: part("bus")?, slot: part("slot")? }))
        }
        Some("drive") => {
            only(element, &["type", "controller", "bus", "target", "unit"], &[])?;
            let part = |name: &str| number(element, name).map(Option::unwrap_or_default);
            if part("controller")? != 0 || part("bus")? != 0 || part("target")? != 0 {
                return Err(unsupported("a drive address with a controller, bus or target other than 0"));
            }
            Ok(Some(Address::Drive { unit: part("unit")? }))
        }
        Some(kind) => Err(unsupported(&format!("an address of type '{kind}'"))),
        None => Err(Error::xml("No type specified for device address")),
    }
}

/// A part of a PCI address: by libvirt's rule hexadecimal where it begins with `0x`.
fn hexadecimal(element: &Element, name: &str) -> Result<u32> {
    let Some(value) = element.attr(name) else { return Ok(0) };
    let parsed = match value.trim().strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => value.trim().parse(),
    };
    parsed.map_err(|_| {
        let message = format!("Invalid value for attribute '{name}' in element 'address': '{value}'. Expected integer value");
        Error::xml(message).raised_by(from::XML)
    })
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
