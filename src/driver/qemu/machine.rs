//! Where devices go in a machine, and the devices themselves: what `-device` and `device_add` take.
//!
//! A device's place follows from what it is for (the target of a disk), never from what else there is. So a disk has the
//! same place whether it was there from the start or came later, which migration and restore depend on.

use serde_json::{json, Value};

use super::blockdev::{format_node, write_cache};
use crate::model::disk::{Address, Disk};
use crate::model::{code, Error, Result};
use crate::xml::domain::{Controller, DomainDef};

/// The machines whose buses are known here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layout {
    /// `pc`: one PCI bus, on which devices can be plugged at any time.
    Pc,
    /// `q35`: devices can be plugged into PCI Express root ports only, which are there from the start.
    Q35,
    /// Anything else: QEMU finds a place.
    Other,
}

/// Slots of the `pc` machine's bus. Those between are left to devices that the user adds by `qemu:commandline`.
const PC_SCSI_SLOT: u32 = 2;
const PC_SATA_SLOT: u32 = 3;
const PC_FIRST_DISK_SLOT: u32 = 8;
const PC_LAST_SLOT: u32 = 31;

/// Root ports of the `q35` machine: eight in a slot, from slot 1 on. The first is for the SCSI controller.
const PORTS_PER_SLOT: u32 = 8;
const Q35_SCSI_PORT: u32 = 1;
const Q35_FIRST_DISK_PORT: u32 = 2;
const Q35_LEAST_PORTS: u32 = 16;
const Q35_MOST_PORTS: u32 = 64;

/// Ports of a SATA controller, and units on the one SCSI controller.
const SATA_PORTS: u32 = 6;
const SCSI_UNITS: u32 = 256;

impl Layout {
    pub fn of(def: &DomainDef) -> Layout {
        let is = |name: &str, family: &str| name == family || name.strip_prefix("pc-").is_some_and(|rest| rest.starts_with(family));
        match def.machine.as_deref() {
            _ if !matches!(def.arch.as_str(), "x86_64" | "i686") => Layout::Other,
            Some(name) if name == "pc" || is(name, "i440fx") => Layout::Pc,
            Some(name) if is(name, "q35") => Layout::Q35,
            _ => Layout::Other,
        }
    }
}

/// The devices that disks are plugged into, in order.
///
/// # Errors
/// As [`disk_device`].
pub(super) fn controllers(def: &DomainDef) -> Result<Vec<Value>> {
    let layout = Layout::of(def);
    let mut devices = Vec::new();
    if layout == Layout::Q35 {
        devices.extend(root_ports(def)?);
    }
    if uses(def, "scsi") {
        devices.push(scsi_controller(layout, given(def, "scsi"))?);
    }
    if uses(def, "sata") && layout != Layout::Q35 {
        let mut ahci = json!({ "driver": "ich9-ahci", "id": "sata0" });
        place(&mut ahci, layout, controller_address(layout, "sata", given(def, "sata"))?)?;
        devices.push(ahci);
    }
    Ok(devices)
}

/// The place that the configuration gives a controller.
fn given(def: &DomainDef, kind: &str) -> Option<Address> {
    def.controllers.iter().find(|controller| controller.kind == kind).and_then(|controller| controller.address)
}

/// Whether the domain has a controller of that kind, or a disk that needs one.
fn uses(def: &DomainDef, bus: &str) -> bool {
    def.controllers.iter().any(|controller| controller.kind == bus) || def.disks.iter().any(|disk| disk.bus == bus)
}

/// The one SCSI controller.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` if it cannot be where the configuration wants it.
pub(super) fn scsi_controller(layout: Layout, given: Option<Address>) -> Result<Value> {
    let mut device = json!({ "driver": "virtio-scsi-pci", "id": "scsi0" });
    place(&mut device, layout, controller_address(layout, "scsi", given)?)?;
    Ok(device)
}

/// Completes what is known of a controller of a domain that is about to run.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` if it cannot be where the configuration wants it.
pub(super) fn complete_controller(layout: Layout, controller: &mut Controller) -> Result<()> {
    controller.alias = Some(controller_alias(layout, &controller.kind));
    controller.address = controller_address(layout, &controller.kind, controller.address)?;
    Ok(())
}

fn controller_address(layout: Layout, kind: &str, given: Option<Address>) -> Result<Option<Address>> {
    let own = match (kind, layout) {
        ("scsi", Layout::Pc) => Some(Address::Pci { bus: 0, slot: PC_SCSI_SLOT }),
        ("scsi", Layout::Q35) => Some(Address::Pci { bus: Q35_SCSI_PORT, slot: 0 }),
        ("sata", Layout::Pc) => Some(Address::Pci { bus: 0, slot: PC_SATA_SLOT }),
        _ => None,
    };
    if own.is_none() && given.is_some() {
        // What is part of the machine is where it is; libvirt says so where it is asked.
        return if kind == "sata" && layout == Layout::Q35 { Ok(given) } else { Err(misplaced(&format!("controller '{kind}'"))) };
    }
    Ok(given.or(own))
}

fn misplaced(what: &str) -> Error {
    Error::config(format!("{what} cannot be at the address that is given"))
}

/// The name by which libvirt calls a controller of a running domain.
fn controller_alias(layout: Layout, kind: &str) -> String {
    match (kind, layout) {
        ("sata", Layout::Q35) => "ide".to_owned(),
        ("pci", Layout::Q35) => "pcie.0".to_owned(),
        ("pci", _) => "pci.0".to_owned(),
        ("usb", _) => "usb".to_owned(),
        (kind, _) => format!("{kind}0"),
    }
}

/// Root ports for all disks, and some more for disks that come later.
fn root_ports(def: &DomainDef) -> Result<impl Iterator<Item = Value>> {
    let mut ports = Q35_LEAST_PORTS;
    for disk in def.disks.iter().filter(|disk| disk.bus == "virtio") {
        ports = ports.max((target_number(disk)? + Q35_FIRST_DISK_PORT).next_multiple_of(PORTS_PER_SLOT));
    }
    Ok((1..=ports.min(Q35_MOST_PORTS)).map(|port| {
        let (slot, function) = (1 + (port - 1) / PORTS_PER_SLOT, (port - 1) % PORTS_PER_SLOT);
        let mut device = json!({
            "driver": "pcie-root-port",
            "id": port_name(port),
            "bus": "pcie.0",
            "addr": format!("{slot:#x}.{function:#x}"),
            "chassis": port,
            "port": slot * PORTS_PER_SLOT + function,
        });
        if function == 0 {
            device["multifunction"] = true.into();
        }
        device
    }))
}

fn port_name(port: u32) -> String {
    format!("pci.{port}")
}

/// Tells QEMU where on PCI a device is to be.
fn place(device: &mut Value, layout: Layout, address: Option<Address>) -> Result<()> {
    let (bus, slot) = match (layout, address) {
        (_, None) => return Ok(()),
        (Layout::Pc, Some(Address::Pci { bus: 0, slot })) if (1..=PC_LAST_SLOT).contains(&slot) => ("pci.0".to_owned(), slot),
        (Layout::Q35, Some(Address::Pci { bus, slot: 0 })) if (1..=Q35_MOST_PORTS).contains(&bus) => (port_name(bus), 0),
        _ => return Err(misplaced(&format!("device '{}'", device["id"].as_str().unwrap_or_default()))),
    };
    device["bus"] = bus.into();
    device["addr"] = format!("{slot:#x}").into();
    Ok(())
}

/// Completes what is known of the front end of a disk that is about to be in a machine.
///
/// # Errors
/// As [`disk_device`].
pub(super) fn complete_disk(layout: Layout, disk: &mut Disk) -> Result<()> {
    disk.address = disk_address(layout, disk)?;
    let alias = disk.alias.take().map_or_else(|| disk_alias(disk), Ok)?;
    disk.alias = Some(alias);
    Ok(())
}

/// Where a disk goes: the place that it is given, or that its target implies; none where QEMU finds one.
fn disk_address(layout: Layout, disk: &Disk) -> Result<Option<Address>> {
    let number = target_number(disk)?;
    let full = || Error::new(code::INTERNAL_ERROR, "No more available PCI slots");
    let up_to = |most: u32, number: u32| Some(number).filter(|number| *number <= most).ok_or_else(full);
    match (disk.bus.as_str(), disk.address, layout) {
        ("virtio", Some(address @ Address::Pci { .. }), Layout::Pc | Layout::Q35) => Ok(Some(address)),
        ("scsi" | "sata", Some(address @ Address::Drive { .. }), _) => Ok(Some(address)),
        (_, Some(_), _) => Err(misplaced(&format!("disk '{}'", disk.target))),
        ("virtio", None, Layout::Pc) => {
            Ok(Some(Address::Pci { bus: 0, slot: up_to(PC_LAST_SLOT, number.saturating_add(PC_FIRST_DISK_SLOT))? }))
        }
        ("virtio", None, Layout::Q35) => {
            Ok(Some(Address::Pci { bus: up_to(Q35_MOST_PORTS, number.saturating_add(Q35_FIRST_DISK_PORT))?, slot: 0 }))
        }
        ("scsi" | "sata", None, _) => Ok(Some(Address::Drive { unit: number })),
        _ => Ok(None),
    }
}

/// A disk's number on its bus.
fn unit(disk: &Disk) -> Result<u32> {
    match disk.address {
        Some(Address::Drive { unit }) => Ok(unit),
        _ => target_number(disk),
    }
}

/// The id of a disk's device in QEMU, which is its alias in the domain XML.
///
/// # Errors
/// As [`disk_device`].
fn disk_alias(disk: &Disk) -> Result<String> {
    let number = unit(disk)?;
    match disk.bus.as_str() {
        "virtio" => Ok(format!("virtio-disk{number}")),
        "scsi" => Ok(format!("scsi0-0-0-{number}")),
        "sata" => Ok(format!("sata0-0-{number}")),
        bus => Err(Error::config(format!("disk bus '{bus}' of disk '{}' is not supported", disk.target))),
    }
}

/// The device of a disk. `boot_index`: its turn when the guest boots, from 1.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` for a bus that there is none of, `INTERNAL_ERROR` (as libvirt has it) if no place is left for a
/// disk of that target.
pub(super) fn disk_device(layout: Layout, disk: &Disk, boot_index: Option<u32>) -> Result<Value> {
    let alias = disk.alias.clone().map_or_else(|| disk_alias(disk), Ok)?;
    let number = unit(disk)?;
    let mut device = json!({ "id": alias });
    match disk.bus.as_str() {
        "virtio" => {
            device["driver"] = "virtio-blk-pci".into();
            place(&mut device, layout, disk_address(layout, disk)?)?;
        }
        "scsi" => scsi(&mut device, disk, &alias, number)?,
        "sata" => sata(&mut device, disk, layout, number)?,
        bus => return Err(Error::config(format!("disk bus '{bus}' of disk '{}' is not supported", disk.target))),
    }
    if let Some(top) = disk.source() {
        device["drive"] = format_node(top.index).into();
    }
    if let Some(turn) = boot_index {
        device["bootindex"] = turn.into();
    }
    if let Some(serial) = &disk.serial {
        device["serial"] = serial.as_str().into();
    }
    if let Some(mode) = write_cache(&disk.tuning).filter(|_| disk.device == "disk") {
        device["write-cache"] = mode.into();
    }
    Ok(device)
}

fn scsi(device: &mut Value, disk: &Disk, alias: &str, number: u32) -> Result<()> {
    if number >= SCSI_UNITS {
        return Err(Error::internal(format!("no unit is left on the SCSI controller for disk '{}'", disk.target)));
    }
    device["driver"] = if disk.device == "cdrom" { "scsi-cd" } else { "scsi-hd" }.into();
    device["bus"] = "scsi0.0".into();
    device["channel"] = 0.into();
    device["scsi-id"] = 0.into();
    device["lun"] = number.into();
    // What the guest calls the disk in /dev/disk/by-id.
    device["device_id"] = disk.serial.clone().unwrap_or_else(|| format!("drive-{alias}")).into();
    Ok(())
}

fn sata(device: &mut Value, disk: &Disk, layout: Layout, number: u32) -> Result<()> {
    if number >= SATA_PORTS {
        return Err(Error::internal(format!("no port is left on the SATA controller for disk '{}'", disk.target)));
    }
    let bus = if layout == Layout::Q35 { "ide" } else { "sata0" };
    device["driver"] = if disk.device == "cdrom" { "ide-cd" } else { "ide-hd" }.into();
    device["bus"] = format!("{bus}.{number}").into();
    Ok(())
}

/// The number in a target's letters: `a` is 0, `z` 25, `aa` 26.
///
/// # Errors
/// `XML_ERROR` if the target is not two letters of a bus and one or more that count.
pub(super) fn target_number(disk: &Disk) -> Result<u32> {
    let unknown = || Error::xml(format!("Unknown disk name '{}' and no address specified", disk.target));
    let letters = ["xvd", "ubd", "vd", "sd", "hd", "fd"].iter().find_map(|prefix| disk.target.strip_prefix(prefix));
    let letters = letters.filter(|l| !l.is_empty() && l.len() <= 6 && l.bytes().all(|b| b.is_ascii_lowercase())).ok_or_else(unknown)?;
    Ok(letters.bytes().fold(0, |number, b| number * 26 + u32::from(b - b'a') + 1) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(target: &str, bus: &str) -> Disk {
        Disk { target: target.into(), bus: bus.into(), device: "disk".into(), ..Disk::default() }
    }

    fn machine(name: &str) -> DomainDef {
        DomainDef { arch: "x86_64".into(), machine: Some(name.into()), ..DomainDef::default() }
    }

    #[test]
    fn machines_are_known_by_alias_and_by_version() {
        for (name, layout) in [
            ("pc", Layout::Pc),
            ("pc-i440fx-7.2", Layout::Pc),
            ("q35", Layout::Q35),
            ("pc-q35-10.0", Layout::Q35),
            ("microvm", Layout::Other),
            ("isapc", Layout::Other),
            ("pc-foo", Layout::Other),
        ] {
            assert_eq!(Layout::of(&machine(name)), layout, "{name}");
        }
        assert_eq!(Layout::of(&DomainDef { arch: "aarch64".into(), ..machine("q35") }), Layout::Other);
    }

    #[test]
    fn targets_count_as_their_letters_do() {
        for (target, number) in [("vda", 0), ("sdb", 1), ("vdz", 25), ("vdaa", 26), ("sdzz", 701), ("xvda", 0)] {
            assert_eq!(target_number(&disk(target, "virtio")), Ok(number), "{target}");
        }
        for target in ["", "vd", "vda1", "foo", "vdA", "vdaaaaaaa"] {
            assert!(target_number(&disk(target, "virtio")).is_err(), "{target}");
        }
        assert!(target_number(&disk("vdzzzzzz", "virtio")).is_ok());
    }

    #[test]
    fn a_disk_has_its_place_whatever_else_there_is() {
        let at = |layout, target| {
            let device = disk_device(layout, &disk(target, "virtio"), None).unwrap();
            format!("{}/{}", device["bus"].as_str().unwrap(), device["addr"].as_str().unwrap())
        };
        assert_eq!(at(Layout::Pc, "vda"), "pci.0/0x8");
        assert_eq!(at(Layout::Pc, "vdx"), "pci.0/0x1f");
        assert_eq!(at(Layout::Q35, "vda"), "pci.2/0x0");
        assert_eq!(at(Layout::Q35, "vdbk"), "pci.64/0x0");
        for (layout, target) in [(Layout::Pc, "vdy"), (Layout::Q35, "vdbl"), (Layout::Q35, "vdzzzzzz")] {
            assert_eq!(disk_device(layout, &disk(target, "virtio"), None).map_err(|e| e.code), Err(code::INTERNAL_ERROR), "{target}");
        }
    }

    #[test]
    fn q35_has_ports_to_spare_and_more_where_disks_need_them() {
        let ports = |disks: Vec<Disk>| controllers(&DomainDef { disks, ..machine("q35") }).unwrap().len();
        assert_eq!(ports(vec![]), 16);
        assert_eq!(ports(vec![disk("vdo", "virtio")]), 16);
        assert_eq!(ports(vec![disk("vdp", "virtio")]), 24);
        assert_eq!(ports(vec![disk("sdz", "sata")]), 16);
        assert_eq!(ports(vec![disk("vdbk", "virtio")]), 64);
    }

    #[test]
    fn controllers_are_added_where_the_machine_has_none() {
        let drivers = |name: &str, bus: &str| {
            let def = DomainDef { disks: vec![disk("sda", bus)], ..machine(name) };
            let all = controllers(&def).unwrap();
            all.iter().map(|d| d["driver"].as_str().unwrap().to_owned()).filter(|d| d != "pcie-root-port").collect::<Vec<_>>()
        };
        assert_eq!(drivers("pc", "sata"), ["ich9-ahci"]);
        assert_eq!(drivers("q35", "sata"), [""; 0]);
        assert_eq!(drivers("pc", "scsi"), ["virtio-scsi-pci"]);
        assert_eq!(drivers("q35", "scsi"), ["virtio-scsi-pci"]);
        assert_eq!(drivers("q35", "virtio"), [""; 0]);
    }

    #[test]
    fn drives_without_medium_have_no_image() {
        let drive = Disk { device: "cdrom".into(), ..disk("sda", "sata") };
        let expected = json!({ "driver": "ide-cd", "id": "sata0-0-0", "bus": "ide.0" });
        assert_eq!(disk_device(Layout::Q35, &drive, None).unwrap(), expected);
    }
}
