//! The files of saves and dumps, as libvirt's test driver writes them: a word, and for a save the domain's XML.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::model::{from, Error, Result};

const MAGIC: &[u8; 15] = b"TestGuestMagic\0";

/// The longest XML that is read back.
const MAX_XML: usize = 4 << 20;

/// Writes the file of a save.
pub(super) fn write_save(domain: &str, path: &str, xml: &str) -> Result<()> {
    let failed = |what: &str, why: &std::io::Error| Error::system(format!("saving domain '{domain}' to '{path}': {what} failed"), why);
    let length = u32::try_from(xml.len()).map_err(|_| Error::internal("the domain's XML is too long"))?;
    let mut file = File::create(path).map_err(|why| failed("open", &why))?;
    let written = file.write_all(MAGIC).and_then(|()| file.write_all(&length.to_ne_bytes())).and_then(|()| file.write_all(xml.as_bytes()));
    written.map_err(|why| failed("write", &why))
}

/// Opens a file that is one: a device could be read without end, and a pipe waits for somebody who writes.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is not a regular file"))
    }
}

/// The XML in the file of a save.
pub(super) fn read_save(path: &str) -> Result<String> {
    let failed = |why: std::io::Error| Error::system(format!("cannot read domain image '{path}'"), &why).raised_by(from::TEST);
    let mut file = open_file(Path::new(path)).map_err(failed)?;
    let mut header = [0u8; 19];
    if file.read_exact(&mut header).is_err() || &header[..15] != MAGIC {
        return Err(Error::internal("mismatched header magic"));
    }
    let length = u32::from_ne_bytes([header[15], header[16], header[17], header[18]]) as usize;
    if !(1..=MAX_XML).contains(&length) {
        return Err(Error::internal(format!("the domain's XML in '{path}' has {length} bytes")));
    }
    let mut xml = vec![0; length];
    file.read_exact(&mut xml).map_err(failed)?;
    String::from_utf8(xml).map_err(|_| Error::internal(format!("the domain's XML in '{path}' is not UTF-8")))
}

/// Writes the file of a dump.
pub(super) fn write_dump(domain: &str, path: &str) -> Result<()> {
    let failed = |what: &str, why: &std::io::Error| Error::system(format!("domain '{domain}' coredump: failed to {what} {path}"), why);
    let mut file = File::create(path).map_err(|why| failed("open", &why))?;
    file.write_all(MAGIC).map_err(|why| failed("write to", &why))
}

/// Takes back a file whose job did not succeed.
pub(super) fn discard(path: &str) {
    // Whoever asked for the file is told of the failure that comes first.
    let _ = std::fs::remove_file(Path::new(path));
}
