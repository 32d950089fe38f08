//! Attaching and detaching disks. A job on a disk goes on without its front end.

use super::vm::Vm;
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
        let disks = &mut vm.live()?.disks;
        let place = disks.iter().position(|other| other.target == disk.target);
        let place = place.ok_or_else(|| Error::new(code::DEVICE_MISSING, format!("disk {} not found", disk.target)))?;
        disks.remove(place);
        Ok(())
    }
}
