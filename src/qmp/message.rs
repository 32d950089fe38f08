//! What a monitor says, read only as far as is needed to know whom it concerns.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::ProtocolError;

/// One message of a monitor.
#[derive(Clone, PartialEq, Debug)]
pub enum Message {
    Greeting(Greeting),
    Reply {
        id: Id,
        outcome: Outcome,
    },
    Event(Event),
    /// Well-formed, but none of the above.
    Unknown,
}

/// The first message of a connection.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Greeting {
    /// Major, minor, micro.
    pub version: (u32, u32, u32),
    /// What the distribution calls its build.
    pub package: String,
    /// `oob`, and what may come.
    pub capabilities: Vec<String>,
}

/// Something that happened, told without being asked.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    pub name: String,
    /// Null if the event carries none.
    pub data: Value,
    /// The monitor's wall clock; -1 if it has none.
    pub seconds: i64,
    pub micros: i64,
}

/// Which command a reply belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Id {
    /// One that this client can have given.
    Ours(u64),
    /// An id, but none of ours.
    Foreign,
    Absent,
}

/// What became of a command.
pub type Outcome = Result<Value, ReplyError>;

/// An answer that is not a result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReplyError {
    /// The monitor's own error.
    Qmp { class: String, desc: String },
    /// The answer's content cannot be taken: it is nested too deeply, or is not Unicode.
    Unreadable(String),
}

impl Message {
    /// Reads one message.
    ///
    /// # Errors
    /// [`ProtocolError::NotJson`] for what is not a JSON object.
    pub fn decode(bytes: &[u8]) -> Result<Message, ProtocolError> {
        match parse(bytes) {
            Ok(Value::Object(members)) => Ok(Message::from_members(members)),
            Ok(_) => Err(ProtocolError::NotJson("it is not an object".to_owned())),
            Err(why) => Message::peek(bytes, &why),
        }
    }

    fn from_members(mut members: Map<String, Value>) -> Message {
        if let Some(greeting) = members.get("QMP") {
            return Message::Greeting(Greeting::from_value(greeting));
        }
        if let Some(Value::String(name)) = members.get_mut("event") {
            let name = std::mem::take(name);
            return Message::Event(Event::from_members(name, members));
        }
        let outcome = match (members.remove("return"), members.remove("error")) {
            (Some(value), _) => Ok(value),
            (None, Some(error)) => Err(ReplyError::Qmp { class: text(&error, "class").to_owned(), desc: text(&error, "desc").to_owned() }),
            (None, None) => return Message::Unknown,
        };
        let id = members.get("id").map_or(Id::Absent, |id| id.as_u64().map_or(Id::Foreign, Id::Ours));
        Message::Reply { id, outcome }
    }

    /// A message whose content cannot be taken: it is nested too deeply, or has text that is not Unicode. Skipping values
    /// needs neither a limit on nesting nor their text, so what is well-formed is told from what is not, and a reply
    /// still finds its command.
    fn peek(bytes: &[u8], why: &serde_json::Error) -> Result<Message, ProtocolError> {
        match serde_json::from_slice::<Outline>(bytes) {
            Ok(Outline { id: Some(id) }) => Ok(Message::Reply { id: Id::Ours(id), outcome: Err(ReplyError::Unreadable(why.to_string())) }),
            Ok(_) => Ok(Message::Unknown),
            Err(_) => Err(ProtocolError::NotJson(why.to_string())),
        }
    }
}

/// How deep values may be nested: QEMU describes a backing chain as images inside images, 200 of them at most.
const MAX_DEPTH: usize = 256;

/// What the parser takes by itself.
const USUAL_DEPTH: usize = 127;

/// A message that is shorter than this is read whatever is in it.
const LONG: usize = 1 << 20;

/// How many objects a long message may have. Read, the smallest takes a hundred times as much memory as its text; with
/// this many, `query-jobs` may list 100,000 jobs.
const MAX_OBJECTS: usize = 200_000;

/// How many values a long message may have.
const MAX_VALUES: usize = 1_000_000;

/// Whether a message would take far more memory than its text.
fn is_bloated(bytes: &[u8]) -> bool {
    if bytes.len() < LONG {
        return false;
    }
    let (mut objects, mut values) = (0usize, 0usize);
    for byte in structure(bytes) {
        match byte {
            b'{' => objects += 1,
            b',' | b'[' => values += 1,
            _ => {}
        }
    }
    objects > MAX_OBJECTS || values > MAX_VALUES
}

/// Reads a value that is nested no deeper than the stack of any thread allows.
fn parse(bytes: &[u8]) -> serde_json::Result<Value> {
    if is_bloated(bytes) {
        return Err(serde::de::Error::custom("it consists of too many parts"));
    }
    serde_json::from_slice(bytes).or_else(|why| {
        if !(USUAL_DEPTH..=MAX_DEPTH).contains(&depth(bytes)) {
            return Err(why);
        }
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        reader.disable_recursion_limit();
        let value = Value::deserialize(&mut reader)?;
        reader.end().map(|()| value)
    })
}

/// What of a message stands outside of strings; right as far as it is well-formed.
fn structure(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let (mut quoted, mut escaped) = (false, false);
    bytes.iter().copied().filter(move |byte| match byte {
        _ if escaped => {
            escaped = false;
            false
        }
        b'\\' if quoted => {
            escaped = true;
            false
        }
        b'"' => {
            quoted = !quoted;
            false
        }
        _ => !quoted,
    })
}

/// How deep brackets are nested.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in structure(bytes) {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A message without its content.
#[derive(Deserialize)]
struct Outline {
    #[serde(default)]
    id: Option<u64>,
}

impl Greeting {
    fn from_value(value: &Value) -> Greeting {
        let version = &value["version"];
        let part = |name: &str| version["qemu"][name].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        let capabilities = value["capabilities"].as_array().into_iter().flatten();
        Greeting {
            version: (part("major"), part("minor"), part("micro")),
            package: text(version, "package").to_owned(),
            capabilities: capabilities.filter_map(Value::as_str).map(str::to_owned).collect(),
        }
    }
}

impl Event {
    fn from_members(name: String, mut members: Map<String, Value>) -> Event {
        let data = members.remove("data").unwrap_or(Value::Null);
        let time = |unit: &str| members.get("timestamp").and_then(|t| t[unit].as_i64()).unwrap_or(-1);
        Event { name, data, seconds: time("seconds"), micros: time("microseconds") }
    }
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn decode(text: &str) -> Message {
        Message::decode(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn a_greeting_tells_the_version() {
        let text =
            r#"{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian"}, "capabilities": ["oob", 5]}}"#;
        let greeting = Greeting { version: (7, 2, 22), package: "Debian".into(), capabilities: vec!["oob".into()] };
        assert_eq!(decode(text), Message::Greeting(greeting));
        assert_eq!(decode(r#"{"QMP": null}"#), Message::Greeting(Greeting::default()));
    }

    #[test]
    fn replies_are_told_apart_by_their_id() {
        let reply = |id, outcome| Message::Reply { id, outcome };
        assert_eq!(decode(r#"{"return": null, "id": 7}"#), reply(Id::Ours(7), Ok(Value::Null)));
        assert_eq!(decode(r#"{"return": [1], "id": "libvirt-7", "new": {}}"#), reply(Id::Foreign, Ok(json!([1]))));
        assert_eq!(decode(r#"{"return": {}, "id": -1}"#), reply(Id::Foreign, Ok(json!({}))));
        let error = ReplyError::Qmp { class: "GenericError".into(), desc: "no".into() };
        assert_eq!(decode(r#"{"error": {"class": "GenericError", "desc": "no"}}"#), reply(Id::Absent, Err(error)));
        let empty = ReplyError::Qmp { class: String::new(), desc: String::new() };
        assert_eq!(decode(r#"{"error": 5, "id": 1}"#), reply(Id::Ours(1), Err(empty)));
    }

    #[test]
    fn an_event_keeps_its_data_and_time() {
        let text = r#"{"timestamp": {"seconds": 17, "microseconds": 5}, "event": "STOP", "data": {"x": 1}, "later": []}"#;
        assert_eq!(decode(text), Message::Event(Event { name: "STOP".into(), data: json!({"x": 1}), seconds: 17, micros: 5 }));
        let bare = Event { name: "NEW".into(), data: Value::Null, seconds: -1, micros: -1 };
        assert_eq!(decode(r#"{"event": "NEW"}"#), Message::Event(bare));
    }

    #[test]
    fn what_this_version_does_not_know_is_passed_by() {
        for text in ["{}", r#"{"news": 1}"#, r#"{"event": 5}"#, r#"{"id": 3}"#] {
            assert_eq!(decode(text), Message::Unknown, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_json_object_is_refused() {
        for bytes in [&b""[..], b"x", b"5", b"[]", b"{\"return\": ", b"{\"event\": \"\0\"}", b"\xff\xfe"] {
            assert!(matches!(Message::decode(bytes), Err(ProtocolError::NotJson(_))), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn text_that_is_not_unicode_costs_only_its_own_message() {
        for text in [&b"\xff"[..], b"\\ud800"] {
            let event = [b"{\"event\": \"", text, b"\"}"].concat();
            assert_eq!(Message::decode(&event), Ok(Message::Unknown));
            let reply = [b"{\"return\": \"", text, b"\", \"id\": 4}"].concat();
            let decoded = Message::decode(&reply);
            assert!(matches!(decoded, Ok(Message::Reply { id: Id::Ours(4), outcome: Err(_) })), "{decoded:?}");
        }
        let nul = Event { name: "a\0b".into(), data: Value::Null, seconds: -1, micros: -1 };
        assert_eq!(decode(r#"{"event": "a\u0000b"}"#), Message::Event(nul));
    }

    #[test]
    fn a_reply_nested_too_deeply_still_finds_its_command() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for depth in [100, 126, 127, 128, 250] {
            let reply = decode(&format!(r#"{{"return": {}, "id": 4, "text": "[[\\\"[["}}"#, nested(depth)));
            assert!(matches!(reply, Message::Reply { outcome: Ok(_), .. }), "{depth}");
        }
        for depth in [260, 100_000] {
            let reply = decode(&format!(r#"{{"return": {}, "id": 4}}"#, nested(depth)));
            assert!(matches!(reply, Message::Reply { id: Id::Ours(4), outcome: Err(ReplyError::Unreadable(_)) }), "{reply:?}");
            assert_eq!(decode(&format!(r#"{{"event": "X", "data": {}}}"#, nested(depth))), Message::Unknown);
        }
        assert!(Message::decode("[".repeat(100_000).as_bytes()).is_err());
        assert!(Message::decode(r#"{"a":"#.repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn a_reply_of_far_too_many_parts_fails_its_own_command_only() {
        for part in ["0,", "[],", "{\"\":0},", "{\"a\":{\"b\":1}},"] {
            let reply = |count: usize| format!(r#"{{"return": [{}0], "text": "{{{{,,", "id": 4}}"#, part.repeat(count));
            assert!(matches!(decode(&reply(90_000)), Message::Reply { id: Id::Ours(4), outcome: Ok(_) }), "{part}");
            let many = decode(&reply(1_100_000));
            assert!(matches!(many, Message::Reply { id: Id::Ours(4), outcome: Err(ReplyError::Unreadable(_)) }), "{part}: {many:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Message::decode(&bytes);
        }

        #[test]
        fn arbitrary_members_never_panic(
            text in "\\{(\"(QMP|event|return|error|id|data|timestamp)\": (\\{\\}|\\[\\]|1|-1|1e99|null|\"x\"|\\{\"desc\": [0-9]\\}),? ?){0,5}\\}"
        ) {
            let _ = Message::decode(text.as_bytes());
        }
    }
}
