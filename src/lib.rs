//! Named long-running jobs of virtual machines behind one C API, compatible with libvirt.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod capi;
pub mod driver;
pub mod event;
pub mod eventloop;
pub mod job;
pub mod model;
pub mod qmp;
pub mod xml;
