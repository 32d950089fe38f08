//! The registry of one domain's jobs and the rules by which observations change it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::exclusion;
use super::job::{Details, Job, Origin, Phase};
use super::legacy::block_type;
use super::names::NameBook;
use super::order::Order;
use super::transition::{announce, appear, enter, next_state, outcome_of, state_of, Next};
use super::{Action, Effect, HypStatus, JobConfig, JobRecord, Listed, Moment, Observation, Outcome, Powers, Progress, MADE_UP};
use crate::model::{JobState, JobType, Now, Result};

/// Jobs that were only heard of in events, never in a listing. A hypervisor that announces more than this at once is
/// asked for its listing instead of being believed.
const MAX_UNCONFIRMED: usize = 4096;

/// What a job that is to be started looks like.
#[derive(Clone, Debug)]
pub struct StartRequest {
    pub kind: JobType,
    pub config: JobConfig,
    /// Keep it listed after its end.
    pub persist: bool,
    /// Lift the rules that are libvirt's alone.
    pub parallel: bool,
    /// Whether the hypervisor names it in its listing; migration and dump it does not.
    pub listed: bool,
}

impl StartRequest {
    pub fn new(kind: JobType, config: JobConfig) -> StartRequest {
        StartRequest { kind, config, persist: false, parallel: false, listed: true }
    }

    /// Takes PERSIST and PARALLEL from the flags of a start API.
    pub fn with_flags(mut self, flags: u32) -> StartRequest {
        self.persist = flags & crate::model::flags::JOB_START_PERSIST != 0;
        self.parallel = flags & crate::model::flags::JOB_START_PARALLEL != 0;
        self
    }
}

/// A name that was taken for a job that is about to be started.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reservation {
    /// The job's name, and the id to give it at the hypervisor.
    pub name: String,
}

/// All jobs of one domain.
#[derive(Debug)]
pub struct Engine {
    powers: Powers,
    names: NameBook,
    pub(super) jobs: BTreeMap<u64, Job>,
    by_name: HashMap<String, u64>,
    /// Jobs that the hypervisor has or may get, by its id.
    by_id: HashMap<String, u64>,
    order: Order,
    next_serial: u64,
    pub(super) unconfirmed: usize,
    /// Why the domain is about to end, once that is known: jobs that it cancels on its way out have failed.
    pub(super) going: Option<String>,
    /// Why the domain has ended.
    pub(super) gone: Option<String>,
}

impl Engine {
    pub fn new(powers: Powers) -> Engine {
        Engine {
            powers,
            names: NameBook::default(),
            jobs: BTreeMap::new(),
            by_name: HashMap::new(),
            by_id: HashMap::new(),
            order: Order::default(),
            next_serial: 0,
            unconfirmed: 0,
            going: None,
            gone: None,
        }
    }

    /// Listed jobs, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values().filter(|job| job.is_listed())
    }

    /// Jobs that have not ended, those included of which only the name is taken yet.
    pub fn unfinished(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values().filter(|job| job.is_present())
    }

    /// The number of jobs kept, reserved ones included.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Whether it is not known yet of some job that it has been started, or has not.
    pub fn is_starting(&self) -> bool {
        self.jobs.values().any(|job| job.launching)
    }

    /// The job of that name, if it is listed.
    pub fn get(&self, name: &str) -> Option<&Job> {
        self.find(name).filter(|job| job.is_listed())
    }

    /// Whether the domain is about to end, or has ended.
    pub fn is_going(&self) -> bool {
        self.going.is_some()
    }

    /// What is to be stored about a job, from the moment on at which its name is taken.
    pub fn record(&self, name: &str) -> Option<JobRecord> {
        self.find(name).map(JobRecord::of)
    }

    /// The job that the hypervisor knows under this id, if it has not been forgotten.
    pub fn by_hypervisor_id(&self, id: &str) -> Option<&Job> {
        self.jobs.get(self.by_id.get(id)?)
    }

    /// The job that the older block job API sees on a disk: ours, of a type that it knows, not ended.
    pub fn block_job_on(&self, disk: &str) -> Option<&Job> {
        self.jobs.values().find(|job| {
            job.origin == Origin::Own
                && job.is_present()
                && !job.stillborn
                && block_type(job.kind).is_some()
                && job.config.disks.iter().any(|d| d == disk)
        })
    }

    /// Whether a job could be started now.
    ///
    /// # Errors
    /// libvirt's code for the conflict; the message names the job in the way.
    pub fn admits(&self, request: &StartRequest) -> Result<()> {
        exclusion::check(request, self.unfinished())
    }

    /// Takes a name for a job that is about to be started, if no other job is in its way.
    ///
    /// # Errors
    /// libvirt's code for the conflict; the message names the job in the way.
    pub fn reserve(&mut self, request: StartRequest, now: Now, out: &mut Vec<Effect>) -> Result<Reservation> {
        self.admits(&request)?;
        // Whoever starts a job after the end of the domain does so to bring it back: by a restore, or a revert.
        if self.gone.is_some() {
            (self.going, self.gone) = (None, None);
        }
        let name =
            self.names.own(request.kind, request.config.disks.first().filter(|_| request.config.disks.len() == 1).map(String::as_str));
        let job = Job {
            serial: 0,
            name: name.as_str().into(),
            kind: request.kind,
            origin: Origin::Own,
            state: JobState::Running,
            phase: Phase::Reserved,
            details: Box::new(Details {
                hyp_id: name.clone(),
                listed: request.listed,
                persist: request.persist,
                speed: request.config.bandwidth,
                config: request.config,
                started: now,
                launching: true,
                ..Details::default()
            }),
        };
        self.insert(job);
        out.push(Effect::Store { name: name.clone() });
        Ok(Reservation { name })
    }

    /// The hypervisor accepted the command that starts the job. That it has ended since may be known already.
    pub fn started(&mut self, name: &str, now: Now, out: &mut Vec<Effect>) {
        let gone = self.gone.clone();
        let heard = self.order.next();
        let Some(job) = self.find_mut(name) else { return };
        job.launching = false;
        let serial = job.serial;
        if let Some(outcome) = job.early_end.take().filter(|_| job.phase == Phase::Live) {
            return self.decide(serial, outcome, now, out);
        }
        if job.phase != Phase::Reserved {
            return;
        }
        job.heard = heard;
        appear(job, now, out);
        if let Some(reason) = gone {
            self.end_with_domain(serial, &reason, now, out);
        }
    }

    /// The command that starts the job failed. One that the hypervisor had shown by then has failed with it.
    pub fn start_failed(&mut self, name: &str, why: &str, now: Now, out: &mut Vec<Effect>) {
        let Some(job) = self.find_mut(name) else { return };
        job.launching = false;
        job.stillborn = true;
        let serial = job.serial;
        match job.phase {
            Phase::Reserved => {
                self.remove(serial);
                out.push(Effect::Forget { name: name.to_owned() });
            }
            Phase::Live => self.decide(serial, Outcome::Failed(why.to_owned()), now, out),
            _ => {}
        }
    }

    /// Takes in what a driver saw.
    pub fn observe(&mut self, seen: Observation, now: Now, out: &mut Vec<Effect>) {
        match seen {
            Observation::Status { id, status } => self.hint(&id, status, now, out),
            Observation::Outcome { id, kind, outcome } => self.outcome_announced(&id, kind, outcome, now, out),
            Observation::Progress { id, progress } => self.progress(&id, progress, now),
            Observation::Migration { id, stats } => {
                if let Some(job) = self.by_id_mut(&id) {
                    job.stats.migration = Some(stats);
                }
            }
            Observation::Disks { id, disks } => {
                if let Some(job) = self.by_id_mut(&id) {
                    job.stats.disks = disks;
                }
            }
            Observation::Listing(listing) => self.listing(listing, Moment::NOW, now, out),
            Observation::Answer { asked, jobs } => self.listing(jobs, asked, now, out),
            Observation::Shown(listed) => {
                self.shown(&listed, now, out);
            }
            Observation::Unlisted(listed) => {
                if !self.by_id.contains_key(&listed.id) {
                    let name = self.names.foreign(listed.id.trim_end_matches(MADE_UP));
                    self.discover_as(name, &listed.id, listed.kind, now);
                }
                let serial = self.shown(&listed, now, out);
                if let Some(job) = self.jobs.get_mut(&serial) {
                    job.listed = false;
                }
            }
            Observation::Going { reason } => self.going = Some(reason),
            Observation::Running => (self.going, self.gone) = (None, None),
            Observation::Gone { reason } => self.gone(&reason, now, out),
        }
    }

    /// The present point in the order of what was heard: to be taken when a question is sent whose answer is handed in as
    /// [`Observation::Answer`].
    pub fn moment(&self) -> Moment {
        self.order.last()
    }

    /// What the job held is released and the hypervisor has forgotten it: its final event may go out.
    pub fn settled(&mut self, name: &str, now: Now, out: &mut Vec<Effect>) {
        let Some(job) = self.find_mut(name) else { return };
        if let Phase::Settling(outcome) = job.phase.clone() {
            job.held = false;
            let serial = job.serial;
            self.finish(serial, outcome, now, out);
        }
    }

    /// What was to be done about the end of a job failed: so has the job, whatever its outcome was.
    pub fn spoil(&mut self, name: &str, why: &str, out: &mut Vec<Effect>) {
        let Some(job) = self.find_mut(name) else { return };
        if let Phase::Settling(outcome) = &mut job.phase {
            *outcome = Outcome::Failed(why.to_owned());
            out.push(Effect::Store { name: name.to_owned() });
        }
    }

    /// The limit of a job was changed. The record keeps the limit that the job was started with.
    pub fn speed_set(&mut self, name: &str, bytes_per_s: u64) {
        if let Some(job) = self.find_mut(name) {
            job.speed = bytes_per_s;
            job.config.bandwidth = bytes_per_s;
        }
    }

    /// Adds to what is known of a job's configuration.
    pub fn describe(&mut self, name: &str, change: impl FnOnce(&mut JobConfig), out: &mut Vec<Effect>) {
        if let Some(job) = self.find_mut(name) {
            change(&mut job.config);
            if job.origin == Origin::Own {
                out.push(Effect::Store { name: name.to_owned() });
            }
        }
    }

    /// Takes in the record that an earlier process wrote. One whose job had not ended waits for the next listing.
    ///
    /// Returns false if the record cannot be used: its type is unknown or its name is taken.
    pub fn adopt(&mut self, record: JobRecord, now: Now) -> bool {
        if record.name.is_empty() || self.by_name.contains_key(&record.name) || self.by_id.contains_key(&record.id) {
            return false;
        }
        let Some(job) = record.revive(0, now) else { return false };
        self.names.reserve(&job.name);
        self.insert(job);
        true
    }

    /// The number in the last name that was given; to be stored.
    pub fn last_number(&self) -> u64 {
        self.names.last()
    }

    /// Goes on counting from the number that an earlier process stored.
    pub fn resume_numbers(&mut self, last: u64) {
        self.names.resume(last);
    }

    pub(super) fn powers(&self) -> Powers {
        self.powers
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Job> {
        self.find_mut(name).filter(|job| job.is_listed())
    }

    /// Forgets a job that ended; says whether the hypervisor must, too.
    pub(super) fn dismiss(&mut self, name: &str, out: &mut Vec<Effect>) -> Action {
        let Some(job) = self.find_mut(name) else { return Action::Nothing };
        let (serial, own) = (job.serial, job.origin == Origin::Own);
        let action = if job.held { Action::Dismiss { id: job.hyp_id.clone() } } else { Action::Nothing };
        if job.held {
            // Listings may show it until the hypervisor has forgotten it.
            job.phase = Phase::Dismissed;
            self.by_name.remove(name);
        } else {
            self.remove(serial);
        }
        if own {
            out.push(Effect::Forget { name: name.to_owned() });
        }
        action
    }

    fn find(&self, name: &str) -> Option<&Job> {
        self.jobs.get(self.by_name.get(name)?)
    }

    fn find_mut(&mut self, name: &str) -> Option<&mut Job> {
        self.jobs.get_mut(self.by_name.get(name)?)
    }

    fn by_id_mut(&mut self, id: &str) -> Option<&mut Job> {
        self.jobs.get_mut(self.by_id.get(id)?)
    }

    fn insert(&mut self, mut job: Job) -> u64 {
        self.next_serial += 1;
        job.serial = self.next_serial;
        self.by_name.insert(job.name.to_string(), job.serial);
        if job.phase != Phase::Ended {
            self.by_id.insert(job.hyp_id.clone(), job.serial);
        }
        self.jobs.insert(job.serial, job);
        self.next_serial
    }

    pub(super) fn remove(&mut self, serial: u64) {
        if let Some(job) = self.jobs.remove(&serial) {
            self.by_name.remove(job.name.as_str());
            self.release_id(&job.hyp_id, serial);
            self.unconfirmed -= usize::from(!job.announced && job.origin == Origin::Foreign);
        }
    }

    /// The hypervisor's id no longer means this job.
    pub(super) fn release_id(&mut self, id: &str, serial: u64) {
        if self.by_id.get(id) == Some(&serial) {
            self.by_id.remove(id);
            self.order.leave(id);
        }
    }

    /// A job that somebody else started, heard of for the first time.
    fn discover(&mut self, id: &str, kind: JobType, now: Now) -> u64 {
        let name = self.names.foreign(id);
        self.discover_as(name, id, kind, now)
    }

    fn discover_as(&mut self, name: String, id: &str, kind: JobType, now: Now) -> u64 {
        self.unconfirmed += 1;
        self.insert(Job {
            serial: 0,
            name: name.into(),
            kind,
            origin: Origin::Foreign,
            state: JobState::Running,
            phase: Phase::Live,
            details: Box::new(Details { hyp_id: id.to_owned(), listed: true, started: now, ..Details::default() }),
        })
    }

    /// An event said that a job's status changed.
    fn hint(&mut self, id: &str, status: HypStatus, now: Now, out: &mut Vec<Effect>) {
        let mut known = self.by_id.get(id).copied();
        if status == HypStatus::Created {
            // The names of our own jobs never come again: one that is created is the one that was started.
            let other = |serial: &u64| self.jobs[serial].origin == Origin::Foreign;
            if let Some(serial) = known.filter(other) {
                self.vanished(serial, now, out);
                self.release_id(id, serial);
                known = None;
            }
        }
        let serial = match known {
            Some(serial) => serial,
            None if status == HypStatus::Null => return,
            None => {
                out.push(Effect::Confirm);
                if self.unconfirmed >= MAX_UNCONFIRMED {
                    return;
                }
                self.discover(id, JobType::Other, now)
            }
        };
        self.hear_of(serial);
        self.status(serial, status, None, now, out);
    }

    fn hear_of(&mut self, serial: u64) {
        let heard = self.order.next();
        if let Some(job) = self.jobs.get_mut(&serial) {
            job.heard = heard;
        }
    }

    /// An event said how a job ends.
    fn outcome_announced(&mut self, id: &str, kind: Option<JobType>, outcome: Outcome, now: Now, out: &mut Vec<Effect>) {
        let serial = match self.by_id.get(id) {
            Some(&serial) => serial,
            None => {
                out.push(Effect::Confirm);
                if self.unconfirmed >= MAX_UNCONFIRMED {
                    return;
                }
                self.discover(id, kind.unwrap_or(JobType::Other), now)
            }
        };
        self.hear_of(serial);
        if let Some(job) = self.jobs.get_mut(&serial) {
            if !job.announced && job.origin == Origin::Foreign && job.kind == JobType::Other {
                job.kind = kind.unwrap_or(JobType::Other);
            }
            job.outcome = Some(outcome);
        }
    }

    fn progress(&mut self, id: &str, progress: Progress, now: Now) {
        if let Some(job) = self.by_id_mut(id).filter(|job| job.phase != Phase::Ended) {
            job.stats.take(progress, now);
            job.speed = progress.speed.unwrap_or(job.speed);
        }
    }

    /// The hypervisor's own listing: confirms hints, shows what is new and what is gone. What it is too old to tell is
    /// asked again.
    fn listing(&mut self, listing: Vec<Listed>, asked: Moment, now: Now, out: &mut Vec<Effect>) {
        let left = self.order.left_since(asked);
        let mut present = HashSet::with_capacity(listing.len());
        let mut outdated = left.is_none();
        for listed in listing {
            match self.by_id.get(&listed.id) {
                Some(serial) if self.jobs[serial].heard > asked => {
                    present.insert(*serial);
                    outdated = true;
                }
                None if left.as_ref().is_none_or(|left| left.contains(&listed.id)) => {}
                _ => {
                    present.insert(self.shown(&listed, now, out));
                }
            }
        }
        let absent = |serial: &u64| !present.contains(serial) && self.jobs[serial].listed && self.jobs[serial].phase != Phase::Reserved;
        let mut missing: Vec<u64> = self.by_id.values().copied().filter(absent).collect();
        missing.sort_unstable();
        for serial in missing {
            if self.jobs[&serial].heard > asked {
                outdated = true;
            } else {
                self.vanished(serial, now, out);
            }
        }
        if outdated {
            out.push(Effect::Confirm);
        }
    }

    /// The hypervisor says for certain how one job stands; returns the job's serial.
    fn shown(&mut self, listed: &Listed, now: Now, out: &mut Vec<Effect>) -> u64 {
        let serial = match self.by_id.get(&listed.id) {
            Some(&serial) => serial,
            None => self.discover(&listed.id, listed.kind, now),
        };
        self.confirm(serial, listed, now, out);
        serial
    }

    fn confirm(&mut self, serial: u64, listed: &Listed, now: Now, out: &mut Vec<Effect>) {
        let Some(job) = self.jobs.get_mut(&serial) else { return };
        if job.phase == Phase::Live && !job.announced {
            if job.origin == Origin::Foreign {
                job.kind = listed.kind;
                self.unconfirmed -= 1;
            }
            announce(job, out);
        }
        if let (Phase::Settling(outcome), true) = (&job.phase, job.details.unsettled) {
            job.details.unsettled = false;
            out.push(Effect::Settle { name: job.name.to_string(), id: job.hyp_id.clone(), outcome: outcome.clone() });
        }
        if job.phase != Phase::Ended {
            job.stats.take(listed.progress, now);
            job.speed = listed.progress.speed.unwrap_or(job.speed);
        }
        self.status(serial, listed.status, Some(listed), now, out);
    }

    /// The hypervisor says that a job is in this status; `listed` if it says so in its listing.
    fn status(&mut self, serial: u64, status: HypStatus, listed: Option<&Listed>, now: Now, out: &mut Vec<Effect>) {
        let Some(job) = self.jobs.get_mut(&serial) else { return };
        if job.phase == Phase::Reserved && status != HypStatus::Null {
            appear(job, now, out);
        }
        match status {
            HypStatus::Null => return self.vanished(serial, now, out),
            HypStatus::Concluded => return self.concluded(serial, listed, now, out),
            _ if job.phase != Phase::Live => return,
            HypStatus::Aborting => job.saw_aborting = true,
            _ => {}
        }
        match next_state(job, status) {
            Next::Same => job.status = status,
            Next::Ask if listed.is_none() => out.push(Effect::Confirm),
            Next::Ask | Next::Enter(_) if !job.announced => job.status = status,
            Next::Ask => enter(job, state_of(status), status, false, out),
            Next::Enter(state) => enter(job, state, status, false, out),
        }
    }

    fn concluded(&mut self, serial: u64, listed: Option<&Listed>, now: Now, out: &mut Vec<Effect>) {
        let Some(job) = self.jobs.get_mut(&serial) else { return };
        job.held = true;
        if job.phase != Phase::Live {
            return;
        }
        job.status = HypStatus::Concluded;
        let outcome = job.outcome.clone().or_else(|| listed.map(outcome_of));
        match outcome {
            Some(outcome) => self.decide(serial, outcome, now, out),
            None => out.push(Effect::Confirm),
        }
    }
}
