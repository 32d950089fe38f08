//! What many monitors cost a process: threads, memory, time. One test, because it looks at the whole process.

#[path = "monitor/fake.rs"]
#[allow(dead_code)]
mod fake;
#[path = "monitor/watcher.rs"]
#[allow(dead_code)]
mod watcher;

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use virt_jobs::driver::qemu::monitor::{Monitor, MonitorHandler};
use virt_jobs::driver::qemu::reactor::Reactor;
use virt_jobs::qmp::Event;

use fake::{patient, Fake};
use watcher::{Watcher, PATIENCE};

const MONITORS: usize = 200;

/// How many threads of the process are the library's.
fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("the process's threads");
    let names = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("virt-jobs")).count()
}

/// Resident bytes of the process.
fn resident() -> usize {
    let text = fs::read_to_string("/proc/self/statm").expect("the process's memory");
    let pages: usize = text.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
    pages * 4096
}

/// Processor time of the library's threads.
fn busy() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").expect("the process's threads").flatten();
    let ours = tasks.filter(|task| fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.starts_with("virt-jobs")));
    let nanoseconds = |text: String| text.split(' ').next().and_then(|n| n.parse::<u64>().ok());
    let spent = ours.filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok().and_then(nanoseconds));
    Duration::from_nanos(spent.sum())
}

/// Keeps nothing of what it is told.
struct Deaf;

impl MonitorHandler for Deaf {
    fn event(&self, _: &Monitor, _: &Event) {}
    fn closed(&self, _: &Monitor, _: &str) {}
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < PATIENCE, "no {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn two_hundred_monitors_take_one_thread_and_little_memory() {
    let fakes: Vec<Fake> = (0..MONITORS).map(|_| Fake::echo()).collect();
    let storm = Fake::new(|mut peer| {
        let command = peer.command().expect("a command");
        peer.answer(&command, json!({}));
        while peer.event("STORM") {}
    });
    let (watcher, limits) = (Watcher::new(), patient());
    let reactor = Reactor::shared().expect("a reactor");
    let wanted = || fakes.iter().map(|fake| (fake.path.clone(), watcher.clone() as Arc<dyn MonitorHandler>)).collect();
    let before = resident();
    let monitors: Vec<Arc<Monitor>> = Monitor::open_many(&reactor, wanted(), limits).into_iter().map(|m| m.expect("a monitor")).collect();
    for monitor in &monitors {
        assert_eq!(monitor.call("x", json!({ "a": 1 })), Ok(json!({ "a": 1 })));
    }
    let each = (resident() - before) / MONITORS;
    assert!(each <= 64 * 1024, "{each} bytes for each monitor");
    assert_eq!(threads(), 1);

    let spent = busy();
    thread::sleep(Duration::from_millis(300));
    assert!(busy() - spent < Duration::from_millis(10), "nothing happens, yet the thread worked for {:?}", busy() - spent);

    let flooded = storm.try_open(Arc::new(Deaf), limits).expect("a monitor");
    assert!(flooded.call("begin", Value::Null).is_ok());
    let (begin, flood) = (Instant::now(), resident());
    while begin.elapsed() < Duration::from_millis(300) {
        assert!(monitors[0].call("x", Value::Null).is_ok());
    }
    assert!(resident() < flood + (4 << 20), "a storm of events grows memory by {} bytes", resident() - flood);

    drop((flooded, reactor));
    storm.join();
    assert_eq!(threads(), 1);
    drop(monitors);
    // A thread that has been joined is listed for a moment more.
    wait_for("end of the thread with its last monitor", || threads() == 0);
    assert_eq!(watcher.look(|seen| seen.closed.len()), MONITORS);

    for _ in 0..50 {
        let reactor = Reactor::shared().expect("a reactor");
        wait_for("one thread", || threads() == 1);
        drop(reactor);
        wait_for("end of the thread", || threads() == 0);
    }
}
