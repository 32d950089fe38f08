//! The simulated hypervisor's side of a job: how it runs, how it ends, and what its success does to the domain.

use super::script::Action as FaultAction;
use super::script::Fault;
use super::sim::{Course, Happening, Reached, Stop};
use super::snapshot::Snapshot;
use super::vm::Locked;
use crate::driver::older;
use crate::job::{Action, DiskStats, HypStatus, JobConfig, Listed, MigrationStats, Observation, Outcome, Progress, StartRequest};
use crate::model::disk::{Image, Mirror, MirrorReady};
use crate::model::domain::reason;
use crate::model::event::{lifecycle, Payload};
use crate::model::{Error, JobType, Result};
use crate::xml::backup::BackupDef;

/// What a job's end does to the domain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Consequence {
    Nothing,
    /// These images leave the disk's chain: they were merged into another.
    Merge {
        disk: String,
        images: Vec<Image>,
    },
    /// The disk goes on with another chain.
    Switch {
        disk: String,
        chain: Vec<Image>,
    },
    /// The domain ends.
    Stop {
        why: &'static str,
        reason: i32,
        detail: i32,
    },
    /// The domain goes on elsewhere.
    Leave {
        undefine: bool,
    },
    /// The domain, which was waiting for its memory, runs; without success it ends.
    Wake {
        arrival: Arrival,
        paused: bool,
    },
    TakeSnapshot {
        snapshot: Box<Snapshot>,
        images: Vec<(String, Image)>,
        halt: bool,
    },
    Revert {
        snapshot: String,
        paused: bool,
    },
    DropSnapshots {
        names: Vec<String>,
    },
}

/// Where the memory of a domain came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arrival {
    Restored,
    Migrated,
}

/// The guest's memory on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct MemoryCourse {
    pub total: u64,
    /// Where each pass over it ends.
    pub passes: Vec<u64>,
    /// The pass that is going on, from 1; 0 before the first.
    pub pass: usize,
}

impl MemoryCourse {
    fn stats(&self, progress: Progress, speed: u64) -> MigrationStats {
        let pass_end = self.passes.get(self.pass.saturating_sub(1)).copied().unwrap_or(progress.end);
        MigrationStats {
            memory_total: self.total,
            memory_processed: progress.current,
            memory_remaining: pass_end.saturating_sub(progress.current),
            memory_rate: speed,
            pages_normal: progress.current / 4096,
            iteration: self.pass as u64,
            setup_ms: Some(0),
            downtime_ms: (progress.current == progress.end).then_some(0),
            ..MigrationStats::default()
        }
    }
}

/// A job that the simulated hypervisor has.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub kind: JobType,
    pub status: HypStatus,
    pub consequence: Consequence,
    /// Disks and their sizes.
    pub disks: Vec<(String, u64)>,
    /// Waits for a FINALIZE before it concludes.
    pub manual_finalize: bool,
    /// Stays after its end until a DISMISS.
    pub manual_dismiss: bool,
    pub memory: Option<MemoryCourse>,
    pub backup: Option<BackupDef>,
}

impl Task {
    pub fn new(kind: JobType, consequence: Consequence) -> Task {
        Task {
            kind,
            status: HypStatus::Running,
            consequence,
            disks: Vec::new(),
            manual_finalize: false,
            manual_dismiss: false,
            memory: None,
            backup: None,
        }
    }
}

/// A mirror and the job that writes it.
#[derive(Clone, Debug)]
pub(super) struct Mirroring {
    pub job: String,
    pub disk: String,
    pub mirror: Mirror,
}

/// How a job is to run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub task: Task,
    pub size: u64,
    pub stops: Vec<Stop>,
    pub endless: bool,
}

impl Plan {
    pub fn new(task: Task, size: u64) -> Plan {
        Plan { task, size, stops: Vec::new(), endless: false }
    }
}

impl Locked<'_> {
    /// Refuses what cannot run beside the jobs that are there.
    pub fn admit(&self, request: &StartRequest) -> Result<()> {
        self.vm.table.read(|engine| engine.admits(request))
    }

    /// Takes a name for a job.
    pub fn reserve(&mut self, request: StartRequest) -> Result<String> {
        Ok(self.change(|engine, now, out| engine.reserve(request, now, out))?.name)
    }

    /// Takes a name for a job and starts it.
    pub fn launch(&mut self, request: StartRequest, plan: Plan) -> Result<String> {
        let config = request.config.clone();
        let name = self.reserve(request)?;
        self.begin(&name, &config, plan);
        Ok(name)
    }

    /// Starts a job whose end a call will wait for.
    pub fn launch_awaited(&mut self, request: StartRequest, plan: Plan) -> Result<String> {
        let config = request.config.clone();
        let name = self.reserve(request)?;
        self.begin_awaited(&name, &config, plan);
        Ok(name)
    }

    pub fn begin_awaited(&mut self, name: &str, config: &JobConfig, plan: Plan) {
        self.inner.awaited.insert(name.to_owned(), None);
        self.begin(name, config, plan);
    }

    /// Lets the hypervisor start a job whose name was taken before.
    pub fn begin(&mut self, name: &str, config: &JobConfig, plan: Plan) {
        let now_ms = self.now().mono_ms;
        let kind = plan.task.kind;
        let mut stops = self.inner.script.stops(kind, &config.disks, plan.size);
        stops.extend(plan.stops);
        let speed = self.inner.script.speed;
        let course = Course { size: plan.size, from: 0, speed, limit: config.bandwidth, stops, endless: plan.endless };
        self.inner.sim.add(name, course, now_ms);
        self.inner.tasks.insert(name.to_owned(), plan.task);
        self.change(|engine, now, out| engine.started(name, now, out));
        self.show(name);
    }

    /// Tells the engine how a job stands.
    pub fn show(&mut self, id: &str) {
        self.show_ended(id, None);
    }

    fn show_ended(&mut self, id: &str, error: Option<String>) {
        let now_ms = self.now().mono_ms;
        let Some(task) = self.inner.tasks.get(id) else { return };
        let (kind, status) = (task.kind, task.status);
        let progress = self.progress(id, now_ms);
        self.detail(id, progress);
        self.observe(Observation::Shown(Listed { id: id.to_owned(), kind, status, progress, error }));
    }

    fn progress(&self, id: &str, now_ms: u64) -> Progress {
        let (current, end, limit) = self.inner.sim.position(id, now_ms).unwrap_or_default();
        Progress { current, end, speed: Some(limit) }
    }

    /// Brings the figures of one job, or of all that are on their way, up to date.
    pub fn refresh(&mut self, id: Option<&str>) {
        let now_ms = self.now().mono_ms;
        let ids: Vec<String> = match id {
            Some(id) => vec![id.to_owned()],
            None => self.inner.tasks.keys().cloned().collect(),
        };
        let ids = ids.into_iter().filter(|id| self.inner.tasks.get(id).is_some_and(|t| t.status != HypStatus::Concluded));
        let mut seen = Vec::new();
        for id in ids {
            let progress = self.progress(&id, now_ms);
            seen.extend(self.details(&id, progress));
            seen.push(Observation::Progress { id, progress });
        }
        self.change(|engine, now, out| seen.into_iter().for_each(|s| engine.observe(s, now, out)));
    }

    fn detail(&mut self, id: &str, progress: Progress) {
        for seen in self.details(id, progress) {
            self.observe(seen);
        }
    }

    /// What is known of a job beside its position.
    fn details(&self, id: &str, progress: Progress) -> Vec<Observation> {
        let Some(task) = self.inner.tasks.get(id) else { return Vec::new() };
        let mut seen = Vec::new();
        if task.disks.len() > 1 {
            seen.push(Observation::Disks { id: id.to_owned(), disks: spread(&task.disks, progress) });
        }
        if let Some(memory) = &task.memory {
            let stats = memory.stats(progress, self.inner.sim.rate(id));
            seen.push(Observation::Migration { id: id.to_owned(), stats });
        }
        seen
    }

    /// A job reached a stop on its way.
    pub fn happen(&mut self, reached: Reached) {
        let id = reached.id.as_str();
        match reached.what {
            Happening::Pass(pass) => self.pass(id, pass),
            // The fixture was checked when it was read; what a client has since taken away cannot be worked on.
            Happening::Appear(spec) => drop(self.appear(&spec)),
            Happening::Fault(fault) => self.fault(id, reached.at_ms, fault),
            Happening::End => self.arrived(id),
        }
    }

    /// A migration begins another pass over the memory.
    fn pass(&mut self, id: &str, pass: usize) {
        let Some(task) = self.inner.tasks.get_mut(id) else { return };
        if let Some(memory) = &mut task.memory {
            memory.pass = pass;
        }
        self.emit(Payload::MigrationIteration { iteration: i32::try_from(pass).unwrap_or(i32::MAX) });
    }

    /// A job has done all that was to do.
    fn arrived(&mut self, id: &str) {
        let Some(task) = self.inner.tasks.get_mut(id) else { return };
        if task.kind.becomes_ready() {
            task.status = HypStatus::Ready;
            self.set_mirror_ready(id, MirrorReady::Yes);
            self.show(id);
        } else if task.manual_finalize {
            task.status = HypStatus::Pending;
            self.show(id);
        } else {
            self.conclude(id, Outcome::Completed);
        }
    }

    fn fault(&mut self, id: &str, at_ms: u64, fault: Fault) {
        let Some(task) = self.inner.tasks.get_mut(id) else { return };
        match fault.action {
            FaultAction::Fail => {
                self.inner.sim.freeze(id, at_ms);
                self.conclude(id, Outcome::Failed(fault.error));
            }
            FaultAction::Stall => self.inner.sim.freeze(id, at_ms),
            FaultAction::Pause => {
                task.status = HypStatus::Paused;
                self.inner.sim.freeze(id, at_ms);
                self.show(id);
            }
            FaultAction::Unplug => {
                let disks: Vec<String> = task.disks.iter().map(|(disk, _)| disk.clone()).collect();
                if let Some(live) = &mut self.inner.live {
                    live.disks.retain(|disk| !disks.contains(&disk.target));
                }
            }
            FaultAction::Die => self.crash(&fault.error),
        }
    }

    /// A job ends at the hypervisor.
    pub fn conclude(&mut self, id: &str, outcome: Outcome) {
        let Some(task) = self.inner.tasks.get_mut(id) else { return };
        task.status = HypStatus::Concluded;
        let (kind, manual_dismiss) = (task.kind, task.manual_dismiss);
        let now_ms = self.now().mono_ms;
        self.inner.sim.finish(id, now_ms);
        let error = outcome.error().map(str::to_owned);
        self.observe(Observation::Outcome { id: id.to_owned(), kind: Some(kind), outcome: outcome.clone() });
        self.show_ended(id, error);
        // A job of ours has been settled and is gone by now.
        let Some(task) = self.inner.tasks.get_mut(id) else { return };
        let consequence = std::mem::replace(&mut task.consequence, Consequence::Nothing);
        if !manual_dismiss {
            self.inner.tasks.remove(id);
            self.inner.sim.remove(id);
            self.observe(Observation::Status { id: id.to_owned(), status: HypStatus::Null });
        }
        self.follow_up(consequence, &outcome);
    }

    /// Releases what a job of ours held, before its user hears of its end; and what follows from the end, after it.
    pub fn settle(&mut self, name: &str, id: &str, outcome: Outcome) {
        let task = self.inner.tasks.remove(id);
        self.inner.sim.remove(id);
        self.inner.mirrors.retain(|mirroring| mirroring.job != id);
        let consequence = task.map_or(Consequence::Nothing, |task| task.consequence);
        if outcome == Outcome::Completed {
            self.take_effect(&consequence);
        }
        if let Some(slot) = self.inner.awaited.get_mut(name) {
            *slot = Some(outcome.clone());
        }
        let now = self.now();
        let last = self.vm.table.read(|engine| {
            let job = engine.get(name)?;
            Some((older::type_of_end(job, &outcome), job.config().disks.len(), older::completed(job, &outcome, now)?))
        });
        if let Some((kind, disks, params)) = last {
            self.inner.completed = Some((kind, params.clone()));
            self.inner.last_words = Some((disks, params));
        }
        self.change(|engine, now, out| engine.settled(name, now, out));
        self.tell_last_words();
        self.follow_up(consequence, &outcome);
    }

    /// What changes with a success before its event goes out.
    fn take_effect(&mut self, consequence: &Consequence) {
        match consequence {
            Consequence::Merge { disk, images } => self.change_chain(disk, |chain| {
                // Jobs beside each other may have changed the chain since; what the guest writes to stays.
                let mut top = true;
                chain.retain(|image| std::mem::take(&mut top) || !images.contains(image));
            }),
            Consequence::Switch { disk, chain: new } => self.change_chain(disk, |chain| chain.clone_from(new)),
            Consequence::TakeSnapshot { snapshot, images, .. } => {
                for (disk, image) in images {
                    self.change_chain(disk, |chain| chain.insert(0, image.clone()));
                }
                self.inner.snapshots.add(snapshot);
            }
            Consequence::DropSnapshots { names } => self.inner.snapshots.drop_all(names),
            _ => {}
        }
    }

    /// What happens to the domain once the end of the job is known.
    fn follow_up(&mut self, consequence: Consequence, outcome: &Outcome) {
        let success = *outcome == Outcome::Completed;
        match consequence {
            Consequence::Wake { arrival, paused } => self.arrive(arrival, paused, success),
            Consequence::Stop { why, reason, detail } if success => self.stop(why, reason, detail),
            Consequence::Leave { undefine } if success => self.leave(undefine),
            Consequence::TakeSnapshot { halt: true, .. } if success => {
                self.stop("the domain was stopped for a snapshot", reason::SHUTOFF_FROM_SNAPSHOT, lifecycle::STOPPED_FROM_SNAPSHOT);
            }
            Consequence::Revert { snapshot, paused } if success => self.become_snapshot(&snapshot, paused),
            _ => {}
        }
    }

    /// Refuses what QEMU would refuse: there is nothing left to pause of a job that waits to be finalized.
    pub fn accept(&self, name: &str, action: &Action) -> Result<()> {
        match action {
            Action::Pause { id } if self.inner.tasks.get(id).is_some_and(|task| task.status == HypStatus::Pending) => {
                Err(Error::invalid(format!("cannot pause job '{name}': it waits to be finalized")))
            }
            _ => Ok(()),
        }
    }

    /// Does what the engine found a request to mean.
    pub fn carry_out(&mut self, action: Action) {
        let now_ms = self.now().mono_ms;
        match action {
            Action::Cancel { id, soft, .. } => self.conclude(&id, if soft { Outcome::Completed } else { Outcome::Aborted }),
            Action::Complete { id } | Action::Finalize { id } => self.conclude(&id, Outcome::Completed),
            Action::Pause { id } => {
                self.inner.sim.freeze(&id, now_ms);
                self.restate(&id, HypStatus::Paused, HypStatus::Standby);
            }
            Action::Resume { id } => {
                self.inner.sim.thaw(&id, now_ms);
                self.restate(&id, HypStatus::Running, HypStatus::Ready);
            }
            Action::Dismiss { id } => {
                self.inner.tasks.remove(&id);
                self.inner.sim.remove(&id);
                self.observe(Observation::Status { id, status: HypStatus::Null });
            }
            Action::Nothing => {}
        }
    }

    /// Gives a job the status that fits a mirror that is in step, or one that is not.
    fn restate(&mut self, id: &str, moving: HypStatus, in_step: HypStatus) {
        let Some(task) = self.inner.tasks.get_mut(id) else { return };
        task.status = if matches!(task.status, HypStatus::Ready | HypStatus::Standby) { in_step } else { moving };
        self.show(id);
    }

    fn set_mirror_ready(&mut self, id: &str, ready: MirrorReady) {
        for mirroring in self.inner.mirrors.iter_mut().filter(|m| m.job == id) {
            mirroring.mirror.ready = ready;
        }
    }
}

/// How far each disk of a job is: all of them advance together.
fn spread(disks: &[(String, u64)], progress: Progress) -> Vec<DiskStats> {
    let total: u128 = disks.iter().map(|(_, size)| u128::from(*size)).sum();
    let share = |size: u64| {
        let part = (u128::from(size) * u128::from(progress.current)).checked_div(total).unwrap_or(0);
        u64::try_from(part).unwrap_or(size).min(size)
    };
    disks.iter().map(|(disk, size)| DiskStats { disk: disk.clone(), current: share(*size), end: *size }).collect()
}
