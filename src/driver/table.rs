//! A domain's engine behind a lock, with those who wait for it. Shared by the drivers.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::request::ListFilter;
use crate::driver::condvar::Condvar;
use crate::event::LaterWakers;
use crate::job::{Effect, Engine, Job, Outcome, Powers};
use crate::model::{Error, JobState, Result};

/// How many ended jobs are remembered by name and state for those who ask late.
const REMEMBERED_ENDS: usize = 1024;

/// The jobs of one domain.
pub struct JobTable {
    inner: Mutex<Inner>,
    changed: Condvar,
}

struct Inner {
    engine: Engine,
    ends: VecDeque<End>,
}

/// How a job ended that may have left the list.
struct End {
    name: String,
    state: JobState,
    error: Option<String>,
}

impl End {
    fn outcome(&self) -> Outcome {
        match self.state {
            JobState::Completed => Outcome::Completed,
            JobState::Aborted => Outcome::Aborted,
            _ => Outcome::Failed(self.error.clone().unwrap_or_default()),
        }
    }
}

impl JobTable {
    pub fn new(powers: Powers) -> JobTable {
        JobTable { inner: Mutex::new(Inner { engine: Engine::new(powers), ends: VecDeque::new() }), changed: Condvar::new() }
    }

    /// Reads the engine.
    pub fn read<R>(&self, look: impl FnOnce(&Engine) -> R) -> R {
        look(&self.inner.lock().engine)
    }

    /// Changes the engine and hands each effect to `sink`, still under the lock so that effects keep their order.
    /// `sink` must not block and must not come back here.
    pub fn update<R>(&self, change: impl FnOnce(&mut Engine, &mut Vec<Effect>) -> R, mut sink: impl FnMut(&Engine, &Effect)) -> R {
        let mut effects = Vec::new();
        let _wakers = LaterWakers::new();
        let mut inner = self.inner.lock();
        let result = change(&mut inner.engine, &mut effects);
        for effect in &effects {
            if let Effect::State { name, state, error, .. } = effect {
                if state.is_final() {
                    inner.remember(End { name: name.clone(), state: *state, error: error.clone() });
                }
            }
            sink(&inner.engine, effect);
        }
        if !effects.is_empty() {
            self.changed.notify_all();
        }
        result
    }

    /// Calls `sink` for each selected job, oldest first.
    pub fn list(&self, filter: ListFilter, sink: &mut dyn FnMut(&Job)) {
        let inner = self.inner.lock();
        inner.engine.iter().filter(|job| filter.selects(job)).for_each(sink);
    }

    /// Waits until the job is in one of `states` (bits of `1 << state`) or has ended, and says in which it is.
    ///
    /// # Errors
    /// `NO_DOMAIN_JOB` if there is no such job and none has ended lately.
    pub fn wait(&self, name: &str, states: u32, timeout: Option<Duration>) -> Result<Option<JobState>> {
        let deadline = timeout.and_then(|t| Instant::now().checked_add(t));
        let mut inner = self.inner.lock();
        loop {
            let state = inner.state_of(name).ok_or_else(|| Error::no_job(name))?;
            if state.is_final() || states & (1 << state as u32) != 0 {
                return Ok(Some(state));
            }
            match deadline {
                None => self.changed.wait(&mut inner),
                Some(deadline) if Instant::now() >= deadline => return Ok(None),
                Some(deadline) => {
                    self.changed.wait_until(&mut inner, deadline);
                }
            }
        }
    }

    /// Waits until it is known how a job ends, which is before it has ended. `None` when the time is over.
    ///
    /// # Errors
    /// `NO_DOMAIN_JOB` if there is no such job and none has ended lately.
    pub fn wait_for_outcome(&self, name: &str, timeout: Duration) -> Result<Option<Outcome>> {
        let deadline = Instant::now() + timeout;
        let mut inner = self.inner.lock();
        loop {
            match inner.engine.get(name) {
                Some(job) => match job.outcome() {
                    None if !self.changed.wait_until(&mut inner, deadline) => {}
                    outcome => return Ok(outcome),
                },
                None => return inner.end_of(name).map(|end| Some(end.outcome())).ok_or_else(|| Error::no_job(name)),
            }
        }
    }

    /// Why a job failed that ended lately.
    pub fn error_of(&self, name: &str) -> Option<String> {
        self.inner.lock().end_of(name).and_then(|end| end.error.clone())
    }

    /// Makes those who wait look again.
    pub fn wake(&self) {
        let _inner = self.inner.lock();
        self.changed.notify_all();
    }

    /// Waits until `done` holds, at most until `deadline`; says whether it does.
    pub fn wait_until(&self, deadline: Instant, done: impl Fn(&Engine) -> bool) -> bool {
        let mut inner = self.inner.lock();
        while !done(&inner.engine) {
            if self.changed.wait_until(&mut inner, deadline) {
                return done(&inner.engine);
            }
        }
        true
    }
}

impl Inner {
    fn state_of(&self, name: &str) -> Option<JobState> {
        let known = self.engine.get(name).map(Job::state);
        known.or_else(|| self.end_of(name).map(|end| end.state))
    }

    fn end_of(&self, name: &str) -> Option<&End> {
        self.ends.iter().rev().find(|end| end.name == name)
    }

    fn remember(&mut self, end: End) {
        if self.ends.len() == REMEMBERED_ENDS {
            self.ends.pop_front();
        }
        self.ends.push_back(end);
    }
}
