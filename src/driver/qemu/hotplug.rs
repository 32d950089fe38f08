//! Plugging disks in and out of a running domain.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{json, Value};

use super::copy::{is_taken, MOST_TAKEN};
use super::disks::{Link, QemuDisk};
use super::domain::QemuDomain;
use super::nodes::nodes_of;
use super::{command_line, probe};
use crate::job::JobConfig;
use crate::model::disk::Disk;
use crate::model::{code, Error, JobType, Result};
use crate::qmp::CallError;
use crate::xml::domain::Controller;

/// How long a guest may take to let go of a disk before the call returns with the request pending, as libvirt does.
const UNPLUG_PATIENCE: Duration = Duration::from_secs(5);

impl QemuDomain {
    /// `virDomainAttachDevice` with a `<disk>`.
    pub(super) fn attach_disk(self: &Arc<Self>, xml: &str) -> Result<()> {
        self.require_alive()?;
        let _modify = self.changing_disks()?;
        let mut disk = crate::xml::domain::parse_attached(xml)?;
        if self.inner.lock().disks.find(&disk.target).is_ok() {
            return Err(Error::invalid(format!("target {} already exists", disk.target)));
        }
        probe::complete(&mut disk)?;
        for _ in 0..MOST_TAKEN {
            match self.plug(&mut disk)? {
                Err(CallError::Qmp { desc, .. }) if is_taken(&desc) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(Error::internal(format!("no node names are free for disk '{}'", disk.target)))
    }

    /// Plugs a disk in, its images under new numbers; those that nodes of an earlier client have are refused.
    ///
    /// The disk is known, and written down, before QEMU has anything of it: nobody takes it for one that somebody else
    /// plugged in, and who comes after a crash knows what to look for.
    fn plug(&self, disk: &mut Disk) -> Result<std::result::Result<(), CallError>> {
        for image in &mut disk.chain {
            image.index = self.inner.lock().disks.next_index();
        }
        let hardware = command_line::hotplug(&self.live_definition(), disk)?;
        let links: Vec<Link> = disk.chain.iter().cloned().map(Link::own).collect();
        self.inner.lock().disks.list.push(plugging(disk.clone(), links.clone()));
        self.save_definition();
        let controller = hardware.controller.map_or(Ok(()), |controller| self.add_scsi_controller(controller));
        let added = controller.and_then(|()| self.add_nodes(&hardware.nodes)).and_then(|()| {
            let device = self.monitor()?.call("device_add", hardware.device).map(drop);
            device.inspect_err(|_| self.close_nodes(nodes_of(&links)))
        });
        {
            let mut inner = self.inner.lock();
            match &added {
                Ok(()) => inner.disks.get_mut(&disk.target).into_iter().for_each(|disk| disk.plugging = false),
                Err(_) => inner.disks.list.retain(|other| other.front.target != disk.target),
            }
        }
        self.save_definition();
        Ok(added)
    }

    /// Opens all of them or none.
    fn add_nodes(&self, nodes: &[Value]) -> std::result::Result<(), CallError> {
        for (count, node) in nodes.iter().enumerate() {
            let added = self.monitor()?.call("blockdev-add", node.clone());
            if let Err(error) = added {
                let names = nodes[..count].iter().rev().filter_map(|node| node["node-name"].as_str());
                self.close_nodes(names.map(str::to_owned));
                return Err(error);
            }
        }
        Ok(())
    }

    /// It stays when its disks go, so the definition has it from here on.
    fn add_scsi_controller(&self, device: Value) -> std::result::Result<(), CallError> {
        match self.monitor()?.call("device_add", device) {
            // A client that crashed had added it.
            Err(CallError::Qmp { desc, .. }) if desc.contains("uplicate") => {}
            outcome => drop(outcome?),
        }
        self.inner.lock().def.controllers.push(Controller { kind: "scsi".to_owned(), ..Controller::default() });
        Ok(())
    }

    /// `virDomainDetachDevice` with a `<disk>`: asks the guest, and waits a little for it to agree.
    pub(super) fn detach_disk(self: &Arc<Self>, xml: &str) -> Result<()> {
        self.require_alive()?;
        let _modify = self.changing_disks()?;
        let wanted = crate::xml::domain::parse_detached(xml)?.target;
        let disk = self.inner.lock().disks.list.iter().find(|disk| disk.front.target == wanted && disk.plugged).cloned();
        let disk = disk.ok_or_else(|| Error::new(code::DEVICE_MISSING, format!("disk {wanted} not found")))?;
        self.refuse_if_busy(JobType::BlockPull, &JobConfig::on_disk(&wanted), 0)?;
        let device = disk.qdev.clone().ok_or_else(|| Error::unsupported(format!("disk {wanted} has no device that could be unplugged")))?;
        self.call("device_del", json!({ "id": device }))?;
        let deadline = Instant::now() + UNPLUG_PATIENCE;
        while self.inner.lock().disks.get_mut(&wanted).is_some() && Instant::now() < deadline {
            // The answer to any question comes after the events that were due before it.
            self.call("query-status", json!({}))?;
            std::thread::sleep(Duration::from_millis(20));
        }
        // Its images are closed when this is answered.
        self.call("query-status", json!({}))?;
        self.save_definition();
        Ok(())
    }
}

fn plugging(disk: Disk, links: Vec<Link>) -> QemuDisk {
    let qdev = disk.alias.clone();
    QemuDisk { links, qdev, plugging: true, ..QemuDisk::plugged(Disk { chain: Vec::new(), mirror: None, ..disk }) }
}
