//! Plugging disks in and out of a running domain.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{json, Value};

use super::disks::{Link, QemuDisk};
use super::domain::QemuDomain;
use super::{command_line, probe};
use crate::job::JobConfig;
use crate::model::disk::Disk;
use crate::model::{code, Error, JobType, Result};
use crate::xml::domain::Controller;

/// How long a guest may take to let go of a disk before the call returns with the request pending, as libvirt does.
const UNPLUG_PATIENCE: Duration = Duration::from_secs(5);

impl QemuDomain {
    /// `virDomainAttachDevice` with a `<disk>`.
    pub(super) fn attach_disk(self: &Arc<Self>, xml: &str) -> Result<()> {
        self.require_alive()?;
        let _modify = self.modify.lock();
        let mut disk = crate::xml::domain::parse_attached(xml)?;
        if self.inner.lock().disks.find(&disk.target).is_ok() {
            return Err(Error::invalid(format!("target {} already exists", disk.target)));
        }
        probe::complete(&mut disk)?;
        {
            let mut inner = self.inner.lock();
            for image in disk.chain.iter_mut() {
                image.index = inner.disks.next_index();
            }
        }
        let hardware = command_line::hotplug(&self.live_definition(), &mut disk)?;
        let links: Vec<Link> = disk.chain.iter().cloned().map(Link::own).collect();
        let controller = hardware.controller.map_or(Ok(()), |controller| self.add_scsi_controller(controller));
        let added =
            controller.and_then(|()| self.add_nodes(&hardware.nodes)).and_then(|()| self.call("device_add", hardware.device).map(drop));
        if let Err(error) = added {
            self.remove_nodes(&links);
            return Err(error);
        }
        self.inner.lock().disks.list.push(plugged(disk, links));
        self.save_definition();
        Ok(())
    }

    /// It stays when its disks go, so the definition has it from here on.
    fn add_scsi_controller(&self, device: Value) -> Result<()> {
        self.call("device_add", device)?;
        self.inner.lock().def.controllers.push(Controller { kind: "scsi".to_owned(), ..Controller::default() });
        Ok(())
    }

    fn add_nodes(&self, nodes: &[Value]) -> Result<()> {
        nodes.iter().try_for_each(|node| self.call("blockdev-add", node.clone()).map(drop))
    }

    /// `virDomainDetachDevice` with a `<disk>`: asks the guest, and waits a little for it to agree.
    pub(super) fn detach_disk(self: &Arc<Self>, xml: &str) -> Result<()> {
        self.require_alive()?;
        let _modify = self.modify.lock();
        let wanted = crate::xml::domain::parse_detached(xml)?.target;
        let disk = self.inner.lock().disks.list.iter().find(|disk| disk.front.target == wanted && disk.plugged).cloned();
        let disk = disk.ok_or_else(|| Error::new(code::DEVICE_MISSING, format!("disk {wanted} not found")))?;
        self.refuse_if_busy(JobType::BlockPull, &JobConfig::on_disk(&wanted), 0)?;
        let device = disk.qdev.clone().ok_or_else(|| Error::unsupported(format!("disk {wanted} has no device that could be unplugged")))?;
        self.call("device_del", json!({ "id": device }))?;
        let deadline = Instant::now() + UNPLUG_PATIENCE;
        while self.inner.lock().disks.list.iter().any(|disk| disk.front.target == wanted && disk.plugged) && Instant::now() < deadline {
            // The answer to any question comes after the events that were due before it.
            self.call("query-status", json!({}))?;
            std::thread::sleep(Duration::from_millis(20));
        }
        self.save_definition();
        Ok(())
    }
}

fn plugged(disk: Disk, links: Vec<Link>) -> QemuDisk {
    let qdev = disk.alias.clone();
    QemuDisk { front: Disk { chain: Vec::new(), mirror: None, ..disk }, links, mirrors: Vec::new(), drive: None, qdev, plugged: true }
}
