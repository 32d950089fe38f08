//! A connection to a simulated world.

use std::sync::Arc;

use super::memory;
use super::vm::Vm;
use super::world::World;
use crate::driver::request::Restore;
use crate::driver::{Connection, Domain, DomainSummary, Key};
use crate::event::Subscriptions;
use crate::model::{from, DomainRef, Error, Result, Uuid};
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
        let mut def = DomainDef::parse(xml)?;
        let uuid = *def.uuid.get_or_insert_with(|| self.world.env.next_uuid(&def.name));
        let vm = match self.world.find(Key::Uuid(uuid)) {
            Ok(known) if known.name == def.name => known,
            _ => self.world.add(&def, self.world.defaults.clone())?,
        };
        let mut vm = vm.lock();
        if vm.is_active() {
            return Err(Error::invalid(format!("domain is already active as '{}'", def.name)).raised_by(from::DOMAIN));
        }
        vm.boot(def);
        Ok(vm.identity())
    }

    fn restore(&self, request: &Restore<'_>) -> Result<(Uuid, String)> {
        memory::restore(&self.world, request)
    }
}
