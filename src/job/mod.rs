//! The engine: what a job is called, which state it is in, who is told, how long it is kept.
//!
//! Drivers hand in what they observe; the engine answers with [`Effect`]s. It does no I/O, has no clock and no
//! threads, so the same observations always lead to the same events.

mod config;
mod control;
mod end;
mod engine;
mod exclusion;
#[allow(clippy::module_inception)]
mod job;
mod legacy;
mod names;
mod observe;
mod order;
mod record;
mod stats;
mod transition;

pub use config::{DiskTarget, JobConfig};
pub use control::{Action, Powers};
pub use engine::{Engine, Reservation, StartRequest};
pub use job::{Ending, Job, Origin};
pub use legacy::{block_type, OlderEvent};
pub use names::{is_own_name, number_of_own};
pub use observe::{Effect, HypStatus, Listed, Observation, Outcome, MADE_UP};
pub use order::Moment;
pub use record::JobRecord;
pub use stats::{CompressionStats, DiskStats, JobStats, MigrationStats, Progress};
