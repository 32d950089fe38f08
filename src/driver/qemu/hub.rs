//! A directory of monitor sockets, shared by all connections of the process that opened it: a monitor serves one client.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::attach::{self, Unusable};
use super::domain::QemuDomain;
use super::questions::Questions;
use super::reactor::Reactor;
use super::records::{Records, Stamp};
use crate::event::Subscriptions;
use crate::job::Engine;
use crate::model::event::Event;
use crate::model::{code, DomainRef, Error, Result};

/// Ending of a monitor socket's name.
pub(super) const SOCKET: &str = "qmp";
/// A socket that did not answer is not asked again for this long, so that a listing stays quick.
const RETRY: Duration = Duration::from_secs(5);
/// The same where somebody greets and then says nothing, time and again: a listing waits longer for that.
const LONGEST_RETRY: Duration = Duration::from_secs(80);

/// How long the domains of a listing may take to give their figures.
const FIGURES_PATIENCE: Duration = Duration::from_secs(5);

/// Where the sockets are.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
enum Place {
    Directory(PathBuf),
    Socket(PathBuf),
}

/// All domains of one directory, or the one behind one socket.
pub(super) struct Hub {
    place: Place,
    pub reactor: Arc<Reactor>,
    domains: Mutex<Vec<Arc<QemuDomain>>>,
    /// Sockets that could not be opened.
    refused: Mutex<HashMap<PathBuf, Refused>>,
    listeners: Mutex<Vec<Weak<Subscriptions>>>,
    /// Domains that are being started: their sockets belong to whoever starts them.
    starting: Mutex<HashSet<String>>,
    /// Directories of records in which there was nothing of use, as they were then.
    barren: Mutex<HashMap<String, Stamp>>,
    /// Ended domains whose processes have not let go of their files yet.
    lingering: Mutex<Vec<Arc<QemuDomain>>>,
    /// Held while the directory is read, so that no socket is opened twice.
    scanning: Mutex<()>,
}

/// Device and inode: a name may come to mean another socket.
type FileId = (u64, u64);

/// A socket that could not be opened: which file it was, when, and why.
struct Refused {
    id: FileId,
    at: Instant,
    /// How long it is left alone.
    pause: Duration,
    error: Error,
}

static HUBS: Mutex<Vec<Weak<Hub>>> = Mutex::new(Vec::new());

impl Hub {
    /// The hub of a path, with one more listener.
    ///
    /// # Errors
    /// `NO_CONNECT`-like errors: the path is neither a directory nor a socket, or the one socket does not answer.
    pub fn open(path: &Path, events: &Arc<Subscriptions>) -> Result<Arc<Hub>> {
        let place = place_of(path)?;
        let hub = {
            let mut hubs = HUBS.lock();
            hubs.retain(|hub| hub.strong_count() > 0);
            match hubs.iter().filter_map(Weak::upgrade).find(|hub| hub.place == place && hub.reactor.is_of_this_process()) {
                Some(hub) => hub,
                None => {
                    let hub = Arc::new(Hub {
                        place,
                        reactor: Reactor::shared()?,
                        domains: Mutex::new(Vec::new()),
                        refused: Mutex::new(HashMap::new()),
                        listeners: Mutex::new(Vec::new()),
                        starting: Mutex::default(),
                        lingering: Mutex::default(),
                        barren: Mutex::default(),
                        scanning: Mutex::new(()),
                    });
                    hubs.push(Arc::downgrade(&hub));
                    hub
                }
            }
        };
        hub.listeners.lock().push(Arc::downgrade(events));
        hub.scan()?;
        if let (Place::Socket(socket), Some(Refused { error, .. })) = (&hub.place, hub.refused.lock().values().next()) {
            return Err(Error::new(code::NO_CONNECT, format!("'{}': {}", socket.display(), error.message())));
        }
        if let Some(socket) = hub.deserted_socket() {
            return Err(Error::new(code::NO_CONNECT, format!("'{}': nobody listens on it", socket.display())));
        }
        Ok(hub)
    }

    /// Refuses a child of the process that opened it.
    ///
    /// # Errors
    /// `OPERATION_INVALID`.
    pub fn require_own_process(&self) -> Result<()> {
        if self.reactor.is_of_this_process() {
            Ok(())
        } else {
            Err(Error::invalid("the connection was opened by another process, of which this one is a child"))
        }
    }

    /// The directory in which domains can be started.
    pub fn directory(&self) -> Result<&Path> {
        match &self.place {
            Place::Directory(dir) => Ok(dir),
            Place::Socket(socket) => Err(Error::unsupported(format!(
                "'{}' is one monitor socket; domains are started through a connection to a directory",
                socket.display()
            ))),
        }
    }

    /// The one socket, if there is no domain behind it.
    fn deserted_socket(&self) -> Option<&Path> {
        match &self.place {
            Place::Socket(socket) if self.domains.lock().is_empty() => Some(socket),
            _ => None,
        }
    }

    /// Opens the sockets that are new and drops what is left of those that are gone.
    pub fn scan(self: &Arc<Self>) -> Result<()> {
        let _scanning = self.scanning.lock();
        self.sweep();
        let found = self.sockets()?;
        self.refused.lock().retain(|path, _| found.iter().any(|(other, _)| other == path));
        let wanted: Vec<(PathBuf, FileId)> = found.into_iter().filter(|(path, id)| self.wants(path, *id)).collect();
        let results = attach::attach_all(self, wanted.iter().map(|(path, _)| path.as_path()));
        let mut refused = self.refused.lock();
        for ((path, id), result) in wanted.into_iter().zip(results) {
            let before = refused.remove(&path).filter(|before| before.id == id).map(|before| before.pause);
            match result {
                None => {}
                Some(Ok(domain)) => self.add(domain),
                Some(Err(Unusable { error, greeted })) => {
                    let pause = next_pause(before, greeted);
                    refused.insert(path, Refused { id, at: Instant::now(), pause, error });
                }
            }
        }
        drop(refused);
        self.find_ended();
        Ok(())
    }

    /// Takes in domains of which nothing is left but records of their jobs.
    fn find_ended(self: &Arc<Self>) {
        let Place::Directory(dir) = &self.place else { return };
        // Another process may have its monitor.
        let known = |name: &str| self.domains.lock().iter().any(|domain| domain.me.name == name) || self.refusal(name).is_some();
        let barren = |name: &str| self.barren.lock().get(name).is_some_and(|stamp| Some(*stamp) == Records::stamp(dir, name));
        for name in Records::names(dir, |name| known(name) || self.starting.lock().contains(name) || barren(name)) {
            let stamp = Records::stamp(dir, &name);
            let ended = attach::ended_before(self, dir, &name, Records::of_domain(dir, &name).load());
            if let Some(stamp) = stamp.filter(|_| ended.is_empty()) {
                self.barren.lock().insert(name, stamp);
            }
            ended.into_iter().for_each(|domain| self.add(domain));
        }
    }

    /// Waits until calls have failed that were starting jobs of an earlier domain of this name when it ended: they take back
    /// the records of these jobs, which the next domain would take for its own.
    pub fn await_calls(&self, name: &str, deadline: Instant) {
        for domain in self.all().iter().filter(|domain| domain.me.name == name && !domain.alive.load(Ordering::Acquire)) {
            domain.table.wait_until(deadline, |engine| !engine.is_starting());
            domain.records.write();
        }
    }

    /// Removes the files of a domain, if not now then when its process is gone.
    pub fn sweep_up(&self, domain: &Arc<QemuDomain>) {
        self.lingering.lock().push(domain.clone());
        self.sweep();
    }

    /// Removes the files of domains whose processes are gone by now, unless others of their names have them.
    pub fn sweep(&self) {
        self.all().iter().filter(|domain| !domain.alive.load(Ordering::Acquire)).for_each(|domain| domain.remove_backup_sockets());
        let starting = self.starting.lock();
        let mut lingering = self.lingering.lock();
        let known: Vec<String> = self.domains.lock().iter().map(|domain| domain.me.name.clone()).collect();
        let taken = |name: &String| starting.contains(name) || known.contains(name);
        lingering.iter().for_each(|domain| domain.remove_backup_sockets());
        lingering.retain(|domain| !taken(&domain.me.name) && !domain.remove_files(self));
    }

    fn sockets(&self) -> Result<Vec<(PathBuf, FileId)>> {
        let dir = match &self.place {
            Place::Socket(path) => return Ok(file_id(path).map(|id| (path.clone(), id)).into_iter().collect()),
            Place::Directory(dir) => dir,
        };
        let entries = fs::read_dir(dir).map_err(|e| Error::system(format!("cannot read '{}'", dir.display()), &e))?;
        let mut found: Vec<(PathBuf, FileId)> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|e| e == SOCKET))
            .filter_map(|path| file_id(&path).map(|id| (path, id)))
            .collect();
        found.sort();
        Ok(found)
    }

    /// Keeps a name to whoever starts a domain of that name, as long as the guard lives.
    ///
    /// # Errors
    /// `OPERATION_INVALID` if somebody else is at it.
    pub fn claim(self: &Arc<Self>, name: &str) -> Result<Claim> {
        if self.starting.lock().insert(name.to_owned()) {
            return Ok(Claim { hub: self.clone(), name: name.to_owned() });
        }
        Err(Error::invalid(format!("domain '{name}' is being started already")))
    }

    fn wants(&self, path: &Path, id: FileId) -> bool {
        let name = socket_name(path);
        if self.starting.lock().contains(&name) {
            return false;
        }
        if self.domains.lock().iter().any(|d| d.me.name == name && d.alive.load(Ordering::Acquire)) {
            return false;
        }
        self.refused.lock().get(path).is_none_or(|refused| refused.id != id || refused.at.elapsed() >= refused.pause)
    }

    /// Takes in a domain; it replaces one of its name that has ended, unless that one is another and has records.
    pub fn add(&self, domain: Arc<QemuDomain>) {
        let namesakes = std::mem::take(&mut *domain.namesakes.lock());
        let mut domains = self.domains.lock();
        // One with another UUID stays for its records.
        let replaced = |old: &Arc<QemuDomain>| {
            old.me.uuid == domain.me.uuid || namesakes.iter().any(|other| other.me.uuid == old.me.uuid) || old.table.read(Engine::is_empty)
        };
        domains.retain(|old| old.me.name != domain.me.name || !replaced(old));
        domains.push(domain.clone());
        domains.extend(namesakes.iter().cloned());
        drop(domains);
        // They may have ended before they came here, and left nothing of use.
        for domain in namesakes.iter().chain([&domain]) {
            domain.forget_if_empty();
        }
    }

    pub fn remove(&self, domain: &Arc<QemuDomain>) {
        self.domains.lock().retain(|other| !Arc::ptr_eq(other, domain));
    }

    pub fn all(&self) -> Vec<Arc<QemuDomain>> {
        self.domains.lock().clone()
    }

    /// Fresh figures for the jobs of all domains. QEMUs that do not answer together cost one time-out.
    pub fn refresh_jobs(&self) {
        let asked: Vec<Questions> = self.all().iter().map(QemuDomain::ask_for_figures).collect();
        let deadline = Instant::now() + FIGURES_PATIENCE;
        for questions in asked {
            // Whatever keeps it from answering, what was last heard of its jobs is told.
            let _ = questions.wait(deadline);
        }
    }

    /// Why the socket of that name could not be opened.
    pub fn refusal(&self, name: &str) -> Option<Error> {
        self.refused.lock().iter().find(|(path, _)| socket_name(path) == name).map(|(_, refused)| refused.error.clone())
    }

    /// The domain that a handle means. A UUID alone does not tell: both ends of a migration have the same.
    pub fn find(&self, domain: &DomainRef) -> Result<Arc<QemuDomain>> {
        let found = self.domains.lock().iter().find(|other| other.me.uuid == domain.uuid && other.me.name == domain.name).cloned();
        found.ok_or_else(|| Error::no_domain(format!("no domain with matching uuid '{}' ({})", domain.uuid, domain.name)))
    }

    /// Queues an event on every connection.
    pub fn emit(&self, event: &Event) {
        let listeners: Vec<Arc<Subscriptions>> = {
            let mut listeners = self.listeners.lock();
            listeners.retain(|listener| listener.strong_count() > 0);
            listeners.iter().filter_map(Weak::upgrade).collect()
        };
        for events in listeners {
            events.push(event.clone());
        }
    }
}

/// A name that is kept to the one who starts a domain.
pub(super) struct Claim {
    hub: Arc<Hub>,
    name: String,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.hub.starting.lock().remove(&self.name);
    }
}

/// The domain's name: that of its socket without the ending.
pub(super) fn socket_name(path: &Path) -> String {
    path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// How long a socket is left alone that could not be opened; `before`: how long it was the last time.
fn next_pause(before: Option<Duration>, greeted: bool) -> Duration {
    before.filter(|_| greeted).map_or(RETRY, |before| (2 * before).min(LONGEST_RETRY))
}

fn place_of(path: &Path) -> Result<Place> {
    let path = fs::canonicalize(path).map_err(|e| Error::new(code::NO_CONNECT, format!("'{}': {e}", path.display())))?;
    let kind = fs::metadata(&path).map_err(|e| Error::new(code::NO_CONNECT, format!("'{}': {e}", path.display())))?.file_type();
    if kind.is_dir() {
        Ok(Place::Directory(path))
    } else if kind.is_socket() {
        Ok(Place::Socket(path))
    } else {
        Err(Error::new(code::NO_CONNECT, format!("'{}': it is neither a directory nor a socket", path.display())))
    }
}

fn file_id(path: &Path) -> Option<FileId> {
    let meta = fs::symlink_metadata(path).ok().filter(|meta| meta.file_type().is_socket())?;
    Some((meta.dev(), meta.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_greets_and_says_nothing_is_left_alone_for_longer_each_time() {
        let mut pause = None;
        let pauses: Vec<u64> = (0..6).map(|_| pause.insert(next_pause(pause, true)).as_secs()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 80]);
        // A monitor that somebody else has may be free again at any time.
        assert_eq!(next_pause(pause, false), RETRY);
    }
}
