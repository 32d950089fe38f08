//! A connection to a simulated world.

use std::sync::Arc;

use super::script::Script;
use super::vm::Vm;
use super::world::World;
use crate::driver::{Connection, Domain, DomainSummary, Key};
use crate::event::Subscriptions;
use crate::model::{from, DomainRef, Error, Result};
use crate::xml::domain::DomainDef;

/// An open connection; the world lives as long as one of its connections.
pub(super) struct TestConnection {
    pub uri: String,
    pub world: Arc<World>,
    events: Arc<Subscriptions>,
}

impl TestConnection {
    pub fn new(uri: String, world: Arc<World>, events: Arc<Subscriptions>) -> TestConnection {
        world.env.listen(&events);
        TestConnection { uri, world, events }
    }
}

impl Drop for TestConnection {
    fn drop(&mut self) {
        self.world.env.unlisten(&self.events);
    }
}

impl Connection for TestConnection {
    fn type_name(&self) -> &'static str {
        "TEST"
    }

    fn error_domain(&self) -> i32 {
        from::TEST
    }

    fn uri(&self) -> String {
        self.uri.clone()
    }

    /// libvirt's test driver is at version 2, and so is this.
    fn version(&self) -> Result<u64> {
        Ok(2)
    }

    fn domains(&self) -> Result<Vec<DomainSummary>> {
        let summary = |vm: Arc<Vm>| {
            let vm = vm.lock();
            DomainSummary { domain: vm.identity(), state: vm.inner.state, persistent: vm.inner.persistent.is_some() }
        };
        Ok(self.world.vms().into_iter().map(summary).collect())
    }

    fn lookup(&self, key: Key<'_>) -> Result<DomainRef> {
        Ok(self.world.find(key)?.lock().identity())
    }

    fn domain(&self, domain: &DomainRef) -> Result<Arc<dyn Domain>> {
        Ok(self.world.find(Key::Uuid(domain.uuid))?)
    }

    fn create_xml(&self, xml: &str, flags: u32) -> Result<DomainRef> {
        super::check_flags(flags, 0, "virDomainCreateXML")?;
        let def = DomainDef::parse(xml)?;
        let uuid = def.uuid.unwrap_or_else(|| self.world.env.next_uuid(&def.name));
        match self.world.find(Key::Uuid(uuid)) {
            Ok(known) if known.name == def.name => {
                let mut vm = known.lock();
                if vm.is_active() {
                    return Err(Error::invalid(format!("domain is already active as '{}'", def.name)).raised_by(from::DOMAIN));
                }
                vm.boot(def);
                Ok(vm.identity())
            }
            _ => {
                let vm = Vm::new(Arc::downgrade(&self.world), self.world.env.clone(), &def, uuid, Script::default());
                let mut locked = vm.lock();
                self.world.add(vm.clone()).map_err(|error| error.raised_by(from::DOMAIN))?;
                locked.boot(def);
                Ok(locked.identity())
            }
        }
    }
}
