//! Getting to know a QEMU: what it is, which disks and jobs it has, and what an earlier process wrote down about it.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{json, Value};

use super::clock::now;
use super::disks::Disks;
use super::domain::{Inner, QemuDomain, Question};
use super::events::Handler;
use super::hub::{socket_name, Hub};
use super::jobs::POWERS;
use super::monitor::{Limits, Monitor, MonitorHandler, OpenError};
use super::records::Records;
use super::translate::{number, text};
use crate::driver::table::JobTable;
use crate::job::Job;
use crate::model::domain::reason;
use crate::model::{DomainRef, DomainState, Error, Result, Uuid};
use crate::xml::domain::DomainDef;

/// Opens sockets side by side: one that does not answer costs all of them one time-out, not each its own.
///
/// `None` for a socket that nobody listens on: its QEMU is gone.
pub(super) fn attach_all<'a>(hub: &Arc<Hub>, sockets: impl Iterator<Item = &'a Path>) -> Vec<Option<Result<Arc<QemuDomain>>>> {
    let sockets: Vec<&Path> = sockets.collect();
    let handlers: Vec<Arc<Handler>> = sockets.iter().map(|_| Arc::new(Handler::default())).collect();
    let wanted =
        sockets.iter().zip(&handlers).map(|(path, handler)| (path.to_path_buf(), handler.clone() as Arc<dyn MonitorHandler>)).collect();
    let monitors = Monitor::open_many(&hub.reactor, wanted, Limits::default());
    let opened = sockets.iter().zip(handlers).zip(monitors);
    opened
        .map(|((path, handler), monitor)| match monitor {
            Ok(monitor) => Some(attach(hub, path, &handler, monitor)),
            Err(OpenError::Absent { .. }) => None,
            // A QEMU that is dying hangs up before it stops listening.
            Err(OpenError::NotQmp { .. }) if UnixStream::connect(path).is_err() => None,
            Err(error) => Some(Err(error.into())),
        })
        .collect()
}

/// Makes a domain of an open monitor.
pub(super) fn attach(hub: &Arc<Hub>, socket: &Path, handler: &Handler, monitor: Arc<Monitor>) -> Result<Arc<QemuDomain>> {
    let name = socket_name(socket);
    let dir = socket.parent().unwrap_or(Path::new("/"));
    let id = monitor.peer_pid().unwrap_or(0);
    let ask = |command: &str| monitor.call(command, json!({})).ok();
    let uuid = ask("query-uuid").as_ref().and_then(|reply| Uuid::parse(text(reply, "UUID")?)).filter(|uuid| *uuid != Uuid::NIL);
    let written = read_definition(dir, &name).filter(|def| def.uuid.is_some() && def.uuid == uuid);
    let ours = written.is_some();
    let uuid = uuid.unwrap_or_else(|| Uuid::derived(&socket.to_string_lossy()));
    let def = written.unwrap_or_else(|| describe(&name, uuid, &ask));
    let disks = Disks::from_definition(&def.disks);
    let me = DomainRef { name: name.clone(), uuid, id };
    let domain = Arc::new(QemuDomain {
        me,
        hub: Arc::downgrade(hub),
        monitor,
        table: JobTable::new(POWERS),
        records: Records::of_domain(dir, &name),
        inner: Mutex::new(Inner {
            state: DomainState::NoState,
            reason: 0,
            def,
            disks,
            resume_reason: reason::RUNNING_UNPAUSED,
            shutdown_seen: false,
            destroying: false,
            closing: None,
            jobs_asked: Question::Idle,
            disks_asked: Question::Idle,
        }),
        modify: Mutex::new(()),
        ours,
        alive: AtomicBool::new(true),
    });
    domain.take_over_records();
    handler.link(&domain);
    domain.learn()?;
    Ok(domain)
}

impl QemuDomain {
    /// Asks for everything that events will keep up to date from here on.
    fn learn(self: &Arc<Self>) -> Result<()> {
        let status = self.look("query-status", |domain, reply| {
            let (state, why) = state_of(text(reply, "status").unwrap_or_default());
            domain.inner.lock().enter(state, why);
        });
        if status.is_err() {
            // A storage daemon has no run state.
            self.inner.lock().enter(DomainState::Running, reason::RUNNING_UNKNOWN);
        }
        // Neither need be known; an emulator knows the first, a daemon the second.
        let _ = self.look("query-block", |domain, reply| {
            let orphans = domain.inner.lock().disks.refresh(reply, None);
            domain.remove_nodes(&orphans);
        });
        let _ = self.look("query-block-exports", |domain, reply| {
            let mut inner = domain.inner.lock();
            if inner.disks.list.is_empty() {
                inner.disks.refresh_exports(reply);
            }
        });
        self.refresh_jobs().map_err(|error| Error { detail: format!("domain '{}': {}", self.me.name, error.detail), ..error })?;
        if self.inner.lock().state == DomainState::Shutdown {
            // Its guest shut down while nobody was there.
            self.close_down();
        }
        Ok(())
    }

    /// Jobs that an earlier process started: the first listing tells what became of them.
    fn take_over_records(self: &Arc<Self>) {
        let (records, last) = self.records.load();
        self.table.update(
            |engine, _| {
                engine.resume_numbers(last);
                for record in records {
                    engine.adopt(record, now());
                }
            },
            |_, _| {},
        );
        let owners: Vec<(String, String)> = self.table.read(|engine| {
            let mirrors = engine.iter().filter(|job| job.is_active() && job.kind().becomes_ready());
            mirrors.filter_map(|job: &Job| Some((job.disk()?.to_owned(), job.name().to_owned()))).collect()
        });
        let mut inner = self.inner.lock();
        for (disk, job) in owners {
            inner.disks.claim_mirror(&disk, &job);
        }
    }

    /// Writes the definition with the disks as they are, mirrors included, for the next process.
    pub(super) fn save_definition(&self) {
        let Some(hub) = self.hub.upgrade().filter(|_| self.ours) else { return };
        let Ok(dir) = hub.directory() else { return };
        let text = self.live_definition().format(Some(self.me.id));
        if let Err(error) = super::create::write_definition(dir, &self.me.name, &text) {
            eprintln!("libvirt-jobs: cannot write the definition of domain '{}': {error}", self.me.name);
        }
    }
}

fn read_definition(dir: &Path, name: &str) -> Option<DomainDef> {
    let text = std::fs::read_to_string(super::create::definition_path(dir, name)).ok()?;
    DomainDef::parse_live(&text).ok()
}

/// What a QEMU that somebody else started tells about itself.
fn describe(name: &str, uuid: Uuid, ask: &dyn Fn(&str) -> Option<Value>) -> DomainDef {
    let memory = ask("query-memory-size-summary").map_or(0, |reply| number(&reply, "base-memory") + number(&reply, "plugged-memory"));
    let vcpus = ask("query-cpus-fast").and_then(|reply| reply.as_array().map(Vec::len)).unwrap_or(0);
    let kvm = ask("query-kvm").and_then(|reply| reply.get("enabled").and_then(Value::as_bool)).unwrap_or(false);
    let arch = ask("query-target").and_then(|reply| text(&reply, "arch").map(str::to_owned)).unwrap_or_else(|| "x86_64".to_owned());
    DomainDef {
        kind: if kvm { "kvm" } else { "qemu" }.to_owned(),
        name: name.to_owned(),
        uuid: Some(uuid),
        memory_kib: memory / 1024,
        current_memory_kib: memory / 1024,
        vcpus: u16::try_from(vcpus).unwrap_or(u16::MAX),
        os_type: "hvm".to_owned(),
        arch,
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
