//! What is known of the domains behind one URI, and who is told of their jobs.
//!
//! It belongs to the process and not to a connection: a job has the same name on every connection to one libvirt. Nothing
//! in it keeps an application's connection open but the registrations of those who listen.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use once_cell::sync::Lazy;
use parking_lot::Mutex;

use super::callbacks::{self, Heard, Listener, Registration};
use super::calls::{forget_error, is_quiet, quietly, RealConnect, RealDomain};
use super::domain::DomainJobs;
use super::line::Line;
use super::looks::Looks;
use crate::event::Subscriptions;
use crate::model::event::{id, Event};
use crate::model::{DomainRef, Error, Result, Uuid};

/// The events of QEMU's that tell of jobs.
const MONITOR_EVENTS: &std::ffi::CStr = c"^(JOB_STATUS_CHANGE|BLOCK_JOB_.*|MIGRATION|DUMP_COMPLETED)$";

/// How long the domains of a connection are looked at where nobody waits for one of them.
const LOOKS: Duration = Duration::from_secs(60);

static HUBS: Lazy<Mutex<HashMap<String, Arc<Hub>>>> = Lazy::new(Mutex::default);

/// The domains behind one URI.
pub struct Hub {
    domains: Mutex<HashMap<Uuid, Arc<DomainJobs>>>,
    watchers: Mutex<Vec<Watcher>>,
    /// Where events come from. Taken for whole calls of the real library, so never by what it calls.
    feed: Mutex<Option<Feed>>,
    /// Takes what is asked of a connection.
    line: Arc<Line>,
    pub looks: Arc<Looks>,
    /// Whether there is a feed, and whether QEMU's own events are part of it.
    fed: Mutex<Option<bool>>,
}

/// A connection that is listened on.
#[derive(Clone)]
struct Watcher {
    connect: Arc<RealConnect>,
    /// Who is told; nobody, where it is for what is asked later.
    subscriptions: Option<Arc<Subscriptions>>,
}

/// The registrations with the one connection that the hub is told by. Others tell the same.
struct Feed {
    connect: RealConnect,
    monitor: bool,
    registrations: Vec<Registration>,
    /// What they call.
    listener: Listener,
}

impl Feed {
    /// Ends the registrations; returns what they called.
    fn end(self) -> Listener {
        drop(self.registrations);
        self.listener
    }
}

impl Hub {
    /// The hub of a connection's URI.
    pub fn of(connect: &RealConnect) -> Result<Arc<Hub>> {
        let uri = connect.uri()?;
        Ok(HUBS.lock().entry(uri).or_insert_with(|| Arc::new(Hub::new())).clone())
    }

    fn new() -> Hub {
        Hub {
            domains: Mutex::default(),
            watchers: Mutex::default(),
            feed: Mutex::default(),
            line: Arc::default(),
            looks: Arc::default(),
            fed: Mutex::default(),
        }
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
        let told: Vec<_> = self.watchers.lock().iter().filter_map(|watcher| watcher.subscriptions.clone()).collect();
        told.iter().for_each(|subscriptions| subscriptions.push(event.clone()));
    }

    /// Whether anybody is told.
    pub fn is_watched(&self) -> bool {
        self.watchers.lock().iter().any(|watcher| watcher.subscriptions.is_some())
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

/// That a connection is listened on; ended by its drop.
pub struct Watch {
    hub: Arc<Hub>,
    connect: Arc<RealConnect>,
}

impl Watch {
    /// Tells `subscriptions` of the jobs of a connection's domains from now on. What runs already is looked at first, so that
    /// what is told of it are changes; `domain` if only that one's are wanted. What became of jobs that were known to run
    /// before is a change, whenever that was: it is told.
    ///
    /// # Errors
    /// What the real library says, as when no event loop is registered; `OPERATION_TIMEOUT` if it does not answer.
    pub fn new(connect: RealConnect, subscriptions: Arc<Subscriptions>, domain: Option<Uuid>) -> Result<Watch> {
        super::start::want_names();
        let hub = Hub::of(&connect)?;
        let watch = Watch { hub: hub.clone(), connect: Arc::new(connect) };
        watch.feed(true)?;
        let (known, new): (Vec<_>, Vec<_>) = hub.to_look_at(&watch.connect, domain).into_iter().partition(|(_, jobs)| jobs.has_active());
        look_at(new);
        hub.watchers.lock().push(Watcher { connect: watch.connect.clone(), subscriptions: Some(subscriptions) });
        // Where events came from may have gone before it was known who needs them.
        watch.feed(true)?;
        look_at(known);
        Ok(watch)
    }

    /// Listens for what will be asked later: nobody is told. No error reaches the application's handler.
    ///
    /// # Errors
    /// What the real library says; `NO_SUPPORT` where there are no jobs.
    pub fn quiet(connect: RealConnect) -> Result<Watch> {
        let access = connect.access();
        if !access.block_jobs && !access.domain_jobs {
            return Err(Error::no_support("jobs"));
        }
        let watch = Watch { hub: Hub::of(&connect)?, connect: Arc::new(connect) };
        watch.hub.watchers.lock().push(Watcher { connect: watch.connect.clone(), subscriptions: None });
        quietly(|| watch.feed(false))?;
        Ok(watch)
    }

    fn feed(&self, told: bool) -> Result<()> {
        let (hub, connect, quiet) = (self.hub.clone(), self.connect.clone(), is_quiet());
        let feed = move || hub.feed_from(&mut hub.feed.lock(), &connect, told);
        let before = self.hub.line.bounded(RealConnect::clone(&self.connect), move || if quiet { quietly(feed) } else { feed() })?;
        before.iter().for_each(callbacks::await_freed);
        Ok(())
    }

    /// Looks at what a further subscriber is not to be told as news.
    pub fn look_at(&self, connect: &RealConnect, domain: Option<Uuid>) {
        look_at(self.hub.to_look_at(connect, domain));
    }
}

impl Drop for Watch {
    /// Nothing of it is left with the connection then, unless libvirt does not answer or calls back on this thread.
    fn drop(&mut self) {
        let left = self.hub.leave(&self.connect);
        // On a line of its own: it must be done once libvirt answers again, whatever else waits for that.
        let (hub, connect) = (self.hub.clone(), self.connect.clone());
        let ended = Arc::<Line>::default().bounded(RealConnect::clone(&connect), move || Ok(hub.feed_without(&connect)));
        ended.iter().flatten().for_each(callbacks::await_freed);
        drop(left);
        self.hub.looks.leave(address(&self.connect));
    }
}

fn address(connect: &RealConnect) -> usize {
    connect.as_ptr() as usize
}

/// Takes in which jobs there are. A domain that cannot be asked now will be when it is heard of.
fn look_at(domains: Vec<(RealDomain, Arc<DomainJobs>)>) {
    let begun = Instant::now();
    for (domain, jobs) in domains {
        let _ = jobs.refresh(&domain, false);
        if begun.elapsed() > LOOKS {
            break;
        }
    }
    forget_error();
}

impl Hub {
    /// Makes sure that events come in: from this connection, unless that would tell less. One that was there before may
    /// have been lost, which shows only when the loop gets to it; where somebody is told, that is not relied on.
    /// Returns what was called until now, if that is another one.
    fn feed_from(self: &Arc<Hub>, feed: &mut Option<Feed>, connect: &RealConnect, told: bool) -> Result<Option<Listener>> {
        let monitor = connect.access().monitor;
        let suffices = |feed: &Feed| {
            let tells_more = feed.monitor && !monitor;
            let as_much = !told && feed.monitor == monitor;
            connect.as_ptr() == feed.connect.as_ptr() || (tells_more || as_much) && feed.connect.is_alive()
        };
        if feed.as_ref().is_some_and(suffices) {
            return Ok(None);
        }
        let new = self.new_feed(connect, monitor)?;
        let old = feed.replace(new);
        *self.fed.lock() = Some(monitor);
        Ok(old.map(Feed::end))
    }

    /// Those who listened on a connection do no more.
    fn leave(&self, connect: &Arc<RealConnect>) -> Vec<Watcher> {
        let mut watchers = self.watchers.lock();
        let (left, others) = watchers.drain(..).partition(|watcher| Arc::ptr_eq(&watcher.connect, connect));
        *watchers = others;
        left
    }

    /// A connection is about to be left alone: events come from another one, if one is listened on. What was on its way
    /// meanwhile is asked for. Returns what was called until now.
    fn feed_without(self: &Arc<Hub>, connect: &RealConnect) -> Option<Listener> {
        // The feed's reference keeps its connection, so that no other can have its address.
        let same = |other: &RealConnect| address(other) == address(connect);
        // Whoever leaves another connection waits for this, and so for what is held of it here.
        let mut feed = self.feed.lock();
        let mut others = self.watchers.lock().clone();
        if feed.as_ref().is_none_or(|feed| !same(&feed.connect)) || others.iter().any(|watcher| same(&watcher.connect)) {
            return None;
        }
        let old = feed.take();
        *self.fed.lock() = None;
        // The newest first, and before all those where somebody is told: for the others that is enough.
        others.reverse();
        others.sort_by_key(|watcher| watcher.subscriptions.is_none());
        let mut feeds =
            |other: &&Watcher| other.connect.is_alive() && self.feed_from(&mut feed, &other.connect, other.subscriptions.is_some()).is_ok();
        let next = quietly(|| others.iter().find(|other| feeds(other)));
        let listener = old.map(Feed::end);
        for (domain, jobs) in next.into_iter().flat_map(|other| self.active(&other.connect, None)) {
            jobs.refresh_soon(&domain);
        }
        forget_error();
        listener
    }

    fn new_feed(self: &Arc<Hub>, connect: &RealConnect, monitor: bool) -> Result<Feed> {
        let hub: Weak<Hub> = Arc::downgrade(self);
        let listener: Listener = Arc::new(move |domain, heard| {
            if let Some(hub) = hub.upgrade() {
                hub.heard(domain, heard);
            }
        });
        let mut registrations = Vec::new();
        for event in [id::LIFECYCLE, id::BLOCK_JOB_2, id::JOB_COMPLETED, id::MIGRATION_ITERATION] {
            registrations.push(Registration::new(connect.clone(), event, &listener)?);
        }
        if monitor {
            registrations.push(Registration::of_monitor(connect.clone(), MONITOR_EVENTS, &listener)?);
        }
        Ok(Feed { connect: connect.clone(), monitor, registrations, listener })
    }

    /// The domains that run, and those with jobs that were known to.
    fn to_look_at(self: &Arc<Hub>, connect: &RealConnect, domain: Option<Uuid>) -> Vec<(RealDomain, Arc<DomainJobs>)> {
        let mut found = Vec::new();
        for real in self.active_domains(connect).unwrap_or_default() {
            let Ok(identity) = real.identity() else { continue };
            if domain.is_none_or(|uuid| uuid == identity.uuid) {
                found.push((real, self.domain(&identity)));
            }
        }
        for (real, jobs) in self.active(connect, domain) {
            if !found.iter().any(|(_, known)| Arc::ptr_eq(known, &jobs)) {
                found.push((real, jobs));
            }
        }
        forget_error();
        found
    }

    /// The domains with jobs that run, as far as is known.
    fn active(&self, connect: &RealConnect, domain: Option<Uuid>) -> Vec<(RealDomain, Arc<DomainJobs>)> {
        let wanted = |uuid: &Uuid| domain.is_none_or(|wanted| wanted == *uuid);
        let domains = self.domains.lock();
        let active: Vec<_> =
            domains.iter().filter(|(uuid, jobs)| wanted(uuid) && jobs.has_active()).map(|(_, jobs)| jobs.clone()).collect();
        drop(domains);
        active.into_iter().filter_map(|jobs| Some((connect.domain(&jobs.identity()).ok()?, jobs))).collect()
    }
}
