use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;

use parking_lot::Mutex;

use super::{Handler, Key, LaterWakers, Subscriptions};
use crate::model::event::{id, Event, Payload};
use crate::model::{code, DomainRef, JobState, JobType, Uuid};

type Then = dyn Fn(&Bench, i32) + Send + Sync;

/// A handler that notes what it saw and when it is dropped, and does as it was told besides.
struct Probe {
    bench: Bench,
    name: &'static str,
    key: Option<Key>,
    then: Box<Then>,
    at_drop: Box<dyn Fn(&Bench) + Send + Sync>,
}

impl Handler for Probe {
    fn handle(&self, callback_id: i32, event: &Event) {
        self.bench.note(format!("{}:{}", self.name, text(&event.payload)));
        (self.then)(&self.bench, callback_id);
    }

    fn key(&self) -> Option<Key> {
        self.key
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.bench.note(format!("{} dropped", self.name));
        (self.at_drop)(&self.bench);
    }
}

impl Probe {
    fn then(mut self, then: impl Fn(&Bench, i32) + Send + Sync + 'static) -> Probe {
        self.then = Box::new(then);
        self
    }

    fn at_drop(mut self, at_drop: impl Fn(&Bench) + Send + Sync + 'static) -> Probe {
        self.at_drop = Box::new(at_drop);
        self
    }

    fn keyed(mut self, function: usize, by_function: bool) -> Probe {
        self.key = Some(Key { function, by_function });
        self
    }

    fn register(self, event_id: i32, domain: Option<Uuid>) -> crate::model::Result<i32> {
        self.bench.subscriptions.clone().register(event_id, domain, Arc::new(self))
    }

    fn on_lifecycle(self) -> i32 {
        self.register(id::LIFECYCLE, None).unwrap()
    }
}

#[derive(Clone, Default)]
struct Bench {
    subscriptions: Arc<Subscriptions>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    fn probe(&self, name: &'static str) -> Probe {
        Probe { bench: self.clone(), name, key: None, then: Box::new(|_, _| ()), at_drop: Box::new(|_| ()) }
    }

    fn note(&self, what: String) {
        self.log.lock().push(what);
    }

    fn push(&self, number: i32) {
        self.subscriptions.push(lifecycle("one", number));
    }

    fn flush(&self) -> Vec<String> {
        self.subscriptions.flush();
        self.seen()
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock())
    }
}

fn domain(name: &str) -> DomainRef {
    DomainRef { name: name.to_owned(), uuid: Uuid::derived(name), id: 1 }
}

fn event(payload: Payload) -> Event {
    Event { domain: domain("one"), payload }
}

pub fn lifecycle(name: &str, number: i32) -> Event {
    Event { domain: domain(name), payload: Payload::Lifecycle { event: number, detail: 0 } }
}

fn text(payload: &Payload) -> String {
    match payload {
        Payload::Lifecycle { event, .. } => event.to_string(),
        Payload::BlockJob { target, .. } => target.clone(),
        Payload::JobState { name, state, .. } => format!("{name} {state}"),
        Payload::JobCompleted { .. } => "job".to_owned(),
        Payload::MigrationIteration { iteration } => iteration.to_string(),
    }
}

#[test]
fn every_subscriber_sees_every_event_in_the_order_of_pushing() {
    let bench = Bench::default();
    bench.probe("a").on_lifecycle();
    bench.probe("b").on_lifecycle();
    for number in 1..=3 {
        bench.push(number);
    }
    assert_eq!(bench.flush(), ["a:1", "b:1", "a:2", "b:2", "a:3", "b:3"]);
    assert!(bench.flush().is_empty());
}

#[test]
fn a_subscription_to_one_domain_sees_only_that_domain() {
    let bench = Bench::default();
    bench.probe("all").on_lifecycle();
    bench.probe("two").register(id::LIFECYCLE, Some(Uuid::derived("two"))).unwrap();
    bench.subscriptions.push(lifecycle("one", 1));
    bench.subscriptions.push(lifecycle("two", 2));
    assert_eq!(bench.flush(), ["all:1", "all:2", "two:2"]);
}

#[test]
fn an_event_without_a_subscriber_is_dropped_and_wakes_nobody() {
    let bench = Bench::default();
    let wakes = Arc::new(AtomicUsize::new(0));
    let counter = wakes.clone();
    bench.subscriptions.set_waker(Box::new(move || {
        counter.fetch_add(1, SeqCst);
    }));
    bench.push(1);
    bench.probe("a").register(id::LIFECYCLE, Some(Uuid::derived("two"))).unwrap();
    bench.push(2);
    bench.probe("b").on_lifecycle();
    assert_eq!(wakes.load(SeqCst), 0);
    assert!(bench.flush().is_empty());
    bench.push(3);
    bench.push(4);
    assert_eq!(wakes.load(SeqCst), 1, "one wake-up is enough for what one flush delivers");
    assert_eq!(bench.flush(), ["b:3", "b:4"]);
}

#[test]
fn callback_ids_count_up_from_zero_and_are_not_used_again() {
    let bench = Bench::default();
    assert_eq!(bench.probe("a").on_lifecycle(), 0);
    assert_eq!(bench.probe("b").on_lifecycle(), 1);
    assert!(bench.subscriptions.deregister(1));
    assert!(!bench.subscriptions.deregister(1));
    assert_eq!(bench.probe("c").on_lifecycle(), 2);
    assert!(!bench.subscriptions.deregister(-1));
}

#[test]
fn the_same_function_is_refused_for_the_same_event_and_filter_only() {
    let bench = Bench::default();
    let one = Some(Uuid::derived("one"));
    let first = bench.probe("a").keyed(7, false).register(id::LIFECYCLE, None).unwrap();
    let again = bench.probe("a").keyed(7, false).register(id::LIFECYCLE, None).unwrap_err();
    assert_eq!((again.code, again.detail.as_str()), (code::INVALID_ARG, "event callback already tracked"));
    for (function, by_function, event_id, filter) in
        [(8, false, id::LIFECYCLE, None), (7, true, id::LIFECYCLE, None), (7, false, id::BLOCK_JOB, None), (7, false, id::LIFECYCLE, one)]
    {
        let made = bench.probe("b").keyed(function, by_function).register(event_id, filter);
        assert!(made.is_ok(), "{function} {by_function} {event_id} {filter:?}");
    }
    assert!(bench.subscriptions.deregister(first));
    assert!(bench.probe("c").keyed(7, false).register(id::LIFECYCLE, None).is_ok());
}

#[test]
fn an_older_style_subscription_is_found_by_its_function() {
    let bench = Bench::default();
    let old = Key { function: 7, by_function: true };
    assert_eq!(bench.subscriptions.find(id::LIFECYCLE, old), None);
    bench.probe("new").keyed(7, false).on_lifecycle();
    let made = bench.probe("old").keyed(7, true).on_lifecycle();
    assert_eq!(bench.subscriptions.find(id::LIFECYCLE, old), Some(made));
    assert_eq!(bench.subscriptions.find(id::BLOCK_JOB, old), None);
}

#[test]
fn a_block_job_reaches_the_older_event_before_the_newer_one() {
    let bench = Bench::default();
    bench.probe("by-target").register(id::BLOCK_JOB_2, None).unwrap();
    bench.probe("by-path").register(id::BLOCK_JOB, None).unwrap();
    let block = |path: &str| event(Payload::BlockJob { path: path.into(), target: "vda".into(), kind: 1, status: 0 });
    bench.subscriptions.push(block("/images/a.qcow2"));
    assert_eq!(bench.flush(), ["by-path:vda", "by-target:vda"]);
    bench.subscriptions.push(block(""));
    assert_eq!(bench.flush(), ["by-target:vda"]);
}

#[test]
fn job_state_is_delivered_under_both_of_its_numbers() {
    let bench = Bench::default();
    bench.probe("25").register(id::JOB_STATE, None).unwrap();
    bench.probe("overlay").register(id::JOB_STATE_OVERLAY, None).unwrap();
    bench.probe("other").register(4, None).unwrap();
    bench.subscriptions.push(event(Payload::JobState { name: "save-1".into(), kind: JobType::Save, state: JobState::Running }));
    bench.subscriptions.push(event(Payload::JobCompleted { params: Vec::new() }));
    bench.subscriptions.push(event(Payload::MigrationIteration { iteration: 1 }));
    assert_eq!(bench.flush(), ["25:save-1 running", "overlay:save-1 running"]);
}

#[test]
fn a_handler_that_ends_its_own_subscription_is_not_called_again_and_dropped_after_the_call() {
    let bench = Bench::default();
    bench
        .probe("once")
        .then(|bench, callback_id| {
            assert!(bench.subscriptions.deregister(callback_id));
            bench.note("deregistered".into());
        })
        .on_lifecycle();
    bench.push(1);
    bench.push(2);
    assert_eq!(bench.flush(), ["once:1", "deregistered", "once dropped"]);
    assert!(bench.subscriptions.is_empty());
}

#[test]
fn a_handler_may_end_another_subscription_before_its_turn_comes() {
    let bench = Bench::default();
    bench
        .probe("a")
        .then(|bench, _| {
            bench.subscriptions.deregister(1);
        })
        .on_lifecycle();
    bench.probe("b").on_lifecycle();
    bench.probe("c").on_lifecycle();
    bench.push(1);
    bench.push(2);
    assert_eq!(bench.flush(), ["a:1", "c:1", "a:2", "c:2", "b dropped"]);
}

#[test]
fn a_subscription_sees_only_what_is_pushed_after_it_was_made() {
    let bench = Bench::default();
    bench
        .probe("a")
        .then(|bench, callback_id| {
            bench.subscriptions.deregister(callback_id);
            bench.probe("late").on_lifecycle();
            bench.push(3);
        })
        .on_lifecycle();
    bench.probe("b").on_lifecycle();
    bench.push(1);
    bench.push(2);
    bench.probe("queued before me").on_lifecycle();
    assert_eq!(bench.flush(), ["a:1", "b:1", "b:2", "a dropped"]);
    assert_eq!(bench.flush(), ["b:3", "queued before me:3", "late:3"]);
}

#[test]
fn a_handler_that_is_dropped_may_call_everything() {
    let bench = Bench::default();
    let at_drop = |bench: &Bench| {
        bench.probe("new").on_lifecycle();
        bench.push(9);
        bench.subscriptions.flush();
        assert!(!bench.subscriptions.deregister(0));
    };
    let first = bench.probe("a").at_drop(at_drop).on_lifecycle();
    bench.subscriptions.deregister(first);
    assert_eq!(bench.seen(), ["a dropped", "new:9"]);
    bench
        .probe("b")
        .at_drop(at_drop)
        .then(|bench, callback_id| {
            bench.subscriptions.deregister(callback_id);
        })
        .on_lifecycle();
    bench.push(1);
    assert_eq!(bench.flush(), ["new:1", "b:1", "b dropped", "new:9", "new:9"]);
}

#[test]
fn a_flush_inside_a_handler_keeps_the_order_of_every_subscription() {
    let bench = Bench::default();
    bench.probe("a").then(|bench, _| bench.subscriptions.flush()).on_lifecycle();
    bench.probe("b").on_lifecycle();
    for number in 1..=3 {
        bench.push(number);
    }
    assert_eq!(bench.flush(), ["a:1", "b:1", "a:2", "b:2", "a:3", "b:3"]);
}

#[test]
fn a_handler_dropped_inside_a_nested_flush_waits_for_the_outer_one() {
    let bench = Bench::default();
    bench
        .probe("a")
        .then(|bench, callback_id| {
            if bench.subscriptions.deregister(callback_id) {
                bench.push(2);
                bench.subscriptions.flush();
                bench.note("inner flush over".into());
            }
        })
        .on_lifecycle();
    bench.probe("b").on_lifecycle();
    bench.push(1);
    assert_eq!(bench.flush(), ["a:1", "b:1", "b:2", "inner flush over", "a dropped"]);
}

#[test]
fn what_a_handler_pushes_waits_for_the_next_flush_and_asks_for_it() {
    let bench = Bench::default();
    let wakes = Arc::new(AtomicUsize::new(0));
    let counter = wakes.clone();
    bench.subscriptions.set_waker(Box::new(move || {
        counter.fetch_add(1, SeqCst);
    }));
    bench.probe("echo").then(|bench, _| bench.push(2)).on_lifecycle();
    bench.push(1);
    assert_eq!(bench.flush(), ["echo:1"]);
    assert_eq!(wakes.load(SeqCst), 2);
    assert_eq!(bench.flush(), ["echo:2"]);
}

#[test]
fn subscribing_again_after_the_last_one_left_wakes_again() {
    let bench = Bench::default();
    let wakes = Arc::new(AtomicUsize::new(0));
    let counter = wakes.clone();
    bench.subscriptions.set_waker(Box::new(move || {
        counter.fetch_add(1, SeqCst);
    }));
    bench.probe("a").on_lifecycle();
    bench.push(1);
    bench.subscriptions.deregister(0);
    bench.probe("b").on_lifecycle();
    bench.push(2);
    assert_eq!(wakes.load(SeqCst), 2);
    assert_eq!(bench.flush(), ["a dropped", "b:2"]);
}

#[test]
fn while_one_thread_delivers_another_does_not_and_nothing_is_forgotten() {
    let bench = Bench::default();
    let wakes = Arc::new(AtomicUsize::new(0));
    let counter = wakes.clone();
    bench.subscriptions.set_waker(Box::new(move || {
        counter.fetch_add(1, SeqCst);
    }));
    let gate = Arc::new(Barrier::new(2));
    let inside = gate.clone();
    bench
        .probe("a")
        .then(move |bench, callback_id| {
            bench.subscriptions.deregister(callback_id);
            inside.wait();
            inside.wait();
        })
        .on_lifecycle();
    bench.probe("b").on_lifecycle();
    bench.push(1);
    let other = bench.clone();
    let loop_thread = thread::spawn(move || other.subscriptions.flush());
    gate.wait();
    bench.push(2);
    assert_eq!(bench.flush(), ["a:1"], "the second thread leaves the events to the first");
    gate.wait();
    loop_thread.join().unwrap();
    assert_eq!(wakes.load(SeqCst), 3, "the first asks for another flush");
    assert_eq!(bench.flush(), ["b:1", "a dropped", "b:2"]);
}

#[test]
fn a_handler_is_dropped_after_the_call_that_another_thread_interrupted() {
    let bench = Bench::default();
    let gate = Arc::new(Barrier::new(2));
    let inside = gate.clone();
    bench
        .probe("a")
        .then(move |bench, _| {
            inside.wait();
            inside.wait();
            bench.note("call over".into());
        })
        .on_lifecycle();
    bench.push(1);
    bench.push(2);
    let other = bench.clone();
    let loop_thread = thread::spawn(move || other.subscriptions.flush());
    gate.wait();
    assert!(bench.subscriptions.deregister(0));
    bench.note("deregistered".into());
    gate.wait();
    loop_thread.join().unwrap();
    assert_eq!(bench.seen(), ["a:1", "deregistered", "call over", "a dropped"]);
}

#[test]
fn the_last_handlers_are_dropped_with_the_subscriptions() {
    let bench = Bench::default();
    let subscriptions = Subscriptions::new();
    subscriptions.register(id::LIFECYCLE, None, Arc::new(bench.probe("a"))).unwrap();
    subscriptions.push(lifecycle("one", 1));
    drop(subscriptions);
    assert_eq!(bench.seen(), ["a dropped"]);
}

#[test]
fn who_pushes_under_a_lock_calls_wakers_after_it() {
    let bench = Bench::default();
    let noting = bench.clone();
    bench.subscriptions.set_waker(Box::new(move || noting.note("woken".to_owned())));
    bench.probe("a").on_lifecycle();
    let outer = LaterWakers::new();
    let inner = LaterWakers::new();
    bench.push(1);
    drop(inner);
    assert_eq!(bench.seen(), [""; 0]);
    // Another thread has no such lock.
    let other = bench.clone();
    assert_eq!(thread::spawn(move || other.flush()).join().unwrap(), ["a:1"]);
    bench.push(2);
    drop(outer);
    assert_eq!(bench.seen(), ["woken", "woken"]);
    bench.push(3);
    assert_eq!(bench.seen(), [""; 0], "one waker for all that waits to be flushed");
    assert_eq!(bench.flush(), ["a:2", "a:3"]);
    bench.push(4);
    assert_eq!(bench.seen(), ["woken"]);
}
