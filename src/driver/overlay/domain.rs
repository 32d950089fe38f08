//! The jobs of one domain of a real connection: the engine, and what ties its jobs to libvirt's and QEMU's.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::calls::{forget_error, quietly, RealDomain};
use super::ends::Spent;
use super::hub::Hub;
use super::line::Line;
use super::looks::Look;
use super::reading::{self, Access};
use super::run::Run;
use super::words;
use crate::driver::clock::now;
use crate::driver::question::Question;
use crate::driver::table::JobTable;
use crate::driver::threads::with_signals_blocked;
use crate::job::{Effect, Engine, HypStatus, Job, Observation, Outcome, Powers, Progress};
use crate::model::event::{Event, Payload};
use crate::model::{code, DomainRef, Error, JobType, Result, TypedParam};

/// What libvirt lets be done: it aborts neither what comes in nor a dump that it leaves to QEMU.
pub const POWERS: Powers = Powers { cancel: can_cancel, pause: can_pause };
/// How long a call waits for its turn to ask about a domain; libvirt waits as long for its own.
const TURN: Duration = Duration::from_secs(30);
/// How often jobs are looked at again that are gone while their last event has not come yet.
const RECHECK: Duration = Duration::from_millis(300);

fn can_cancel(job: &Job) -> bool {
    match job.kind() {
        JobType::Dump => !job.config().has_option("memory-only"),
        JobType::Restore | JobType::MigrationIn | JobType::SnapshotRevert | JobType::SnapshotDelete => false,
        _ => true,
    }
}

fn can_pause(kind: JobType) -> bool {
    kind.is_block() && kind != JobType::BlockCreate || kind == JobType::Other
}

/// The jobs of one domain.
pub(super) struct DomainJobs {
    hub: Weak<Hub>,
    identity: Mutex<DomainRef>,
    pub table: JobTable,
    pub ties: Mutex<Ties>,
    pub line: Arc<Line>,
    /// Whose turn it is to ask.
    turn: Mutex<()>,
    /// Asked by a thread of its own.
    asked: Mutex<Question>,
}

/// What the engine does not know of its jobs.
#[derive(Default)]
pub(super) struct Ties {
    /// Jobs on disks that libvirt keeps track of, by name.
    pub tracked: HashMap<String, Tracked>,
    /// QEMU's ids of jobs that were started through this library, with their names.
    pub own: HashMap<String, String>,
    /// Jobs that were started through this library and have not been found at QEMU yet.
    pub unbound: Vec<Unbound>,
    /// QEMU's last words on jobs, by its ids.
    pub said: HashMap<String, Outcome>,
    /// Jobs whose ends were told before the events of them have all come, oldest first.
    pub spent: Vec<Spent>,
    /// QEMU's ids of jobs that it has said its last word on, while libvirt has not.
    pub nulled: HashSet<String>,
    /// Jobs that are gone while their last event has not come, and since when, by name.
    pub missing: HashMap<String, Instant>,
    pub backup: Option<Backup>,
    pub chief: Option<Chief>,
    /// When the last of the domain's own jobs ended, by type.
    pub own_ended: Vec<(JobType, Instant)>,
    /// Names of jobs that this library was asked to abort.
    pub aborted: HashSet<String>,
    /// Events that are still to come about jobs whose ends are known, and since when.
    pub expected: Vec<(&'static str, JobType, Instant)>,
    pub run: Run,
}

/// A job on a disk that QEMU's id is not known of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Unbound {
    pub name: String,
    pub kind: JobType,
    pub disk: String,
}

/// A job on a disk, and what the disk was like when it was first seen.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Tracked {
    pub disk: String,
    /// Its images, from the top down.
    pub images: Vec<String>,
    /// What becomes the disk's source if it completes.
    pub becomes: Option<String>,
    /// There is nothing to do for it.
    pub idle: bool,
    /// That is what was known before it was started.
    pub provisional: bool,
}

/// Jobs of QEMU's that are one backup.
#[derive(Debug, Default)]
pub(super) struct Backup {
    pub name: String,
    pub members: BTreeMap<String, (HypStatus, Progress)>,
    /// The statistics that an earlier job had left.
    pub left_before: Option<(i32, Vec<TypedParam>)>,
}

/// The domain's own job.
#[derive(Clone, Debug)]
pub(super) struct Chief {
    pub name: String,
    pub kind: JobType,
    pub left_before: Option<(i32, Vec<TypedParam>)>,
    /// What QEMU said of its end.
    pub said: Option<Outcome>,
    /// That is all that will be said.
    pub said_all: bool,
    /// It is over when a call of this program's returns, which is under way.
    pub calling: bool,
    /// Events about its end that have come nevertheless.
    pub told: Vec<&'static str>,
    /// Why the domain has ended meanwhile.
    pub gone: Option<String>,
}

impl Chief {
    pub fn new(name: &str, kind: JobType) -> Chief {
        Chief { name: name.to_owned(), kind, left_before: None, said: None, said_all: false, calling: false, told: Vec::new(), gone: None }
    }
}

impl DomainJobs {
    pub fn new(identity: DomainRef, hub: Weak<Hub>) -> DomainJobs {
        DomainJobs {
            hub,
            identity: Mutex::new(identity),
            table: JobTable::new(POWERS),
            ties: Mutex::default(),
            line: Arc::default(),
            turn: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    pub fn identity(&self) -> DomainRef {
        self.identity.lock().clone()
    }

    /// Takes note of what the domain is called now.
    pub fn name(&self, identity: &DomainRef) {
        identity.clone_into(&mut self.identity.lock());
    }

    /// Whether it has no job at all.
    pub fn is_idle(&self) -> bool {
        self.table.read(Engine::is_empty)
    }

    /// Whether it has a job that has not ended.
    pub fn has_active(&self) -> bool {
        self.table.read(|engine| engine.iter().any(Job::is_active))
    }

    /// Whether it does not run, and has no job left.
    pub fn is_over(&self) -> bool {
        self.table.read(|engine| engine.is_going() && engine.is_empty())
    }

    /// Whether events tell of its jobs, and whether QEMU's own are among them.
    pub fn is_fed(&self) -> Option<bool> {
        self.hub.upgrade().and_then(|hub| hub.is_fed())
    }

    pub fn observe(self: &Arc<Self>, domain: &RealDomain, seen: Observation) {
        self.update(domain, |engine, out| engine.observe(seen, now(), out));
    }

    /// Changes the engine and does what it answers. A job of ours has nothing to be seen to at its end: libvirt has done
    /// that before it tells.
    pub fn update<R>(self: &Arc<Self>, domain: &RealDomain, change: impl FnOnce(&mut Engine, &mut Vec<Effect>) -> R) -> R {
        let (result, unsure) = self.change(change);
        if unsure {
            self.refresh_soon(domain);
        }
        result
    }

    /// The same without a handle to ask by; says whether there is something to be asked.
    pub fn change<R>(&self, change: impl FnOnce(&mut Engine, &mut Vec<Effect>) -> R) -> (R, bool) {
        let (mut over, mut unsure) = (Vec::new(), false);
        let result = self.table.update(change, |_, effect| match effect {
            Effect::State { name, kind, state, .. } => {
                self.emit(Payload::JobState { name: name.clone(), kind: *kind, state: *state });
                if state.is_final() {
                    self.ties.lock().forget(name, *kind);
                }
            }
            Effect::Settle { name, .. } => over.push(name.clone()),
            Effect::Confirm => unsure = true,
            Effect::Older(_) | Effect::Store { .. } | Effect::Forget { .. } => {}
        });
        over.iter().for_each(|name| self.settled(name));
        (result, unsure)
    }

    fn settled(&self, name: &str) {
        self.change(|engine, out| engine.settled(name, now(), out));
    }

    fn emit(&self, payload: Payload) {
        if let Some(hub) = self.hub.upgrade() {
            hub.emit(&Event { domain: self.identity(), payload });
        }
    }

    /// Asks how the jobs are, without waiting for the answer. Where nobody is told the next call will.
    pub fn refresh_soon(self: &Arc<Self>, domain: &RealDomain) {
        let Some(hub) = self.hub.upgrade().filter(|hub| hub.is_fed().is_some() && hub.is_watched()) else { return };
        let Some(look) = domain.connect().ok().and_then(|connect| hub.looks.begin(connect.as_ptr() as usize)) else { return };
        if !self.asked.lock().ask() {
            return;
        }
        let (jobs, domain) = (self.clone(), domain.clone());
        let started = with_signals_blocked(|| {
            thread::Builder::new().name("virt-jobs-look".to_owned()).spawn(move || {
                jobs.look_until_clear(&domain, &look);
                // Whoever waits for the look may close the connection.
                drop(domain);
                drop(look);
            })
        });
        if started.is_err() {
            self.asked.lock().answered();
        }
    }

    fn look_until_clear(self: &Arc<Self>, domain: &RealDomain, look: &Look) {
        loop {
            let answered = self.refresh(domain, false).is_ok();
            forget_error();
            let unclear = answered && self.is_fed().is_some() && !self.ties.lock().missing.is_empty();
            let again = unclear && look.pause(RECHECK);
            let mut asked = self.asked.lock();
            if !(asked.answered() || again) {
                break;
            }
            asked.ask();
        }
    }

    /// Asks how the jobs are.
    ///
    /// # Errors
    /// What libvirt says; `OPERATION_TIMEOUT` if the domain does not answer.
    pub fn refresh(self: &Arc<Self>, domain: &RealDomain, with_speed: bool) -> Result<()> {
        let (jobs, domain) = (self.clone(), domain.clone());
        self.line.bounded(domain.connect()?, move || jobs.look(&domain, with_speed))
    }

    fn look(self: &Arc<Self>, domain: &RealDomain, with_speed: bool) -> Result<()> {
        let late = || Error::new(code::OPERATION_TIMEOUT, "another call is asking about the domain and gets no answer");
        let _turn = self.turn.try_lock_for(TURN).ok_or_else(late)?;
        if self.ties.lock().is_coming_back() {
            return Ok(());
        }
        let (asked, begun) = (self.table.read(Engine::moment), Instant::now());
        let access = domain.access()?;
        let heard = self.heard_of_end();
        let seen = domain.presence(access.block_jobs)?;
        if !self.sees(domain, seen, heard)? {
            return Ok(());
        }
        let comes_in = access.domain_jobs && seen.is_some_and(|seen| seen.state.may_come_in());
        // That there are no statistics of it at this end is an error of libvirt's, but none of the application's.
        let own = if comes_in { quietly(|| reading::own_job(domain))? } else { None };
        let mut reading = match access {
            // Until it has come, libvirt lets nobody else near its monitor.
            _ if own.as_ref().is_some_and(|(kind, _)| *kind == JobType::MigrationIn) => reading::Reading::default(),
            Access { monitor: true, .. } => reading::by_monitor(domain, with_speed)?,
            Access { block_jobs: true, .. } => reading::by_disks(domain)?,
            _ => reading::Reading::default(),
        };
        reading.asked = Some(begun);
        reading.own = match own {
            None if access.domain_jobs => reading::own_job(domain)?,
            own => own,
        };
        self.look_closer(domain, &mut reading)?;
        self.take(domain, asked, reading);
        Ok(())
    }
}

impl Ties {
    /// A job has ended.
    fn forget(&mut self, name: &str, kind: JobType) {
        self.tracked.remove(name);
        self.missing.remove(name);
        self.aborted.remove(name);
        self.own.retain(|_, own| own != name);
        self.unbound.retain(|unbound| unbound.name != name);
        if self.backup.as_ref().is_some_and(|backup| backup.name == name) {
            self.backup = None;
            self.note_end(kind);
        }
        if self.chief.as_ref().is_some_and(|chief| chief.name == name && !chief.calling) {
            self.chief = None;
            self.note_end(kind);
        }
    }

    /// A job has not been started after all.
    pub fn drop_start(&mut self, name: &str) {
        self.tracked.remove(name);
        self.unbound.retain(|unbound| unbound.name != name);
        if self.backup.as_ref().is_some_and(|backup| backup.name == name) {
            self.backup = None;
        }
    }

    pub fn note_end(&mut self, kind: JobType) {
        self.own_ended.retain(|(of, _)| *of != kind);
        self.own_ended.push((kind, Instant::now()));
    }

    /// A job of QEMU's is the one that was started on its disk, if there is such a one.
    pub fn bind(&mut self, id: &str) {
        let Some((kind, _)) = words::tracked(id) else { return };
        let same = |unbound: &Unbound| words::plain(unbound.kind) == kind && words::disk_of(id) == Some(&unbound.disk);
        if let Some(at) = self.unbound.iter().position(same) {
            self.own.insert(id.to_owned(), self.unbound.remove(at).name);
        }
    }

    /// The engine's id for a job of QEMU's.
    pub fn engine_id(&self, id: &str) -> String {
        self.own.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    /// QEMU's id for a job of the engine's.
    pub fn qemu_id(&self, id: &str) -> String {
        self.own.iter().find(|(_, own)| *own == id).map_or_else(|| id.to_owned(), |(qemu, _)| qemu.clone())
    }
}
