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
            (Phase::Greeting, _) => Err(ProtocolError::NoGreeting),
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

    /// A command's id and the bytes to send. Null arguments are left out.
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
        arguments => json!({ "execute": name, "arguments": arguments, "id": id }),
    };
    let mut line = command.to_string();
    line.push('\n');
    line.into_bytes()
}
