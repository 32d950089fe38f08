//! Backing chains, found out by reading the headers of images, as libvirt does before it starts a domain.
//!
//! The same images are accepted and refused, with the same codes, as by libvirt 9.0; where libvirt leaves a broken header
//! for QEMU to complain about, the code is the one that libvirt then raises.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;

use super::backing::{self, Location};
use super::qcow2;
use crate::model::disk::{Disk, Image, ImageKind};
use crate::model::{code, from, Error, Result};

/// How many images a chain may have.
const MAX_DEPTH: usize = 200;

/// What QEMU rounds the size of a raw image up to.
const SECTOR: u64 = 512;

/// What an image's own file tells about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ImageInfo {
    /// `raw` or `qcow2`.
    pub format: &'static str,
    /// The size that the guest sees, in bytes.
    pub virtual_size: u64,
    /// What is below, if anything is.
    pub backing: Option<BackingInfo>,
}

/// What an image tells about the one below it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct BackingInfo {
    /// As it is written in the header: a path, relative to the image's own directory, or what QEMU takes instead.
    pub name: String,
    pub format: Option<String>,
}

/// The backing chain of an image, topmost first; the images have no index yet.
///
/// `format`: as what the image is to be read. An image that is said to be `raw` is the whole chain, whatever is in it: its
/// content is the guest's, who must not be able to make other files of the host part of the disk. `None` finds out.
///
/// # Errors
/// `SYSTEM_ERROR` if an image is missing or cannot be read, `OPERATION_INVALID` if one that has a backing image itself is
/// named without its format, `CONFIG_UNSUPPORTED` for what cannot be opened here, and `INTERNAL_ERROR` for a chain that is
/// too long or comes back to itself, and for a header that makes no sense.
pub(super) fn chain(path: &Path, format: Option<&str>) -> Result<Vec<Image>> {
    let path = utf8(path)?;
    let kind = kind_of(&open(path, None)?.1);
    let known = format.unwrap_or_default().to_owned();
    let mut images = vec![Image { kind, path: path.to_owned(), format: known, index: 0 }];
    extend(&mut images)?;
    Ok(images)
}

/// Reads one image: its format if that is not given, its size, and what it says of the image below. `format` is as for
/// [`chain`].
///
/// # Errors
/// As [`chain`], for this image alone.
pub(super) fn inspect(path: &Path, format: Option<&str>) -> Result<ImageInfo> {
    let path = utf8(path)?;
    let (file, meta) = open(path, None)?;
    let format = match format {
        Some(format) => format,
        None => sniff(&file, path)?,
    };
    read(&file, &meta, path, format)
}

/// Completes the chain of a disk whose configuration leaves what is below its last image to be found out, and checks that
/// all its images are there. A disk without medium stays as it is.
///
/// # Errors
/// As [`chain`].
pub(super) fn complete(disk: &mut Disk) -> Result<()> {
    if let Some(network) = disk.chain.iter().find(|image| image.kind == ImageKind::Network) {
        return Err(Error::config(format!("disk '{}': network image '{}' is not supported", disk.target, network.path)));
    }
    for (at, image) in disk.chain.iter().enumerate() {
        open(&image.path, (at > 0).then(|| disk.chain[0].path.as_str()))?;
    }
    if disk.probe_after.is_some() && !disk.chain.is_empty() {
        extend(&mut disk.chain)?;
    }
    Ok(())
}

/// Appends what is below the last image.
fn extend(images: &mut Vec<Image>) -> Result<()> {
    let mut above: Option<BackingInfo> = None;
    while let Some(at) = images.len().checked_sub(1) {
        if images.len() > MAX_DEPTH {
            let path = &images[at].path;
            return Err(storage(code::INTERNAL_ERROR, format!("backing store for {path} is self-referential or too deeply nested")));
        }
        let parent = at.checked_sub(1).map(|above| images[above].path.clone());
        let top = images[0].path.clone();
        let image = &mut images[at];
        let (file, meta) = open(&image.path, (at > 0).then_some(top.as_str()))?;
        if image.format.is_empty() {
            sniff(&file, &image.path)?.clone_into(&mut image.format);
        } else if above.is_some() && meta.is_dir() {
            return Err(Error::config("storage type 'dir' requires use of storage format 'fat'"));
        }
        let info = read(&file, &meta, &image.path, &image.format)?;
        if let (Some(BackingInfo { name, format: None }), Some(_), Some(parent)) = (&above, &info.backing, &parent) {
            return Err(unspecified(name, parent));
        }
        let Some(below) = info.backing else { return Ok(()) };
        let path = locate(&below.name, &image.path)?;
        let kind = std::fs::metadata(&path).map_or(ImageKind::File, |meta| kind_of(&meta));
        images.push(Image { kind, path, format: below.format.clone().unwrap_or_default(), index: 0 });
        above = Some(below);
    }
    Ok(())
}

/// What is said of an image that is below `parent` by `name` alone, and has something below it itself. libvirt does not
/// go on there: a guest that was given a raw image could have made it look like one with a backing file.
fn unspecified(name: &str, parent: &str) -> Error {
    const HELP: &str = "See https://libvirt.org/kbase/backing_chains.html for troubleshooting";
    let message = format!("format of backing image '{name}' of image '{parent}' was not specified in the image metadata ({HELP})");
    storage(code::OPERATION_INVALID, message)
}

/// Where the image named in `parent`'s header is.
fn locate(name: &str, parent: &str) -> Result<String> {
    match backing::locate(name, parent)? {
        Location::Path(path) => Ok(path),
        Location::Network(what) => {
            Err(Error::config(format!("backing image '{what}' of image '{parent}': network images are not supported")))
        }
    }
}

/// Opens an image for reading; `top` is that of the chain, unless it is this one.
fn open(path: &str, top: Option<&str>) -> Result<(File, Metadata)> {
    let denied = |why: io::Error| {
        // SAFETY: these calls have no preconditions and cannot fail.
        let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
        let what = match top {
            Some(top) => format!("Cannot access backing file '{path}' of storage file '{top}' (as uid:{uid}, gid:{gid})"),
            None => format!("Cannot access storage file '{path}' (as uid:{uid}, gid:{gid})"),
        };
        Error::system(what, &why).raised_by(from::STORAGE)
    };
    // Without O_NONBLOCK a named pipe in the place of an image would hang the caller.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(denied)?;
    let meta = file.metadata().map_err(denied)?;
    let kind = meta.file_type();
    if kind.is_file() || kind.is_block_device() || kind.is_dir() {
        Ok((file, meta))
    } else {
        Err(storage(code::INTERNAL_ERROR, format!("'{path}' is neither a regular file nor a block device")))
    }
}

fn kind_of(meta: &Metadata) -> ImageKind {
    if meta.file_type().is_block_device() {
        ImageKind::Block
    } else {
        ImageKind::File
    }
}

/// Reads an image as what it is said to be.
fn read(file: &File, meta: &Metadata, path: &str, format: &str) -> Result<ImageInfo> {
    match format {
        "raw" if meta.is_dir() => Err(storage(code::INTERNAL_ERROR, format!("'{path}' is a directory"))),
        "raw" => {
            let length = if meta.is_file() { Ok(meta.len()) } else { (&*file).seek(SeekFrom::End(0)) };
            let length = length.map_err(|why| unreadable(path, &why))?;
            Ok(ImageInfo { format: "raw", virtual_size: length.checked_next_multiple_of(SECTOR).unwrap_or(length), backing: None })
        }
        "qcow2" => {
            let header = qcow2::read(file).map_err(|failure| match failure {
                qcow2::Failure::Io(why) => unreadable(path, &why),
                qcow2::Failure::Invalid(why) => Error::internal(format!("cannot use '{path}' as a qcow2 image: {why}")),
            })?;
            qcow2_info(header, path)
        }
        other => Err(Error::config(format!("storage format '{other}' of image '{path}' is not supported"))),
    }
}

fn qcow2_info(header: qcow2::Header, path: &str) -> Result<ImageInfo> {
    if header.encrypted {
        return Err(Error::config(format!("image '{path}' is encrypted, which is not supported")));
    }
    if header.external_data {
        return Err(Error::config(format!("image '{path}' keeps its data in another file, which is not supported")));
    }
    let backing = match header.backing {
        None => None,
        Some(name) => {
            let name =
                String::from_utf8(name).map_err(|_| Error::config(format!("the backing file name in image '{path}' is not UTF-8")))?;
            Some(BackingInfo { name, format: header.backing_format.as_deref().and_then(known_format) })
        }
    };
    Ok(ImageInfo { format: "qcow2", virtual_size: header.virtual_size, backing })
}

/// The format that an image gives for the one below it; a word that libvirt does not have is as good as none.
fn known_format(name: &[u8]) -> Option<String> {
    const FORMATS: &[&str] =
        &["raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd", "ploop", "cow", "qcow", "qcow2", "qed", "vmdk", "luks"];
    let name = std::str::from_utf8(name).ok()?;
    FORMATS.contains(&name).then(|| name.to_owned())
}

/// Finds out the format of an image that nobody gave one.
fn sniff(file: &File, path: &str) -> Result<&'static str> {
    const OTHERS: &[(usize, &[u8], &str)] = &[
        (0, b"KDMV", "vmdk"),
        (0, b"# Disk Descriptor", "vmdk"),
        (0, b"QED\0", "qed"),
        (0, b"conectix", "vpc"),
        (0, b"vhdxfile", "vhdx"),
        (0, b"LUKS\xba\xbe", "luks"),
        (64, b"\x7f\x10\xda\xbe", "vdi"),
    ];
    let mut start = [0u8; 68];
    let mut filled = 0;
    while filled < start.len() {
        match file.read_at(&mut start[filled..], filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(unreadable(path, &why)),
        }
    }
    if start.starts_with(&qcow2::MAGIC) {
        return if start[4..8] == [0, 0, 0, 1] { Err(found_unsupported("qcow", path)) } else { Ok("qcow2") };
    }
    match OTHERS.iter().find(|(at, magic, _)| start[*at..].starts_with(magic)) {
        Some((_, _, format)) => Err(found_unsupported(format, path)),
        None => Ok("raw"),
    }
}

fn found_unsupported(format: &str, path: &str) -> Error {
    Error::config(format!("storage format '{format}' of image '{path}' is not supported"))
}

fn unreadable(path: &str, why: &io::Error) -> Error {
    Error::system(format!("cannot read header '{path}'"), why).raised_by(from::STORAGE)
}

fn storage(code: i32, message: String) -> Error {
    Error::new(code, message).raised_by(from::STORAGE)
}

fn utf8(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| Error::config(format!("the path '{}' is not UTF-8", path.display())))
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
