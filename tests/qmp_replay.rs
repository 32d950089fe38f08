//! What real QEMUs said once is understood: recorded conversations go through the decoder and the client again.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{json, Value};
use virt_jobs::qmp::message::Id;
use virt_jobs::qmp::{Client, Message, ProtocolError, Splitter, Step};

/// One line of a recording.
struct Line {
    connection: String,
    direction: String,
    data: Value,
}

fn recordings() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let list = |dir: &str| fs::read_dir(root.join(dir)).expect("recordings").map(|entry| entry.expect("a file").path());
    let files: Vec<PathBuf> = list("7.2").chain(list("10.0")).filter(|path| path.extension().is_some_and(|e| e == "jsonl")).collect();
    assert!(files.len() > 200, "{}", files.len());
    files
}

fn lines(path: &Path) -> Vec<Line> {
    let text = fs::read_to_string(path).expect("a recording");
    let read = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let text = |member: &str| line[member].as_str().unwrap_or_default().to_owned();
        Line { connection: text("conn"), direction: text("dir"), data: line["data"].take() }
    };
    text.lines().map(read).collect()
}

/// Whether a connection carries QMP as QEMU speaks it, rather than libvirt's own calls.
fn is_qmp(connection: &str) -> bool {
    !matches!(connection, "-" | "api" | "virsh" | "libvirt-event" | "domain-xml")
}

/// Cuts a stream into pieces of changing size and takes its messages.
fn decode(stream: &[u8], first_piece: usize) -> Vec<Message> {
    let mut splitter = Splitter::new(10 << 20);
    let (mut messages, mut rest, mut piece) = (Vec::new(), stream, first_piece);
    while !rest.is_empty() {
        let space = splitter.space();
        let count = piece.min(space.len()).min(rest.len());
        space[..count].copy_from_slice(&rest[..count]);
        splitter.advance(count);
        rest = &rest[count..];
        piece = piece * 7 % 1009 + 1;
        while let Some(message) = splitter.next_message().expect("a stream") {
            messages.push(Message::decode(message).expect("a message"));
        }
    }
    messages
}

fn assert_same(message: &Message, data: &Value) {
    match message {
        Message::Greeting(greeting) => assert_eq!(data["QMP"]["version"]["qemu"]["major"], json!(greeting.version.0)),
        Message::Event(event) => {
            assert_eq!(data["event"], json!(event.name));
            assert_eq!(data["data"], event.data);
            assert_eq!(data["timestamp"], json!({ "seconds": event.seconds, "microseconds": event.micros }));
        }
        Message::Reply { id, outcome } => {
            assert_eq!(data.get("id").is_none(), *id == Id::Absent);
            match outcome {
                Ok(value) => assert_eq!(data["return"], *value),
                Err(error) => assert!(data["error"]["desc"].is_string(), "{error:?}"),
            }
        }
        Message::Unknown => panic!("unknown: {data}"),
    }
}

#[test]
fn every_recorded_message_is_understood_however_it_is_cut() {
    let mut count = 0;
    for path in recordings() {
        let said = lines(&path).into_iter().filter(|line| line.direction == "<-" && is_qmp(&line.connection));
        let said: Vec<Value> = said.map(|line| line.data).filter(|data| data.is_object() && data.get("libvirt-error").is_none()).collect();
        let stream: String = said.iter().map(|data| format!("{data}\r\n")).collect();
        for first_piece in [1, 64, usize::MAX / 7] {
            let messages = decode(stream.as_bytes(), first_piece);
            assert_eq!(messages.len(), said.len(), "{}", path.display());
            messages.iter().zip(&said).for_each(|(message, data)| assert_same(message, data));
        }
        count += said.len();
    }
    assert!(count > 3000, "{count}");
}

/// One replayed connection: recorded ids are strings, so each is given the number that this client gives.
#[derive(Default)]
struct Replay {
    client: Client<Value>,
    ids: HashMap<String, u64>,
    answered: usize,
}

impl Replay {
    fn sent(&mut self, data: &Value) {
        let (Some(name), Some(id)) = (data["execute"].as_str(), data.get("id")) else { return };
        let number = match name {
            "qmp_capabilities" if !self.client.is_running() => 0,
            _ => self.client.command(name, data["arguments"].clone(), id.clone()).0,
        };
        self.ids.insert(id.to_string(), number);
    }

    fn received(&mut self, mut data: Value) -> Result<(), ProtocolError> {
        let recorded = data.get("id").cloned();
        if let Some(number) = recorded.as_ref().and_then(|id| self.ids.get(&id.to_string())) {
            data["id"] = json!(number);
        }
        match self.client.accept(Message::decode(data.to_string().as_bytes())?)? {
            Step::Reply { waiter, outcome, .. } => {
                assert_eq!(Some(waiter), recorded);
                assert_eq!(outcome.is_ok(), data.get("return").is_some());
                self.answered += 1;
            }
            Step::Event(event) => assert_eq!(data["event"], json!(event.name)),
            Step::Greeted { .. } | Step::Ready => {}
            Step::Nothing => assert!(data["id"].as_u64().is_none_or(|number| number == 0), "nobody's answer: {data}"),
        }
        Ok(())
    }
}

#[test]
fn every_recorded_conversation_is_followed_to_its_end() {
    let mut answered = 0;
    for path in recordings() {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("libvirt-") || name.starts_with("handshake-errors") {
            continue;
        }
        let mut connections: HashMap<String, Replay> = HashMap::new();
        for line in lines(&path).into_iter().filter(|line| is_qmp(&line.connection) && line.data.is_object()) {
            let replay = connections.entry(line.connection).or_default();
            match line.direction.as_str() {
                "->" => replay.sent(&line.data),
                _ => replay.received(line.data).unwrap_or_else(|e| panic!("{}: {e}", path.display())),
            }
        }
        answered += connections.values().map(|replay| replay.answered).sum::<usize>();
    }
    assert!(answered > 1500, "{answered}");
}

#[test]
fn an_error_of_a_real_qemu_without_an_id_ends_the_conversation() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/7.2/handshake-errors.jsonl");
    let mut replay = Replay::default();
    let ended = lines(&path).into_iter().filter(|line| is_qmp(&line.connection)).find_map(|line| match line.direction.as_str() {
        "->" => {
            replay.sent(&line.data);
            None
        }
        _ => replay.received(line.data).err(),
    });
    assert!(matches!(ended, Some(ProtocolError::Unaddressed(_) | ProtocolError::Refused(_))), "{ended:?}");
}
