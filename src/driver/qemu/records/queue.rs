//! What is to be written, in order, and who writes it: a caller who can wait does it himself; what comes up while a
//! monitor's messages are handled is left to a thread that lives as long as there is something to write.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use parking_lot::Mutex;

use super::folder::Folder;
use crate::driver::threads::with_signals_blocked;

/// Something to be done when all that was queued before is on the disk.
type After = Box<dyn FnOnce() + Send>;

/// Changes with the names of the files, in their order.
type Changes = BTreeMap<u64, (String, Change)>;

/// What is to become of a file.
pub(super) enum Change {
    Replace { text: String, durable: bool },
    Remove,
}

/// The changes of one directory that are still to be made.
pub(super) struct Queue {
    path: PathBuf,
    due: Mutex<Due>,
    /// Held by the one who makes changes.
    writing: Mutex<()>,
    /// The last change could not be made, which has been said.
    in_trouble: AtomicBool,
}

/// The last change of each file counts.
#[derive(Default)]
struct Due {
    changes: Changes,
    by_name: HashMap<String, u64>,
    next: u64,
    after: Vec<After>,
    /// Somebody is making changes that were due before.
    busy: bool,
}

impl Due {
    fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.after.is_empty()
    }

    fn take(&mut self) -> Option<(Changes, Vec<After>)> {
        self.busy = !self.is_empty();
        self.by_name.clear();
        self.busy.then(|| (std::mem::take(&mut self.changes), std::mem::take(&mut self.after)))
    }
}

impl Queue {
    pub fn new(path: PathBuf) -> Queue {
        Queue { path, due: Mutex::default(), writing: Mutex::new(()), in_trouble: AtomicBool::new(false) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Never waits for a disk.
    pub fn push(&self, name: String, change: Change) {
        let mut due = self.due.lock();
        due.next += 1;
        let place = due.next;
        if let Some(earlier) = due.by_name.insert(name.clone(), place) {
            due.changes.remove(&earlier);
        }
        due.changes.insert(place, (name, change));
    }

    /// Runs `after` when all that is queued now has been written, or could not be: at once if nothing is.
    pub fn when_written(self: &Arc<Self>, after: impl FnOnce() + Send + 'static) {
        let mut due = self.due.lock();
        if due.busy || !due.is_empty() {
            due.after.push(Box::new(after));
            drop(due);
            return self.write_soon();
        }
        drop(due);
        after();
    }

    /// Makes all changes that are due, and waits for those that another thread is making.
    pub fn write(&self) {
        loop {
            let writing = self.writing.lock();
            let Some((changes, after)) = self.due.lock().take() else { return };
            self.make(changes);
            drop(writing);
            after.into_iter().for_each(|after| after());
        }
    }

    /// Has another thread do it.
    pub fn write_soon(self: &Arc<Self>) {
        if self.due.lock().is_empty() {
            return;
        }
        let mut writer = WRITER.lock();
        writer.queues.push_back(self.clone());
        // One of a process that this one was forked from does not run here.
        if writer.runs_in == std::process::id() {
            return;
        }
        writer.runs_in = std::process::id();
        drop(writer);
        let started = with_signals_blocked(|| std::thread::Builder::new().name("virt-jobs-files".to_owned()).spawn(serve));
        if started.is_err() {
            serve();
        }
    }

    /// A disk that cannot be written costs records, never jobs.
    fn make(&self, changes: Changes) {
        match self.try_make(changes) {
            Ok(()) => self.in_trouble.store(false, Ordering::Relaxed),
            Err(_) if self.in_trouble.swap(true, Ordering::Relaxed) => {}
            Err(error) => eprintln!("libvirt-jobs: cannot keep records in '{}': {error}", self.path.display()),
        }
    }

    /// Goes on after a change that fails; returns the first error.
    fn try_make(&self, changes: Changes) -> io::Result<()> {
        let replaces = changes.values().any(|(_, change)| matches!(change, Change::Replace { .. }));
        let folder = match if replaces { Folder::make(&self.path) } else { Folder::open(&self.path) } {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !replaces => return Ok(()),
            outcome => outcome?,
        };
        folder.lock();
        let (mut outcome, mut to_sync) = (Ok(()), false);
        for (name, change) in changes.into_values() {
            let made = match change {
                Change::Replace { text, durable } => {
                    to_sync |= durable;
                    folder.replace(&name, &text, durable)
                }
                Change::Remove => match folder.remove(&name) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                    removed => removed,
                },
            };
            outcome = outcome.and(made);
        }
        if to_sync {
            outcome = outcome.and(folder.sync());
        }
        outcome
    }
}

struct Writer {
    queues: VecDeque<Arc<Queue>>,
    /// The process whose thread sees to it; 0 if none does.
    runs_in: u32,
}

static WRITER: Mutex<Writer> = Mutex::new(Writer { queues: VecDeque::new(), runs_in: 0 });

/// Writes until nothing is left to be written.
fn serve() {
    loop {
        let queue = {
            let mut writer = WRITER.lock();
            let next = writer.queues.pop_front();
            if next.is_none() {
                writer.runs_in = 0;
            }
            next
        };
        match queue {
            Some(queue) => queue.write(),
            None => return,
        }
    }
}
