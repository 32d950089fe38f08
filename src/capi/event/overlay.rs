//! JOB_STATE of connections of the real library, which knows nothing of it. All their other events are its own affair.

use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::mem::transmute;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::Arc;

use once_cell::sync::Lazy;
use parking_lot::Mutex;

use super::super::ctypes::{
    virConnectDomainEventGenericCallback as Generic, virConnectDomainEventJobStateCallback, virConnectPtr, virDomainPtr, virFreeCallback,
};
use super::super::entry::{guarded, Call, Outcome};
use super::super::opaque::Opaque;
use super::callback::{c_text, key};
use super::{general, Events};
use crate::driver::overlay::{RealConnect, RealDomain, Watch};
use crate::event::{Handler, Key, Subscriptions};
use crate::model::event::{id, Event, Payload};
use crate::model::{code, Uuid};

/// Registrations of ours are numbered from here on, far above those of the real library.
pub const FIRST_CALLBACK: c_int = 0x4000_0000;

/// The number of the next registration: none is used again while the process lives.
static NEXT_CALLBACK: AtomicI32 = AtomicI32::new(FIRST_CALLBACK);

/// The connections that somebody listens on, by their addresses. As long as one is here it is open.
static LISTENING: Lazy<Mutex<HashMap<usize, Arc<Listening>>>> = Lazy::new(Mutex::default);

/// One of them.
struct Listening {
    events: Events,
    /// Taken during calls of the real library, so never while it calls back into anything but a deregistration.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    watch: Option<Watch>,
    /// It is no longer among those that somebody listens on.
    left: bool,
}

/// A function of the application's and what it is called with.
struct Callback {
    function: Generic,
    /// Freed before the connection, which freeing it may need.
    opaque: Opaque,
    connect: RealConnect,
}

impl Handler for Callback {
    fn handle(&self, _callback_id: i32, event: &Event) {
        // An event that there is no memory for is lost, as in libvirt: there is nobody to tell.
        let _ = guarded(|| self.call(event));
    }

    fn key(&self) -> Option<Key> {
        Some(key(self.function, false))
    }
}

impl Callback {
    /// Calls the application, with a domain that is valid during the call.
    fn call(&self, event: &Event) -> Outcome<()> {
        let Payload::JobState { name, kind, state } = &event.payload else { return Ok(()) };
        let domain = self.connect.domain(&event.domain)?;
        let name = c_text(name);
        // SAFETY: the application registered the function for JOB_STATE; everything that it is handed outlives the call.
        unsafe {
            if let Some(tell) = transmute::<Generic, virConnectDomainEventJobStateCallback>(self.function) {
                let (conn, dom) = (self.connect.as_ptr().cast(), domain.as_ptr().cast());
                tell(conn, dom, name.as_ptr(), *kind as u32, *state as u32, self.opaque.pointer());
            }
        }
        Ok(())
    }
}

/// Begins to tell `cb` of the states of the jobs of `dom`, or of all domains.
pub fn register(
    call: &Call,
    conn: virConnectPtr,
    dom: virDomainPtr,
    cb: Generic,
    opaque: *mut c_void,
    freecb: virFreeCallback,
) -> Outcome<c_int> {
    call.on_foreign(conn);
    // SAFETY: it is not ours, so it is the real library's, says the caller.
    let connect = unsafe { RealConnect::retain(conn.cast()) }?;
    let domain = domain_of(call, &connect, dom)?;
    call.given(cb.is_some(), "cb")?;
    let callback = Arc::new(Callback { function: cb, opaque: Opaque::new(opaque, freecb), connect: connect.clone() });
    let registered = listen(&connect, domain, &callback);
    if registered.is_err() {
        callback.opaque.refuse();
    }
    registered
}

fn listen(connect: &RealConnect, domain: Option<Uuid>, callback: &Arc<Callback>) -> Outcome<c_int> {
    let address = connect.as_ptr() as usize;
    loop {
        let listening = LISTENING.lock().entry(address).or_insert_with(|| Arc::new(Listening::new())).clone();
        let mut state = listening.state.lock();
        if state.left {
            continue;
        }
        let registered = listening.register(&mut state, connect, domain, callback);
        listening.leave_if_unused(&mut state, address);
        return registered;
    }
}

/// Ends a registration.
pub fn deregister(call: &Call, conn: virConnectPtr, callback_id: c_int) -> Outcome<()> {
    call.on_foreign(conn);
    let missing = || general(code::INVALID_ARG, format!("could not find event callback {callback_id} for deletion"));
    let listening = LISTENING.lock().get(&(conn as usize)).cloned().ok_or_else(missing)?;
    // With nothing locked: the application's pointer may be freed here.
    listening.events.deregister(callback_id).map_err(|_| missing())?;
    listening.leave_if_unused(&mut listening.state.lock(), conn as usize);
    Ok(())
}

impl Listening {
    fn new() -> Listening {
        let subscriptions = Arc::new(Subscriptions::numbered_from(NEXT_CALLBACK.load(Ordering::Relaxed)));
        Listening { events: Events::new(subscriptions), state: Mutex::default() }
    }

    fn register(&self, state: &mut State, connect: &RealConnect, domain: Option<Uuid>, callback: &Arc<Callback>) -> Outcome<c_int> {
        let Events { subscriptions, alarm } = &self.events;
        if !alarm.acquire(subscriptions) {
            return Err(general(code::INTERNAL_ERROR, "could not initialize domain event timer"));
        }
        let registered = self.watch(state, connect, domain).and_then(|()| {
            let registered = subscriptions.register(id::JOB_STATE_OVERLAY, domain, callback.clone());
            registered.map_err(|error| general(error.code, error.detail))
        });
        match &registered {
            Ok(number) => drop(NEXT_CALLBACK.fetch_max(number.saturating_add(1), Ordering::Relaxed)),
            Err(_) => alarm.release(),
        }
        registered
    }

    fn watch(&self, state: &mut State, connect: &RealConnect, domain: Option<Uuid>) -> Outcome<()> {
        match &state.watch {
            Some(watch) => watch.look_at(connect, domain),
            None => state.watch = Some(Watch::new(connect.clone(), self.events.subscriptions.clone(), domain)?),
        }
        Ok(())
    }

    /// Leaves the connection alone once nobody listens any more.
    fn leave_if_unused(&self, state: &mut State, address: usize) {
        if self.events.subscriptions.is_empty() && !state.left {
            LISTENING.lock().remove(&address);
            state.left = true;
            state.watch = None;
        }
    }
}

/// The domain to filter by, if one is given; it must be the connection's own.
fn domain_of(call: &Call, connect: &RealConnect, dom: virDomainPtr) -> Outcome<Option<Uuid>> {
    if dom.is_null() {
        return Ok(None);
    }
    // SAFETY: it is the real library's, says the caller, as its connection is.
    let domain = unsafe { RealDomain::retain(dom.cast()) }?;
    let identity = domain.identity()?;
    if domain.connect()?.as_ptr() != connect.as_ptr() {
        return Err(call.invalid("dom", format!("domain '{}' must match connection", identity.name)));
    }
    Ok(Some(identity.uuid))
}
