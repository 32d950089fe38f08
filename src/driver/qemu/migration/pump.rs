//! Writing QEMU's stream past the page cache. QEMU writes pieces of any size, which such a file does not take, so it writes
//! to a pipe, and the caller's thread, which waits for the end of the job anyway, writes whole blocks to the file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::{Error, Result};

/// What files that bypass the cache are written in: no device has larger blocks.
const BLOCK: usize = 4096;
/// How much is written at once.
const CHUNK: usize = 1 << 20;
/// After this long without a byte it is asked whether there is somebody to wait for.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Pump {
    pipe: File,
    file: File,
    path: PathBuf,
    buffer: Vec<u8>,
    /// Where the first whole block in the buffer begins.
    start: usize,
    filled: usize,
    /// Where the buffer goes in the file.
    at: u64,
}

impl Pump {
    /// Goes on where a file that was opened in the usual way is. Returns the end of the pipe that QEMU is to get as well, of
    /// which no copy must stay here.
    ///
    /// # Errors
    /// `SYSTEM_ERROR` if the file system cannot do that, or the pipe cannot be made.
    pub fn open(path: &Path, begun: BorrowedFd<'_>) -> Result<(Pump, OwnedFd)> {
        let cannot = |why: io::Error| Error::system(format!("cannot write '{}' past the cache", path.display()), &why);
        let mut begun = File::from(begun.try_clone_to_owned().map_err(cannot)?);
        begun.sync_all().map_err(cannot)?;
        let end = begun.stream_position().map_err(cannot)?;
        let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_DIRECT).open(path).map_err(cannot)?;
        let buffer = vec![0; CHUNK + BLOCK];
        let start = buffer.as_ptr().align_offset(BLOCK);
        let filled = (end % BLOCK as u64) as usize;
        let (pipe, far_end) = pipe().map_err(cannot)?;
        let mut pump = Pump { pipe, file, path: path.to_owned(), buffer, start, filled, at: end - filled as u64 };
        if filled > 0 {
            pump.file.read_at(&mut pump.buffer[start..start + BLOCK], pump.at).map_err(cannot)?;
        }
        Ok((pump, far_end))
    }

    /// Writes all that comes, until QEMU closes its end. `still` is asked from time to time when nothing comes.
    ///
    /// # Errors
    /// `SYSTEM_ERROR` if the file cannot be written; what `still` says.
    pub fn run(mut self, mut still: impl FnMut() -> Result<()>) -> Result<()> {
        let path = self.path.clone();
        let cannot = |why: io::Error| Error::system(format!("cannot write '{}'", path.display()), &why);
        loop {
            if !readable(&self.pipe, PATIENCE) {
                still()?;
                continue;
            }
            match self.pipe.read(&mut self.buffer[self.start + self.filled..self.start + CHUNK]) {
                Ok(0) => return self.finish().map_err(cannot),
                Ok(read) => self.filled += read,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(cannot(why)),
            }
            if self.filled == CHUNK {
                self.file.write_all_at(&self.buffer[self.start..self.start + CHUNK], self.at).map_err(cannot)?;
                (self.at, self.filled) = (self.at + CHUNK as u64, 0);
            }
        }
    }

    /// What is left is no whole block: the file is cut to its length.
    fn finish(&mut self) -> io::Result<()> {
        let whole = self.filled.next_multiple_of(BLOCK);
        self.buffer[self.start + self.filled..self.start + whole].fill(0);
        self.file.write_all_at(&self.buffer[self.start..self.start + whole], self.at)?;
        if self.file.metadata()?.is_file() {
            self.file.set_len(self.at + self.filled as u64)?;
        }
        self.file.sync_all()
    }
}

fn pipe() -> io::Result<(File, OwnedFd)> {
    let mut ends = [-1; 2];
    // SAFETY: there is room for two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: they were just made, and are nobody else's. A pipe that cannot be made larger works as well.
    unsafe {
        libc::fcntl(ends[0], libc::F_SETPIPE_SZ, CHUNK as libc::c_int);
        Ok((File::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

fn readable(file: &File, patience: Duration) -> bool {
    let mut wanted = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one entry, for a descriptor that is open.
    unsafe { libc::poll(&mut wanted, 1, patience.as_millis() as libc::c_int) > 0 }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsFd;

    use super::*;

    /// A directory whose file system can bypass the cache; `/tmp` may be memory.
    fn directory() -> tempfile::TempDir {
        tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap()
    }

    #[test]
    fn what_goes_through_arrives_whole_behind_what_was_there() {
        for (head, length) in [(0, 0), (0, 5), (92, 4096), (4096, 3 * CHUNK), (70_001, 2 * CHUNK + 12_345)] {
            let dir = directory();
            let path = dir.path().join("file");
            let bytes: Vec<u8> = (0..head + length).map(|n| (n * 7 % 251) as u8).collect();
            let mut begun = File::create(&path).unwrap();
            begun.write_all(&bytes[..head]).unwrap();
            let (pump, far_end) = Pump::open(&path, begun.as_fd()).unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| File::from(far_end).write_all(&bytes[head..]).unwrap());
                pump.run(|| panic!("something comes all the time")).unwrap();
            });
            assert!(std::fs::read(&path).unwrap() == bytes, "{head} + {length}");
        }
    }
}
