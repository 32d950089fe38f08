//! The machine: what it is, its CPU, its clock, and what becomes of it when the guest ends.

use super::check::{invalid_attribute, known_attributes, only, text_of, unsupported_value};
use super::DomainDef;
use crate::model::{Error, Result};
use crate::xml::reader::Element;

/// libvirt's names of architectures.
const ARCHITECTURES: [&str; 38] = [
    "alpha",
    "armv6l",
    "armv7l",
    "armv7b",
    "aarch64",
    "cris",
    "i686",
    "ia64",
    "lm32",
    "loongarch64",
    "m68k",
    "microblaze",
    "microblazeel",
    "mips",
    "mipsel",
    "mips64",
    "mips64el",
    "openrisc",
    "parisc",
    "parisc64",
    "ppc",
    "ppc64",
    "ppc64le",
    "ppcemb",
    "riscv32",
    "riscv64",
    "s390",
    "s390x",
    "sh4",
    "sh4eb",
    "sparc",
    "sparc64",
    "unicore32",
    "x86_64",
    "xtensa",
    "xtensaeb",
    "or1k",
    "tricore",
];

const ACTIONS: [&str; 4] = ["destroy", "restart", "rename-restart", "preserve"];
const CRASH_ACTIONS: [&str; 6] = ["destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart"];

pub(super) fn read(root: &Element, def: &mut DomainDef) -> Result<()> {
    os(root, def)?;
    features(root, def)?;
    cpu(root, def)?;
    clock(root)?;
    def.on_poweroff = action(root, "on_poweroff", "destroy", &ACTIONS)?;
    def.on_reboot = action(root, "on_reboot", "restart", &ACTIONS)?;
    def.on_crash = action(root, "on_crash", "destroy", &CRASH_ACTIONS)?;
    if def.kind == "test" {
        return Ok(());
    }
    if def.on_poweroff != "destroy" {
        return Err(unsupported_value("action 'on_poweroff'", &def.on_poweroff));
    }
    if !matches!(def.on_reboot.as_str(), "restart" | "destroy") {
        return Err(unsupported_value("action 'on_reboot'", &def.on_reboot));
    }
    Ok(())
}

fn os(root: &Element, def: &mut DomainDef) -> Result<()> {
    let missing = || Error::xml("an os <type> must be specified");
    let os = root.child("os").ok_or_else(missing)?;
    only(os, &[], &["type", "boot*"])?;
    let os_type = os.child("type").filter(|t| !t.text.is_empty()).ok_or_else(missing)?;
    only(os_type, &["arch", "machine"], &[])?;
    match os_type.text.as_str() {
        "hvm" => def.os_type = "hvm".to_owned(),
        known @ ("xen" | "linux" | "exe" | "uml" | "xenpvh" | "bhyve") => return Err(unsupported_value("OS type", known)),
        other => return Err(Error::config(format!("unknown OS type '{other}'"))),
    }
    def.arch = match os_type.attr("arch") {
        None => host_arch().to_owned(),
        Some(arch) if ARCHITECTURES.contains(&arch) => arch.to_owned(),
        Some(arch) => return Err(Error::config(format!("Unknown architecture {arch}"))),
    };
    def.machine = os_type.attr("machine").filter(|machine| !machine.is_empty()).map(str::to_owned);
    for boot in os.children_named("boot") {
        only(boot, &["dev"], &[])?;
        match boot.attr("dev").unwrap_or_default() {
            dev @ ("hd" | "cdrom") => def.boot.push(dev.to_owned()),
            dev @ ("fd" | "network") => return Err(unsupported_value("boot device", dev)),
            dev => return Err(invalid_attribute(boot, "dev", dev)),
        }
    }
    Ok(())
}

/// The architecture of this machine, by libvirt's name.
fn host_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86" => "i686",
        "arm" => "armv7l",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "powerpc64" => "ppc64",
        arch => arch,
    }
}

fn features(root: &Element, def: &mut DomainDef) -> Result<()> {
    let Some(features) = root.child("features") else { return Ok(()) };
    only(features, &[], &["acpi", "apic", "pae"])?;
    for feature in &features.children {
        only(feature, &[], &[])?;
    }
    def.acpi = features.child("acpi").is_some();
    def.apic = features.child("apic").is_some();
    def.pae = features.child("pae").is_some();
    Ok(())
}

fn cpu(root: &Element, def: &mut DomainDef) -> Result<()> {
    let Some(cpu) = root.child("cpu") else { return Ok(()) };
    only(cpu, &["mode", "match", "check", "migratable"], &["model"])?;
    let model = text_of(cpu, "model");
    let mode = match cpu.attr("mode") {
        None => "custom",
        Some(mode @ ("custom" | "host-passthrough" | "maximum")) => mode,
        Some("host-model") => return Err(unsupported_value("CPU mode", "host-model")),
        Some(mode) => return Err(Error::config(format!("Invalid mode attribute '{mode}'"))),
    };
    // Only the defaults of these are honoured: no check of what QEMU makes of the CPU is done.
    for (name, honoured) in [("match", "exact"), ("check", "none"), ("migratable", "on")] {
        if let Some(value) = cpu.attr(name).filter(|&value| value != honoured) {
            return Err(unsupported_value(&format!("CPU attribute '{name}' with value"), value));
        }
    }
    match (mode, &model) {
        ("custom", None) => return Ok(()),
        ("custom", Some(_)) | (_, None) => {}
        (mode, Some(_)) => return Err(Error::config(format!("a CPU model with mode '{mode}' is not supported"))),
    }
    if let Some(model) = cpu.child("model") {
        // A model that QEMU does not have is an error either way.
        known_attributes(model, &["fallback"])?;
    }
    def.cpu_mode = Some(mode.to_owned());
    def.cpu_model = model;
    Ok(())
}

fn clock(root: &Element) -> Result<()> {
    let Some(clock) = root.child("clock") else { return Ok(()) };
    only(clock, &["offset"], &[])?;
    match clock.attr("offset") {
        None | Some("utc") => Ok(()),
        Some(offset @ ("localtime" | "variable" | "timezone" | "absolute")) => Err(unsupported_value("clock offset", offset)),
        Some(offset) => Err(Error::config(format!("unknown clock offset '{offset}'"))),
    }
}

fn action(root: &Element, name: &str, default: &str, known: &[&str]) -> Result<String> {
    match text_of(root, name) {
        None => Ok(default.to_owned()),
        Some(action) if known.contains(&action.as_str()) => Ok(action),
        Some(action) => Err(Error::config(format!("unknown {name} action: {action}"))),
    }
}
