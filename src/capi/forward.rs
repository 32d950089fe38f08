//! The way to the real library: calls with handles of its own are passed on to it, and what a process has once is shared.
//!
//! The real library calls some of its own public functions by their names. Where it is linked or preloaded those names
//! mean ours, so a call may come from inside it: it must get what the real function gives, and nothing else may happen.

use std::cell::Cell;
use std::ffi::{c_int, c_uint, c_ulong, c_void, CStr};
use std::mem;
use std::ops::{BitAnd, Not};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use super::entry::keeping_errno;
use super::{error, eventloop, object};
use crate::driver::overlay::{self, Real};
use crate::model::flags::JOB_START_MASK;

/// The real function of this name.
macro_rules! function {
    ($function:ident) => {
        $crate::capi::forward::Function::named(
            match ::std::ffi::CStr::from_bytes_with_nul(concat!(stringify!($function), "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => panic!("a name has no NUL inside"),
            },
        )
    };
}

/// The real library, if the process has it. What was set up with us alone before is made its own when it is first seen. While
/// one thread does that, it is not there yet for the others: before it is initialized, what they would do there harms it.
pub fn real() -> Option<&'static Real> {
    let real = overlay::present()?;
    match STAGE.load(Ordering::Acquire) {
        JOINED => return Some(real),
        // Not a lock: joining calls the real library, which may come here.
        ALONE if STAGE.compare_exchange(ALONE, JOINING, Ordering::AcqRel, Ordering::Relaxed).is_ok() => {
            JOINS.set(true);
            keeping_errno(|| join(real));
            JOINS.set(false);
            STAGE.store(JOINED, Ordering::Release);
        }
        _ if !JOINS.get() => return None,
        _ => {}
    }
    Some(real)
}

/// The same for what nobody else can answer: waits for the thread that is about to join it.
pub fn joined() -> Option<&'static Real> {
    loop {
        match (real(), overlay::present()) {
            (None, Some(_)) => thread::sleep(Duration::from_micros(100)),
            (real, _) => return real,
        }
    }
}

/// How far the real library and this one have come together.
static STAGE: AtomicU8 = AtomicU8::new(ALONE);
const ALONE: u8 = 0;
const JOINING: u8 = 1;
const JOINED: u8 = 2;

thread_local! {
    /// Whether this thread is the one that joins them.
    static JOINS: Cell<bool> = const { Cell::new(false) };
}

#[cold]
fn join(real: &'static Real) {
    // Before that it has no place for a thread's error, and does not notice.
    static INITIALIZE: Function = function!(virInitialize);
    INITIALIZE.like(real, nothing as extern "C" fn() -> c_int).map(|initialize| initialize());
    eventloop::join(real);
    error::join(real);
}

extern "C" fn nothing() -> c_int {
    0
}

/// The real library, if a call with this handle is for it to answer: every handle that is not ours, and NULL.
pub fn foreign<T>(handle: *mut T) -> Option<&'static Real> {
    if object::is_ours(handle as usize) {
        return None;
    }
    joined()
}

/// A function of the real library, looked up on first use.
pub struct Function {
    name: &'static CStr,
    address: AtomicPtr<c_void>,
}

impl Function {
    pub const fn named(name: &'static CStr) -> Function {
        Function { name, address: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The function, as something of the type of `like`, which is a function of the same prototype. `None` if this
    /// release does not have it.
    pub fn like<F: Copy>(&self, real: &Real, like: F) -> Option<F> {
        const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
        let _ = like;
        let known = NonNull::new(self.address.load(Ordering::Relaxed));
        let address = known.or_else(|| self.look_up(real))?;
        // SAFETY: the interface gives the function of this name this prototype.
        Some(unsafe { mem::transmute_copy::<*mut c_void, F>(&address.as_ptr()) })
    }

    #[cold]
    fn look_up(&self, real: &Real) -> Option<NonNull<c_void>> {
        let address = keeping_errno(|| real.symbol(self.name))?;
        self.address.store(address.as_ptr(), Ordering::Relaxed);
        Some(address)
    }
}

/// What a function returns that failed.
pub trait Failure {
    const FAILURE: Self;
}

impl Failure for c_int {
    const FAILURE: c_int = -1;
}

/// Of those that return a number, which never is the largest.
impl Failure for c_uint {
    const FAILURE: c_uint = c_uint::MAX;
}

impl Failure for c_ulong {
    const FAILURE: c_ulong = 0;
}

impl Failure for () {
    const FAILURE: () = ();
}

impl<T> Failure for *mut T {
    const FAILURE: *mut T = ptr::null_mut();
}

impl<T> Failure for *const T {
    const FAILURE: *const T = ptr::null();
}

pub fn has_failed<T: Failure + PartialEq>(result: &T) -> bool {
    *result == T::FAILURE
}

/// Flags as the real library knows them.
pub fn without_start_bits<T: From<c_uint> + BitAnd<Output = T> + Not<Output = T>>(flags: T) -> T {
    flags & !T::from(JOB_START_MASK)
}

/// The real library is older than this function.
#[cold]
pub fn too_old<T: Failure>(function: &'static str) -> T {
    error::too_old(function);
    T::FAILURE
}

/// `forward!(function(handle, arguments));` first in an export: a call with a foreign handle is passed on to the real
/// function of the same name, and what that returns is returned.
macro_rules! forward {
    ($function:ident($handle:ident $(, $argument:ident)*)) => {
        if let Some(real) = $crate::capi::forward::foreign($handle) {
            return $crate::capi::forward::pass_on!(real, $function($handle $(, $argument)*));
        }
    };
}

/// The same for a function that starts a job: `start` is what takes a name for it. The bits that are ours stay here.
macro_rules! forward_start {
    ($function:ident($($argument:ident),*), $flags:ident, $start:expr) => {
        $crate::capi::forward::forward_start!($function($($argument),*), $start, {
            let $flags = $crate::capi::forward::without_start_bits($flags);
        })
    };
    ($function:ident($handle:ident $(, $argument:ident)*), $start:expr $(, { $($before:stmt;)* })?) => {
        if let Some(real) = $crate::capi::forward::foreign($handle) {
            let start = $start;
            $($($before)*)?
            let result = $crate::capi::forward::pass_on!(real, $function($handle $(, $argument)*));
            $crate::capi::overlay::note_start(start, $crate::capi::forward::has_failed(&result));
            return result;
        }
    };
}

/// The same for a function that ends a job: `abort` takes note of that.
macro_rules! forward_abort {
    ($function:ident($handle:ident $(, $argument:ident)*), $abort:expr) => {
        if let Some(real) = $crate::capi::forward::foreign($handle) {
            let aborts = $abort;
            let result = $crate::capi::forward::pass_on!(real, $function($handle $(, $argument)*));
            $crate::capi::overlay::note_abort(aborts, result);
            return result;
        }
    };
}

/// The same for functions that this library has beyond libvirt's, and a real library may have one day.
macro_rules! forward_if_known {
    ($function:ident($handle:ident $(, $argument:ident)*)) => {
        if let Some(real) = $crate::capi::forward::foreign($handle) {
            static FUNCTION: $crate::capi::forward::Function = $crate::capi::forward::function!($function);
            let like = $function as unsafe extern "C" fn($crate::capi::forward::any!($handle) $(, $crate::capi::forward::any!($argument))*) -> _;
            if let Some(function) = FUNCTION.like(real, like) {
                $crate::capi::error::hand_in();
                // SAFETY: the caller's arguments, which mean the same there.
                return unsafe { function($handle $(, $argument)*) };
            }
        }
    };
}

/// `hand_over!(function(arguments));` first in an export without a handle: it is the real library's if there is one.
macro_rules! hand_over {
    ($function:ident($($argument:ident),*)) => {
        if let Some(real) = $crate::capi::forward::real() {
            return $crate::capi::forward::pass_on!(real, $function($($argument),*));
        }
    };
}

/// What the real function returns.
macro_rules! pass_on {
    ($real:expr, $function:ident($($argument:ident),*)) => {{
        static FUNCTION: $crate::capi::forward::Function = $crate::capi::forward::function!($function);
        $crate::capi::error::hand_in();
        match FUNCTION.like($real, $function as unsafe extern "C" fn($($crate::capi::forward::any!($argument)),*) -> _) {
            // SAFETY: the caller's arguments, which mean the same there.
            Some(function) => unsafe { function($($argument),*) },
            None => $crate::capi::forward::too_old(stringify!($function)),
        }
    }};
}

/// The type of an argument, whatever it is.
macro_rules! any {
    ($argument:ident) => {
        _
    };
}

pub(super) use {any, forward, forward_abort, forward_if_known, forward_start, function, hand_over, pass_on};
