//! JOB_STATE of connections of the real library, which knows nothing of it. All their other events are its own affair.

use std::ffi::{c_int, c_void};

use super::super::ctypes::{virConnectDomainEventGenericCallback, virConnectPtr, virDomainPtr, virFreeCallback};
use super::super::entry::{Call, Outcome};
use super::general;
use crate::model::code;

/// Registrations of ours are numbered from here on, far above those of the real library.
pub const FIRST_CALLBACK: c_int = 0x4000_0000;

/// Begins to tell `cb` of the states of the jobs of `dom`, or of all domains.
pub fn register(
    call: &Call,
    conn: virConnectPtr,
    _dom: virDomainPtr,
    _cb: virConnectDomainEventGenericCallback,
    _opaque: *mut c_void,
    _freecb: virFreeCallback,
) -> Outcome<c_int> {
    call.on_foreign(conn);
    Err(call.unsupported())
}

/// Ends a registration.
pub fn deregister(call: &Call, conn: virConnectPtr, callback_id: c_int) -> Outcome<()> {
    call.on_foreign(conn);
    Err(general(code::INVALID_ARG, format!("could not find event callback {callback_id} for deletion")))
}
