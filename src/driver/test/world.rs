//! A simulated world: its domains, and those who are told what happens in it.

use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::clock::Clock;
use super::script::Script;
use super::vm::Vm;
use crate::driver::Key;
use crate::event::Subscriptions;
use crate::model::event::{Event, Payload};
use crate::model::{code, from, DomainRef, Error, Result, Uuid};
use crate::xml::domain::DomainDef;

/// What the domains of a world share.
pub(super) struct Env {
    pub clock: Arc<dyn Clock>,
    listeners: Mutex<Vec<Weak<Subscriptions>>>,
    last_id: AtomicI32,
    last_uuid: AtomicU64,
}

impl Env {
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Env> {
        Arc::new(Env { clock, listeners: Mutex::default(), last_id: AtomicI32::new(0), last_uuid: AtomicU64::new(0) })
    }

    /// Tells a connection of everything that happens from now on.
    pub fn listen(&self, subscriptions: &Arc<Subscriptions>) {
        let mut listeners = self.listeners.lock();
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(Arc::downgrade(subscriptions));
    }

    pub fn unlisten(&self, subscriptions: &Arc<Subscriptions>) {
        self.listeners.lock().retain(|listener| !std::ptr::eq(listener.as_ptr(), Arc::as_ptr(subscriptions)));
    }

    pub fn emit(&self, domain: &DomainRef, payload: Payload) {
        let listeners: Vec<_> = self.listeners.lock().iter().filter_map(Weak::upgrade).collect();
        for listener in listeners {
            listener.push(Event { domain: domain.clone(), payload: payload.clone() });
        }
    }

    /// The number of a domain that starts to run.
    pub fn next_id(&self) -> i32 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A UUID for a domain whose configuration has none. The same steps give the same world.
    pub fn next_uuid(&self, name: &str) -> Uuid {
        Uuid::derived(&format!("{name} {}", self.last_uuid.fetch_add(1, Ordering::Relaxed)))
    }
}

/// The domains of a world, in the order in which they came.
pub(super) struct World {
    pub env: Arc<Env>,
    /// The script of domains that are created in it.
    pub defaults: Script,
    vms: Mutex<Vec<Arc<Vm>>>,
}

impl World {
    pub fn new(clock: Arc<dyn Clock>, defaults: Script) -> Arc<World> {
        Arc::new(World { env: Env::new(clock), defaults, vms: Mutex::default() })
    }

    pub fn vms(&self) -> Vec<Arc<Vm>> {
        self.vms.lock().clone()
    }

    /// Adds a domain that does not run.
    ///
    /// # Errors
    /// `OPERATION_FAILED` if there is one of that name or UUID.
    pub fn add(self: &Arc<World>, def: &DomainDef, script: Script) -> Result<Arc<Vm>> {
        let uuid = def.uuid.unwrap_or_else(|| self.env.next_uuid(&def.name));
        let vm = Vm::new(Arc::downgrade(self), self.env.clone(), def, uuid, script);
        let mut vms = self.vms.lock();
        if let Some(other) = vms.iter().find(|other| other.name == vm.name || other.uuid == uuid) {
            let detail = format!("domain '{}' already exists with uuid {}", other.name, other.uuid);
            return Err(Error::failed(detail).raised_by(from::DOMAIN));
        }
        vms.push(vm.clone());
        Ok(vm)
    }

    pub fn remove(&self, vm: &Vm) {
        self.vms.lock().retain(|other| !std::ptr::eq(&**other, vm));
    }

    pub fn find(&self, key: Key<'_>) -> Result<Arc<Vm>> {
        let vms = self.vms();
        let found = vms.into_iter().find(|vm| match key {
            Key::Name(name) => vm.name == name,
            Key::Uuid(uuid) => vm.uuid == uuid,
            Key::Id(id) => id > 0 && vm.lock().inner.id == id,
        });
        found.ok_or_else(|| match key {
            Key::Name(name) => Error::new(code::NO_DOMAIN, format!("no domain with matching name '{name}'")),
            Key::Uuid(uuid) => Error::new(code::NO_DOMAIN, format!("no domain with matching uuid '{uuid}'")),
            Key::Id(id) => Error::new(code::NO_DOMAIN, format!("no domain with matching id {id}")),
        })
    }
}
