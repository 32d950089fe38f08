//! `<domainsnapshot>`: what a snapshot is to consist of, and what one consists of.

use super::domain::check::{invalid_attribute, only};
use super::reader::{self, Element};
use super::writer::{Tag, Writer};
use crate::model::disk::ImageKind;
use crate::model::{code, from, Error, Result};
use serde::{Deserialize, Serialize};

/// Where a part of a snapshot is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    No,
    Internal,
    External,
}

impl Location {
    pub const fn as_str(self) -> &'static str {
        match self {
            Location::No => "no",
            Location::Internal => "internal",
            Location::External => "external",
        }
    }
}

/// One disk of a snapshot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SnapshotDisk {
    /// The disk by `<target dev>` or source path.
    pub name: String,
    /// Left to the kind of snapshot if `None`.
    pub location: Option<Location>,
    pub kind: ImageKind,
    /// The new image of an external snapshot.
    pub path: Option<String>,
    pub format: Option<String>,
}

/// A snapshot, as it was asked for or as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SnapshotDef {
    pub name: Option<String>,
    pub description: Option<String>,
    pub memory: Option<(Location, Option<String>)>,
    pub disks: Vec<SnapshotDisk>,
}

/// What is known of a snapshot that was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Taken<'a> {
    /// `running`, `paused`, `shutoff` or `disk-snapshot`.
    pub state: &'a str,
    pub parent: Option<&'a str>,
    /// Seconds since the epoch.
    pub created: u64,
    /// The domain's XML at that time.
    pub domain: &'a str,
}

impl SnapshotDef {
    /// Reads a `<domainsnapshot>` document.
    ///
    /// # Errors
    /// `XML_DETAIL` or `XML_ERROR` for what is not one, `CONFIG_UNSUPPORTED` for what cannot be done.
    pub fn parse(xml: &str) -> Result<SnapshotDef> {
        reader::parse_as(xml, "domain_snapshot")
            .and_then(|root| root.expect_name("domainsnapshot"))
            .and_then(|root| snapshot(&root))
            .map_err(|error| error.or_from(from::DOMAIN))
    }

    /// Whether the name can be that of a file in which something is kept about the snapshot.
    ///
    /// # Errors
    /// `XML_DETAIL` for a name with a slash in it or a dot at its start.
    pub fn check_name(&self) -> Result<()> {
        let name = self.name.as_deref().unwrap_or_default();
        let why = if name.contains('/') {
            "name can't contain '/'"
        } else if name.starts_with('.') {
            "name can't start with '.'"
        } else {
            return Ok(());
        };
        Err(Error::new(code::XML_DETAIL, format!("invalid snapshot name '{name}': {why}")))
    }

    /// Prints a snapshot that was taken in libvirt's layout.
    pub fn format(&self, taken: &Taken<'_>) -> String {
        let mut w = Writer::new();
        w.open(Tag::new("domainsnapshot"));
        w.maybe_text("name", self.name.as_ref());
        w.maybe_text("description", self.description.as_ref());
        w.text(Tag::new("state"), taken.state);
        if let Some(parent) = taken.parent {
            w.open(Tag::new("parent"));
            w.text(Tag::new("name"), parent);
            w.close();
        }
        w.text(Tag::new("creationTime"), taken.created.to_string());
        if let Some((location, file)) = &self.memory {
            w.empty(Tag::new("memory").attr("snapshot", location.as_str()).maybe("file", file.as_ref()));
        }
        if !self.disks.is_empty() {
            w.open(Tag::new("disks"));
            self.disks.iter().for_each(|disk| format_disk(&mut w, disk));
            w.close();
        }
        taken.domain.lines().for_each(|line| w.verbatim(line));
        w.finish()
    }
}

fn format_disk(w: &mut Writer, disk: &SnapshotDisk) {
    let tag = Tag::new("disk").attr("name", &disk.name).maybe("snapshot", disk.location.map(Location::as_str));
    let Some(path) = &disk.path else { return w.empty(tag) };
    w.open(tag.attr("type", disk.kind.as_str()));
    if let Some(format) = &disk.format {
        w.empty(Tag::new("driver").attr("type", format));
    }
    w.empty(Tag::new("source").attr(if disk.kind == ImageKind::Block { "dev" } else { "file" }, path));
    w.close();
}

fn snapshot(root: &Element) -> Result<SnapshotDef> {
    only(root, &[], &["name", "description", "memory", "disks"])?;
    let disks = root.child("disks").map(|disks| {
        only(disks, &[], &["disk*"])?;
        disks.children.iter().map(disk).collect::<Result<Vec<_>>>()
    });
    Ok(SnapshotDef {
        name: root.child_text("name").filter(|name| !name.is_empty()).map(str::to_owned),
        description: root.child_text("description").map(str::to_owned),
        memory: root.child("memory").map(memory).transpose()?,
        disks: disks.transpose()?.unwrap_or_default(),
    })
}

fn memory(element: &Element) -> Result<(Location, Option<String>)> {
    only(element, &["snapshot", "file"], &[])?;
    let file = element.attr("file").map(str::to_owned);
    let implied = if file.is_some() { Location::External } else { Location::Internal };
    let location = location(element)?.unwrap_or(implied);
    match &file {
        Some(file) if location != Location::External => {
            return Err(Error::xml(format!("memory filename '{file}' requires external snapshot")));
        }
        Some(file) if !file.starts_with('/') => {
            return Err(Error::xml(format!("memory snapshot file path ({file}) must be absolute")));
        }
        None if location == Location::External => return Err(Error::xml("external memory snapshots require a filename")),
        _ => {}
    }
    Ok((location, file))
}

fn disk(element: &Element) -> Result<SnapshotDisk> {
    only(element, &["name", "snapshot", "type"], &["driver", "source"])?;
    let name = element.attr("name").ok_or_else(|| Error::internal("missing name from disk snapshot element"))?.to_owned();
    let kind = match element.attr("type") {
        None | Some("file") => ImageKind::File,
        Some("block") => ImageKind::Block,
        Some(kind @ "network") => return Err(Error::config(format!("disk snapshot type '{kind}' is not supported"))),
        Some(kind) => return Err(invalid_attribute(element, "type", kind)),
    };
    let source = element.child("source");
    source.map_or(Ok(()), |source| only(source, &["file", "dev"], &[]))?;
    let driver = element.child("driver");
    driver.map_or(Ok(()), |driver| only(driver, &["type"], &[]))?;
    let path = source.and_then(|source| source.attr(if kind == ImageKind::Block { "dev" } else { "file" }));
    if let Some(path) = path.filter(|path| !path.starts_with('/')) {
        return Err(Error::xml(format!("disk snapshot image path '{path}' must be absolute")));
    }
    let format = driver.and_then(|driver| driver.attr("type")).map(str::to_owned);
    let location = location(element)?.or_else(|| path.map(|_| Location::External).or(format.as_ref().map(|_| Location::External)));
    if path.is_some() && location != Some(Location::External) {
        return Err(Error::xml(format!("disk snapshot of '{name}' has a <source>, which only an external one can have")));
    }
    Ok(SnapshotDisk { name, location, kind, path: path.map(str::to_owned), format })
}

fn location(element: &Element) -> Result<Option<Location>> {
    match element.attr("snapshot") {
        None => Ok(None),
        Some("no") => Ok(Some(Location::No)),
        Some("internal") => Ok(Some(Location::Internal)),
        Some("external") => Ok(Some(Location::External)),
        Some(value) => Err(invalid_attribute(element, "snapshot", value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::code;

    #[test]
    fn a_snapshot_is_printed_as_libvirt_prints_it() {
        let xml = "<domainsnapshot><name>s1</name><description>a &amp; b</description>
            <disks><disk name='vda'><source file='/s'/><driver type='qcow2'/></disk><disk name='vdb' snapshot='no'/></disks></domainsnapshot>";
        let def = SnapshotDef::parse(xml).unwrap();
        let taken = Taken { state: "disk-snapshot", parent: Some("s0"), created: 12, domain: "<domain>\n  <name>x</name>\n</domain>" };
        let expected = "<domainsnapshot>
  <name>s1</name>
  <description>a &amp; b</description>
  <state>disk-snapshot</state>
  <parent>
    <name>s0</name>
  </parent>
  <creationTime>12</creationTime>
  <disks>
    <disk name='vda' snapshot='external' type='file'>
      <driver type='qcow2'/>
      <source file='/s'/>
    </disk>
    <disk name='vdb' snapshot='no'/>
  </disks>
  <domain>
    <name>x</name>
  </domain>
</domainsnapshot>
";
        assert_eq!(def.format(&taken), expected);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (xml, expected) in [
            ("<snapshot/>", code::XML_ERROR),
            ("<domainsnapshot><disks><disk name='vda' snapshot='maybe'/></disks></domainsnapshot>", code::XML_ERROR),
            ("<domainsnapshot><disks><disk/></disks></domainsnapshot>", code::INTERNAL_ERROR),
            ("<domainsnapshot><disks><disk name='vda'><source file='x'/></disk></disks></domainsnapshot>", code::XML_ERROR),
            ("<domainsnapshot><memory snapshot='external'/></domainsnapshot>", code::XML_ERROR),
            ("<domainsnapshot><memory snapshot='no' file='/m'/></domainsnapshot>", code::XML_ERROR),
            ("<domainsnapshot><memory file='m'/></domainsnapshot>", code::XML_ERROR),
            ("<domainsnapshot><disks><disk name='a' snapshot='no'><source file='/x'/></disk></disks></domainsnapshot>", code::XML_ERROR),
            ("<domainsnapshot><disks><disk name='a' type='network'/></disks></domainsnapshot>", code::CONFIG_UNSUPPORTED),
            ("<domainsnapshot><cookie/></domainsnapshot>", code::CONFIG_UNSUPPORTED),
        ] {
            assert_eq!(SnapshotDef::parse(xml).map_err(|e| e.code), Err(expected), "{xml}");
        }
    }

    #[test]
    fn names_that_cannot_be_files_are_told_from_those_that_can() {
        let check = |name: &str| SnapshotDef { name: Some(name.to_owned()), ..SnapshotDef::default() }.check_name();
        for name in ["a/b", "/", ".a", ".."] {
            assert_eq!(check(name).map_err(|e| e.code), Err(code::XML_DETAIL), "{name}");
        }
        for name in ["a", "a.b", "ä <&'\"", "-"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        assert_eq!(SnapshotDef::parse("<domainsnapshot><name></name></domainsnapshot>").unwrap().name, None);
    }
}
