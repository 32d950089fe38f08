//! Attaching and detaching disks. A job on a disk goes on without its front end.

use super::vm::{Locked, Vm};
use crate::model::{code, Error, Result};
use crate::xml::domain::{parse_attached, parse_detached};

impl Vm {
    pub fn attach(&self, xml: &str) -> Result<()> {
        let mut disk = parse_attached(xml)?;
        let mut vm = self.lock();
        if vm.live()?.disks.iter().any(|other| other.target == disk.target) {
            return Err(Error::failed(format!("target {} already exists", disk.target)));
        }
        vm.number(&mut disk.chain);
        vm.live()?.disks.push(disk);
        Ok(())
    }

    pub fn detach(&self, xml: &str) -> Result<()> {
        let disk = parse_detached(xml)?;
        let mut vm = self.lock();
        let place = vm.live()?.disks.iter().position(|other| other.target == disk.target);
        let place = place.ok_or_else(|| Error::new(code::DEVICE_MISSING, format!("disk {} not found", disk.target)))?;
        if let Some(busy) = vm.busy(&disk.target) {
            return Err(busy);
        }
        vm.live()?.disks.remove(place);
        Ok(())
    }
}

impl Locked<'_> {
    /// The error for what cannot be done to a disk that has a job.
    pub fn busy(&self, disk: &str) -> Option<Error> {
        self.vm.table.read(|engine| {
            let job = engine.block_job_on(disk)?;
            let code = if job.kind().becomes_ready() { code::BLOCK_COPY_ACTIVE } else { code::OPERATION_UNSUPPORTED };
            Some(Error::new(code, format!("disk '{disk}' already in active block job '{}'", job.name())))
        })
    }
}
