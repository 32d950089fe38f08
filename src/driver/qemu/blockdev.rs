//! Block nodes of images: what `-blockdev` and `blockdev-add` take.
//!
//! Each image has two nodes, as with libvirt: one that reads the file, and above it one that speaks the format. Their names
//! carry the image's index, so that the domain XML and QEMU speak of the same thing.

use serde_json::{json, Map, Value};

use crate::model::disk::{Disk, DiskTuning, Image, ImageKind};
use crate::model::{Error, Result};

/// No image of a domain comes near this number; one that is said to have a larger one has none.
pub(super) const LARGEST_INDEX: u32 = 1 << 30;

/// The name of the node that speaks an image's format.
pub(super) fn format_node(index: u32) -> String {
    format!("libvirt-{index}-format")
}

/// The number in the name of a node that [`format_node`] named.
pub(super) fn index_of(node: &str) -> Option<u32> {
    let index = node.strip_prefix("libvirt-")?.strip_suffix("-format")?.parse().ok();
    index.filter(|index| *index <= LARGEST_INDEX)
}

/// The name of the node that reads an image's bytes.
pub(super) fn storage_node(index: u32) -> String {
    format!("libvirt-{index}-storage")
}

/// The nodes of a disk's images in the order in which they are to be added, those below first. The images need their
/// indices.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` if the disk is to be driven in a way that QEMU does not allow.
pub(super) fn nodes(disk: &Disk) -> Result<Vec<Value>> {
    check(disk)?;
    let mut nodes = Vec::with_capacity(disk.chain.len() * 2);
    for at in (0..disk.chain.len()).rev() {
        let below = disk.chain.get(at + 1);
        nodes.push(storage(&disk.chain[at], &disk.tuning));
        nodes.push(format(&disk.chain[at], below, &disk.tuning, at == 0, disk.readonly || at > 0));
    }
    Ok(nodes)
}

fn check(disk: &Disk) -> Result<()> {
    let direct = matches!(disk.tuning.cache.as_deref(), Some("none" | "directsync"));
    if disk.tuning.io.as_deref() == Some("native") && !direct {
        return Err(Error::config("io='native' needs either no disk cache or directsync cache mode"));
    }
    for image in &disk.chain {
        if image.kind == ImageKind::Network {
            return Err(Error::config(format!("disk '{}': network image '{}' is not supported", disk.target, image.path)));
        }
        if !matches!(image.format.as_str(), "raw" | "qcow2") {
            return Err(Error::config(format!("disk '{}': storage format '{}' is not supported", disk.target, image.format)));
        }
    }
    Ok(())
}

/// The node that reads an image's bytes. `auto-read-only` lets it follow what is above it: a commit opens a backing image
/// for writing, and only then.
pub(super) fn storage(image: &Image, tuning: &DiskTuning) -> Value {
    let driver = if image.kind == ImageKind::Block { "host_device" } else { "file" };
    let mut node = json!({
        "driver": driver,
        "filename": image.path,
        "node-name": storage_node(image.index),
        "auto-read-only": true,
        "discard": "unmap",
    });
    set(&mut node, "aio", tuning.io.as_deref());
    set_cache(&mut node, tuning);
    node
}

/// The node that speaks an image's format, on top of `below`.
pub(super) fn format(image: &Image, below: Option<&Image>, tuning: &DiskTuning, top: bool, readonly: bool) -> Value {
    let mut node = json!({
        "driver": image.format,
        "file": storage_node(image.index),
        "node-name": format_node(image.index),
        "read-only": readonly,
    });
    if image.format != "raw" {
        // Without it QEMU opens what the header names, behind our back.
        node["backing"] = below.map_or(Value::Null, |below| format_node(below.index).into());
    }
    set(&mut node, "discard", tuning.discard.as_deref());
    if top {
        // QEMU can only turn zeroes into holes where it may discard.
        let holes = tuning.discard.as_deref() == Some("unmap");
        let detect = tuning.detect_zeroes.as_deref().map(|mode| if mode == "unmap" && !holes { "on" } else { mode });
        set(&mut node, "detect-zeroes", detect);
    }
    set_cache(&mut node, tuning);
    node
}

fn set(node: &mut Value, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        node[key] = value.into();
    }
}

/// The part of a cache mode that concerns the host; what concerns the guest is on the device, see [`write_cache`].
fn set_cache(node: &mut Value, tuning: &DiskTuning) {
    if let Some(mode) = tuning.cache.as_deref() {
        let mut cache = Map::new();
        cache.insert("direct".to_owned(), matches!(mode, "none" | "directsync").into());
        cache.insert("no-flush".to_owned(), (mode == "unsafe").into());
        node["cache"] = Value::Object(cache);
    }
}

/// Whether the guest is to see a write cache that it can flush; `None` leaves it to QEMU.
pub(super) fn write_cache(tuning: &DiskTuning) -> Option<&'static str> {
    tuning.cache.as_deref().map(|mode| if matches!(mode, "writethrough" | "directsync") { "off" } else { "on" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(tuning: DiskTuning) -> Disk {
        let image = |path: &str, format: &str, index| Image { path: path.into(), format: format.into(), index, ..Image::default() };
        let chain = vec![image("/top", "qcow2", 1), image("/mid", "qcow2", 3), image("/base", "raw", 4)];
        Disk { target: "vda".into(), bus: "virtio".into(), device: "disk".into(), chain, tuning, ..Disk::default() }
    }

    fn tuned(cache: &str, io: &str, discard: &str, detect: &str) -> DiskTuning {
        let word = |word: &str| (!word.is_empty()).then(|| word.to_owned());
        DiskTuning { cache: word(cache), io: word(io), discard: word(discard), detect_zeroes: word(detect) }
    }

    #[test]
    fn a_chain_becomes_nodes_from_the_bottom_to_the_top() {
        let expected = [
            json!({"driver": "file", "filename": "/base", "node-name": "libvirt-4-storage", "auto-read-only": true, "discard": "unmap"}),
            json!({"driver": "raw", "file": "libvirt-4-storage", "node-name": "libvirt-4-format", "read-only": true}),
            json!({"driver": "file", "filename": "/mid", "node-name": "libvirt-3-storage", "auto-read-only": true, "discard": "unmap"}),
            json!({"driver": "qcow2", "file": "libvirt-3-storage", "node-name": "libvirt-3-format", "read-only": true,
                   "backing": "libvirt-4-format"}),
            json!({"driver": "file", "filename": "/top", "node-name": "libvirt-1-storage", "auto-read-only": true, "discard": "unmap"}),
            json!({"driver": "qcow2", "file": "libvirt-1-storage", "node-name": "libvirt-1-format", "read-only": false,
                   "backing": "libvirt-3-format"}),
        ];
        assert_eq!(nodes(&disk(DiskTuning::default())).unwrap(), expected);
    }

    #[test]
    fn the_last_image_is_told_that_nothing_is_below_it() {
        let mut disk = disk(DiskTuning::default());
        disk.chain.truncate(1);
        disk.readonly = true;
        let node = nodes(&disk).unwrap().pop().unwrap();
        assert_eq!(node.get("backing"), Some(&Value::Null));
        assert_eq!(node["read-only"], true);
    }

    #[test]
    fn a_block_device_is_opened_as_one() {
        let mut disk = disk(DiskTuning::default());
        disk.chain[2].kind = ImageKind::Block;
        assert_eq!(nodes(&disk).unwrap()[0]["driver"], "host_device");
    }

    #[test]
    fn tuning_reaches_the_layers_that_libvirt_gives_it_to() {
        let nodes = nodes(&disk(tuned("none", "native", "unmap", "unmap"))).unwrap();
        for storage in nodes.iter().step_by(2) {
            assert_eq!(
                (&storage["aio"], &storage["cache"]["direct"], &storage["discard"]),
                (&"native".into(), &true.into(), &"unmap".into())
            );
        }
        for format in nodes.iter().skip(1).step_by(2) {
            assert_eq!((&format["cache"]["no-flush"], &format["discard"]), (&false.into(), &"unmap".into()));
        }
        assert_eq!(nodes[5]["detect-zeroes"], "unmap");
        assert_eq!(nodes[3].get("detect-zeroes"), None);
    }

    #[test]
    fn zeroes_become_holes_only_where_discarding_is_allowed() {
        let top = |tuning| nodes(&disk(tuning)).unwrap().pop().unwrap();
        assert_eq!(top(tuned("", "", "", "unmap"))["detect-zeroes"], "on");
        assert_eq!(top(tuned("", "", "ignore", "on"))["detect-zeroes"], "on");
    }

    #[test]
    fn native_io_needs_a_cache_mode_that_goes_around_the_page_cache() {
        for cache in ["", "writeback", "writethrough", "unsafe"] {
            assert!(nodes(&disk(tuned(cache, "native", "", ""))).is_err(), "{cache}");
        }
        for cache in ["none", "directsync"] {
            assert!(nodes(&disk(tuned(cache, "native", "", ""))).is_ok(), "{cache}");
        }
    }

    #[test]
    fn the_guest_sees_a_write_cache_unless_every_write_goes_through() {
        let seen = ["", "none", "writeback", "unsafe", "writethrough", "directsync"].map(|mode| write_cache(&tuned(mode, "", "", "")));
        assert_eq!(seen, [None, Some("on"), Some("on"), Some("on"), Some("off"), Some("off")]);
    }
}
