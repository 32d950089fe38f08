//! The clock of the simulated worlds: one thread for all of them, there only while a job is on its way.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use once_cell::sync::Lazy;
use parking_lot::{Mutex, MutexGuard};

use crate::driver::condvar::Condvar;
use crate::model::Now;

const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

/// Something that wants to be woken at a moment.
pub(super) trait Sleeper: Send + Sync {
    fn wake(&self);
}

/// Where a world has its time from.
pub(super) trait Clock: Send + Sync {
    fn now(&self) -> Now;
    /// Wakes `sleeper` once, at or soon after this moment of the monotonic clock, or not at all. The last word counts.
    /// Never calls it from within.
    fn wake_at(&self, mono_ms: Option<u64>, sleeper: &Weak<dyn Sleeper>);
    /// Somebody has nothing to do until a job ends. A clock that may, jumps to the next wake-up and says so.
    fn skip_ahead(&self) -> bool {
        false
    }
}

/// Who is to be woken when: each sleeper once.
#[derive(Default)]
pub(super) struct Agenda {
    by_time: BTreeMap<(u64, usize), Weak<dyn Sleeper>>,
    due: HashMap<usize, u64>,
}

impl Agenda {
    pub fn set(&mut self, mono_ms: Option<u64>, sleeper: &Weak<dyn Sleeper>) {
        // The address is the sleeper's own until its last `Weak` is gone, and the agenda holds one.
        let key = sleeper.as_ptr().cast::<()>() as usize;
        if let Some(due) = self.due.remove(&key) {
            self.by_time.remove(&(due, key));
        }
        if let Some(due) = mono_ms {
            self.due.insert(key, due);
            self.by_time.insert((due, key), sleeper.clone());
        }
    }

    pub fn next_due(&self) -> Option<u64> {
        self.by_time.keys().next().map(|&(due, _)| due)
    }

    /// Takes the next sleeper out, if its moment has come.
    pub fn pop(&mut self, now_ms: u64) -> Option<(u64, Weak<dyn Sleeper>)> {
        let entry = self.by_time.first_entry().filter(|entry| entry.key().0 <= now_ms)?;
        let ((due, key), sleeper) = entry.remove_entry();
        self.due.remove(&key);
        Some((due, sleeper))
    }
}

/// The machine's clock.
pub(super) struct SystemClock {
    epoch: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    agenda: Agenda,
    /// The process in which a thread will look at the agenda again; a child of it has no such thread. 0 if there is none.
    served_in: u32,
}

static SHARED: Lazy<Arc<SystemClock>> = Lazy::new(|| Arc::new(SystemClock::new()));

impl SystemClock {
    fn new() -> SystemClock {
        SystemClock { epoch: Instant::now(), state: Mutex::default(), changed: Condvar::new() }
    }

    /// The one clock of the process.
    pub fn shared() -> Arc<SystemClock> {
        SHARED.clone()
    }

    fn mono_ms(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Wakes sleepers until none is left.
    fn serve(self: Arc<SystemClock>) {
        let _leaving = Leaving(&self);
        let mut state = self.state.lock();
        loop {
            if let Some((_, sleeper)) = state.agenda.pop(self.mono_ms()) {
                MutexGuard::unlocked(&mut state, || sleeper.upgrade().map(|sleeper| sleeper.wake()));
                continue;
            }
            let Some(due) = state.agenda.next_due() else { break };
            // What is due beyond what the system can express waits like what is due in a year.
            let wait = Duration::from_millis(due.saturating_sub(self.mono_ms())).min(LONGEST_WAIT);
            self.changed.wait_for(&mut state, wait);
        }
        state.served_in = 0;
    }
}

/// Lets another thread take over if a sleeper panics.
struct Leaving<'a>(&'a SystemClock);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.state.lock().served_in = 0;
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono_ms: self.mono_ms(), wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX) }
    }

    fn wake_at(&self, mono_ms: Option<u64>, sleeper: &Weak<dyn Sleeper>) {
        let mut state = self.state.lock();
        state.agenda.set(mono_ms, sleeper);
        let here = std::process::id();
        if state.served_in == here {
            self.changed.notify_one();
        } else if mono_ms.is_some() {
            // Without a thread, jobs still move on whenever somebody asks about them.
            let clock = SystemClock::shared();
            let thread = std::thread::Builder::new().name("virt-jobs-clock".to_owned()).spawn(move || clock.serve());
            state.served_in = thread.map_or(0, |_| here);
        }
    }
}
