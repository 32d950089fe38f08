//! What the name of a backing image in a header means.

use std::path::Path;

use serde_json::{Map, Value};

use crate::model::{code, from, Error, Result};

/// Where a backing image is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Location {
    Path(String),
    /// Something that is reached over the network, as its name says it.
    Network(String),
}

/// Schemes of images that QEMU reaches over the network.
const NETWORK: &[&str] = &[
    "nbd", "nbds", "rbd", "iscsi", "http", "https", "ftp", "ftps", "tftp", "sheepdog", "gluster", "ssh", "nfs", "vxhs", "vitastor", "fuse",
];

/// Drivers of files and devices of this host.
const FILES: &[&str] = &["file", "host_device", "host_cdrom"];

/// Finds the image that `name` means in the header of the image `parent`.
///
/// A relative path starts at the directory of the image that has it in its header, as QEMU and libvirt see it: `..` is
/// not resolved, nor are symbolic links.
///
/// # Errors
/// `INTERNAL_ERROR`, as libvirt has it, for a protocol that is none and for a `json:` name that is none or that does not
/// lead straight to a file.
pub(super) fn locate(name: &str, parent: &str) -> Result<Location> {
    if let Some(text) = name.strip_prefix("json:") {
        return locate_json(text, parent);
    }
    match protocol(name) {
        None => Ok(Location::Path(beside(name, parent))),
        Some(scheme) if is_network(scheme) => Ok(Location::Network(name.to_owned())),
        Some(scheme) => Err(invalid(format!("invalid backing protocol '{scheme}'"))),
    }
}

/// What is before the first colon, if no slash is before it.
fn protocol(name: &str) -> Option<&str> {
    let (before, _) = name.split_once(':')?;
    (!before.contains('/')).then_some(before)
}

fn is_network(scheme: &str) -> bool {
    // A transport may follow: `gluster+unix`.
    NETWORK.contains(&scheme.split('+').next().unwrap_or(scheme))
}

fn beside(name: &str, parent: &str) -> String {
    if name.starts_with('/') {
        return name.to_owned();
    }
    match parent.rsplit_once('/') {
        Some((dir, _)) => format!("{dir}/{name}"),
        None => name.to_owned(),
    }
}

/// QEMU's `json:` pseudo-protocol: the options of a block node, of which those of a plain file are understood, whether
/// nested (`{"file": {"driver": ...}}`), flattened (`file.driver`), or wrapped in a `raw` that covers the whole file.
fn locate_json(text: &str, parent: &str) -> Result<Location> {
    let value: Value = serde_json::from_str(text).map_err(|why| invalid(format!("cannot parse json {text}: {why}")))?;
    let Value::Object(options) = value else {
        return Err(invalid(format!("cannot parse json {text}: it is no object")));
    };
    let mut options = deflate(options);
    if options.get("driver").and_then(Value::as_str) == Some("raw") {
        if options.contains_key("offset") || options.contains_key("size") {
            return Err(Error::config(format!("image '{parent}' is backed by a part of a file, which is not supported")));
        }
        options.remove("driver");
    }
    if !options.contains_key("driver") {
        match options.remove("file") {
            Some(Value::Object(file)) => options = deflate(file),
            _ => return Err(invalid(format!("JSON backing volume definition '{text}' lacks a driver"))),
        }
    }
    match options.get("driver").and_then(Value::as_str).unwrap_or_default() {
        driver if FILES.contains(&driver) => file_of(&options, parent),
        driver if is_network(driver) => Ok(Location::Network(format!("json:{text}"))),
        driver => Err(invalid(format!("missing parser implementation for JSON backing volume driver '{driver}'"))),
    }
}

/// The path in a file name as QEMU reports it. QEMU describes an image by all its options, as `json:{...}`, when a path does
/// not say everything: most often since its backing image was given by node, and is named otherwise in the header.
pub(super) fn path_of(filename: &str) -> Option<String> {
    let Some(text) = filename.strip_prefix("json:") else {
        return protocol(filename).is_none().then(|| filename.to_owned());
    };
    let mut options = match serde_json::from_str(text) {
        Ok(Value::Object(options)) => deflate(options),
        _ => return None,
    };
    loop {
        if let Some(path) = options.get("filename").and_then(Value::as_str) {
            let driver = options.get("driver").and_then(Value::as_str);
            return driver.is_none_or(|driver| FILES.contains(&driver)).then(|| path.to_owned());
        }
        match options.remove("file") {
            Some(Value::Object(file)) => options = deflate(file),
            _ => return None,
        }
    }
}

fn file_of(options: &Map<String, Value>, parent: &str) -> Result<Location> {
    let path = options
        .get("filename")
        .and_then(Value::as_str)
        .ok_or_else(|| invalid("missing 'filename' field in JSON backing volume definition".to_owned()))?;
    if Path::new(path).is_absolute() {
        Ok(Location::Path(path.to_owned()))
    } else {
        Err(invalid(format!("the JSON backing volume definition of image '{parent}' has the relative path '{path}'")))
    }
}

/// Turns `file.driver` and `file.filename` into an object `file`.
fn deflate(options: Map<String, Value>) -> Map<String, Value> {
    let mut nested = Map::new();
    let mut file = Map::new();
    for (key, value) in options {
        match key.strip_prefix("file.") {
            Some(inner) => file.insert(inner.to_owned(), value),
            None => nested.insert(key, value),
        };
    }
    if !file.is_empty() {
        nested.insert("file".to_owned(), Value::Object(file));
    }
    nested
}

fn invalid(message: String) -> Error {
    Error::new(code::INTERNAL_ERROR, message).raised_by(from::STORAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "/images/vm/top.qcow2";

    fn located(name: &str) -> String {
        match locate(name, PARENT) {
            Ok(Location::Path(path)) => path,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn relative_names_start_at_the_directory_of_the_image() {
        assert_eq!(located("base.img"), "/images/vm/base.img");
        assert_eq!(located("../base.img"), "/images/vm/../base.img");
        assert_eq!(located("/a/b"), "/a/b");
        assert_eq!(located("/odd,na:me"), "/odd,na:me");
        assert_eq!(located("./a:b"), "/images/vm/./a:b");
        assert_eq!(located("ä <&'\" ü"), "/images/vm/ä <&'\" ü");
    }

    #[test]
    fn a_file_in_json_is_found_however_it_is_written() {
        for name in [
            r#"json:{"driver":"file","filename":"/b"}"#,
            r#"json:{"driver":"host_device","filename":"/b"}"#,
            r#"json:{"file":{"driver":"file","filename":"/b"}}"#,
            r#"json:{"file.driver":"file","file.filename":"/b"}"#,
            r#"json:{"driver":"raw","file":{"driver":"file","filename":"/b"}}"#,
            r#"json:{"driver":"raw","file.driver":"file","file.filename":"/b"}"#,
        ] {
            assert_eq!(located(name), "/b", "{name}");
        }
    }

    #[test]
    fn the_path_is_found_in_what_qemu_reports() {
        let nested = r#"json:{"backing": {"driver": "raw", "file": {"driver": "file", "filename": "/base"}}, "driver": "qcow2",
            "file": {"driver": "file", "filename": "/top"}}"#;
        assert_eq!(path_of(nested).as_deref(), Some("/top"));
        assert_eq!(path_of("/plain:x").as_deref(), Some("/plain:x"));
        for name in
            ["nbd://localhost/x", "json:{", "json:[]", r#"json:{"driver":"nbd","path":"/s"}"#, r#"json:{"driver":"ssh","filename":"/s"}"#]
        {
            assert_eq!(path_of(name), None, "{name}");
        }
    }

    #[test]
    fn network_images_are_told_from_files() {
        for name in ["nbd://localhost:1/x", "nbd+unix:///x?socket=/s", "rbd:pool/image", r#"json:{"driver":"nbd","path":"/s"}"#] {
            assert_eq!(locate(name, PARENT), Ok(Location::Network(name.to_owned())), "{name}");
        }
    }

    #[test]
    fn names_that_lead_nowhere_are_refused_with_libvirts_code() {
        for name in [
            "foo:b",
            "file:b.qcow2",
            "odd,na:me",
            "json:{bad",
            "json:[]",
            "json:{}",
            r#"json:{"driver":"file"}"#,
            r#"json:{"driver":"file","filename":7}"#,
            r#"json:{"driver":"file","filename":"relative"}"#,
            r#"json:{"driver":"qcow2","file":{"driver":"file","filename":"/b"}}"#,
            r#"json:{"file":{"file":{"driver":"file","filename":"/b"}}}"#,
        ] {
            let error = locate(name, PARENT).unwrap_err();
            assert_eq!((error.code, error.domain), (code::INTERNAL_ERROR, from::STORAGE), "{name}");
        }
        let sliced = r#"json:{"driver":"raw","offset":512,"file":{"driver":"file","filename":"/b"}}"#;
        assert_eq!(locate(sliced, PARENT).map_err(|e| e.code), Err(code::CONFIG_UNSUPPORTED));
    }
}
