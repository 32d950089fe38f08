//! Bare QEMU: the monitors of running QEMUs and storage daemons, without a daemon in between.

mod backing;
mod blockdev;
mod command_line;
mod emulator;
mod machine;
pub mod monitor;
mod paths;
mod pidfd;
mod probe;
mod process;
mod qcow2;
pub mod reactor;
