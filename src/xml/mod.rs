//! Documents: what applications hand in is read with limits, what they get back is laid out as libvirt does it.

pub mod backup;
pub mod checkpoint;
pub mod domain;
pub mod job;
pub mod reader;
pub mod snapshot;
pub mod writer;

#[cfg(test)]
pub(crate) mod validate;
