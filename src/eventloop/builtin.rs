//! The loop that comes with the library: `poll` over descriptors and timers.
//!
//! A round waits, then calls what is ready in the order in which it was added or last updated, and last drops what was
//! removed before. It behaves as libvirt's own loop does where a program could tell:
//!
//! * What a callback removes or updates is not called in the same round any more.
//! * A timer's next turn is one period after the round that called it.
//! * A source whose callback runs a round of its own is left out of that inner round, unless it was updated meanwhile.
//! * One thread runs a round at a time; others wait for their turn.

use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard, ReentrantMutex};

use super::poll::{self, WakeUp};
use super::source::{Id, Sources, Trigger};
use super::{EventLoop, HandleCallback, TimeoutCallback};
use crate::model::{Error, Result};

/// `virEventRegisterDefaultImpl`'s loop.
pub struct BuiltinLoop {
    state: Mutex<State>,
    wake_up: WakeUp,
    /// Held through a round, callbacks included: nothing but another round waits for it.
    turn: ReentrantMutex<()>,
}

#[derive(Default)]
struct State {
    sources: Sources,
    /// A thread waits and must be woken for a change.
    asleep: bool,
    /// When it wakes by itself.
    until: Option<Instant>,
    /// What was removed and is not dropped yet.
    retired: Vec<Trigger>,
    /// Buffers of the last round.
    spare: Round,
}

#[derive(Default)]
struct Round {
    /// The wake-up first, then the descriptors of `versions`.
    fds: Vec<libc::pollfd>,
    /// Ascending.
    versions: Vec<u64>,
    ready: Vec<Ready>,
}

#[derive(Clone, Copy)]
struct Ready {
    id: Id,
    version: u64,
    events: i32,
}

impl BuiltinLoop {
    /// # Errors
    /// `SYSTEM_ERROR` if the process has no descriptor left for it.
    pub fn new() -> Result<BuiltinLoop> {
        let wake_up = WakeUp::new().map_err(|e| Error::system("cannot create the event loop's wake-up descriptor", &e))?;
        Ok(BuiltinLoop { state: Mutex::default(), wake_up, turn: ReentrantMutex::new(()) })
    }

    /// One round; see [`run_once`](super::run_once).
    ///
    /// # Errors
    /// `SYSTEM_ERROR` if the system cannot wait for so many descriptors.
    pub fn run_once(&self) -> Result<()> {
        let _turn = self.turn.lock();
        let (mut round, timeout) = self.prepare();
        let outcome = poll::wait(&mut round.fds, timeout);
        let (now, retired) = self.collect(&mut round);
        for &ready in &round.ready {
            self.call(ready, now);
        }
        drop(retired);
        self.state.lock().spare = round;
        outcome.map_err(|e| Error::system("cannot wait for events", &e))
    }

    /// Notes what to wait for and for how long.
    fn prepare(&self) -> (Round, Option<Duration>) {
        let mut state = self.state.lock();
        let mut round = std::mem::take(&mut state.spare);
        round.fds.clear();
        round.versions.clear();
        round.fds.push(libc::pollfd { fd: self.wake_up.fd(), events: libc::POLLIN, revents: 0 });
        let mut until = None;
        for source in state.sources.iter().filter(|s| s.is_armed()) {
            match source.trigger {
                Trigger::Handle { fd, events, .. } => {
                    round.fds.push(poll::request(fd, events));
                    round.versions.push(source.version);
                }
                Trigger::Timeout { due, .. } => until = [until, due].into_iter().flatten().min(),
            }
        }
        let timeout =
            if state.retired.is_empty() { until.map(|due| due.saturating_duration_since(Instant::now())) } else { Some(Duration::ZERO) };
        state.until = until;
        state.asleep = timeout != Some(Duration::ZERO);
        (round, timeout)
    }

    /// Notes what is ready now and takes what is to be dropped.
    fn collect(&self, round: &mut Round) -> (Instant, Vec<Trigger>) {
        let mut state = self.state.lock();
        state.asleep = false;
        if round.fds[0].revents != 0 {
            self.wake_up.clear();
        }
        let now = Instant::now();
        round.ready.clear();
        for source in state.sources.iter().filter(|s| s.is_armed()) {
            let events = match source.trigger {
                Trigger::Handle { .. } => {
                    let polled = round.versions.binary_search(&source.version);
                    polled.map_or(0, |at| poll::answer(round.fds[at + 1].revents))
                }
                Trigger::Timeout { due, .. } => i32::from(due.is_some_and(|due| due <= now)),
            };
            if events != 0 {
                round.ready.push(Ready { id: source.id, version: source.version, events });
            }
        }
        (now, std::mem::take(&mut state.retired))
    }

    /// Calls a source that was found ready, unless it was removed or updated since.
    fn call(&self, ready: Ready, now: Instant) {
        let trigger = {
            let mut state = self.state.lock();
            let Some(source) = state.sources.find(ready.id).filter(|s| s.version == ready.version) else { return };
            source.busy = true;
            if let Trigger::Timeout { period, due, .. } = &mut source.trigger {
                *due = Some(now + *period);
            }
            source.trigger.clone()
        };
        match (&trigger, ready.id) {
            (Trigger::Handle { fd, callback, .. }, Id::Handle(watch)) => callback(watch, *fd, ready.events),
            (Trigger::Timeout { callback, .. }, Id::Timeout(timer)) => callback(timer),
            _ => (),
        }
        let mut state = self.state.lock();
        if let Some(source) = state.sources.find(ready.id).filter(|s| s.version == ready.version) {
            source.busy = false;
        }
    }

    /// Ends the wait of the thread that is in one, for a change that it must see.
    fn disturb(&self, mut state: MutexGuard<'_, State>) {
        let asleep = std::mem::take(&mut state.asleep);
        drop(state);
        if asleep {
            self.wake_up.raise();
        }
    }

    /// The same, if the wait would be longer than until `due`.
    fn disturb_before(&self, state: MutexGuard<'_, State>, due: Option<Instant>) {
        let Some(due) = due else { return };
        if state.until.is_none_or(|until| due < until) {
            self.disturb(state);
        }
    }

    fn remove(&self, id: Id) -> bool {
        let mut state = self.state.lock();
        let Some(source) = state.sources.remove(id) else { return false };
        state.retired.push(source.trigger);
        self.disturb(state);
        true
    }
}

impl EventLoop for BuiltinLoop {
    fn add_handle(&self, fd: i32, events: i32, callback: HandleCallback) -> Option<i32> {
        let mut state = self.state.lock();
        let watch = state.sources.add_handle(fd, events, callback)?;
        self.disturb(state);
        Some(watch)
    }

    fn update_handle(&self, watch: i32, events: i32) {
        let mut state = self.state.lock();
        if state.sources.update_handle(watch, events) {
            self.disturb(state);
        }
    }

    fn remove_handle(&self, watch: i32) -> bool {
        self.remove(Id::Handle(watch))
    }

    fn add_timeout(&self, milliseconds: i32, callback: TimeoutCallback) -> Option<i32> {
        let mut state = self.state.lock();
        let (timer, due) = state.sources.add_timeout(milliseconds, callback)?;
        self.disturb_before(state, due);
        Some(timer)
    }

    fn update_timeout(&self, timer: i32, milliseconds: i32) {
        let mut state = self.state.lock();
        let due = state.sources.update_timeout(timer, milliseconds);
        self.disturb_before(state, due);
    }

    fn remove_timeout(&self, timer: i32) -> bool {
        self.remove(Id::Timeout(timer))
    }
}
