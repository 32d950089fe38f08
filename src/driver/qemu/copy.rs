//! Copying a disk: the target is opened or created, then mirrored to.

use std::fs;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use serde_json::{json, Map, Value};

use super::block::{is_undecided, job_arguments};
use super::blockdev::{self, format_node, storage_node};
use super::clock::now;
use super::disks::{Link, QemuDisk};
use super::domain::QemuDomain;
use super::nodes::nodes_of;
use super::probe;
use crate::driver::request::*;
use crate::job::{DiskTarget, JobConfig, StartRequest};
use crate::model::disk::{Disk, DiskTuning, Image, ImageKind, MirrorJob};
use crate::model::flags::copy;
use crate::model::{Error, JobState, JobType, Result};
use crate::qmp::CallError;

/// How many numbers may be taken by nodes that are not known here.
pub(super) const MOST_TAKEN: usize = 4096;

/// What a copy is to write, before it is opened.
struct Target {
    image: Image,
    reuse: bool,
    shallow: bool,
    /// Nothing was there before: a failed start removes what it made.
    fresh: bool,
}

impl QemuDomain {
    /// `virDomainBlockCopy`, and `virDomainBlockRebase` with COPY.
    pub(super) fn block_copy(self: &Arc<Self>, request: &BlockCopy<'_>) -> Result<String> {
        self.require_alive()?;
        self.await_images()?;
        let _modify = self.changing_disks()?;
        self.learn_sizes()?;
        let disk = self.inner.lock().disks.find(request.disk)?.clone();
        let image = image_of_destination(&request.destination)?;
        self.refuse_if_busy(JobType::BlockCopy, &JobConfig::on_disk(&disk.front.target), request.flags)?;
        let mut target = self.target_of_copy(&disk, image, request)?;
        let config = config_of_copy(&disk, &target, request);
        let start = StartRequest::new(JobType::BlockCopy, config).with_flags(request.flags);
        let name = self.reserve_block_job(start)?;
        let opened = self.open_target(&name, &disk, &mut target).inspect_err(|error| self.start_failed(&name, error));
        let mirrored = opened.and_then(|links| self.mirror(&name, &disk, &mut target, links, request));
        match mirrored {
            Ok(()) => Ok(name),
            Err(error) => {
                if target.fresh {
                    let _ = fs::remove_file(&target.image.path);
                }
                Err(error)
            }
        }
    }

    /// Starts the job. Where that is undecided, the target is not `fresh` any more: the job may yet come to write it.
    fn mirror(self: &Arc<Self>, name: &str, disk: &QemuDisk, target: &mut Target, links: Vec<Link>, request: &BlockCopy<'_>) -> Result<()> {
        let mut arguments = job_arguments(disk.root()?, request.bandwidth);
        arguments.insert("target".to_owned(), format_node(target.image.index).into());
        arguments.insert("sync".to_owned(), if target.shallow { "top" } else { "full" }.into());
        if request.granularity > 0 {
            arguments.insert("granularity".to_owned(), request.granularity.into());
        }
        if request.buf_size > 0 {
            arguments.insert("buf-size".to_owned(), request.buf_size.into());
        }
        if request.flags & copy::SYNCHRONOUS_WRITES != 0 {
            arguments.insert("copy-mode".to_owned(), "write-blocking".into());
        }
        self.add_mirror(&disk.front.target, name, MirrorJob::Copy, links.clone());
        self.launch(name, "blockdev-mirror", arguments).inspect_err(|error| {
            if is_undecided(error) {
                target.fresh = false;
                return;
            }
            self.remove_mirror(name);
            self.close_nodes(nodes_of(&added_by(target, &links)));
            self.forget_if_empty();
        })
    }

    /// Checks the destination as libvirt does, before anything is touched.
    fn target_of_copy(&self, disk: &QemuDisk, mut image: Image, request: &BlockCopy<'_>) -> Result<Target> {
        disk.root()?;
        let source = &disk.links[0];
        let reuse = request.flags & copy::REUSE_EXT != 0;
        let shallow = request.flags & copy::SHALLOW != 0;
        check_destination(&image, &disk.front.target, reuse)?;
        let fresh = !reuse && image.kind == ImageKind::File && !Path::new(&image.path).exists();
        if image.format.is_empty() {
            image.format =
                if reuse { probe::inspect(Path::new(&image.path), None)?.format.to_owned() } else { source.image.format.clone() };
        }
        if shallow && image.format == "raw" && disk.links.len() > 1 {
            return Err(Error::config(format!("disk '{}' has backing file, so raw shallow copy is not possible", disk.front.target)));
        }
        Ok(Target { image, reuse, shallow: shallow && disk.links.len() > 1, fresh })
    }

    /// Opens the target in QEMU, creating it first unless it is to be used as it is.
    fn open_target(self: &Arc<Self>, copy: &str, disk: &QemuDisk, target: &mut Target) -> Result<Vec<Link>> {
        if !target.reuse {
            self.create_storage(copy, disk, target)?;
        }
        self.add_storage(&mut target.image, &DiskTuning::default(), |index| {
            let set = |config: &mut JobConfig| config.targets.iter_mut().for_each(|target| target.index = index);
            self.update_jobs(|engine, out| engine.describe(copy, set, out));
        })?;
        let link = Link::own(target.image.clone());
        let opened =
            if target.reuse { Ok(()) } else { self.create_format(copy, disk, target) }.and_then(|()| self.open_format(disk, target));
        match opened {
            Ok(mut below) => {
                below.insert(0, link);
                Ok(below)
            }
            Err(error) => {
                self.close_nodes(nodes_of(&[link]));
                Err(error)
            }
        }
    }

    /// Opens an image's file under a number that no node of this QEMU has: an earlier client, or one that crashed, may have
    /// left nodes of which nothing is known here. `note` writes the number down before QEMU has anything of it.
    pub(super) fn add_storage(self: &Arc<Self>, image: &mut Image, tuning: &DiskTuning, note: impl Fn(u32)) -> Result<()> {
        for _ in 0..MOST_TAKEN {
            image.index = self.inner.lock().disks.next_index();
            note(image.index);
            match self.monitor()?.call("blockdev-add", blockdev::storage(image, tuning)) {
                Err(CallError::Qmp { desc, .. }) if is_taken(&desc) => {}
                Err(error @ CallError::Timeout { .. }) => {
                    // It may be opened yet, and is closed right after.
                    self.remove_nodes(&[Link::own(image.clone())]);
                    return Err(error.into());
                }
                outcome => return Ok(outcome.map(drop)?),
            }
        }
        Err(Error::internal(format!("no node name is free for '{}'", image.path)))
    }

    /// Opens the format layer of the target; returns the images below it.
    fn open_format(self: &Arc<Self>, disk: &QemuDisk, target: &Target) -> Result<Vec<Link>> {
        let shared = || disk.links[1..].iter().all(|link| link.ours);
        let below = match (target.shallow, target.reuse) {
            (false, _) => Vec::new(),
            (true, false) if shared() => disk.links[1..].to_vec(),
            // What somebody else opened has no name here.
            (true, _) => self.open_own_backing(&target.image)?,
        };
        let opened = self.call(
            "blockdev-add",
            blockdev::format(&target.image, below.first().map(|link| &link.image), &DiskTuning::default(), true, false),
        );
        match opened {
            Ok(_) => Ok(below),
            Err(error) => {
                self.close_nodes(nodes_of(&added_by(target, &below)));
                Err(error)
            }
        }
    }

    /// Opens what an image that is to be used as it is has below it. It may be what the disk has, or other files with the
    /// same content: it is opened apart, as libvirt does.
    fn open_own_backing(self: &Arc<Self>, image: &Image) -> Result<Vec<Link>> {
        let mut images = probe::chain(Path::new(&image.path), Some(&image.format))?;
        images.remove(0);
        let mut links: Vec<Link> = Vec::new();
        let opened = self.open_layers(images, &mut links);
        opened.inspect_err(|_| self.close_nodes(nodes_of(&links)))?;
        Ok(links)
    }

    /// Opens files from the top down, which gives them their numbers, and then their formats on top of one another.
    fn open_layers(self: &Arc<Self>, images: Vec<Image>, links: &mut Vec<Link>) -> Result<()> {
        for mut image in images {
            self.add_storage(&mut image, &DiskTuning::default(), |_| {})?;
            links.push(Link::own(image));
        }
        for at in (0..links.len()).rev() {
            let below = links.get(at + 1).map(|link| &link.image);
            self.call("blockdev-add", blockdev::format(&links[at].image, below, &DiskTuning::default(), false, true))?;
        }
        Ok(())
    }

    /// The file itself, of the size that its format needs to start with.
    fn create_storage(self: &Arc<Self>, copy: &str, disk: &QemuDisk, target: &Target) -> Result<()> {
        let image = &target.image;
        if image.kind != ImageKind::File {
            return Ok(());
        }
        let size = if image.format == "raw" { virtual_size(disk)? } else { 0 };
        self.create_image(copy, disk, image, target.fresh, json!({ "driver": "file", "filename": image.path, "size": size }))?;
        if target.fresh {
            keep_private(&image.path);
        }
        Ok(())
    }

    /// The format's own structures inside the file.
    fn create_format(self: &Arc<Self>, copy: &str, disk: &QemuDisk, target: &Target) -> Result<()> {
        let image = &target.image;
        if image.format == "raw" {
            return Ok(());
        }
        let mut options = json!({ "driver": image.format, "file": storage_node(image.index), "size": virtual_size(disk)? });
        if target.shallow {
            let below = &disk.links[1].image;
            options["backing-file"] = below.path.clone().into();
            options["backing-fmt"] = below.format.clone().into();
        }
        self.create_image(copy, disk, image, target.fresh, options)
    }

    /// Runs a `blockdev-create` as a job of its own, and waits for it. Of a `fresh` file nothing was there before: whoever sees
    /// the end of this job removes it, if its parent is gone by then.
    pub(super) fn create_image(self: &Arc<Self>, parent: &str, disk: &QemuDisk, image: &Image, fresh: bool, options: Value) -> Result<()> {
        let target = describe_target(disk, image);
        let config = JobConfig {
            disks: vec![disk.front.target.clone()],
            format: options["driver"].as_str().map(str::to_owned),
            size: options["size"].as_u64(),
            targets: vec![target],
            parent: Some(parent.to_owned()),
            removes: fresh.then(|| image.path.clone()).into_iter().collect(),
            ..JobConfig::default()
        };
        let name = self.update_jobs(|engine, out| engine.reserve(StartRequest::new(JobType::BlockCreate, config), now(), out))?.name;
        let mut arguments = Map::new();
        arguments.insert("options".to_owned(), options);
        self.launch(&name, "blockdev-create", arguments)?;
        let (state, error) = self.end_of(&name)?;
        match state {
            JobState::Completed => Ok(()),
            JobState::Aborted => {
                Err(Error::new(crate::model::code::OPERATION_ABORTED, format!("creation of '{}' was aborted", image.path)))
            }
            _ => Err(Error::failed(format!("cannot create '{}': {}", image.path, error.unwrap_or_else(|| "unknown error".to_owned())))),
        }
    }
}

fn config_of_copy(disk: &QemuDisk, target: &Target, request: &BlockCopy<'_>) -> JobConfig {
    let words = [(copy::SHALLOW, "shallow"), (copy::REUSE_EXT, "reuse-external"), (copy::SYNCHRONOUS_WRITES, "synchronous-writes")];
    JobConfig {
        bandwidth: request.bandwidth,
        targets: vec![describe_target(disk, &target.image)],
        options: words.iter().filter(|(bit, _)| request.flags & bit != 0).map(|(_, word)| (*word).to_owned()).collect(),
        ..JobConfig::on_disk(&disk.front.target)
    }
}

pub(super) fn describe_target(disk: &QemuDisk, image: &Image) -> DiskTarget {
    DiskTarget {
        disk: disk.front.target.clone(),
        path: image.path.clone(),
        format: image.format.clone(),
        kind: image.kind.as_str().to_owned(),
        index: image.index,
    }
}

/// A new file is its owner's alone, as libvirt makes it: QEMU lets everybody read what is the guest's. It is still empty.
pub(super) fn keep_private(path: &str) {
    let opened = fs::OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    if let Some(file) = opened.ok().filter(|file| file.metadata().is_ok_and(|meta| meta.is_file())) {
        let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
    }
}

/// The image that a copy is to write, as its caller names it.
fn image_of_destination(named: &CopyDestination<'_>) -> Result<Image> {
    match *named {
        CopyDestination::Xml(xml) => destination(crate::xml::domain::parse_disk(xml)?),
        CopyDestination::Path { path, raw, block } => Ok(Image {
            kind: if block { ImageKind::Block } else { ImageKind::File },
            path: path.to_owned(),
            format: if raw { "raw".to_owned() } else { String::new() },
            index: 0,
        }),
    }
}

/// Whether QEMU refused a node since there is one of that name.
pub(super) fn is_taken(why: &str) -> bool {
    why.starts_with("Duplicate node")
}

/// The one image that a destination document names.
fn destination(disk: Disk) -> Result<Image> {
    let image = disk.chain.into_iter().next().ok_or_else(|| Error::xml("the destination has no source"))?;
    if image.kind == ImageKind::Network {
        return Err(Error::config("a copy to a network image is not supported"));
    }
    Ok(image)
}

fn check_destination(image: &Image, disk: &str, reuse: bool) -> Result<()> {
    let path = Path::new(&image.path);
    if !path.is_absolute() {
        return Err(Error::invalid_arg(format!("non-absolute path for the destination of disk '{disk}': '{}'", image.path)));
    }
    match fs::metadata(path) {
        Ok(meta) if image.kind == ImageKind::Block && !meta.file_type().is_block_device() => Err(Error::invalid_arg(format!(
            "block device flag requested for disk '{disk}', but file '{}' is not a block device",
            image.path
        ))),
        Ok(meta) if meta.is_dir() => Err(Error::config(format!("the destination for disk '{disk}' is a directory: '{}'", image.path))),
        Ok(meta) if !reuse && meta.is_file() && meta.len() > 0 => Err(Error::config(format!(
            "external destination file for disk '{disk}' already exists and is not a block device: {}",
            image.path
        ))),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound || reuse || image.kind == ImageKind::Block => {
            Err(Error::system(format!("missing destination file for disk '{disk}': {}", image.path), &error))
        }
        Err(_) => match path.parent().map(fs::metadata) {
            Some(Err(error)) => Err(Error::system(format!("cannot create '{}'", image.path), &error)),
            _ => Ok(()),
        },
        Ok(_) => Ok(()),
    }
}

/// The nodes that were added for a target: those of the disk's own chain have lower numbers.
fn added_by(target: &Target, links: &[Link]) -> Vec<Link> {
    links.iter().filter(|link| link.image.index >= target.image.index).cloned().collect()
}

pub(super) fn virtual_size(disk: &QemuDisk) -> Result<u64> {
    disk.links
        .first()
        .and_then(|link| link.virtual_size)
        .ok_or_else(|| Error::invalid(format!("the size of disk '{}' is unknown", disk.front.target)))
}
