//! Files that QEMU writes by a descriptor that it is handed: it opens none itself, and no shell is involved.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::pump::Pump;
use crate::driver::qemu::domain::QemuDomain;
use crate::job::Outcome;
use crate::model::{code, Error, Result};

/// A new file for QEMU to write. It is removed again unless it is kept.
pub(super) struct Output {
    file: File,
    path: PathBuf,
    keep: bool,
}

impl Output {
    /// # Errors
    /// `SYSTEM_ERROR`, as libvirt has it, if the file cannot be made.
    pub fn create(path: &Path) -> Result<Output> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600).custom_flags(libc::O_NOCTTY);
        let file = options.open(path).map_err(|why| Error::system(format!("Failed to create file '{}'", path.display()), &why))?;
        Ok(Output { file, path: path.to_owned(), keep: false })
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// QEMU goes on without the caller.
    pub fn leave(&mut self) {
        self.keep = true;
    }

    /// All of it has been written.
    ///
    /// # Errors
    /// `SYSTEM_ERROR` if it does not get to the disk.
    pub fn finish(mut self) -> Result<()> {
        self.file.sync_all().map_err(|why| Error::system(format!("cannot write '{}'", self.path.display()), &why))?;
        self.keep = true;
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.keep && self.file.metadata().is_ok_and(|meta| meta.is_file()) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl QemuDomain {
    /// Hands a file to QEMU, by the name of the job that it is for. With `bypass` QEMU gets a pipe instead, and
    /// [`see_through`](Self::see_through) writes the file.
    pub(super) fn pass_file(&self, name: &str, path: &Path, file: BorrowedFd<'_>, bypass: bool) -> Result<Option<Pump>> {
        let pass = |fd: BorrowedFd<'_>| self.monitor()?.call_with_fd("getfd", json!({ "fdname": name }), fd);
        if !bypass {
            pass(file)?;
            return Ok(None);
        }
        let (pump, far_end) = Pump::open(path, file)?;
        pass(far_end.as_fd())?;
        Ok(Some(pump))
    }

    /// Takes back a file that QEMU was handed and has not begun to use.
    pub(super) fn take_back_file(&self, name: &str) {
        self.post("closefd", json!({ "fdname": name }), |_| {});
    }

    /// Waits until it is known how a job went that writes a file.
    ///
    /// # Errors
    /// As [`await_outcome`](Self::await_outcome).
    pub(super) fn see_through(self: &Arc<Self>, name: &str, pump: Option<Pump>) -> Result<Outcome> {
        let stuck = |error: Error| if error.code == code::OPERATION_TIMEOUT { Err(error) } else { Ok(()) };
        let written = pump.map_or(Ok(()), |pump| pump.run(|| self.refresh_course().or_else(stuck)));
        let outcome = self.await_outcome(name)?;
        match written {
            Err(error) if outcome != Outcome::Aborted => Ok(self.spoil(name, &error)),
            _ => Ok(outcome),
        }
    }
}
