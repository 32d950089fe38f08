//! The files of a VM in its directory.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::monitor::sys;
use crate::model::{code, Error, Result};

/// What `sockaddr_un` holds, but for the terminating zero.
const MAX_SOCKET_PATH: usize = 107;
/// What file systems allow in a name, less the longest ending that is added to it.
const MAX_NAME: usize = 255 - ".log.old".len();

/// Where a VM's monitor, process id and log are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct VmPaths {
    pub dir: PathBuf,
    /// The QMP socket.
    pub socket: PathBuf,
    pub pidfile: PathBuf,
    /// What QEMU says, from the moment it was started.
    pub log: PathBuf,
}

impl VmPaths {
    /// The files of the VM `name` in `dir`.
    ///
    /// # Errors
    /// `XML_ERROR` for a name that cannot be that of a file here: libvirt refuses a slash, and has directories of its own
    /// for the rest. `INVALID_ARG` if the path of the socket would be longer than the system allows. `SYSTEM_ERROR` if the
    /// directory is none in which files can be made.
    pub fn new(dir: &Path, name: &str) -> Result<VmPaths> {
        check_name(name)?;
        let file = |ending: &str| dir.join(format!("{name}.{ending}"));
        let paths = VmPaths { dir: dir.to_owned(), socket: file("qmp"), pidfile: file("pid"), log: file("log") };
        let length = paths.socket.as_os_str().len();
        if length > MAX_SOCKET_PATH {
            let path = paths.socket.display();
            return Err(Error::invalid_arg(format!(
                "the path of the monitor socket has {length} bytes, but at most {MAX_SOCKET_PATH} can be used: '{path}'"
            )));
        }
        check_directory(dir)?;
        Ok(paths)
    }

    /// Where the log of the run before is kept.
    pub fn old_log(&self) -> PathBuf {
        self.log.with_file_name(format!("{}.old", self.log.file_name().unwrap_or_default().to_string_lossy()))
    }

    /// Removes the socket and the process id that a QEMU left behind. Does nothing while one runs. The log is kept.
    pub fn remove(&self) {
        if self.is_locked() {
            return;
        }
        let _ = fs::remove_file(&self.pidfile);
        if !sys::is_served(&self.socket) {
            let _ = fs::remove_file(&self.socket);
        }
    }

    /// # Errors
    /// `OPERATION_INVALID` if a QEMU uses the files.
    pub fn require_free(&self) -> Result<()> {
        if self.is_locked() {
            return Err(Error::invalid(format!("a running QEMU has '{}'", self.pidfile.display())));
        }
        // QEMU would put its socket in the place of one that is in use.
        if sys::is_served(&self.socket) {
            return Err(Error::invalid(format!("a running process listens on '{}'", self.socket.display())));
        }
        Ok(())
    }

    /// The process that QEMU wrote down when it started; `None` if there is no such file.
    pub fn read_pid(&self) -> Option<i32> {
        let mut text = String::new();
        File::open(&self.pidfile).ok()?.take(32).read_to_string(&mut text).ok()?;
        text.trim().parse().ok().filter(|pid| *pid > 1)
    }

    /// QEMU holds a lock on its pidfile as long as it lives.
    fn is_locked(&self) -> bool {
        let Ok(file) = File::open(&self.pidfile) else { return false };
        // SAFETY: all-zero is a valid `flock`: the whole file, from its start, for nobody.
        let mut wanted: libc::flock = unsafe { std::mem::zeroed() };
        wanted.l_type = libc::F_WRLCK as _;
        // SAFETY: the file is open, and the lock is only asked about.
        let asked = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &mut wanted) };
        asked == 0 && wanted.l_type != libc::F_UNLCK as libc::c_short
    }
}

fn check_name(name: &str) -> Result<()> {
    let why = if name.is_empty() {
        "is empty"
    } else if name.contains('/') {
        return Err(Error::xml(format!("name {name} cannot contain '/'")));
    } else if name.chars().any(char::is_control) {
        "contains a control character"
    } else if name.starts_with('.') || name.starts_with('-') {
        "begins with a dot or a hyphen"
    } else if name.len() > MAX_NAME {
        "is too long"
    } else {
        return Ok(());
    };
    Err(Error::xml(format!("name '{}' {why}", name.escape_default())))
}

fn check_directory(dir: &Path) -> Result<()> {
    let system = |why: io::Error| Error::system(format!("cannot start a domain in '{}'", dir.display()), &why);
    if !fs::metadata(dir).map_err(system)?.is_dir() {
        return Err(system(io::Error::from_raw_os_error(libc::ENOTDIR)));
    }
    let path = std::ffi::CString::new(dir.as_os_str().as_bytes()).map_err(|_| Error::new(code::INVALID_ARG, "a path has a zero byte"))?;
    // SAFETY: the path is a terminated string.
    if unsafe { libc::access(path.as_ptr(), libc::W_OK | libc::X_OK) } != 0 {
        return Err(system(io::Error::last_os_error()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cannot_be_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["", "a/b", "/", "..", ".", ".hidden", "-x", "a\nb", "a\u{7f}", "a\0b"] {
            assert_eq!(VmPaths::new(dir.path(), name).map_err(|e| e.code), Err(code::XML_ERROR), "{name:?}");
        }
        assert_eq!(VmPaths::new(dir.path(), &"x".repeat(248)).map_err(|e| e.code), Err(code::XML_ERROR));
        for name in ["a", "a b", "a,b=c", "ä <&'\">", "x.y", "100%"] {
            let paths = VmPaths::new(dir.path(), name).unwrap();
            assert_eq!(paths.socket, dir.path().join(format!("{name}.qmp")));
            assert_eq!(paths.old_log(), dir.path().join(format!("{name}.log.old")));
        }
    }

    #[test]
    fn a_socket_path_that_the_system_would_cut_off_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let room = MAX_SOCKET_PATH - dir.path().as_os_str().len() - "/.qmp".len();
        assert!(VmPaths::new(dir.path(), &"x".repeat(room)).is_ok());
        let error = VmPaths::new(dir.path(), &"x".repeat(room + 1)).unwrap_err();
        assert_eq!(error.code, code::INVALID_ARG);
        assert!(error.detail.contains("108 bytes"), "{error}");
    }

    #[test]
    fn the_directory_must_be_there() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(VmPaths::new(&dir.path().join("gone"), "vm").map_err(|e| e.code), Err(code::SYSTEM_ERROR));
        File::create(dir.path().join("file")).unwrap();
        assert_eq!(VmPaths::new(&dir.path().join("file"), "vm").map_err(|e| e.code), Err(code::SYSTEM_ERROR));
    }

    #[test]
    fn only_what_nobody_uses_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let paths = VmPaths::new(dir.path(), "vm").unwrap();
        let listener = std::os::unix::net::UnixListener::bind(&paths.socket).unwrap();
        fs::write(&paths.pidfile, "4242\n").unwrap();
        fs::write(&paths.log, "text").unwrap();
        assert_eq!(paths.read_pid(), Some(4242));
        assert_eq!(paths.require_free().map_err(|e| e.code), Err(code::OPERATION_INVALID));
        paths.remove();
        assert!(paths.socket.exists() && !paths.pidfile.exists());
        drop(listener);
        assert_eq!(paths.require_free(), Ok(()));
        paths.remove();
        assert!(!paths.socket.exists() && paths.log.exists());
        assert_eq!(paths.read_pid(), None);
    }

    #[test]
    fn process_ids_that_would_mean_more_than_one_process_are_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let paths = VmPaths::new(dir.path(), "vm").unwrap();
        for text in ["0", "-1", "1", "x", "", "99999999999"] {
            fs::write(&paths.pidfile, text).unwrap();
            assert_eq!(paths.read_pid(), None, "{text:?}");
        }
    }
}
