//! What a monitor costs beside the bare socket: the round trip of a call, and the way of an event to its handler.
//!
//! Both sides are measured in turns within one run, so their ratio holds on a busy machine too.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::Value;
use virt_jobs::driver::qemu::monitor::{Limits, Monitor, MonitorHandler};
use virt_jobs::driver::qemu::reactor::Reactor;
use virt_jobs::qmp::Event;

const ROUNDS: usize = 40;
const CALLS: usize = 250;
const EVENTS: usize = 2000;
/// Between two events, so that whoever waits has gone to sleep.
const PAUSE: Duration = Duration::from_micros(300);

/// Tells when each event was handled.
struct Clock(Mutex<Sender<Instant>>);

impl MonitorHandler for Clock {
    fn event(&self, _: &Monitor, _: &Event) {
        let _ = self.0.lock().send(Instant::now());
    }

    fn closed(&self, _: &Monitor, _: &str) {}
}

fn clock() -> (Arc<Clock>, Receiver<Instant>) {
    let (tell, told) = channel();
    (Arc::new(Clock(Mutex::new(tell))), told)
}

/// A QEMU without a guest and with two monitors.
struct Qemu {
    process: Child,
    dir: tempfile::TempDir,
}

impl Qemu {
    fn start() -> Option<Qemu> {
        let dir = tempfile::tempdir().ok()?;
        let monitor = |name: &str| format!("unix:{},server=on,wait=off", dir.path().join(name).display());
        let process = Command::new("qemu-system-x86_64")
            .args(["-S", "-nodefaults", "-no-user-config", "-display", "none", "-machine", "none"])
            .args(["-qmp", &monitor("a"), "-qmp", &monitor("b")])
            .stdin(Stdio::null())
            .spawn()
            .ok()?;
        thread::sleep(Duration::from_secs(1));
        Some(Qemu { process, dir })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The floor: blocking writes and reads, and no JSON.
struct Raw {
    stream: UnixStream,
    reader: BufReader<UnixStream>,
    line: String,
}

impl Raw {
    fn open(path: &Path) -> Raw {
        let stream = UnixStream::connect(path).expect("a monitor");
        let reader = BufReader::new(stream.try_clone().expect("a descriptor"));
        let mut raw = Raw { stream, reader, line: String::new() };
        raw.hear();
        raw.call("qmp_capabilities");
        raw
    }

    fn hear(&mut self) -> &str {
        self.line.clear();
        self.reader.read_line(&mut self.line).expect("a line");
        &self.line
    }

    fn call(&mut self, command: &str) {
        self.stream.write_all(format!("{{\"execute\":\"{command}\",\"id\":1}}\n").as_bytes()).expect("a write");
        while !self.hear().contains("\"return\"") {}
    }
}

fn open(path: &Path, handler: Arc<dyn MonitorHandler>) -> Arc<Monitor> {
    Monitor::open(&Reactor::shared().expect("a reactor"), path, handler, Limits::default()).expect("a monitor")
}

fn report(what: &str, mut times: Vec<Duration>) -> f64 {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    println!("{what:44} median {:7.1} us   p90 {:7.1}   p99 {:7.1}", at(0.5), at(0.9), at(0.99));
    at(0.5)
}

/// The way of an answer: one caller, one command at a time, in turns on the same socket.
fn round_trips(qemu: &Qemu) {
    for command in ["query-status", "query-jobs"] {
        let (mut floor, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let mut raw = Raw::open(&qemu.path("a"));
            for _ in 0..CALLS {
                let begin = Instant::now();
                raw.call(command);
                floor.push(begin.elapsed());
            }
            drop(raw);
            let monitor = open(&qemu.path("a"), clock().0);
            for _ in 0..CALLS {
                let begin = Instant::now();
                monitor.call(command, Value::Null).expect("an answer");
                ours.push(begin.elapsed());
            }
        }
        let floor = report(&format!("{command}, raw socket"), floor);
        let ours = report(&format!("{command}, call()"), ours);
        println!("{:44} {:.2} x", "", ours / floor);
    }
}

/// The way of an event from a server's write to the reader: a blocking thread, and the reactor's handler.
fn event_latency() {
    let event = b"{\"timestamp\": {\"seconds\": 1795502859, \"microseconds\": 774894}, \"event\": \"JOB_STATUS_CHANGE\", \"data\": {\"status\": \"running\", \"id\": \"j0\"}}\r\n";
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("fake");
    let listener = UnixListener::bind(&path).expect("a socket");
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        stream.write_all(b"{\"QMP\": {}}\n").expect("a greeting");
        let mut line = String::new();
        BufReader::new(stream.try_clone().expect("a descriptor")).read_line(&mut line).expect("a command");
        stream.write_all(b"{\"return\": {}, \"id\": 0}\n").expect("an answer");
        stream
    });
    let (handler, handled) = clock();
    let _monitor = open(&path, handler);
    let mut to_monitor = server.join().expect("the server");

    let (mut to_raw, from_raw) = UnixStream::pair().expect("a pair");
    let (tell, heard) = channel();
    thread::spawn(move || {
        let (mut reader, mut line) = (BufReader::new(from_raw), String::new());
        while reader.read_line(&mut line).is_ok_and(|n| n > 0) {
            let _ = tell.send(Instant::now());
            line.clear();
        }
    });
    let latency = |stream: &mut UnixStream, heard: &Receiver<Instant>| {
        thread::sleep(PAUSE);
        stream.write_all(event).expect("a write");
        let written = Instant::now();
        heard.recv().expect("an event").saturating_duration_since(written)
    };
    let (mut floor, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..EVENTS {
        floor.push(latency(&mut to_raw, &heard));
        ours.push(latency(&mut to_monitor, &handled));
    }
    report("event after its write, blocking reader", floor);
    report("event after its write, handler", ours);
}

/// The same with a real QEMU, which sends each event to two monitors: how much later than a raw reader we are.
fn event_latency_of(qemu: &Qemu) {
    let (handler, handled) = clock();
    let (mut raw, _monitor) = (Raw::open(&qemu.path("a")), open(&qemu.path("b"), handler));
    let (mut later, mut earlier) = (Vec::new(), 0);
    for n in 0..EVENTS {
        thread::sleep(PAUSE);
        raw.stream.write_all(format!("{{\"execute\":\"{}\",\"id\":1}}\n", ["cont", "stop"][n % 2]).as_bytes()).expect("a write");
        let mut seen = None;
        while !raw.hear().contains("\"return\"") {
            seen = seen.or_else(|| raw.line.contains("\"event\"").then(Instant::now));
        }
        let (seen, ours) = (seen.unwrap_or_else(Instant::now), handled.recv_timeout(Duration::from_secs(5)).expect("an event"));
        earlier += usize::from(ours < seen);
        later.push(ours.saturating_duration_since(seen));
    }
    report("QEMU's event, handler after raw reader", later);
    println!("{:44} the handler was first {earlier} times of {EVENTS}", "");
}

fn main() {
    event_latency();
    match Qemu::start() {
        Some(qemu) => {
            round_trips(&qemu);
            event_latency_of(&qemu);
        }
        None => println!("no qemu-system-x86_64: nothing to compare a call with"),
    }
}
