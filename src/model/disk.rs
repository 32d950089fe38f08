//! A disk as a domain has it: its front end, its chain of images, and the mirror that a job writes.

/// How an image is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImageKind {
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
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Image {
    pub kind: ImageKind,
    /// A path; for a network image, what the hypervisor calls it.
    pub path: String,
    /// `qcow2`, `raw`, ...
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

/// A disk of a domain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Disk {
    /// `<target dev>`.
    pub target: String,
    /// `virtio`, `scsi`, `sata`, ...
    pub bus: String,
    /// `disk`, `cdrom`, ...
    pub device: String,
    pub readonly: bool,
    pub serial: Option<String>,
    /// The images, topmost first. Empty for a drive without medium.
    pub chain: Vec<Image>,
    pub mirror: Option<Mirror>,
    pub alias: Option<String>,
}

impl Disk {
    /// What the guest writes to.
    pub fn source(&self) -> Option<&Image> {
        self.chain.first()
    }
}
