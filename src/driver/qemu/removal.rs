//! Files that are removed when a job is over: images that were merged into others, and such as were made for nothing.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use super::domain::QemuDomain;
use crate::job::{Engine, Job, Outcome};
use crate::model::JobType;

/// What an image has at most in which nothing has been written yet: headers and tables, for disks of some hundred TiB.
const MOST_BLANK: u64 = 16 << 20;
/// The unit in which a file's blocks are counted, whatever the file system's is.
const BLOCK: u64 = 512;

/// A file that goes.
pub(super) enum Removal {
    /// A commit has taken its content into the image below.
    Merged(String),
    /// It was created for a job that did not come to run. It may have become something else since.
    Unused(String),
}

impl Removal {
    /// What goes with the end of a job.
    pub fn of(engine: &Engine, job: &Job, outcome: &Outcome) -> Vec<Removal> {
        let removes = job.config().removes.iter().cloned();
        match job.kind() {
            JobType::BlockCreate if is_awaited(engine, job) => Vec::new(),
            JobType::BlockCreate => removes.map(Removal::Unused).collect(),
            _ if *outcome == Outcome::Completed => removes.map(Removal::Merged).collect(),
            _ => Vec::new(),
        }
    }

    pub fn path(&self) -> &str {
        match self {
            Removal::Merged(path) | Removal::Unused(path) => path,
        }
    }
}

/// Whether the job is still on its way for which an image is created. Its caller sees to the file then.
pub(super) fn is_awaited(engine: &Engine, job: &Job) -> bool {
    let parent = job.config().parent.as_deref().and_then(|parent| engine.record(parent));
    parent.is_some_and(|parent| parent.outcome.is_none())
}

impl QemuDomain {
    /// What cannot be removed stays; the guest does not use it either way.
    pub(super) fn remove_file(&self, removal: &Removal) {
        match removal {
            Removal::Merged(path) => drop(fs::remove_file(path)),
            // Nobody reserves a job with this target meanwhile.
            Removal::Unused(path) => self.table.read(|engine| {
                let mut needed = engine.unfinished().filter(|job| job.outcome().is_none());
                let wanted = needed.any(|job| job.config().targets.iter().any(|target| target.path == *path));
                if !wanted && !self.inner.lock().disks.is_in_use(path) && is_untouched(path) {
                    let _ = fs::remove_file(path);
                }
            }),
        }
    }
}

/// Whether it is a plain file without content that no QEMU has open.
fn is_untouched(path: &str) -> bool {
    let opened = fs::OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    opened.is_ok_and(|file| {
        let blank = |meta: fs::Metadata| meta.is_file() && meta.nlink() == 1 && meta.blocks() * BLOCK <= MOST_BLANK;
        file.metadata().is_ok_and(blank) && !is_locked(&file)
    })
}

/// Whether another process has locked part of a file, as QEMU does with its images.
fn is_locked(file: &File) -> bool {
    // SAFETY: plain numbers, of which zeros stand for the whole file.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    // SAFETY: the descriptor is open, and the structure is the one that this command takes.
    let rc = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) };
    rc != 0 || lock.l_type != libc::F_UNLCK as libc::c_short
}
