//! Whether another description of a domain is one of the same guest: its memory fits no other machine.

use crate::model::{Error, Result};
use crate::xml::domain::DomainDef;

/// # Errors
/// `CONFIG_UNSUPPORTED`, as libvirt has it, naming what the guest would notice.
pub(super) fn check(source: &DomainDef, target: &DomainDef) -> Result<()> {
    let same = |what: &str, source: &dyn std::fmt::Display, target: &dyn std::fmt::Display| {
        let (source, target) = (source.to_string(), target.to_string());
        if source == target {
            return Ok(());
        }
        Err(Error::config(format!("Target {what} {target} does not match source {source}")))
    };
    same("domain name", &source.name, &target.name)?;
    if let (Some(source), Some(target)) = (source.uuid, target.uuid) {
        same("domain uuid", &source, &target)?;
    }
    same("domain max memory", &source.memory_kib, &target.memory_kib)?;
    same("domain vCPU count", &source.vcpus, &target.vcpus)?;
    same("domain architecture", &source.arch, &target.arch)?;
    if let (Some(source), Some(target)) = (&source.machine, &target.machine) {
        same("domain machine type", source, target)?;
    }
    same("domain disk count", &source.disks.len(), &target.disks.len())?;
    for (source, target) in source.disks.iter().zip(&target.disks) {
        same("disk", &source.target, &target.target)?;
        same("disk bus", &source.bus, &target.bus)?;
        same("disk device type", &source.device, &target.device)?;
    }
    Ok(())
}
