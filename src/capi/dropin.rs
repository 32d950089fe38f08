//! What the stubs of the drop-in `libvirt.so.0` (`dropin/stubs.S`) do for functions of libvirt that are not implemented.
//!
//! Each stub is the function of one name. It comes here with whatever arguments it was called with still in place, and
//! goes on where it is told to: to the real library's function of that name, or to one that returns a failure.
//!
//! The stubs are in no library but the drop-in. They cannot know this code by name, because every name that Rust makes
//! known to them would be exported by `libvirt-jobs.so` as well; so they find it in a section, whose start linkers name.

use std::ffi::{c_char, c_int, c_long, c_void, CStr};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::entry::{entry, Call, Outcome};
use super::forward;
use super::handle::Connect;
use super::object::{resolve, Resolved};

/// What a stub says of itself; laid out by `dropin/stubs.S`.
#[repr(C)]
pub struct Stub {
    /// The real library's function, once it was called.
    real: AtomicPtr<c_void>,
    name: *const c_char,
    /// `virErrorDomain` of the part of libvirt that the function belongs to.
    from: c_int,
    /// -1 or 0, which is what a failing call returns; [`NOTHING`] if it returns nothing.
    failure: c_int,
}

/// The functions that return nothing release memory that another function gave, and that one has failed.
const NOTHING: c_int = 1;

/// Where a stub finds [`destination`].
#[used]
#[link_section = "virt_jobs_stubs"]
static DESTINATION: unsafe extern "C" fn(&'static Stub, *mut c_void) -> NonNull<c_void> = destination;

/// The address at which a call of a stub goes on. `first` is its first argument, if it was called with any.
///
/// # Safety
/// `stub` is one of `dropin/stubs.S`.
unsafe extern "C" fn destination(stub: &'static Stub, first: *mut c_void) -> NonNull<c_void> {
    // A handle of ours, be it one that was freed, means nothing to the real library.
    let foreign = matches!(resolve::<Connect>(first.cast()), Resolved::Foreign | Resolved::Null);
    // SAFETY: as the caller says.
    foreign.then(|| stub.real()).flatten().unwrap_or_else(|| unsafe { stub.refuse(first) })
}

impl Stub {
    /// The real library's function of the same name, if it is in the process and has it.
    fn real(&self) -> Option<NonNull<c_void>> {
        let known = NonNull::new(self.real.load(Ordering::Relaxed));
        known.or_else(|| {
            let found = forward::real()?.symbol(self.name())?;
            self.real.store(found.as_ptr(), Ordering::Relaxed);
            Some(found)
        })
    }

    /// Raises the error for a function that is not there; the address is of one that returns the failure.
    ///
    /// # Safety
    /// The stub is one of `dropin/stubs.S`.
    unsafe fn refuse(&'static self, first: *mut c_void) -> NonNull<c_void> {
        if self.failure != NOTHING {
            entry(self.from, self.name().to_str().unwrap_or_default(), |call: &Call| -> Outcome<()> {
                call.any(first);
                Err(call.unsupported())
            });
        }
        let failure = if self.failure == -1 { minus_one } else { zero as extern "C" fn() -> c_long };
        NonNull::new(failure as *mut c_void).unwrap_or(NonNull::dangling())
    }

    fn name(&self) -> &'static CStr {
        // SAFETY: a text in a library that is never unloaded.
        unsafe { CStr::from_ptr(self.name) }
    }
}

extern "C" fn minus_one() -> c_long {
    -1
}

extern "C" fn zero() -> c_long {
    0
}
