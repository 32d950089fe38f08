//! Jobs that move the guest's memory: save, restore, dump and migration. The calls return when the job has ended.

use std::sync::Arc;

use super::block::words;
use super::image;
use super::sim::{Happening, Stop};
use super::task::{Arrival, Consequence, MemoryCourse, Plan, Task};
use super::vm::{Locked, Vm};
use super::world::World;
use crate::driver::older::operation_name;
use crate::driver::request::{CoreDump, Migrate, Restore, Save};
use crate::driver::{Domain, Key};
use crate::job::{JobConfig, Origin, Outcome, StartRequest};
use crate::model::domain::reason;
use crate::model::event::lifecycle;
use crate::model::flags::{JOB_START_MASK, JOB_START_PARALLEL};
use crate::model::{code, from, DomainState, Error, JobType, Result, Uuid};
use crate::xml::domain::DomainDef;

/// `virDomainSaveRestoreFlags`.
const SAVE_RUNNING: u32 = 1 << 1;
const SAVE_PAUSED: u32 = 1 << 2;
const SAVE_ALL: u32 = (1 << 3) - 1;

/// `virDomainCoreDumpFlags`.
const DUMP_CRASH: u32 = 1 << 0;
const DUMP_LIVE: u32 = 1 << 1;
const DUMP_RESET: u32 = 1 << 3;
const DUMP_MEMORY_ONLY: u32 = 1 << 4;
const DUMP_ALL: u32 = (1 << 5) - 1;

/// `virDomainMigrateFlags` of a migration that copies the domain itself, by the hypervisor's own means.
mod migrate {
    pub const LIVE: u32 = 1 << 0;
    pub const PEER2PEER: u32 = 1 << 1;
    pub const TUNNELLED: u32 = 1 << 2;
    pub const UNDEFINE_SOURCE: u32 = 1 << 4;
    pub const NON_SHARED_DISK: u32 = 1 << 6;
    pub const NON_SHARED_INC: u32 = 1 << 7;
}

impl Vm {
    pub fn save(&self, request: &Save<'_>) -> Result<String> {
        super::check_flags(request.flags & !JOB_START_MASK, SAVE_ALL, "virDomainSaveFlags")?;
        no_other_xml(request.xml)?;
        let mut vm = self.lock();
        let id = vm.inner.id;
        let xml = vm.live()?.format(Some(id));
        vm.no_block_jobs(request.flags)?;
        let config = JobConfig { file: Some(request.file.to_owned()), ..JobConfig::default() };
        let start = StartRequest::new(JobType::Save, config).with_flags(request.flags);
        vm.admit(&start)?;
        image::write_save(&self.name, request.file, &xml)?;
        let stop = Consequence::Stop { why: "the domain was saved", reason: reason::SHUTOFF_SAVED, detail: lifecycle::STOPPED_SAVED };
        let plan = vm.whole_memory_plan(JobType::Save, stop, Passes::Still);
        self.run(vm, start, plan).inspect_err(|_| image::discard(request.file))
    }

    pub fn dump(&self, request: &CoreDump<'_>) -> Result<String> {
        super::check_flags(request.flags & !JOB_START_MASK, DUMP_ALL, "virDomainCoreDumpWithFormat")?;
        if request.format != 0 {
            return Err(Error::unsupported("kdump-compressed format is not supported here"));
        }
        let mut vm = self.lock();
        vm.live()?;
        let options = [(DUMP_CRASH, "crash"), (DUMP_LIVE, "live"), (DUMP_RESET, "reset"), (DUMP_MEMORY_ONLY, "memory-only")];
        let config = JobConfig { file: Some(request.file.to_owned()), options: words(request.flags, &options), ..JobConfig::default() };
        let start = StartRequest::new(JobType::Dump, config).with_flags(request.flags);
        vm.admit(&start)?;
        image::write_dump(&self.name, request.file)?;
        let end = if request.flags & DUMP_CRASH != 0 {
            let why = "the domain was stopped after its dump";
            Consequence::Stop { why, reason: reason::SHUTOFF_CRASHED, detail: lifecycle::STOPPED_CRASHED }
        } else {
            Consequence::Nothing
        };
        let passes = if request.flags & DUMP_MEMORY_ONLY != 0 { Passes::Unseen } else { Passes::Still };
        let plan = vm.whole_memory_plan(JobType::Dump, end, passes);
        self.run(vm, start, plan).inspect_err(|_| image::discard(request.file))
    }

    pub fn migrate(&self, request: &Migrate<'_>) -> Result<String> {
        let elsewhere = migrate::PEER2PEER | migrate::TUNNELLED | migrate::NON_SHARED_DISK | migrate::NON_SHARED_INC;
        if request.flags & elsewhere != 0 {
            let detail = "only direct migration without storage can be simulated";
            return Err(Error::new(code::ARGUMENT_UNSUPPORTED, detail));
        }
        no_other_xml(request.xml)?;
        if !request.uri.split_once(':').is_some_and(|(scheme, rest)| matches!(scheme, "tcp" | "unix") && !rest.is_empty()) {
            return Err(Error::invalid_arg(format!("migration URI '{}' is not of the form tcp:HOST:PORT or unix:PATH", request.uri)));
        }
        let mut vm = self.lock();
        vm.live()?;
        vm.no_block_jobs(request.flags)?;
        let bandwidth = match request.bandwidth {
            0 => vm.inner.migration_speed,
            mib => mib.saturating_mul(1 << 20),
        };
        let options = words(request.flags, &[(migrate::LIVE, "live"), (migrate::UNDEFINE_SOURCE, "undefine-source")]);
        let config = JobConfig { uri: Some(request.uri.to_owned()), bandwidth, options, ..JobConfig::default() };
        let start = StartRequest::new(JobType::Migration, config).with_flags(request.flags);
        let leave = Consequence::Leave { undefine: request.flags & migrate::UNDEFINE_SOURCE != 0 };
        let passes = if request.flags & migrate::LIVE != 0 { Passes::Live } else { Passes::Still };
        let plan = vm.whole_memory_plan(JobType::Migration, leave, passes);
        self.run(vm, start, plan)
    }

    /// The limit of the migration that is going on, and of those to come.
    pub fn set_migration_speed(&self, mib_per_s: u64) -> Result<()> {
        let bytes = mib_per_s
            .checked_mul(1 << 20)
            .ok_or_else(|| Error::new(code::OVERFLOW, format!("bandwidth must be less than {}", (u64::MAX >> 20) + 1)))?;
        let mut vm = self.lock();
        vm.live()?;
        vm.inner.migration_speed = bytes;
        let running = self
            .table
            .read(|engine| engine.iter().find(|job| job.kind() == JobType::Migration && job.is_active()).map(|job| job.name().to_owned()));
        drop(vm);
        running.map_or(Ok(()), |name| self.set_speed(&name, bytes))
    }

    /// The limit of migrations in MiB per second; where there is none, the largest that can be said, as in libvirt.
    pub fn migration_speed(&self) -> Result<u64> {
        let mut vm = self.lock();
        vm.live()?;
        Ok(match vm.inner.migration_speed {
            0 => i64::MAX as u64 >> 20,
            bytes => bytes >> 20,
        })
    }

    /// Starts a job and waits for its end.
    pub fn run(&self, mut vm: Locked<'_>, request: StartRequest, plan: Plan) -> Result<String> {
        let kind = request.kind;
        let name = vm.launch_awaited(request, plan)?;
        drop(vm);
        self.end_of(&name, kind)?;
        Ok(name)
    }

    /// Waits for the end of a job, and turns one without success into libvirt's error.
    pub fn end_of(&self, name: &str, kind: JobType) -> Result<()> {
        let what = operation_name(kind);
        match self.await_end(name) {
            Outcome::Completed => Ok(()),
            Outcome::Aborted => Err(Error::new(code::OPERATION_ABORTED, format!("job '{what}' canceled by client"))),
            Outcome::Failed(why) => Err(Error::failed(format!("job '{what}' failed: {why}"))),
        }
    }
}

/// Brings a domain back from the file of a save.
pub(super) fn restore(world: &Arc<World>, request: &Restore<'_>) -> Result<(Uuid, String)> {
    super::check_flags(request.flags & !JOB_START_MASK, SAVE_ALL, "virDomainRestoreFlags")?;
    no_other_xml(request.xml)?;
    let def = DomainDef::parse_live(&image::read_save(request.file)?)?;
    let vm = match world.find(Key::Uuid(def.uuid.unwrap_or_default())) {
        Ok(vm) => vm,
        Err(_) => world.add(&def, world.defaults.clone())?,
    };
    let mut locked = vm.lock();
    if locked.is_active() {
        return Err(Error::invalid(format!("domain '{}' is already active", def.name)).raised_by(from::DOMAIN));
    }
    locked.run(def, reason::PAUSED_STARTING_UP);
    locked.enter(DomainState::Paused, reason::PAUSED_STARTING_UP);
    let config = JobConfig { file: Some(request.file.to_owned()), ..JobConfig::default() };
    let start = StartRequest::new(JobType::Restore, config).with_flags(request.flags);
    let paused = request.flags & (SAVE_PAUSED | SAVE_RUNNING) == SAVE_PAUSED;
    let wake = Consequence::Wake { arrival: Arrival::Restored, paused };
    let plan = locked.whole_memory_plan(JobType::Restore, wake, Passes::Unseen);
    let name = vm.run(locked, start, plan)?;
    Ok((vm.identity().uuid, name))
}

fn no_other_xml(xml: Option<&str>) -> Result<()> {
    match xml {
        Some(_) => Err(Error::new(code::ARGUMENT_UNSUPPORTED, "xml modification unsupported")),
        None => Ok(()),
    }
}

/// How often a job goes over the memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Passes {
    /// Once, and nobody is told.
    Unseen,
    /// Once, then to see that nothing has changed.
    Still,
    /// Several times, for what the guest changes meanwhile.
    Live,
}

impl Locked<'_> {
    /// A job that moves the guest's memory: all of it, if nothing else is said.
    pub fn whole_memory_plan(&self, kind: JobType, consequence: Consequence, passes: Passes) -> Plan {
        self.memory_plan(kind, consequence, passes, self.inner.script.memory)
    }

    /// A job that moves so much of the guest's memory.
    pub fn memory_plan(&self, kind: JobType, consequence: Consequence, passes: Passes, total: u64) -> Plan {
        let lengths = match passes {
            Passes::Unseen => vec![],
            Passes::Still => vec![total, 0],
            Passes::Live => vec![total, total / 8, total / 64],
        };
        let mut starts = Vec::new();
        let mut ends = Vec::new();
        let mut at = 0u64;
        for length in lengths {
            starts.push(at);
            at = at.saturating_add(length);
            ends.push(at);
        }
        let size = ends.last().copied().unwrap_or(total);
        let mut task = Task::new(kind, consequence);
        task.memory = Some(MemoryCourse { total, passes: ends, pass: 0 });
        let stops = starts.into_iter().zip(1..).map(|(at, pass)| Stop { at, what: Happening::Pass(pass) }).collect();
        Plan { stops, ..Plan::new(task, size) }
    }

    /// libvirt saves and migrates no domain that has block jobs.
    fn no_block_jobs(&self, flags: u32) -> Result<()> {
        if flags & JOB_START_PARALLEL != 0 {
            return Ok(());
        }
        let busy = self.vm.table.read(|engine| {
            engine
                .iter()
                .find(|job| job.is_active() && job.kind().is_block() && job.origin() == Origin::Own)
                .map(|job| job.name().to_owned())
        });
        busy.map_or(Ok(()), |name| Err(Error::invalid(format!("domain has active block job '{name}'"))))
    }

    /// The memory is there, or will never be.
    pub fn arrive(&mut self, arrival: Arrival, paused: bool, success: bool) {
        if !success {
            self.halt("the domain could not be started", reason::SHUTOFF_FAILED);
            return self.forget_transient();
        }
        match arrival {
            Arrival::Restored => {
                self.enter(DomainState::Running, reason::RUNNING_RESTORED);
                self.lifecycle(lifecycle::STARTED, lifecycle::STARTED_RESTORED);
            }
            Arrival::Migrated => {
                self.lifecycle(lifecycle::STARTED, lifecycle::STARTED_MIGRATED);
                self.enter(DomainState::Running, reason::RUNNING_MIGRATED);
                self.lifecycle(lifecycle::RESUMED, lifecycle::RESUMED_MIGRATED);
            }
        }
        if paused {
            self.enter(DomainState::Paused, reason::PAUSED_USER);
            self.lifecycle(lifecycle::SUSPENDED, lifecycle::SUSPENDED_RESTORED);
        }
    }

    /// The domain has gone to another host.
    pub fn leave(&mut self, undefine: bool) {
        self.enter(DomainState::Paused, reason::PAUSED_MIGRATION);
        self.lifecycle(lifecycle::SUSPENDED, lifecycle::SUSPENDED_MIGRATED);
        let undefined = undefine && self.inner.persistent.take().is_some();
        self.stop("the domain was migrated", reason::SHUTOFF_MIGRATED, lifecycle::STOPPED_MIGRATED);
        if undefined {
            self.lifecycle(lifecycle::UNDEFINED, 0);
        }
    }
}
