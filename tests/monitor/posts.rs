//! Commands whose answers nobody stands by for.

use std::sync::mpsc::{channel, Sender};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use serde_json::{json, Value};
use virt_jobs::driver::qemu::monitor::{Answer, Monitor, MonitorHandler};
use virt_jobs::qmp::{CallError, Event};

use crate::fake::{Fake, HASTE};
use crate::watcher::{Watcher, PATIENCE};

/// Asks the monitor something upon each event, and tells what comes of it.
struct Asker {
    told: Mutex<Sender<String>>,
}

impl Asker {
    fn tell(&self, what: String) {
        let _ = self.told.lock().send(what);
    }
}

/// A handler that needs itself in the answers it waits for.
struct Shared(Arc<Asker>);

impl MonitorHandler for Shared {
    fn event(&self, monitor: &Monitor, event: &Event) {
        self.0.tell(format!("event {}", event.name));
        let refused = monitor.call("from-handler", Value::Null);
        assert!(matches!(refused, Err(CallError::Failed(_))), "{refused:?}");
        let (name, asker) = (event.name.clone(), Arc::clone(&self.0));
        let ask_again = move |monitor: &Monitor, answer: Answer| {
            asker.tell(format!("answer {name} {}", answer.expect("an answer")));
            let again = Arc::clone(&asker);
            let sent =
                monitor.post("again", json!({ "of": name }), Box::new(move |_, answer| again.tell(format!("again {}", answer.is_ok()))));
            assert_eq!(sent, Ok(()));
        };
        assert_eq!(monitor.post("ask", json!({ "about": event.name }), Box::new(ask_again)), Ok(()));
    }

    fn closed(&self, monitor: &Monitor, _: &str) {
        assert!(monitor.post("late", Value::Null, Box::new(|_, _| {})).is_err());
        self.0.tell("closed".into());
    }
}

#[test]
fn handlers_and_answers_may_post_and_everything_comes_in_order() {
    let fake = Fake::new(|mut peer| {
        peer.event("A");
        for _ in 0..2 {
            peer.echo();
        }
        peer.event("B");
        for _ in 0..2 {
            peer.echo();
        }
    });
    let (told, heard) = channel();
    let monitor = fake.open(Arc::new(Shared(Arc::new(Asker { told: Mutex::new(told) }))));
    let next = || heard.recv_timeout(PATIENCE).expect("news");
    let order: Vec<String> = (0..7).map(|_| next()).collect();
    let wanted = ["event A", "answer A {\"about\":\"A\"}", "again true", "event B", "answer B {\"about\":\"B\"}", "again true", "closed"];
    assert_eq!(order, wanted);
    drop(monitor);
    fake.join();
}

#[test]
fn posting_during_somebody_elses_call_reaches_the_monitor() {
    let fake = Fake::new(|mut peer| {
        let call = peer.command().expect("the call");
        peer.event("DURING");
        let posted = peer.command().expect("the post, though the call has no answer yet");
        assert_eq!(posted["execute"], "ask");
        peer.answer(&posted, json!(1));
        let again = peer.command().expect("the post from the answer");
        peer.answer(&again, json!(2));
        peer.answer(&call, json!("done"));
        peer.drain();
    });
    let (told, heard) = channel();
    let monitor = fake.open(Arc::new(Shared(Arc::new(Asker { told: Mutex::new(told) }))));
    assert_eq!(monitor.call("long", Value::Null), Ok(json!("done")));
    let order: Vec<String> = heard.try_iter().collect();
    assert_eq!(order, ["event DURING", "answer DURING 1", "again true"], "what came before the answer is done before the call returns");
}

#[test]
fn an_unanswered_post_is_told_once_when_its_time_is_over() {
    let fake = Fake::new(|mut peer| {
        let late = peer.command().expect("a command");
        let flush = peer.command().expect("another");
        peer.answer(&late, json!("too late"));
        peer.answer(&flush, json!({}));
        peer.drain();
    });
    let monitor = fake.open_hasty(Watcher::new());
    let (told, heard) = channel();
    let begin = Instant::now();
    let tell = told.clone();
    let on_reply = Box::new(move |_: &Monitor, answer: Answer| {
        let _ = tell.send((begin.elapsed(), answer));
    });
    assert_eq!(monitor.post("slow", Value::Null, on_reply), Ok(()));
    let (after, answer) = heard.recv_timeout(PATIENCE).expect("an end");
    assert_eq!(answer, Err(CallError::Timeout { command: "slow".into(), after: HASTE }));
    assert!(after >= HASTE && after < HASTE * 10, "{after:?}");
    assert_eq!(monitor.call_within("flush", Value::Null, PATIENCE), Ok(json!({})));
    drop(told);
    drop(monitor);
    assert!(heard.recv_timeout(PATIENCE).is_err(), "the late answer is nobody's");
}

#[test]
fn an_unanswered_post_is_told_in_time_even_while_a_call_reads() {
    let fake = Fake::new(|peer| peer.drain());
    let monitor = fake.open_hasty(Watcher::new());
    let (told, heard) = channel();
    let begin = Instant::now();
    let on_reply = Box::new(move |_: &Monitor, answer: Answer| {
        let _ = told.send((begin.elapsed(), answer));
    });
    assert_eq!(monitor.post("slow", Value::Null, on_reply), Ok(()));
    assert!(monitor.call_within("long", Value::Null, HASTE * 8).is_err());
    let (after, answer) = heard.try_recv().expect("the post has ended before the call");
    assert!(matches!(answer, Err(CallError::Timeout { .. })));
    assert!(after < HASTE * 7, "{after:?}");
}

#[test]
fn at_the_end_all_posts_are_told_in_order_before_the_handler() {
    for closed_by_us in [false, true] {
        let fake = Fake::new(move |mut peer| {
            for _ in 0..5 {
                peer.command();
            }
            peer.event("LAST");
            if closed_by_us {
                peer.drain();
            }
        });
        let watcher = Watcher::new();
        let monitor = fake.open(watcher.clone());
        let (told, heard) = channel();
        for n in 0..5 {
            let (told, watcher) = (told.clone(), watcher.clone());
            let on_reply = move |_: &Monitor, answer: Answer| {
                let open = watcher.look(|seen| seen.closed.is_empty());
                let _ = told.send((n, open, matches!(answer, Err(CallError::Closed(_)))));
            };
            assert_eq!(monitor.post("x", Value::Null, Box::new(on_reply)), Ok(()));
        }
        watcher.until("event", |seen| (seen.events == ["LAST"]).then_some(()));
        if closed_by_us {
            monitor.close();
        }
        let why = watcher.until_closed();
        assert_eq!(why, if closed_by_us { "the monitor was closed" } else { "end of file from the monitor" });
        assert_eq!(heard.try_iter().collect::<Vec<_>>(), (0..5).map(|n| (n, true, true)).collect::<Vec<_>>());
        drop(monitor);
        fake.join();
    }
}

#[test]
fn dropping_a_monitor_tells_everybody_and_hangs_up() {
    let fake = Fake::new(|peer| peer.drain());
    let watcher = Watcher::new();
    let monitor = fake.open(watcher.clone());
    let (told, heard) = channel();
    assert_eq!(
        monitor.post(
            "x",
            Value::Null,
            Box::new(move |_, answer| {
                let _ = told.send(answer);
            })
        ),
        Ok(())
    );
    drop(monitor);
    assert!(matches!(heard.recv_timeout(PATIENCE), Ok(Err(CallError::Closed(_)))));
    assert_eq!(watcher.until_closed(), "the monitor was closed");
    fake.join();
}
