//! Getting to know a QEMU: what it is, which disks and jobs it has, and what an earlier process wrote down about it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{json, Value};

use super::clock::now;
use super::disks::Disks;
use super::domain::{Inner, QemuDomain};
use super::events::Handler;
use super::hub::{socket_name, Hub};
use super::jobs::POWERS;
use super::migration::Migrations;
use super::monitor::{sys, Limits, Monitor, MonitorHandler, OpenError};
use super::pidfd::Process;
use super::questions::Questions;
use super::records::{Found, Records};
use super::snapshots::Snapshots;
use super::translate::{number, text};
use crate::driver::question::Question;
use crate::driver::table::JobTable;
use crate::job::{DiskTarget, Engine, Job, Observation, Origin};
use crate::model::domain::reason;
use crate::model::{DomainRef, DomainState, Error, JobState, JobType, Result, Uuid};
use crate::qmp::CallError;
use crate::xml::domain::DomainDef;

/// How long a QEMU may take to answer the first questions.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens sockets side by side: those that do not answer cost all of them one time-out, not each its own.
///
/// `None` for a socket that nobody listens on: its QEMU is gone.
pub(super) fn attach_all<'a>(hub: &Arc<Hub>, sockets: impl Iterator<Item = &'a Path>) -> Vec<Option<Attached>> {
    let sockets: Vec<&Path> = sockets.collect();
    let handlers: Vec<Arc<Handler>> = sockets.iter().map(|_| Arc::new(Handler::default())).collect();
    let wanted =
        sockets.iter().zip(&handlers).map(|(path, handler)| (path.to_path_buf(), handler.clone() as Arc<dyn MonitorHandler>)).collect();
    let monitors = Monitor::open_many(&hub.reactor, wanted, Limits::default());
    let opened = sockets.iter().zip(handlers).zip(monitors).map(|((path, handler), monitor)| match monitor {
        Ok(monitor) => Some(Ok(Newcomer::ask(path, handler, monitor))),
        Err(OpenError::Absent { .. }) => None,
        // A QEMU that is dying hangs up before it stops listening.
        Err(OpenError::NotQmp { .. }) if !sys::is_served(path) => None,
        Err(error) => Some(Err(error.into())),
    });
    let newcomers: Vec<Option<Result<Newcomer>>> = opened.collect();
    let greeted: Vec<bool> = newcomers.iter().map(|newcomer| matches!(newcomer, Some(Ok(_)))).collect();
    let usable =
        |(attached, greeted): (Option<Result<_>>, bool)| attached.map(|result| result.map_err(|error| Unusable { error, greeted }));
    welcome(hub, newcomers).into_iter().zip(greeted).map(usable).collect()
}

/// A domain, or why there is none.
pub(super) type Attached = std::result::Result<Arc<QemuDomain>, Unusable>;

/// Why a monitor is of no use.
pub(super) struct Unusable {
    pub error: Error,
    /// It greeted, and did not answer then.
    pub greeted: bool,
}

/// What is done with a new domain before anything is asked of its QEMU.
pub(super) type Prepare<'a> = Box<dyn FnOnce(&Arc<QemuDomain>) + 'a>;

/// Makes a domain of the monitor behind one socket.
pub(super) fn attach(hub: &Arc<Hub>, socket: &Path, prepare: Option<Prepare<'_>>) -> Result<Arc<QemuDomain>> {
    let handler = Arc::new(Handler::default());
    let monitor = Monitor::open(&hub.reactor, socket, handler.clone() as Arc<dyn MonitorHandler>, Limits::default())?;
    let newcomer = Newcomer { prepare, ..Newcomer::ask(socket, handler, monitor) };
    let attached = welcome(hub, vec![Some(Ok(newcomer))]).pop().flatten();
    attached.unwrap_or_else(|| Err(Error::internal(format!("nobody is behind '{}'", socket.display()))))
}

/// In each step all are asked before the first is waited for.
fn welcome(hub: &Arc<Hub>, newcomers: Vec<Option<Result<Newcomer<'_>>>>) -> Vec<Option<Result<Arc<QemuDomain>>>> {
    let deadline = Instant::now() + PATIENCE;
    let introduce = |newcomer: Result<Newcomer<'_>>| newcomer.and_then(|newcomer| newcomer.introduce(hub, deadline));
    let introduced: Vec<Option<_>> = newcomers.into_iter().map(|newcomer| newcomer.map(introduce)).collect();
    let deadline = Instant::now() + PATIENCE;
    let settle = |introduced: Result<(Arc<QemuDomain>, Questions)>| {
        let (domain, questions) = introduced?;
        domain.learned(&questions, deadline)?;
        Ok(domain)
    };
    introduced.into_iter().map(|introduced| introduced.map(settle)).collect()
}

/// A monitor that has been asked who it is.
struct Newcomer<'a> {
    socket: PathBuf,
    handler: Arc<Handler>,
    monitor: Arc<Monitor>,
    questions: Questions,
    answers: Arc<Mutex<HashMap<&'static str, Value>>>,
    prepare: Option<Prepare<'a>>,
}

impl<'a> Newcomer<'a> {
    fn ask(socket: &Path, handler: Arc<Handler>, monitor: Arc<Monitor>) -> Newcomer<'a> {
        let (questions, answers) = (Questions::default(), Arc::<Mutex<HashMap<&'static str, Value>>>::default());
        for command in ["query-uuid", "query-memory-size-summary", "query-cpus-fast", "query-kvm", "query-target"] {
            let answers = answers.clone();
            questions.ask(&monitor, command, move |reply| {
                answers.lock().insert(command, reply.clone());
            });
        }
        Newcomer { socket: socket.to_owned(), handler, monitor, questions, answers, prepare: None }
    }

    /// Makes a domain of it, and asks for everything that events will keep up to date from then on.
    fn introduce(self, hub: &Arc<Hub>, deadline: Instant) -> Result<(Arc<QemuDomain>, Questions)> {
        let name = socket_name(&self.socket);
        self.questions.wait(deadline).map_err(|error| about(&name, error))?;
        let answers = std::mem::take(&mut *self.answers.lock());
        let dir = self.socket.parent().unwrap_or(Path::new("/"));
        let records = Records::of_domain(dir, &name);
        let uuid = answers.get("query-uuid").and_then(|reply| Uuid::parse(text(reply, "UUID")?)).filter(|uuid| *uuid != Uuid::NIL);
        let written = definition_in(&records).filter(|def| def.uuid.is_some() && def.uuid == uuid);
        let ours = written.is_some();
        let uuid = uuid.unwrap_or_else(|| Uuid::derived(&self.socket.to_string_lossy()));
        let def = written.unwrap_or_else(|| describe(&name, uuid, &answers));
        let me = DomainRef { name, uuid, id: self.monitor.peer_pid().unwrap_or(0) };
        hub.await_calls(&me.name, deadline);
        let domain = Arc::new(QemuDomain::new(hub, me, records, Some(self.monitor), def, ours));
        let mut found = domain.records.load();
        domain.take_over(&mut found);
        domain.namesakes.lock().extend(ended_before(hub, dir, &domain.me.name, found));
        domain.take_over_course();
        if let Some(prepare) = self.prepare {
            prepare(&domain);
        }
        self.handler.link(&domain);
        let questions = domain.ask_everything()?;
        Ok((domain, questions))
    }
}

fn about(name: &str, error: CallError) -> Error {
    let error = Error::from(error);
    Error { detail: format!("domain '{name}': {}", error.detail), ..error }
}

fn definition_in(records: &Records) -> Option<DomainDef> {
    DomainDef::parse_live(&records.read_definition()?).ok()
}

/// The domains of a name that have ended and left these records: one QEMU after the other may have had the name.
pub(super) fn ended_before(hub: &Arc<Hub>, dir: &Path, name: &str, mut found: Found) -> Vec<Arc<QemuDomain>> {
    let mut domains = Vec::new();
    while !found.jobs.is_empty() {
        let records = Records::of_domain(dir, name);
        let latest = found.latest_domain();
        let written = definition_in(&records).filter(|def| def.uuid.is_some() && (latest.is_none() || def.uuid == latest));
        let uuid = written.as_ref().and_then(|def| def.uuid).or(latest);
        let uuid = uuid.unwrap_or_else(|| Uuid::derived(&records.socket().to_string_lossy()));
        let me = DomainRef { name: name.to_owned(), uuid, id: -1 };
        domains.push(QemuDomain::left_over(hub, records, me, written, &mut found));
    }
    domains
}

impl QemuDomain {
    fn new(hub: &Arc<Hub>, me: DomainRef, records: Records, monitor: Option<Arc<Monitor>>, def: DomainDef, ours: bool) -> QemuDomain {
        QemuDomain {
            hub: Arc::downgrade(hub),
            process: monitor.as_ref().and_then(|_| process_behind(me.id)),
            table: JobTable::new(POWERS),
            snapshots: Snapshots::load(records.directory(), me.uuid),
            records: records.named(me.uuid),
            inner: Mutex::new(Inner {
                state: DomainState::NoState,
                reason: 0,
                disks: Disks::from_definition(&def.disks, working_directory(me.id)),
                def,
                resume_reason: reason::RUNNING_UNPAUSED,
                shutdown_seen: false,
                reverting: false,
                destroying: false,
                leaving: None,
                handed_over: false,
                expects_migration: false,
                unborn: false,
                migrations: Migrations::default(),
                closing: None,
                completed: None,
                jobs_asked: Question::Idle,
                disks_asked: Question::Idle,
                asked_about: HashSet::new(),
            }),
            backups: Mutex::default(),
            modify: Mutex::new(()),
            resets: Mutex::new(()),
            ours,
            alive: AtomicBool::new(monitor.is_some()),
            occupants: AtomicUsize::new(0),
            left: AtomicBool::new(monitor.is_none()),
            namesakes: Mutex::default(),
            strays: Mutex::default(),
            monitor,
            me,
        }
    }

    /// A domain that has ended and left records of its jobs. Those that had not ended then, have with it.
    fn left_over(hub: &Arc<Hub>, records: Records, me: DomainRef, written: Option<DomainDef>, found: &mut Found) -> Arc<QemuDomain> {
        let ours = written.is_some();
        let def = written.unwrap_or_else(|| describe(&me.name, me.uuid, &HashMap::new()));
        let domain = Arc::new(QemuDomain::new(hub, me, records, None, def, ours));
        domain.inner.lock().enter(DomainState::Shutoff, reason::SHUTOFF_UNKNOWN);
        domain.take_over(found);
        domain.snapshots.clear();
        domain.observe(Observation::Gone { reason: "the domain ended while nobody was there to see it".to_owned() });
        domain
    }

    fn ask_everything(self: &Arc<Self>) -> Result<Questions> {
        let (questions, monitor) = (Questions::default(), self.monitor()?);
        let ask = |command: &'static str, see: fn(&Arc<QemuDomain>, &Value)| {
            let domain = Arc::downgrade(self);
            questions.ask(monitor, command, move |reply| {
                if let Some(domain) = domain.upgrade() {
                    see(&domain, reply);
                }
            });
        };
        // A storage daemon has no run state, and does not know the first of these.
        self.inner.lock().enter(DomainState::Running, reason::RUNNING_UNKNOWN);
        ask("query-status", |domain, reply| {
            let (state, why) = state_of(text(reply, "status").unwrap_or_default());
            let mut inner = domain.inner.lock();
            inner.enter(state, why);
            inner.expects_migration = text(reply, "status") == Some("inmigrate");
            if inner.expects_migration {
                inner.resume_reason = reason::RUNNING_MIGRATED;
            }
        });
        ask("query-block", |domain, reply| {
            let orphans = domain.inner.lock().disks.refresh(reply, None);
            domain.remove_nodes(&orphans);
            domain.restore_mirrors(false);
            domain.recall_snapshots();
        });
        ask("query-block-exports", |domain, reply| {
            let mut inner = domain.inner.lock();
            if inner.disks.list.is_empty() {
                inner.disks.refresh_exports(reply, None);
            }
            drop(inner);
            domain.restore_mirrors(false);
        });
        // Whoever starts a migration may not want to hear of it, but we do.
        self.post("migrate-set-capabilities", json!({ "capabilities": [{ "capability": "events", "state": true }] }), |_| {});
        ask("query-migrate", QemuDomain::see_first_migration);
        ask("query-dump", QemuDomain::see_first_dump);
        let (domain, asked) = (Arc::downgrade(self), self.table.read(Engine::moment));
        questions.ask(monitor, "query-jobs", move |reply| {
            if let Some(domain) = domain.upgrade() {
                // The disks are known by now, and no job has been taken leave of yet: what is restored later would stay.
                domain.restore_mirrors(true);
                domain.take_listing(asked, reply);
            }
        });
        Ok(questions)
    }

    /// Waits for the answers to [`ask_everything`](Self::ask_everything).
    fn learned(self: &Arc<Self>, questions: &Questions, deadline: Instant) -> Result<()> {
        questions.wait(deadline).map_err(|error| about(&self.me.name, error))?;
        self.drop_stale_mirrors();
        self.forget_unplugged();
        self.settle_adopted();
        if self.inner.lock().state == DomainState::Shutdown {
            // Its guest shut down while nobody was there.
            self.close_down();
        }
        Ok(())
    }

    /// Jobs that an earlier process started: the first listing tells what became of them.
    fn take_over(self: &Arc<Self>, found: &mut Found) {
        let (records, last_number) = (found.take(self.me.uuid), found.last_number);
        self.table.update(
            |engine, _| {
                engine.resume_numbers(last_number);
                for record in records {
                    let name = record.name.clone();
                    if !engine.adopt(record, now()) {
                        self.records.pass_over(&name);
                    }
                }
            },
            |_, _| {},
        );
        let owners: Vec<(String, String)> = self.table.read(|engine| {
            let mirrors = engine.iter().filter(|job| job.is_active() && job.kind().becomes_ready());
            mirrors.filter_map(|job: &Job| Some((job.disk()?.to_owned(), job.name().to_owned()))).collect()
        });
        self.take_over_backups();
        let mut inner = self.inner.lock();
        for (disk, job) in owners {
            inner.disks.claim_mirror(&disk, &job);
        }
    }

    /// Copies that an earlier process started, or was about to, and that no definition tells of.
    fn restore_mirrors(&self, detached: bool) {
        let copies: Vec<(String, DiskTarget, bool)> = self.table.read(|engine| {
            let running = engine.iter().filter(|job| job.is_active() && job.origin() == Origin::Own && job.kind() == JobType::BlockCopy);
            let with_target =
                |job: &Job| Some((job.name().to_owned(), job.config().targets.first()?.clone(), job.state() == JobState::Ready));
            running.filter_map(with_target).filter(|(_, target, _)| target.index > 0).collect()
        });
        let mut inner = self.inner.lock();
        for (job, target, ready) in &copies {
            inner.disks.restore_mirror(job, target, *ready, detached);
        }
    }

    /// Mirrors of a definition whose jobs are over: whoever wrote it did not come to remove them.
    fn drop_stale_mirrors(self: &Arc<Self>) {
        let active: HashSet<String> =
            self.table.read(|engine| engine.iter().filter(|job| job.is_active()).map(|job| job.name().to_owned()).collect());
        let orphans = self.inner.lock().disks.keep_mirrors(|owner| active.contains(owner));
        if let Some(orphans) = orphans {
            self.remove_nodes(&orphans);
            self.save_definition();
        }
    }

    /// Writes the definition with the disks as they are, mirrors included, for the next process. Disks that are kept for
    /// their jobs alone are in it, as their nodes are to be closed.
    pub(super) fn save_definition(&self) {
        if !self.ours {
            return;
        }
        self.records.store_definition(|| self.whole_definition().format(Some(self.me.id)));
        self.write_records();
    }
}

/// Where a process opens relative names; nothing if that cannot be told.
fn working_directory(id: i32) -> PathBuf {
    std::fs::read_link(format!("/proc/{id}/cwd")).unwrap_or_default()
}

/// The process behind a monitor. Not this one: whatever serves a monitor from in here is not to be ended by force.
fn process_behind(id: i32) -> Option<Process> {
    if u32::try_from(id) == Ok(std::process::id()) {
        return None;
    }
    Process::open(id).ok().flatten()
}

/// What a QEMU that somebody else started tells about itself.
fn describe(name: &str, uuid: Uuid, answers: &HashMap<&'static str, Value>) -> DomainDef {
    let answer = |command: &str| answers.get(command);
    let memory =
        answer("query-memory-size-summary").map_or(0, |reply| number(reply, "base-memory").saturating_add(number(reply, "plugged-memory")));
    let vcpus = answer("query-cpus-fast").and_then(|reply| reply.as_array().map(Vec::len)).unwrap_or(0);
    let kvm = answer("query-kvm").and_then(|reply| reply.get("enabled").and_then(Value::as_bool)).unwrap_or(false);
    let arch = answer("query-target").and_then(|reply| text(reply, "arch").map(str::to_owned)).unwrap_or_else(|| "x86_64".to_owned());
    DomainDef {
        kind: if kvm { "kvm" } else { "qemu" }.to_owned(),
        name: name.to_owned(),
        uuid: Some(uuid),
        memory_kib: memory / 1024,
        current_memory_kib: memory / 1024,
        // A storage daemon has none, which libvirt takes for a mistake.
        vcpus: u16::try_from(vcpus).unwrap_or(u16::MAX).max(1),
        os_type: "hvm".to_owned(),
        arch,
        // What QEMU does unless it is told otherwise.
        on_poweroff: "destroy".to_owned(),
        on_reboot: "restart".to_owned(),
        on_crash: "destroy".to_owned(),
        ..DomainDef::default()
    }
}

/// libvirt's state for QEMU's run state.
fn state_of(status: &str) -> (DomainState, i32) {
    match status {
        "running" => (DomainState::Running, reason::RUNNING_UNKNOWN),
        "paused" | "prelaunch" => (DomainState::Paused, reason::PAUSED_UNKNOWN),
        "io-error" => (DomainState::Paused, reason::PAUSED_IOERROR),
        "watchdog" => (DomainState::Paused, reason::PAUSED_WATCHDOG),
        "inmigrate" | "postmigrate" | "finish-migrate" | "colo" => (DomainState::Paused, reason::PAUSED_MIGRATION),
        "save-vm" => (DomainState::Paused, reason::PAUSED_SAVE),
        "restore-vm" => (DomainState::Paused, reason::PAUSED_FROM_SNAPSHOT),
        "shutdown" => (DomainState::Shutdown, reason::SHUTDOWN_UNKNOWN),
        "guest-panicked" => (DomainState::Crashed, reason::CRASHED_PANICKED),
        "suspended" => (DomainState::PmSuspended, 0),
        _ => (DomainState::NoState, 0),
    }
}
