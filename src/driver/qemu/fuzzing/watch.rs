//! The engine with a subscriber who believes in the promises of the interface.

use std::collections::{HashMap, HashSet};

use super::Choices;
use crate::driver::qemu::jobs::POWERS;
use crate::job::{
    DiskStats, Effect, Engine, HypStatus, Job, JobConfig, JobRecord, Listed, MigrationStats, Moment, Observation, Origin, Outcome,
    Progress, StartRequest,
};
use crate::model::{ControlOp, JobState, JobType, Now};
use crate::xml::{job::job_xml, reader};

/// Ids that a hypervisor may use, names of our own among them.
const IDS: &[&str] = &["job0", "job0#2", "block-pull-vda-1", "block-copy-vda-2", "migration-1", "<&'\">\u{1}\n", "#", "", "ä"];

pub(super) struct Watch {
    engine: Engine,
    told: HashMap<String, JobState>,
    reserved: Vec<(String, bool)>,
    names: HashSet<String>,
    settling: Vec<String>,
    stored: HashSet<String>,
    pub(super) asked: Moment,
    clock: u64,
}

impl Default for Watch {
    fn default() -> Watch {
        Watch {
            engine: Engine::new(POWERS),
            told: HashMap::new(),
            reserved: Vec::new(),
            names: HashSet::new(),
            settling: Vec::new(),
            stored: HashSet::new(),
            asked: Moment::default(),
            clock: 0,
        }
    }
}

impl Watch {
    pub(super) fn observe(&mut self, seen: Observation) {
        self.change(|engine, now, out| engine.observe(seen, now, out));
    }

    /// A question is sent.
    pub(super) fn ask(&mut self) {
        self.asked = self.engine.moment();
    }

    /// Jobs of ours, so that what a monitor says can be about them.
    pub(super) fn start(&mut self) {
        for kind in [JobType::BlockPull, JobType::BlockCopy, JobType::BlockBackup] {
            self.reserve(StartRequest::new(kind, JobConfig::on_disk(kind.as_str())).with_flags(u32::MAX));
        }
        while let Some((name, _)) = self.reserved.pop() {
            self.change(|engine, now, out| engine.started(&name, now, out));
        }
    }

    fn change<R>(&mut self, change: impl FnOnce(&mut Engine, Now, &mut Vec<Effect>) -> R) -> R {
        self.clock += 50;
        let now = Now { mono_ms: self.clock, wall_ms: 1_700_000_000_000 + self.clock };
        let mut out = Vec::new();
        let result = change(&mut self.engine, now, &mut out);
        out.iter().for_each(|effect| self.hear(effect));
        self.compare();
        result
    }

    fn hear(&mut self, effect: &Effect) {
        match effect {
            Effect::State { name, state, error, .. } => {
                match self.told.get(name) {
                    None => assert_eq!(*state, JobState::Running, "the first event of {name}"),
                    Some(before) => assert!(!before.is_final() && before != state, "{name}: {state} after {before}"),
                }
                assert_eq!(*state == JobState::Failed, error.is_some(), "{name}: a failure, and only a failure, has a reason");
                self.told.insert(name.clone(), *state);
            }
            Effect::Settle { name, .. } => {
                assert!(self.stored.contains(name), "{name} is settled before its outcome is on record");
                self.settling.push(name.clone());
            }
            Effect::Store { name } => {
                self.stored.insert(name.clone());
            }
            Effect::Forget { name } => {
                self.stored.remove(name);
            }
            Effect::Older(_) | Effect::Confirm => {}
        }
    }

    /// The list says what was told.
    fn compare(&self) {
        let mut listed = HashSet::new();
        for job in self.engine.iter() {
            assert!(listed.insert(job.name()), "{} is listed twice", job.name());
            assert!(self.told.get(job.name()).is_none_or(|told| *told == job.state()), "{}", job.name());
            assert_eq!(self.engine.get(job.name()).map(Job::name), Some(job.name()));
            assert_eq!(job.error().is_some(), job.state() == JobState::Failed, "{}", job.name());
            assert_eq!(job.finished().is_some(), job.state().is_final() || job.is_settling(), "{}", job.name());
        }
        let lost = self.told.iter().find(|(name, state)| !state.is_final() && !listed.contains(name.as_str()));
        assert_eq!(lost, None, "a job was lost");
    }

    /// The domain ends: so does every job that was ever told of. What is kept can be described, and is the same after a restart.
    pub(super) fn end(mut self) {
        self.describe();
        self.observe(Observation::Gone { reason: "the monitor broke".into() });
        while let Some((name, _)) = self.reserved.pop() {
            self.change(|engine, now, out| engine.started(&name, now, out));
        }
        while let Some(name) = self.settling.pop() {
            self.change(|engine, now, out| engine.settled(&name, now, out));
        }
        let left = self.told.iter().find(|(_, state)| !state.is_final());
        assert_eq!(left, None, "a job was never told to have ended");
        for job in self.engine.iter() {
            assert!(job.is_persistent() && job.state().is_final(), "{} is still listed", job.name());
        }
        self.describe();
    }

    fn describe(&self) {
        let now = Now { mono_ms: self.clock, wall_ms: self.clock };
        for job in self.engine.iter().take(20) {
            let xml = job_xml(job, now, true);
            let read = reader::parse(&xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
            assert_eq!(read.attr("state"), Some(job.state().as_str()));
            if job.origin() == Origin::Own {
                self.restart(job, now);
            }
        }
    }

    fn restart(&self, job: &Job, now: Now) {
        let record = JobRecord::of(job);
        let text = serde_json::to_string(&record).unwrap_or_else(|error| panic!("{error}: {record:?}"));
        let read: JobRecord = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(serde_json::to_string(&read).ok(), Some(text.clone()));
        let mut next = Engine::new(POWERS);
        next.resume_numbers(self.engine.last_number());
        assert!(next.adopt(read, now), "{text}");
        let again = next.get(job.name()).unwrap_or_else(|| panic!("{text} is lost"));
        assert_eq!((again.kind(), again.config()), (job.kind(), job.config()));
        assert_eq!(again.state().is_final(), job.state().is_final(), "{text}");
    }

    fn reserve(&mut self, request: StartRequest) {
        let listed = request.listed;
        if let Ok(reserved) = self.change(|engine, now, out| engine.reserve(request, now, out)) {
            assert!(self.names.insert(reserved.name.clone()), "{} was given twice", reserved.name);
            self.reserved.push((reserved.name, listed));
        }
    }

    fn id(&self, choices: &mut Choices<'_>) -> String {
        let n = choices.below(32);
        let reserved = self.reserved.iter().map(|(name, _)| name.as_str());
        let ids: Vec<&str> = self.engine.iter().map(Job::hypervisor_id).take(20).chain(reserved).chain(IDS.iter().copied()).collect();
        ids[n % ids.len()].to_owned()
    }

    fn listed(&self, choices: &mut Choices<'_>) -> Listed {
        let progress = progress(choices);
        let error = (choices.below(4) == 0).then(|| "Operation canceled".to_owned());
        Listed { id: self.id(choices), kind: choices.one(JobType::ALL), status: choices.one(HypStatus::ALL), progress, error }
    }

    fn listing(&self, choices: &mut Choices<'_>) -> Vec<Listed> {
        (0..choices.below(5)).map(|_| self.listed(choices)).collect()
    }

    fn observation(&self, choices: &mut Choices<'_>) -> Observation {
        match choices.below(11) {
            0..=2 => Observation::Status { id: self.id(choices), status: choices.one(HypStatus::ALL) },
            3 => Observation::Outcome { id: self.id(choices), kind: Some(choices.one(JobType::ALL)), outcome: outcome(choices) },
            4 => Observation::Progress { id: self.id(choices), progress: progress(choices) },
            5 => Observation::Listing(self.listing(choices)),
            6 => Observation::Answer { asked: self.asked, jobs: self.listing(choices) },
            7 => Observation::Shown(self.listed(choices)),
            8 => {
                let (number, other) = (choices.number(), choices.number());
                let stats = MigrationStats { memory_total: number, memory_remaining: other, ..MigrationStats::default() };
                Observation::Migration { id: self.id(choices), stats }
            }
            9 => {
                let disk = DiskStats { disk: "vda".into(), current: choices.number(), end: choices.number() };
                Observation::Disks { id: self.id(choices), disks: vec![disk] }
            }
            _ => match choices.below(8) {
                0 => Observation::Gone { reason: "killed".into() },
                1..=3 => Observation::Going { reason: "destroyed".into() },
                _ => Observation::Running,
            },
        }
    }

    fn step(&mut self, choices: &mut Choices<'_>) {
        match choices.below(16) {
            0 | 1 => {
                let (kind, flags) = (choices.one(JobType::ALL), choices.byte());
                let disk = ["vda", "vdb", "<&'\">"][choices.below(3)];
                let mut request = StartRequest::new(kind, JobConfig::on_disk(disk)).with_flags(u32::from(flags) << 24);
                request.listed = kind.is_block();
                self.reserve(request);
            }
            2 | 3 if !self.reserved.is_empty() => {
                let (name, _) = self.reserved.remove(choices.below(self.reserved.len()));
                if choices.below(4) == 0 {
                    self.change(|engine, now, out| engine.start_failed(&name, "no such node", now, out));
                } else {
                    self.change(|engine, now, out| engine.started(&name, now, out));
                }
            }
            4 | 5 => self.control(choices),
            6 if !self.settling.is_empty() => {
                let name = self.settling.remove(choices.below(self.settling.len()));
                self.change(|engine, now, out| engine.settled(&name, now, out));
            }
            7 => self.ask(),
            _ => {
                let seen = self.observation(choices);
                self.observe(seen);
            }
        }
    }

    fn control(&mut self, choices: &mut Choices<'_>) {
        let (n, op) = (choices.below(16), choices.one(ControlOp::ALL));
        let names: Vec<String> = self.engine.iter().map(|job| job.name().to_owned()).take(16).collect();
        let Some(name) = names.get(n % names.len().max(1)) else { return };
        let asked = self.change(|engine, _, out| engine.control(name, op, out));
        match asked {
            Ok(action) if choices.below(4) == 0 => self.change(|engine, _, out| engine.control_refused(name, &action, out)),
            Ok(_) if op == ControlOp::Dismiss => assert!(self.engine.get(name).is_none(), "{name} was dismissed"),
            _ => {}
        }
    }
}

fn progress(choices: &mut Choices<'_>) -> Progress {
    Progress { current: choices.number(), end: choices.number(), speed: (choices.below(2) == 0).then(|| choices.number()) }
}

fn outcome(choices: &mut Choices<'_>) -> Outcome {
    match choices.below(4) {
        0 => Outcome::Completed,
        1 => Outcome::Aborted,
        2 => Outcome::Failed("Operation canceled".into()),
        _ => Outcome::Failed("No space left on device".into()),
    }
}

/// Any sequence of observations, requests and answers.
pub(super) fn engine(input: &[u8]) {
    let (mut choices, mut watch) = (Choices(input), Watch::default());
    for _ in 0..300 {
        if choices.is_empty() {
            break;
        }
        watch.step(&mut choices);
    }
    watch.end();
}
