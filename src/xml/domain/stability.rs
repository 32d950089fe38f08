//! What may differ between two descriptions of a machine whose memory is kept: what the guest cannot see.

use super::{Controller, DomainDef};
use crate::model::disk::Disk;
use crate::model::{Error, Result};

/// Checks that a machine that is made by `target` is, to its guest, the one that was made by `source`.
///
/// # Errors
/// `CONFIG_UNSUPPORTED`, naming the first difference.
pub(super) fn check(source: &DomainDef, target: &DomainDef) -> Result<()> {
    let uuid = |def: &DomainDef| def.uuid.map_or("<null>".to_owned(), |uuid| uuid.to_string());
    let processor = |def: &DomainDef| format!("{}/{}", or_null(&def.cpu_mode), or_null(&def.cpu_model));
    same("domain virt type", &source.kind, &target.kind)?;
    if target.uuid.is_some() {
        same("domain uuid", &uuid(source), &uuid(target))?;
    }
    same("domain name", &source.name, &target.name)?;
    same("domain max memory", &source.memory_kib.to_string(), &target.memory_kib.to_string())?;
    same("domain vCPU max", &source.vcpus.to_string(), &target.vcpus.to_string())?;
    same("domain OS type", &source.os_type, &target.os_type)?;
    same("domain architecture", &source.arch, &target.arch)?;
    if !is_same_machine(source, target) {
        same("domain machine type", or_null(&source.machine), or_null(&target.machine))?;
    }
    for (what, had, has) in [("acpi", source.acpi, target.acpi), ("apic", source.apic, target.apic), ("pae", source.pae, target.pae)] {
        same(&format!("domain feature '{what}'"), on_off(had), on_off(has))?;
    }
    if target.cpu_mode.is_some() {
        same("CPU", &processor(source), &processor(target))?;
    }
    same("domain disk count", &source.disks.len().to_string(), &target.disks.len().to_string())?;
    for had in &source.disks {
        let has = target.disks.iter().find(|disk| disk.target == had.target).or(target.disks.first());
        has.map_or(Ok(()), |has| check_disk(had, has))?;
    }
    source.controllers.iter().try_for_each(|had| check_controller(had, target))
}

fn check_disk(source: &Disk, target: &Disk) -> Result<()> {
    same("disk", &source.target, &target.target)?;
    same("disk device", &source.device, &target.device)?;
    same("disk bus", &source.bus, &target.bus)?;
    same("disk serial", or_null(&source.serial), or_null(&target.serial))?;
    same("disk access mode", on_off(source.readonly), on_off(target.readonly))?;
    match target.address.filter(|address| source.address != Some(*address)) {
        Some(_) if source.address.is_some() => {
            Err(Error::config(format!("Target address of disk {} does not match source", target.target)))
        }
        _ => Ok(()),
    }
}

fn check_controller(source: &Controller, target: &DomainDef) -> Result<()> {
    match target.controllers.iter().find(|controller| controller.kind == source.kind) {
        Some(found) if found.address.is_some() && source.address.is_some() && found.address != source.address => {
            Err(Error::config(format!("Target address of controller {} does not match source", source.kind)))
        }
        _ => Ok(()),
    }
}

/// `pc` stands for every version of its family; which one, the source says.
fn is_same_machine(source: &DomainDef, target: &DomainDef) -> bool {
    let Some(had) = source.machine.as_deref() else { return target.machine.is_none() };
    match target.machine.as_deref() {
        None => true,
        Some("pc") => had == "pc" || had.starts_with("pc-i440fx-"),
        Some("q35") => had == "q35" || had.starts_with("pc-q35-"),
        Some(has) => had == has,
    }
}

fn same(what: &str, source: &str, target: &str) -> Result<()> {
    if source == target {
        return Ok(());
    }
    Err(Error::config(format!("Target {what} {target} does not match source {source}")))
}

fn or_null(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or("<null>")
}

fn on_off(on: bool) -> &'static str {
    if on {
        "on"
    } else {
        "off"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::code;

    const XML: &str = "<domain type='kvm'><name>a</name><uuid>11111111-2222-3333-4444-555555555555</uuid><memory>65536</memory>\
        <os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os><features><acpi/></features><devices><disk type='file'>\
        <source file='/a'/><target dev='vda' bus='virtio'/><address type='pci' slot='0x04'/></disk></devices></domain>";

    fn check_with(from: &str, to: &str) -> Result<DomainDef> {
        assert!(XML.contains(from), "{from}");
        DomainDef::parse(XML).unwrap().replaced_by(DomainDef::parse(&XML.replacen(from, to, 1)).unwrap())
    }

    #[test]
    fn what_the_guest_cannot_see_may_change() {
        for (from, to) in [
            ("<name>", "<name>"),
            ("<uuid>", "<title>other</title><uuid>"),
            ("'/a'", "'/other'"),
            ("pc-i440fx-7.2", "pc"),
            ("<address type='pci' slot='0x04'/>", ""),
            ("<uuid>11111111-2222-3333-4444-555555555555</uuid>", ""),
        ] {
            let def = check_with(from, to).unwrap_or_else(|e| panic!("{from} {to}: {e}"));
            assert_eq!(def.machine.as_deref(), Some("pc-i440fx-7.2"));
            assert_eq!(def.disks[0].address, DomainDef::parse(XML).unwrap().disks[0].address);
            assert_eq!(def.uuid, DomainDef::parse(XML).unwrap().uuid);
        }
    }

    #[test]
    fn what_the_guest_sees_must_be_the_same() {
        for (from, to) in [
            ("<name>a", "<name>b"),
            ("1111-2222", "1111-2223"),
            ("65536", "131072"),
            ("'kvm'", "'qemu'"),
            ("pc-i440fx-7.2", "q35"),
            ("pc-i440fx-7.2", "pc-i440fx-8.0"),
            ("<acpi/>", "<apic/>"),
            ("'vda'", "'vdb'"),
            ("<target", "<serial>x</serial><target"),
            ("<target", "<readonly/><target"),
            ("'0x04'", "'0x05'"),
            ("</memory>", "</memory><vcpu>2</vcpu>"),
            ("</memory>", "</memory><cpu mode='host-passthrough'/>"),
        ] {
            assert_eq!(check_with(from, to).map_err(|e| e.code), Err(code::CONFIG_UNSUPPORTED), "{from} {to}");
        }
        let disk = XML.find("<disk").unwrap()..XML.find("</devices>").unwrap();
        let error = check_with(&XML[disk], "").unwrap_err();
        assert!(error.detail.contains("disk count 0"), "{error}");
    }
}
