//! A QEMU that is none: a monitor that says what a test wants.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;
use serde_json::{json, Value};

const GREETING: &str =
    r#"{"QMP": {"version": {"qemu": {"micro": 0, "minor": 0, "major": 10}, "package": "fake"}, "capabilities": ["oob"]}}"#;

/// What a command is answered.
pub enum Reply {
    Return(Value),
    Error(&'static str),
    /// Nothing, ever.
    Silence,
    /// A result, and in the same breath what follows it.
    ReturnThen(Value, Vec<Value>),
    HangUp,
}

/// An unremarkable QEMU with one disk, `sda`, of two images.
pub fn usual(command: &str) -> Reply {
    Reply::Return(match command {
        "query-uuid" => json!({ "UUID": "00000000-0000-0000-0000-000000000000" }),
        "query-status" => json!({ "status": "running", "running": true }),
        "query-block" => json!([disk("top", "/nowhere/top.qcow2")]),
        "query-jobs" | "query-block-exports" => json!([]),
        _ => json!({}),
    })
}

/// An entry of `query-block`.
pub fn disk(node: &str, path: &str) -> Value {
    let base = json!({ "filename": "/nowhere/base.qcow2", "format": "qcow2", "virtual-size": 1 << 20 });
    let image = json!({ "filename": path, "format": "qcow2", "virtual-size": 1 << 20, "backing-image": base });
    json!({ "device": "", "qdev": "disk0", "inserted": { "node-name": node, "drv": "qcow2", "image": image } })
}

pub fn event(name: &str, data: Value) -> Value {
    json!({ "timestamp": { "seconds": 1, "microseconds": 2 }, "event": name, "data": data })
}

pub fn status(id: &str, status: &str) -> Value {
    event("JOB_STATUS_CHANGE", json!({ "id": id, "status": status }))
}

#[derive(Clone)]
pub struct Fake {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    client: Mutex<Option<UnixStream>>,
    commands: Mutex<Vec<String>>,
}

impl Fake {
    /// Serves one client after the other at `path`.
    pub fn start(path: &Path, mut answer: impl FnMut(&str, &Value) -> Reply + Send + 'static) -> Fake {
        let listener = UnixListener::bind(path).unwrap();
        let fake = Fake { shared: Arc::default() };
        let served = fake.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                served.serve(client.unwrap(), &mut answer);
            }
        });
        fake
    }

    /// Says this to each client, and listens to nothing. With an empty text that is all.
    pub fn rude(path: &Path, text: &'static str, hang_up: bool) {
        let listener = UnixListener::bind(path).unwrap();
        thread::spawn(move || {
            let mut kept = Vec::new();
            for client in listener.incoming() {
                let mut client = client.unwrap();
                let _ = client.write_all(text.as_bytes());
                if !hang_up {
                    kept.push(client);
                }
            }
        });
    }

    fn serve(&self, client: UnixStream, answer: &mut impl FnMut(&str, &Value) -> Reply) {
        *self.shared.client.lock() = Some(client.try_clone().unwrap());
        self.say(GREETING);
        for line in BufReader::new(client).lines().map_while(Result::ok) {
            let message: Value = serde_json::from_str(&line).unwrap();
            let command = message["execute"].as_str().unwrap();
            self.shared.commands.lock().push(command.to_owned());
            let reply = if command == "qmp_capabilities" { Reply::Return(json!({})) } else { answer(command, &message["arguments"]) };
            let result = |value: Value| json!({ "return": value, "id": message["id"] }).to_string();
            match reply {
                Reply::Return(value) => self.say(&result(value)),
                Reply::Error(desc) => {
                    self.say(&json!({ "error": { "class": "GenericError", "desc": desc }, "id": message["id"] }).to_string());
                }
                Reply::ReturnThen(value, more) => {
                    let lines: Vec<String> = [result(value)].into_iter().chain(more.iter().map(Value::to_string)).collect();
                    self.say(&lines.join("\r\n"));
                }
                Reply::Silence => {}
                Reply::HangUp => return self.hang_up(),
            }
        }
    }

    /// Says something unasked. Waits until it is taken.
    pub fn say(&self, line: &str) {
        let client = self.shared.client.lock().as_ref().map(|client| client.try_clone().unwrap());
        if let Some(mut client) = client {
            let _ = client.write_all(format!("{line}\r\n").as_bytes());
        }
    }

    pub fn tell(&self, messages: &[Value]) {
        messages.iter().for_each(|message| self.say(&message.to_string()));
    }

    pub fn hang_up(&self) {
        if let Some(client) = self.shared.client.lock().take() {
            let _ = client.shutdown(std::net::Shutdown::Both);
        }
    }

    /// How often a command came.
    pub fn count(&self, command: &str) -> usize {
        self.shared.commands.lock().iter().filter(|sent| *sent == command).count()
    }
}
