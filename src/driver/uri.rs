//! Which driver a URI belongs to.

use std::path::PathBuf;

use crate::model::{code, from, Error, Result};

/// A URI, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// `test:///default` and `test+jobs:///default`: the built-in world, shared by all connections of the process.
    TestDefault,
    /// `test:///ABS/FILE.xml`: a world of its own for each connection.
    TestFixture(PathBuf),
    /// `qemu+qmp:///PATH`: a directory of monitor sockets, or one socket.
    Qemu(PathBuf),
    /// Everything else is the real libvirt's.
    Libvirt(String),
}

impl Target {
    /// Reads a URI. `libvirt_loaded`: the real library is in the process, and plain `test:` is its own.
    ///
    /// # Errors
    /// `INVALID_ARG` for what is not a URI of a driver that is ours.
    pub fn parse(uri: &str, libvirt_loaded: bool) -> Result<Target> {
        let (scheme, rest) = uri.split_once(':').unwrap_or((uri, ""));
        match scheme {
            "qemu+qmp" => absolute_path(uri, rest).map(Target::Qemu),
            "test+jobs" => test(uri, rest),
            "test" if !libvirt_loaded => test(uri, rest),
            _ => Ok(Target::Libvirt(uri.to_owned())),
        }
    }
}

fn test(uri: &str, rest: &str) -> Result<Target> {
    match absolute_path(uri, rest)? {
        path if path.as_os_str() == "/default" => Ok(Target::TestDefault),
        path => Ok(Target::TestFixture(path)),
    }
}

/// The path of `///PATH`; there is no host, user, query or fragment in the URIs of our drivers.
fn absolute_path(uri: &str, rest: &str) -> Result<PathBuf> {
    let bad = |why: &str| Error::invalid_arg(format!("URI '{uri}' {why}")).raised_by(from::URI);
    let path = rest.strip_prefix("//").ok_or_else(|| bad("is not of the form SCHEME:///PATH"))?;
    if !path.starts_with('/') {
        return Err(bad("names a host; only local paths can be opened"));
    }
    let plain = path.split(['?', '#']).next().unwrap_or_default();
    if plain.len() != path.len() {
        return Err(bad("has a query or fragment; there are none for this driver"));
    }
    let bytes = percent_decode(path).ok_or_else(|| bad("has a malformed %-escape"))?;
    if bytes.len() < 2 || bytes.contains(&0) {
        return Err(bad("has no path"));
    }
    String::from_utf8(bytes).map(PathBuf::from).map_err(|_| bad("is not UTF-8"))
}

/// A path as part of a URI.
pub fn percent_encode(path: &std::path::Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let mut out = String::new();
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |b: Option<u8>| b.and_then(|b| (b as char).to_digit(16));
        out.push((digit(bytes.next())? * 16 + digit(bytes.next())?) as u8);
    }
    Some(out)
}

/// The error for a URI of the real libvirt where there is none.
pub fn no_libvirt(uri: &str, why: &str) -> Error {
    Error::new(code::NO_CONNECT, format!("'{uri}': {why}")).raised_by(from::NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_finds_its_driver() {
        assert_eq!(Target::parse("test:///default", false), Ok(Target::TestDefault));
        assert_eq!(Target::parse("test:///default", true), Ok(Target::Libvirt("test:///default".into())));
        assert_eq!(Target::parse("test+jobs:///default", true), Ok(Target::TestDefault));
        assert_eq!(Target::parse("test:///tmp/a%20b.xml", false), Ok(Target::TestFixture("/tmp/a b.xml".into())));
        assert_eq!(Target::parse("qemu+qmp:///run/vms", false), Ok(Target::Qemu("/run/vms".into())));
        assert_eq!(Target::parse("qemu:///system", false), Ok(Target::Libvirt("qemu:///system".into())));
    }

    #[test]
    fn what_cannot_be_opened_says_why() {
        for uri in ["qemu+qmp:", "qemu+qmp:///", "qemu+qmp://host/x", "qemu+qmp:///x?y=1", "qemu+qmp:///%zz", "qemu+qmp:///%00", "test:/x"]
        {
            assert_eq!(Target::parse(uri, false).map_err(|e| e.code), Err(code::INVALID_ARG), "{uri}");
        }
    }
}
