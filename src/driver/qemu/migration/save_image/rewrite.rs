//! Another XML for an image that is complete. Its place is the one of the old XML, so whoever is killed on the way would leave
//! neither. The new one is therefore first put behind both, into the room that is left in the data. Only then does the header
//! say where it is, and that the image is not complete, which is what libvirt makes of it; here it is read from there.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::{Header, Opened, COMPLETE, HEADER, PARTIAL};
use crate::model::{Error, Result};

/// In the header of an image whose XML is being changed, after the fields that libvirt knows.
const MARK: &[u8; 8] = b"xml-redo";
const MARK_AT: usize = 36;

/// Where the new XML and the cookie are in the data until they are in their place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Redo {
    offset: u32,
    len: u32,
}

impl Redo {
    pub fn in_header(bytes: &[u8; HEADER]) -> Option<Redo> {
        let (mark, fields) = bytes[MARK_AT..].split_at(MARK.len());
        let field = |at: usize| Some(u32::from_ne_bytes(fields.get(at..at + 4)?.try_into().ok()?));
        let redo = Redo { offset: field(0)?, len: field(4)? };
        (bytes.starts_with(PARTIAL) && mark == MARK).then_some(redo)
    }

    fn write_into(self, header: &mut [u8; HEADER]) {
        let fields = [self.offset.to_ne_bytes(), self.len.to_ne_bytes()].concat();
        header[MARK_AT..][..MARK.len()].copy_from_slice(MARK);
        header[MARK_AT + MARK.len()..][..fields.len()].copy_from_slice(&fields);
    }

    /// # Errors
    /// `OPERATION_FAILED` if there is no such place in the data.
    pub fn apply(self, data: &mut [u8]) -> Result<()> {
        let from = self.offset as usize;
        let to = from.saturating_add(self.len as usize);
        if self.len > self.offset || to > data.len() {
            return Err(Error::failed("save image is incomplete: the XML that it was to get is not in it"));
        }
        data.copy_within(from..to, 0);
        data[self.len as usize..].fill(0);
        Ok(())
    }
}

/// Puts another XML into an image, and says whether its guest is to run (`None`: as before). The stream stays as it is.
/// Whoever is killed on the way leaves the old XML or the new one, unless there is no room for both in the data.
///
/// # Errors
/// As [`Reader::open`](super::Reader::open); `OPERATION_FAILED` if there is no room for the XML.
pub(in crate::driver::qemu) fn rewrite(path: &Path, xml: &str, running: Option<bool>) -> Result<()> {
    let Opened { file, header, data, redo } = Opened::open(path, OpenOptions::new().read(true).write(true))?;
    let cannot = |why: io::Error| Error::system(format!("cannot write the header of the save image '{}'", path.display()), &why);
    let cookie = cookie_in(&header, &data);
    let mut new = xml.as_bytes().to_vec();
    new.push(0);
    let cookie_offset = if cookie.is_empty() { 0 } else { u32::try_from(new.len()).unwrap_or(u32::MAX) };
    new.extend_from_slice(cookie);
    if new.len() > data.len() || xml.contains('\0') {
        return Err(Error::failed(format!("'{}': new xml too large to fit in file", path.display())));
    }
    let was_running = running.map_or(header.was_running, u32::from);
    // What the other byte order wrote is ours from now on.
    let changed = Header { was_running, cookie_offset, ..header };
    let begun = redo.map_or_else(Vec::new, |redo| to_the_end(header, &data[..redo.len as usize], redo));
    for (offset, bytes) in begun.into_iter().chain(steps(changed, used(&header, &data), &new)) {
        file.write_all_at(&bytes, offset).and_then(|()| file.sync_all()).map_err(cannot)?;
    }
    Ok(())
}

type Write = (u64, Vec<u8>);

/// What is written, each on disk before the next: `new` is put in the place of the first `old` bytes of the data.
pub(super) fn steps(header: Header, old: usize, new: &[u8]) -> Vec<Write> {
    let room = header.data_len as usize;
    let mut marked = header.to_bytes(PARTIAL);
    if old.max(new.len()) + new.len() > room {
        let nowhere = Redo { offset: header.data_len, len: 0 };
        return [vec![(0, marked.to_vec())], to_the_end(header, new, nowhere)].concat();
    }
    let offset = room - new.len();
    // They fit into the length of the data, which is one.
    let redo = Redo { offset: offset as u32, len: new.len() as u32 };
    redo.write_into(&mut marked);
    let begun = vec![((HEADER + offset) as u64, new.to_vec()), (0, marked.to_vec())];
    [begun, to_the_end(header, new, redo)].concat()
}

/// What is left to do once the header tells of the change.
fn to_the_end(header: Header, new: &[u8], redo: Redo) -> Vec<Write> {
    let mut data = new.to_vec();
    data.resize(redo.offset as usize, 0);
    let behind = vec![0; header.data_len.saturating_sub(redo.offset) as usize];
    vec![(HEADER as u64, data), (0, header.to_bytes(COMPLETE).to_vec()), (HEADER as u64 + u64::from(redo.offset), behind)]
}

/// How much of the data the XML and the cookie take, with their zero bytes.
fn used(header: &Header, data: &[u8]) -> usize {
    let begin = header.cookie_offset as usize;
    data[begin..].iter().position(|byte| *byte == 0).map_or(data.len(), |end| begin + end + 1)
}

/// The cookie of libvirt's with its zero byte; empty if there is none.
fn cookie_in<'a>(header: &Header, data: &'a [u8]) -> &'a [u8] {
    match header.cookie_offset {
        0 => &[],
        begin => &data[begin as usize..used(header, data)],
    }
}
