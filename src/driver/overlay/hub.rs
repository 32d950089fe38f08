//! What is known of the domains behind one URI, and who is told of their jobs.
//!
//! It belongs to the process and not to a connection: a job has the same name on every connection to one libvirt. Nothing
//! in it keeps an application's connection open but the registrations of those who listen.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use once_cell::sync::Lazy;
use parking_lot::Mutex;

use super::callbacks::{Heard, Listener, Registration};
use super::calls::{forget_error, RealConnect, RealDomain};
use super::domain::DomainJobs;
use super::line::Line;
use crate::event::Subscriptions;
use crate::model::event::{id, Event};
use crate::model::{DomainRef, Result, Uuid};

/// The events of QEMU's that tell of jobs.
const MONITOR_EVENTS: &std::ffi::CStr = c"^(JOB_STATUS_CHANGE|BLOCK_JOB_.*|MIGRATION|DUMP_COMPLETED)$";

static HUBS: Lazy<Mutex<HashMap<String, Arc<Hub>>>> = Lazy::new(Mutex::default);

/// The domains behind one URI.
pub struct Hub {
    domains: Mutex<HashMap<Uuid, Arc<DomainJobs>>>,
    watchers: Mutex<Vec<Watcher>>,
    /// Where events come from. Taken for whole calls of the real library, so never by what it calls.
    feed: Mutex<Option<Feed>>,
    /// Takes what is asked of a connection.
    line: Arc<Line>,
    /// Whether there is a feed, and whether QEMU's own events are part of it.
    fed: Mutex<Option<bool>>,
}

/// A connection whose application listens.
#[derive(Clone)]
struct Watcher {
    connect: Arc<RealConnect>,
    subscriptions: Arc<Subscriptions>,
}

/// The registrations with the one connection that the hub is told by. Others tell the same.
struct Feed {
    connect: RealConnect,
    monitor: bool,
    _registrations: Vec<Registration>,
}

impl Hub {
    /// The hub of a connection's URI.
    pub fn of(connect: &RealConnect) -> Result<Arc<Hub>> {
        let uri = connect.uri()?;
        Ok(HUBS.lock().entry(uri).or_insert_with(|| Arc::new(Hub::new())).clone())
    }

    fn new() -> Hub {
        Hub { domains: Mutex::default(), watchers: Mutex::default(), feed: Mutex::default(), line: Arc::default(), fed: Mutex::default() }
    }

    /// The domains that run.
    pub fn active_domains(&self, connect: &RealConnect) -> Result<Vec<RealDomain>> {
        let asked = connect.clone();
        self.line.bounded(connect.clone(), move || asked.active_domains())
    }

    /// What is known of a domain's jobs.
    pub fn domain(self: &Arc<Hub>, domain: &DomainRef) -> Arc<DomainJobs> {
        let mut domains = self.domains.lock();
        if !domains.contains_key(&domain.uuid) {
            // Those that ended and have no jobs left are not kept for ever.
            domains.retain(|_, jobs| !jobs.is_over() || Arc::strong_count(jobs) > 1);
        }
        let jobs = domains.entry(domain.uuid).or_insert_with(|| Arc::new(DomainJobs::new(domain.clone(), Arc::downgrade(self)))).clone();
        drop(domains);
        jobs.name(domain);
        jobs
    }

    /// The domains that have jobs, running ones or kept ones.
    pub fn known(&self) -> Vec<DomainRef> {
        self.domains.lock().values().filter(|jobs| !jobs.is_idle()).map(|jobs| jobs.identity()).collect()
    }

    /// Tells everybody who listens.
    pub fn emit(&self, event: &Event) {
        let watchers = self.watchers.lock().clone();
        watchers.iter().for_each(|watcher| watcher.subscriptions.push(event.clone()));
    }

    /// Whether events come in, and whether QEMU's own are among them.
    pub fn is_fed(&self) -> Option<bool> {
        *self.fed.lock()
    }

    fn heard(self: &Arc<Hub>, domain: RealDomain, heard: Heard) {
        if let Ok(identity) = domain.identity() {
            self.domain(&identity).heard(&domain, heard);
        }
    }
}

/// That an application listens on a connection; ended by its drop.
pub struct Watch {
    hub: Arc<Hub>,
    pointer: usize,
}

impl Watch {
    /// Tells `subscriptions` of the jobs of a connection's domains from now on. Those that run already are looked at first,
    /// so that what is told of them are changes; `domain` if only that one's are wanted.
    ///
    /// # Errors
    /// What the real library says, as when no event loop is registered.
    pub fn new(connect: RealConnect, subscriptions: Arc<Subscriptions>, domain: Option<Uuid>) -> Result<Watch> {
        super::start::want_names();
        let hub = Hub::of(&connect)?;
        let pointer = connect_address(&connect);
        let connect = Arc::new(connect);
        let (feeding, from) = (hub.clone(), connect.clone());
        hub.line.bounded(RealConnect::clone(&connect), move || feeding.feed_from(&from))?;
        hub.look_at(&connect, domain);
        hub.watchers.lock().push(Watcher { connect, subscriptions });
        Ok(Watch { hub, pointer })
    }

    /// Looks at what a further subscriber is not to be told as news.
    pub fn look_at(&self, connect: &RealConnect, domain: Option<Uuid>) {
        self.hub.look_at(connect, domain);
    }
}

fn connect_address(connect: &RealConnect) -> usize {
    connect.as_ptr() as usize
}

impl Drop for Watch {
    fn drop(&mut self) {
        let left = {
            let mut watchers = self.hub.watchers.lock();
            let at = watchers.iter().position(|watcher| connect_address(&watcher.connect) == self.pointer);
            at.map(|at| watchers.remove(at))
        };
        let Some(left) = left else { return };
        // On a line of its own: it must be done once libvirt answers again, whatever else waits for that.
        let (hub, pointer) = (self.hub.clone(), self.pointer);
        let _ = Arc::<Line>::default().bounded(RealConnect::clone(&left.connect), move || {
            hub.feed_without(pointer);
            Ok(())
        });
    }
}

impl Hub {
    /// Makes sure that events come in: from this connection, unless that would tell less. One that was there before may
    /// have been lost, which shows only when the loop gets to it.
    fn feed_from(self: &Arc<Hub>, connect: &RealConnect) -> Result<()> {
        let mut feed = self.feed.lock();
        let monitor = connect.access().monitor;
        let suffices = |feed: &Feed| connect.as_ptr() == feed.connect.as_ptr() || feed.monitor && !monitor && feed.connect.is_alive();
        if feed.as_ref().is_some_and(suffices) {
            return Ok(());
        }
        let registrations = self.registrations(connect, monitor)?;
        let old = feed.replace(Feed { connect: connect.clone(), monitor, _registrations: registrations });
        *self.fed.lock() = Some(monitor);
        drop(old);
        Ok(())
    }

    /// A connection is about to be left alone: events come from another one, if another one's application listens.
    fn feed_without(self: &Arc<Hub>, pointer: usize) {
        let mut feed = self.feed.lock();
        if feed.as_ref().is_none_or(|feed| connect_address(&feed.connect) != pointer) {
            return;
        }
        let old = feed.take();
        *self.fed.lock() = None;
        drop(feed);
        let others: Vec<Arc<RealConnect>> = self.watchers.lock().iter().map(|watcher| watcher.connect.clone()).collect();
        for other in others {
            if self.feed_from(&other).is_err() {
                forget_error();
            }
        }
        drop(old);
    }

    fn registrations(self: &Arc<Hub>, connect: &RealConnect, monitor: bool) -> Result<Vec<Registration>> {
        let hub: Weak<Hub> = Arc::downgrade(self);
        let listener: Listener = Arc::new(move |domain, heard| {
            if let Some(hub) = hub.upgrade() {
                hub.heard(domain, heard);
            }
        });
        let mut all = Vec::new();
        for event in [id::LIFECYCLE, id::BLOCK_JOB_2, id::JOB_COMPLETED, id::MIGRATION_ITERATION] {
            all.push(Registration::new(connect.clone(), event, &listener)?);
        }
        if monitor {
            all.push(Registration::of_monitor(connect.clone(), MONITOR_EVENTS, &listener)?);
        }
        Ok(all)
    }

    /// Takes in which jobs there are. A domain that cannot be asked now will be when it is heard of.
    fn look_at(self: &Arc<Hub>, connect: &RealConnect, domain: Option<Uuid>) {
        for real in self.active_domains(connect).unwrap_or_default() {
            let Ok(identity) = real.identity() else { continue };
            if domain.is_none_or(|uuid| uuid == identity.uuid) {
                let _ = self.domain(&identity).refresh(&real, false);
            }
        }
        forget_error();
    }
}
