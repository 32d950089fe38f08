//! A condition variable that a child of the process can go on using.
//!
//! parking_lot keeps a list of the threads that wait, in memory of these threads. In a forked child they are gone, but the list is
//! not, and the first thread that gets their memory breaks it. The standard library's condition variables know no list;
//! they take no guard of parking_lot's, so a number stands between the two: whoever waits, waits for it to change. It is an
//! atomic one, although it is only used under a lock, because the thread sanitizer does not know the standard library's locks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{self, PoisonError};
use std::time::{Duration, Instant};

use parking_lot::MutexGuard;

#[derive(Default)]
pub(super) struct Condvar {
    notified: AtomicU64,
    lock: sync::Mutex<()>,
    changed: sync::Condvar,
}

impl Condvar {
    pub const fn new() -> Condvar {
        Condvar { notified: AtomicU64::new(0), lock: sync::Mutex::new(()), changed: sync::Condvar::new() }
    }

    fn lock(&self) -> sync::MutexGuard<'_, ()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notified(&self) -> u64 {
        self.notified.load(Ordering::Relaxed)
    }

    fn note(&self) {
        let _locked = self.lock();
        self.notified.fetch_add(1, Ordering::Relaxed);
    }

    /// Lets go of what `guard` guards until somebody notifies, or for no reason.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        // Read before the guard is let go: whoever changes what it guards afterwards also changes this.
        let seen = self.notified();
        MutexGuard::unlocked(guard, || {
            drop(self.changed.wait_while(self.lock(), |()| self.notified() == seen).unwrap_or_else(PoisonError::into_inner));
        });
    }

    /// The same until `deadline`; whether nobody has notified before that.
    pub fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, deadline: Instant) -> bool {
        self.wait_for(guard, deadline.saturating_duration_since(Instant::now()))
    }

    /// The same for `timeout`.
    pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, timeout: Duration) -> bool {
        let seen = self.notified();
        MutexGuard::unlocked(guard, || {
            let waited = self.changed.wait_timeout_while(self.lock(), timeout, |()| self.notified() == seen);
            waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
        })
    }

    pub fn notify_one(&self) {
        self.note();
        self.changed.notify_one();
    }

    pub fn notify_all(&self) {
        self.note();
        self.changed.notify_all();
    }
}
