//! Campaigns: the same thing at many random moments. A seed reproduces the schedule, a number says how many moments there are.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use virt_jobs::event::{Handler, Subscriptions};
use virt_jobs::model::event::{id, Event, Payload};
use virt_jobs::model::{JobState, JobType, Uuid};

/// How many moments each kind of thing has in a long run; without it, campaigns are short.
const SOAK: &str = "VIRT_JOBS_SOAK";
/// What reproduces the schedule of a run.
const SEED: &str = "VIRT_JOBS_SEED";

/// A schedule. Says how to get it again when its test fails.
pub struct Campaign {
    seed: u64,
    state: u64,
}

impl Campaign {
    pub fn new() -> Campaign {
        let chance = || std::collections::hash_map::RandomState::new().build_hasher().finish();
        let seed = number(SEED).unwrap_or_else(chance);
        Campaign { seed, state: seed }
    }

    /// How many moments there are to be: `few`, unless a long run is wanted.
    pub fn moments(few: usize) -> usize {
        number(SOAK).map_or(few, |wanted| wanted as usize)
    }

    /// Whether this is a long run.
    pub fn is_long() -> bool {
        number(SOAK).is_some()
    }

    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// A time up to `most`. Half of them are as likely to be short as long, so that beginnings are met as well as ends.
    pub fn moment(&mut self, most: Duration) -> Duration {
        let share = self.below(1 << 20) as f64 / f64::from(1 << 20);
        most.mul_f64(if self.below(2) == 0 { share } else { 2f64.powf(-6.0 * share) })
    }

    /// A schedule of its own for a thread.
    pub fn fork(&mut self) -> Campaign {
        Campaign { seed: self.seed, state: self.next() }
    }
}

impl Drop for Campaign {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{SEED}={} repeats the schedule of this campaign", self.seed);
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// What a process holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    pub descriptors: usize,
    pub threads: usize,
    pub resident_kib: u64,
}

impl Held {
    pub fn now() -> Held {
        let count = |dir: &str| fs::read_dir(dir).unwrap().count();
        // SAFETY: gives free memory back; there are no preconditions.
        unsafe { libc::malloc_trim(0) };
        let memory = fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = memory.split(' ').nth(1).unwrap().parse().unwrap();
        Held { descriptors: count("/proc/self/fd"), threads: count("/proc/self/task"), resident_kib: pages * 4 }
    }
}

/// Everything that was told of jobs, and the rules that it has to keep.
#[derive(Clone, Default)]
pub struct Chronicle {
    jobs: Arc<Mutex<Told>>,
}

/// By domain and name.
type Told = BTreeMap<(Uuid, String), Vec<(JobType, JobState)>>;

struct Scribe(Chronicle);

impl Handler for Scribe {
    fn handle(&self, _callback_id: i32, event: &Event) {
        if let Payload::JobState { name, kind, state } = &event.payload {
            self.0.jobs.lock().entry((event.domain.uuid, name.clone())).or_default().push((*kind, *state));
        }
    }
}

impl Chronicle {
    pub fn subscribe(events: &Arc<Subscriptions>) -> Chronicle {
        let chronicle = Chronicle::default();
        events.register(id::JOB_STATE, None, Arc::new(Scribe(chronicle.clone()))).unwrap();
        chronicle
    }

    /// The states that were told of a job, in order.
    pub fn states(&self, domain: Uuid, name: &str) -> Vec<JobState> {
        self.jobs.lock().get(&(domain, name.to_owned())).into_iter().flatten().map(|(_, state)| *state).collect()
    }

    /// The jobs of a domain with the last that was told of them.
    pub fn last(&self, domain: Uuid) -> BTreeMap<String, JobState> {
        let jobs = self.jobs.lock();
        let of_domain = jobs.iter().filter(|((uuid, _), _)| *uuid == domain);
        of_domain.map(|((_, name), states)| (name.clone(), states[states.len() - 1].1)).collect()
    }

    /// The rules: RUNNING comes first, nothing is told twice, and nothing comes after an end.
    pub fn check(&self) {
        for ((_, name), told) in self.jobs.lock().iter() {
            let states: Vec<JobState> = told.iter().map(|(_, state)| *state).collect();
            assert_eq!(states[0], JobState::Running, "{name}: {states:?}");
            assert!(states.windows(2).all(|pair| pair[0] != pair[1] && !pair[0].is_final()), "{name}: {states:?}");
        }
    }

    /// The rules, and that every job has ended.
    pub fn check_ended(&self) {
        self.check();
        for ((_, name), told) in self.jobs.lock().iter() {
            assert!(told[told.len() - 1].1.is_final(), "{name} has not ended: {told:?}");
        }
    }

    /// How many jobs were told of, by type and last state.
    pub fn summary(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for told in self.jobs.lock().values() {
            let (kind, state) = told[told.len() - 1];
            *counts.entry(format!("{kind} {state}")).or_default() += 1;
        }
        counts
    }

    /// Forgets what was told of domains that are gone.
    pub fn clear(&self) {
        self.jobs.lock().clear();
    }
}

/// Runs something that must not take longer than `limit` where nothing else is done.
pub fn within<T>(limit: Duration, what: &str, work: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let result = work();
    assert!(begin.elapsed() <= super::unhurried(limit), "{what} took {:?}", begin.elapsed());
    result
}
