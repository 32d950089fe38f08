//! How a job ended that is gone.
//!
//! Events tell, where somebody listens: they may be on their way still when an answer no longer has the job. Where nobody
//! does, what the job has left behind tells: the disks as they are now, the statistics of the domain's last job.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::calls::{forget_error, RealDomain};
use super::disks::DiskView;
use super::domain::{DomainJobs, Ties, Tracked};
use super::reading::{self, Reading};
use super::take::Live;
use super::whole::JOB_COMPLETED;
use super::words;
use crate::job::{JobConfig, Outcome};
use crate::model::{JobType, Result, TypedParam};

/// How long the last events of a job that is gone are waited for.
const GRACE: Duration = Duration::from_secs(3);
/// How long it is remembered that events are about a job whose end was told without them.
const SPENT: Duration = Duration::from_secs(60);

/// What the disk tells of a job that is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trace {
    Done,
    Undone,
    /// Nothing.
    Unclear,
}

impl Tracked {
    pub fn new(disk: &DiskView, config: &JobConfig) -> Tracked {
        Tracked {
            disk: disk.target.clone(),
            images: disk.chain.iter().map(|(image, _)| image.clone()).collect(),
            becomes: config.targets.first().map(|target| target.path.clone()).or_else(|| config.base.clone()),
            idle: disk.chain.len() <= 1,
            provisional: false,
        }
    }

    /// Whether the disk is as the job leaves it when it completes. Images may have been put on top of it since then.
    fn trace(&self, job: &Live, disk: &DiskView) -> Trace {
        let has = |path: &String| disk.chain.iter().position(|(image, _)| image == path);
        let below = self.images.first().and_then(has).map(|top| disk.chain.len() - top);
        match (job.kind, below) {
            _ if disk.mirror.is_some() => Trace::Unclear,
            (JobType::BlockCopy | JobType::BlockCommitActive, Some(_)) => Trace::Undone,
            (JobType::BlockCopy | JobType::BlockCommitActive, None) => {
                let base = |image: &&String| job.kind == JobType::BlockCommitActive && has(image).is_some();
                match self.becomes.as_ref().filter(|path| has(path).is_some()).or_else(|| self.images.iter().find(base)) {
                    Some(_) => Trace::Done,
                    None => Trace::Unclear,
                }
            }
            (_, None) => Trace::Unclear,
            (_, Some(depth)) if depth < self.images.len() => Trace::Done,
            (JobType::BlockPull, _) if self.idle => Trace::Done,
            // It is not known to have had anything to do.
            (JobType::BlockPull, _) if job.progress.end == 0 => Trace::Unclear,
            _ => Trace::Undone,
        }
    }
}

/// Events that are still to come about a job whose end has been told.
#[derive(Clone, Debug)]
pub(super) struct Spent {
    /// QEMU's id; `None` as long as it has not been heard.
    id: Option<String>,
    /// What libvirt says it of.
    disk: String,
    kind: JobType,
    since: Instant,
    /// QEMU's last word.
    null: bool,
    /// libvirt's.
    told: bool,
}

impl Ties {
    /// The jobs whose configuration has been read.
    pub fn described(&self) -> HashSet<String> {
        self.tracked.iter().filter(|(_, tracked)| !tracked.provisional).map(|(name, _)| name.clone()).collect()
    }

    /// A job is where it should be.
    pub fn found(&mut self, id: &str, live: &[Live]) {
        if let Some(job) = live.iter().find(|job| job.id == id) {
            self.missing.remove(&job.name);
        }
    }

    /// How a job ended that was not in a reading; `None` if it may not have.
    pub fn verdict(&mut self, job: &Live, reading: &Reading, fed: Option<bool>) -> Option<Outcome> {
        let tracked = self.tracked.get(&job.name).cloned();
        let told = match &tracked {
            Some(_) if !reading.over.contains(&job.name) => return None,
            None if !reading.complete => return None,
            Some(_) => fed.is_some(),
            None => fed == Some(true),
        };
        let disk = tracked.as_ref().and_then(|tracked| reading.disks.iter().find(|disk| disk.target == tracked.disk));
        let trace = tracked.as_ref().zip(disk).map_or(Trace::Unclear, |(tracked, disk)| tracked.trace(job, disk));
        let aborted = self.aborted.contains(&job.name);
        let certain = trace == Trace::Done || trace == Trace::Undone && aborted;
        if told && !certain && !self.is_overdue(&job.name) {
            return None;
        }
        let id = self.qemu_id(&job.id);
        if told {
            let disk = tracked.map(|tracked| tracked.disk);
            self.spend(job, &id, disk, fed == Some(true));
        }
        let said = self.said.remove(&id);
        Some(match said {
            _ if trace == Trace::Done => Outcome::Completed,
            _ if aborted => Outcome::Aborted,
            // QEMU takes a copy for completed that was ended without becoming the disk's source.
            Some(Outcome::Completed) if job.kind.becomes_ready() => Outcome::Aborted,
            Some(said) => said,
            None if trace == Trace::Undone => Outcome::Failed(UNDONE.to_owned()),
            None => unknown(),
        })
    }

    /// Whether a job has been gone for so long that its last event will not come.
    pub fn is_overdue(&mut self, name: &str) -> bool {
        self.missing.entry(name.to_owned()).or_insert_with(Instant::now).elapsed() >= GRACE
    }

    /// What is still to be heard of a job is not about one that goes on.
    fn spend(&mut self, job: &Live, id: &str, disk: Option<String>, by_monitor: bool) {
        self.spent.retain(|spent| spent.since.elapsed() < SPENT);
        let null = by_monitor && !self.nulled.remove(id);
        let told = disk.is_some();
        if null || told {
            let id = Some(id.to_owned()).filter(|_| !self.unbound.iter().any(|unbound| unbound.name == job.name));
            self.spent.push(Spent { id, disk: disk.unwrap_or_default(), kind: job.kind, since: Instant::now(), null, told });
        }
    }

    /// Whether what QEMU says of a job is about one whose end has been told.
    pub fn is_spent(&mut self, id: &str, last: bool) -> bool {
        let about =
            |spent: &&mut Spent| spent.null && spent.id.as_ref().map_or_else(|| words::is_on(id, &spent.disk, spent.kind), |of| of == id);
        let Some(spent) = self.spent.iter_mut().find(about) else { return false };
        spent.id = Some(id.to_owned());
        spent.null = !last;
        self.spent.retain(|spent| spent.null || spent.told);
        true
    }

    /// The same of what libvirt says, of the job of a disk.
    pub fn is_spent_on(&mut self, disk: &str, kind: JobType, last: bool) -> bool {
        let about = |spent: &&mut Spent| spent.told && spent.disk == disk && words::plain(spent.kind) == words::plain(kind);
        let Some(spent) = self.spent.iter_mut().find(about) else { return false };
        spent.told = !last;
        self.spent.retain(|spent| spent.null || spent.told);
        true
    }
}

/// Nobody listened, but the disk is as it was.
const UNDONE: &str = "the job ended without having completed while nobody was listening; it was aborted, or it failed";

fn unknown() -> Outcome {
    Outcome::Failed("the job ended while nobody was listening; how it ended is not known".to_owned())
}

impl DomainJobs {
    /// Asks what is needed to make sense of a reading: what is new in it, and what is gone.
    pub fn look_closer(&self, domain: &RealDomain, reading: &mut Reading) -> Result<()> {
        let live = self.live();
        if reading.own.is_none() {
            reading.own = reading.part.map(|(kind, _)| (kind, Vec::new()));
        }
        let (chief, backup) = {
            let ties = self.ties.lock();
            (ties.chief.as_ref().map(|chief| chief.kind), ties.backup.is_some())
        };
        let news = {
            let ties = self.ties.lock();
            let known = ties.described();
            let described = |id: &str| live.iter().any(|job| job.id == ties.engine_id(id) && known.contains(&job.name));
            let new = reading.jobs.iter().filter(|job| words::disk_of(&job.id).is_some() && reading.complete && !described(&job.id));
            new.map(|job| job.id.clone()).collect::<Vec<_>>()
        };
        let ids: Vec<String> = reading.jobs.iter().map(|job| self.ties.lock().engine_id(&job.id)).collect();
        let gone: Vec<(String, String)> = {
            let ties = self.ties.lock();
            let absent = live.iter().filter(|job| reading.complete && !ids.contains(&job.id));
            absent.filter_map(|job| Some((job.name.clone(), ties.tracked.get(&job.name)?.disk.clone()))).collect()
        };
        for (name, disk) in &gone {
            // libvirt answers once it is done with what QEMU told it.
            if domain.block_job_info(disk)?.is_none() {
                reading.over.insert(name.clone());
            }
        }
        if !reading.complete {
            self.look_over_disks(&live, reading);
        } else if !news.is_empty() || !reading.over.is_empty() {
            reading.disks = reading::disks(domain)?;
        }
        for id in news {
            // What the disk is like once the job is over says nothing of it.
            let disk = words::disk_of(&id).unwrap_or_default();
            if domain.block_job_info(disk)?.is_none() {
                reading.disks.retain(|view| view.target != disk);
            }
        }
        let own = reading.own.as_ref().map(|(kind, _)| *kind);
        let has_backup = !reading.backup.is_empty() || own == Some(JobType::BlockBackup);
        let own_chief = own.filter(|kind| *kind != JobType::BlockBackup);
        if own_chief != chief || has_backup != backup {
            reading.left = reading::last_job(domain);
        }
        if chief.is_some() && own_chief.is_none() && domain.access()?.monitor {
            reading.memory = self.memory_job_said(domain);
        }
        if has_backup && !backup {
            reading.backup_config = reading::backup_config(domain);
        }
        Ok(())
    }

    /// The same where the disks tell which jobs there are.
    fn look_over_disks(&self, live: &[Live], reading: &mut Reading) {
        let ties = self.ties.lock();
        for job in live {
            let Some(tracked) = ties.tracked.get(&job.name) else { continue };
            let same = |seen: &crate::job::Listed| {
                let (_, rest) = words::tracked(&seen.id).unwrap_or((seen.kind, ""));
                words::plain(seen.kind) == words::plain(job.kind) && words::disk_in(rest).unwrap_or(rest) == tracked.disk
            };
            if !reading.jobs.iter().any(same) {
                reading.over.insert(job.name.clone());
            }
        }
    }

    /// What QEMU says after the end of the domain's own job, if its memory was moved for it.
    fn memory_job_said(&self, domain: &RealDomain) -> Option<Outcome> {
        let name = self.ties.lock().chief.as_ref()?.name.clone();
        let (memory_only, moved) = self.table.read(|engine| {
            let job = engine.get(&name)?;
            Some((job.config().has_option("memory-only"), job.stats().migration.is_some()))
        })?;
        let said = match memory_only {
            true => reading::dump_end(domain),
            false if moved => reading::migration_end(domain),
            false => return None,
        };
        said.inspect_err(|_| forget_error()).ok().flatten()
    }

    /// How the domain's own job ended that is gone; `None` as long as its last event may come.
    pub fn chief_verdict(&self, name: &str, kind: JobType, reading: &Reading) -> Option<Outcome> {
        let fed = self.is_fed().is_some();
        let mut ties = self.ties.lock();
        let chief = ties.chief.as_ref().filter(|chief| !chief.calling)?;
        let (said, before, said_all) = (chief.said.clone(), chief.left_before.clone(), chief.said_all);
        if let Some(outcome) = left_by(kind, before.as_ref(), reading.left.as_ref()) {
            ties.expected.extend(fed.then(|| (JOB_COMPLETED, kind, Instant::now())));
            return Some(outcome);
        }
        // Only what succeeds is told of.
        match said {
            Some(Outcome::Completed) | None if fed && !said_all && !ties.is_overdue(name) => None,
            Some(said) => Some(said),
            None if ties.aborted.contains(name) => Some(Outcome::Aborted),
            None if reading.memory.is_some() => reading.memory.clone(),
            None if fed => Some(Outcome::Failed("the job did not complete; libvirt did not say why".to_owned())),
            None => Some(unknown()),
        }
    }

    /// The same of a backup.
    pub fn backup_verdict(&self, name: &str, reading: &Reading) -> Option<Outcome> {
        let fed = self.is_fed().is_some();
        let mut ties = self.ties.lock();
        let before = ties.backup.as_ref()?.left_before.clone();
        let left = left_by(JobType::BlockBackup, before.as_ref(), reading.left.as_ref());
        if left.is_none() && fed && !ties.is_overdue(name) {
            return None;
        }
        if left.is_some() && fed {
            ties.expected.push((JOB_COMPLETED, JobType::BlockBackup, Instant::now()));
        }
        Some(left.unwrap_or_else(|| if ties.aborted.contains(name) { Outcome::Aborted } else { unknown() }))
    }
}

/// How the domain's last job ended, if what it has left is of this one.
fn left_by(kind: JobType, before: Option<&(i32, Vec<TypedParam>)>, left: Option<&(i32, Vec<TypedParam>)>) -> Option<Outcome> {
    let (end, params) = left.filter(|left| Some(*left) != before)?;
    (words::operation_kind(params) == Some(kind)).then(|| words::outcome_of_domain_job(*end, params))
}
