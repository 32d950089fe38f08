use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};
use std::sync::{mpsc, Arc};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::readiness::{ERROR, HANGUP, READABLE, WRITABLE};
use super::{BuiltinLoop, EventLoop};

/// A loop and what its callbacks did.
#[derive(Clone)]
struct Bench {
    under_test: Arc<BuiltinLoop>,
    log: Arc<Mutex<Vec<String>>>,
}

/// Says when the callback that owns it is dropped.
struct Owned {
    bench: Bench,
    name: &'static str,
    at_drop: fn(&Bench),
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.bench.note(format!("{} dropped", self.name));
        (self.at_drop)(&self.bench);
    }
}

impl Bench {
    fn new() -> Bench {
        Bench { under_test: Arc::new(BuiltinLoop::new().unwrap()), log: Arc::default() }
    }

    fn note(&self, what: impl Into<String>) {
        self.log.lock().push(what.into());
    }

    fn owned(&self, name: &'static str) -> Owned {
        Owned { bench: self.clone(), name, at_drop: |_| () }
    }

    fn timer(&self, name: &'static str, milliseconds: i32, then: impl Fn(&Bench, i32) + Send + Sync + 'static) -> i32 {
        self.timer_owning(self.owned(name), milliseconds, then)
    }

    fn timer_owning(&self, owned: Owned, milliseconds: i32, then: impl Fn(&Bench, i32) + Send + Sync + 'static) -> i32 {
        let callback = Arc::new(move |timer| {
            owned.bench.note(owned.name);
            then(&owned.bench, timer);
        });
        self.under_test.add_timeout(milliseconds, callback).unwrap()
    }

    fn watch(&self, name: &'static str, fd: &impl AsRawFd, events: i32, then: impl Fn(&Bench, i32) + Send + Sync + 'static) -> i32 {
        let owned = self.owned(name);
        let callback = Arc::new(move |watch, _, events| {
            owned.bench.note(format!("{} {events}", owned.name));
            then(&owned.bench, watch);
        });
        self.under_test.add_handle(fd.as_raw_fd(), events, callback).unwrap()
    }

    /// One round; what was called in it.
    fn round(&self) -> Vec<String> {
        self.under_test.run_once().unwrap();
        std::mem::take(&mut self.log.lock())
    }

    /// Rounds until something is called.
    fn rounds(&self) -> Vec<String> {
        loop {
            let called = self.round();
            if !called.is_empty() {
                return called;
            }
        }
    }
}

fn nothing(_: &Bench, _: i32) {}

fn pair() -> (UnixStream, UnixStream) {
    UnixStream::pair().unwrap()
}

#[test]
fn watches_and_timers_are_numbered_apart_from_one() {
    let bench = Bench::new();
    let (near, _far) = pair();
    assert_eq!(bench.timer("a", -1, nothing), 1);
    assert_eq!(bench.watch("b", &near, READABLE, nothing), 1);
    assert_eq!(bench.timer("c", -1, nothing), 2);
    assert!(bench.under_test.remove_timeout(2));
    assert!(!bench.under_test.remove_timeout(2));
    assert!(!bench.under_test.remove_handle(2));
    assert_eq!(bench.timer("d", -1, nothing), 3);
}

#[test]
fn a_timer_of_zero_is_called_in_every_round_and_one_of_minus_one_never() {
    let bench = Bench::new();
    bench.timer("never", -1, nothing);
    bench.timer("always", 0, nothing);
    assert_eq!(bench.round(), ["always"]);
    assert_eq!(bench.round(), ["always"]);
}

#[test]
fn timers_are_called_when_they_are_due_and_again_a_period_later() {
    let bench = Bench::new();
    let start = Instant::now();
    bench.timer("in an hour", 3_600_000, nothing);
    bench.timer("soon", 10, nothing);
    for period in 1..=3 {
        assert_eq!(bench.rounds(), ["soon"]);
        assert!(start.elapsed() >= Duration::from_millis(10 * period));
    }
}

#[test]
fn timers_that_are_due_together_are_called_in_the_order_of_their_last_update() {
    let bench = Bench::new();
    let first = bench.timer("first", 0, nothing);
    bench.timer("second", 0, nothing);
    bench.timer("third", 0, nothing);
    assert_eq!(bench.round(), ["first", "second", "third"]);
    bench.under_test.update_timeout(first, 0);
    assert_eq!(bench.round(), ["second", "third", "first"]);
}

#[test]
fn a_descriptor_is_reported_with_what_it_is_ready_for() {
    let bench = Bench::new();
    let (near, mut far) = pair();
    let watch = bench.watch("fd", &near, WRITABLE, nothing);
    assert_eq!(bench.round(), [format!("fd {WRITABLE}")]);
    bench.under_test.update_handle(watch, READABLE);
    far.write_all(b"x").unwrap();
    assert_eq!(bench.round(), [format!("fd {READABLE}")]);
    bench.under_test.update_handle(watch, READABLE | WRITABLE);
    drop(far);
    assert_eq!(bench.round(), [format!("fd {}", READABLE | WRITABLE | HANGUP)]);
    bench.under_test.update_handle(watch, ERROR);
    assert_eq!(bench.round(), [format!("fd {HANGUP}")], "a hang-up is told without being asked for");
    bench.under_test.update_handle(watch, 0);
    bench.timer("tick", 0, nothing);
    assert_eq!(bench.round(), ["tick"], "a watch for nothing rests, hang-up or not");
}

#[test]
fn a_callback_may_remove_itself_and_is_dropped_in_a_later_round() {
    let bench = Bench::new();
    let (near, mut far) = pair();
    far.write_all(b"x").unwrap();
    bench.watch("fd", &near, READABLE, |bench, watch| {
        assert!(bench.under_test.remove_handle(watch));
        assert!(!bench.under_test.remove_handle(watch));
        bench.under_test.update_handle(watch, WRITABLE);
    });
    bench.timer("once", 0, |bench, timer| {
        assert!(bench.under_test.remove_timeout(timer));
        bench.under_test.update_timeout(timer, 0);
    });
    assert_eq!(bench.round(), [format!("fd {READABLE}"), "once".into()]);
    assert_eq!(bench.round(), ["fd dropped", "once dropped"]);
}

#[test]
fn what_is_removed_outside_the_loop_is_dropped_by_the_next_round_and_not_before() {
    let bench = Bench::new();
    let timer = bench.timer("a", -1, nothing);
    assert!(bench.under_test.remove_timeout(timer));
    assert!(bench.log.lock().is_empty());
    assert_eq!(bench.round(), ["a dropped"]);
}

#[test]
fn what_a_callback_removes_or_updates_is_not_called_in_the_same_round() {
    let bench = Bench::new();
    bench.timer("first", 0, |bench, timer| {
        bench.under_test.remove_timeout(2);
        bench.under_test.update_timeout(3, 0);
        bench.under_test.remove_timeout(timer);
    });
    bench.timer("removed", 0, nothing);
    bench.timer("updated", 0, nothing);
    bench.timer("other", 0, nothing);
    assert_eq!(bench.round(), ["first", "other"]);
    assert_eq!(bench.round(), ["other", "updated", "removed dropped", "first dropped"]);
}

#[test]
fn what_a_callback_adds_is_called_from_the_next_round_on() {
    let bench = Bench::new();
    bench.timer("once", 0, |bench, timer| {
        bench.under_test.remove_timeout(timer);
        bench.timer("added", 0, nothing);
    });
    assert_eq!(bench.round(), ["once"]);
    assert_eq!(bench.round(), ["added", "once dropped"]);
}

#[test]
fn a_dropped_callback_may_call_the_loop() {
    let bench = Bench::new();
    let mut owned = bench.owned("old");
    owned.at_drop = |bench| {
        bench.under_test.remove_timeout(bench.timer("gone", 0, nothing));
        bench.timer("new", 0, nothing);
    };
    let timer = bench.timer_owning(owned, -1, nothing);
    bench.under_test.remove_timeout(timer);
    assert_eq!(bench.round(), ["old dropped"]);
    assert_eq!(bench.round(), ["new", "gone dropped"]);
}

#[test]
fn an_inner_round_leaves_out_the_callback_that_runs_it() {
    let bench = Bench::new();
    bench.timer("outer", 0, |bench, _| {
        bench.under_test.run_once().unwrap();
        bench.note("inner round over");
    });
    bench.timer("other", 0, nothing);
    assert_eq!(bench.round(), ["outer", "other", "inner round over", "other"]);
}

#[test]
fn an_inner_round_calls_again_what_was_updated_in_the_callback() {
    let bench = Bench::new();
    let depth = AtomicI32::new(0);
    bench.timer("again", 0, move |bench, timer| {
        if depth.fetch_add(1, SeqCst) == 0 {
            bench.under_test.update_timeout(timer, 0);
            bench.under_test.run_once().unwrap();
        }
    });
    assert_eq!(bench.round(), ["again", "again"]);
}

/// Runs `change` on this thread while another one waits in a round, and returns what that round called.
fn while_waiting(bench: &Bench, change: impl FnOnce()) -> Vec<String> {
    let (done, outcome) = mpsc::channel();
    let waiting = bench.clone();
    let runner = thread::spawn(move || {
        let called = waiting.rounds();
        let _ = done.send(());
        called
    });
    assert!(outcome.recv_timeout(Duration::from_millis(50)).is_err(), "the loop waits");
    change();
    outcome.recv_timeout(Duration::from_secs(10)).expect("the loop woke up");
    runner.join().unwrap()
}

#[test]
fn a_waiting_loop_notices_what_other_threads_do() {
    let bench = Bench::new();
    let (near, mut far) = pair();
    far.write_all(b"x").unwrap();
    let timer = bench.timer("timer", -1, |bench, timer| bench.under_test.update_timeout(timer, -1));
    assert_eq!(while_waiting(&bench, || bench.under_test.update_timeout(timer, 0)), ["timer"]);
    bench.timer("far", 3_600_000, nothing);
    assert_eq!(while_waiting(&bench, || bench.under_test.update_timeout(timer, 5)), ["timer"]);
    let added = while_waiting(&bench, || {
        bench.timer("added", 0, |bench, timer| bench.under_test.update_timeout(timer, -1));
    });
    assert_eq!(added, ["added"]);
    let watched = while_waiting(&bench, || {
        bench.watch("fd", &near, READABLE, |bench, watch| bench.under_test.update_handle(watch, 0));
    });
    assert_eq!(watched, [format!("fd {READABLE}")]);
    assert_eq!(while_waiting(&bench, || bench.under_test.update_handle(1, READABLE)), [format!("fd {READABLE}")]);
    assert_eq!(while_waiting(&bench, || assert!(bench.under_test.remove_handle(1))), ["fd dropped"]);
}

#[test]
fn a_signal_ends_a_round() {
    extern "C" fn ignore(_: libc::c_int) {}
    // SAFETY: a handler that does nothing, for a signal that nothing else here uses.
    unsafe { libc::signal(libc::SIGUSR1, ignore as *const () as libc::sighandler_t) };
    let bench = Bench::new();
    let (started, thread_id) = mpsc::channel();
    let waiting = bench.clone();
    let runner = thread::spawn(move || {
        // SAFETY: no arguments.
        started.send(unsafe { libc::pthread_self() }).unwrap();
        waiting.under_test.run_once()
    });
    let runner_id = thread_id.recv().unwrap();
    while !runner.is_finished() {
        // SAFETY: the thread is not joined, so its id is valid.
        unsafe { libc::pthread_kill(runner_id, libc::SIGUSR1) };
        thread::sleep(Duration::from_millis(1));
    }
    assert!(runner.join().unwrap().is_ok());
}

#[test]
fn two_threads_take_turns() {
    const ROUNDS: i32 = 200;
    let bench = Bench::new();
    let running = Arc::new(AtomicI32::new(0));
    bench.timer("tick", 0, move |_, _| {
        assert_eq!(running.fetch_add(1, SeqCst), 0);
        thread::yield_now();
        running.fetch_sub(1, SeqCst);
    });
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..ROUNDS).for_each(|_| bench.under_test.run_once().unwrap()));
        }
    });
    assert_eq!(bench.log.lock().len(), 2 * ROUNDS as usize);
}

#[test]
fn threads_that_add_update_and_remove_leave_nothing_behind() {
    const EACH: i32 = 300;
    let bench = Bench::new();
    let quit = bench.timer("quit", -1, nothing);
    let runner = {
        let bench = bench.clone();
        thread::spawn(move || {
            let mut log = Vec::new();
            while !log.contains(&"quit".to_owned()) {
                log.extend(bench.round());
            }
            log
        })
    };
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for milliseconds in 0..EACH {
                    let timer = bench.timer("t", milliseconds % 3, nothing);
                    bench.under_test.update_timeout(timer, 0);
                    assert!(bench.under_test.remove_timeout(timer));
                }
            });
        }
    });
    bench.under_test.update_timeout(quit, 0);
    let mut log = runner.join().unwrap();
    bench.under_test.update_timeout(quit, -1);
    bench.timer("end", 0, nothing);
    log.extend(bench.round());
    assert_eq!(log.iter().filter(|entry| *entry == "t dropped").count(), 3 * EACH as usize);
}
