//! From a path to a monitor.

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use virt_jobs::driver::qemu::monitor::{Limits, Monitor, MonitorHandler, OpenError};
use virt_jobs::driver::qemu::reactor::Reactor;
use virt_jobs::model::{code, Error};

use crate::fake::{hasty, open, patient, Fake, Peer, GREETING, HASTE};
use crate::watcher::Watcher;

/// What opening this server fails with.
#[track_caller]
fn refused(fake: Fake, limits: Limits) -> OpenError {
    let watcher = Watcher::new();
    let begin = Instant::now();
    let error = fake.try_open(watcher.clone(), limits).err().expect("an error");
    assert!(begin.elapsed() < limits.greeting + Duration::from_secs(2), "{:?}", begin.elapsed());
    assert!(watcher.look(|seen| seen.closed.is_empty()), "nothing was opened that could close");
    fake.join();
    error
}

#[test]
fn a_socket_that_is_not_there_or_left_over_is_absent() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("vm.qmp");
    assert!(matches!(open(&path, Watcher::new(), hasty()), Err(OpenError::Absent { .. })));
    drop(UnixListener::bind(&path).expect("a socket"));
    let error = open(&path, Watcher::new(), hasty()).err().expect("an error");
    assert!(matches!(error, OpenError::Absent { .. }), "{error}");
    let error = Error::from(error);
    assert_eq!(error.code, code::SYSTEM_ERROR);
    assert!(error.detail.contains("vm.qmp") && error.detail.contains("refused"), "{error}");
}

#[test]
fn a_path_that_no_socket_can_have_is_refused_with_its_limit() {
    let path = std::path::Path::new("/tmp").join("x".repeat(200));
    let error = open(&path, Watcher::new(), hasty()).err().expect("an error");
    assert!(error.to_string().contains("at most 107 bytes"), "{error}");
}

#[test]
fn a_monitor_that_does_not_greet_is_said_to_be_taken() {
    let error = refused(Fake::raw(|peer| peer.drain()), hasty());
    assert!(matches!(error, OpenError::Silent { .. }));
    assert!(error.to_string().contains("taken by another client"), "{error}");
    assert_eq!(Error::from(error).code, code::OPERATION_TIMEOUT);
}

#[test]
fn a_socket_with_a_full_queue_is_said_to_be_taken() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("vm.qmp");
    let listener = UnixListener::bind(&path).expect("a socket");
    // SAFETY: a plain call on a socket that listens already; it only makes the queue as short as can be.
    unsafe { libc::listen(listener.as_raw_fd(), 0) };
    let first = std::os::unix::net::UnixStream::connect(&path).expect("the first in the queue");
    let error = open(&path, Watcher::new(), hasty()).err().expect("an error");
    assert!(matches!(error, OpenError::Silent { .. }), "{error}");
    drop(first);
    assert!(error.to_string().contains("taken by another client"), "{error}");
}

#[test]
fn a_place_in_a_full_queue_is_waited_for() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("vm.qmp");
    let listener = UnixListener::bind(&path).expect("a socket");
    // SAFETY: as above.
    unsafe { libc::listen(listener.as_raw_fd(), 0) };
    let first = std::os::unix::net::UnixStream::connect(&path).expect("the first in the queue");
    let server = thread::spawn(move || {
        thread::sleep(HASTE);
        drop((listener.accept().expect("the first"), first));
        let mut peer = Peer::new(listener.accept().expect("the second").0);
        peer.greet();
        peer.drain();
    });
    drop(open(&path, Watcher::new(), patient()).expect("a monitor"));
    server.join().expect("the server");
}

#[test]
fn a_monitor_that_greets_and_then_falls_silent_is_given_up() {
    let error = refused(
        Fake::raw(|mut peer| {
            peer.line(GREETING);
            peer.drain();
        }),
        hasty(),
    );
    assert!(matches!(error, OpenError::Silent { .. }));
}

#[test]
fn what_is_not_a_monitor_is_refused_with_a_reason() {
    let greetings: [(&'static [u8], &str); 5] = [
        (b"220 mail ready\r\n", "cannot be read"),
        (b"{\"hello\": 1}\n", "does not greet"),
        (b"[1]\n", "not an object"),
        (b"\xff\xfe\0\n", "cannot be read"),
        (b"", "closed the connection"),
    ];
    for (greeting, reason) in greetings {
        let error = refused(
            Fake::raw(move |mut peer| {
                peer.say(greeting);
                if !greeting.is_empty() {
                    peer.drain();
                }
            }),
            patient(),
        );
        assert!(matches!(error, OpenError::NotQmp { .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn what_was_on_its_way_to_the_last_client_comes_before_the_greeting_and_is_nobodys() {
    let server = Fake::raw(|mut peer| {
        peer.line("{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"STOP\"}");
        peer.line("{\"return\": {}, \"id\": 0}");
        peer.line(GREETING);
        peer.line("{\"return\": {}, \"id\": 0}");
        peer.drain();
    });
    let monitor = server.try_open(Watcher::new(), patient()).expect("a monitor");
    drop(monitor);
    server.join();
}

#[test]
fn an_endless_greeting_is_cut_off() {
    let fake = Fake::raw(|mut peer| while peer.say([b'x'; 4096]) {});
    let limits = Limits { max_line: 100_000, ..patient() };
    let error = fake.try_open(Watcher::new(), limits).err().expect("an error");
    assert!(error.to_string().contains("more than 100000 bytes"), "{error}");
    fake.join();
}

#[test]
fn a_refused_negotiation_is_reported() {
    let error = refused(
        Fake::raw(|mut peer| {
            peer.line(GREETING);
            let command = peer.command().expect("a command");
            peer.line(json!({"error": {"class": "GenericError", "desc": "not today"}, "id": command["id"]}).to_string());
            peer.drain();
        }),
        patient(),
    );
    assert!(error.to_string().contains("not today"), "{error}");
}

#[test]
fn a_greeting_that_comes_a_byte_at_a_time_is_a_greeting() {
    let fake = Fake::raw(|mut peer| {
        for byte in format!("{GREETING}\r\n").bytes() {
            peer.say([byte]);
        }
        let command = peer.command().expect("a command");
        peer.answer(&command, json!({}));
        while peer.echo() {}
    });
    let monitor = fake.open(Watcher::new());
    assert_eq!(monitor.call("x", json!({"n": 1})), Ok(json!({"n": 1})));
}

#[test]
fn events_that_come_with_the_end_of_the_handshake_are_delivered() {
    let fake = Fake::raw(|mut peer| {
        peer.line(GREETING);
        let command = peer.command().expect("a command");
        let answer = json!({"return": {}, "id": command["id"]});
        peer.say(format!("{answer}\n{{\"event\": \"EARLY\"}}\n"));
        peer.drain();
    });
    let watcher = Watcher::new();
    let _monitor = fake.open(watcher.clone());
    watcher.until("early event", |seen| (seen.events == ["EARLY"]).then_some(()));
}

#[test]
fn many_sockets_are_opened_in_the_time_of_one() {
    let silent: Vec<Fake> = (0..40).map(|_| Fake::raw(|peer| peer.drain())).collect();
    let living: Vec<Fake> = (0..20).map(|_| Fake::echo()).collect();
    let gone = tempfile::tempdir().expect("a directory").path().join("vm.qmp");
    let mut paths: Vec<_> = silent.iter().chain(&living).map(|fake| fake.path.clone()).collect();
    paths.insert(0, gone);
    let wanted = paths.iter().map(|path| (path.clone(), Watcher::new() as std::sync::Arc<dyn MonitorHandler>)).collect();
    let limits = Limits { greeting: Duration::from_secs(2), ..patient() };
    let begin = Instant::now();
    let opened = Monitor::open_many(&Reactor::shared().expect("a reactor"), wanted, limits);
    assert!(begin.elapsed() < limits.greeting * 3, "{:?}", begin.elapsed());
    assert!(matches!(opened[0], Err(OpenError::Absent { .. })));
    for result in &opened[1..41] {
        assert!(matches!(result, Err(OpenError::Silent { .. })));
    }
    for (result, path) in opened[41..].iter().zip(&paths[41..]) {
        let monitor = result.as_ref().expect("a monitor");
        assert_eq!(monitor.path(), path);
        assert_eq!(monitor.call("x", Value::Null), Ok(Value::Null));
    }
}

#[test]
fn a_monitor_that_loses_its_first_client_gets_a_second() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("vm.qmp");
    let listener = UnixListener::bind(&path).expect("a socket");
    let server = thread::spawn(move || {
        let lost = listener.accept().expect("a client");
        let (second, _) = listener.accept().expect("another client");
        drop(lost);
        let mut peer = Peer::new(second);
        peer.greet();
        while peer.echo() {}
    });
    let limits = Limits { greeting: Duration::from_secs(2), ..patient() };
    let monitor = open(&path, Watcher::new(), limits).expect("a monitor");
    assert_eq!(monitor.call("x", json!({"n": 1})), Ok(json!({"n": 1})));
    drop(monitor);
    server.join().expect("the server");
}
