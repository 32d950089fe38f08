//! How a job ended that is gone.
//!
//! Events tell, where somebody listens: they may be on their way still when an answer no longer has the job. Where nobody
//! does, what the job has left behind tells: the disks as they are now, the statistics of the domain's last job.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::calls::{RealDomain, RealState};
use super::disks::DiskView;
use super::domain::{DomainJobs, Ties, Tracked};
use super::reading::{self, Reading};
use super::take::Live;
use super::words;
use crate::job::{JobConfig, Observation, Outcome};
use crate::model::domain::reason;
use crate::model::{JobType, Result, TypedParam};

/// How long the last events of a job that is gone are waited for.
const GRACE: Duration = Duration::from_secs(3);
/// How long it is remembered that events are about a job whose end was told without them.
const SPENT: Duration = Duration::from_secs(60);

impl Tracked {
    pub fn new(disk: &DiskView, config: &JobConfig) -> Tracked {
        Tracked {
            disk: disk.target.clone(),
            source: disk.source().to_owned(),
            depth: disk.chain.len(),
            becomes: config.targets.first().map(|target| target.path.clone()).or_else(|| config.base.clone()),
            provisional: false,
        }
    }

    /// Whether the disk is as the job leaves it when it completes.
    fn is_done(&self, kind: JobType, disk: &DiskView) -> bool {
        match kind {
            JobType::BlockCopy | JobType::BlockCommitActive => self.becomes.as_deref() == Some(disk.source()),
            // On a disk with one image alone a pull has nothing to do.
            JobType::BlockPull => disk.chain.len() < self.depth || self.depth <= 1,
            _ => disk.chain.len() < self.depth,
        }
    }
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
        if told && !self.is_overdue(&job.name) {
            return None;
        }
        let id = self.qemu_id(&job.id);
        if told {
            self.spend(&id);
        }
        let disk = tracked.as_ref().and_then(|tracked| reading.disks.iter().find(|disk| disk.target == tracked.disk));
        let done = tracked.as_ref().zip(disk).is_some_and(|(tracked, disk)| tracked.is_done(job.kind, disk));
        let said = self.said.remove(&id);
        Some(match said {
            _ if done => Outcome::Completed,
            _ if self.aborted.contains(&job.name) => Outcome::Aborted,
            // QEMU takes a copy for completed that was ended without becoming the disk's source.
            Some(Outcome::Completed) if job.kind.becomes_ready() => Outcome::Aborted,
            Some(said) => said,
            None => unknown(),
        })
    }

    /// Whether a job has been gone for so long that its last event will not come.
    fn is_overdue(&mut self, name: &str) -> bool {
        self.missing.entry(name.to_owned()).or_insert_with(Instant::now).elapsed() >= GRACE
    }

    fn spend(&mut self, id: &str) {
        self.spent.retain(|_, since| since.elapsed() < SPENT);
        self.spent.insert(id.to_owned(), Instant::now());
    }
}

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
            reading.jobs.iter().any(|job| words::tracked(&job.id).is_some() && !described(&job.id))
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
        } else if news || !reading.over.is_empty() {
            reading.disks = reading::disks(domain)?;
        }
        let own = reading.own.as_ref().map(|(kind, _)| *kind);
        let has_backup = !reading.backup.is_empty() || own == Some(JobType::BlockBackup);
        let own_chief = own.filter(|kind| *kind != JobType::BlockBackup);
        if own_chief != chief || has_backup != backup {
            reading.left = reading::last_job(domain);
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

    /// How the domain's own job ended that is gone; `None` as long as its last event may come.
    pub fn chief_verdict(&self, name: &str, kind: JobType, reading: &Reading) -> Option<Outcome> {
        let fed = self.is_fed().is_some();
        let mut ties = self.ties.lock();
        let chief = ties.chief.as_ref().filter(|chief| !chief.calling)?;
        let (said, before, said_all) = (chief.said.clone(), chief.left_before.clone(), chief.said_all);
        if let Some(outcome) = left_by(kind, before.as_ref(), reading.left.as_ref()) {
            return Some(outcome);
        }
        // Only what succeeds is told of.
        match said {
            Some(Outcome::Completed) | None if fed && !said_all && !ties.is_overdue(name) => None,
            Some(said) => Some(said),
            None if ties.aborted.contains(name) => Some(Outcome::Aborted),
            None if fed => Some(Outcome::Failed("the job did not complete; libvirt did not say why".to_owned())),
            None => Some(unknown()),
        }
    }

    /// The same of a backup.
    pub fn backup_verdict(&self, name: &str, reading: &Reading) -> Option<Outcome> {
        let fed = self.is_fed().is_some();
        let mut ties = self.ties.lock();
        let before = ties.backup.as_ref()?.left_before.clone();
        if fed && !ties.is_overdue(name) {
            return None;
        }
        let left = left_by(JobType::BlockBackup, before.as_ref(), reading.left.as_ref());
        Some(left.unwrap_or_else(|| if ties.aborted.contains(name) { Outcome::Aborted } else { unknown() }))
    }

    /// The domain does not run. `state` is `None` if it is not even there any more.
    pub fn ended(self: &Arc<Self>, domain: &RealDomain, state: Option<RealState>) -> Result<()> {
        let chief = self.ties.lock().chief.as_ref().filter(|chief| !chief.calling).map(|chief| (chief.name.clone(), chief.kind));
        let completes = |kind| match state.map(|state| state.reason) {
            Some(reason::SHUTOFF_SAVED) => kind == JobType::Save,
            Some(reason::SHUTOFF_MIGRATED) => kind == JobType::Migration,
            _ => false,
        };
        if let Some((name, kind)) = chief.filter(|(name, kind)| completes(*kind) && self.is_running(name)) {
            self.end(domain, &name, kind, Outcome::Completed);
        }
        let reason = match state.map(|state| state.reason) {
            None => "the domain is gone",
            Some(reason::SHUTOFF_SHUTDOWN) => "the domain was shut down",
            Some(reason::SHUTOFF_DESTROYED) => "the domain was destroyed",
            Some(reason::SHUTOFF_CRASHED) => "the domain ended unexpectedly",
            Some(reason::SHUTOFF_MIGRATED) => "the domain was migrated",
            Some(reason::SHUTOFF_SAVED) => "the domain was saved",
            Some(_) => "the domain does not run any more",
        };
        if !self.ties.lock().leave_to_call(reason) {
            self.observe(domain, Observation::Gone { reason: reason.to_owned() });
        }
        Ok(())
    }
}

/// How the domain's last job ended, if what it has left is of this one.
fn left_by(kind: JobType, before: Option<&(i32, Vec<TypedParam>)>, left: Option<&(i32, Vec<TypedParam>)>) -> Option<Outcome> {
    let (end, params) = left.filter(|left| Some(*left) != before)?;
    (words::operation_kind(params) == Some(kind)).then(|| words::outcome_of_domain_job(*end, params))
}
