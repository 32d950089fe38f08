//! How large a disk is: for its guest, and on the host.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::sync::Arc;

use serde_json::{json, Value};

use super::disks::QemuDisk;
use super::domain::QemuDomain;
use super::translate::{number, text};
use crate::driver::request::BlockInfo;
use crate::model::{Error, Result};

/// The unit in which a file's blocks are counted, whatever the file system's is.
const BLOCK: u64 = 512;

impl QemuDomain {
    /// `virDomainGetBlockInfo`: the capacity is QEMU's word, the rest that of the host's file system.
    pub(super) fn block_info(self: &Arc<Self>, name: &str) -> Result<BlockInfo> {
        self.require_alive()?;
        let (disk, capacity) = self.disk_with_capacity(name)?;
        let path = disk.source_path();
        let unreadable = |why: std::io::Error| Error::system(format!("cannot stat file '{path}'"), &why);
        let meta = fs::metadata(path).map_err(unreadable)?;
        if !meta.file_type().is_block_device() {
            return Ok(BlockInfo { capacity, allocation: meta.blocks() * BLOCK, physical: meta.len() });
        }
        let physical = File::open(path).and_then(|mut device| device.seek(SeekFrom::End(0))).map_err(unreadable)?;
        let allocation = if disk.links[0].image.format == "raw" { physical } else { self.highest_offset(disk.root()?)? };
        Ok(BlockInfo { capacity, allocation, physical })
    }

    fn disk_with_capacity(&self, name: &str) -> Result<(QemuDisk, u64)> {
        let named = |disk: &QemuDisk| disk.front.target == name || (name.starts_with('/') && disk.source_path() == name);
        let disk = self.inner.lock().disks.list.iter().find(|disk| named(disk)).cloned();
        let disk = disk.ok_or_else(|| Error::invalid_arg(format!("invalid path {name} not assigned to domain")))?;
        let target = &disk.front.target;
        let Some(top) = disk.links.first() else {
            return Err(Error::invalid_arg(format!("disk '{target}' does not currently have a source assigned")));
        };
        let reply = self.call("query-block", json!({}))?;
        let inner = self.inner.lock();
        let shown = inner.disks.shown(&reply).find(|(shown, _)| shown.front.target == *target);
        let capacity = shown.and_then(|(_, inserted)| inserted.pointer("/image/virtual-size")?.as_u64()).or(top.virtual_size);
        drop(inner);
        let capacity = capacity.ok_or_else(|| Error::internal(format!("QEMU does not tell the size of disk '{target}'")))?;
        Ok((disk, capacity))
    }

    /// How far QEMU has written into a device: a device does not tell what of it is in use.
    fn highest_offset(&self, node: &str) -> Result<u64> {
        let reply = self.call("query-blockstats", json!({}))?;
        let of_node = |entry: &&Value| text(entry, "node-name") == Some(node) || text(entry, "device") == Some(node);
        let entry = reply.as_array().into_iter().flatten().find(of_node);
        Ok(entry.and_then(|entry| entry.pointer("/parent/stats")).map_or(0, |stats| number(stats, "wr_highest_offset")))
    }
}
