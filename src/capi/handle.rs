//! The objects that C has pointers to: connections, domains, snapshots.

use std::ffi::CString;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::Arc;

use parking_lot::Mutex;

use super::ctypes::{virConnect, virConnectCloseFunc, virDomain, virDomainSnapshot};
use super::error::ConnectionErrors;
use super::event::Events;
use super::object::{self, Any, Object, Strong};
use super::opaque::Opaque;
use crate::driver;
use crate::event::Subscriptions;
use crate::model::{code, DomainRef, Error, Result, Uuid};

/// What a `virConnectPtr` means.
pub struct Connect {
    pub driver: Arc<dyn driver::Connection>,
    pub events: Events,
    pub readonly: bool,
    pub errors: ConnectionErrors,
    pub close_callback: Mutex<Option<CloseCallback>>,
    type_name: CString,
    pointer: AtomicUsize,
}

impl Connect {
    /// Wraps an open connection of a driver, which pushes its events to `events`.
    pub fn new(driver: Arc<dyn driver::Connection>, events: Arc<Subscriptions>, readonly: bool) -> Connect {
        let type_name = CString::new(driver.type_name()).unwrap_or_default();
        let close_callback = Mutex::new(None);
        let events = Events::new(events);
        Connect { driver, events, readonly, errors: ConnectionErrors::default(), close_callback, type_name, pointer: AtomicUsize::new(0) }
    }

    /// `virConnectGetType`'s text; lives as long as the connection.
    pub fn type_name(&self) -> &CString {
        &self.type_name
    }

    /// A further reference to the handle, as every object of the connection holds one.
    ///
    /// # Errors
    /// `INVALID_CONN` if its last reference is gone.
    pub fn reference(&self) -> Result<Strong<Connect>> {
        let pointer = self.pointer.load(Ordering::Acquire) as *mut virConnect;
        object::retain(pointer).ok_or_else(|| Error::new(code::INVALID_CONN, "a connection that was closed"))
    }

    /// A new handle for a domain, owned by the caller.
    ///
    /// # Errors
    /// `INVALID_CONN` if the connection was closed meanwhile; `NO_MEMORY`.
    pub fn domain_handle(&self, domain: DomainRef) -> Result<Strong<Domain>> {
        Strong::new(Domain::new(self.reference()?, domain)?)
    }
}

impl Object for Connect {
    type C = virConnect;

    fn wrap(object: Arc<Connect>) -> Any {
        Any::Connect(object)
    }

    fn unwrap(any: &Any) -> Option<&Arc<Connect>> {
        match any {
            Any::Connect(object) => Some(object),
            _ => None,
        }
    }

    fn placed(&self, pointer: *mut virConnect) {
        self.pointer.store(pointer as usize, Ordering::Release);
    }
}

/// What `virConnectRegisterCloseCallback` registered.
pub struct CloseCallback {
    pub function: virConnectCloseFunc,
    /// Kept for what its drop does.
    pub _opaque: Opaque,
}

/// What a `virDomainPtr` means. It keeps its connection open.
pub struct Domain {
    pub conn: Strong<Connect>,
    identity: DomainRef,
    name: CString,
    /// What the hypervisor called it when the handle was made, or when it was last started or destroyed through it.
    id: AtomicI32,
}

impl Domain {
    fn new(conn: Strong<Connect>, identity: DomainRef) -> Result<Domain> {
        let name = CString::new(identity.name.as_str()).map_err(|_| Error::internal("a domain's name has a NUL inside"))?;
        let id = AtomicI32::new(identity.id);
        Ok(Domain { conn, identity, name, id })
    }

    pub fn name(&self) -> &CString {
        &self.name
    }

    pub fn uuid(&self) -> Uuid {
        self.identity.uuid
    }

    pub fn id(&self) -> i32 {
        self.id.load(Ordering::Relaxed)
    }

    pub fn set_id(&self, id: i32) {
        self.id.store(id, Ordering::Relaxed);
    }

    /// The driver's domain.
    ///
    /// # Errors
    /// `NO_DOMAIN` if it is gone.
    pub fn driver(&self) -> Result<Arc<dyn driver::Domain>> {
        self.conn.driver.domain(&self.identity)
    }
}

impl Object for Domain {
    type C = virDomain;

    fn wrap(object: Arc<Domain>) -> Any {
        Any::Domain(object)
    }

    fn unwrap(any: &Any) -> Option<&Arc<Domain>> {
        match any {
            Any::Domain(object) => Some(object),
            _ => None,
        }
    }
}

/// What a `virDomainSnapshotPtr` means. It keeps its domain's handle.
pub struct Snapshot {
    pub domain: Strong<Domain>,
    pub name: CString,
}

impl Object for Snapshot {
    type C = virDomainSnapshot;

    fn wrap(object: Arc<Snapshot>) -> Any {
        Any::Snapshot(object)
    }

    fn unwrap(any: &Any) -> Option<&Arc<Snapshot>> {
        match any {
            Any::Snapshot(object) => Some(object),
            _ => None,
        }
    }
}
