//! Documents and URIs that an application hands in.

use std::path::Path;

use crate::driver::uri::{percent_encode, Target};
use crate::model::{code, Error, Result};
use crate::xml::backup::BackupDef;
use crate::xml::domain::{parse_attached, parse_detached, parse_disk, DomainDef};
use crate::xml::snapshot::{SnapshotDef, Taken};
use crate::xml::{reader, writer};

/// What a refused document may be answered.
const REFUSALS: &[i32] = &[
    code::XML_DETAIL,
    code::XML_ERROR,
    code::XML_INVALID_SCHEMA,
    code::CONFIG_UNSUPPORTED,
    code::INTERNAL_ERROR,
    code::INVALID_ARG,
    code::OVERFLOW,
    code::NO_NAME,
    code::NO_SOURCE,
    code::NO_TARGET,
];

/// A document, or an error that says what is wrong with it.
fn accepted<T>(input: &[u8], read: impl Fn(&str) -> Result<T>) -> Option<T> {
    let text = std::str::from_utf8(input).ok()?;
    match read(text) {
        Ok(value) => Some(value),
        Err(error) => {
            refused(&error);
            None
        }
    }
}

fn refused(error: &Error) {
    assert!(REFUSALS.contains(&error.code), "{error} ({})", error.code);
    assert!(!error.message().is_empty());
}

/// What was printed is read again; `what` says of which reader.
fn again<T>(what: &str, text: &str, read: impl Fn(&str) -> Result<T>) -> T {
    read(text).unwrap_or_else(|error| panic!("{what} does not read what was printed: {error}\n{text}"))
}

/// A tree that is printed and read again is the same.
pub(super) fn any(input: &[u8]) {
    let Some(tree) = accepted(input, reader::parse) else { return };
    let printed = writer::source(&tree);
    assert_eq!(again("the reader", &printed, reader::parse), tree, "{printed}");
}

/// A domain that is printed and read again is the same, and so is the state of one that runs.
pub(super) fn domain(input: &[u8]) {
    if let Some(def) = accepted(input, DomainDef::parse) {
        let printed = def.format(None);
        assert_eq!(again("parse", &printed, DomainDef::parse), def, "{printed}");
    }
    if let Some(def) = accepted(input, DomainDef::parse_live) {
        let printed = def.format(Some(7));
        let read = again("parse_live", &printed, DomainDef::parse_live);
        assert_eq!(read.format(Some(7)), printed);
        // What runs can be started again from what is shown of it.
        again("parse", &printed, DomainDef::parse);
    }
}

/// A disk comes back from the domain that it is put into.
pub(super) fn disk(input: &[u8]) {
    accepted(input, parse_disk);
    accepted(input, parse_detached);
    let Some(disk) = accepted(input, parse_attached) else { return };
    let name = DomainDef { kind: "qemu".into(), name: "vm".into(), memory_kib: 1, current_memory_kib: 1, vcpus: 1, ..DomainDef::default() };
    let rest = ("hvm".to_owned(), "x86_64".to_owned(), "destroy".to_owned(), "restart".to_owned());
    let (os_type, arch, destroy, on_reboot) = rest;
    let def = DomainDef { os_type, arch, on_poweroff: destroy.clone(), on_reboot, on_crash: destroy, disks: vec![disk.clone()], ..name };
    let printed = def.format(None);
    let read = again("parse", &printed, DomainDef::parse);
    assert_eq!(read.disks, [disk], "{printed}");
}

/// A backup that runs is the same when it is printed and read again. It has all its targets.
pub(super) fn backup(input: &[u8]) {
    let Some(mut def) = accepted(input, BackupDef::parse) else { return };
    for (n, disk) in (1..).zip(def.chosen_mut()) {
        disk.path.get_or_insert_with(|| "/target".to_owned());
        disk.index = n;
    }
    if def.chosen().next().is_some() {
        let printed = def.format();
        assert_eq!(again("parse_live", &printed, BackupDef::parse_live).format(), printed);
    }
}

/// What is printed of a snapshot is well-formed and bears its name.
pub(super) fn snapshot(input: &[u8]) {
    let Some(def) = accepted(input, SnapshotDef::parse) else { return };
    let taken = Taken { state: "running", parent: def.name.as_deref(), created: 7, domain: "<domain/>" };
    let printed = def.format(&taken);
    let read = again("the reader", &printed, reader::parse);
    assert_eq!(read.child_text("name"), def.name.as_deref(), "{printed}");
    assert_eq!(read.child("disks").map_or(0, |disks| disks.children.len()), def.disks.len());
}

/// The path of a URI can be written as a URI, and is the same again.
pub(super) fn uri(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for loaded in [false, true] {
        let path = match Target::parse(text, loaded) {
            Ok(Target::Qemu(path)) => path,
            Ok(Target::TestFixture(path)) => {
                assert_eq!(Target::parse(&uri_of("test+jobs", &path), loaded), Ok(Target::TestFixture(path)));
                continue;
            }
            Ok(_) => continue,
            Err(error) => {
                assert_eq!(error.code, code::INVALID_ARG, "{error}");
                continue;
            }
        };
        assert!(path.is_absolute() && !path.to_string_lossy().contains('\0'));
        assert_eq!(Target::parse(&uri_of("qemu+qmp", &path), loaded), Ok(Target::Qemu(path)));
    }
}

fn uri_of(scheme: &str, path: &Path) -> String {
    format!("{scheme}://{}", percent_encode(path))
}
