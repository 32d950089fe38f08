use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::model::code;

const XML: &str = "<domain type='kvm'>\n  <name>ä &amp; b</name>\n</domain>\n";

fn stream_of(reader: &Reader) -> Vec<u8> {
    let mut stream = Vec::new();
    (&reader.file).read_to_end(&mut stream).unwrap();
    stream
}

fn write_image(path: &Path, running: bool) {
    let writer = Writer::create(path, XML, running).unwrap();
    (&writer.file).write_all(b"QEVM stream").unwrap();
    writer.finish().unwrap();
}

/// The bytes of an image with a changed header.
fn image_with(change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let data = padded(XML).unwrap();
    let mut header = Header { version: 2, data_len: data.len() as u32, was_running: 1, compression: 0, cookie_offset: 0 };
    change(&mut header);
    [&header.to_bytes(COMPLETE)[..], &data, b"QEVM"].concat()
}

/// What opening a file of these bytes says.
fn refusal(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    fs::write(&path, bytes).unwrap();
    let error = Reader::open(&path).unwrap_err();
    assert_eq!(error.code, code::OPERATION_FAILED, "{error}");
    assert!(error.detail.contains(path.to_str().unwrap()), "{error}");
    error.detail
}

#[test]
fn what_was_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    for running in [true, false] {
        write_image(&path, running);
        let reader = Reader::open(&path).unwrap();
        assert_eq!((reader.xml.as_str(), reader.running), (XML, running));
        assert_eq!(stream_of(&reader), b"QEVM stream");
    }
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_layout_is_the_one_that_libvirt_was_seen_to_write() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    write_image(&path, true);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(&bytes[..16], b"LibvirtQemudSave");
    let data_len = (XML.len() + 1 + 65536) as u32;
    let fields: Vec<u32> = bytes[16..92].chunks(4).map(|four| u32::from_ne_bytes(four.try_into().unwrap())).collect();
    assert_eq!(fields[..5], [2, data_len, 1, 0, 0]);
    assert!(fields[5..].iter().all(|field| *field == 0));
    assert_eq!(&bytes[92..92 + XML.len()], XML.as_bytes());
    assert!(bytes[92 + XML.len()..92 + data_len as usize].iter().all(|byte| *byte == 0));
    assert_eq!(&bytes[92 + data_len as usize..], b"QEVM stream");
}

#[test]
fn an_image_in_the_making_counts_as_incomplete_and_leaves_nothing_when_it_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    let writer = Writer::create(&path, XML, true).unwrap();
    let error = Reader::open(&path).unwrap_err();
    assert_eq!(error.code, code::OPERATION_FAILED);
    assert!(error.detail.contains("incomplete"), "{error}");
    drop(writer);
    assert!(!path.exists());
}

#[test]
fn a_file_that_was_there_is_used_as_it_is_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    fs::write(&path, vec![7; 200_000]).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(Writer::create(&path, XML, true).unwrap());
    assert!(Reader::open(&path).unwrap_err().detail.contains("incomplete"));
    write_image(&path, true);
    assert_eq!(stream_of(&Reader::open(&path).unwrap()), b"QEVM stream");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
}

#[test]
fn a_file_of_somebody_else_under_the_same_name_is_not_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    let writer = Writer::create(&path, XML, true).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "theirs").unwrap();
    drop(writer);
    assert_eq!(fs::read(&path).unwrap(), b"theirs");
}

#[test]
fn links_are_followed_unless_they_go_round_in_circles() {
    let dir = tempfile::tempdir().unwrap();
    let (link, path, circle) = (dir.path().join("link"), dir.path().join("image"), dir.path().join("circle"));
    std::os::unix::fs::symlink(&path, &link).unwrap();
    write_image(&link, true);
    assert_eq!(Reader::open(&link).unwrap().xml, XML);
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
    std::os::unix::fs::symlink(&circle, &circle).unwrap();
    assert_eq!(Reader::open(&circle).unwrap_err().code, code::SYSTEM_ERROR);
    assert_eq!(Writer::create(&circle, XML, true).unwrap_err().code, code::SYSTEM_ERROR);
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    let name = CString::new(fifo.as_os_str().as_bytes()).unwrap();
    // SAFETY: the name is a terminated string.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    assert_eq!(Reader::open(&fifo).unwrap_err().code, code::OPERATION_FAILED);
    assert_eq!(Writer::create(&fifo, XML, true).unwrap_err().code, code::SYSTEM_ERROR);
    assert_eq!(Reader::open(dir.path()).unwrap_err().code, code::OPERATION_FAILED);
    assert_eq!(Writer::create(dir.path(), XML, true).unwrap_err().code, code::SYSTEM_ERROR);
    assert_eq!(Reader::open(&dir.path().join("nothing")).unwrap_err().code, code::SYSTEM_ERROR);
    assert_eq!(Writer::create(&dir.path().join("no/image"), XML, true).unwrap_err().code, code::SYSTEM_ERROR);
    assert_eq!(Writer::create(Path::new("/dev/full"), XML, true).unwrap_err().code, code::OPERATION_FAILED);
}

#[test]
fn files_that_are_no_images_are_refused_with_the_reason() {
    let whole = image_with(|_| {});
    for (bytes, reason) in [
        (Vec::new(), "too short"),
        (whole[..91].to_vec(), "too short"),
        (whole[..HEADER + 100].to_vec(), "ends before"),
        (vec![b'x'; 70_000], "magic"),
        (image_with(|header| header.version = 3), "version"),
        (image_with(|header| header.version = u32::MAX), "version"),
        (image_with(|header| header.data_len = 0), "length: 0"),
        (image_with(|header| header.data_len = u32::MAX), "length: 4294967295"),
        (image_with(|header| header.data_len = MAX_DATA), "ends before"),
        (image_with(|header| header.cookie_offset = u32::MAX), "cookie"),
        (image_with(|header| header.compression = 1), "'gzip'"),
        (image_with(|header| header.compression = 6), "'sparse'"),
        (image_with(|header| header.compression = 99), "format: 99"),
    ] {
        let said = refusal(&bytes);
        assert!(said.contains(reason), "{said}");
    }
    let mut bytes = whole;
    bytes[HEADER + 3] = 0xff;
    assert!(refusal(&bytes).contains("UTF-8"));
}

#[test]
fn an_image_of_the_other_byte_order_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    fs::write(&path, image_with(|header| *header = header.swapped())).unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!((reader.xml.as_str(), reader.running), (XML, true));
    assert_eq!(stream_of(&reader), b"QEVM");
}

#[test]
fn the_field_that_the_first_version_did_not_have_is_not_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    fs::write(&path, image_with(|header| (header.version, header.compression) = (1, 77))).unwrap();
    assert_eq!(Reader::open(&path).unwrap().xml, XML);
}

#[test]
fn another_xml_can_be_put_into_an_image_as_long_as_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    write_image(&path, true);
    let longer = format!("{XML}<!-- {} -->", "x".repeat(60_000));
    rewrite(&path, &longer, Some(false)).unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!((&reader.xml, reader.running), (&longer, false));
    assert_eq!(stream_of(&reader), b"QEVM stream");
    rewrite(&path, XML, None).unwrap();
    assert!(!Reader::open(&path).unwrap().running);
    let error = rewrite(&path, &"x".repeat(70_000), None).unwrap_err();
    assert_eq!(error.code, code::OPERATION_FAILED);
    assert_eq!(Reader::open(&path).unwrap().xml, XML);
}

#[test]
fn a_cookie_is_kept_when_the_xml_is_changed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    let mut bytes = image_with(|header| header.cookie_offset = XML.len() as u32 + 1);
    bytes[HEADER + XML.len() + 1..][..9].copy_from_slice(b"<cookie/>");
    fs::write(&path, bytes).unwrap();
    assert_eq!(Reader::open(&path).unwrap().xml, XML);
    let shorter = "<domain/>";
    rewrite(&path, shorter, None).unwrap();
    assert_eq!(Reader::open(&path).unwrap().xml, shorter);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(&bytes[HEADER..][..20], b"<domain/>\0<cookie/>\0");
    assert_eq!(bytes[32..36], 10u32.to_ne_bytes());
}

/// What is in an image whose change came as far as some of the writes, and half of one more.
fn interrupted(path: &Path, writes: &[(u64, Vec<u8>)], whole: usize) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    for (offset, bytes) in &writes[..whole] {
        file.write_all_at(bytes, *offset).unwrap();
    }
    if let Some((offset, bytes)) = writes.get(whole).filter(|(offset, _)| *offset > 0) {
        file.write_all_at(&bytes[..bytes.len() / 2], *offset).unwrap();
    }
}

#[test]
fn an_image_whose_change_was_cut_off_has_the_old_xml_or_the_new_one_and_can_be_changed_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    let cookie = "<cookie/>";
    let longer = XML.replace("ä", &"longer".repeat(3000));
    for new in ["<domain/>", &longer] {
        let before = image_with(|header| header.cookie_offset = XML.len() as u32 + 1);
        let area = [new, cookie, ""].join("\0").into_bytes();
        let header = Header {
            version: 2,
            data_len: (XML.len() + 1 + ROOM) as u32,
            was_running: 0,
            compression: 0,
            cookie_offset: new.len() as u32 + 1,
        };
        let writes = rewrite::steps(header, XML.len() + cookie.len() + 2, &area);
        for whole in 0..=writes.len() {
            let mut image = before.clone();
            image[HEADER + XML.len() + 1..][..cookie.len()].copy_from_slice(cookie.as_bytes());
            fs::write(&path, image).unwrap();
            interrupted(&path, &writes, whole);
            discard_begun(&path);
            let reader = Reader::open(&path).unwrap();
            let (xml, running) = if whole < 2 { (XML, true) } else { (new, false) };
            assert_eq!((reader.xml.as_str(), reader.running), (xml, running), "after {whole} writes");
            assert_eq!(stream_of(&reader), b"QEVM");
            rewrite(&path, "<domain>again</domain>", Some(true)).unwrap();
            let bytes = fs::read(&path).unwrap();
            assert_eq!(&bytes[HEADER..][..33], b"<domain>again</domain>\0<cookie/>\0", "after {whole} writes");
            assert!(bytes[HEADER + 33..][..header.data_len as usize - 33].iter().all(|byte| *byte == 0));
            assert!(bytes.starts_with(COMPLETE) && bytes[36..HEADER].iter().all(|byte| *byte == 0));
        }
    }
}

#[test]
fn a_change_that_is_said_to_be_where_nothing_is_is_refused() {
    let mut bytes = image_with(|_| {});
    bytes[..16].copy_from_slice(PARTIAL);
    for (offset, len) in [(u32::MAX, u32::MAX), (100, 200), (0, 1), (70_000, 7)] {
        bytes[36..44].copy_from_slice(b"xml-redo");
        bytes[44..48].copy_from_slice(&u32::to_ne_bytes(offset));
        bytes[48..52].copy_from_slice(&u32::to_ne_bytes(len));
        assert!(refusal(&bytes).contains("incomplete"));
    }
}
