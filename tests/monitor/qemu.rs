//! Real QEMUs.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::PathBuf;

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{json, Value};
use virt_jobs::driver::qemu::monitor::{Limits, Monitor, OpenError};
use virt_jobs::qmp::CallError;

use crate::fake::{hasty, open, patient, HASTE};
use crate::watcher::{Watcher, PATIENCE};

/// A QEMU without a guest; killed at the end.
pub struct Qemu {
    pub path: PathBuf,
    pub child: Child,
    _dir: tempfile::TempDir,
}

impl Qemu {
    /// `None` where no QEMU is installed.
    pub fn start(option: &str) -> Option<Qemu> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("vm.qmp");
        let emulator = std::env::var("VIRT_JOBS_QEMU").unwrap_or_else(|_| "qemu-system-x86_64".to_owned());
        let mut command = Command::new(&emulator);
        command.args(["-S", "-nodefaults", "-no-user-config", "-display", "none", "-machine", "none", option]);
        command.arg(format!("unix:{},server=on,wait=off", path.display()));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let Ok(child) = child else {
            let _ = writeln!(std::io::stderr(), "SKIP: {emulator} cannot be run");
            return None;
        };
        Some(Qemu { path, child, _dir: dir })
    }

    /// Opens the monitor; a QEMU that has just been started gets time to listen.
    fn open(&self, watcher: Arc<Watcher>, limits: Limits) -> Arc<Monitor> {
        let begin = Instant::now();
        loop {
            match open(&self.path, watcher.clone(), limits) {
                Err(OpenError::Absent { .. }) if begin.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
                opened => return opened.expect("a monitor"),
            }
        }
    }

    /// Stops or continues the whole process.
    fn signal(&self, number: libc::c_int) {
        // SAFETY: the process is our child and has not been waited for.
        assert_eq!(unsafe { libc::kill(self.child.id() as libc::pid_t, number) }, 0);
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_real_qemu_answers() {
    for option in ["-qmp", "-qmp-pretty"] {
        let Some(qemu) = Qemu::start(option) else { return };
        let watcher = Watcher::new();
        let monitor = qemu.open(watcher.clone(), patient());
        assert!(monitor.version().0 >= 7);
        assert_eq!(monitor.peer_pid(), Some(qemu.child.id() as i32));
        assert_eq!(monitor.call("query-status", Value::Null).expect("a status")["running"], json!(false));
        assert_eq!(monitor.call("quit", Value::Null), Ok(json!({})));
        watcher.until_closed();
        assert!(watcher.look(|seen| seen.events.contains(&"SHUTDOWN".to_owned())), "{option}");
    }
}

#[test]
fn the_second_client_of_a_real_qemu_is_told_that_it_is_taken() {
    let Some(qemu) = Qemu::start("-qmp") else { return };
    let first = qemu.open(Watcher::new(), patient());
    let error = open(&qemu.path, Watcher::new(), hasty()).err().expect("an error");
    assert!(matches!(error, OpenError::Silent { .. }), "{error}");
    assert!(error.to_string().contains("taken by another client"), "{error}");
    assert!(first.call("query-status", Value::Null).is_ok(), "the first is not disturbed");
    drop(first);
    assert!(open(&qemu.path, Watcher::new(), patient()).is_ok(), "the next client gets its turn");
}

#[test]
fn a_stopped_qemu_fails_in_time_and_harms_no_other() {
    let (Some(stuck), Some(other)) = (Qemu::start("-qmp"), Qemu::start("-qmp")) else { return };
    let limits = Limits { call: HASTE, ..patient() };
    let (watcher, living) = (Watcher::new(), other.open(Watcher::new(), patient()));
    let monitor = stuck.open(watcher.clone(), limits);
    stuck.signal(libc::SIGSTOP);
    let begin = Instant::now();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| monitor.call("query-status", Value::Null));
        for _ in 0..100 {
            let begin = Instant::now();
            assert!(living.call("query-status", Value::Null).is_ok());
            assert!(begin.elapsed() < PATIENCE / 2, "{:?}", begin.elapsed());
        }
        let error = waiting.join().expect("a thread").expect_err("an error");
        assert!(matches!(error, CallError::Timeout { .. }), "{error}");
    });
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
    stuck.signal(libc::SIGCONT);
    let status = monitor.call_within("query-status", Value::Null, PATIENCE).expect("a status");
    assert_eq!(status["running"], json!(false), "the late answer was not taken for this one's");
    watcher.look(|seen| assert!(seen.closed.is_empty()));
}

#[test]
fn a_killed_qemu_ends_its_calls() {
    let Some(mut qemu) = Qemu::start("-qmp") else { return };
    let watcher = Watcher::new();
    let monitor = qemu.open(watcher.clone(), patient());
    qemu.signal(libc::SIGSTOP);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| monitor.call("query-status", Value::Null));
        std::thread::sleep(Duration::from_millis(20));
        qemu.child.kill().expect("a kill");
        let error = waiting.join().expect("a thread").expect_err("an error");
        assert!(matches!(error, CallError::Closed(_)), "{error}");
    });
    watcher.until_closed();
    drop(monitor);
    qemu.child.wait().expect("an end");
    let error = open(&qemu.path, Watcher::new(), hasty()).err().expect("an error");
    assert!(matches!(error, OpenError::Absent { .. }), "{error}");
}

#[test]
fn a_descriptor_reaches_a_real_qemu_with_its_command() {
    let Some(qemu) = Qemu::start("-qmp") else { return };
    let monitor = qemu.open(Watcher::new(), patient());
    let file = File::open("/dev/null").expect("a file");
    let answer = monitor.call_with_fd("add-fd", json!({ "fdset-id": 7 }), file.as_fd());
    assert_eq!(answer.expect("a set")["fdset-id"], json!(7));
    assert_eq!(monitor.call_with_fd("getfd", json!({ "fdname": "null" }), file.as_fd()), Ok(json!({})));
    assert_eq!(monitor.call("closefd", json!({ "fdname": "null" })), Ok(json!({})));
    let error = monitor.call("getfd", json!({ "fdname": "none" })).expect_err("no descriptor came along");
    assert!(error.to_string().starts_with("unable to execute QEMU command 'getfd'"), "{error}");
}

#[test]
fn many_threads_share_a_real_qemu() {
    let Some(qemu) = Qemu::start("-qmp") else { return };
    let monitor = qemu.open(Watcher::new(), patient());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..100 {
                    assert_eq!(monitor.call("query-status", Value::Null).expect("a status")["running"], json!(false));
                }
            });
        }
    });
}
