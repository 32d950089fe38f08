//! What is written down about a domain, below `DIR/NAME.jobs/`: one readable file per job, and the definition of a domain
//! that we started. Each is replaced as a whole. The format is described in docs/records.md.

mod folder;
pub(super) mod format;
mod queue;
mod report;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::driver::qemu::hub::SOCKET;
use crate::job::{number_of_own, JobRecord};
use crate::model::Uuid;
pub(super) use folder::Folder;
use queue::{Change, Queue};
pub(super) use report::{say_once, say_some};

/// No record of ours comes near this.
const MAX_RECORD: u64 = 256 << 10;
/// No definition does.
const MAX_DEFINITION: u64 = 1 << 20;
/// How many records of a domain are taken in, the latest ones, and how much text. The others stay where they are.
const MOST_RECORDS: usize = 16_384;
const MOST_TEXT: u64 = 64 << 20;
/// How many files in the directory are looked at.
const MOST_FILES: usize = 1 << 18;
/// The file that holds the number in the last name given.
const NUMBERS: &str = "last-number";
/// The file that holds the definition. Not beside the socket, where an application may keep a file of that name.
const DEFINITION: &str = "domain.xml";
/// Ending of the directory's name.
const ENDING: &str = "jobs";
/// Ending of a record's.
const RECORD: &str = ".json";

/// Where the records of one domain are.
pub(super) struct Records {
    queue: Arc<Queue>,
    /// Whose they are; what is stored says so.
    domain: Option<Uuid>,
    /// The number that was stored last.
    last_number: Mutex<u64>,
    /// Held while the definition is made and queued, so that an older one never replaces a newer one.
    definition: Mutex<()>,
}

/// What an earlier process left.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// By the start of the jobs, with whose they are.
    pub jobs: Vec<(JobRecord, Option<Uuid>)>,
    /// The number up to which names are taken.
    pub last_number: u64,
}

/// Inode and time of change of a directory.
pub(super) type Stamp = (u64, i64, i64);

impl Found {
    /// Takes out the records of a domain, and those that do not say whose they are.
    pub fn take(&mut self, domain: Uuid) -> Vec<JobRecord> {
        let all = std::mem::take(&mut self.jobs);
        let (own, others) = all.into_iter().partition(|(_, whose)| whose.is_none_or(|whose| whose == domain));
        self.jobs = others;
        let own: Vec<(JobRecord, Option<Uuid>)> = own;
        own.into_iter().map(|(job, _)| job).collect()
    }

    /// The domain that had the latest of the jobs, if one of them says whose it is.
    pub fn latest_domain(&self) -> Option<Uuid> {
        self.jobs.iter().rev().find_map(|(_, whose)| *whose)
    }
}

impl Records {
    pub fn of_domain(dir: &Path, name: &str) -> Records {
        let queue = Arc::new(Queue::new(dir.join(format!("{name}.{ENDING}"))));
        Records { queue, domain: None, last_number: Mutex::new(0), definition: Mutex::new(()) }
    }

    /// Where everything is that is written down about the domain.
    pub fn directory(&self) -> &Path {
        self.queue.path()
    }

    /// The same, with the domain's UUID in what is stored from now on.
    pub fn named(mut self, domain: Uuid) -> Records {
        self.domain = Some(domain);
        self
    }

    /// The names of the domains of a directory that have records of jobs; those that are known need not be looked at.
    pub fn names(dir: &Path, known: impl Fn(&str) -> bool) -> Vec<String> {
        let name = |entry: fs::DirEntry| {
            let path = entry.path();
            let name = path.extension().filter(|ending| *ending == ENDING).and(path.file_stem())?.to_str()?.to_owned();
            (!known(&name) && Records::of_domain(dir, &name).has_jobs()).then_some(name)
        };
        let mut names: Vec<String> = fs::read_dir(dir).into_iter().flatten().flatten().filter_map(name).collect();
        names.sort();
        names
    }

    fn has_jobs(&self) -> bool {
        let open = self.open();
        open.is_some_and(|folder| folder.names(MOST_FILES).any(|name| record_in(&name).is_some()))
    }

    /// What changes whenever a file comes into the directory or leaves it.
    pub fn stamp(dir: &Path, name: &str) -> Option<Stamp> {
        let meta = fs::symlink_metadata(dir.join(format!("{name}.{ENDING}"))).ok()?;
        Some((meta.ino(), meta.mtime(), meta.mtime_nsec()))
    }

    /// The socket of the monitor whose domain's records these are.
    pub fn socket(&self) -> PathBuf {
        self.queue.path().with_extension(SOCKET)
    }

    /// The directory; if it is there and cannot be used, that is said.
    fn open(&self) -> Option<Folder> {
        match Folder::open(self.queue.path()) {
            Ok(folder) => Some(folder),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                say_once(format!("'{}' is not used for records: {error}", self.queue.path().display()));
                None
            }
        }
    }

    pub fn read_definition(&self) -> Option<String> {
        self.write();
        match self.open()?.read(DEFINITION, MAX_DEFINITION) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                say_once(format!("cannot read '{}': {error}", self.queue.path().join(DEFINITION).display()));
                None
            }
        }
    }

    /// Replaces the definition by what `make` returns, at once.
    pub fn write_definition(&self, make: impl FnOnce() -> String) -> io::Result<()> {
        let _one_at_a_time = self.definition.lock();
        Folder::make(self.queue.path())?.replace(DEFINITION, &make(), false)
    }

    /// Queues the replacement of the definition by what `make` returns. Others that do so meanwhile wait.
    pub fn store_definition(&self, make: impl FnOnce() -> String) {
        let _one_at_a_time = self.definition.lock();
        self.queue.push(DEFINITION.to_owned(), Change::Replace { text: make(), durable: false });
    }

    /// Queues a record, and the number up to which names are taken. That of a job that is to be kept is to outlast a crash
    /// of the machine as well, after which no other is wanted.
    pub fn store(&self, record: &JobRecord, last_number: u64) {
        if std::mem::replace(&mut *self.last_number.lock(), last_number) != last_number {
            self.queue.push(NUMBERS.to_owned(), Change::Replace { text: format!("{last_number}\n"), durable: false });
        }
        match format::encode(record, self.domain) {
            Ok(text) => self.queue.push(file_of(&record.name), Change::Replace { text, durable: record.persist }),
            Err(error) => say_once(format!("cannot record job '{}': {error}", record.name)),
        }
    }

    /// Queues the removal of a record.
    pub fn forget(&self, name: &str) {
        self.queue.push(file_of(name), Change::Remove);
    }

    /// Writes what is queued and returns when it is on the disk.
    pub fn write(&self) {
        self.queue.write();
    }

    /// Has it written by another thread.
    pub fn write_soon(&self) {
        self.queue.write_soon();
    }

    /// Runs `after` when what is queued now has been written, or could not be.
    pub fn when_written(&self, after: impl FnOnce() + Send + 'static) {
        self.queue.when_written(after);
    }

    /// All records that can be used. The others are named on stderr, and left alone.
    pub fn load(&self) -> Found {
        self.write();
        let mut found = Found::default();
        let Some(folder) = self.open() else { return found };
        folder.lock();
        let mut names: Vec<String> = folder.names(MOST_FILES).collect();
        folder.remove_temporaries(&names);
        names.retain(|name| name.ends_with(RECORD));
        let number = |name: &String| record_in(name).and_then(number_of_own).unwrap_or(0);
        found.last_number = names.iter().map(number).max().unwrap_or(0);
        names.sort_by_cached_key(|name| std::cmp::Reverse(number(name)));
        let about = self.queue.path().display().to_string();
        let mut complaints = Vec::new();
        let mut room = MOST_TEXT;
        for name in names {
            if found.jobs.len() >= MOST_RECORDS || room < MAX_RECORD {
                say_once(format!("there are more records in '{about}' than are taken in at a time"));
                break;
            }
            match read_record(&folder, &name, &mut room) {
                Ok(job) => found.jobs.push(job),
                Err(why) => complaints.push(format!("the job record '{about}/{}' is passed over: {why}", name.escape_default())),
            }
        }
        say_some(complaints, &about);
        found.jobs.sort_by(|(a, _), (b, _)| a.started.cmp(&b.started).then_with(|| a.name.cmp(&b.name)));
        let stored = read_number(&folder, &about);
        found.last_number = found.last_number.max(stored);
        *self.last_number.lock() = stored;
        found
    }

    /// Says that a record is not used: another one is of the same job.
    pub fn pass_over(&self, job: &str) {
        let about = self.queue.path().join(file_of(job));
        say_once(format!("the job record '{}' is passed over: another one is of the same job", about.display()));
    }

    /// The domain and all its jobs are gone. What is left of others, or is not ours at all, stays.
    pub fn remove_all(&self) {
        self.write();
        let Some(folder) = self.open() else { return };
        folder.lock();
        let names: Vec<String> = folder.names(MOST_FILES).collect();
        folder.remove_temporaries(&names);
        if self.domain.is_none() || self.defines(&folder) {
            let _ = folder.remove(DEFINITION);
        }
        if !names.iter().any(|name| name.ends_with(RECORD)) {
            let _ = folder.remove(NUMBERS);
        }
        // Goes if nothing else is in it.
        let _ = fs::remove_dir(self.queue.path());
    }

    /// Whether the definition is that of this domain, as far as can be told without reading all of it.
    fn defines(&self, folder: &Folder) -> bool {
        let text = folder.read(DEFINITION, MAX_DEFINITION).unwrap_or_default();
        self.domain.is_some_and(|uuid| text.contains(&format!("<uuid>{uuid}</uuid>")))
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        self.write();
    }
}

fn file_of(job: &str) -> String {
    format!("{job}{RECORD}")
}

/// The job whose record a file of this name would be.
fn record_in(file: &str) -> Option<&str> {
    file.strip_suffix(RECORD).filter(|job| number_of_own(job).is_some())
}

fn read_record(folder: &Folder, name: &str, room: &mut u64) -> Result<(JobRecord, Option<Uuid>), String> {
    let job = record_in(name).ok_or("no job of ours is called so")?;
    let text = folder.read(name, MAX_RECORD).map_err(|error| error.to_string())?;
    *room = room.saturating_sub(text.len() as u64);
    format::decode(job, &text)
}

/// The number in the last name given, as it was stored; 0 if it cannot be read.
fn read_number(folder: &Folder, about: &str) -> u64 {
    let text = match folder.read(NUMBERS, 64) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return 0,
        Err(error) => error.to_string(),
    };
    text.trim().parse().unwrap_or_else(|_| {
        say_once(format!("'{about}/{NUMBERS}' holds no number; the names of the records are gone by"));
        0
    })
}
