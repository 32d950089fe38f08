//! Jobs of the real libvirt's own connections and domains, and the real library itself.
//!
//! The real library is never linked. It is in the process already, because the program uses it, or it is opened when a
//! URI of its own is.

pub mod real;

pub use real::{load, present, Real};
