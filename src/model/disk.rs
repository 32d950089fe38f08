//! A disk as a domain has it: its front end, its chain of images, and the mirror that a job writes.

use serde::{Deserialize, Serialize};

/// How an image is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageKind {
    #[default]
    File,
    Block,
    Network,
}

impl ImageKind {
    /// The `type` attribute in XML.
    pub const fn as_str(self) -> &'static str {
        match self {
            ImageKind::File => "file",
            ImageKind::Block => "block",
            ImageKind::Network => "network",
        }
    }
}

/// One image of a backing chain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Image {
    pub kind: ImageKind,
    /// A path; for a network image, what the hypervisor calls it.
    pub path: String,
    /// `qcow2`, `raw`, ...; empty if nobody said.
    pub format: String,
    /// The number in `vda[N]`, as in the `index` attribute of the live XML; 0 if it has none.
    pub index: u32,
}

/// Which job a mirror belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MirrorJob {
    Copy,
    ActiveCommit,
}

/// The `ready` attribute of a mirror.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MirrorReady {
    No,
    Yes,
    Abort,
    Pivot,
}

/// Where a running copy or active commit writes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mirror {
    pub job: MirrorJob,
    pub ready: MirrorReady,
    /// The target and the images below it, topmost first.
    pub chain: Vec<Image>,
}

/// How the hypervisor is to treat the images of a disk: attributes of `<driver>`, by libvirt's words.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DiskTuning {
    /// `none`, `writethrough`, `writeback`, `directsync` or `unsafe`.
    pub cache: Option<String>,
    /// `native`, `threads` or `io_uring`.
    pub io: Option<String>,
    /// `unmap` or `ignore`.
    pub discard: Option<String>,
    /// `off`, `on` or `unmap`.
    pub detect_zeroes: Option<String>,
}

/// Where a device is in the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Address {
    Pci {
        bus: u32,
        slot: u32,
    },
    /// On the one controller of the disk's bus.
    Drive {
        unit: u32,
    },
}

/// A disk of a domain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Disk {
    /// `<target dev>`.
    pub target: String,
    /// `virtio`, `scsi`, `sata`, ...
    pub bus: String,
    /// `disk`, `cdrom`, ...
    pub device: String,
    pub readonly: bool,
    pub serial: Option<String>,
    pub tuning: DiskTuning,
    /// `<boot order>`, from 1.
    pub boot_order: Option<u32>,
    /// The images, topmost first. Empty for a drive without medium.
    pub chain: Vec<Image>,
    /// How many images of the chain the configuration names, if it leaves what is below them to be found out.
    /// `None` if it names them all.
    pub probe_after: Option<usize>,
    pub mirror: Option<Mirror>,
    pub alias: Option<String>,
    /// The place that its target implies, if none is given.
    pub address: Option<Address>,
}

impl Disk {
    /// What the guest writes to.
    pub fn source(&self) -> Option<&Image> {
        self.chain.first()
    }
}
