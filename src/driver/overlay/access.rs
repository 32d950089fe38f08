//! Whether a connection of the real library was opened read-only.
//!
//! No function of libvirt's tells that; and to try something that needs more is no way to find out, since every failure
//! goes to the application's error handler, or to stderr. So it is read from the connection, at the place where two
//! connections to the built-in test driver, opened one way and the other, differ in just that.

use std::ptr;

use once_cell::sync::OnceCell;

use super::functions::{Functions, Pointer};

/// Words of a connection that are looked at; it is more than twice as large.
const WORDS: usize = 32;
/// `VIR_CONNECT_RO`.
const READ_ONLY: u32 = 1;

/// # Safety
/// `conn` is a valid connection of the real library.
pub(super) unsafe fn is_readonly(real: &Functions, conn: Pointer) -> bool {
    static PLACE: OnceCell<Option<usize>> = OnceCell::new();
    let place = *PLACE.get_or_init(|| find_place(real));
    // SAFETY: as the caller says; the place lies within every connection. It is set before anybody can have the handle.
    place.is_some_and(|place| unsafe { ptr::read_volatile(conn.cast::<u32>().add(place)) } & READ_ONLY != 0)
}

/// The word that tells, unless there is not exactly one: then every connection is taken for one that may do all, and the
/// real library refuses what it may not.
fn find_place(real: &Functions) -> Option<usize> {
    const URI: *const std::ffi::c_char = c"test:///default".as_ptr();
    // SAFETY: the built-in driver opens nothing outside the process; both are closed below.
    let (writable, readonly) = unsafe { ((real.virConnectOpen)(URI), (real.virConnectOpenReadOnly)(URI)) };
    let mut found = None;
    if !writable.is_null() && !readonly.is_null() {
        // SAFETY: two connections, and nobody else has them.
        let word = |conn: Pointer, at: usize| unsafe { ptr::read_volatile(conn.cast::<u32>().add(at)) };
        let mut places = (0..WORDS).filter(|&at| word(writable, at) == 0 && word(readonly, at) == READ_ONLY);
        found = places.next().filter(|_| places.next().is_none());
    }
    for conn in [writable, readonly].into_iter().filter(|conn| !conn.is_null()) {
        // SAFETY: opened above.
        unsafe { (real.virConnectClose)(conn) };
    }
    found
}
