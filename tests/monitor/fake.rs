//! A QMP server that does what a test tells it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{json, Value};
use virt_jobs::driver::qemu::monitor::{Limits, Monitor, MonitorHandler, OpenError};
use virt_jobs::driver::qemu::reactor::Reactor;

use crate::watcher::PATIENCE;

pub const GREETING: &str =
    r#"{"QMP": {"version": {"qemu": {"micro": 3, "minor": 2, "major": 7}, "package": "fake"}, "capabilities": ["oob"]}}"#;

/// A socket on which a script runs for the first client.
pub struct Fake {
    pub path: PathBuf,
    _dir: tempfile::TempDir,
    /// Later clients wait here for good.
    _socket: UnixListener,
    script: Option<JoinHandle<()>>,
}

impl Fake {
    /// Runs `script` with the first client's connection, before any greeting.
    pub fn raw(script: impl FnOnce(Peer) + Send + 'static) -> Fake {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("vm.qmp");
        let listener = UnixListener::bind(&path).expect("a socket");
        let socket = listener.try_clone().expect("a descriptor");
        let script = thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            script(Peer::new(stream));
        });
        Fake { path, _dir: dir, _socket: socket, script: Some(script) }
    }

    /// The same, after greeting and negotiation.
    pub fn new(script: impl FnOnce(Peer) + Send + 'static) -> Fake {
        Fake::raw(move |mut peer| {
            peer.greet();
            script(peer);
        })
    }

    /// A server that answers each command with its own arguments until the client leaves.
    pub fn echo() -> Fake {
        Fake::new(|mut peer| while peer.echo() {})
    }

    pub fn open(&self, handler: Arc<dyn MonitorHandler>) -> Arc<Monitor> {
        self.try_open(handler, patient()).expect("a monitor")
    }

    /// The same with calls that soon give up.
    pub fn open_hasty(&self, handler: Arc<dyn MonitorHandler>) -> Arc<Monitor> {
        self.try_open(handler, Limits { call: HASTE, ..patient() }).expect("a monitor")
    }

    pub fn try_open(&self, handler: Arc<dyn MonitorHandler>, limits: Limits) -> Result<Arc<Monitor>, OpenError> {
        open(&self.path, handler, limits)
    }

    /// Waits for the script to end; its assertions become the test's.
    pub fn join(mut self) {
        if let Some(script) = self.script.take() {
            script.join().expect("the script");
        }
    }
}

pub fn open(path: &Path, handler: Arc<dyn MonitorHandler>, limits: Limits) -> Result<Arc<Monitor>, OpenError> {
    Monitor::open(&Reactor::shared().expect("a reactor"), path, handler, limits)
}

/// The limit of what is expected to fail.
pub const HASTE: Duration = Duration::from_millis(300);

/// Limits for what is expected to come, on a busy machine too.
pub fn patient() -> Limits {
    Limits { greeting: PATIENCE, call: PATIENCE, ..Limits::default() }
}

/// Limits for what is expected to fail.
pub fn hasty() -> Limits {
    Limits { greeting: HASTE, call: HASTE, ..Limits::default() }
}

/// The server's end of a connection.
pub struct Peer {
    stream: UnixStream,
    reader: BufReader<UnixStream>,
}

impl Peer {
    pub fn new(stream: UnixStream) -> Peer {
        let reader = BufReader::new(stream.try_clone().expect("a descriptor"));
        Peer { stream, reader }
    }

    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Sends; what the client does not want to hear any more is dropped.
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    pub fn line(&mut self, text: impl AsRef<str>) -> bool {
        self.say(format!("{}\r\n", text.as_ref()))
    }

    pub fn event(&mut self, name: &str) -> bool {
        self.line(json!({"timestamp": {"seconds": 1, "microseconds": 2}, "event": name, "data": {"id": "j0"}}).to_string())
    }

    /// The next command, or `None` if the client has left.
    pub fn command(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(serde_json::from_str(&line).expect("a command")),
        }
    }

    pub fn answer(&mut self, command: &Value, value: Value) -> bool {
        self.line(json!({"return": value, "id": command["id"]}).to_string())
    }

    pub fn echo(&mut self) -> bool {
        match self.command() {
            Some(command) => self.answer(&command, command["arguments"].clone()),
            None => false,
        }
    }

    pub fn greet(&mut self) {
        self.line(GREETING);
        if let Some(command) = self.command() {
            assert_eq!(command["execute"], "qmp_capabilities");
            self.answer(&command, json!({}));
        }
    }

    /// Waits until the client has left.
    pub fn drain(mut self) {
        while self.command().is_some() {}
    }
}
