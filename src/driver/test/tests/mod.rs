//! What users of the test hypervisor rely on, in virtual time.

mod backup;
mod block;
mod lifecycle;
mod memory;
mod snapshot;
