//! What users of the test hypervisor rely on, in virtual time.

mod block;
mod lifecycle;
