//! An application's callback, as a handler of events.

use std::ffi::{c_int, CString};
use std::mem::transmute;

use super::super::alloc;
use super::super::ctypes::{
    virConnectDomainEventBlockJobCallback, virConnectDomainEventCallback, virConnectDomainEventGenericCallback as Generic,
    virConnectDomainEventJobCompletedCallback, virConnectDomainEventJobStateCallback, virConnectDomainEventMigrationIterationCallback,
    virTypedParameterPtr,
};
use super::super::entry::{guarded, Outcome};
use super::super::handle::Connect;
use super::super::object::Strong;
use super::super::opaque::Opaque;
use super::super::typedparam;
use crate::event::{Handler, Key};
use crate::model::event::{id, Event, Payload};
use crate::model::TypedParam;

/// A function of the application's and what it is called with.
pub struct Callback {
    /// Cast to what every callback is registered as; `event_id` says what it really is.
    pub function: Generic,
    pub event_id: i32,
    /// Registered by the older call, which knows it by its function.
    pub by_function: bool,
    /// Freed before the connection, which freeing it may need.
    pub opaque: Opaque,
    /// Keeps the connection open, as its domains do.
    pub connect: Strong<Connect>,
}

impl Handler for Callback {
    fn handle(&self, _callback_id: i32, event: &Event) {
        // An event that there is no memory for is lost, as in libvirt: there is nobody to tell.
        let _ = guarded(|| self.call(event));
    }

    fn key(&self) -> Option<Key> {
        Some(key(self.function, self.by_function))
    }
}

/// What identifies a function of the application's.
pub fn key(function: Generic, by_function: bool) -> Key {
    Key { function: function.map_or(0, |function| function as usize), by_function }
}

impl Callback {
    /// Calls the application, with a domain that is valid during the call.
    fn call(&self, event: &Event) -> Outcome<()> {
        let domain = self.connect.domain_handle(event.domain.clone())?;
        let (conn, dom, opaque) = (self.connect.as_ptr(), domain.as_ptr(), self.opaque.pointer());
        // SAFETY: the application registered the function for events that have this payload, so it is of the type that
        // the interface gives the callback of such events; everything that it is handed outlives the call.
        unsafe {
            match &event.payload {
                Payload::Lifecycle { event, detail } => {
                    if let Some(tell) = transmute::<Generic, virConnectDomainEventCallback>(self.function) {
                        tell(conn, dom, *event, *detail, opaque);
                    }
                }
                Payload::BlockJob { path, target, kind, status } => {
                    let disk = c_text(if self.event_id == id::BLOCK_JOB { path } else { target });
                    if let Some(tell) = transmute::<Generic, virConnectDomainEventBlockJobCallback>(self.function) {
                        tell(conn, dom, disk.as_ptr(), *kind, *status, opaque);
                    }
                }
                Payload::JobState { name, kind, state } => {
                    let name = c_text(name);
                    if let Some(tell) = transmute::<Generic, virConnectDomainEventJobStateCallback>(self.function) {
                        tell(conn, dom, name.as_ptr(), *kind as u32, *state as u32, opaque);
                    }
                }
                Payload::JobCompleted { params } => {
                    let params = Params::new(params)?;
                    if let Some(tell) = transmute::<Generic, virConnectDomainEventJobCompletedCallback>(self.function) {
                        tell(conn, dom, params.block, params.count, opaque);
                    }
                }
                Payload::MigrationIteration { iteration } => {
                    if let Some(tell) = transmute::<Generic, virConnectDomainEventMigrationIterationCallback>(self.function) {
                        tell(conn, dom, *iteration, opaque);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Parameters that C may look at while this lives.
struct Params {
    block: virTypedParameterPtr,
    count: c_int,
}

impl Params {
    fn new(params: &[TypedParam]) -> Outcome<Params> {
        let (block, count) = typedparam::array_of(params)?;
        Ok(Params { block, count: c_int::try_from(count).unwrap_or(c_int::MAX) })
    }
}

impl Drop for Params {
    fn drop(&mut self) {
        // SAFETY: array_of() made them, and nobody else has them.
        unsafe {
            typedparam::clear(self.block, self.count as usize);
            alloc::free(self.block);
        }
    }
}

/// A text as C sees it; names and paths have no NUL inside, so nothing is cut.
pub fn c_text(text: &str) -> CString {
    CString::new(text.split('\0').next().unwrap_or_default()).unwrap_or_default()
}
