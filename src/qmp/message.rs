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
    /// The answer's content cannot be taken: it is nested too deeply.
    Unreadable(String),
}

impl Message {
    /// Reads one message.
    ///
    /// # Errors
    /// [`ProtocolError::NotJson`] for what is not a JSON object in UTF-8.
    pub fn decode(bytes: &[u8]) -> Result<Message, ProtocolError> {
        match serde_json::from_slice::<Value>(bytes) {
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

    /// A message whose content cannot be taken whole: the reader that skips values has no limit on nesting, so what
    /// is well-formed is told from what is not, and a reply still finds its command.
    fn peek(bytes: &[u8], why: &serde_json::Error) -> Result<Message, ProtocolError> {
        match serde_json::from_slice::<Outline>(bytes) {
            Ok(Outline { id: Some(id) }) => Ok(Message::Reply { id: Id::Ours(id), outcome: Err(ReplyError::Unreadable(why.to_string())) }),
            Ok(_) => Ok(Message::Unknown),
            Err(_) => Err(ProtocolError::NotJson(why.to_string())),
        }
    }
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
