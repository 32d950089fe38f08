//! What tests on real QEMU share: images, processes that are ended again, and a subscriber that takes notes.
#![allow(dead_code, unused_imports)]

pub mod backups;
pub mod campaign;
pub mod fake;
pub mod healthy;
pub mod memory;
mod other;
mod proxy;
mod rig;
mod small;
pub mod vm;

pub use other::Other;
pub use proxy::{Manner, Proxy};
pub use rig::{Client, Rig, DISK};
pub use small::Small;

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use virt_jobs::event::{Handler, Subscriptions};
use virt_jobs::model::event::{id, Event, Payload};

/// The emulator to test with; `None` says SKIP.
pub fn emulator() -> Option<String> {
    let wanted = std::env::var("VIRT_JOBS_QEMU").unwrap_or_else(|_| "qemu-system-x86_64".to_owned());
    if Command::new(&wanted).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success()) {
        return Some(wanted);
    }
    skip(&format!("{wanted} cannot be run"));
    None
}

/// Says why a test is left out, past the harness, which shows nothing of tests that pass.
pub fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIP: {why}");
}

/// `kvm` where it can be used.
pub fn accelerator() -> &'static str {
    let usable = std::fs::OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok();
    if usable {
        "kvm"
    } else {
        "tcg"
    }
}

/// Runs a tool that must succeed; returns what it printed.
pub fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A chain of qcow2 images, base first, each with a pattern of its own in its own part of the disk.
pub fn make_chain(dir: &Path, names: &[&str], mib: u64) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let path = dir.join(format!("{name}.qcow2"));
        let size = format!("{mib}M");
        let text = path.to_str().unwrap();
        match paths.last() {
            None => run("qemu-img", &["create", "-q", "-f", "qcow2", text, &size]),
            Some(below) => run("qemu-img", &["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", below.to_str().unwrap(), text]),
        };
        let share = mib / names.len() as u64;
        let write = format!("write -q -P {} {}M {share}M", n + 1, share * n as u64);
        run("qemu-io", &["-f", "qcow2", "-c", &write, text]);
        paths.push(path);
    }
    paths
}

/// Whether an image is sound and holds what another one holds.
pub fn assert_same(image: &Path, expected: &Path) {
    run("qemu-img", &["check", "-q", image.to_str().unwrap()]);
    run("qemu-img", &["compare", "-q", image.to_str().unwrap(), expected.to_str().unwrap()]);
}

/// How long something may take that has this long on a machine with nothing else to do. Others that want to run, or wait for
/// the disk, have their share of the time: a test that fails should not say that the machine is busy.
pub fn unhurried(limit: Duration) -> Duration {
    let load = std::fs::read_to_string("/proc/loadavg").ok().and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    limit.mul_f64((load.unwrap_or(0.0) / processors as f64).clamp(1.0, 8.0))
}

/// Waits for something that is bound to happen.
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + unhurried(Duration::from_secs(30));
    while !happened() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A QEMU that somebody else started, ended when the test is over.
pub struct Qemu {
    child: Child,
}

impl Qemu {
    /// Starts QEMU with a monitor socket and waits until it listens.
    pub fn start(emulator: &str, socket: &Path, arguments: &[&str]) -> Qemu {
        Qemu::start_on(emulator, accelerator(), socket, arguments)
    }

    /// The same, with firmware that halts at once: the state of the machine changes, and nothing happens in it.
    pub fn start_without_guest(emulator: &str, socket: &Path, arguments: &[&str]) -> Qemu {
        let firmware = socket.with_extension("rom");
        let mut code = vec![0; 1 << 16];
        code[0xfff0..0xfff4].copy_from_slice(&[0xfa, 0xf4, 0xeb, 0xfc]);
        std::fs::write(&firmware, code).unwrap();
        let arguments = [&["-bios", firmware.to_str().unwrap()], arguments].concat();
        Qemu::start_on(emulator, "tcg", socket, &arguments)
    }

    fn start_on(emulator: &str, accelerator: &str, socket: &Path, arguments: &[&str]) -> Qemu {
        let monitor = format!("unix:{},server=on,wait=off", socket.display());
        let base = ["-machine", "q35", "-accel", accelerator, "-m", "64", "-nodefaults", "-no-user-config", "-display", "none", "-qmp"];
        let child = Command::new(emulator)
            .args(base)
            .arg(&monitor)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("{emulator}: {e}"));
        let qemu = Qemu { child };
        let deadline = Instant::now() + Duration::from_secs(20);
        while UnixStream::connect(socket).is_err() {
            assert!(Instant::now() < deadline, "no monitor at {}", socket.display());
            std::thread::sleep(Duration::from_millis(10));
        }
        qemu
    }

    /// Starts one whose only disk has this chain, base first, with a node name for each image.
    pub fn with_disk(emulator: &str, socket: &Path, chain: &[PathBuf]) -> Qemu {
        let mut arguments: Vec<String> = Vec::new();
        let mut below: Option<String> = None;
        for (n, path) in chain.iter().enumerate() {
            let node = format!("node{n}");
            let backing = below.map_or("null".to_owned(), |node| format!("\"{node}\""));
            arguments.push("-blockdev".to_owned());
            arguments.push(format!(
                "{{\"driver\":\"qcow2\",\"node-name\":\"{node}\",\"read-only\":{},\"backing\":{backing},\"file\":{{\"driver\":\"file\",\"filename\":\"{}\",\"auto-read-only\":true}}}}",
                n + 1 < chain.len(),
                path.display()
            ));
            below = Some(node);
        }
        arguments.push("-device".to_owned());
        arguments.push(format!("virtio-blk-pci,id=disk0,drive={}", below.unwrap()));
        Qemu::start(emulator, socket, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Another program, ended in the same way.
    pub fn of(child: Child) -> Qemu {
        Qemu { child }
    }

    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    pub fn signal(&self, signal: i32) {
        send_signal(self.pid(), signal);
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process that a test started. Numbers below 1 would mean a group of processes, or all there are: that is
/// what a domain has for an id that does not run.
pub fn send_signal(pid: i32, signal: i32) {
    assert!(pid > 1, "process {pid} is nobody that a test may send signal {signal} to");
    // SAFETY: a plain system call; the process is one that the test started, and may be gone.
    unsafe { libc::kill(pid, signal) };
}

/// Runs this program again as another client, to do what the test of that name does where these variables are set; returns
/// when it says that it is attached.
pub fn another_client(work: &str, variables: &[(&str, &std::ffi::OsStr)]) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([work, "--exact", "--nocapture", "--test-threads", "1"])
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("attached") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut said, &mut line).unwrap() > 0, "the client has not come to work");
    }
    child
}

/// Lets it work for so long, and kills it.
pub fn kill_after(mut client: Child, time: Duration) {
    std::thread::sleep(time);
    client.kill().unwrap();
    client.wait().unwrap();
}

/// Takes notes of everything that a connection announces.
#[derive(Clone, Default)]
pub struct Notes {
    lines: Arc<Mutex<Vec<String>>>,
}

struct Scribe(Notes);

impl Handler for Scribe {
    fn handle(&self, _callback_id: i32, event: &Event) {
        let line = match &event.payload {
            Payload::JobState { name, kind, state } => format!("{name} {kind} {state}"),
            Payload::BlockJob { target, kind, status, .. } => format!("block {target} {kind} {status}"),
            Payload::Lifecycle { event, detail } => format!("lifecycle {event} {detail}"),
            other => format!("{other:?}"),
        };
        self.0.lines.lock().push(line);
    }
}

impl Notes {
    pub fn subscribe(events: &Arc<Subscriptions>) -> Notes {
        let notes = Notes::default();
        for event in [id::JOB_STATE, id::BLOCK_JOB_2, id::LIFECYCLE] {
            events.register(event, None, Arc::new(Scribe(notes.clone()))).unwrap();
        }
        notes
    }

    /// Delivers events until one of the lines is this one.
    pub fn wait_for(&self, events: &Subscriptions, wanted: &str) {
        let deadline = Instant::now() + unhurried(Duration::from_secs(20));
        loop {
            events.flush();
            if self.lines.lock().iter().any(|line| line == wanted) {
                return;
            }
            assert!(Instant::now() < deadline, "no '{wanted}' in {:#?}", self.lines.lock());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn all(&self) -> Vec<String> {
        self.lines.lock().clone()
    }
}

/// Looks a domain up whose QEMU may just be beginning to listen.
pub fn await_domain(connection: &dyn virt_jobs::driver::Connection, name: &str) -> virt_jobs::model::DomainRef {
    let deadline = Instant::now() + unhurried(Duration::from_secs(10));
    loop {
        match connection.lookup(virt_jobs::driver::Key::Name(name)) {
            Ok(found) => return found,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
