//! Reading a file past the cache of the system. That takes buffers and offsets that QEMU does not keep to, so the file is
//! read here and passed on.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::model::{code, Error, Result};

/// What buffers and offsets are a multiple of.
const ALIGNMENT: usize = 4096;
/// How long the reader may take nothing.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is read at once.
const CHUNK: usize = 1 << 20;

/// A file that is open past the cache.
#[derive(Debug)]
pub(super) struct DirectCopy {
    file: File,
    path: PathBuf,
}

impl DirectCopy {
    /// # Errors
    /// `SYSTEM_ERROR` if the file cannot be opened; not every file system can do it.
    pub fn open(path: &Path) -> Result<DirectCopy> {
        let opened = OpenOptions::new().read(true).custom_flags(libc::O_DIRECT | libc::O_NONBLOCK).open(path);
        let file = opened.map_err(|why| Error::system(format!("cannot open file '{}' past the cache", path.display()), &why))?;
        Ok(DirectCopy { file, path: path.to_owned() })
    }

    /// Sends the file from `begin` on. `passed` counts what was sent. That the reader has had enough, or is gone, is no error:
    /// its own word on that counts.
    ///
    /// # Errors
    /// `SYSTEM_ERROR` if the file cannot be read; `OPERATION_TIMEOUT` if the reader is there and takes nothing.
    pub fn pass_on(&self, begin: u64, to: &UnixStream, passed: &AtomicU64) -> Result<()> {
        to.set_write_timeout(Some(PATIENCE)).map_err(|why| Error::system("cannot limit the time of a send", &why))?;
        let cannot = |why: io::Error| Error::system(format!("cannot read file '{}'", self.path.display()), &why);
        let mut room = vec![0; CHUNK + ALIGNMENT];
        let skip = room.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        let buffer = &mut room[skip..skip + CHUNK];
        let mut at = begin - begin % ALIGNMENT as u64;
        let mut unwanted = (begin - at) as usize;
        loop {
            let count = self.file.read_at(buffer, at).map_err(cannot)?;
            match send(to, buffer.get(unwanted..count).unwrap_or_default(), passed) {
                Ok(()) => {}
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => {
                    let detail = format!("QEMU has read nothing for {} s", PATIENCE.as_secs());
                    return Err(Error::new(code::OPERATION_TIMEOUT, detail));
                }
                Err(_) => return Ok(()),
            }
            // What is not whole is the last part.
            if count < CHUNK && (count == 0 || count % ALIGNMENT != 0) {
                return Ok(());
            }
            at += count as u64;
            unwanted = unwanted.saturating_sub(count);
        }
    }
}

/// Sends all of it. The process gets no SIGPIPE.
fn send(to: &UnixStream, mut bytes: &[u8], passed: &AtomicU64) -> io::Result<()> {
    while !bytes.is_empty() {
        // SAFETY: the buffer is valid for its length.
        let sent = unsafe { libc::send(to.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL) };
        match usize::try_from(sent) {
            Ok(count) => {
                passed.fetch_add(count as u64, Ordering::Relaxed);
                bytes = &bytes[count..];
            }
            Err(_) => match io::Error::last_os_error() {
                why if why.kind() == io::ErrorKind::Interrupted => {}
                why => return Err(why),
            },
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_file_is_passed_on_from_any_place_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let content: Vec<u8> = (0..CHUNK as u32 * 2 + 777).map(|n| (n % 251) as u8).collect();
        std::fs::write(&path, &content).unwrap();
        // The file system of temporary files may have no such thing.
        let Ok(direct) = DirectCopy::open(&path) else { return };
        for begin in [0, 1, 4095, 4096, CHUNK as u64 + 5, content.len() as u64] {
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            let reader = std::thread::spawn(move || {
                let mut all = Vec::new();
                theirs.read_to_end(&mut all).unwrap();
                all
            });
            let passed = AtomicU64::new(0);
            direct.pass_on(begin, &ours, &passed).unwrap();
            drop(ours);
            assert!(reader.join().unwrap() == content[begin as usize..], "{begin}");
            assert_eq!(passed.into_inner(), content.len() as u64 - begin);
        }
    }

    #[test]
    fn a_reader_that_goes_away_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, vec![1; CHUNK]).unwrap();
        let Ok(direct) = DirectCopy::open(&path) else { return };
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        direct.pass_on(0, &ours, &AtomicU64::new(0)).unwrap();
    }
}
