//! The disks of a running QEMU: front ends, chains of images, and the block nodes behind them.

use std::collections::HashSet;
use std::path::PathBuf;

use serde_json::Value;

use super::backing;
use super::blockdev::{format_node, index_of, LARGEST_INDEX};
use super::translate::text;
use crate::job::DiskTarget;
use crate::model::disk::{Disk, Image, ImageKind, Mirror, MirrorJob, MirrorReady};
use crate::model::{Error, Result};

/// Block drivers that QEMU inserts above an image for a job or a limit; they are no images themselves.
const FILTERS: &[&str] =
    &["copy-before-write", "mirror_top", "commit_top", "copy-on-read", "throttle", "preallocate", "compress", "snapshot-access"];

/// How many disks are taken in that somebody else plugged in.
const MOST_DISKS: usize = 1024;

/// One image with the block node that QEMU has opened for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Link {
    pub image: Image,
    /// The format node; `None` where somebody else opened the image and QEMU does not tell.
    pub node: Option<String>,
    /// The node was added by us and goes when the image leaves every chain.
    pub ours: bool,
    pub virtual_size: Option<u64>,
    /// What the header of this image calls the one below it.
    pub backing_name: Option<String>,
    /// What QEMU calls the image.
    pub known_as: String,
}

impl Link {
    /// An image whose nodes carry its index in their names, as [`super::blockdev`] gives them.
    pub fn own(image: Image) -> Link {
        let (node, known_as) = (Some(format_node(image.index)), image.path.clone());
        Link { image, node, ours: true, virtual_size: None, backing_name: None, known_as }
    }
}

/// The mirror of a disk: which job writes it, and to which images.
#[derive(Clone, Debug)]
pub(super) struct MirrorLinks {
    /// The name of the job.
    pub owner: String,
    pub job: MirrorJob,
    pub ready: MirrorReady,
    pub links: Vec<Link>,
}

impl MirrorLinks {
    /// The mirror in a definition that an earlier process wrote; its job is to be found.
    fn of_definition(mirror: &Mirror) -> MirrorLinks {
        let links = mirror.chain.iter().cloned().map(Link::own).collect();
        MirrorLinks { owner: String::new(), job: mirror.job, ready: mirror.ready, links }
    }
}

/// One disk.
#[derive(Clone, Debug)]
pub(super) struct QemuDisk {
    /// What does not change while it is plugged in; its chain is empty, the images are in `links`.
    pub front: Disk,
    pub links: Vec<Link>,
    /// Mirrors in the order in which they were started; libvirt's rules allow one.
    pub mirrors: Vec<MirrorLinks>,
    /// The name of a legacy `-drive`.
    pub drive: Option<String>,
    /// The path or id of the device in QEMU.
    pub qdev: Option<String>,
    /// Whether the guest has it. One that was unplugged during a job is kept until the job ends.
    pub plugged: bool,
    /// It is on its way to the guest, which may not show it yet.
    pub plugging: bool,
    /// The id of the export that it is, in a storage daemon.
    pub export: Option<String>,
}

impl QemuDisk {
    /// A disk of which nothing is known yet but its front end.
    pub fn plugged(front: Disk) -> QemuDisk {
        QemuDisk { front, links: Vec::new(), mirrors: Vec::new(), drive: None, qdev: None, plugged: true, plugging: false, export: None }
    }

    /// The topmost node is this one: after a pivot that of the mirror.
    fn follow(&mut self, node: &str) {
        let is_top = |links: &[Link]| links.first().is_some_and(|link| link.node.as_deref() == Some(node));
        if is_top(&self.links) {
            return;
        }
        if let Some(mirror) = self.mirrors.iter().find(|mirror| is_top(&mirror.links)) {
            self.links.clone_from(&mirror.links);
        } else if let Some(top) = self.links.first_mut() {
            top.node = Some(node.to_owned());
            top.ours = false;
        }
    }

    /// What a block job names as its device: the topmost node.
    pub fn root(&self) -> Result<&str> {
        let name = self.links.first().and_then(|link| link.node.as_deref().or(self.drive.as_deref()));
        name.ok_or_else(|| Error::internal(format!("disk '{}' has no medium", self.front.target)))
    }

    /// The disk as the domain XML shows it.
    pub fn describe(&self) -> Disk {
        let images = |links: &[Link]| links.iter().map(|link| link.image.clone()).collect();
        let mirror = self.mirrors.first().map(|m| Mirror { job: m.job, ready: m.ready, chain: images(&m.links) });
        Disk { chain: images(&self.links), mirror, ..self.front.clone() }
    }

    /// The path of what the guest writes to; empty without a medium.
    pub fn source_path(&self) -> &str {
        self.links.first().map_or("", |link| &link.image.path)
    }

    /// Whether QEMU means this disk by the path or id of a device.
    pub fn is_device(&self, qdev: &str) -> bool {
        self.qdev.as_deref().is_some_and(|id| !id.is_empty() && (qdev == id || qdev.split('/').any(|part| part == id)))
    }

    /// Whether QEMU means this disk by the name of a drive.
    pub fn is_drive(&self, name: &str) -> bool {
        !name.is_empty() && self.drive.as_deref() == Some(name)
    }

    fn answers_to(&self, name: &str) -> bool {
        self.front.target == name
            || (name.starts_with('/') && self.source_path() == name)
            || self.drive.as_deref() == Some(name)
            || self.qdev.as_deref() == Some(name)
            || self.links.first().is_some_and(|link| link.node.as_deref() == Some(name))
    }

    /// The lists of images that the disk may turn out to have: after a pivot that of the mirror, else its own.
    fn lists(&self) -> Vec<Vec<Link>> {
        self.mirrors.iter().map(|mirror| mirror.links.clone()).chain([self.links.clone()]).collect()
    }

    /// Every image of the disk, those of its mirrors included.
    fn all_links(&self) -> impl Iterator<Item = &Link> {
        self.links.iter().chain(self.mirrors.iter().flat_map(|m| m.links.iter()))
    }
}

/// All disks of a domain.
#[derive(Clone, Debug, Default)]
pub(super) struct Disks {
    pub list: Vec<QemuDisk>,
    last_index: u32,
    /// QEMU's working directory, from which it opens files by relative names.
    cwd: PathBuf,
}

impl Disks {
    /// Disks of a domain that we started: the images carry the indices that name their nodes.
    pub fn from_definition(disks: &[Disk], cwd: PathBuf) -> Disks {
        let list: Vec<QemuDisk> = disks
            .iter()
            .map(|disk| QemuDisk {
                links: disk.chain.iter().cloned().map(Link::own).collect(),
                mirrors: disk.mirror.iter().map(MirrorLinks::of_definition).collect(),
                qdev: disk.alias.clone(),
                ..QemuDisk::plugged(Disk { chain: Vec::new(), mirror: None, ..disk.clone() })
            })
            .collect();
        let mirrored = disks.iter().filter_map(|disk| disk.mirror.as_ref()).flat_map(|m| m.chain.iter());
        let all = disks.iter().flat_map(|d| d.chain.iter()).chain(mirrored).map(|image| image.index);
        let last_index = all.filter(|index| *index <= LARGEST_INDEX).max().unwrap_or(0);
        Disks { list, last_index, cwd }
    }

    /// A number that no image of this domain has had.
    pub fn next_index(&mut self) -> u32 {
        self.last_index = self.last_index.saturating_add(1);
        self.last_index
    }

    /// # Errors
    /// `INVALID_ARG` if no disk has that target, source path, drive name or node.
    pub fn find(&self, name: &str) -> Result<&QemuDisk> {
        self.list
            .iter()
            .find(|disk| disk.answers_to(name))
            .ok_or_else(|| Error::invalid_arg(format!("disk '{name}' not found in the domain")))
    }

    pub fn get_mut(&mut self, target: &str) -> Option<&mut QemuDisk> {
        self.list.iter_mut().find(|disk| disk.front.target == target)
    }

    /// The source path of a disk by its target; empty if there is no such disk.
    pub fn source_path(&self, target: &str) -> &str {
        self.list.iter().find(|disk| disk.front.target == target).map_or("", QemuDisk::source_path)
    }

    /// The mirror that a job writes.
    pub fn mirror_mut(&mut self, job: &str) -> Option<&mut MirrorLinks> {
        self.list.iter_mut().flat_map(|disk| disk.mirrors.iter_mut()).find(|mirror| mirror.owner == job)
    }

    /// The mirror of a definition belongs to this job.
    pub fn claim_mirror(&mut self, target: &str, job: &str) {
        if let Some(mirror) = self.get_mut(target).and_then(|disk| disk.mirrors.first_mut()) {
            job.clone_into(&mut mirror.owner);
        }
    }

    /// Takes over what `query-block` says and returns our nodes that no chain needs any more, overlays first.
    ///
    /// `ended`: the job that the question was asked for; its mirror is no longer one.
    pub fn refresh(&mut self, reply: &Value, ended: Option<&str>) -> Vec<Link> {
        let before = self.every_link();
        let mut seen = vec![false; self.list.len()];
        for entry in reply.as_array().into_iter().flatten() {
            match self.position_of(entry) {
                Some(at) => {
                    seen[at] = true;
                    let known = self.list[at].lists();
                    if let Some(chain) = self.chain_of(entry, &known) {
                        self.list[at].links = chain;
                    }
                }
                None => {
                    if let Some(disk) = self.discover(entry) {
                        self.list.push(disk);
                        seen.push(true);
                    }
                }
            }
        }
        self.close_round(&seen, ended);
        self.orphans(&before)
    }

    /// Which disks were seen, and which mirror is no longer one.
    fn close_round(&mut self, seen: &[bool], ended: Option<&str>) {
        for (disk, seen) in self.list.iter_mut().zip(seen) {
            disk.plugged = *seen || disk.plugging;
            if let Some(job) = ended {
                disk.mirrors.retain(|mirror| mirror.owner != job);
            }
        }
    }

    /// Drops disks that the guest lost and that no job (`busy`) works on; returns the nodes to remove.
    pub fn drop_unplugged(&mut self, busy: impl Fn(&str) -> bool) -> Vec<Link> {
        let before = self.every_link();
        self.list.retain(|disk| disk.plugged || busy(&disk.front.target));
        self.orphans(&before)
    }

    /// Whether a disk or one of its mirrors has this image.
    pub fn is_in_use(&self, path: &str) -> bool {
        self.list.iter().flat_map(QemuDisk::all_links).any(|link| link.image.path == path)
    }

    fn every_link(&self) -> Vec<Link> {
        self.list.iter().flat_map(QemuDisk::all_links).cloned().collect()
    }

    fn orphans(&self, before: &[Link]) -> Vec<Link> {
        // What a monitor says can be long, so nothing is gone through once for each of its parts.
        let mut known: HashSet<Option<&str>> = self.list.iter().flat_map(QemuDisk::all_links).map(|link| link.node.as_deref()).collect();
        before.iter().filter(|link| link.ours && known.insert(link.node.as_deref())).cloned().collect()
    }

    /// The disks that a reply to `query-block` shows, each with what it says of the medium.
    pub fn shown<'a>(&'a self, reply: &'a Value) -> impl Iterator<Item = (&'a QemuDisk, &'a Value)> {
        let entries = reply.as_array().into_iter().flatten();
        entries.filter_map(|entry| Some((&self.list[self.position_of(entry)?], entry.get("inserted")?)))
    }

    fn position_of(&self, entry: &Value) -> Option<usize> {
        let qdev = text(entry, "qdev").unwrap_or_default();
        let drive = text(entry, "device").unwrap_or_default();
        self.list.iter().position(|disk| disk.is_device(qdev) || disk.is_drive(drive))
    }

    /// The chain that an entry shows, topmost first; images known before keep their index and node.
    fn chain_of(&mut self, entry: &Value, known: &[Vec<Link>]) -> Option<Vec<Link>> {
        let inserted = entry.get("inserted")?;
        let shown: Vec<&Value> = images_in(inserted.get("image")).collect();
        let paths: Vec<String> = shown.iter().map(|info| self.path_of(text(info, "filename").unwrap_or_default())).collect();
        let top = text(inserted, "node-name").filter(|_| !is_filter(text(inserted, "drv").unwrap_or_default()));
        let list = known_below(&paths, known);
        let mut links: Vec<Link> = Vec::new();
        for (info, path) in shown.into_iter().zip(&paths) {
            let link = list.and_then(|list| list.iter().find(|link| link.image.path == *path)).cloned();
            let own = top.filter(|_| links.is_empty()).and_then(index_of);
            let mut link = link.unwrap_or_else(|| self.new_link(path, text(info, "format").unwrap_or_default(), own));
            link.virtual_size = info.get("virtual-size").and_then(Value::as_u64).or(link.virtual_size);
            link.backing_name = text(info, "backing-filename").map(str::to_owned);
            link.known_as = text(info, "filename").unwrap_or_default().to_owned();
            links.push(link);
        }
        if let (Some(node), Some(link)) = (top, links.first_mut().filter(|link| !link.ours)) {
            link.node = Some(node.to_owned());
            if let Some(index) = index_of(node) {
                link.ours = true;
                link.image.index = index;
                self.last_index = self.last_index.max(index);
            }
        }
        Some(links)
    }

    /// The path of an image, also where QEMU describes it in JSON or by a relative name.
    fn path_of(&self, name: &str) -> String {
        match backing::path_of(name) {
            Some(path) if path.is_empty() || path.starts_with('/') => path,
            Some(path) => self.cwd.join(path).to_string_lossy().into_owned(),
            None => name.to_owned(),
        }
    }

    /// Drops the mirrors of others than these owners; returns the nodes to remove, if there were any.
    pub fn keep_mirrors(&mut self, of: impl Fn(&str) -> bool) -> Option<Vec<Link>> {
        let before = self.every_link();
        let count = |list: &[QemuDisk]| list.iter().map(|disk| disk.mirrors.len()).sum::<usize>();
        let (all, list) = (count(&self.list), &mut self.list);
        list.iter_mut().for_each(|disk| disk.mirrors.retain(|mirror| of(&mirror.owner)));
        (count(list) < all).then(|| self.orphans(&before))
    }

    /// Takes in the mirror that a copy writes, which an earlier process started in a QEMU that is not ours.
    ///
    /// `detached`: what QEMU does not show by now is a disk that the guest has lost.
    pub fn restore_mirror(&mut self, owner: &str, target: &DiskTarget, ready: bool, detached: bool) {
        let kind = if target.kind == ImageKind::Block.as_str() { ImageKind::Block } else { ImageKind::File };
        let image = Image { kind, path: target.path.clone(), format: target.format.clone(), index: target.index };
        if target.index <= LARGEST_INDEX {
            self.last_index = self.last_index.max(target.index);
        }
        if self.mirror_mut(owner).is_some() {
            return;
        }
        let ready = if ready { MirrorReady::Yes } else { MirrorReady::No };
        let mirror = MirrorLinks { owner: owner.to_owned(), job: MirrorJob::Copy, ready, links: vec![Link::own(image)] };
        if let Some(disk) = self.get_mut(&target.disk) {
            disk.mirrors.push(mirror);
        } else if detached && self.list.len() < MOST_DISKS {
            let front = Disk { target: target.disk.clone(), device: "disk".to_owned(), ..Disk::default() };
            self.list.push(QemuDisk { mirrors: vec![mirror], plugged: false, ..QemuDisk::plugged(front) });
        }
    }

    /// An image that is seen for the first time. `own`: its node has a number of ours, for a snapshot put it on top just now,
    /// or an earlier client made the target of a copy the disk's.
    fn new_link(&mut self, path: &str, format: &str, own: Option<u32>) -> Link {
        let kind = if path.starts_with("/dev/") {
            ImageKind::Block
        } else if path.starts_with("json:") || path.contains("://") {
            ImageKind::Network
        } else {
            ImageKind::File
        };
        let image = Image { kind, path: path.to_owned(), format: format.to_owned(), index: own.unwrap_or(0) };
        match own {
            Some(index) => {
                self.last_index = self.last_index.max(index);
                Link::own(image)
            }
            None => {
                let image = Image { index: self.next_index(), ..image };
                Link { image, node: None, ours: false, virtual_size: None, backing_name: None, known_as: path.to_owned() }
            }
        }
    }

    /// A disk that somebody else plugged in.
    fn discover(&mut self, entry: &Value) -> Option<QemuDisk> {
        let qdev = text(entry, "qdev").unwrap_or_default().to_owned();
        let drive = text(entry, "device").unwrap_or_default().to_owned();
        if (qdev.is_empty() && drive.is_empty()) || self.list.len() >= MOST_DISKS {
            return None;
        }
        let links = self.chain_of(entry, &[]).unwrap_or_default();
        let virtio = qdev.contains("virtio") || qdev.is_empty();
        let removable = entry.get("removable").and_then(Value::as_bool).unwrap_or(false);
        let front = Disk {
            target: self.free_target(if virtio { "vd" } else { "sd" }),
            bus: if virtio { "virtio" } else { "scsi" }.to_owned(),
            device: if removable { "cdrom" } else { "disk" }.to_owned(),
            readonly: entry.pointer("/inserted/ro").and_then(Value::as_bool).unwrap_or(false),
            ..Disk::default()
        };
        let some = |text: String| (!text.is_empty()).then_some(text);
        Some(QemuDisk { links, drive: some(drive), qdev: some(qdev), ..QemuDisk::plugged(front) })
    }

    /// `vda`, `vdb`, ... `vdz`, `vdaa`: the first that is free.
    fn free_target(&self, prefix: &str) -> String {
        let taken: HashSet<&str> = self.list.iter().map(|disk| disk.front.target.as_str()).collect();
        (0u32..).map(|n| format!("{prefix}{}", letters(n))).find(|name| !taken.contains(name.as_str())).unwrap_or_default()
    }

    /// What tells about these disks: the exports of a storage daemon are its disks, it has no front ends.
    pub fn question(&self) -> &'static str {
        if self.list.iter().any(|disk| disk.export.is_some()) {
            "query-block-exports"
        } else {
            "query-block"
        }
    }

    /// Takes in the reply to [`question`](Self::question).
    pub fn refresh_by(&mut self, question: &str, reply: &Value, ended: Option<&str>) -> Vec<Link> {
        match question {
            "query-block-exports" => self.refresh_exports(reply, ended),
            _ => self.refresh(reply, ended),
        }
    }

    /// The same as [`refresh`](Self::refresh) for the reply to `query-block-exports`.
    pub fn refresh_exports(&mut self, reply: &Value, ended: Option<&str>) -> Vec<Link> {
        let before = self.every_link();
        let mut seen = vec![false; self.list.len()];
        for export in reply.as_array().into_iter().flatten() {
            let named = text(export, "id").zip(text(export, "node-name").filter(|node| !node.is_empty()));
            let Some((id, node)) = named else { continue };
            match self.list.iter().position(|disk| disk.export.as_deref() == Some(id)) {
                Some(at) => {
                    seen[at] = true;
                    self.list[at].follow(node);
                }
                None if self.list.len() >= MOST_DISKS || self.list.iter().any(|disk| disk.front.target == node) => {}
                None => {
                    let disk = self.exported(id, node);
                    self.list.push(disk);
                    seen.push(true);
                }
            }
        }
        self.close_round(&seen, ended);
        self.orphans(&before)
    }

    fn exported(&mut self, id: &str, node: &str) -> QemuDisk {
        let image = Image { kind: ImageKind::File, path: node.to_owned(), format: String::new(), index: self.next_index() };
        let front = Disk { target: node.to_owned(), bus: "virtio".to_owned(), device: "disk".to_owned(), ..Disk::default() };
        let (name, known_as) = (Some(node.to_owned()), node.to_owned());
        let link = Link { image, node: name, ours: false, virtual_size: None, backing_name: None, known_as };
        QemuDisk { links: vec![link], export: Some(id.to_owned()), ..QemuDisk::plugged(front) }
    }
}

/// `a`, `b`, ... `z`, `aa`, as disks are lettered.
fn letters(mut n: u32) -> String {
    let mut out = Vec::new();
    loop {
        out.insert(0, b'a' + (n % 26) as u8);
        if n < 26 {
            return out.into_iter().map(char::from).collect();
        }
        n = n / 26 - 1;
    }
}

/// The images of an `ImageInfo` and below, filters left out.
fn images_in(top: Option<&Value>) -> impl Iterator<Item = &Value> {
    std::iter::successors(top, |info| info.get("backing-image")).filter(|info| !is_filter(text(info, "format").unwrap_or_default()))
}

/// The list of images that a disk turns out to have, perhaps below images that were put on top of them.
fn known_below<'a>(paths: &[String], known: &'a [Vec<Link>]) -> Option<&'a Vec<Link>> {
    (0..paths.len()).find_map(|at| known.iter().find(|list| is_part(&paths[at..], list)))
}

/// Whether these paths are in the list in this order, with gaps where a job merged images.
fn is_part(paths: &[String], list: &[Link]) -> bool {
    let mut rest = list.iter();
    paths.iter().all(|path| rest.any(|link| link.image.path == *path))
}

pub(super) fn is_filter(driver: &str) -> bool {
    FILTERS.contains(&driver)
}

/// The image that `name` means in a chain: `vda[N]` by index, or a path. Returns its position.
pub(super) fn position_in_chain(disk: &QemuDisk, name: &str) -> Result<usize> {
    let target = &disk.front.target;
    let by_index = name.strip_prefix(target.as_str()).and_then(|rest| rest.strip_prefix('[')?.strip_suffix(']')?.parse::<u32>().ok());
    let found = match by_index {
        Some(index) => disk.links.iter().position(|link| link.image.index == index),
        None => disk.links.iter().position(|link| link.image.path == name).or_else(|| relative_position(disk, name)),
    };
    found.ok_or_else(|| Error::invalid_arg(format!("could not find image '{name}' in chain for '{}'", disk.source_path())))
}

/// The name under which the image at `overlay` may refer to the one at `base` relative to its own directory: made of what
/// the headers between them say, so only where each of them is relative.
///
/// # Errors
/// `OPERATION_INVALID` if one of them is not.
pub(super) fn relative_name(disk: &QemuDisk, overlay: usize, base: usize) -> Result<String> {
    let mut name = PathBuf::new();
    for link in &disk.links[overlay..base] {
        let step = link.backing_name.as_deref().filter(|step| !step.is_empty() && !step.starts_with('/') && !step.contains(':'));
        let step =
            step.ok_or_else(|| Error::invalid(format!("the image below '{}' is not referred to by a relative name", link.image.path)))?;
        name.pop();
        name.push(step);
    }
    Ok(name.to_string_lossy().into_owned())
}

/// A name without a leading slash means an image in the directory of the one above it.
fn relative_position(disk: &QemuDisk, name: &str) -> Option<usize> {
    if name.starts_with('/') || name.is_empty() {
        return None;
    }
    disk.links
        .windows(2)
        .position(|pair| {
            let dir = std::path::Path::new(&pair[0].image.path).parent().unwrap_or(std::path::Path::new(""));
            dir.join(name) == std::path::Path::new(&pair[1].image.path)
        })
        .map(|above| above + 1)
}
