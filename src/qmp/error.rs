//! Why a conversation ended, and why a command did not succeed.

use std::fmt;
use std::time::Duration;

use crate::model::{code, Error};

/// What the peer did that no QMP server does; the connection is of no use after it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProtocolError {
    /// A message longer than this many bytes.
    TooLong(usize),
    /// A message that is not JSON, or not an object.
    NotJson(String),
    /// Something else where the greeting belongs.
    NoGreeting,
    /// An error instead of an answer to `qmp_capabilities`.
    Refused(String),
    /// An error that says it cannot tell which command it is about.
    Unaddressed(String),
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProtocolError::TooLong(max) => write!(f, "the monitor sent a message of more than {max} bytes"),
            ProtocolError::NotJson(why) => write!(f, "the monitor sent a message that cannot be read: {why}"),
            ProtocolError::NoGreeting => f.write_str("the peer does not greet as a QMP monitor does"),
            ProtocolError::Refused(desc) => write!(f, "the monitor refused to enter command mode: {desc}"),
            ProtocolError::Unaddressed(desc) => write!(f, "the monitor could not read a command: {desc}"),
        }
    }
}

impl std::error::Error for ProtocolError {}

/// Why a command has no result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallError {
    /// The monitor answered with an error. `class` is `GenericError` nearly always; `desc` is for people.
    Qmp { command: String, class: String, desc: String },
    /// No answer came in time. The command may have run, or may yet run.
    Timeout { command: String, after: Duration },
    /// The connection ended first, for this reason. The command may have run.
    Closed(String),
    /// The command was not sent, or its answer could not be read.
    Failed(String),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Qmp { command, desc, .. } => write!(f, "unable to execute QEMU command '{command}': {desc}"),
            CallError::Timeout { command, after } => {
                write!(f, "the monitor did not answer '{command}' within {} s", after.as_secs_f32())
            }
            CallError::Closed(why) | CallError::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for CallError {}

impl From<CallError> for Error {
    fn from(error: CallError) -> Error {
        let code = match error {
            CallError::Timeout { .. } => code::OPERATION_TIMEOUT,
            _ => code::INTERNAL_ERROR,
        };
        Error::new(code, error.to_string())
    }
}
