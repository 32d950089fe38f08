//! What libvirt and QEMU say of a domain's jobs when they are asked.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use serde_json::Value;

use super::calls::{forget_error, stats, RealDomain};
use super::disks::{disks_of, DiskView};
use super::line::command;
use super::words;
use crate::driver::translate::{self, number, text};
use crate::job::{HypStatus, JobConfig, Listed, Outcome, Progress};
use crate::model::{code, JobType, Result, TypedParam};

/// The hypervisors whose libvirt driver has jobs on disks, and those that have a domain's own jobs, by `virConnectGetType`:
/// others are not asked, for each refusal would reach the application's error handler.
const WITH_BLOCK_JOBS: [&str; 1] = ["QEMU"];
const WITH_DOMAIN_JOBS: [&str; 4] = ["QEMU", "Xen", "vz", "Parallels"];

/// What may be asked of a domain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// QEMU's monitor.
    pub monitor: bool,
    pub block_jobs: bool,
    pub domain_jobs: bool,
}

impl Access {
    /// By the hypervisor's name, and whether its monitors are out of reach: on a connection to look only, they are.
    pub fn of(hypervisor: &str, no_monitor: bool) -> Access {
        let block_jobs = WITH_BLOCK_JOBS.contains(&hypervisor);
        Access { monitor: block_jobs && !no_monitor, block_jobs, domain_jobs: WITH_DOMAIN_JOBS.contains(&hypervisor) }
    }
}

/// The answers of one round of questions.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// When it was begun.
    pub asked: Option<Instant>,
    /// QEMU's jobs, or the disks' as far as libvirt tells; without those that are parts of backups.
    pub jobs: Vec<Listed>,
    /// QEMU's jobs that are parts of a backup.
    pub backup: Vec<Listed>,
    /// Everything that QEMU lists is in it.
    pub complete: bool,
    pub disks: Vec<DiskView>,
    /// The domain's own job: its type and what is told of it.
    pub own: Option<(JobType, Vec<TypedParam>)>,
    /// QEMU's job that is how it is done, if there is such a one.
    pub part: Option<(JobType, Progress)>,
    /// Names of jobs on disks that are over for libvirt, too.
    pub over: HashSet<String>,
    /// The statistics that the domain's last job has left; asked for where one begins or is gone.
    pub left: Option<(i32, Vec<TypedParam>)>,
    /// What QEMU says of the end of the domain's own job.
    pub memory: Option<Outcome>,
    /// What a backup that was not known yet was asked to do.
    pub backup_config: Option<JobConfig>,
}

/// Asks for QEMU's jobs.
pub(super) fn by_monitor(domain: &RealDomain, with_speed: bool) -> Result<Reading> {
    let reply = command(domain, "query-jobs", Value::Null)?;
    let speeds = if with_speed && reply.as_array().is_some_and(|jobs| !jobs.is_empty()) {
        speeds(&command(domain, "query-block-jobs", Value::Null)?)
    } else {
        HashMap::new()
    };
    let mut jobs = translate::listing(&reply);
    // QEMU lists the newest first; jobs that are found together are to be named in the order in which they were started.
    jobs.reverse();
    for job in &mut jobs {
        job.progress.speed = speeds.get(&job.id).copied();
    }
    let part = jobs.iter().find_map(|job| Some((words::part_of_own(&job.id)?, job.progress)));
    jobs.retain(|job| words::part_of_own(&job.id).is_none());
    let (mut backup, jobs): (Vec<Listed>, Vec<Listed>) = jobs.into_iter().partition(|job| words::is_backup(&job.id));
    // Those that have ended are libvirt's to see to.
    backup.retain(|member| !matches!(member.status, HypStatus::Concluded | HypStatus::Null));
    Ok(Reading { jobs, backup, complete: true, part, ..Reading::default() })
}

/// The limits of QEMU's block jobs.
fn speeds(reply: &Value) -> HashMap<String, u64> {
    let entry = |job: &Value| Some((text(job, "device")?.to_owned(), number(job, "speed")));
    reply.as_array().into_iter().flatten().filter_map(entry).collect()
}

/// Asks for the job of each disk.
pub(super) fn by_disks(domain: &RealDomain) -> Result<Reading> {
    let disks = disks_of(&domain.xml()?)?;
    let mut reading = Reading::default();
    for disk in &disks {
        let Some(info) = domain.block_job_info(&disk.target)? else { continue };
        let Some(kind) = words::block_kind(info.kind) else { continue };
        let ready = disk.mirror.as_ref().is_some_and(|mirror| mirror.ready);
        let listed = Listed {
            id: words::id_for(kind, disk),
            kind,
            status: if ready { HypStatus::Ready } else { HypStatus::Running },
            progress: Progress { current: info.cur, end: info.end, speed: Some(info.bandwidth) },
            error: None,
        };
        // A backup is seen as the domain's own job.
        if kind != JobType::BlockBackup {
            reading.jobs.push(listed);
        }
    }
    reading.disks = disks;
    Ok(reading)
}

/// Asks for the domain's own job, which may be one that is on its way in: libvirt tells of that by refusing to tell.
pub(super) fn own_job(domain: &RealDomain) -> Result<Option<(JobType, Vec<TypedParam>)>> {
    match domain.job_stats(0) {
        Ok((0, _)) => Ok(None),
        Ok((_, params)) => Ok(words::operation_kind(&params).map(|kind| (kind, params))),
        Err(error) if matches!(error.code, code::OPERATION_INVALID | code::OPERATION_UNSUPPORTED) => {
            forget_error();
            Ok(domain.state()?.may_come_in().then(|| (JobType::MigrationIn, Vec::new())))
        }
        Err(error) => Err(error),
    }
}

/// The statistics that the domain's last job has left.
pub(super) fn last_job(domain: &RealDomain) -> Option<(i32, Vec<TypedParam>)> {
    let left = domain.job_stats(stats::COMPLETED | stats::KEEP_COMPLETED);
    if left.is_err() {
        forget_error();
    }
    left.ok().filter(|(kind, _)| *kind != 0)
}

/// How QEMU's last migration ended, unless it succeeded: then libvirt had still to do its part.
pub(super) fn migration_end(domain: &RealDomain) -> Result<Option<Outcome>> {
    let said = command(domain, "query-migrate", Value::Null)?;
    Ok(match text(&said, "status") {
        Some("cancelled" | "cancelling") => Some(Outcome::Aborted),
        Some("failed") => Some(Outcome::Failed(text(&said, "error-desc").unwrap_or("the migration failed, says QEMU").to_owned())),
        _ => None,
    })
}

/// How QEMU's last memory-only dump ended.
pub(super) fn dump_end(domain: &RealDomain) -> Result<Option<Outcome>> {
    let said = command(domain, "query-dump", Value::Null)?;
    Ok(match text(&said, "status") {
        Some("completed") => Some(Outcome::Completed),
        Some("failed") => Some(Outcome::Failed("the dump failed, says QEMU".to_owned())),
        _ => None,
    })
}

/// The disks as they are now.
pub(super) fn disks(domain: &RealDomain) -> Result<Vec<DiskView>> {
    disks_of(&domain.xml()?)
}

/// What the backup that is going on was asked to do.
pub(super) fn backup_config(domain: &RealDomain) -> Option<JobConfig> {
    let document = domain.backup_xml();
    if document.is_err() {
        forget_error();
    }
    words::backup_config(&document.ok()?).ok()
}
