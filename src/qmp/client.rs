//! One conversation: negotiation, ids, and the commands that wait for their answer.

use std::collections::BTreeMap;

use serde_json::{json, Value};

use super::error::ProtocolError;
use super::message::{Event, Greeting, Id, Message, Outcome, ReplyError};

/// The id of `qmp_capabilities`; commands count up from the next.
const NEGOTIATION: u64 = 0;

/// How far the conversation has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Greeting,
    Negotiating,
    Running,
}

/// The client's side of a conversation. `T` is what its owner keeps for each command that is on its way.
#[derive(Debug)]
pub struct Client<T> {
    phase: Phase,
    last_id: u64,
    pending: BTreeMap<u64, T>,
}

/// What a message means.
#[derive(Clone, PartialEq, Debug)]
pub enum Step<T> {
    /// The peer is a monitor; `send` asks it for command mode.
    Greeted {
        greeting: Greeting,
        send: Vec<u8>,
    },
    /// Commands may be sent now.
    Ready,
    /// A command has ended; its id is free of use.
    Reply {
        id: u64,
        waiter: T,
        outcome: Outcome,
    },
    Event(Event),
    /// Nothing that concerns anybody: a reply to a command that was given up, or something unknown.
    Nothing,
}

impl<T> Default for Client<T> {
    fn default() -> Client<T> {
        Client { phase: Phase::Greeting, last_id: NEGOTIATION, pending: BTreeMap::new() }
    }
}

impl<T> Client<T> {
    /// Takes in the next message.
    ///
    /// # Errors
    /// The peer broke the protocol; the conversation is over.
    pub fn accept(&mut self, message: Message) -> Result<Step<T>, ProtocolError> {
        match (self.phase, message) {
            (Phase::Greeting, Message::Greeting(greeting)) => {
                self.phase = Phase::Negotiating;
                Ok(Step::Greeted { greeting, send: encode(NEGOTIATION, "qmp_capabilities", Value::Null) })
            }
            // A monitor serves one client after another. What was on its way to the last one, which may have been killed in
            // the middle of a command, can come before the greeting of this one.
            (Phase::Greeting, Message::Event(_) | Message::Reply { .. }) => Ok(Step::Nothing),
            (Phase::Greeting, Message::Unknown) => Err(ProtocolError::NoGreeting),
            (Phase::Negotiating, Message::Reply { id: Id::Ours(NEGOTIATION), outcome }) => self.negotiated(outcome),
            (_, Message::Event(event)) => Ok(Step::Event(event)),
            (_, Message::Reply { id, outcome }) => self.reply(id, outcome),
            (_, Message::Greeting(_) | Message::Unknown) => Ok(Step::Nothing),
        }
    }

    fn negotiated(&mut self, outcome: Outcome) -> Result<Step<T>, ProtocolError> {
        match outcome {
            Ok(_) => {
                self.phase = Phase::Running;
                Ok(Step::Ready)
            }
            Err(ReplyError::Qmp { desc, .. } | ReplyError::Unreadable(desc)) => Err(ProtocolError::Refused(desc)),
        }
    }

    fn reply(&mut self, id: Id, outcome: Outcome) -> Result<Step<T>, ProtocolError> {
        match (id, outcome) {
            (Id::Ours(id), outcome) => {
                let waiter = self.pending.remove(&id);
                Ok(waiter.map_or(Step::Nothing, |waiter| Step::Reply { id, waiter, outcome }))
            }
            (Id::Absent, Err(ReplyError::Qmp { desc, .. } | ReplyError::Unreadable(desc))) => Err(ProtocolError::Unaddressed(desc)),
            (Id::Absent | Id::Foreign, _) => Ok(Step::Nothing),
        }
    }

    /// Whether commands may be sent.
    pub fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    /// A command's id and the bytes to send. Empty arguments are left out: QEMU reads its monitors byte by byte, and each
    /// byte of a command costs it some microseconds.
    pub fn command(&mut self, name: &str, arguments: Value, waiter: T) -> (u64, Vec<u8>) {
        self.last_id += 1;
        self.pending.insert(self.last_id, waiter);
        (self.last_id, encode(self.last_id, name, arguments))
    }

    /// Gives a command up: a reply that comes late is dropped.
    pub fn forget(&mut self, id: u64) -> Option<T> {
        self.pending.remove(&id)
    }

    /// The commands that wait for an answer, oldest first.
    pub fn pending(&self) -> impl ExactSizeIterator<Item = (u64, &T)> {
        self.pending.iter().map(|(id, waiter)| (*id, waiter))
    }

    /// Gives all commands up, oldest first.
    pub fn forget_all(&mut self) -> impl Iterator<Item = (u64, T)> {
        std::mem::take(&mut self.pending).into_iter()
    }
}

/// One line: what `name` is to do with `arguments`.
fn encode(id: u64, name: &str, arguments: Value) -> Vec<u8> {
    let command = match arguments {
        Value::Null => json!({ "execute": name, "id": id }),
        Value::Object(arguments) if arguments.is_empty() => json!({ "execute": name, "id": id }),
        arguments => json!({ "execute": name, "arguments": arguments, "id": id }),
    };
    let mut line = command.to_string();
    line.push('\n');
    line.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn say<T>(client: &mut Client<T>, text: &str) -> Result<Step<T>, ProtocolError> {
        client.accept(Message::decode(text.as_bytes())?)
    }

    fn running<T: PartialEq + std::fmt::Debug>() -> Client<T> {
        let mut client = Client::default();
        let greeted = say(&mut client, r#"{"QMP": {}}"#);
        let Ok(Step::Greeted { send, .. }) = greeted else { panic!("{greeted:?}") };
        assert_eq!(send, b"{\"execute\":\"qmp_capabilities\",\"id\":0}\n");
        assert!(!client.is_running());
        assert_eq!(say(&mut client, r#"{"return": {}, "id": 0}"#), Ok(Step::Ready));
        assert!(client.is_running());
        client
    }

    #[test]
    fn a_conversation_begins_with_a_greeting() {
        for text in ["{}", r#"{"hello": 1}"#] {
            assert_eq!(say(&mut Client::<()>::default(), text), Err(ProtocolError::NoGreeting));
        }
    }

    #[test]
    fn what_was_on_its_way_to_the_last_client_is_passed_over() {
        let mut client = Client::<()>::default();
        for text in [r#"{"event": "X"}"#, r#"{"return": {}, "id": 0}"#, r#"{"error": {"class": "C", "desc": "d"}, "id": 1}"#] {
            assert_eq!(say(&mut client, text), Ok(Step::Nothing));
            assert!(!client.is_running());
        }
        assert!(matches!(say(&mut client, r#"{"QMP": {}}"#), Ok(Step::Greeted { .. })));
        assert_eq!(say(&mut client, r#"{"return": {}, "id": 3}"#), Ok(Step::Nothing));
        assert_eq!(say(&mut client, r#"{"return": {}, "id": 0}"#), Ok(Step::Ready));
    }

    #[test]
    fn a_refused_negotiation_says_why() {
        let mut client = Client::<()>::default();
        assert!(say(&mut client, r#"{"QMP": {}}"#).is_ok());
        let refused = say(&mut client, r#"{"error": {"class": "GenericError", "desc": "not today"}, "id": 0}"#);
        assert_eq!(refused, Err(ProtocolError::Refused("not today".into())));
    }

    #[test]
    fn only_the_first_reply_to_a_living_command_counts() {
        let mut client = running();
        let (id, bytes) = client.command("stop", Value::Null, "a");
        assert_eq!(bytes, format!("{{\"execute\":\"stop\",\"id\":{id}}}\n").into_bytes());
        let reply = format!(r#"{{"return": {{}}, "id": {id}}}"#);
        assert_eq!(say(&mut client, &reply), Ok(Step::Reply { id, waiter: "a", outcome: Ok(json!({})) }));
        assert_eq!(say(&mut client, &reply), Ok(Step::Nothing));
        let (id, _) = client.command("stop", json!({}), "b");
        assert_eq!(client.forget(id), Some("b"));
        assert_eq!(say(&mut client, &format!(r#"{{"return": {{}}, "id": {id}}}"#)), Ok(Step::Nothing));
        assert_eq!(say(&mut client, r#"{"return": {}, "id": 99}"#), Ok(Step::Nothing));
        assert_eq!(say(&mut client, r#"{"return": {}, "id": 0}"#), Ok(Step::Nothing));
        assert_eq!(say(&mut client, r#"{"return": {}}"#), Ok(Step::Nothing));
    }

    #[test]
    fn an_error_without_an_id_ends_the_conversation() {
        let mut client = running::<()>();
        let error = say(&mut client, r#"{"error": {"class": "GenericError", "desc": "JSON parse error"}}"#);
        assert_eq!(error, Err(ProtocolError::Unaddressed("JSON parse error".into())));
    }

    proptest! {
        #[test]
        fn each_command_gets_its_own_answer_in_whatever_order(order in Just((0..20usize).collect::<Vec<_>>()).prop_shuffle()) {
            let mut client = running();
            let sent: Vec<(u64, Vec<u8>)> = (0..20).map(|n| client.command("x", json!({ "n": n }), n)).collect();
            for n in order {
                let command: Value = serde_json::from_slice(&sent[n].1).expect("JSON");
                let reply = json!({ "return": command["arguments"], "id": command["id"] }).to_string();
                let step = say(&mut client, &reply);
                prop_assert_eq!(step, Ok(Step::Reply { id: sent[n].0, waiter: n, outcome: Ok(json!({ "n": n })) }));
            }
            prop_assert_eq!(client.pending().len(), 0);
        }

        #[test]
        fn a_command_is_one_line_whatever_its_arguments(text in any::<String>()) {
            let (_, bytes) = running().command(&text, json!({ "a": text }), ());
            prop_assert_eq!(bytes.iter().filter(|&&b| b == b'\n').count(), 1);
            let command: Value = serde_json::from_slice(&bytes).expect("JSON");
            prop_assert_eq!(command["arguments"]["a"].as_str(), Some(text.as_str()));
        }
    }
}
