//! Domain XML: the part of libvirt's format that this library's drivers can carry out.
//!
//! libvirt ignores what it does not know. Here an element or attribute that would change what the guest or its user
//! gets, and that no driver honours, is refused with `CONFIG_UNSUPPORTED` and named; nothing is dropped in silence.

pub(crate) mod check;
mod devices;
mod disk;
mod format;
mod machine;
mod memory;
mod parse;
mod stability;

#[cfg(test)]
mod generate;
#[cfg(test)]
mod tests;

use super::reader::{self, Element};
use crate::model::disk::{Address, Disk};
use crate::model::{from, Error, Result, Uuid};

/// The namespace of `qemu:commandline`.
pub const QEMU_NAMESPACE: &str = "http://libvirt.org/schemas/domain/qemu/1.0";

/// A controller. What the drivers provide is fixed, so one that is given only says what is there anyway.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Controller {
    /// `pci`, `scsi`, `sata` or `usb`.
    pub kind: String,
    pub index: u32,
    /// `pci-root`, `virtio-scsi`, `none`, ...
    pub model: Option<String>,
    pub alias: Option<String>,
    pub address: Option<Address>,
}

/// What a domain is made of.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DomainDef {
    /// `kvm`, `qemu` or `test`.
    pub kind: String,
    pub name: String,
    pub uuid: Option<Uuid>,
    pub title: Option<String>,
    pub description: Option<String>,
    /// What is inside `<metadata>`, as XML.
    pub metadata: Option<String>,
    /// Namespaces that the metadata may use and the root element declares: prefix and URI.
    pub namespaces: Vec<(String, String)>,
    pub memory_kib: u64,
    pub current_memory_kib: u64,
    pub vcpus: u16,
    /// `hvm`.
    pub os_type: String,
    pub arch: String,
    /// The machine type; the hypervisor's default if there is none.
    pub machine: Option<String>,
    /// What to boot from, in order: `hd` or `cdrom`. Empty where disks have a boot order of their own.
    pub boot: Vec<String>,
    pub acpi: bool,
    pub apic: bool,
    pub pae: bool,
    /// `custom`, `host-passthrough` or `maximum`; the hypervisor's default CPU if there is none.
    pub cpu_mode: Option<String>,
    /// The model of a `custom` CPU.
    pub cpu_model: Option<String>,
    /// `destroy`; of the test driver also the other actions that libvirt has.
    pub on_poweroff: String,
    /// `restart` or `destroy`; of the test driver also the other actions.
    pub on_reboot: String,
    /// Any action: no device reports a crash of the guest, so it is never taken.
    pub on_crash: String,
    pub emulator: Option<String>,
    pub disks: Vec<Disk>,
    pub controllers: Vec<Controller>,
    /// The model of the memory balloon: `none`, or nothing where it is not known what there is.
    pub memballoon: Option<String>,
    /// Passed on to the command line as they are.
    pub qemu_args: Vec<String>,
    /// Variables of the emulator's environment.
    pub qemu_env: Vec<(String, String)>,
}

impl DomainDef {
    /// Reads the configuration of a domain, as an application hands it in.
    ///
    /// What only a running domain has (its id, the numbers of images, mirrors, aliases that do not begin with `ua-`) is
    /// left out, as libvirt does it. Controllers that the disks need are added.
    ///
    /// # Errors
    /// libvirt's codes: `XML_DETAIL` for a document that is not well formed, `XML_ERROR` for values that are wrong or
    /// missing, `NO_NAME`, `NO_SOURCE`, `NO_TARGET`, and `CONFIG_UNSUPPORTED` for what cannot be done.
    pub fn parse(xml: &str) -> Result<DomainDef> {
        let root = reader::parse_as(xml, "domain_definition").and_then(|root| root.expect_name("domain"));
        DomainDef::from_element(&root.map_err(|error| error.or_from(from::DOMAIN))?)
    }

    /// Reads the configuration of a domain from an element of a larger document.
    ///
    /// # Errors
    /// As [`DomainDef::parse`].
    pub fn from_element(domain: &Element) -> Result<DomainDef> {
        parse::domain(domain, Scope::Configuration).map_err(raised_here)
    }

    /// Reads what [`DomainDef::format`] printed of a running domain, with all that only a running one has.
    ///
    /// # Errors
    /// As [`DomainDef::parse`].
    pub fn parse_live(xml: &str) -> Result<DomainDef> {
        let root = reader::parse_as(xml, "domain_definition").and_then(|root| root.expect_name("domain"));
        root.and_then(|root| parse::domain(&root, Scope::Live)).map_err(raised_here)
    }

    /// Another description of a machine whose memory is kept. What it leaves open stays as it was.
    ///
    /// # Errors
    /// `CONFIG_UNSUPPORTED`, naming the difference, if the guest would find itself in another machine.
    pub fn replaced_by(&self, mut other: DomainDef) -> Result<DomainDef> {
        stability::check(self, &other).map_err(raised_here)?;
        other.uuid = self.uuid;
        other.machine.clone_from(&self.machine);
        other.cpu_mode.clone_from(&self.cpu_mode);
        other.cpu_model.clone_from(&self.cpu_model);
        for disk in &mut other.disks {
            let had = self.disks.iter().find(|had| had.target == disk.target);
            disk.address = disk.address.or(had.and_then(|had| had.address));
        }
        for controller in &mut other.controllers {
            let had = self.controllers.iter().find(|had| had.kind == controller.kind);
            controller.address = controller.address.or(had.and_then(|had| had.address));
        }
        Ok(other)
    }

    /// Prints the domain as libvirt does: the live state of one that runs under `id`, otherwise its configuration alone.
    pub fn format(&self, id: Option<i32>) -> String {
        format::domain(self, id)
    }
}

/// Reads a `<disk>` that says where a job is to write, as `virDomainBlockCopy` takes it: the target is optional, and the
/// format is empty if the document does not name one.
///
/// # Errors
/// As [`DomainDef::parse`].
pub fn parse_disk(xml: &str) -> Result<Disk> {
    let root = reader::parse_as(xml, "disk_definition").and_then(|root| root.expect_name("disk"));
    root.and_then(|root| disk::destination(&root)).map_err(raised_here)
}

/// Reads a `<disk>` that is to be attached to a domain.
///
/// # Errors
/// As [`DomainDef::parse`]; `CONFIG_UNSUPPORTED` for a device that is not a disk.
pub fn parse_attached(xml: &str) -> Result<Disk> {
    let device = reader::parse_as(xml, "device_definition").and_then(devices::expect_disk);
    device.and_then(|device| disk::of_domain(&device, Scope::Configuration)).map_err(raised_here)
}

/// Reads a `<disk>` that is to be detached: its target says which one is meant, all else is optional.
///
/// # Errors
/// As [`parse_attached`].
pub fn parse_detached(xml: &str) -> Result<Disk> {
    let device = reader::parse_as(xml, "device_definition").and_then(devices::expect_disk);
    device.and_then(|device| disk::with_target(&device, Scope::Configuration)).map_err(raised_here)
}

/// Whether a document is read for what is configured, or for the state of a running domain as well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scope {
    Configuration,
    Live,
}

fn raised_here(error: Error) -> Error {
    error.or_from(from::DOMAIN)
}
