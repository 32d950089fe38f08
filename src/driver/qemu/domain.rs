//! One running QEMU as a domain.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use serde_json::{json, Value};

use super::backup::Backups;
use super::clock::now;
use super::disks::{Disks, QemuDisk};
use super::hub::Hub;
use super::migration::Migrations;
use super::monitor::Monitor;
use super::pidfd::Process;
use super::process;
use super::records::Records;
use super::snapshots::Snapshots;
use crate::driver::question::Question;
use crate::driver::request::*;
use crate::driver::table::JobTable;
use crate::driver::{Domain, Jobs};
use crate::job::{Job, JobConfig};
use crate::model::event::{lifecycle, Event, Payload};
use crate::model::{code, ControlOp, DomainInfo, DomainRef, DomainState, Error, JobState, JobType, Result, TypedParam};
use crate::qmp::CallError;
use crate::xml::domain::DomainDef;

/// How long a call waits for its turn.
pub(super) const TURN: Duration = Duration::from_secs(30);

/// A QEMU, or a storage daemon, behind a monitor.
pub(super) struct QemuDomain {
    /// Name, UUID and process id.
    pub me: DomainRef,
    pub hub: Weak<Hub>,
    /// `None` for a domain that had ended before it was found: all that is left of it are its records.
    pub monitor: Option<Arc<Monitor>>,
    /// The process behind the monitor, if it can be told and ended.
    pub process: Option<Process>,
    pub table: JobTable,
    pub records: Records,
    pub inner: Mutex<Inner>,
    /// Taken for moments only, with no other lock taken inside.
    pub backups: Mutex<Backups>,
    /// See [`changing_disks`](QemuDomain::changing_disks).
    pub modify: Mutex<()>,
    /// See [`between_resets`](QemuDomain::between_resets).
    pub resets: Mutex<()>,
    /// We started it: it has a definition in DIR, and its nodes are ours.
    pub ours: bool,
    pub alive: AtomicBool,
    /// Domains that had its name before and left records, until the hub has taken them in.
    pub namesakes: Mutex<Vec<Arc<QemuDomain>>>,
    /// How many commands of ours QEMU has that it answers no others beside until they are done.
    pub occupants: AtomicUsize,
    pub snapshots: Snapshots,
    /// Nodes of ours that were in use when they were to be removed.
    pub strays: Mutex<Vec<String>>,
    /// Its end has been told, and what it left has been seen to.
    pub left: AtomicBool,
}

/// What changes while it runs.
pub(super) struct Inner {
    pub state: DomainState,
    pub reason: i32,
    pub def: DomainDef,
    pub disks: Disks,
    /// Why the guest will be running when RESUME comes.
    pub resume_reason: i32,
    pub shutdown_seen: bool,
    /// The domain is going back to a snapshot: that QEMU stops the guest and lets it go on is not to be told.
    pub reverting: bool,
    pub destroying: bool,
    /// QEMU is told to leave since a job is done with it: `virDomainShutoffReason` and the detail of the event.
    pub leaving: Option<(i32, i32)>,
    /// A migration gave its images away and a reset hid it: QEMU would die of another one before the guest has run again.
    pub handed_over: bool,
    /// It was started to wait for a migration, which has not come yet.
    pub expects_migration: bool,
    /// Its guest is still being read from an image: that it started has not been told, and its end will not be.
    pub unborn: bool,
    pub migrations: Migrations,
    /// Set once the guest has shut down: mirrors that are to end before QEMU is told to leave, by QEMU's ids.
    pub closing: Option<HashSet<String>>,
    /// What the older calls tell of the domain job that ended last: `virDomainJobType`, and its figures.
    pub completed: Option<(i32, Vec<TypedParam>)>,
    /// The questions for jobs and for disks that events give rise to.
    pub jobs_asked: Question,
    pub disks_asked: Question,
    /// Jobs of others, by their names, that were asked about.
    pub asked_about: HashSet<String>,
}

impl Inner {
    pub fn enter(&mut self, state: DomainState, reason: i32) {
        self.state = state;
        self.reason = reason;
    }

    /// What the jobs of the domain are told when it ends.
    pub fn end_reason(&self) -> &'static str {
        match self.leaving {
            _ if self.destroying => "the domain was destroyed",
            Some((_, lifecycle::STOPPED_SAVED)) => "the domain was saved",
            Some((_, lifecycle::STOPPED_MIGRATED)) => "the domain was migrated",
            Some(_) => "the domain was ended after its dump",
            None => "the domain was shut down",
        }
    }
}

impl QemuDomain {
    /// Sends a command and waits for its reply, at most as long as the monitor's limits say.
    pub fn call(&self, command: &str, arguments: Value) -> Result<Value> {
        Ok(self.monitor()?.call(command, arguments)?)
    }

    /// Asks a question about something that events tell, too: `see` gets the answer in its place among them, on whichever
    /// thread reads it.
    pub fn look(self: &Arc<Self>, command: &str, see: impl FnOnce(&Arc<QemuDomain>, &Value) + Send + 'static) -> Result<()> {
        let domain = Arc::downgrade(self);
        let first = move |reply: &Value| {
            if let Some(domain) = domain.upgrade() {
                see(&domain, reply);
            }
        };
        self.monitor()?.call_in_order(command, json!({}), Box::new(first))?;
        Ok(())
    }

    /// Sends a command; `on_reply` runs when the answer is read. A command that cannot even be queued needs no answer: its
    /// monitor is closed, which ends everything that waits for it, or has stopped listening so long ago that it is now.
    pub fn post(&self, command: &str, arguments: Value, on_reply: impl FnOnce(std::result::Result<Value, CallError>) + Send + 'static) {
        let Ok(monitor) = self.monitor() else { return };
        if monitor.post(command, arguments, Box::new(|_, reply| on_reply(reply))).is_err() {
            monitor.close();
        }
    }

    pub fn monitor(&self) -> std::result::Result<&Arc<Monitor>, CallError> {
        self.monitor.as_ref().ok_or_else(|| CallError::Closed("domain is not running".to_owned()))
    }

    /// Queues an event for every connection to this hub.
    pub fn emit(&self, payload: Payload) {
        if let Some(hub) = self.hub.upgrade() {
            hub.emit(&Event { domain: self.identity(), payload });
        }
    }

    /// Whether QEMU is busy with a command of ours, and answers no other until that is done.
    pub fn is_occupied(&self) -> bool {
        self.occupants.load(Ordering::Acquire) > 0
    }

    /// For the steps of a call that changes disks. Waits for others that do, like libvirt for half a minute at most.
    ///
    /// # Errors
    /// `OPERATION_TIMEOUT` if one of them takes longer.
    pub fn changing_disks(&self) -> Result<MutexGuard<'_, ()>> {
        let late =
            || Error::new(code::OPERATION_TIMEOUT, "cannot acquire state change lock: another call is changing the disks of the domain");
        self.modify.try_lock_for(TURN).ok_or_else(late)
    }

    /// # Errors
    /// `OPERATION_INVALID` if QEMU is gone.
    pub fn require_alive(&self) -> Result<()> {
        if self.alive.load(Ordering::Acquire) {
            Ok(())
        } else {
            Err(Error::invalid("domain is not running"))
        }
    }

    /// # Errors
    /// libvirt's code for a disk that has a block job of ours.
    pub(super) fn refuse_if_any_busy(&self) -> Result<()> {
        self.require_alive()?;
        let targets: Vec<String> = self.inner.lock().disks.list.iter().map(|disk| disk.front.target.clone()).collect();
        targets.iter().try_for_each(|target| self.refuse_if_busy(JobType::BlockPull, &JobConfig::on_disk(target), 0))
    }

    /// The definition with the disks as they are now.
    pub fn live_definition(&self) -> DomainDef {
        self.definition_with(|disk| disk.plugged)
    }

    /// The same with the disks that the guest has lost during their jobs.
    pub fn whole_definition(&self) -> DomainDef {
        self.definition_with(|disk| disk.plugged || !disk.links.is_empty())
    }

    fn definition_with(&self, wanted: impl Fn(&QemuDisk) -> bool) -> DomainDef {
        let inner = self.inner.lock();
        let disks = inner.disks.list.iter().filter(|disk| wanted(disk)).map(QemuDisk::describe).collect();
        DomainDef { disks, ..inner.def.clone() }
    }

    /// The same as a configuration: what was found below the image that it names is not part of it.
    pub fn inactive_definition(&self) -> DomainDef {
        let mut def = self.live_definition();
        def.disks.iter_mut().for_each(|disk| disk.probe_after = (disk.chain.len() > 1).then_some(1));
        def
    }
}

/// `VIR_DOMAIN_XML_INACTIVE`.
const XML_INACTIVE: u32 = 1 << 1;

/// The trait's receivers are plain references, the work needs to be shared with callbacks.
pub(super) struct Handle(pub Arc<QemuDomain>);

impl Jobs for Handle {
    fn list_jobs(&self, filter: ListFilter, sink: &mut dyn FnMut(&Job)) -> Result<()> {
        if filter.stats() && self.is_active() {
            self.0.refresh_jobs()?;
            self.0.refresh_course()?;
        }
        self.0.table.list(filter, sink);
        Ok(())
    }

    fn job_xml(&self, name: &str, with_stats: bool) -> Result<String> {
        let describe = || self.0.table.read(|engine| engine.get(name).map(|job| crate::xml::job::job_xml(job, now(), with_stats)));
        let missing = || Error::no_job(name);
        let running = self.0.table.read(|engine| engine.get(name).map(|job| !job.state().is_final() && !job.is_settling()));
        if !with_stats || !running.ok_or_else(missing)? || !self.is_active() {
            return describe().ok_or_else(missing);
        }
        // One that ends during the question and is not kept has left the list with its answer.
        match self.0.table.read(|engine| engine.get(name).is_none_or(Job::is_listed_by_hypervisor)) {
            true => self.0.refresh_jobs()?,
            false => self.0.refresh_course()?,
        }
        describe().ok_or_else(missing)
    }

    fn control_job(&self, name: &str, op: ControlOp) -> Result<()> {
        self.0.control(name, op)?;
        self.0.forget_if_empty();
        Ok(())
    }

    fn set_job_speed(&self, name: &str, bytes_per_s: u64) -> Result<()> {
        self.0.set_speed(name, bytes_per_s)
    }

    fn wait_job(&self, name: &str, states: u32, timeout: Option<Duration>) -> Result<Option<JobState>> {
        self.0.table.wait(name, states, timeout)
    }
}

impl Domain for Handle {
    fn identity(&self) -> DomainRef {
        self.0.identity()
    }

    fn state(&self) -> Result<(DomainState, i32)> {
        let inner = self.0.inner.lock();
        Ok((inner.state, inner.reason))
    }

    fn info(&self) -> Result<DomainInfo> {
        let inner = self.0.inner.lock();
        let cpu_time_ns = if self.is_active() { process::cpu_time_ns(self.0.me.id) } else { 0 };
        Ok(DomainInfo {
            state: inner.state,
            max_mem_kib: inner.def.memory_kib,
            memory_kib: inner.def.current_memory_kib,
            vcpus: inner.def.vcpus,
            cpu_time_ns,
        })
    }

    fn xml(&self, flags: u32) -> Result<String> {
        let live = self.is_active() && flags & XML_INACTIVE == 0;
        let def = if live { self.0.live_definition() } else { self.0.inactive_definition() };
        Ok(def.format(live.then_some(self.0.me.id)))
    }

    fn is_active(&self) -> bool {
        self.0.alive.load(Ordering::Acquire)
    }

    fn is_persistent(&self) -> bool {
        false
    }

    fn suspend(&self) -> Result<()> {
        self.0.suspend()
    }

    fn resume(&self) -> Result<()> {
        self.0.resume()
    }

    fn shutdown(&self, flags: u32) -> Result<()> {
        self.0.shutdown(flags)
    }

    fn reset(&self) -> Result<()> {
        self.0.reset()
    }

    fn destroy(&self, flags: u32) -> Result<()> {
        self.0.destroy(flags)
    }

    fn attach_device(&self, xml: &str, _flags: u32) -> Result<()> {
        self.0.attach_disk(xml)
    }

    fn detach_device(&self, xml: &str, _flags: u32) -> Result<()> {
        self.0.detach_disk(xml)
    }

    fn block_pull(&self, request: &BlockPull<'_>) -> Result<String> {
        self.0.block_pull(request)
    }

    fn block_copy(&self, request: &BlockCopy<'_>) -> Result<String> {
        self.0.block_copy(request)
    }

    fn block_commit(&self, request: &BlockCommit<'_>) -> Result<String> {
        self.0.block_commit(request)
    }

    fn backup_begin(&self, backup_xml: &str, checkpoint_xml: Option<&str>, flags: u32) -> Result<String> {
        self.0.begin_backup(backup_xml, checkpoint_xml, flags)
    }

    fn backup_xml(&self) -> Result<String> {
        self.0.running_backup()
    }

    fn job_info(&self) -> Result<DomainJobInfo> {
        self.0.domain_job_info()
    }

    fn job_stats(&self, completed: bool, keep: bool) -> Result<(i32, Vec<TypedParam>)> {
        self.0.domain_job_stats(completed, keep)
    }

    fn abort_job(&self, flags: u32) -> Result<()> {
        self.0.abort_domain_job(flags)
    }

    fn save(&self, request: &Save<'_>) -> Result<String> {
        self.0.save(request)
    }

    fn core_dump(&self, request: &CoreDump<'_>) -> Result<String> {
        self.0.core_dump(request)
    }

    fn migrate(&self, request: &Migrate<'_>) -> Result<String> {
        self.0.migrate(request)
    }

    fn migrate_set_max_speed(&self, mib_per_s: u64) -> Result<()> {
        self.0.set_migration_speed(mib_per_s)
    }

    fn migrate_get_max_speed(&self) -> Result<u64> {
        self.0.migration_speed()
    }

    fn migrate_set_max_downtime(&self, ms: u64) -> Result<()> {
        self.0.set_migration_downtime(ms)
    }

    fn migrate_start_postcopy(&self) -> Result<()> {
        self.0.start_postcopy()
    }

    fn migrate_get_max_downtime(&self) -> Result<u64> {
        self.0.migration_downtime()
    }

    fn snapshot_create(&self, xml: &str, flags: u32) -> Result<(String, String)> {
        self.0.snapshot_create(xml, flags)
    }

    fn snapshot_names(&self) -> Result<Vec<String>> {
        Ok(self.0.snapshots.names())
    }

    fn snapshot_current(&self) -> Result<Option<String>> {
        Ok(self.0.snapshots.current())
    }

    fn snapshot_parent(&self, name: &str) -> Result<Option<String>> {
        Ok(self.0.snapshots.find(name)?.parent)
    }

    fn snapshot_xml(&self, name: &str) -> Result<String> {
        self.0.snapshots.document(name)
    }

    fn snapshot_revert(&self, name: &str, flags: u32) -> Result<String> {
        self.0.snapshot_revert(name, flags)
    }

    fn snapshot_delete(&self, name: &str, flags: u32) -> Result<String> {
        self.0.snapshot_delete(name, flags)
    }

    fn block_info(&self, disk: &str) -> Result<BlockInfo> {
        self.0.block_info(disk)
    }

    fn refuse_if_busy(&self, disk: &str) -> Result<()> {
        let target = self.0.inner.lock().disks.find(disk)?.front.target.clone();
        self.0.refuse_if_busy(JobType::BlockPull, &JobConfig::on_disk(&target), 0)
    }

    fn block_job_info(&self, disk: &str) -> Result<Option<BlockJobInfo>> {
        self.0.older_info(disk)
    }

    fn block_job_abort(&self, disk: &str, pivot: bool, wait: bool) -> Result<()> {
        self.0.older_abort(disk, pivot, wait)
    }

    fn block_job_set_speed(&self, disk: &str, bytes_per_s: u64) -> Result<()> {
        self.0.older_set_speed(disk, bytes_per_s)
    }
}

impl QemuDomain {
    fn identity(&self) -> DomainRef {
        let id = if self.alive.load(Ordering::Acquire) { self.me.id } else { -1 };
        DomainRef { id, ..self.me.clone() }
    }
}
