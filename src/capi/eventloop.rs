//! `virEvent*`: the event loop, the library's own or the application's.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use once_cell::sync::OnceCell;

use super::ctypes::virFreeCallback;
use super::ctypes::{
    virEventAddHandleFunc, virEventAddTimeoutFunc, virEventHandleCallback, virEventRemoveHandleFunc, virEventRemoveTimeoutFunc,
    virEventTimeoutCallback, virEventUpdateHandleFunc, virEventUpdateTimeoutFunc,
};
use super::entry::{entry, guarded, quiet_entry, Call, Outcome};
use super::forward::{self, any, function, pass_on, Function};
use super::opaque::Opaque;
use crate::driver::overlay::Real;
use crate::eventloop::{self, EventLoop, HandleCallback, TimeoutCallback};
use crate::model::{code, from};

/// The loop that the application brought. Calls of the functions below go to it as they are; the library's own timers
/// go through [`EventLoop`].
#[derive(Clone, Copy)]
struct Foreign {
    add_handle: virEventAddHandleFunc,
    update_handle: virEventUpdateHandleFunc,
    remove_handle: virEventRemoveHandleFunc,
    add_timeout: virEventAddTimeoutFunc,
    update_timeout: virEventUpdateTimeoutFunc,
    remove_timeout: virEventRemoveTimeoutFunc,
}

/// Set after [`eventloop::register`] has accepted it.
static FOREIGN: OnceCell<Foreign> = OnceCell::new();

/// The loop of this process is registered with the real library, if at all, and calls of the functions below are for it.
static REAL: AtomicBool = AtomicBool::new(false);

/// What is said and done here when the real library calls, which has no loop of its own then.
const OURS: Foreign = Foreign {
    add_handle: Some(add_handle),
    update_handle: Some(update_handle),
    remove_handle: Some(remove_handle),
    add_timeout: Some(add_timeout),
    update_timeout: Some(update_timeout),
    remove_timeout: Some(remove_timeout),
};

/// Makes one loop of two: if there is none here, the real library's is used, whenever it gets one; else it gets this one,
/// unless it has another already.
pub fn join(real: &'static Real) {
    if eventloop::register(Box::new(Foreign::of(real))) {
        REAL.store(true, Ordering::Release);
        return;
    }
    static REGISTER: Function = function!(virEventRegisterImpl);
    let Some(register) = REGISTER.like(real, virEventRegisterImpl as extern "C" fn(_, _, _, _, _, _)) else { return };
    let ours = FOREIGN.get().copied().unwrap_or(OURS);
    register(ours.add_handle, ours.update_handle, ours.remove_handle, ours.add_timeout, ours.update_timeout, ours.remove_timeout);
}

/// The real library, if calls of the functions below are for its loop. They leave the thread's error as it is.
fn real_loop() -> Option<&'static Real> {
    forward::real().filter(|_| REAL.load(Ordering::Acquire))
}

/// `hand_over_loop!(function(arguments));` first in an export: it is the real library's if the loop is.
macro_rules! hand_over_loop {
    ($function:ident($($argument:ident),*)) => {
        if let Some(real) = real_loop() {
            return pass_on!(real, $function($($argument),*));
        }
    };
}

/// The real function of the same prototype.
macro_rules! real_function {
    ($real:expr, $function:ident($($argument:ident),*)) => {{
        static FUNCTION: Function = function!($function);
        FUNCTION.like($real, $function as unsafe extern "C" fn($(any!($argument)),*) -> _)
    }};
}

impl Foreign {
    /// The loop that is, or will be, registered with the real library.
    fn of(real: &Real) -> Foreign {
        Foreign {
            add_handle: real_function!(real, virEventAddHandle(fd, events, cb, opaque, ff)),
            update_handle: real_function!(real, virEventUpdateHandle(watch, events)),
            remove_handle: real_function!(real, virEventRemoveHandle(watch)),
            add_timeout: real_function!(real, virEventAddTimeout(timeout, cb, opaque, ff)),
            update_timeout: real_function!(real, virEventUpdateTimeout(timer, timeout)),
            remove_timeout: real_function!(real, virEventRemoveTimeout(timer)),
        }
    }

    fn is_empty(&self) -> bool {
        self.add_handle.is_none()
            && self.update_handle.is_none()
            && self.remove_handle.is_none()
            && self.add_timeout.is_none()
            && self.update_timeout.is_none()
            && self.remove_timeout.is_none()
    }
}

/// Runs code that a foreign loop called.
fn from_foreign(body: impl FnOnce()) {
    // There is nobody to tell: a panic has left what it was about undone, and the loop goes on.
    let _ = guarded(|| {
        body();
        Ok(())
    });
}

unsafe extern "C" fn call_handle(watch: c_int, fd: c_int, events: c_int, opaque: *mut c_void) {
    // SAFETY: what add_handle() gave the loop, which has not freed it yet. The copy outlives a removal in the callback.
    let callback = unsafe { (*opaque.cast::<HandleCallback>()).clone() };
    from_foreign(|| callback(watch, fd, events));
}

unsafe extern "C" fn free_handle(opaque: *mut c_void) {
    // SAFETY: what add_handle() gave the loop, which hands it back once.
    from_foreign(|| drop(unsafe { Box::from_raw(opaque.cast::<HandleCallback>()) }));
}

unsafe extern "C" fn call_timeout(timer: c_int, opaque: *mut c_void) {
    // SAFETY: what add_timeout() gave the loop, which has not freed it yet. The copy outlives a removal in the callback.
    let callback = unsafe { (*opaque.cast::<TimeoutCallback>()).clone() };
    from_foreign(|| callback(timer));
}

unsafe extern "C" fn free_timeout(opaque: *mut c_void) {
    // SAFETY: what add_timeout() gave the loop, which hands it back once.
    from_foreign(|| drop(unsafe { Box::from_raw(opaque.cast::<TimeoutCallback>()) }));
}

// SAFETY of the calls: the application's functions, called as the interface says.
impl EventLoop for Foreign {
    fn add_handle(&self, fd: i32, events: i32, callback: HandleCallback) -> Option<i32> {
        let add = self.add_handle?;
        let opaque = Box::into_raw(Box::new(callback));
        let watch = unsafe { add(fd, events, Some(call_handle), opaque.cast(), Some(free_handle)) };
        if watch < 0 {
            drop(unsafe { Box::from_raw(opaque) });
            return None;
        }
        Some(watch)
    }

    fn update_handle(&self, watch: i32, events: i32) {
        if let Some(update) = self.update_handle {
            unsafe { update(watch, events) };
        }
    }

    fn remove_handle(&self, watch: i32) -> bool {
        self.remove_handle.is_some_and(|remove| unsafe { remove(watch) } == 0)
    }

    fn add_timeout(&self, milliseconds: i32, callback: TimeoutCallback) -> Option<i32> {
        let add = self.add_timeout?;
        let opaque = Box::into_raw(Box::new(callback));
        let timer = unsafe { add(milliseconds, Some(call_timeout), opaque.cast(), Some(free_timeout)) };
        if timer < 0 {
            drop(unsafe { Box::from_raw(opaque) });
            return None;
        }
        Some(timer)
    }

    fn update_timeout(&self, timer: i32, milliseconds: i32) {
        if let Some(update) = self.update_timeout {
            unsafe { update(timer, milliseconds) };
        }
    }

    fn remove_timeout(&self, timer: i32) -> bool {
        self.remove_timeout.is_some_and(|remove| unsafe { remove(timer) } == 0)
    }
}

fn refused(call: &Call) -> super::error::Fault {
    let why = if eventloop::is_registered() { "the event loop has refused" } else { "An event loop implementation must be registered" };
    call.error(code::CONFIG_UNSUPPORTED, why)
}

/// Makes the application's own event loop the one of this process: its functions are called, on any thread, wherever
/// this library needs a descriptor or a timer watched. Callbacks must be called, and freed, with no lock held that these
/// functions take.
///
/// To be called before the first connection is opened. Once there is a loop, be it this one or the default one, a
/// further call changes nothing.
#[no_mangle]
pub extern "C" fn virEventRegisterImpl(
    addHandle: virEventAddHandleFunc,
    updateHandle: virEventUpdateHandleFunc,
    removeHandle: virEventRemoveHandleFunc,
    addTimeout: virEventAddTimeoutFunc,
    updateTimeout: virEventUpdateTimeoutFunc,
    removeTimeout: virEventRemoveTimeoutFunc,
) {
    hand_over_loop!(virEventRegisterImpl(addHandle, updateHandle, removeHandle, addTimeout, updateTimeout, removeTimeout));
    let foreign = Foreign {
        add_handle: addHandle,
        update_handle: updateHandle,
        remove_handle: removeHandle,
        add_timeout: addTimeout,
        update_timeout: updateTimeout,
        remove_timeout: removeTimeout,
    };
    if !foreign.is_empty() && eventloop::register(Box::new(foreign)) {
        // It is the first, so this cannot fail; until it is set, calls take the longer way through the trait.
        let _ = FOREIGN.set(foreign);
    }
}

/// Makes the library's own event loop the one of this process, unless there is one. The application then calls
/// virEventRunDefaultImpl again and again.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub extern "C" fn virEventRegisterDefaultImpl() -> c_int {
    hand_over_loop!(virEventRegisterDefaultImpl());
    entry(from::EVENT, "virEventRegisterDefaultImpl", |_| Ok(eventloop::register_default()?))
}

/// Runs one round of the library's own event loop: waits until something is ready, a signal arrives, or another thread
/// changes what is waited for; then calls back what is ready. With nothing registered it waits for ever. Threads that
/// call it at the same time take turns; a callback may call it.
///
/// Returns 0, or -1 on error, as when there is no such loop.
#[no_mangle]
pub extern "C" fn virEventRunDefaultImpl() -> c_int {
    hand_over_loop!(virEventRunDefaultImpl());
    entry(from::EVENT, "virEventRunDefaultImpl", |_| Ok(eventloop::run_once()?))
}

/// Watches @fd for @events (bits of virEventHandleType) and calls @cb with @opaque whenever it is ready.
///
/// @ff is called with @opaque once, from the loop, after the watch was removed; not if this function fails.
///
/// Returns the number of the watch, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virEventAddHandle(
    fd: c_int,
    events: c_int,
    cb: virEventHandleCallback,
    opaque: *mut c_void,
    ff: virFreeCallback,
) -> c_int {
    hand_over_loop!(virEventAddHandle(fd, events, cb, opaque, ff));
    // SAFETY: the caller's arguments.
    unsafe { add_handle(fd, events, cb, opaque, ff) }
}

unsafe extern "C" fn add_handle(fd: c_int, events: c_int, cb: virEventHandleCallback, opaque: *mut c_void, ff: virFreeCallback) -> c_int {
    quiet_entry(from::EVENT, "virEventAddHandle", |call| {
        if let Some(add) = FOREIGN.get().and_then(|foreign| foreign.add_handle) {
            // SAFETY: the application's function with the application's arguments.
            return accepted(unsafe { add(fd, events, cb, opaque, ff) }, call);
        }
        call.given(cb.is_some(), "cb")?;
        let opaque = Arc::new(Opaque::new(opaque, ff));
        let watch = eventloop::add_handle(fd, events, handle_callback(cb, opaque.clone()));
        watch.ok_or_else(|| {
            opaque.refuse();
            refused(call)
        })
    })
}

fn accepted(number: c_int, call: &Call) -> Outcome<c_int> {
    if number < 0 {
        return Err(refused(call));
    }
    Ok(number)
}

fn handle_callback(cb: virEventHandleCallback, opaque: Arc<Opaque>) -> HandleCallback {
    Arc::new(move |watch, fd, events| {
        if let Some(cb) = cb {
            // SAFETY: the application's function with its own pointer, which is freed later.
            unsafe { cb(watch, fd, events, opaque.pointer()) };
        }
    })
}

/// Changes what the watch @watch waits for; 0 lets it rest. Nothing happens if there is no such watch.
#[no_mangle]
pub unsafe extern "C" fn virEventUpdateHandle(watch: c_int, events: c_int) {
    hand_over_loop!(virEventUpdateHandle(watch, events));
    // SAFETY: the caller's arguments.
    unsafe { update_handle(watch, events) };
}

unsafe extern "C" fn update_handle(watch: c_int, events: c_int) {
    eventloop::update_handle(watch, events);
}

/// Ends a watch. It is not called any more, and its pointer is freed by the loop later.
///
/// Returns 0, or -1 if there is no such watch.
#[no_mangle]
pub unsafe extern "C" fn virEventRemoveHandle(watch: c_int) -> c_int {
    hand_over_loop!(virEventRemoveHandle(watch));
    // SAFETY: the caller's arguments.
    unsafe { remove_handle(watch) }
}

unsafe extern "C" fn remove_handle(watch: c_int) -> c_int {
    quiet_entry(from::EVENT, "virEventRemoveHandle", |call| {
        let missing = || call.error(code::INVALID_ARG, format!("no watch {watch}"));
        eventloop::remove_handle(watch).then_some(()).ok_or_else(missing)
    })
}

/// Calls @cb with @opaque every @timeout milliseconds: 0 in every round of the loop, -1 not before it is updated.
///
/// @ff is called with @opaque once, from the loop, after the timer was removed; not if this function fails.
///
/// Returns the number of the timer, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virEventAddTimeout(
    timeout: c_int,
    cb: virEventTimeoutCallback,
    opaque: *mut c_void,
    ff: virFreeCallback,
) -> c_int {
    hand_over_loop!(virEventAddTimeout(timeout, cb, opaque, ff));
    // SAFETY: the caller's arguments.
    unsafe { add_timeout(timeout, cb, opaque, ff) }
}

unsafe extern "C" fn add_timeout(timeout: c_int, cb: virEventTimeoutCallback, opaque: *mut c_void, ff: virFreeCallback) -> c_int {
    quiet_entry(from::EVENT, "virEventAddTimeout", |call| {
        if let Some(add) = FOREIGN.get().and_then(|foreign| foreign.add_timeout) {
            // SAFETY: the application's function with the application's arguments.
            return accepted(unsafe { add(timeout, cb, opaque, ff) }, call);
        }
        call.given(cb.is_some(), "cb")?;
        let opaque = Arc::new(Opaque::new(opaque, ff));
        let timer = eventloop::add_timeout(timeout, timeout_callback(cb, opaque.clone()));
        timer.ok_or_else(|| {
            opaque.refuse();
            refused(call)
        })
    })
}

fn timeout_callback(cb: virEventTimeoutCallback, opaque: Arc<Opaque>) -> TimeoutCallback {
    Arc::new(move |timer| {
        if let Some(cb) = cb {
            // SAFETY: the application's function with its own pointer, which is freed later.
            unsafe { cb(timer, opaque.pointer()) };
        }
    })
}

/// Changes the time of a timer, which begins anew; -1 lets it rest. Nothing happens if there is no such timer.
#[no_mangle]
pub unsafe extern "C" fn virEventUpdateTimeout(timer: c_int, timeout: c_int) {
    hand_over_loop!(virEventUpdateTimeout(timer, timeout));
    // SAFETY: the caller's arguments.
    unsafe { update_timeout(timer, timeout) };
}

unsafe extern "C" fn update_timeout(timer: c_int, timeout: c_int) {
    eventloop::update_timeout(timer, timeout);
}

/// Ends a timer. It is not called any more, and its pointer is freed by the loop later.
///
/// Returns 0, or -1 if there is no such timer.
#[no_mangle]
pub unsafe extern "C" fn virEventRemoveTimeout(timer: c_int) -> c_int {
    hand_over_loop!(virEventRemoveTimeout(timer));
    // SAFETY: the caller's arguments.
    unsafe { remove_timeout(timer) }
}

unsafe extern "C" fn remove_timeout(timer: c_int) -> c_int {
    quiet_entry(from::EVENT, "virEventRemoveTimeout", |call| {
        let missing = || call.error(code::INVALID_ARG, format!("no timer {timer}"));
        eventloop::remove_timeout(timer).then_some(()).ok_or_else(missing)
    })
}
