//! A handler that writes down what it is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use virt_jobs::driver::qemu::monitor::{Monitor, MonitorHandler};
use virt_jobs::qmp::Event;

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
pub struct Watcher {
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
pub struct Seen {
    pub events: Vec<String>,
    pub closed: Vec<String>,
}

impl Watcher {
    pub fn new() -> Arc<Watcher> {
        Arc::default()
    }

    /// Waits until `done` holds and returns what it says.
    #[track_caller]
    pub fn until<T>(&self, what: &str, mut done: impl FnMut(&Seen) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.seen.lock();
        loop {
            if let Some(found) = done(&seen) {
                return found;
            }
            let late = self.changed.wait_until(&mut seen, deadline).timed_out();
            assert!(!late, "no {what}; events {:?}, closed {:?}", seen.events, seen.closed);
        }
    }

    #[track_caller]
    pub fn until_closed(&self) -> String {
        self.until("end", |seen| seen.closed.first().cloned())
    }

    pub fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock())
    }
}

impl MonitorHandler for Watcher {
    fn event(&self, _: &Monitor, event: &Event) {
        self.seen.lock().events.push(event.name.clone());
        self.changed.notify_all();
    }

    fn closed(&self, _: &Monitor, why: &str) {
        self.seen.lock().closed.push(why.to_owned());
        self.changed.notify_all();
    }
}
