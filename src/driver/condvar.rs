//! A condition variable that a child of the process can go on using.
//!
//! parking_lot keeps a list of the threads that wait, in memory of these threads. In a forked child they are gone, but the list is
//! not, and the first thread that gets their memory breaks it. The standard library's condition variables know no list;
//! they take no guard of parking_lot's, so a number stands between the two: whoever waits, waits for it to change.

use std::sync::{self, PoisonError};
use std::time::{Duration, Instant};

use parking_lot::MutexGuard;

#[derive(Default)]
pub(super) struct Condvar {
    notified: sync::Mutex<u64>,
    changed: sync::Condvar,
}

impl Condvar {
    pub const fn new() -> Condvar {
        Condvar { notified: sync::Mutex::new(0), changed: sync::Condvar::new() }
    }

    fn lock(&self) -> sync::MutexGuard<'_, u64> {
        self.notified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of what `guard` guards until somebody notifies, or for no reason.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        // Read before the guard is let go: whoever changes what it guards afterwards also changes this.
        let seen = *self.lock();
        MutexGuard::unlocked(guard, || {
            drop(self.changed.wait_while(self.lock(), |now| *now == seen).unwrap_or_else(PoisonError::into_inner));
        });
    }

    /// The same until `deadline`; whether nobody has notified before that.
    pub fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, deadline: Instant) -> bool {
        self.wait_for(guard, deadline.saturating_duration_since(Instant::now()))
    }

    /// The same for `timeout`.
    pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, timeout: Duration) -> bool {
        let seen = *self.lock();
        MutexGuard::unlocked(guard, || {
            let waited = self.changed.wait_timeout_while(self.lock(), timeout, |now| *now == seen);
            waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
        })
    }

    pub fn notify_one(&self) {
        *self.lock() += 1;
        self.changed.notify_one();
    }

    pub fn notify_all(&self) {
        *self.lock() += 1;
        self.changed.notify_all();
    }
}
