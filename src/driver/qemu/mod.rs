//! Bare QEMU: domains behind QMP sockets, with no daemon between.

mod attach;
mod backing;
mod backup;
mod block;
mod block_graph;
mod blockdev;
mod command_line;
mod connection;
mod copy;
mod create;
mod disks;
mod domain;
mod domain_job;
mod emulator;
mod events;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod hotplug;
mod hub;
mod jobs;
mod legacy;
mod lifecycle;
mod machine;
mod migration;
pub mod monitor;
mod nodes;
mod others;
mod paths;
mod pidfd;
mod probe;
mod process;
mod qcow2;
mod questions;
pub mod reactor;
mod records;
mod removal;
#[cfg(test)]
mod replay_tests;
mod shutdown;
mod sizes;
mod snapshots;

pub use connection::open;
pub use jobs::{has_limit, POWERS};

use super::{clock, translate};
