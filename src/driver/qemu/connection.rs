//! `qemu+qmp:///PATH`.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::Arc;

use super::domain::{Handle, QemuDomain};
use super::hub::Hub;
use super::migration::restore;
use crate::driver::request::Restore;
use crate::driver::{Connection, Domain, DomainSummary, Key};
use crate::event::Subscriptions;
use crate::model::{from, DomainRef, Error, Result, Uuid};

/// Opens a directory of monitor sockets, or one socket.
///
/// # Errors
/// `NO_CONNECT` if the path is neither, or if the one socket does not answer. Sockets of a directory that do not answer
/// are no error: calls that name them say why.
pub fn open(path: &Path, events: Arc<Subscriptions>) -> Result<Arc<dyn Connection>> {
    let hub = Hub::open(path, &events)?;
    Ok(Arc::new(QemuConnection { hub, path: path.to_owned(), _events: events }))
}

struct QemuConnection {
    hub: Arc<Hub>,
    path: PathBuf,
    /// The hub holds its listeners weakly: this connection keeps its own alive.
    _events: Arc<Subscriptions>,
}

impl Connection for QemuConnection {
    fn type_name(&self) -> &'static str {
        "QEMU"
    }

    fn error_domain(&self) -> i32 {
        from::QEMU
    }

    fn uri(&self) -> String {
        format!("qemu+qmp://{}", crate::driver::uri::percent_encode(&self.path))
    }

    fn is_alive(&self) -> bool {
        self.hub.require_own_process().is_ok()
    }

    /// That of the first domain; without any, of nothing.
    fn version(&self) -> Result<u64> {
        self.hub.require_own_process()?;
        self.hub.scan()?;
        let version = self.hub.all().iter().find_map(|domain| domain.monitor().ok().map(|monitor| monitor.version()));
        Ok(version.map_or(0, |(major, minor, micro)| u64::from(major) * 1_000_000 + u64::from(minor) * 1_000 + u64::from(micro)))
    }

    fn domains(&self) -> Result<Vec<DomainSummary>> {
        self.hub.require_own_process()?;
        self.hub.scan()?;
        Ok(self.hub.all().into_iter().map(|domain| summary(&domain)).collect())
    }

    fn refresh_all(&self) -> bool {
        self.hub.refresh_jobs();
        true
    }

    fn lookup(&self, key: Key<'_>) -> Result<DomainRef> {
        self.hub.require_own_process()?;
        let find = || {
            let domains = self.hub.all();
            // One that runs comes before one that is kept for its records.
            let (running, ended): (Vec<_>, Vec<_>) = domains.iter().map(|domain| summary(domain).domain).partition(|domain| domain.id >= 0);
            running.into_iter().chain(ended).find(|domain| match key {
                Key::Name(name) => domain.name == name,
                Key::Uuid(uuid) => domain.uuid == uuid,
                Key::Id(id) => domain.id == id && id >= 0,
            })
        };
        if let Some(domain) = find() {
            return Ok(domain);
        }
        self.hub.scan()?;
        find().ok_or_else(|| self.not_found(key))
    }

    fn domain(&self, domain: &DomainRef) -> Result<Arc<dyn Domain>> {
        self.hub.require_own_process()?;
        Ok(Arc::new(Handle(self.hub.find(domain)?)))
    }

    fn create_xml(&self, xml: &str, flags: u32) -> Result<DomainRef> {
        self.hub.require_own_process()?;
        Ok(summary(&self.hub.create(xml, flags)?).domain)
    }

    fn restore(&self, request: &Restore<'_>) -> Result<(Uuid, String)> {
        self.hub.require_own_process()?;
        self.hub.restore(request)
    }

    fn save_image_xml(&self, file: &str) -> Result<String> {
        restore::image_xml(Path::new(file))
    }

    fn define_save_image_xml(&self, file: &str, xml: &str, flags: u32) -> Result<()> {
        restore::define_image_xml(Path::new(file), xml, flags)
    }
}

impl QemuConnection {
    fn not_found(&self, key: Key<'_>) -> Error {
        match key {
            Key::Name(name) => match self.hub.refusal(name) {
                Some(error) => error,
                None => Error::no_domain(format!("no domain with matching name '{name}'")),
            },
            Key::Uuid(uuid) => Error::no_domain(format!("no domain with matching uuid '{uuid}'")),
            Key::Id(id) => Error::no_domain(format!("no domain with matching id {id}")),
        }
    }
}

fn summary(domain: &Arc<QemuDomain>) -> DomainSummary {
    let handle = Handle(domain.clone());
    let state = domain.inner.lock().state;
    debug_assert!(handle.is_active() == domain.alive.load(Ordering::Acquire));
    DomainSummary { domain: handle.identity(), state, persistent: false }
}
