//! The command line of a VM.
//!
//! What libvirt 9.0 would run for the same XML, where the monitor socket and the files around it are ours. One difference is
//! meant: `-daemonize` is given. QEMU then is nobody's child, and outlives the program that started it.
//!
//! Options that take structured values get JSON, and the others have their commas doubled, so that no path and no name can be
//! taken for something else.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::blockdev;
use super::emulator;
use super::machine::{self, Layout};
pub(super) use super::paths::VmPaths;
use crate::model::disk::{Disk, Image};
use crate::model::{Error, Result};
use crate::xml::domain::{Controller, DomainDef};

/// What to execute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct CommandLine {
    pub emulator: PathBuf,
    pub args: Vec<OsString>,
    /// Variables that the configuration asks for.
    pub env: Vec<(String, String)>,
}

/// What QEMU has to be told, in this order, to plug in a disk.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Hotplug {
    /// `device_add` for the controller, if the domain has none yet that the disk fits.
    pub controller: Option<Value>,
    /// `blockdev-add` for each.
    pub nodes: Vec<Value>,
    /// `device_add`.
    pub device: Value,
}

/// Makes the command line of a VM whose disks have been probed.
///
/// `def` is completed as libvirt completes it: emulator and machine type are filled in, disks are sorted by bus and target,
/// every image has its index, every disk and controller its alias.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` if there is no emulator for the domain, or it has a disk that cannot be driven; `SYSTEM_ERROR` if
/// the emulator that it names cannot be executed; `INTERNAL_ERROR` if no place is left for a disk.
pub(super) fn build(def: &mut DomainDef, paths: &VmPaths) -> Result<CommandLine> {
    let emulator = emulator::find(def)?;
    def.emulator = Some(emulator.clone());
    if def.machine.is_none() && matches!(def.arch.as_str(), "x86_64" | "i686") {
        def.machine = Some("pc".to_owned());
    }
    let layout = Layout::of(def);
    sort_disks(&mut def.disks)?;
    number_images(&mut def.disks);
    if !def.controllers.iter().any(|controller| controller.kind == "usb") {
        // Other readers of the XML would add one.
        def.controllers.push(Controller { kind: "usb".to_owned(), model: Some("none".to_owned()), ..Controller::default() });
    }
    for controller in &mut def.controllers {
        machine::complete_controller(layout, controller)?;
    }
    for disk in &mut def.disks {
        machine::complete_disk(layout, disk)?;
    }
    let mut args = Args(Vec::new());
    identity(&mut args, def);
    platform(&mut args, def);
    monitor(&mut args, paths);
    devices(&mut args, def, layout)?;
    args.0.extend(def.qemu_args.iter().map(OsString::from));
    Ok(CommandLine { emulator: PathBuf::from(emulator), args: args.0, env: def.qemu_env.clone() })
}

/// What plugs a disk into a running domain. Its images need their indices; its alias is filled in.
///
/// # Errors
/// As [`build`].
pub(super) fn hotplug(def: &DomainDef, disk: &mut Disk) -> Result<Hotplug> {
    let layout = Layout::of(def);
    machine::complete_disk(layout, disk)?;
    let there = def.controllers.iter().any(|c| c.kind == "scsi") || def.disks.iter().any(|d| d.bus == "scsi");
    Ok(Hotplug {
        controller: (disk.bus == "scsi" && !there).then(|| machine::scsi_controller(layout, None)).transpose()?,
        nodes: blockdev::nodes(disk)?,
        device: machine::disk_device(layout, disk, disk.boot_order)?,
    })
}

/// libvirt's order: buses as they first appear, and the disks of each by target.
fn sort_disks(disks: &mut [Disk]) -> Result<()> {
    let mut buses: Vec<String> = Vec::new();
    for disk in disks.iter() {
        machine::target_number(disk)?;
        if !buses.contains(&disk.bus) {
            buses.push(disk.bus.clone());
        }
    }
    disks.sort_by_cached_key(|disk| {
        let bus = buses.iter().position(|bus| *bus == disk.bus);
        (bus, machine::target_number(disk).unwrap_or_default())
    });
    Ok(())
}

/// libvirt's numbers: the topmost images first, those of the last disk being 1 and a drive without medium using one up;
/// then what is below them, disk by disk, again the last one first.
fn number_images(disks: &mut [Disk]) {
    let mut next = 0;
    let mut number = |image: &mut Image| {
        next += 1;
        image.index = next;
    };
    for disk in disks.iter_mut().rev() {
        match disk.chain.first_mut() {
            Some(top) => number(top),
            None => number(&mut Image::default()),
        }
    }
    for disk in disks.iter_mut().rev() {
        disk.chain.iter_mut().skip(1).for_each(&mut number);
    }
}

/// Arguments in the making.
struct Args(Vec<OsString>);

impl Args {
    fn flag(&mut self, option: &str) {
        self.0.push(option.into());
    }

    fn pair(&mut self, option: &str, value: impl Into<OsString>) {
        self.flag(option);
        self.0.push(value.into());
    }

    fn json(&mut self, option: &str, value: &Value) {
        self.pair(option, value.to_string());
    }
}

/// A value inside a comma-separated list.
fn escape(value: &str) -> String {
    value.replace(',', ",,")
}

fn escape_path(path: &Path) -> OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let bytes = path.as_os_str().as_bytes().iter();
    OsString::from_vec(bytes.flat_map(|byte| std::iter::repeat_n(*byte, if *byte == b',' { 2 } else { 1 })).collect())
}

fn identity(args: &mut Args, def: &DomainDef) {
    args.pair("-name", format!("guest={},debug-threads=on", escape(&def.name)));
    if let Some(uuid) = def.uuid {
        args.pair("-uuid", uuid.to_string());
    }
    // Whoever starts it wants to see it before the guest does anything.
    args.flag("-S");
    args.flag("-daemonize");
}

fn platform(args: &mut Args, def: &DomainDef) {
    let mut machine = String::new();
    if let Some(name) = &def.machine {
        machine = format!("{},", escape(name));
    }
    machine += "usb=off,dump-guest-core=off";
    if !def.acpi && matches!(def.arch.as_str(), "x86_64" | "i686" | "aarch64") {
        // The option `-no-acpi` is gone from newer QEMUs.
        machine += ",acpi=off";
    }
    args.pair("-machine", machine);
    args.pair("-accel", if def.kind == "kvm" { "kvm" } else { "tcg" });
    match (def.cpu_mode.as_deref(), &def.cpu_model) {
        (Some("host-passthrough"), _) => args.pair("-cpu", "host"),
        (Some("maximum"), _) => args.pair("-cpu", "max"),
        (_, Some(model)) => args.pair("-cpu", escape(model)),
        _ => {}
    }
    // Whole MiB, as libvirt gives it: a machine rounds its memory up to what its firmware can describe.
    args.pair("-m", format!("size={}M", def.memory_kib.div_ceil(1024)));
    let cpus = def.vcpus.max(1);
    args.pair("-smp", format!("{cpus},sockets={cpus},cores=1,threads=1"));
    args.pair("-display", "none");
    args.flag("-no-user-config");
    args.flag("-nodefaults");
    args.pair("-rtc", "base=utc");
    // A guest that shuts down leaves QEMU stopped, for its jobs to be brought to an end first.
    args.flag("-no-shutdown");
    if def.on_reboot == "destroy" {
        args.pair("-action", "reboot=shutdown");
    }
    args.pair("-boot", "strict=on");
    args.pair("-msg", "timestamp=on");
}

fn monitor(args: &mut Args, paths: &VmPaths) {
    let mut socket = OsString::from("socket,id=charmonitor,server=on,wait=off,path=");
    socket.push(escape_path(&paths.socket));
    args.pair("-chardev", socket);
    args.pair("-mon", "chardev=charmonitor,id=monitor,mode=control");
    args.pair("-pidfile", paths.pidfile.as_os_str());
    // A daemon's messages go nowhere unless something is to be logged. The log is what standard error is at the start; a
    // path of its own could not have a percent sign. System calls are what only QEMU's user mode can log: nothing, here.
    args.pair("-D", "/dev/stderr");
    args.pair("-d", "strace");
}

fn devices(args: &mut Args, def: &DomainDef, layout: Layout) -> Result<()> {
    for controller in machine::controllers(def)? {
        args.json("-device", &controller);
    }
    for disk in &def.disks {
        for node in blockdev::nodes(disk)? {
            args.json("-blockdev", &node);
        }
        args.json("-device", &machine::disk_device(layout, disk, boot_index(def, disk))?);
    }
    Ok(())
}

/// A disk's turn at boot: its own, or that of its class for the first disk of it.
fn boot_index(def: &DomainDef, disk: &Disk) -> Option<u32> {
    if def.disks.iter().any(|disk| disk.boot_order.is_some()) {
        return disk.boot_order;
    }
    let class = |disk: &Disk| if disk.device == "cdrom" { "cdrom" } else { "hd" };
    let first = def.disks.iter().find(|other| class(other) == class(disk))?;
    let turn = def.boot.iter().position(|boot| boot == class(disk)).filter(|_| first.target == disk.target)?;
    u32::try_from(turn + 1).ok()
}

/// # Errors
/// `CONFIG_UNSUPPORTED`: the emulator cannot run a domain of that kind.
pub(super) fn wrong_kind(emulator: &str, kind: &str, why: &str) -> Error {
    Error::config(format!("Emulator '{emulator}' does not support virt type '{kind}'{why}"))
}

#[cfg(test)]
#[path = "command_line_tests.rs"]
mod tests;
