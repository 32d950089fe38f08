//! Jobs that a fixture wants to be there: running, finished, or appearing later.

use super::chain::find_image;
use super::fixture::{disk_of, job_type, number, required, wrong};
use super::memory::Passes;
use super::script::At;
use super::sim::{Course, Happening, Stop};
use super::task::{Arrival, Consequence, Plan, Task};
use super::units;
use super::vm::Locked;
use crate::driver::request::{BlockCommit, BlockCopy, BlockPull, CopyDestination};
use crate::job::{Action, DiskTarget, HypStatus, JobConfig, JobRecord, JobStats, Listed, Observation, Outcome, Progress, StartRequest};
use crate::model::domain::reason;
use crate::model::event::lifecycle;
use crate::model::flags::{commit, copy, JOB_START_PARALLEL, JOB_START_PERSIST};
use crate::model::{DomainState, Error, JobState, JobType, Result};
use crate::xml::domain::check::{invalid_attribute, only, word};
use crate::xml::domain::DomainDef;
use crate::xml::reader::Element;

/// The most jobs that one element can stand for.
const MAX_COUNT: u64 = 100_000;

/// A job as a fixture describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct JobSpec {
    kind: JobType,
    /// The hypervisor's id of a job that somebody else started; ours has none.
    id: Option<String>,
    disks: Vec<String>,
    state: JobState,
    at: At,
    size: Option<u64>,
    bandwidth: u64,
    error: String,
    persist: bool,
    manual_finalize: bool,
    manual_dismiss: bool,
    target: Option<String>,
    top: Option<String>,
    base: Option<String>,
    start_ms: u64,
    count: u64,
}

const ATTRIBUTES: &[&str] = &[
    "type",
    "id",
    "disk",
    "state",
    "at",
    "size",
    "bandwidth",
    "error",
    "persist",
    "finalize",
    "dismiss",
    "target",
    "top",
    "base",
    "start",
    "count",
];

impl JobSpec {
    pub fn parse(element: &Element, def: &DomainDef) -> Result<JobSpec> {
        only(element, ATTRIBUTES, &["disk*"])?;
        let id = element.attr("id").map(str::to_owned);
        let name = required(element, "type")?;
        // A hypervisor of the future may have jobs that nobody knows today.
        let kind = match &id {
            Some(_) => job_type(element, name).unwrap_or(JobType::Other),
            None => job_type(element, name)?,
        };
        let mut disks: Vec<String> = element.attr("disk").map(|_| disk_of(element, "disk", def)).transpose()?.into_iter().collect();
        for disk in element.children_named("disk") {
            only(disk, &["name"], &[])?;
            disks.push(disk_of(disk, "name", def)?);
        }
        let spec = JobSpec {
            kind,
            id,
            disks,
            state: state(element)?,
            at: units::position(element.attr("at").unwrap_or("0%"), element)?,
            size: element.attr("size").map(|text| units::size(text, element)).transpose()?,
            bandwidth: element.attr("bandwidth").map_or(Ok(0), |text| units::size(text, element))?,
            error: element.attr("error").unwrap_or("Input/output error").to_owned(),
            persist: word(element, "persist", &["yes", "no"])?.is_some_and(|answer| answer == "yes"),
            manual_finalize: by_hand(element, "finalize")?,
            manual_dismiss: by_hand(element, "dismiss")?,
            target: element.attr("target").map(str::to_owned),
            top: element.attr("top").map(str::to_owned),
            base: element.attr("base").map(str::to_owned),
            start_ms: element.attr("start").map_or(Ok(0), |text| units::duration(text, element))?,
            count: element.attr("count").map_or(Ok(1), |text| number(element, "count", text))?,
        };
        spec.check(element)?;
        Ok(spec)
    }

    /// Rules that need more than one attribute.
    fn check(&self, element: &Element) -> Result<()> {
        let refuse = |why: &str| Err(wrong(element, why));
        if self.count == 0 || self.count > MAX_COUNT {
            return refuse("'count' is not from 1 to 100000");
        }
        if self.id.as_ref().is_some_and(|id| id.is_empty() || (self.count > 1 && !id.contains("%n"))) {
            return refuse("an id must not be empty, and with 'count' must contain %n");
        }
        if self.id.is_none() && (self.manual_finalize || self.manual_dismiss) {
            return refuse("only a job with an id can have 'finalize' or 'dismiss'");
        }
        if self.id.is_some() && self.persist {
            return refuse("only a job without an id can have 'persist'");
        }
        if element.attr("error").is_some() && self.state != JobState::Failed {
            return refuse("only a failed job has an error");
        }
        if self.state == JobState::Ready && !self.kind.becomes_ready() && !self.manual_finalize {
            return refuse("a job of this type is never ready");
        }
        if self.state == JobState::Paused && !self.kind.is_block() && self.kind != JobType::Other {
            return refuse("a job of this type cannot be paused");
        }
        if self.disks.is_empty() && self.kind.is_block() && self.id.is_none() && self.kind != JobType::BlockCreate {
            return refuse("a block job needs a disk");
        }
        if self.size.is_some()
            && self.id.is_none()
            && self.kind.is_block()
            && !matches!(self.kind, JobType::BlockCreate | JobType::BlockAmend)
        {
            return refuse("the size of a job on disks is that of the disks");
        }
        if self.kind == JobType::BlockCopy && self.id.is_none() && self.target.is_none() && !self.state.is_final() {
            return refuse("a copy needs a target");
        }
        if self.start_ms > 0 && self.state.is_final() {
            return refuse("a job that has ended cannot appear later");
        }
        Ok(())
    }

    fn config(&self) -> JobConfig {
        let target = |path: &String| DiskTarget { path: path.clone(), kind: "file".to_owned(), ..DiskTarget::default() };
        JobConfig {
            disks: self.disks.clone(),
            top: self.top.clone(),
            base: self.base.clone(),
            targets: self.target.iter().map(target).collect(),
            bandwidth: self.bandwidth,
            ..JobConfig::default()
        }
    }

    fn flags(&self) -> u32 {
        JOB_START_PARALLEL | if self.persist { JOB_START_PERSIST } else { 0 }
    }
}

fn state(element: &Element) -> Result<JobState> {
    let name = element.attr("state").unwrap_or("running");
    let state = JobState::from_name(name).filter(|state| *state != JobState::None);
    state.ok_or_else(|| invalid_attribute(element, "state", name))
}

fn by_hand(element: &Element, attribute: &str) -> Result<bool> {
    Ok(word(element, attribute, &["auto", "manual"])?.is_some_and(|answer| answer == "manual"))
}

impl Locked<'_> {
    /// Lets the jobs of a fixture's element be there, or appear when it is time.
    pub fn stage(&mut self, spec: &JobSpec) -> Result<()> {
        let finished_here = spec.state.is_final() && spec.id.is_none();
        if !self.is_active() && !finished_here {
            return Err(Error::xml(format!("domain '{}' is off and cannot have a running job of type '{}'", self.vm.name, spec.kind)));
        }
        if spec.start_ms == 0 {
            return self.appear(spec);
        }
        if let Some(disk) = spec.disks.first() {
            let disk = self.disk(disk)?;
            [&spec.top, &spec.base].into_iter().flatten().try_for_each(|name| find_image(&disk, name, 0).map(drop))?;
        }
        // A moment in time is the end of a way of one byte per millisecond.
        let appear = Stop { at: spec.start_ms, what: Happening::Appear(Box::new(spec.clone())) };
        let course = Course { size: spec.start_ms, from: 0, speed: 1000, limit: 0, stops: vec![appear], endless: true };
        let now_ms = self.now().mono_ms;
        self.inner.later += 1;
        let id = format!("\0{}", self.inner.later);
        self.inner.sim.add(&id, course, now_ms);
        Ok(())
    }

    pub fn appear(&mut self, spec: &JobSpec) -> Result<()> {
        for n in 1..=spec.count {
            match &spec.id {
                Some(id) => self.appear_foreign(spec, &id.replace("%n", &n.to_string())),
                None if spec.state.is_final() => self.appear_finished(spec),
                None => self.appear_own(spec)?,
            }
        }
        Ok(())
    }

    /// A job of ours that ended before.
    fn appear_finished(&mut self, spec: &JobSpec) {
        let now = self.now();
        let number = self.vm.table.read(|engine| engine.last_number()) + 1;
        let name = match spec.disks.as_slice() {
            [disk] => format!("{}-{disk}-{number}", spec.kind),
            _ => format!("{}-{number}", spec.kind),
        };
        let size = self.size_of(spec);
        let (outcome, current) = match spec.state {
            JobState::Completed => (Outcome::Completed, size),
            JobState::Aborted => (Outcome::Aborted, spec.at.position(size)),
            _ => (Outcome::Failed(spec.error.clone()), spec.at.position(size)),
        };
        let mut stats = JobStats::default();
        (stats.current, stats.end) = (current, size);
        let record = JobRecord {
            id: name.clone(),
            name,
            kind: spec.kind.as_str().to_owned(),
            persist: true,
            listed: true,
            config: spec.config(),
            stats,
            ending: None,
            outcome: Some(outcome),
            settled: true,
            started: now.wall_ms,
            finished: Some(now.wall_ms),
        };
        self.change(|engine, now, _| engine.adopt(record, now));
    }

    /// A job of ours that is on its way, started as its call would have.
    fn appear_own(&mut self, spec: &JobSpec) -> Result<()> {
        let (top, base) = (spec.top.as_deref(), spec.base.as_deref());
        let disk = spec.disks.first().map(String::as_str).unwrap_or_default();
        let (bandwidth, flags) = (spec.bandwidth, spec.flags());
        let name = match (spec.kind, &spec.target) {
            (JobType::BlockPull, _) => self.start_pull(&BlockPull { disk, base, bandwidth, flags })?,
            (JobType::BlockCopy, Some(path)) => {
                let destination = CopyDestination::Path { path, raw: false, block: false };
                let flags = flags | copy::REUSE_EXT;
                self.start_copy(&BlockCopy { disk, destination, bandwidth, granularity: 0, buf_size: 0, flags })?
            }
            (JobType::BlockCommit, _) => self.start_commit(&BlockCommit { disk, base, top, bandwidth, flags })?,
            (JobType::BlockCommitActive, _) => {
                self.start_commit(&BlockCommit { disk, base, top, bandwidth, flags: flags | commit::ACTIVE })?
            }
            _ => {
                let plan = self.staged_plan(spec);
                self.launch(StartRequest::new(spec.kind, spec.config()).with_flags(flags), plan)?
            }
        };
        self.advance_to(&name, spec);
        Ok(())
    }

    /// A job that somebody else started.
    fn appear_foreign(&mut self, spec: &JobSpec, id: &str) {
        let now_ms = self.now().mono_ms;
        let mut plan = self.staged_plan(spec);
        plan.task.manual_finalize = spec.manual_finalize;
        plan.task.manual_dismiss = spec.manual_dismiss;
        let stops = self.inner.script.stops(spec.kind, &spec.disks, plan.size);
        let speed = self.inner.script.speed;
        let course = Course { size: plan.size, from: 0, speed, limit: spec.bandwidth, stops, endless: false };
        self.inner.sim.add(id, course, now_ms);
        self.inner.tasks.insert(id.to_owned(), plan.task);
        let progress = Progress { current: 0, end: self.size_of(spec), speed: Some(spec.bandwidth) };
        let listed = Listed { id: id.to_owned(), kind: spec.kind, status: HypStatus::Running, progress, error: None };
        self.observe(Observation::Shown(listed));
        let config = spec.config();
        let name = self.vm.table.read(|engine| engine.by_hypervisor_id(id).map(|job| job.name().to_owned()));
        if let Some(name) = name {
            self.change(|engine, _, out| engine.describe(&name, |known| *known = config, out));
        }
        self.advance_to(id, spec);
    }

    /// Brings a job that has begun to where the fixture wants it.
    fn advance_to(&mut self, id: &str, spec: &JobSpec) {
        let now_ms = self.now().mono_ms;
        let size = self.inner.sim.position(id, now_ms).map_or(0, |(_, size, _)| size);
        let at = if spec.state == JobState::Ready { size } else { spec.at.position(size) };
        self.inner.sim.seek(id, at, now_ms);
        match spec.state {
            JobState::Ready => self.catch_up(),
            JobState::Paused => self.carry_out(Action::Pause { id: id.to_owned() }),
            JobState::Completed => self.conclude(id, Outcome::Completed),
            JobState::Aborted => self.conclude(id, Outcome::Aborted),
            JobState::Failed => self.conclude(id, Outcome::Failed(spec.error.clone())),
            JobState::Running | JobState::None => self.show(id),
        }
    }

    fn size_of(&self, spec: &JobSpec) -> u64 {
        let script = &self.inner.script;
        spec.size.unwrap_or_else(|| match spec.disks.as_slice() {
            [] => script.memory,
            disks => disks.iter().fold(0, |sum: u64, disk| sum.saturating_add(script.size_of(disk))),
        })
    }

    /// A job of a kind whose success changes no chain.
    fn staged_plan(&mut self, spec: &JobSpec) -> Plan {
        let size = self.size_of(spec);
        let (end, passes) = match spec.kind {
            JobType::Save => (stop("the domain was saved", reason::SHUTOFF_SAVED, lifecycle::STOPPED_SAVED), Passes::Still),
            JobType::Migration => (Consequence::Leave { undefine: false }, Passes::Live),
            JobType::MigrationIn => {
                self.enter(DomainState::Paused, reason::PAUSED_MIGRATION);
                (Consequence::Wake { arrival: Arrival::Migrated, paused: false }, Passes::Unseen)
            }
            JobType::Restore => {
                self.enter(DomainState::Paused, reason::PAUSED_STARTING_UP);
                (Consequence::Wake { arrival: Arrival::Restored, paused: false }, Passes::Unseen)
            }
            JobType::Dump => (Consequence::Nothing, Passes::Still),
            _ => {
                let mut task = Task::new(spec.kind, Consequence::Nothing);
                task.disks = spec.disks.iter().map(|disk| (disk.clone(), self.inner.script.size_of(disk))).collect();
                return Plan::new(task, size);
            }
        };
        self.memory_plan(spec.kind, end, passes, size)
    }
}

fn stop(why: &'static str, reason: i32, detail: i32) -> Consequence {
    Consequence::Stop { why, reason, detail }
}
