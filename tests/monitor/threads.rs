//! Several threads on one monitor.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use virt_jobs::qmp::CallError;

use crate::fake::{Fake, HASTE};
use crate::watcher::Watcher;

#[test]
fn each_of_many_callers_gets_its_own_answers() {
    let fake = Fake::new(|mut peer| {
        let mut n = 0;
        while peer.echo() {
            n += 1;
            if n % 7 == 0 {
                peer.event("TICK");
            }
        }
    });
    let watcher = Watcher::new();
    let monitor = fake.open(watcher.clone());
    thread::scope(|scope| {
        for who in 0..16 {
            let monitor = &monitor;
            scope.spawn(move || {
                for n in 0..200 {
                    let word = json!({ "who": who, "n": n });
                    assert_eq!(monitor.call("x", word.clone()), Ok(word));
                }
            });
        }
    });
    watcher.until("event for each seventh call", |seen| (seen.events.len() == 16 * 200 / 7).then_some(()));
}

#[test]
fn answers_out_of_order_reach_their_callers() {
    let fake = Fake::new(|mut peer| {
        let commands: Vec<Value> = (0..8).map(|_| peer.command().expect("a command")).collect();
        for command in commands.iter().rev() {
            peer.answer(command, command["arguments"].clone());
            thread::sleep(Duration::from_millis(2));
        }
        peer.drain();
    });
    let monitor = fake.open(Watcher::new());
    thread::scope(|scope| {
        for n in 0..8 {
            let monitor = &monitor;
            scope.spawn(move || assert_eq!(monitor.call("x", json!({ "n": n })), Ok(json!({ "n": n }))));
        }
    });
}

#[test]
fn a_caller_that_gives_up_takes_nothing_from_the_others() {
    let fake = Fake::new(|mut peer| {
        let mut kept = Vec::new();
        while kept.len() < 8 {
            let command = peer.command().expect("a command");
            if command["execute"] == "patient" {
                kept.push(command);
            }
        }
        thread::sleep(Duration::from_millis(200));
        for command in &kept {
            peer.answer(command, command["arguments"].clone());
        }
        peer.drain();
    });
    let monitor = fake.open(Watcher::new());
    thread::scope(|scope| {
        for n in 0..8u64 {
            let monitor = &monitor;
            scope.spawn(move || {
                let hasty = monitor.call_within("hasty", Value::Null, Duration::from_millis(5 * n));
                assert!(matches!(hasty, Err(CallError::Timeout { .. })), "{hasty:?}");
                assert_eq!(monitor.call("patient", json!({ "n": n })), Ok(json!({ "n": n })));
            });
        }
    });
}

#[test]
fn events_during_a_call_come_in_order_and_before_its_answer() {
    let fake = Fake::new(|mut peer| {
        let command = peer.command().expect("a command");
        for n in 0..20_000 {
            peer.event(&format!("E{n}"));
        }
        peer.answer(&command, json!("done"));
        peer.event("AFTER");
        peer.drain();
    });
    let watcher = Watcher::new();
    let monitor = fake.open(watcher.clone());
    assert_eq!(monitor.call("x", Value::Null), Ok(json!("done")));
    let count = watcher.look(|seen| {
        assert!(seen.events.iter().take(20_000).enumerate().all(|(n, name)| *name == format!("E{n}")));
        seen.events.len()
    });
    assert!(count >= 20_000, "{count}");
    watcher.until("last event", |seen| (seen.events.last().map(String::as_str) == Some("AFTER")).then_some(()));
}

#[test]
fn a_storm_without_end_does_not_keep_a_call_past_its_limit() {
    let fake = Fake::new(|mut peer| while peer.event("STORM") {});
    let monitor = fake.open_hasty(Watcher::new());
    let begin = Instant::now();
    assert!(matches!(monitor.call("x", Value::Null), Err(CallError::Timeout { .. })));
    assert!(begin.elapsed() < HASTE * 10, "{:?}", begin.elapsed());
    drop(monitor);
    fake.join();
}

#[test]
fn a_storm_on_one_monitor_does_not_hold_up_another() {
    let storm = Fake::new(|mut peer| while peer.event("STORM") {});
    let calm = Fake::new(|mut peer| {
        while peer.echo() {
            peer.event("CALM");
        }
    });
    let (stormy, watcher) = (storm.open(Watcher::new()), Watcher::new());
    let monitor = calm.open(watcher.clone());
    for n in 1..=50 {
        let begin = Instant::now();
        assert!(monitor.call("x", Value::Null).is_ok());
        watcher.until("calm event", |seen| (seen.events.len() == n).then_some(()));
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    }
    drop((stormy, monitor));
    storm.join();
    calm.join();
}

#[test]
fn when_the_monitor_goes_away_every_caller_is_told() {
    let fake = Fake::new(|mut peer| {
        for _ in 0..100 {
            peer.echo();
        }
        peer.event("LAST");
    });
    let watcher = Watcher::new();
    let monitor = fake.open(watcher.clone());
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| loop {
                match monitor.call("x", Value::Null) {
                    Ok(_) => answered.fetch_add(1, Ordering::Relaxed),
                    Err(CallError::Closed(_)) => break,
                    Err(e) => panic!("{e}"),
                };
            });
        }
    });
    assert_eq!(answered.into_inner(), 100);
    watcher.until_closed();
    watcher.look(|seen| assert_eq!((seen.events.len(), seen.closed.len()), (1, 1)));
    fake.join();
}

#[test]
fn close_from_anywhere_ends_all_calls_once() {
    for _ in 0..20 {
        let fake = Fake::new(|peer| peer.drain());
        let watcher = Watcher::new();
        let monitor = fake.open(watcher.clone());
        let ready = Arc::new(Barrier::new(5));
        thread::scope(|scope| {
            for _ in 0..4 {
                let (monitor, ready) = (&monitor, Arc::clone(&ready));
                scope.spawn(move || {
                    ready.wait();
                    assert!(matches!(monitor.call("x", Value::Null), Err(CallError::Closed(_))));
                });
            }
            ready.wait();
            monitor.close();
            monitor.close();
        });
        assert_eq!(watcher.until_closed(), "the monitor was closed");
        drop(monitor);
        watcher.look(|seen| assert_eq!(seen.closed.len(), 1));
        fake.join();
    }
}
