//! Jobs that are started through this library: named before libvirt is asked, so that they have names of ours.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use super::calls::RealDomain;
use super::domain::{Backup, DomainJobs, Tracked, Unbound};
use super::hub::Hub;
use super::whole::Whole;
use super::{calls, reading, real, words};
use crate::driver::clock::now;
use crate::job::{JobConfig, StartRequest};
use crate::model::flags::JOB_START_MASK;
use crate::model::{DomainRef, JobType, Result, Uuid};

/// Whether somebody in the process has asked for jobs by name. A program that merely has this library in front of libvirt may never
/// do so: until then a start is libvirt's affair alone there.
static WANTED: AtomicBool = AtomicBool::new(false);

/// From now on jobs that are started get names.
pub(super) fn want_names() {
    WANTED.store(true, Ordering::Relaxed);
}

/// A job on its way. It holds no handle: whether libvirt accepts it must be all that its caller sees.
pub struct Start {
    pub(super) jobs: Arc<DomainJobs>,
    pub(super) domain: DomainRef,
    pub(super) name: String,
    /// If the call that starts it returns when it is over.
    pub(super) whole: Option<Whole>,
}

impl Start {
    /// Whether a start with these flags is to be named.
    pub fn is_wanted(flags: u32) -> bool {
        flags & JOB_START_MASK != 0 || WANTED.load(Ordering::Relaxed) || !real::is_in_front()
    }

    /// A job of this type on a disk, which is given by its target or by its source. `aim` is what the disk is copied to, or
    /// what is pulled down to.
    ///
    /// # Errors
    /// What libvirt says of the handle.
    pub fn on_disk(domain: &RealDomain, kind: JobType, disk: &str, aim: Option<String>, flags: u32) -> Result<Option<Start>> {
        want_names();
        let disks = reading::disks(domain)?;
        let Some(view) = disks.iter().find(|view| view.target == disk || view.source() == disk) else { return Ok(None) };
        let Some(start) = Start::reserve(domain, StartRequest::new(kind, JobConfig::on_disk(&view.target)).with_flags(flags))? else {
            return Ok(None);
        };
        let mut tracked = Tracked { provisional: true, ..Tracked::new(view, &JobConfig::default()) };
        match aim {
            Some(target) if kind == JobType::BlockCopy => tracked.becomes = Some(target),
            Some(base) => {
                tracked.idle |=
                    view.chain.get(1).is_some_and(|(image, index)| base == *image || base == format!("{}[{index}]", view.target))
            }
            None => {}
        }
        let mut ties = start.jobs.ties.lock();
        ties.tracked.insert(start.name.clone(), tracked);
        ties.unbound.push(Unbound { name: start.name.clone(), kind, disk: view.target.clone() });
        drop(ties);
        Ok(Some(start))
    }

    /// A backup, by its document.
    ///
    /// # Errors
    /// What libvirt says of the handle.
    pub fn of_backup(domain: &RealDomain, xml: &str, flags: u32) -> Result<Option<Start>> {
        want_names();
        let Ok(config) = words::backup_config(xml) else { return Ok(None) };
        let request = StartRequest { listed: false, ..StartRequest::new(JobType::BlockBackup, config).with_flags(flags) };
        let Some(start) = Start::reserve(domain, request)? else { return Ok(None) };
        let mut ties = start.jobs.ties.lock();
        if ties.backup.is_none() {
            ties.backup = Some(Backup { name: start.name.clone(), ..Backup::default() });
        }
        drop(ties);
        Ok(Some(start))
    }

    /// libvirt's own rules say what may be started, so none of ours is in the way.
    fn reserve(domain: &RealDomain, request: StartRequest) -> Result<Option<Start>> {
        let identity = domain.identity()?;
        let jobs = Hub::of(&domain.connect()?)?.domain(&identity);
        if !jobs.is_idle() {
            // What has ended since is to be seen before it is taken for what begins now.
            jobs.refresh(domain, false)?;
        }
        jobs.begins_anew();
        let request = StartRequest { parallel: true, ..request };
        let reserved = jobs.update(domain, |engine, out| engine.reserve(request, now(), out));
        Ok(reserved.ok().map(|reserved| Start { jobs, domain: identity, name: reserved.name, whole: None }))
    }

    /// libvirt has accepted it: the domain, and the name.
    pub fn accepted(self) -> (Uuid, String) {
        if let Some(whole) = self.whole {
            whole.over(&self.jobs, &self.name, None);
            return (self.domain.uuid, self.name);
        }
        self.jobs.change(|engine, out| engine.started(&self.name, now(), out));
        (self.domain.uuid, self.name)
    }

    /// libvirt has not, or has given it up, and says why in this thread's error: the same if there was a job.
    pub fn refused(self) -> Option<(Uuid, String)> {
        if let Some(whole) = self.whole {
            let ran = whole.over(&self.jobs, &self.name, Some(&calls::last_error()));
            return ran.then_some((self.domain.uuid, self.name));
        }
        self.jobs.change(|engine, out| engine.start_failed(&self.name, "libvirt refused to start the job", now(), out));
        self.jobs.ties.lock().drop_start(&self.name);
        None
    }
}

/// The name of a job that was started before anybody asked for names: of the only one that it can be, or if that has ended
/// by now, one that nothing else has.
///
/// # Errors
/// What libvirt says.
pub fn name_of_started(domain: &RealDomain, kind: JobType, disk: Option<&str>) -> Result<String> {
    want_names();
    let jobs = Hub::of(&domain.connect()?)?.domain(&domain.identity()?);
    let (mut config, mut found) = (JobConfig::default(), None);
    if let Some(disk) = disk {
        jobs.refresh(domain, false)?;
        let disks = reading::disks(domain)?;
        let target = disks.iter().find(|view| view.target == disk || view.source() == disk).map_or(disk, |view| &view.target);
        config = JobConfig::on_disk(target);
        found = jobs.job_on(target, kind).map(|job| job.name);
    } else if kind == JobType::BlockBackup {
        jobs.refresh(domain, false)?;
        found = jobs.ties.lock().backup.as_ref().map(|backup| backup.name.clone());
    }
    if let Some(name) = found {
        return Ok(name);
    }
    let request = StartRequest { parallel: true, ..StartRequest::new(kind, config) };
    let (name, _) = jobs.change(|engine, out| {
        let name = engine.reserve(request, now(), out)?.name;
        engine.start_failed(&name, "it has ended", now(), out);
        Ok(name)
    });
    name
}
