//! `virConnectDomainEvent*`: being told what happens to domains.

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use super::ctypes::{virConnectDomainEventCallback, virConnectDomainEventGenericCallback, virConnectPtr, virDomainPtr, virFreeCallback};
use super::entry::{entry, Call, Outcome};
use super::error::Fault;
use super::forward::{foreign, forward};
use super::handle::Connect;
use super::opaque::Opaque;
use crate::event::Subscriptions;
use crate::model::event::id;
use crate::model::{code, from, Error, Uuid};
use alarm::Alarm;
use callback::{key, Callback};

mod alarm;
mod callback;
mod overlay;

/// The first number that libvirt has no event for.
const LAST_ID: c_int = 27;

/// The subscriptions of a connection and what has their events delivered.
pub struct Events {
    subscriptions: Arc<Subscriptions>,
    alarm: Arc<Alarm>,
}

impl Events {
    /// Has what is pushed to `subscriptions` delivered by the event loop.
    pub fn new(subscriptions: Arc<Subscriptions>) -> Events {
        let alarm = Arc::new(Alarm::default());
        let rung = alarm.clone();
        subscriptions.set_waker(Box::new(move || rung.ring()));
        Events { subscriptions, alarm }
    }

    fn register(&self, domain: Option<Uuid>, callback: Callback) -> Outcome<c_int> {
        let callback = Arc::new(callback);
        if !self.alarm.acquire(&self.subscriptions) {
            callback.opaque.refuse();
            return Err(general(code::INTERNAL_ERROR, "could not initialize domain event timer"));
        }
        self.subscriptions.register(callback.event_id, domain, callback.clone()).map_err(|error| {
            callback.opaque.refuse();
            self.alarm.release();
            general(error.code, error.detail)
        })
    }

    fn deregister(&self, callback_id: c_int) -> Outcome<()> {
        if !self.subscriptions.deregister(callback_id) {
            return Err(general(code::INVALID_ARG, format!("could not find event callback {callback_id} for deletion")));
        }
        self.alarm.release();
        Ok(())
    }
}

/// An error that libvirt attributes to no part of itself.
fn general(code: i32, detail: impl Into<String>) -> Fault {
    Fault { error: Error::new(code, detail).raised_by(from::NONE), by_interface: true, argument: None }
}

/// Tells @cb of the lifecycle events of all domains of @conn. The newer call is virConnectDomainEventRegisterAny.
///
/// @freecb is called with @opaque once, after the last call of @cb, with nothing locked; not if this function fails.
///
/// Returns 0, or -1 on error, as when @cb is registered already.
#[no_mangle]
pub unsafe extern "C" fn virConnectDomainEventRegister(
    conn: virConnectPtr,
    cb: virConnectDomainEventCallback,
    opaque: *mut c_void,
    freecb: virFreeCallback,
) -> c_int {
    forward!(virConnectDomainEventRegister(conn, cb, opaque, freecb));
    entry(from::DOMAIN, "virConnectDomainEventRegister", |call| {
        let connect = call.connection(conn)?;
        call.given(cb.is_some(), "cb")?;
        let reference = connect.reference()?;
        let opaque = Opaque::new(opaque, freecb);
        let function = generic(cb);
        connect.events.register(None, Callback { function, event_id: id::LIFECYCLE, by_function: true, opaque, connect: reference })?;
        Ok(())
    })
}

/// Ends what virConnectDomainEventRegister began. May be called from inside a callback.
///
/// Returns 0, or -1 on error, as when @cb is not registered.
#[no_mangle]
pub unsafe extern "C" fn virConnectDomainEventDeregister(conn: virConnectPtr, cb: virConnectDomainEventCallback) -> c_int {
    forward!(virConnectDomainEventDeregister(conn, cb));
    entry(from::DOMAIN, "virConnectDomainEventDeregister", |call| {
        let connect = call.connection(conn)?;
        call.given(cb.is_some(), "cb")?;
        let key = key(generic(cb), true);
        let missing = || general(code::INVALID_ARG, format!("event callback function {:#x} not registered", key.function));
        connect.events.deregister(connect.events.subscriptions.find(id::LIFECYCLE, key).ok_or_else(missing)?)
    })
}

/// Tells @cb of the events @eventID (a virDomainEventID, whose comments say what type @cb really has) of the domain
/// @dom, or of all domains of @conn if it is NULL. An event loop must be registered; it is what calls @cb, with nothing
/// locked, so @cb may call everything. The connection stays open while the registration lasts, and the domain that @cb
/// is given is valid during the call; virDomainRef makes it last.
///
/// @freecb is called with @opaque once, after the last call of @cb, with nothing locked; not if this function fails.
///
/// Events are not dropped while somebody is registered: an application whose loop stands still lets them pile up.
///
/// Returns a number for virConnectDomainEventDeregisterAny, or -1 on error, as when @cb is registered already for the
/// same events of the same domain.
#[no_mangle]
pub unsafe extern "C" fn virConnectDomainEventRegisterAny(
    conn: virConnectPtr,
    dom: virDomainPtr,
    eventID: c_int,
    cb: virConnectDomainEventGenericCallback,
    opaque: *mut c_void,
    freecb: virFreeCallback,
) -> c_int {
    if eventID != id::JOB_STATE_OVERLAY {
        forward!(virConnectDomainEventRegisterAny(conn, dom, eventID, cb, opaque, freecb));
    }
    entry(from::DOMAIN, "virConnectDomainEventRegisterAny", |call| {
        if foreign(conn).is_some() {
            return overlay::register(call, conn, dom, cb, opaque, freecb);
        }
        let connect = call.connection(conn)?;
        let domain = domain_of(call, &connect, dom)?;
        call.given(cb.is_some(), "cb")?;
        call.non_negative(eventID, "eventID")?;
        if eventID >= LAST_ID && eventID != id::JOB_STATE_OVERLAY {
            return Err(call.invalid("eventID", format!("eventID must be less than {LAST_ID}")));
        }
        let reference = connect.reference()?;
        let opaque = Opaque::new(opaque, freecb);
        connect.events.register(domain, Callback { function: cb, event_id: eventID, by_function: false, opaque, connect: reference })
    })
}

/// Ends the registration @callbackID. May be called from inside a callback, which is then not called again; on another
/// thread than the loop's, a call that is on its way already may still come.
///
/// Returns 0, or -1 on error, as when there is no such registration.
#[no_mangle]
pub unsafe extern "C" fn virConnectDomainEventDeregisterAny(conn: virConnectPtr, callbackID: c_int) -> c_int {
    if callbackID < overlay::FIRST_CALLBACK {
        forward!(virConnectDomainEventDeregisterAny(conn, callbackID));
    }
    entry(from::DOMAIN, "virConnectDomainEventDeregisterAny", |call| {
        if foreign(conn).is_some() {
            return overlay::deregister(call, conn, callbackID);
        }
        let connect = call.connection(conn)?;
        call.non_negative(callbackID, "callbackID")?;
        connect.events.deregister(callbackID)
    })
}

/// The domain to filter by, if one is given; it must be the connection's own.
fn domain_of(call: &Call, connect: &Arc<Connect>, dom: virDomainPtr) -> Outcome<Option<Uuid>> {
    if dom.is_null() {
        return Ok(None);
    }
    let domain = call.domain(dom)?;
    if !Arc::ptr_eq(domain.conn.object(), connect) {
        let name = domain.name().to_string_lossy();
        return Err(call.invalid("dom", format!("domain '{name}' must match connection")));
    }
    Ok(Some(domain.uuid()))
}

/// The callback of lifecycle events as what every callback is kept as.
fn generic(cb: virConnectDomainEventCallback) -> virConnectDomainEventGenericCallback {
    // SAFETY: it is cast back before it is called.
    unsafe { std::mem::transmute(cb) }
}

#[cfg(test)]
mod tests;
