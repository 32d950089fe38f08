//! Connections of the real library that the application has opened by our functions, and our listening on them.
//!
//! What happens to jobs between two calls is heard only by who listens, and registrations hold the connection. So that a
//! program that uses jobs sees the same as any other, its own references are counted: before it gives up the last of
//! them, ours are gone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use once_cell::sync::{Lazy, OnceCell};
use parking_lot::Mutex;

use super::ctypes::virConnectPtr;
use super::entry::keeping_errno;
use super::{error, forward};
use crate::driver::overlay::{self, forget_error, RealConnect, Watch};
use crate::eventloop::Bell;

/// For how long a loop that has run is taken to do so, and one that has not is waited for.
const PULSE: Duration = Duration::from_secs(60);
/// After what time listening is tried again that libvirt has refused.
const AGAIN: Duration = Duration::from_secs(60);

/// By their addresses, those that are open.
static OPENED: Lazy<Mutex<HashMap<usize, Opened>>> = Lazy::new(Mutex::default);

struct Opened {
    /// The application's own, not those of what it got from the connection.
    references: usize,
    /// Taken for whole calls of the real library, so never by what it calls.
    ear: Arc<Mutex<Ear>>,
}

/// How a connection is listened on.
#[derive(Default)]
struct Ear {
    watch: Option<Watch>,
    refused: Option<Instant>,
    /// The application has given up its last reference.
    closed: bool,
}

/// The real library has opened a connection, or has failed to.
pub fn opened(conn: virConnectPtr) -> virConnectPtr {
    if !conn.is_null() {
        OPENED.lock().insert(conn as usize, Opened { references: 1, ear: Arc::default() });
    }
    conn
}

/// The application adds a reference, to whatever connection it is.
pub fn referenced(conn: virConnectPtr) {
    if let Some(opened) = OPENED.lock().get_mut(&(conn as usize)) {
        opened.references += 1;
    }
}

/// The application is about to give up a reference: with its last one goes everything of ours.
pub fn closing(conn: virConnectPtr) {
    let address = conn as usize;
    let last = {
        let mut all = OPENED.lock();
        let Some(opened) = all.get_mut(&address) else { return };
        opened.references -= 1;
        if opened.references > 0 {
            return;
        }
        all.remove(&address)
    };
    let Some(opened) = last else { return };
    keeping_errno(|| {
        let mut ear = opened.ear.lock();
        ear.closed = true;
        if ear.watch.take().is_some() {
            forget_error();
        }
    });
}

/// Begins to listen on a connection whose jobs are asked for, if that can be done and is not done already.
pub fn listen(connect: &RealConnect) {
    if !overlay::is_in_use() {
        return;
    }
    let ear = OPENED.lock().get(&(connect.as_ptr() as usize)).map(|opened| opened.ear.clone());
    let (Some(ear), Some(real)) = (ear, forward::real()) else { return };
    let mut ear = ear.lock();
    if ear.closed || ear.refused.is_some_and(|when| when.elapsed() < AGAIN) {
        return;
    }
    if !loop_runs() {
        // What libvirt tells would pile up.
        ear.watch = None;
    } else if ear.watch.is_none() {
        error::allow_quiet(real);
        ear.watch = Watch::quiet(connect.clone()).ok();
        ear.refused = ear.watch.is_none().then(Instant::now);
        forget_error();
    }
}

/// When the loop was last asked for a sign of life, and whether it has given one.
static RUNG: Mutex<Option<(Instant, Arc<AtomicBool>)>> = Mutex::new(None);

/// Whether there is an event loop that somebody runs, or may begin to.
fn loop_runs() -> bool {
    let felt = {
        let mut rung = RUNG.lock();
        match &*rung {
            Some((when, felt)) if when.elapsed() < PULSE || !felt.load(Ordering::Acquire) => {
                return felt.load(Ordering::Acquire) || when.elapsed() < PULSE;
            }
            _ => &rung.insert((Instant::now(), Arc::default())).1,
        }
        .clone()
    };
    let hung = ring(felt);
    if !hung {
        *RUNG.lock() = None;
    }
    hung
}

/// Has the loop give a sign of life, once. `false` if there is no loop.
fn ring(felt: Arc<AtomicBool>) -> bool {
    let bell: Arc<OnceCell<Bell>> = Arc::default();
    let hung = bell.clone();
    let called = move || {
        if let (false, Some(bell)) = (felt.swap(true, Ordering::AcqRel), hung.get()) {
            bell.remove();
        }
    };
    let Some(new) = Bell::hang(Arc::new(called)) else { return false };
    bell.get_or_init(|| new).ring();
    true
}
