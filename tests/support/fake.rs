//! A QEMU that is none: a monitor that says what a test wants.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

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
    /// These lines, as they are. `ID` stands for the command's id.
    Lines(Vec<String>),
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

/// A server that ends when it is dropped; its clients' threads end with their clients.
pub struct Server {
    path: PathBuf,
    over: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Server {
    /// Hands each client to a thread of its own.
    pub fn start(path: &Path, serve: impl Fn(UnixStream) + Send + Sync + 'static) -> Server {
        let listener = UnixListener::bind(path).unwrap();
        let (serve, over) = (Arc::new(serve), Arc::new(AtomicBool::new(false)));
        let stop = over.clone();
        let accept = move || {
            for client in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let (client, serve) = (client.unwrap(), serve.clone());
                thread::spawn(move || serve(client));
            }
        };
        Server { path: path.to_owned(), over, listener: Some(thread::spawn(accept)) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let woken = UnixStream::connect(&self.path);
        if let (Ok(_), Some(listener)) = (woken, self.listener.take()) {
            let _ = listener.join();
        }
    }
}

#[derive(Clone)]
pub struct Fake {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    client: Mutex<Option<UnixStream>>,
    commands: Mutex<Vec<String>>,
    /// Held while something is said, so that nothing is said in the middle of it.
    speaking: Mutex<()>,
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

    /// Hands each client to a thread of its own, before any greeting.
    pub fn raw(path: &Path, serve: impl Fn(UnixStream) + Send + Sync + 'static) {
        std::mem::forget(Server::start(path, serve));
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
                Reply::Lines(lines) => lines.iter().for_each(|line| self.say(&line.replace("ID", &message["id"].to_string()))),
                Reply::HangUp => return self.hang_up(),
            }
        }
    }

    /// Says something unasked. Waits until it is taken.
    pub fn say(&self, line: &str) {
        let client = self.shared.client.lock().as_ref().map(|client| client.try_clone().unwrap());
        if let Some(mut client) = client {
            let _speaking = self.shared.speaking.lock();
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
