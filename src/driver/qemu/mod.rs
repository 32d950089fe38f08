//! Bare QEMU: the monitors of running QEMUs and storage daemons, without a daemon in between.

pub mod monitor;
pub mod reactor;
