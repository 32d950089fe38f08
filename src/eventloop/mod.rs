//! The application's event loop: the one that comes with the library, or one that the application brings.
//!
//! One implementation serves the whole process. The first that is registered stays; a later registration changes
//! nothing and is no error, as in libvirt. The functions below go to whichever it is.
//!
//! After `fork` the child shares the wake-up descriptor of the built-in loop with its parent: a child that does not
//! `exec` must leave the loop alone, as with every other libvirt loop.

mod bell;
mod builtin;
mod poll;
mod source;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use once_cell::sync::OnceCell;

pub use bell::Bell;
pub use builtin::BuiltinLoop;

use crate::model::{code, from, Error, Result};

/// `virEventHandleType`: what a descriptor is watched for.
pub mod readiness {
    pub const READABLE: i32 = 1;
    pub const WRITABLE: i32 = 2;
    pub const ERROR: i32 = 4;
    pub const HANGUP: i32 = 8;
}

/// Called with the watch, the descriptor and what it is ready for ([`readiness`]). Dropped, from the loop and some time
/// after its removal, when it will not be called again.
pub type HandleCallback = Arc<dyn Fn(i32, i32, i32) + Send + Sync>;

/// Called with the timer. Dropped like a [`HandleCallback`].
pub type TimeoutCallback = Arc<dyn Fn(i32) + Send + Sync>;

/// What a loop can do. Every function may be called on any thread and from inside callbacks.
pub trait EventLoop: Send + Sync {
    /// Watches a descriptor; returns the number of the watch. `None` if the loop refuses.
    fn add_handle(&self, fd: i32, events: i32, callback: HandleCallback) -> Option<i32>;
    /// Changes what a watch waits for; 0 makes it rest. No such watch: nothing happens.
    fn update_handle(&self, watch: i32, events: i32);
    /// `false` if there is no such watch.
    fn remove_handle(&self, watch: i32) -> bool;
    /// Calls back every `milliseconds`: 0 in every round of the loop, negative not at all. `None` if the loop refuses.
    fn add_timeout(&self, milliseconds: i32, callback: TimeoutCallback) -> Option<i32>;
    /// Changes a timer, which counts anew from now. No such timer: nothing happens.
    fn update_timeout(&self, timer: i32, milliseconds: i32);
    /// `false` if there is no such timer.
    fn remove_timeout(&self, timer: i32) -> bool;
}

enum Registered {
    Builtin(BuiltinLoop),
    Foreign(Box<dyn EventLoop>),
}

static LOOP: OnceCell<Registered> = OnceCell::new();

/// Makes the application's own loop the one of this process. `false` if there is one already, which stays.
pub fn register(foreign: Box<dyn EventLoop>) -> bool {
    LOOP.set(Registered::Foreign(foreign)).is_ok()
}

/// Makes the built-in loop the one of this process, unless there is one.
///
/// # Errors
/// `SYSTEM_ERROR` if the process has no descriptor left for it.
pub fn register_default() -> Result<()> {
    LOOP.get_or_try_init(|| BuiltinLoop::new().map(Registered::Builtin)).map(|_| ())
}

pub fn is_registered() -> bool {
    LOOP.get().is_some()
}

/// Runs one round of the built-in loop: waits until something is ready, a signal arrives or another thread changes
/// what is waited for, then calls back what is ready.
///
/// # Errors
/// `CONFIG_UNSUPPORTED` with no loop, `OPERATION_INVALID` with one that the application runs itself, `SYSTEM_ERROR` if
/// the system cannot wait.
pub fn run_once() -> Result<()> {
    let outcome = match LOOP.get() {
        Some(Registered::Builtin(builtin)) => builtin.run_once(),
        Some(Registered::Foreign(_)) => Err(Error::invalid("the application has registered its own event loop")),
        None => Err(Error::new(code::CONFIG_UNSUPPORTED, "An event loop implementation must be registered")),
    };
    outcome.map_err(|e| e.or_from(from::EVENT))
}

fn current() -> Option<&'static dyn EventLoop> {
    match LOOP.get()? {
        Registered::Builtin(builtin) => Some(builtin),
        Registered::Foreign(foreign) => Some(&**foreign),
    }
}

/// [`EventLoop::add_handle`] of the registered loop; `None` without one.
pub fn add_handle(fd: i32, events: i32, callback: HandleCallback) -> Option<i32> {
    current()?.add_handle(fd, events, callback)
}

/// [`EventLoop::update_handle`] of the registered loop.
pub fn update_handle(watch: i32, events: i32) {
    if let Some(registered) = current() {
        registered.update_handle(watch, events);
    }
}

/// [`EventLoop::remove_handle`] of the registered loop.
pub fn remove_handle(watch: i32) -> bool {
    current().is_some_and(|registered| registered.remove_handle(watch))
}

/// [`EventLoop::add_timeout`] of the registered loop; `None` without one.
pub fn add_timeout(milliseconds: i32, callback: TimeoutCallback) -> Option<i32> {
    current()?.add_timeout(milliseconds, callback)
}

/// [`EventLoop::update_timeout`] of the registered loop.
pub fn update_timeout(timer: i32, milliseconds: i32) {
    if let Some(registered) = current() {
        registered.update_timeout(timer, milliseconds);
    }
}

/// [`EventLoop::remove_timeout`] of the registered loop.
pub fn remove_timeout(timer: i32) -> bool {
    current().is_some_and(|registered| registered.remove_timeout(timer))
}
