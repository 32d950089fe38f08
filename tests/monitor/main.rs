//! What a user of a monitor notices: against a scripted server, and against real QEMUs where there are any.

mod fake;
mod watcher;

mod calls;
mod hostile;
mod opening;
mod posts;
mod qemu;
mod threads;
