//! A QMP client without I/O and without knowledge of jobs: bytes in, messages out; commands in, bytes out.
//!
//! What a monitor sends is untrusted input. Nothing here panics or grows without bound, whatever arrives, and what
//! this version does not know (messages, members, events) is passed by rather than refused.

pub mod client;
pub mod error;
pub mod frame;
pub mod message;

pub use client::{Client, Step};
pub use error::{CallError, ProtocolError};
pub use frame::Splitter;
pub use message::{Event, Greeting, Message};
