//! What users of the test hypervisor rely on, in virtual time.

mod backup;
mod block;
mod documents;
mod fixture;
mod lifecycle;
mod memory;
mod script;
mod snapshot;
