//! The C interface: the only room with `extern "C"`. It knows every other room and none knows it.
//!
//! One file per C object, with bodies of a few lines each between the checks of `entry` and the driver.
#![allow(non_snake_case, clippy::missing_safety_doc, clippy::not_unsafe_ptr_arg_deref)]

mod alloc;
pub mod ctypes;
mod entry;
mod error;
mod handle;
mod object;
mod symver;
#[cfg(test)]
mod testing;

pub use error::{
    virConnCopyLastError, virConnGetLastError, virConnResetLastError, virConnSetErrorFunc, virCopyLastError, virDefaultErrorFunc,
    virFreeError, virGetLastError, virGetLastErrorCode, virGetLastErrorDomain, virGetLastErrorMessage, virResetError, virResetLastError,
    virSaveLastError, virSetErrorFunc,
};
