//! What a fixture wants to happen: faults on the way of jobs, and how fast and large things are.

use std::collections::HashMap;

use super::sim::{Happening, Stop};
use crate::model::JobType;

/// Bytes per second that the simulated storage and network do if nothing else is said.
pub(super) const DEFAULT_SPEED: u64 = 64 << 20;
/// Virtual size of a disk if nothing else is said.
pub(super) const DEFAULT_DISK_SIZE: u64 = 16 << 20;
/// What a save, dump or migration has to move if nothing else is said.
pub(super) const DEFAULT_MEMORY_SIZE: u64 = 32 << 20;

/// What a fault does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    /// The job fails.
    Fail,
    /// The job makes no progress, and does not say so, until it is paused and resumed, or aborted.
    Stall,
    /// The hypervisor pauses the job, as QEMU does when the target is full.
    Pause,
    /// The front end of the job's disk is unplugged; the job goes on.
    Unplug,
    /// The domain crashes.
    Die,
}

impl Action {
    pub fn parse(word: &str) -> Option<Action> {
        Some(match word {
            "fail" => Action::Fail,
            "stall" => Action::Stall,
            "pause" => Action::Pause,
            "unplug" => Action::Unplug,
            "die" => Action::Die,
            _ => return None,
        })
    }
}

/// What happens to a job when it reaches a fault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Fault {
    pub action: Action,
    /// The job's error text.
    pub error: String,
}

/// Where on its way a job reaches a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum At {
    /// In thousandths of the whole.
    Permille(u64),
    Bytes(u64),
}

impl At {
    pub fn position(self, size: u64) -> u64 {
        match self {
            At::Permille(part) => u64::try_from(u128::from(size) * u128::from(part) / 1000).unwrap_or(size),
            At::Bytes(bytes) => bytes,
        }
    }
}

/// A fault and the jobs that it waits for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Rule {
    /// Any type if `None`.
    pub kind: Option<JobType>,
    /// Any disk, and jobs without one, if `None`.
    pub disk: Option<String>,
    pub at: At,
    pub fault: Fault,
    /// How many more jobs it meets; `None` is no limit.
    pub times: Option<u64>,
}

impl Rule {
    fn meets(&self, kind: JobType, disks: &[String]) -> bool {
        self.times != Some(0)
            && self.kind.is_none_or(|wanted| wanted == kind)
            && self.disk.as_ref().is_none_or(|wanted| disks.contains(wanted))
    }
}

/// The script of one domain.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub speed: u64,
    pub memory: u64,
    /// Virtual sizes of disks, by `<target dev>`.
    pub sizes: HashMap<String, u64>,
    pub rules: Vec<Rule>,
}

impl Default for Script {
    fn default() -> Script {
        Script { speed: DEFAULT_SPEED, memory: DEFAULT_MEMORY_SIZE, sizes: HashMap::new(), rules: Vec::new() }
    }
}

impl Script {
    pub fn size_of(&self, disk: &str) -> u64 {
        self.sizes.get(disk).copied().unwrap_or(DEFAULT_DISK_SIZE)
    }

    /// The faults that a job of this type, on these disks and of this size meets on its way; counts them as met.
    pub fn stops(&mut self, kind: JobType, disks: &[String], size: u64) -> Vec<Stop> {
        let mut stops = Vec::new();
        for rule in self.rules.iter_mut().filter(|rule| rule.meets(kind, disks)) {
            if let Some(times) = &mut rule.times {
                *times -= 1;
            }
            stops.push(Stop { at: rule.at.position(size).min(size), what: Happening::Fault(rule.fault.clone()) });
        }
        stops
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(kind: Option<JobType>, disk: Option<&str>, times: Option<u64>) -> Rule {
        let fault = Fault { action: Action::Fail, error: "no".to_owned() };
        Rule { kind, disk: disk.map(str::to_owned), at: At::Permille(500), fault, times }
    }

    #[test]
    fn a_fault_meets_only_the_jobs_it_was_written_for() {
        let mut script = Script { rules: vec![rule(Some(JobType::BlockCopy), Some("vda"), Some(1))], ..Script::default() };
        assert!(script.stops(JobType::BlockPull, &["vda".into()], 100).is_empty());
        assert!(script.stops(JobType::BlockCopy, &["vdb".into()], 100).is_empty());
        assert_eq!(script.stops(JobType::BlockCopy, &["vda".into()], 100)[0].at, 50);
        assert!(script.stops(JobType::BlockCopy, &["vda".into()], 100).is_empty(), "it was to be met once");
    }

    #[test]
    fn a_fault_without_selectors_meets_every_job() {
        let mut script = Script { rules: vec![rule(None, None, None)], ..Script::default() };
        for kind in [JobType::Save, JobType::BlockPull, JobType::Save] {
            assert_eq!(script.stops(kind, &[], 10).len(), 1);
        }
    }
}
