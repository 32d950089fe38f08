//! The real library's errors: where there is one, its last error of a thread is the only one, whoever raised it.

use std::ffi::{c_int, c_void};
use std::ptr;

use super::super::ctypes::{virConnectPtr, virErrorFunc, virErrorPtr};
use super::super::forward::{self, function, Function};
use crate::driver::overlay::Real;
use crate::model::code;

static GET_LAST: Function = function!(virGetLastError);
static RESET_LAST: Function = function!(virResetLastError);
static SET_HANDLER: Function = function!(virSetErrorFunc);
// Exported, though in no header: what the real library's own drivers raise errors with. Both are there since 0.6.
static SET: Function = function!(virSetError);
static DISPATCH: Function = function!(virDispatchError);

extern "C" fn no_pointer() -> virErrorPtr {
    ptr::null_mut()
}
extern "C" fn nothing() {}
extern "C" fn no_handler(_: *mut c_void, _: virErrorFunc) {}
extern "C" fn not_set(_: virErrorPtr) -> c_int {
    -1
}
extern "C" fn not_told(_: virConnectPtr) {}

/// The thread's error there, if it has one.
pub fn last() -> Option<virErrorPtr> {
    let get = GET_LAST.like(forward::real()?, no_pointer as extern "C" fn() -> virErrorPtr)?;
    let error = get();
    // SAFETY: NULL or the thread's own error.
    unsafe { error.as_ref() }.is_some_and(|error| error.code != code::OK).then_some(error)
}

/// Makes it forget the thread's error.
pub fn reset_last() {
    if let Some(reset) = forward::real().and_then(|real| RESET_LAST.like(real, nothing as extern "C" fn())) {
        reset();
    }
}

/// Makes a copy of an error the thread's own there. `false` if there is no such library.
///
/// # Safety
/// `error` points to an error.
pub unsafe fn set(error: virErrorPtr) -> bool {
    let set = forward::real().and_then(|real| SET.like(real, not_set as extern "C" fn(virErrorPtr) -> c_int));
    set.is_some_and(|set| set(error) == 0)
}

/// Has it tell whoever is to be told of the thread's error: the handler of `conn`, which is NULL or its own, else the
/// general one. `false` if there is no such library.
pub fn tell(conn: virConnectPtr) -> bool {
    let Some(dispatch) = forward::real().and_then(|real| DISPATCH.like(real, not_told as extern "C" fn(virConnectPtr))) else {
        return false;
    };
    dispatch(conn);
    true
}

/// Sets its general handler.
pub fn set_handler(real: &Real, user_data: *mut c_void, handler: virErrorFunc) {
    if let Some(set) = SET_HANDLER.like(real, no_handler as extern "C" fn(*mut c_void, virErrorFunc)) {
        set(user_data, handler);
    }
}
