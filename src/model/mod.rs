//! Plain values that every room shares: no I/O, no clock, no threads.

pub mod disk;
pub mod domain;
pub mod error;
pub mod event;
pub mod flags;
pub mod job;
pub mod time;
pub mod typed;
pub mod uuid;

pub use domain::{DomainInfo, DomainRef, DomainState};
pub use error::{code, from, Error, Result};
pub use job::{ControlOp, JobState, JobType, Now};
pub use typed::{TypedParam, TypedValue};
pub use uuid::Uuid;
