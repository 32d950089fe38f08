//! The pointer that an application registers together with a callback.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};

use super::ctypes::virFreeCallback;

/// An application's pointer and the function that frees it, which is called once, when this is dropped.
pub struct Opaque {
    pointer: *mut c_void,
    free: virFreeCallback,
    accepted: AtomicBool,
}

// SAFETY: the pointer is the application's own; it is only handed back, on whichever thread the interface says.
unsafe impl Send for Opaque {}
// SAFETY: as above.
unsafe impl Sync for Opaque {}

impl Opaque {
    pub fn new(pointer: *mut c_void, free: virFreeCallback) -> Opaque {
        Opaque { pointer, free, accepted: AtomicBool::new(true) }
    }

    pub fn pointer(&self) -> *mut c_void {
        self.pointer
    }

    /// The registration failed: the pointer stays the application's to free.
    pub fn refuse(&self) {
        self.accepted.store(false, Ordering::Relaxed);
    }
}

impl Drop for Opaque {
    fn drop(&mut self) {
        if let (Some(free), true) = (self.free, *self.accepted.get_mut()) {
            // SAFETY: the application's function with its own pointer, once.
            unsafe { free(self.pointer) };
        }
    }
}
