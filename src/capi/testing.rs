//! A driver without a hypervisor, for tests of this room.

use std::sync::Arc;
use std::time::Duration;

use super::handle::Connect;
use super::object::Strong;
use crate::driver::request::ListFilter;
use crate::driver::{Connection, Domain, DomainSummary, Jobs, Key};
use crate::event::Subscriptions;
use crate::job::Job;
use crate::model::{from, ControlOp, DomainInfo, DomainRef, DomainState, Error, JobState, Result, Uuid};

/// Knows one domain, `guest`, that does nothing.
pub struct Fake;

/// Its domain.
pub fn guest() -> DomainRef {
    DomainRef { name: "guest".to_owned(), uuid: Uuid([7; 16]), id: 1 }
}

/// A handle for a connection to it.
pub fn connect(readonly: bool) -> Strong<Connect> {
    Strong::new(Connect::new(Arc::new(Fake), Arc::new(Subscriptions::new()), readonly)).expect("memory")
}

impl Connection for Fake {
    fn type_name(&self) -> &'static str {
        "Fake"
    }
    fn error_domain(&self) -> i32 {
        from::TEST
    }
    fn uri(&self) -> String {
        "fake:///".to_owned()
    }
    fn version(&self) -> Result<u64> {
        Ok(1_002_003)
    }
    fn domains(&self) -> Result<Vec<DomainSummary>> {
        Ok(vec![DomainSummary { domain: guest(), state: DomainState::Running, persistent: true }])
    }
    fn lookup(&self, key: Key<'_>) -> Result<DomainRef> {
        let found = match key {
            Key::Name(name) => name == "guest",
            Key::Uuid(uuid) => uuid == guest().uuid,
            Key::Id(id) => id == 1,
        };
        found.then(guest).ok_or_else(|| Error::no_domain("it is not 'guest'"))
    }
    fn domain(&self, _domain: &DomainRef) -> Result<Arc<dyn Domain>> {
        Ok(Arc::new(Fake))
    }
}

impl Jobs for Fake {
    fn list_jobs(&self, _filter: ListFilter, _sink: &mut dyn FnMut(&Job)) -> Result<()> {
        Ok(())
    }

    fn job_xml(&self, name: &str, _with_stats: bool) -> Result<String> {
        Err(Error::no_job(name))
    }

    fn control_job(&self, name: &str, _op: ControlOp) -> Result<()> {
        Err(Error::no_job(name))
    }

    fn set_job_speed(&self, name: &str, _bytes_per_s: u64) -> Result<()> {
        Err(Error::no_job(name))
    }

    fn wait_job(&self, name: &str, _states: u32, _timeout: Option<Duration>) -> Result<Option<JobState>> {
        Err(Error::no_job(name))
    }
}

impl Domain for Fake {
    fn identity(&self) -> DomainRef {
        guest()
    }
    fn state(&self) -> Result<(DomainState, i32)> {
        Ok((DomainState::Running, 1))
    }
    fn info(&self) -> Result<DomainInfo> {
        Ok(DomainInfo { state: DomainState::Running, max_mem_kib: 2048, memory_kib: 1024, vcpus: 2, cpu_time_ns: 5 })
    }
    fn xml(&self, _flags: u32) -> Result<String> {
        Ok("<domain/>\n".to_owned())
    }
    fn is_active(&self) -> bool {
        true
    }
    fn is_persistent(&self) -> bool {
        true
    }
    fn suspend(&self) -> Result<()> {
        Ok(())
    }
    fn resume(&self) -> Result<()> {
        Ok(())
    }
    fn shutdown(&self, _flags: u32) -> Result<()> {
        Ok(())
    }
    fn destroy(&self, _flags: u32) -> Result<()> {
        Ok(())
    }
}
