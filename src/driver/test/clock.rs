//! The clock of the simulated worlds: one thread for all of them, there only while a job is on its way.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use once_cell::sync::Lazy;
use parking_lot::{Condvar, Mutex};

use crate::model::Now;

/// Something that wants to be woken at a moment.
pub(super) trait Sleeper: Send + Sync {
    fn wake(&self);
}

/// Where a world has its time from.
pub(super) trait Clock: Send + Sync {
    fn now(&self) -> Now;
    /// Wakes `sleeper` once, at or soon after this moment of the monotonic clock. Never calls it from within.
    fn wake_at(&self, mono_ms: u64, sleeper: Weak<dyn Sleeper>);
    /// Somebody has nothing to do until a job ends. A clock that may, jumps to the next wake-up and says so.
    fn skip_ahead(&self) -> bool {
        false
    }
}

/// The machine's clock.
pub(super) struct SystemClock {
    epoch: Instant,
    agenda: Mutex<Agenda>,
    changed: Condvar,
}

#[derive(Default)]
struct Agenda {
    heap: BinaryHeap<Reverse<Entry>>,
    next_order: u64,
    /// There is a thread that will look at the heap again.
    served: bool,
}

struct Entry {
    due_ms: u64,
    order: u64,
    sleeper: Weak<dyn Sleeper>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.order == other.order
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> std::cmp::Ordering {
        (self.due_ms, self.order).cmp(&(other.due_ms, other.order))
    }
}

static SHARED: Lazy<Arc<SystemClock>> = Lazy::new(|| Arc::new(SystemClock::new()));

impl SystemClock {
    fn new() -> SystemClock {
        SystemClock { epoch: Instant::now(), agenda: Mutex::default(), changed: Condvar::new() }
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
        let mut agenda = self.agenda.lock();
        while let Some(Reverse(entry)) = agenda.heap.peek() {
            let due = self.epoch.checked_add(Duration::from_millis(entry.due_ms));
            match due {
                Some(due) if due <= Instant::now() => {
                    let sleeper = agenda.heap.pop().and_then(|Reverse(entry)| entry.sleeper.upgrade());
                    parking_lot::MutexGuard::unlocked(&mut agenda, || sleeper.map(|sleeper| sleeper.wake()));
                }
                Some(due) => drop(self.changed.wait_until(&mut agenda, due)),
                // Beyond what the system can express: nobody will see that day.
                None => drop(agenda.heap.pop()),
            }
        }
        agenda.served = false;
    }
}

/// Lets another thread take over if a sleeper panics.
struct Leaving<'a>(&'a SystemClock);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.agenda.lock().served = false;
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono_ms: self.mono_ms(), wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX) }
    }

    fn wake_at(&self, mono_ms: u64, sleeper: Weak<dyn Sleeper>) {
        let mut agenda = self.agenda.lock();
        agenda.next_order += 1;
        let order = agenda.next_order;
        agenda.heap.push(Reverse(Entry { due_ms: mono_ms, order, sleeper }));
        if agenda.served {
            self.changed.notify_one();
            return;
        }
        // Without a thread, jobs still move on whenever somebody asks about them.
        let clock = SystemClock::shared();
        agenda.served = std::thread::Builder::new().name("virt-jobs-clock".to_owned()).spawn(move || clock.serve()).is_ok();
    }
}
