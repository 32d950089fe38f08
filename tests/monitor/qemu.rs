//! Real QEMUs.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::{json, Value};

use crate::fake::{open, quick};
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
        let mut command = Command::new("qemu-system-x86_64");
        command.args(["-S", "-nodefaults", "-no-user-config", "-display", "none", "-machine", "none", option]);
        command.arg(format!("unix:{},server=on,wait=off", path.display()));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let Ok(child) = child else {
            eprintln!("skipped: no qemu-system-x86_64");
            return None;
        };
        let begin = Instant::now();
        while std::os::unix::net::UnixStream::connect(&path).is_err() {
            assert!(begin.elapsed() < PATIENCE, "QEMU does not listen");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Some(Qemu { path, child, _dir: dir })
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
        let monitor = open(&qemu.path, watcher.clone(), quick()).expect("a monitor");
        assert!(monitor.version().0 >= 7);
        assert_eq!(monitor.peer_pid(), Some(qemu.child.id() as i32));
        assert_eq!(monitor.call("query-status", Value::Null).expect("a status")["running"], json!(false));
        assert_eq!(monitor.call("quit", Value::Null), Ok(json!({})));
        watcher.until_closed();
        assert!(watcher.look(|seen| seen.events.contains(&"SHUTDOWN".to_owned())), "{option}");
    }
}
