//! What a user of a monitor notices: against a scripted server, and against real QEMUs where there are any.

mod fake;
mod qemu;
mod watcher;

mod calls;
