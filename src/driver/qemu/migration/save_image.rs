//! The file that a saved domain is in. The format is libvirt's, so that either side reads what the other wrote:
//!
//! | bytes | |
//! |---|---|
//! | 0..16 | `LibvirtQemudSave`, or `LibvirtQemudPart` as long as the file is not complete |
//! | 16..36 | five `u32` in the byte order of the host: version, length of the data, whether the guest was running, compression, offset of the cookie in the data (0: none) |
//! | 36..92 | zero, unless the XML [is being changed](rewrite) |
//! | data | the domain XML and its zero byte, a cookie of libvirt's and its zero byte, zeros: room for a longer XML |
//! | rest | QEMU's migration stream |

mod rewrite;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::model::{Error, Result};
pub(in crate::driver::qemu) use rewrite::rewrite;
use rewrite::Redo;

const COMPLETE: &[u8; 16] = b"LibvirtQemudSave";
const PARTIAL: &[u8; 16] = b"LibvirtQemudPart";
const VERSION: u32 = 2;
const HEADER: usize = 92;
/// What the XML may grow by when somebody edits it in the file.
const ROOM: usize = 64 << 10;
/// The longest XML and cookie that are read.
const MAX_DATA: u32 = 16 << 20;
/// Compression by number; 0 is none.
const COMPRESSION: [&str; 7] = ["raw", "gzip", "bzip2", "xz", "lzop", "zstd", "sparse"];

/// What stands before the data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Header {
    version: u32,
    data_len: u32,
    was_running: u32,
    compression: u32,
    cookie_offset: u32,
}

impl Header {
    fn to_bytes(self, magic: &[u8; 16]) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..16].copy_from_slice(magic);
        let fields = [self.version, self.data_len, self.was_running, self.compression, self.cookie_offset];
        for (place, field) in bytes[16..].chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&field.to_ne_bytes());
        }
        bytes
    }

    /// # Errors
    /// `OPERATION_FAILED`, as libvirt has it, if the file is not complete or is none that can be read.
    fn parse(bytes: &[u8; HEADER]) -> Result<Header> {
        let magic = &bytes[..16];
        let changing = Redo::in_header(bytes).is_some();
        if magic == PARTIAL && !changing {
            return Err(Error::failed("save image is incomplete: whoever wrote it did not come to its end"));
        }
        if magic != COMPLETE && !changing {
            return Err(Error::failed("image magic is incorrect: this is no save image"));
        }
        let field = |n: usize| u32::from_ne_bytes([bytes[16 + 4 * n], bytes[17 + 4 * n], bytes[18 + 4 * n], bytes[19 + 4 * n]]);
        let header =
            Header { version: field(0), data_len: field(1), was_running: field(2), compression: field(3), cookie_offset: field(4) };
        // A host with the other byte order wrote it if the version only makes sense the other way round.
        let header = if header.version > VERSION { header.swapped() } else { header };
        header.check()
    }

    fn swapped(self) -> Header {
        Header {
            version: self.version.swap_bytes(),
            data_len: self.data_len.swap_bytes(),
            was_running: self.was_running.swap_bytes(),
            compression: self.compression.swap_bytes(),
            cookie_offset: self.cookie_offset.swap_bytes(),
        }
    }

    fn check(self) -> Result<Header> {
        if self.version > VERSION {
            return Err(Error::failed(format!("image version is not supported ({} > {VERSION})", self.version)));
        }
        // The first version had no compression, and did not clear the field.
        if self.version == VERSION && self.compression != 0 {
            return Err(Error::failed(match COMPRESSION.get(self.compression as usize) {
                Some(name) => format!("save image is in the format '{name}'; only uncompressed images can be restored here"),
                None => format!("unsupported save image format: {}", self.compression),
            }));
        }
        if self.data_len == 0 {
            return Err(Error::failed("invalid header data length: 0"));
        }
        if self.data_len > MAX_DATA || self.cookie_offset > self.data_len {
            let Header { data_len, cookie_offset, .. } = self;
            return Err(Error::failed(format!("invalid header data length: {data_len} (cookie at {cookie_offset}, at most {MAX_DATA})")));
        }
        Ok(self)
    }
}

/// Room for the XML and what may come to it, filled with zeros.
fn padded(xml: &str) -> Result<Vec<u8>> {
    let mut data = xml.as_bytes().to_vec();
    data.resize(xml.len() + 1 + ROOM, 0);
    if xml.contains('\0') || data.len() > MAX_DATA as usize {
        return Err(Error::failed(format!("a domain XML of {} bytes cannot be saved", xml.len())));
    }
    Ok(data)
}

/// An image in the making. Unless it is [finished](Writer::finish), a file that was made for it is removed when it is
/// dropped; one that was there before stays, marked as not complete.
#[derive(Debug)]
pub(in crate::driver::qemu) struct Writer {
    file: File,
    path: PathBuf,
    header: Header,
    /// The file was not there before.
    made: bool,
    finished: bool,
}

impl Writer {
    /// Makes the file, or empties the one that is there, and writes everything that comes before QEMU's stream.
    ///
    /// `running`: whether the guest is to run after it was restored.
    ///
    /// # Errors
    /// `SYSTEM_ERROR` if it cannot be opened or written; `OPERATION_FAILED` if it is neither a regular file nor a block device.
    pub fn create(path: &Path, xml: &str, running: bool) -> Result<Writer> {
        let data = padded(xml)?;
        let data_len = u32::try_from(data.len()).unwrap_or(MAX_DATA);
        let header = Header { version: VERSION, data_len, was_running: running.into(), compression: 0, cookie_offset: 0 };
        let (file, made) = open_for_writing(path)?;
        let mut writer = Writer { file, path: path.to_owned(), header, made, finished: false };
        let write = |file: &mut File| {
            if file.metadata()?.is_file() {
                file.set_len(0)?;
            }
            file.write_all(&header.to_bytes(PARTIAL))?;
            file.write_all(&data)
        };
        write(&mut writer.file).map_err(|why| writer.failed("write the header of", &why))?;
        Ok(writer)
    }

    /// Where QEMU's stream is to be written: the offset is right.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Brings the name of the file to the disk, as can be done while QEMU writes to it.
    ///
    /// # Errors
    /// `SYSTEM_ERROR`.
    pub fn sync_name(&self) -> Result<()> {
        sync_name(&self.path).map_err(|why| self.failed("keep the name of", &why))
    }

    /// Marks the image as complete. Everything else is on disk by then, its [name](Self::sync_name) included, so that not even
    /// a power failure leaves an image that only looks complete.
    ///
    /// # Errors
    /// `SYSTEM_ERROR`: the image counts as not complete.
    pub fn finish(mut self) -> Result<()> {
        let complete = self.header.to_bytes(COMPLETE);
        let written = self.file.sync_data().and_then(|()| self.file.write_all_at(&complete, 0)).and_then(|()| self.file.sync_data());
        written.map_err(|why| self.failed("complete", &why))?;
        self.finished = true;
        Ok(())
    }

    /// QEMU goes on without the caller: whoever sees the end completes or removes the file.
    pub fn leave(&mut self) {
        self.finished = true;
    }

    fn failed(&self, what: &str, why: &io::Error) -> Error {
        Error::system(format!("cannot {what} the save image '{}'", self.path.display()), why)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let is_ours = |at: fs::Metadata, ours: fs::Metadata| (at.dev(), at.ino()) == (ours.dev(), ours.ino());
        let still_there = self.file.metadata().and_then(|ours| Ok(is_ours(fs::symlink_metadata(&self.path)?, ours))).unwrap_or(false);
        if self.made && still_there {
            let _ = fs::remove_file(&self.path);
        } else {
            // Finishing may have come as far as the mark.
            let _ = self.file.write_all_at(PARTIAL, 0);
        }
    }
}

/// Brings to its end what an earlier process began: QEMU has written all of the image since. That process may have come to
/// mark it as complete.
///
/// # Errors
/// `OPERATION_FAILED` if the file is no such image, or nothing but the beginning of one; `SYSTEM_ERROR` if it cannot be written.
pub(in crate::driver::qemu) fn finish_begun(path: &Path) -> Result<()> {
    let (file, header) = open_marked(path)?;
    if is_begun(&header) {
        require_stream(&file, path, &header)?;
    } else if !header.starts_with(COMPLETE) {
        return Err(not_begun(path));
    }
    let written = file.sync_all().and_then(|()| file.write_all_at(COMPLETE, 0)).and_then(|()| file.sync_all());
    written.map_err(|why| Error::system(format!("cannot complete the save image '{}'", path.display()), &why))
}

/// Removes what an earlier process began and QEMU did not come to the end of, unless something else has taken its place.
pub(in crate::driver::qemu) fn discard_begun(path: &Path) {
    let Ok((file, header)) = open_marked(path) else { return };
    if is_begun(&header) && file.metadata().is_ok_and(|meta| meta.is_file()) {
        let _ = fs::remove_file(path);
    }
}

fn is_begun(header: &[u8; HEADER]) -> bool {
    header.starts_with(PARTIAL) && Redo::in_header(header).is_none()
}

fn not_begun(path: &Path) -> Error {
    Error::failed(format!("'{}' is no save image that is being written", path.display()))
}

/// Opens a file that an earlier process may have begun, and reads its header.
fn open_marked(path: &Path) -> Result<(File, [u8; HEADER])> {
    let cannot = |why: io::Error| Error::system(format!("cannot open file '{}'", path.display()), &why);
    let mut file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(cannot)?;
    require_seekable(&file, path)?;
    let mut header = [0; HEADER];
    file.read_exact(&mut header).map_err(|_| not_begun(path))?;
    Ok((file, header))
}

/// Makes sure that there is more than what was written before QEMU's stream. A block device does not tell.
fn require_stream(file: &File, path: &Path, header: &[u8; HEADER]) -> Result<()> {
    let meta = require_seekable(file, path)?;
    let data_len = u32::from_ne_bytes([header[20], header[21], header[22], header[23]]);
    if meta.is_file() && meta.len() <= HEADER as u64 + u64::from(data_len) {
        return Err(Error::failed(format!("save image '{}' does not hold the guest", path.display())));
    }
    Ok(())
}

/// Makes sure that the name of a new file is on disk as well.
fn sync_name(path: &Path) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Not every file system can do that for a directory.
    let _ = File::open(dir)?.sync_all();
    Ok(())
}

/// Opens the file, and says whether it was made. It is not emptied before it is known to be a file.
fn open_for_writing(path: &Path) -> Result<(File, bool)> {
    let cannot = |why: &io::Error| Error::system(format!("cannot create file '{}'", path.display()), why);
    let mut options = OpenOptions::new();
    // A FIFO without a reader would keep us waiting.
    options.write(true).mode(0o600).custom_flags(libc::O_NONBLOCK);
    let (file, made) = match options.clone().create_new(true).open(path) {
        Ok(file) => (file, true),
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {
            // It may be a link to a file that is not there yet.
            let there = fs::metadata(path).is_ok();
            (options.create(true).open(path).map_err(|why| cannot(&why))?, !there)
        }
        Err(why) => return Err(cannot(&why)),
    };
    require_seekable(&file, path)?;
    blocking(&file).map_err(|why| cannot(&why))?;
    Ok((file, made))
}

fn require_seekable(file: &File, path: &Path) -> Result<fs::Metadata> {
    let meta = file.metadata().map_err(|why| Error::system(format!("cannot look at '{}'", path.display()), &why))?;
    if meta.is_file() || meta.file_type().is_block_device() {
        return Ok(meta);
    }
    Err(Error::failed(format!("'{}' is neither a regular file nor a block device", path.display())))
}

/// Takes back `O_NONBLOCK`.
fn blocking(file: &File) -> io::Result<()> {
    // SAFETY: the file is open, and its status flags are only read and set.
    let done = unsafe {
        let flags = libc::fcntl(file.as_raw_fd(), libc::F_GETFL);
        flags >= 0 && libc::fcntl(file.as_raw_fd(), libc::F_SETFL, flags & !libc::O_NONBLOCK) == 0
    };
    if done {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn about(path: &Path, error: Error) -> Error {
    Error { detail: format!("'{}': {}", path.display(), error.detail), ..error }
}

/// A complete image of which everything before QEMU's stream has been read; there is the offset.
struct Opened {
    file: File,
    header: Header,
    /// With the new XML, if it is being changed.
    data: Vec<u8>,
    /// Whoever changed the XML did not come to the end.
    redo: Option<Redo>,
}

impl Opened {
    /// # Errors
    /// As [`Reader::open`].
    fn open(path: &Path, options: &mut OpenOptions) -> Result<Opened> {
        let cannot = |why: io::Error| Error::system(format!("cannot open file '{}'", path.display()), &why);
        let mut file = options.custom_flags(libc::O_NONBLOCK).open(path).map_err(cannot)?;
        let meta = require_seekable(&file, path)?;
        blocking(&file).map_err(cannot)?;
        let mut bytes = [0; HEADER];
        file.read_exact(&mut bytes).map_err(|why| about(path, cut_short("failed to read qemu header", &why)))?;
        let header = Header::parse(&bytes).map_err(|error| about(path, error))?;
        if meta.is_file() && meta.len() < HEADER as u64 + u64::from(header.data_len) {
            return Err(about(path, Error::failed("failed to read domain XML: the file ends before it does")));
        }
        let mut data = vec![0; header.data_len as usize];
        file.read_exact(&mut data).map_err(|why| about(path, cut_short("failed to read domain XML", &why)))?;
        let redo = Redo::in_header(&bytes);
        if let Some(redo) = redo {
            redo.apply(&mut data).map_err(|error| about(path, error))?;
        }
        Ok(Opened { file, header, data, redo })
    }
}

/// A complete image.
#[derive(Debug)]
pub(in crate::driver::qemu) struct Reader {
    file: File,
    header: Header,
    /// The domain.
    pub xml: String,
    /// Whether the guest was running, or is to run after it was restored.
    pub running: bool,
}

impl Reader {
    /// Opens an image and reads all that comes before QEMU's stream.
    ///
    /// # Errors
    /// `SYSTEM_ERROR` if the file cannot be opened; `OPERATION_FAILED` if it is no image that can be restored.
    pub fn open(path: &Path) -> Result<Reader> {
        let Opened { file, header, data, .. } = Opened::open(path, OpenOptions::new().read(true))?;
        let xml = xml_in(&header, &data).map_err(|error| about(path, error))?;
        Ok(Reader { file, header, xml, running: header.was_running != 0 })
    }

    /// Where QEMU's stream is: the offset is right.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Another descriptor of the same open file: its offset moves as the file is read.
    pub fn duplicate(&self) -> Result<File> {
        self.file.try_clone().map_err(|why| Error::system("cannot duplicate a descriptor", &why))
    }

    /// Where QEMU's stream begins in the file.
    pub fn stream_begin(&self) -> u64 {
        HEADER as u64 + u64::from(self.header.data_len)
    }

    /// Where it ends; of a block device, where it begins.
    pub fn stream_end(&self) -> u64 {
        self.file.metadata().map_or(0, |meta| meta.len()).max(self.stream_begin())
    }
}

fn cut_short(what: &str, why: &io::Error) -> Error {
    match why.kind() {
        io::ErrorKind::UnexpectedEof => Error::failed(format!("{what}: the file is too short")),
        _ => Error::failed(format!("{what}: {why}")),
    }
}

fn xml_in(header: &Header, data: &[u8]) -> Result<String> {
    let part = if header.cookie_offset > 0 { &data[..header.cookie_offset as usize] } else { data };
    let text = part.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8(text.to_vec()).map_err(|_| Error::failed("failed to read domain XML: it is not valid UTF-8"))
}

#[cfg(test)]
#[path = "save_image_tests.rs"]
mod tests;
