//! Virtual time and a record of events, for the tests of this room.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::clock::{Agenda, Clock, Sleeper};
use super::connection::TestConnection;
use super::fixture;
use crate::driver::{Connection, Domain, Key};
use crate::event::{Handler, Subscriptions};
use crate::model::event::{id, Event, Payload};
use crate::model::{Now, Result};

/// A clock that stands still until it is told to go on.
#[derive(Default)]
pub(super) struct VirtualClock {
    state: Mutex<State>,
    /// Whether whoever waits for a job may move it.
    jumps: bool,
}

#[derive(Default)]
struct State {
    now_ms: u64,
    agenda: Agenda,
}

impl VirtualClock {
    pub fn jumping() -> Arc<VirtualClock> {
        Arc::new(VirtualClock { jumps: true, ..VirtualClock::default() })
    }

    /// Lets time pass, and everything happen in it.
    pub fn advance(&self, ms: u64) {
        let end = self.state.lock().now_ms + ms;
        while self.wake_next(end) {}
        self.state.lock().now_ms = end;
    }

    fn wake_next(&self, until_ms: u64) -> bool {
        let mut state = self.state.lock();
        let Some((due, sleeper)) = state.agenda.pop(until_ms) else { return false };
        state.now_ms = state.now_ms.max(due);
        drop(state);
        if let Some(sleeper) = sleeper.upgrade() {
            sleeper.wake();
        }
        true
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Now {
        let now_ms = self.state.lock().now_ms;
        Now { mono_ms: now_ms, wall_ms: 1_795_500_000_000 + now_ms }
    }

    fn wake_at(&self, mono_ms: Option<u64>, sleeper: &Weak<dyn Sleeper>) {
        self.state.lock().agenda.set(mono_ms, sleeper);
    }

    fn skip_ahead(&self) -> bool {
        self.jumps && self.wake_next(u64::MAX)
    }
}

#[derive(Default)]
struct Record(Mutex<Vec<String>>);

impl Handler for Record {
    fn handle(&self, _callback_id: i32, event: &Event) {
        let line = match &event.payload {
            Payload::Lifecycle { event, detail } => format!("lifecycle {event} {detail}"),
            Payload::BlockJob { path, target, kind, status } => format!("block-job {target} {path} {kind} {status}"),
            Payload::JobState { name, state, .. } => format!("{name} {state}"),
            Payload::JobCompleted { .. } => "job-completed".to_owned(),
            Payload::MigrationIteration { iteration } => format!("iteration {iteration}"),
        };
        self.0.lock().push(line);
    }
}

/// A world under virtual time with one connection that hears everything.
pub(super) struct Stage {
    pub clock: Arc<VirtualClock>,
    pub connection: TestConnection,
    events: Arc<Subscriptions>,
    record: Arc<Record>,
    calls: Mutex<Vec<Arc<Call>>>,
}

/// Something that is done at a moment of virtual time.
struct Call(Box<dyn Fn() + Send + Sync>);

impl Sleeper for Call {
    fn wake(&self) {
        (self.0)();
    }
}

impl Stage {
    pub fn new(xml: &str) -> Stage {
        Stage::try_new(xml).expect("the fixture is valid")
    }

    pub fn try_new(xml: &str) -> Result<Stage> {
        let clock = VirtualClock::jumping();
        let world = fixture::build(xml, clock.clone())?;
        let events = Arc::new(Subscriptions::new());
        let record = Arc::new(Record::default());
        for event in [id::LIFECYCLE, id::BLOCK_JOB_2, id::JOB_STATE, id::JOB_COMPLETED, id::MIGRATION_ITERATION] {
            events.register(event, None, record.clone()).expect("nobody else is subscribed");
        }
        let connection = TestConnection::new("test:///stage".to_owned(), world, events.clone());
        Ok(Stage { clock, connection, events, record, calls: Mutex::default() })
    }

    pub fn default_world() -> Stage {
        Stage::new(super::DEFAULT_WORLD)
    }

    pub fn domain(&self, name: &str) -> Arc<dyn Domain> {
        let domain = self.connection.lookup(Key::Name(name)).expect("the domain is there");
        self.connection.domain(&domain).expect("the domain is there")
    }

    /// Does something when so much time has passed, as another thread would while a call waits.
    pub fn after(&self, ms: u64, what: impl Fn() + Send + Sync + 'static) {
        let call = Arc::new(Call(Box::new(what)));
        let sleeper: Weak<dyn Sleeper> = Arc::downgrade(&(call.clone() as Arc<dyn Sleeper>));
        self.calls.lock().push(call);
        self.clock.wake_at(Some(self.clock.now().mono_ms + ms), &sleeper);
    }

    /// What was heard since the last call.
    pub fn heard(&self) -> Vec<String> {
        self.events.flush();
        std::mem::take(&mut *self.record.0.lock())
    }
}
