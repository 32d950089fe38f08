//! What the built-in loop waits for: descriptors and timers, in the order in which they are called.

use std::time::{Duration, Instant};

use super::{HandleCallback, TimeoutCallback};

/// Kind and number of a source; the two kinds are numbered apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Id {
    Handle(i32),
    Timeout(i32),
}

/// What makes a source ready.
#[derive(Clone)]
pub enum Trigger {
    Handle { fd: i32, events: i32, callback: HandleCallback },
    Timeout { period: Duration, due: Option<Instant>, callback: TimeoutCallback },
}

/// A registered descriptor or timer.
pub struct Source {
    pub id: Id,
    /// Changes with every update: what was found ready before it is not called after it.
    pub version: u64,
    pub trigger: Trigger,
    /// It is being called and was not updated since: an inner round leaves it alone.
    pub busy: bool,
}

impl Source {
    /// Whether it can become ready at all.
    pub fn is_armed(&self) -> bool {
        !self.busy
            && match self.trigger {
                Trigger::Handle { events, .. } => events != 0,
                Trigger::Timeout { due, .. } => due.is_some(),
            }
    }
}

/// The sources in the order of their last update, which is the order in which ready ones are called.
#[derive(Default)]
pub struct Sources {
    list: Vec<Source>,
    last_version: u64,
    last_watch: i32,
    last_timer: i32,
}

impl Sources {
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.list.iter()
    }

    /// The new watch; `None` when the numbers are used up.
    pub fn add_handle(&mut self, fd: i32, events: i32, callback: HandleCallback) -> Option<i32> {
        self.last_watch = self.last_watch.checked_add(1)?;
        self.push(Id::Handle(self.last_watch), Trigger::Handle { fd, events, callback });
        Some(self.last_watch)
    }

    /// The new timer and when it is due; `None` when the numbers are used up.
    pub fn add_timeout(&mut self, milliseconds: i32, callback: TimeoutCallback) -> Option<(i32, Option<Instant>)> {
        self.last_timer = self.last_timer.checked_add(1)?;
        let (period, due) = schedule(milliseconds);
        self.push(Id::Timeout(self.last_timer), Trigger::Timeout { period, due, callback });
        Some((self.last_timer, due))
    }

    pub fn find(&mut self, id: Id) -> Option<&mut Source> {
        self.list.iter_mut().find(|s| s.id == id)
    }

    pub fn remove(&mut self, id: Id) -> Option<Source> {
        let at = self.list.iter().position(|s| s.id == id)?;
        Some(self.list.remove(at))
    }

    /// Changes what a descriptor is watched for. `false` if nothing changes.
    pub fn update_handle(&mut self, watch: i32, wanted: i32) -> bool {
        match self.find(Id::Handle(watch)).map(|s| &mut s.trigger) {
            Some(Trigger::Handle { events, .. }) if *events != wanted => *events = wanted,
            _ => return false,
        }
        self.renew(Id::Handle(watch));
        true
    }

    /// Starts a timer anew and returns when it is due next.
    pub fn update_timeout(&mut self, timer: i32, milliseconds: i32) -> Option<Instant> {
        let next = schedule(milliseconds);
        match self.find(Id::Timeout(timer)).map(|s| &mut s.trigger) {
            Some(Trigger::Timeout { period, due, .. }) => (*period, *due) = next,
            _ => return None,
        }
        self.renew(Id::Timeout(timer));
        next.1
    }

    fn push(&mut self, id: Id, trigger: Trigger) {
        self.last_version += 1;
        self.list.push(Source { id, version: self.last_version, trigger, busy: false });
    }

    /// Puts an updated source behind all others.
    fn renew(&mut self, id: Id) {
        if let Some(Source { trigger, .. }) = self.remove(id) {
            self.push(id, trigger);
        }
    }
}

fn schedule(milliseconds: i32) -> (Duration, Option<Instant>) {
    match u64::try_from(milliseconds) {
        Ok(milliseconds) => {
            let period = Duration::from_millis(milliseconds);
            (period, Some(Instant::now() + period))
        }
        Err(_) => (Duration::ZERO, None),
    }
}
