//! Section `eventloop`: the event loop that delivers events, the library's own or the application's.

use std::ffi::{c_int, c_void};

use super::common::virFreeCallback;

/// Conditions of a file handle, as bits.
#[repr(C)]
pub enum _virEventHandleType {
    VIR_EVENT_HANDLE_READABLE = 1,
    VIR_EVENT_HANDLE_WRITABLE = 2,
    VIR_EVENT_HANDLE_ERROR = 4,
    VIR_EVENT_HANDLE_HANGUP = 8,
}
pub type virEventHandleType = _virEventHandleType;

/// Called when a file handle is ready; events are bits of virEventHandleType.
pub type virEventHandleCallback = Option<unsafe extern "C" fn(watch: c_int, fd: c_int, events: c_int, opaque: *mut c_void)>;

/// Begins to watch a file handle. Returns the number of the watch, or -1.
pub type virEventAddHandleFunc =
    Option<unsafe extern "C" fn(fd: c_int, event: c_int, cb: virEventHandleCallback, opaque: *mut c_void, ff: virFreeCallback) -> c_int>;

/// Changes what a watch waits for.
pub type virEventUpdateHandleFunc = Option<unsafe extern "C" fn(watch: c_int, event: c_int)>;

/// Ends a watch. Returns 0, or -1 if there is none of that number.
pub type virEventRemoveHandleFunc = Option<unsafe extern "C" fn(watch: c_int) -> c_int>;

/// Called when the time of a timer is up.
pub type virEventTimeoutCallback = Option<unsafe extern "C" fn(timer: c_int, opaque: *mut c_void)>;

/// Starts a timer of so many milliseconds; -1 for one that waits to be updated. Returns its number, or -1.
pub type virEventAddTimeoutFunc =
    Option<unsafe extern "C" fn(timeout: c_int, cb: virEventTimeoutCallback, opaque: *mut c_void, ff: virFreeCallback) -> c_int>;

/// Changes the interval of a timer.
pub type virEventUpdateTimeoutFunc = Option<unsafe extern "C" fn(timer: c_int, timeout: c_int)>;

/// Ends a timer. Returns 0, or -1 if there is none of that number.
pub type virEventRemoveTimeoutFunc = Option<unsafe extern "C" fn(timer: c_int) -> c_int>;
