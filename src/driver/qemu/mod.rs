//! Bare QEMU: the monitors of running QEMUs and storage daemons, without a daemon in between.

mod backing;
pub mod monitor;
mod probe;
mod qcow2;
pub mod reactor;
