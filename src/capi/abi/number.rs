//! How enums cross the boundary: C may pass any number, so none of them is a Rust enum here.
//!
//! Each alias has the name of the C enum, which is what the header generator prints; it does not read this file.

use std::ffi::c_uint;

pub type virDomainJobControlOperation = c_uint;
pub type virDomainJobState = c_uint;
pub type virDomainJobType = c_uint;
pub type virErrorLevel = c_uint;
