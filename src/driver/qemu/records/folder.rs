//! A directory of ours, on which nobody else may have an influence: everything in it is reached through its descriptor,
//! and only plain files of this user are read.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long another process may be at work in the directory before this one goes on beside it. Files are replaced as
/// wholes, so that costs no more than the order of two changes.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);
/// Ending of files that are being written. Their names begin with a dot.
const TEMPORARY: &str = ".tmp";

/// An open directory.
pub(in crate::driver::qemu) struct Folder {
    path: PathBuf,
    dir: File,
    /// Whose it is: the only one whose files are read.
    user: u32,
}

impl Folder {
    /// # Errors
    /// `NotFound`, or why it is not one to be used: a link, no directory, somebody else's.
    pub fn open(path: &Path) -> io::Result<Folder> {
        let name = c_path(path.as_os_str().as_bytes())?;
        let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        // SAFETY: the path is a terminated string.
        let dir = File::from(owned(unsafe { libc::open(name.as_ptr(), flags) })?);
        let (meta, user) = (dir.metadata()?, user());
        if meta.uid() != user {
            return Err(io::Error::other(format!("it belongs to user {}", meta.uid())));
        }
        if meta.mode() & 0o077 != 0 {
            dir.set_permissions(fs::Permissions::from_mode(0o700))?;
        }
        Ok(Folder { path: path.to_owned(), dir, user })
    }

    /// The same; makes the directory if it is not there.
    pub fn make(path: &Path) -> io::Result<Folder> {
        match Folder::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            outcome => return outcome,
        }
        match fs::DirBuilder::new().mode(0o700).create(path) {
            // Another process was quicker.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            outcome => outcome?,
        }
        Folder::open(path)
    }

    /// Keeps other processes from changing the directory as long as this is open, unless one of them does so for long.
    pub fn lock(&self) {
        let deadline = Instant::now() + LOCK_PATIENCE;
        // SAFETY: the descriptor is open.
        while unsafe { libc::flock(self.dir.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } != 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The names in the directory, `most` of them at most, in no order. Those that are no text are left out.
    pub fn names(&self, most: usize) -> impl Iterator<Item = String> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten().take(most);
        entries.filter_map(|entry| entry.file_name().into_string().ok())
    }

    /// Reads a file of at most `most` bytes.
    ///
    /// # Errors
    /// `NotFound`; or it is no plain file, or not this user's alone, or too long, or no text.
    pub fn read(&self, name: &str, most: u64) -> io::Result<String> {
        // A fifo is not waited for, a device not touched.
        let file = self.open_file(name, libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY)?;
        let meta = file.metadata()?;
        let complaint = if !meta.is_file() {
            "it is no plain file"
        } else if meta.uid() != self.user {
            "it belongs to another user"
        } else if meta.mode() & 0o022 != 0 {
            "others may write to it"
        } else if meta.nlink() != 1 {
            "it has another name elsewhere"
        } else if meta.len() > most {
            "it is too long"
        } else {
            return read_text(file, meta.len(), most);
        };
        Err(io::Error::other(complaint))
    }

    /// Replaces a file as a whole. `durable`: not before the text is on the disk; the new name is after [`sync`](Self::sync).
    pub fn replace(&self, name: &str, text: &str, durable: bool) -> io::Result<()> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let temporary = format!(".{name}.{}-{count}{TEMPORARY}", std::process::id());
        let written = self.write_new(&temporary, text, durable).and_then(|()| self.rename(&temporary, name));
        written.inspect_err(|_| drop(self.remove(&temporary)))
    }

    fn write_new(&self, name: &str, text: &str, durable: bool) -> io::Result<()> {
        let mut file = match self.open_file(name, libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL) {
            // Of a process that had the same number and did not come to rename it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.remove(name)?;
                self.open_file(name, libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL)?
            }
            outcome => outcome?,
        };
        // The umask may have taken away more than it should.
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())?;
        if durable {
            file.sync_data()?;
        }
        Ok(())
    }

    /// Waits until the names in the directory are on the disk.
    pub fn sync(&self) -> io::Result<()> {
        self.dir.sync_all()
    }

    pub fn remove(&self, name: &str) -> io::Result<()> {
        let name = c_path(name.as_bytes())?;
        // SAFETY: the descriptor is open and the name a terminated string.
        check(unsafe { libc::unlinkat(self.dir.as_raw_fd(), name.as_ptr(), 0) })
    }

    /// Removes what writers left that did not come to an end. The directory is locked, so there are no others.
    pub fn remove_temporaries(&self, names: &[String]) {
        for name in names.iter().filter(|name| name.starts_with('.') && name.ends_with(TEMPORARY)) {
            let _ = self.remove(name);
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to, dir) = (c_path(from.as_bytes())?, c_path(to.as_bytes())?, self.dir.as_raw_fd());
        // SAFETY: the descriptor is open and the names are terminated strings.
        check(unsafe { libc::renameat(dir, from.as_ptr(), dir, to.as_ptr()) })
    }

    fn open_file(&self, name: &str, flags: libc::c_int) -> io::Result<File> {
        let name = c_path(name.as_bytes())?;
        let (flags, mode) = (flags | libc::O_NOFOLLOW | libc::O_CLOEXEC, 0o600 as libc::c_uint);
        // SAFETY: the descriptor is open and the name a terminated string.
        Ok(File::from(owned(unsafe { libc::openat(self.dir.as_raw_fd(), name.as_ptr(), flags, mode) })?))
    }
}

/// Reads a file that had this length a moment ago, with one call to the kernel if it still has.
fn read_text(file: File, length: u64, most: u64) -> io::Result<String> {
    let room = usize::try_from(length.saturating_add(1)).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(room);
    // It may have grown meanwhile.
    let mut file = file.take(most + 1);
    loop {
        let used = bytes.len();
        bytes.resize(bytes.capacity(), 0);
        let got = file.read(&mut bytes[used..]);
        bytes.truncate(used + *got.as_ref().unwrap_or(&0));
        match got {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if bytes.len() as u64 > most {
            return Err(io::Error::other("it is too long"));
        }
        // The end of a plain file is where it gives less than it was asked for.
        if bytes.len() < bytes.capacity() {
            return String::from_utf8(bytes).map_err(io::Error::other);
        }
        bytes.reserve(1);
    }
}

fn c_path(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(io::Error::other)
}

fn owned(fd: libc::c_int) -> io::Result<OwnedFd> {
    check(fd)?;
    // SAFETY: the descriptor has just been opened, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn user() -> u32 {
    // SAFETY: always allowed.
    unsafe { libc::geteuid() }
}
