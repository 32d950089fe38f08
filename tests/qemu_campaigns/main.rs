//! Campaigns of disturbances: QEMU is stopped, runs out of room, is shared, is ended; whatever happens, jobs keep their rules.

#[path = "../support/mod.rs"]
mod support;

mod full;
mod random;
mod shared;
mod stopped;
