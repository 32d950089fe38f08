//! The simulated hypervisor's side of a job: how it runs, how it ends, and what its success does to the domain.

use super::script::Action as FaultAction;
use super::script::Fault;
use super::sim::{Course, Happening, Reached, Stop};
use super::vm::Locked;
use crate::job::{Action, DiskStats, HypStatus, JobConfig, Listed, MigrationStats, Observation, Outcome, Progress, StartRequest};
use crate::model::disk::{Image, Mirror, MirrorReady};
use crate::model::{JobType, Result};

/// What a job's success does to the domain.
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
    /// What has to be moved of the guest's memory, for jobs that move it.
    pub memory: Option<MigrationStats>,
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
    /// Takes a name for a job and starts it.
    pub fn launch(&mut self, request: StartRequest, plan: Plan) -> Result<String> {
        let config = request.config.clone();
        let name = self.change(|engine, now, out| engine.reserve(request, now, out))?.name;
        self.begin(&name, &config, plan);
        Ok(name)
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
            let mut stats = memory.clone();
            stats.memory_processed = progress.current;
            stats.memory_remaining = progress.end.saturating_sub(progress.current);
            stats.pages_normal = progress.current / 4096;
            seen.push(Observation::Migration { id: id.to_owned(), stats });
        }
        seen
    }

    /// A job reached a stop on its way.
    pub fn happen(&mut self, reached: Reached) {
        let id = reached.id.as_str();
        match reached.what {
            Happening::Pass(_) => {}
            Happening::Fault(fault) => self.fault(id, reached.at_ms, fault),
            Happening::End => self.arrived(id),
        }
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
            FaultAction::Fail => self.conclude(id, Outcome::Failed(fault.error)),
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
        let error = outcome.error().map(str::to_owned);
        self.observe(Observation::Outcome { id: id.to_owned(), kind: Some(kind), outcome });
        self.show_ended(id, error);
        // A job of ours has been settled and is gone by now.
        if !manual_dismiss && self.inner.tasks.remove(id).is_some() {
            self.inner.sim.remove(id);
            self.observe(Observation::Status { id: id.to_owned(), status: HypStatus::Null });
        }
    }

    /// Releases what a job of ours held, before its user hears of its end.
    pub fn settle(&mut self, name: &str, id: &str, outcome: Outcome) {
        let task = self.inner.tasks.remove(id);
        self.inner.sim.remove(id);
        self.inner.mirrors.retain(|mirroring| mirroring.job != id);
        if let (Some(task), Outcome::Completed) = (&task, &outcome) {
            self.take_effect(&task.consequence);
        }
        if let Some(slot) = self.inner.awaited.get_mut(name) {
            *slot = Some(outcome.clone());
        }
        self.change(|engine, now, out| engine.settled(name, now, out));
    }

    fn take_effect(&mut self, consequence: &Consequence) {
        match consequence {
            Consequence::Nothing => {}
            Consequence::Merge { disk, images } => self.change_chain(disk, |chain| chain.retain(|image| !images.contains(image))),
            Consequence::Switch { disk, chain: new } => self.change_chain(disk, |chain| chain.clone_from(new)),
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
