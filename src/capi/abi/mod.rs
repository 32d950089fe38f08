//! The C types of the interface, from which the headers are generated: one file per section of a header.
//!
//! Enums and constants are written for C. Rust code takes the numbers of `crate::model`, and [`checks`] holds the two
//! together at compile time.
#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals, clippy::upper_case_acronyms)]

pub mod beyond;
pub mod block;
mod checks;
pub mod common;
pub mod domain;
pub mod domain_event;
pub mod domain_job;
pub mod error;
pub mod eventloop;
pub mod flags;
pub mod host;
pub mod migrate;
pub mod number;
pub mod overlay;
pub mod proposal;
pub mod save;
pub mod snapshot;
pub mod typed;
