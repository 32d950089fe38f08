//! Another client, on a monitor of its own.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{json, Value};

use super::wait_until;

pub struct Other {
    stream: BufReader<UnixStream>,
    /// Events that came before a reply that was waited for.
    pub events: Vec<Value>,
}

impl Other {
    /// Connects as soon as somebody listens.
    pub fn connect(path: &Path) -> Other {
        let deadline = Instant::now() + super::unhurried(Duration::from_secs(10));
        let stream = loop {
            match UnixStream::connect(path) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < deadline, "{}: {error}", path.display()),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut other = Other { stream: BufReader::new(stream), events: Vec::new() };
        assert!(other.message()["QMP"].is_object());
        other.run("qmp_capabilities", json!({}));
        other
    }

    fn message(&mut self) -> Value {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or(Value::Null)
    }

    /// Runs a command, whatever the answer is.
    pub fn try_run(&mut self, command: &str, arguments: Value) -> Result<Value, String> {
        let text = json!({ "execute": command, "arguments": arguments }).to_string() + "\n";
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
        loop {
            let mut message = self.message();
            assert!(!message.is_null(), "the monitor hung up instead of answering {command}");
            if message.get("return").is_some() {
                return Ok(message["return"].take());
            }
            if message.get("error").is_some() {
                return Err(message["error"]["desc"].as_str().unwrap_or_default().to_owned());
            }
            self.events.push(message);
        }
    }

    /// Runs a command that must succeed.
    pub fn run(&mut self, command: &str, arguments: Value) -> Value {
        self.try_run(command, arguments).unwrap_or_else(|why| panic!("{command}: {why}"))
    }

    /// Sends a command to which no answer may come.
    pub fn send(&mut self, command: &str, arguments: Value) {
        let text = json!({ "execute": command, "arguments": arguments }).to_string() + "\n";
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// Does what the guest would do with a disk (`write -P 7 1M 64k`), by the path of its device.
    pub fn guest_io(&mut self, device: &str, command: &str) {
        let line = format!("qemu-io -d {device} \"{command}\"");
        let said = self.run("human-monitor-command", json!({ "command-line": line }));
        assert_eq!(said, "", "{command}");
    }

    /// The status of a job, as QEMU lists it.
    pub fn status_of(&mut self, id: &str) -> Option<String> {
        let jobs = self.run("query-jobs", json!({}));
        let job = jobs.as_array().unwrap().iter().find(|job| job["id"] == id)?;
        Some(job["status"].as_str().unwrap().to_owned())
    }

    pub fn wait_for_status(&mut self, id: &str, status: &str) {
        wait_until(&format!("{id} {status}"), || self.status_of(id).as_deref() == Some(status));
    }

    /// The names of all nodes. Only to be asked where no job is: the question can crash a QEMU with a concluded stream.
    pub fn nodes(&mut self) -> Vec<String> {
        assert_eq!(self.run("query-jobs", json!({})), json!([]));
        let reply = self.run("query-named-block-nodes", json!({}));
        let mut names: Vec<String> = reply.as_array().unwrap().iter().map(|node| node["node-name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// Opens a qcow2 image as a node.
    pub fn add_image(&mut self, node: &str, path: &Path) {
        let file = json!({ "driver": "file", "filename": path });
        self.run("blockdev-add", json!({ "driver": "qcow2", "node-name": node, "file": file }));
    }
}
