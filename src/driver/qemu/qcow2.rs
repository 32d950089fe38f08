//! The header of a qcow2 image: its size, and what lies below it.
//!
//! Facts are from QEMU's description of the format (docs/interop/qcow2). An image is untrusted input: no length in it
//! is believed before it was checked against the first cluster, which holds everything that is read here.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// What every qcow2 image starts with.
pub(super) const MAGIC: [u8; 4] = *b"QFI\xfb";

/// Header of version 2, and the least that one of version 3 has.
const HEADER_V2: usize = 72;
const HEADER_V3: usize = 104;
/// Cluster sizes that QEMU opens: 512 bytes to 2 MiB.
const CLUSTER_BITS: std::ops::RangeInclusive<u32> = 9..=21;
const MAX_BACKING_NAME: usize = 1023;

/// `incompatible_features`: guest data is in another file.
const EXTERNAL_DATA: u64 = 1 << 2;

const EXTENSION_END: u32 = 0;
const EXTENSION_BACKING_FORMAT: u32 = 0xe279_2aca;

/// What the header says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Header {
    /// In bytes.
    pub virtual_size: u64,
    /// The name of the image below, as it is written there.
    pub backing: Option<Vec<u8>>,
    /// The format of the image below; older images do not tell.
    pub backing_format: Option<Vec<u8>>,
    pub encrypted: bool,
    pub external_data: bool,
}

/// Why a header cannot be read.
#[derive(Debug)]
pub(super) enum Failure {
    Io(io::Error),
    /// It is not a qcow2 image, or a broken one.
    Invalid(&'static str),
}

impl From<io::Error> for Failure {
    fn from(why: io::Error) -> Failure {
        Failure::Io(why)
    }
}

/// Reads the header of an open image.
pub(super) fn read(file: &File) -> Result<Header, Failure> {
    let start = read_up_to(file, HEADER_V3)?;
    let cluster = cluster_size(&start)?;
    parse(&read_up_to(file, cluster)?)
}

/// The size of the first cluster, in which the header, its extensions and the backing file's name are.
fn cluster_size(start: &[u8]) -> Result<usize, Failure> {
    if !start.starts_with(&MAGIC) {
        return Err(Failure::Invalid("it is not in qcow2 format"));
    }
    let bits = u32_at(start, 20).ok_or(TOO_SHORT)?;
    if !CLUSTER_BITS.contains(&bits) {
        return Err(Failure::Invalid("its cluster size is out of range"));
    }
    Ok(1 << bits)
}

const TOO_SHORT: Failure = Failure::Invalid("its header is cut off");

/// Reads the header from the first cluster.
fn parse(cluster: &[u8]) -> Result<Header, Failure> {
    let whole = cluster_size(cluster)?;
    let version = u32_at(cluster, 4).ok_or(TOO_SHORT)?;
    let (header_length, features) = match version {
        2 => (HEADER_V2, 0),
        3 => (u32_at(cluster, 100).ok_or(TOO_SHORT)? as usize, u64_at(cluster, 72).ok_or(TOO_SHORT)?),
        _ => return Err(Failure::Invalid("its version is not known")),
    };
    if header_length > whole || (version == 3 && header_length < HEADER_V3) {
        return Err(Failure::Invalid("the length of its header is out of range"));
    }
    if cluster.len() < header_length {
        return Err(TOO_SHORT);
    }
    let name = backing_name(cluster)?;
    let extensions_end = name.as_ref().map_or(whole, |(at, _)| *at).min(cluster.len());
    Ok(Header {
        virtual_size: u64_at(cluster, 24).ok_or(TOO_SHORT)?,
        backing: name.map(|(_, name)| name),
        backing_format: backing_format(cluster.get(header_length..extensions_end).unwrap_or_default())?,
        encrypted: u32_at(cluster, 32).ok_or(TOO_SHORT)? != 0,
        external_data: features & EXTERNAL_DATA != 0,
    })
}

/// The backing file's name and where it is.
fn backing_name(cluster: &[u8]) -> Result<Option<(usize, Vec<u8>)>, Failure> {
    let offset = u64_at(cluster, 8).ok_or(TOO_SHORT)?;
    let length = u32_at(cluster, 16).ok_or(TOO_SHORT)? as usize;
    if offset == 0 || length == 0 {
        return Ok(None);
    }
    if length > MAX_BACKING_NAME {
        return Err(Failure::Invalid("the name of its backing file is too long"));
    }
    let start = usize::try_from(offset).map_err(|_| Failure::Invalid("the name of its backing file is out of place"))?;
    let name = start.checked_add(length).and_then(|end| cluster.get(start..end));
    match name {
        Some(name) if name.contains(&0) => Err(Failure::Invalid("the name of its backing file has a zero byte")),
        Some(name) => Ok(Some((start, name.to_vec()))),
        None => Err(Failure::Invalid("the name of its backing file is out of place")),
    }
}

/// Looks for the backing file's format in the header extensions: type, length, data, padding to 8 bytes.
fn backing_format(mut area: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
    while let (Some(kind), Some(length)) = (u32_at(area, 0), u32_at(area, 4)) {
        if kind == EXTENSION_END {
            break;
        }
        let length = length as usize;
        let data = length.checked_add(8).and_then(|end| area.get(8..end)).ok_or(Failure::Invalid("a header extension is too long"))?;
        if kind == EXTENSION_BACKING_FORMAT {
            return Ok(Some(data.to_vec()));
        }
        area = area.get(8 + length.next_multiple_of(8)..).unwrap_or_default();
    }
    Ok(None)
}

fn read_up_to(file: &File, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut bytes[filled..], filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_be_bytes)
}

/// Headers for tests, which need no tool that makes images.
#[cfg(test)]
pub(super) mod samples {
    /// A version 3 header with cluster size 512 that names a backing file, and its format if one is given.
    pub fn image(size: u64, backing: &str, format: Option<&str>) -> Vec<u8> {
        let mut bytes = vec![0u8; 512];
        bytes[..4].copy_from_slice(&super::MAGIC);
        bytes[4..8].copy_from_slice(&3u32.to_be_bytes());
        bytes[20..24].copy_from_slice(&9u32.to_be_bytes());
        bytes[24..32].copy_from_slice(&size.to_be_bytes());
        bytes[100..104].copy_from_slice(&104u32.to_be_bytes());
        let mut at = 104;
        if let Some(format) = format {
            bytes[at..at + 4].copy_from_slice(&super::EXTENSION_BACKING_FORMAT.to_be_bytes());
            bytes[at + 4..at + 8].copy_from_slice(&(format.len() as u32).to_be_bytes());
            bytes[at + 8..at + 8 + format.len()].copy_from_slice(format.as_bytes());
            at += 8 + format.len().next_multiple_of(8);
        }
        at += 8;
        if !backing.is_empty() {
            bytes[8..16].copy_from_slice(&(at as u64).to_be_bytes());
            bytes[16..20].copy_from_slice(&(backing.len() as u32).to_be_bytes());
            bytes[at..at + backing.len()].copy_from_slice(backing.as_bytes());
        }
        bytes
    }

    /// Adds the tables that QEMU wants to find: refcounts of the four clusters, and an L1 table that has nothing.
    pub fn make_usable(bytes: &mut Vec<u8>) {
        let mut set = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        set(36, &64u32.to_be_bytes());
        set(40, &1536u64.to_be_bytes());
        set(48, &512u64.to_be_bytes());
        set(56, &1u32.to_be_bytes());
        set(96, &4u32.to_be_bytes());
        bytes.resize(4 * 512, 0);
        bytes[512..520].copy_from_slice(&1024u64.to_be_bytes());
        for cluster in 0..4 {
            bytes[1024 + cluster * 2 + 1] = 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::image;
    use super::*;

    fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut sample = image(1 << 20, "base.img", Some("raw"));
        sample[at..at + bytes.len()].copy_from_slice(bytes);
        sample
    }

    fn refused(bytes: &[u8]) -> &'static str {
        match parse(bytes) {
            Err(Failure::Invalid(why)) => why,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn size_backing_name_and_format_are_read() {
        let header = parse(&image(1 << 20, "base.img", Some("raw"))).unwrap();
        assert_eq!(header.virtual_size, 1 << 20);
        assert_eq!(header.backing.as_deref(), Some(&b"base.img"[..]));
        assert_eq!(header.backing_format.as_deref(), Some(&b"raw"[..]));
        assert!(!header.encrypted && !header.external_data);
    }

    #[test]
    fn an_image_without_backing_file_ends_the_chain() {
        let header = parse(&image(512, "", None)).unwrap();
        assert_eq!((header.backing, header.backing_format), (None, None));
    }

    #[test]
    fn a_version_2_header_has_its_extensions_right_behind_72_bytes() {
        let mut sample = image(512, "b", None);
        sample[4..8].copy_from_slice(&2u32.to_be_bytes());
        let mut extension = [0u8; 16];
        extension[..4].copy_from_slice(&EXTENSION_BACKING_FORMAT.to_be_bytes());
        extension[4..8].copy_from_slice(&5u32.to_be_bytes());
        extension[8..13].copy_from_slice(b"qcow2");
        sample[72..88].copy_from_slice(&extension);
        assert_eq!(parse(&sample).unwrap().backing_format.as_deref(), Some(&b"qcow2"[..]));
    }

    #[test]
    fn unknown_extensions_are_passed_over() {
        let mut sample = image(512, "b", Some("raw"));
        sample.copy_within(104..120, 120);
        sample[104..108].copy_from_slice(&0x1111_1111u32.to_be_bytes());
        sample[108..112].copy_from_slice(&3u32.to_be_bytes());
        let at = 144u64;
        sample[8..16].copy_from_slice(&at.to_be_bytes());
        sample[144] = b'b';
        let header = parse(&sample).unwrap();
        assert_eq!(header.backing_format.as_deref(), Some(&b"raw"[..]));
    }

    #[test]
    fn encryption_and_external_data_are_noticed() {
        assert!(parse(&with(32, &1u32.to_be_bytes())).unwrap().encrypted);
        assert!(parse(&with(72, &4u64.to_be_bytes())).unwrap().external_data);
    }

    #[test]
    fn hostile_lengths_are_refused() {
        assert_eq!(refused(&with(16, &u32::MAX.to_be_bytes())), "the name of its backing file is too long");
        assert_eq!(refused(&with(16, &1023u32.to_be_bytes())), "the name of its backing file is out of place");
        assert_eq!(refused(&with(8, &u64::MAX.to_be_bytes())), "the name of its backing file is out of place");
        assert_eq!(refused(&with(8, &511u64.to_be_bytes())), "the name of its backing file is out of place");
        assert_eq!(refused(&with(100, &u32::MAX.to_be_bytes())), "the length of its header is out of range");
        assert_eq!(refused(&with(100, &8u32.to_be_bytes())), "the length of its header is out of range");
        assert_eq!(refused(&with(108, &u32::MAX.to_be_bytes())), "a header extension is too long");
        assert_eq!(refused(&with(20, &63u32.to_be_bytes())), "its cluster size is out of range");
        assert_eq!(refused(&with(4, &9u32.to_be_bytes())), "its version is not known");
        assert_eq!(refused(&with(128, &[0])), "the name of its backing file has a zero byte");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_reader_fall(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600), version in 2u8..4, bits in 9u8..12) {
            if bytes.len() > 24 {
                bytes[..8].copy_from_slice(&[b'Q', b'F', b'I', 0xfb, 0, 0, 0, version]);
                bytes[20..24].copy_from_slice(&[0, 0, 0, bits]);
                bytes[8..14].fill(0);
                bytes[16..18].fill(0);
            }
            if bytes.len() > 104 {
                bytes[100..104].copy_from_slice(&[0, 0, 0, 104]);
            }
            let _ = parse(&bytes);
        }
    }

    #[test]
    fn no_prefix_of_an_image_is_read_past_its_end() {
        let whole = image(512, "base.img", Some("raw"));
        for length in 0..whole.len() {
            if let Ok(header) = parse(&whole[..length]) {
                assert!(length >= 136, "{length}");
                assert_eq!(header.backing.as_deref(), Some(&b"base.img"[..]));
            }
        }
        assert_eq!(refused(&whole[..60]), "its header is cut off");
        assert_eq!(refused(b""), "it is not in qcow2 format");
    }
}
