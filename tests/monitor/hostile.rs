//! Servers that do what no QEMU should.

use std::time::{Duration, Instant};

use serde_json::{json, Value};
use virt_jobs::driver::qemu::monitor::Limits;
use virt_jobs::qmp::CallError;

use crate::fake::{patient, Fake, HASTE};
use crate::watcher::{Watcher, PATIENCE};

/// Opens the server, calls once, and returns why both the call and the connection ended.
#[track_caller]
fn broken_by(fake: Fake) -> String {
    let watcher = Watcher::new();
    let limits = Limits { max_line: 100_000, ..patient() };
    let monitor = fake.try_open(watcher.clone(), limits).expect("a monitor");
    let error = monitor.call("query-jobs", Value::Null).expect_err("an error");
    let why = watcher.until_closed();
    assert_eq!(error, CallError::Closed(why.clone()));
    assert!(monitor.is_closed());
    assert_eq!(monitor.call("query-jobs", Value::Null), Err(CallError::Closed(why.clone())));
    drop(monitor);
    assert!(watcher.look(|seen| seen.closed.len() == 1), "the end is told once");
    fake.join();
    why
}

#[test]
fn an_endless_line_ends_the_connection() {
    let why = broken_by(Fake::new(|mut peer| {
        peer.command();
        peer.say("{\"return\": \"");
        while peer.say([b'x'; 4096]) {}
    }));
    assert!(why.contains("more than 100000 bytes"), "{why}");
}

#[test]
fn garbage_ends_the_connection() {
    for garbage in ["{\"return\": }\n", "hello\n", "[]\n", "\u{0}\n"] {
        let why = broken_by(Fake::new(move |mut peer| {
            peer.command();
            peer.say(garbage);
            peer.drain();
        }));
        assert!(why.contains("cannot be read"), "{why}");
    }
}

#[test]
fn an_error_that_names_no_command_ends_the_connection() {
    let why = broken_by(Fake::new(|mut peer| {
        peer.command();
        peer.line(r#"{"error": {"class": "GenericError", "desc": "JSON parse error"}}"#);
        peer.drain();
    }));
    assert!(why.contains("JSON parse error"), "{why}");
}

#[test]
fn a_hang_up_instead_of_an_answer_ends_the_connection() {
    let why = broken_by(Fake::new(|mut peer| drop(peer.command())));
    assert_eq!(why, "end of file from the monitor");
}

#[test]
fn wrong_ids_are_nobodys_answer() {
    let fake = Fake::new(|mut peer| {
        let first = peer.command().expect("a command");
        for id in [json!(0), json!(99), json!("x"), json!(null), json!([]), json!(-1), json!(1.5)] {
            peer.line(json!({"return": "wrong", "id": id}).to_string());
            peer.line(json!({"error": {"class": "X", "desc": "wrong"}, "id": id}).to_string());
        }
        peer.line(json!({"return": "wrong"}).to_string());
        peer.answer(&first, json!("right"));
        peer.answer(&first, json!("twice"));
        while peer.echo() {}
    });
    let monitor = fake.open(Watcher::new());
    assert_eq!(monitor.call("x", Value::Null), Ok(json!("right")));
    assert_eq!(monitor.call("x", json!({"n": 2})), Ok(json!({"n": 2})));
}

#[test]
fn half_an_answer_is_waited_for_no_longer_than_the_limit() {
    let fake = Fake::new(|mut peer| {
        let first = peer.command().expect("a command");
        let answer = json!({"return": "late", "id": first["id"]}).to_string();
        let (head, tail) = answer.split_at(12);
        peer.say(head);
        let second = peer.command().expect("a command");
        peer.say(tail);
        peer.say("\r\n");
        peer.answer(&second, json!("in time"));
        peer.drain();
    });
    let monitor = fake.open_hasty(Watcher::new());
    let begin = Instant::now();
    let error = monitor.call("stuck", Value::Null).expect_err("an error");
    assert_eq!(error, CallError::Timeout { command: "stuck".into(), after: HASTE });
    assert!(begin.elapsed() >= HASTE && begin.elapsed() < HASTE * 10, "{:?}", begin.elapsed());
    assert_eq!(
        monitor.call_within("next", Value::Null, PATIENCE),
        Ok(json!("in time")),
        "a late answer is dropped, and the monitor still serves"
    );
    drop(monitor);
    fake.join();
}

#[test]
fn an_answer_that_comes_a_byte_at_a_time_is_an_answer() {
    let fake = Fake::new(|mut peer| {
        let command = peer.command().expect("a command");
        for byte in format!("{}\r\n", json!({"return": ["ä", "\u{1}"], "id": command["id"]})).bytes() {
            peer.say([byte]);
        }
        peer.drain();
    });
    assert_eq!(fake.open(Watcher::new()).call("x", Value::Null), Ok(json!(["ä", "\u{1}"])));
}

#[test]
fn an_answer_nested_too_deeply_fails_its_own_call_only() {
    let fake = Fake::new(|mut peer| {
        let command = peer.command().expect("a command");
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        peer.line(format!(r#"{{"event": "DEEP", "data": {deep}}}"#));
        peer.line(format!(r#"{{"return": {deep}, "id": {}}}"#, command["id"]));
        while peer.echo() {}
    });
    let monitor = fake.open(Watcher::new());
    let error = monitor.call("query-block", Value::Null).expect_err("an error");
    assert!(matches!(&error, CallError::Failed(why) if why.contains("query-block")), "{error}");
    assert_eq!(monitor.call("x", Value::Null), Ok(Value::Null));
}

#[test]
fn an_answer_of_megabytes_is_taken_whole() {
    let fake = Fake::new(|mut peer| {
        let command = peer.command().expect("a command");
        peer.answer(&command, json!(vec!["x".repeat(1000); 5000]));
        while peer.echo() {}
    });
    let monitor = fake.open(Watcher::new());
    let answer = monitor.call("query-block", Value::Null).expect("an answer");
    assert_eq!(answer.as_array().map(Vec::len), Some(5000));
    assert_eq!(monitor.call("x", Value::Null), Ok(Value::Null));
}

#[test]
fn what_is_new_in_a_later_qemu_is_passed_by_or_on() {
    let fake = Fake::new(|mut peer| {
        peer.line(r#"{"news": {"a": 1}}"#);
        peer.line(r#"{"event": "NOT_INVENTED_YET", "data": 5, "more": [], "timestamp": "noon"}"#);
        let command = peer.command().expect("a command");
        peer.line(json!({"warning": "old", "return": 1, "id": command["id"], "took": 0.5}).to_string());
        peer.drain();
    });
    let watcher = Watcher::new();
    let monitor = fake.open(watcher.clone());
    assert_eq!(monitor.call("x", Value::Null), Ok(json!(1)));
    watcher.until("new event", |seen| (seen.events == ["NOT_INVENTED_YET"]).then_some(()));
}

#[test]
fn a_server_that_never_reads_makes_calls_fail_in_time_and_memory_stays_bounded() {
    let fake = Fake::new(|peer| {
        // Until the client goes, which is noticed without reading.
        let mut wanted = libc::pollfd { fd: std::os::fd::AsRawFd::as_raw_fd(peer.stream()), events: 0, revents: 0 };
        // SAFETY: one valid pollfd.
        unsafe { libc::poll(&raw mut wanted, 1, 20_000) };
    });
    let monitor = fake.open(Watcher::new());
    let big = json!({ "text": "x".repeat(100_000) });
    let begin = Instant::now();
    for _ in 0..10 {
        assert!(matches!(monitor.call_within("big", big.clone(), Duration::from_millis(50)), Err(CallError::Timeout { .. })));
    }
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    let refused = (0..100).find_map(|_| monitor.post("big", big.clone(), Box::new(|_, _| {})).err());
    assert!(matches!(&refused, Some(CallError::Failed(why)) if why.contains("too many commands")), "{refused:?}");
    drop(monitor);
    fake.join();
}

#[test]
fn posts_that_are_never_answered_are_bounded_in_number() {
    let fake = Fake::new(|peer| peer.drain());
    let monitor = fake.open(Watcher::new());
    let sent = (0..100_000).take_while(|_| monitor.post("x", Value::Null, Box::new(|_, _| {})).is_ok()).count();
    assert!((100..100_000).contains(&sent), "{sent}");
}

#[test]
fn a_command_that_was_given_up_before_it_left_is_never_sent() {
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let fake = Fake::new(move |mut peer| {
        gone.recv().expect("a sign to begin reading");
        let commands: Vec<Value> =
            std::iter::from_fn(|| peer.command()).take_while(|c| c["execute"] != "end").map(|c| c["execute"].clone()).collect();
        assert_eq!(commands, ["fills-the-socket"]);
    });
    let monitor = fake.open(Watcher::new());
    for (command, size) in [("fills-the-socket", 900_000), ("given-up", 10)] {
        let error = monitor.call_within(command, json!("x".repeat(size)), HASTE).expect_err("an error");
        assert!(matches!(error, CallError::Timeout { .. }), "{error}");
    }
    go.send(()).expect("a server");
    assert!(matches!(monitor.call("end", Value::Null), Err(CallError::Closed(_))));
    fake.join();
}
