//! Subscriptions under schedules that nobody thought of: random ones, and those of threads.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;
use proptest::prelude::*;

use super::tests::lifecycle;
use super::{Handler, Subscriptions};
use crate::model::event::{id, Event, Payload};
use crate::model::Uuid;

/// What a handler in the random schedules does when it is called for the n-th time.
#[derive(Clone, Debug)]
enum Step {
    Push { domain: usize },
    Register { filter: Option<usize> },
    Deregister { pick: usize },
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..2usize).prop_map(|domain| Step::Push { domain }),
        2 => proptest::option::of(0..2usize).prop_map(|filter| Step::Register { filter }),
        2 => (0..8usize).prop_map(|pick| Step::Deregister { pick }),
        2 => Just(Step::Flush),
    ]
}

/// A world that carries out steps, some of them from inside handlers, and knows what each subscription must see.
#[derive(Default)]
struct World {
    subscriptions: Subscriptions,
    records: Mutex<Records>,
}

#[derive(Default)]
struct Records {
    pushed: i32,
    script: Vec<Step>,
    live: Vec<i32>,
    by_id: HashMap<i32, Record>,
}

#[derive(Default)]
struct Record {
    filter: Option<usize>,
    due: Vec<i32>,
    seen: Vec<i32>,
    ended: bool,
    dropped: usize,
}

const DOMAINS: [&str; 2] = ["one", "two"];

struct Actor {
    world: std::sync::Weak<World>,
    callback_id: Mutex<Option<i32>>,
}

impl Handler for Actor {
    fn handle(&self, callback_id: i32, event: &Event) {
        let Some(world) = self.world.upgrade() else { return };
        let Payload::Lifecycle { event: number, .. } = event.payload else { unreachable!() };
        let next = {
            let mut records = world.records.lock();
            let record = records.by_id.get_mut(&callback_id).unwrap();
            assert!(!record.ended, "called after its end");
            assert_eq!(record.dropped, 0, "called after it was dropped");
            record.seen.push(number);
            records.script.pop()
        };
        if let Some(step) = next {
            world.play(&step);
        }
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        let (Some(world), Some(callback_id)) = (self.world.upgrade(), *self.callback_id.lock()) else { return };
        world.records.lock().by_id.get_mut(&callback_id).unwrap().dropped += 1;
    }
}

impl World {
    fn play(self: &Arc<World>, step: &Step) {
        match *step {
            Step::Push { domain } => {
                let number = {
                    let mut records = self.records.lock();
                    records.pushed += 1;
                    let number = records.pushed;
                    for record in records.by_id.values_mut().filter(|r| !r.ended && r.filter.is_none_or(|f| f == domain)) {
                        record.due.push(number);
                    }
                    number
                };
                self.subscriptions.push(lifecycle(DOMAINS[domain], number));
            }
            Step::Register { filter } => {
                let actor = Arc::new(Actor { world: Arc::downgrade(self), callback_id: Mutex::new(None) });
                let uuid = filter.map(|f| Uuid::derived(DOMAINS[f]));
                let made = self.subscriptions.register(id::LIFECYCLE, uuid, actor.clone()).unwrap();
                *actor.callback_id.lock() = Some(made);
                let mut records = self.records.lock();
                records.live.push(made);
                records.by_id.insert(made, Record { filter, ..Record::default() });
            }
            Step::Deregister { pick } => {
                let mut records = self.records.lock();
                if records.live.is_empty() {
                    return;
                }
                let at = pick % records.live.len();
                let callback_id = records.live.remove(at);
                records.by_id.get_mut(&callback_id).unwrap().ended = true;
                drop(records);
                assert!(self.subscriptions.deregister(callback_id));
            }
            Step::Flush => self.subscriptions.flush(),
        }
    }

    fn check(&self) {
        for (callback_id, record) in &self.records.lock().by_id {
            if record.ended {
                assert!(record.due.starts_with(&record.seen), "{callback_id}: {:?} of {:?}", record.seen, record.due);
                assert_eq!(record.dropped, 1, "{callback_id}");
            } else {
                assert_eq!(record.seen, record.due, "{callback_id}");
                assert_eq!(record.dropped, 0, "{callback_id}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_schedule_delivers_each_event_once_in_order_to_those_who_were_there(
        outside in proptest::collection::vec(step(), 1..40),
        inside in proptest::collection::vec(step(), 0..40),
    ) {
        let world = Arc::new(World::default());
        world.records.lock().script = inside;
        for step in &outside {
            world.play(step);
        }
        world.records.lock().script.clear();
        world.subscriptions.flush();
        world.check();
    }
}

/// One subscription in the test with threads: events of each pusher must come in order, and none after the drop.
struct Watcher {
    last: Mutex<[i32; 2]>,
    over: AtomicBool,
    drops: Arc<AtomicUsize>,
    running: AtomicUsize,
}

impl Handler for Watcher {
    fn handle(&self, _: i32, event: &Event) {
        assert_eq!(self.running.fetch_add(1, SeqCst), 0, "one call at a time");
        assert!(!self.over.load(SeqCst), "called after it was dropped");
        let Payload::Lifecycle { event: number, detail: _ } = event.payload else { unreachable!() };
        let pusher = usize::from(event.domain.name == "two");
        let last = std::mem::replace(&mut self.last.lock()[pusher], number);
        assert!(last == 0 || number == last + 1, "{number} after {last}");
        self.running.fetch_sub(1, SeqCst);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.over.store(true, SeqCst);
        self.drops.fetch_add(1, SeqCst);
    }
}

#[test]
fn threads_that_push_flush_and_come_and_go_lose_and_repeat_nothing() {
    const EVENTS: i32 = 3000;
    const VISITS: usize = 300;
    let subscriptions = Arc::new(Subscriptions::new());
    let drops = Arc::new(AtomicUsize::new(0));
    let watcher = |drops: &Arc<AtomicUsize>| {
        Arc::new(Watcher { last: Mutex::default(), over: AtomicBool::new(false), drops: drops.clone(), running: AtomicUsize::new(0) })
    };
    let stays = watcher(&drops);
    subscriptions.register(id::LIFECYCLE, None, stays.clone()).unwrap();
    let pushing = Arc::new(AtomicUsize::new(2));
    thread::scope(|scope| {
        for name in DOMAINS {
            let (subscriptions, pushing) = (&subscriptions, &pushing);
            scope.spawn(move || {
                (1..=EVENTS).for_each(|number| subscriptions.push(lifecycle(name, number)));
                pushing.fetch_sub(1, SeqCst);
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                while pushing.load(SeqCst) > 0 {
                    subscriptions.flush();
                    thread::yield_now();
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..VISITS {
                let visit = subscriptions.register(id::LIFECYCLE, None, watcher(&drops)).unwrap();
                thread::yield_now();
                assert!(subscriptions.deregister(visit));
            }
        });
    });
    subscriptions.flush();
    assert_eq!(*stays.last.lock(), [EVENTS, EVENTS]);
    assert_eq!(drops.load(SeqCst), VISITS);
}
