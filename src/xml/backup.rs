//! `<domainbackup>`: which disks a backup is made of, and where to.

use super::domain::check::only;
use super::reader::{self, Element};
use super::writer::{Tag, Writer};
use crate::model::disk::ImageKind;
use crate::model::{code, from, Error, Result};

/// Formats that libvirt's schema knows; which of them can be written is for the driver to say.
const FORMATS: &[&str] =
    &["raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd", "ploop", "cow", "qcow", "qcow2", "qed", "vmdk", "luks"];

/// A backup, as it was asked for or as it runs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BackupDef {
    /// The client reads the backup from a server, rather than the hypervisor writing it.
    pub pull: bool,
    pub incremental: Option<String>,
    /// Where the client of a pull finds it.
    pub server: Option<Server>,
    /// In the order of the document. `None`: all disks of the domain.
    pub disks: Option<Vec<BackupDisk>>,
}

/// The NBD server of a pull.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server {
    pub place: Place,
    pub tls: Option<bool>,
}

/// Where a server listens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    Tcp { name: String, port: u32 },
    Unix { socket: String },
}

/// How much of a disk a backup holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    Full,
    Incremental,
}

/// One disk of a backup.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BackupDisk {
    /// The disk by `<target dev>`.
    pub name: String,
    pub backup: bool,
    /// The target of a push, or the scratch image of a pull.
    pub path: Option<String>,
    pub kind: ImageKind,
    pub format: Option<String>,
    pub extent: Option<Extent>,
    /// The checkpoint since which changes are copied, where it is not that of the whole backup.
    pub incremental: Option<String>,
    /// Under which names the server offers the disk, and the bitmap of what has changed.
    pub export_name: Option<String>,
    pub export_bitmap: Option<String>,
    /// The number of the target in the running domain; 0 if it has none.
    pub index: u32,
}

impl BackupDef {
    /// Reads a `<domainbackup>` document as strictly as libvirt, which holds it against its schema.
    ///
    /// # Errors
    /// `XML_DETAIL`, `XML_ERROR` or `XML_INVALID_SCHEMA` for what is not one, `CONFIG_UNSUPPORTED` for what cannot be done.
    pub fn parse(xml: &str) -> Result<BackupDef> {
        let root = reader::parse_as(xml, "domain_backup").and_then(|root| root.expect_name("domainbackup"));
        let root = root.map_err(|error| error.or_from(from::DOMAIN))?;
        backup(&root, &[])
    }

    /// Reads what [`format`](Self::format) printed of a running backup.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_live(xml: &str) -> Result<BackupDef> {
        let root = reader::parse_as(xml, "domain_backup")?;
        backup(&root, &["index"])
    }

    /// The disks that are part of it.
    pub fn chosen(&self) -> impl Iterator<Item = &BackupDisk> {
        self.disks.iter().flatten().filter(|disk| disk.backup)
    }

    /// The same, to be completed.
    pub fn chosen_mut(&mut self) -> impl Iterator<Item = &mut BackupDisk> {
        self.disks.iter_mut().flatten().filter(|disk| disk.backup)
    }

    /// Prints the backup in libvirt's layout.
    pub fn format(&self) -> String {
        let mut w = Writer::new();
        w.open(Tag::new("domainbackup").attr("mode", if self.pull { "pull" } else { "push" }));
        w.maybe_text("incremental", self.incremental.as_ref());
        if let Some(server) = &self.server {
            w.empty(server.tag());
        }
        w.open(Tag::new("disks"));
        for disk in self.disks.iter().flatten() {
            self.format_disk(&mut w, disk);
        }
        w.finish()
    }

    fn format_disk(&self, w: &mut Writer, disk: &BackupDisk) {
        let tag = Tag::new("disk").attr("name", &disk.name).attr("backup", if disk.backup { "yes" } else { "no" });
        let Some(path) = disk.path.as_ref().filter(|_| disk.backup) else { return w.empty(tag) };
        let extent = disk.extent.map(|extent| if extent == Extent::Full { "full" } else { "incremental" });
        w.open(
            tag.attr("type", disk.kind.as_str())
                .maybe("backupmode", extent)
                .maybe("incremental", disk.incremental.as_ref())
                .maybe("exportname", disk.export_name.as_ref())
                .maybe("exportbitmap", disk.export_bitmap.as_ref())
                .maybe("index", (disk.index > 0).then(|| disk.index.to_string())),
        );
        if let Some(format) = &disk.format {
            w.empty(Tag::new("driver").attr("type", format));
        }
        let place = if disk.kind == ImageKind::Block { "dev" } else { "file" };
        w.empty(Tag::new(if self.pull { "scratch" } else { "target" }).attr(place, path));
        w.close();
    }
}

impl Server {
    fn tag(&self) -> Tag {
        let tls = self.tls.map(|tls| if tls { "yes" } else { "no" });
        match &self.place {
            Place::Tcp { name, port } => {
                let port = (*port > 0).then(|| port.to_string());
                Tag::new("server").attr("transport", "tcp").maybe("tls", tls).attr("name", name).maybe("port", port)
            }
            Place::Unix { socket } => Tag::new("server").attr("transport", "unix").maybe("tls", tls).attr("socket", socket),
        }
    }
}

/// The error for what is against the schema.
fn invalid(detail: String) -> Error {
    Error::new(code::XML_INVALID_SCHEMA, detail).raised_by(from::XML)
}

/// Like [`only`], with the schema's error.
fn valid(element: &Element, attributes: &[&str], children: &[&str]) -> Result<()> {
    only(element, attributes, children).map_err(|error| invalid(error.detail))
}

/// An attribute that takes one of these words.
fn choice<'a>(element: &'a Element, name: &str, words: &[&str]) -> Result<Option<&'a str>> {
    match element.attr(name) {
        Some(value) if !words.contains(&value) => {
            Err(invalid(format!("attribute '{name}' of element '{}' (line {}) cannot be '{value}'", element.name, element.line)))
        }
        value => Ok(value),
    }
}

fn required<'a>(element: &'a Element, name: &str) -> Result<&'a str> {
    let missing = || invalid(format!("element '{}' (line {}) has no attribute '{name}'", element.name, element.line));
    element.attr(name).ok_or_else(missing)
}

fn absolute<'a>(element: &'a Element, name: &str) -> Result<&'a str> {
    let path = required(element, name)?;
    if path.starts_with('/') {
        return Ok(path);
    }
    Err(invalid(format!("attribute '{name}' of element '{}' (line {}) is not an absolute path: '{path}'", element.name, element.line)))
}

/// `more`: attributes that the disks of a running backup have beside those of the schema.
fn backup(root: &Element, more: &[&str]) -> Result<BackupDef> {
    let pull = choice(root, "mode", &["push", "pull"])? == Some("pull");
    let children: &[&str] = if pull { &["incremental", "server", "disks"] } else { &["incremental", "disks"] };
    valid(root, &["mode"], children)?;
    let server = root.child("server").map(server).transpose()?;
    if pull && server.is_none() && more.is_empty() {
        return Err(invalid("a backup of mode 'pull' needs a <server>".to_owned()));
    }
    let incremental = root.child_text("incremental").map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let disks = root.child("disks").map(|disks| {
        valid(disks, &[], &["disk*"])?;
        disks.children.iter().map(|element| disk(element, pull, more)).collect::<Result<Vec<_>>>()
    });
    Ok(BackupDef { pull, incremental, server, disks: disks.transpose()? })
}

fn server(element: &Element) -> Result<Server> {
    let tls = choice(element, "tls", &["yes", "no"])?.map(|word| word == "yes");
    if choice(element, "transport", &["tcp", "unix"])? == Some("unix") {
        valid(element, &["transport", "socket", "tls"], &[])?;
        return Ok(Server { place: Place::Unix { socket: absolute(element, "socket")?.to_owned() }, tls });
    }
    valid(element, &["transport", "name", "port", "tls"], &[])?;
    let number = |text: &str| text.trim().parse().map_err(|_| invalid(format!("'{text}' (line {}) is not a port", element.line)));
    let port = element.attr("port").map(number).transpose()?.unwrap_or(0);
    Ok(Server { place: Place::Tcp { name: required(element, "name")?.to_owned(), port }, tls })
}

fn disk(element: &Element, pull: bool, more: &[&str]) -> Result<BackupDisk> {
    let place = if pull { "scratch" } else { "target" };
    let always: &[&str] = &["name", "backup", "type", "backupmode", "incremental"];
    let of_mode: &[&str] = if pull { &["exportname", "exportbitmap"] } else { &[] };
    valid(element, &[always, of_mode, more].concat(), &["driver", place])?;
    let name = required(element, "name")?;
    if name.is_empty() || name.contains('/') {
        return Err(invalid(format!("'{name}' (line {}) is not the target of a disk", element.line)));
    }
    let text = |name: &str| element.attr(name).map(str::to_owned);
    let mut disk = BackupDisk { name: name.to_owned(), ..BackupDisk::default() };
    if choice(element, "backup", &["yes", "no"])? == Some("no") {
        return valid(element, &[always, of_mode].concat(), &[]).map(|()| disk);
    }
    disk.backup = true;
    let kind = choice(element, "type", &["file", "block"])?;
    if kind.is_none() && !(pull && element.child(place).is_none()) {
        required(element, "type")?;
    }
    disk.kind = if kind == Some("block") { ImageKind::Block } else { ImageKind::File };
    disk.extent = match choice(element, "backupmode", &["full", "incremental"])? {
        Some("full") => Some(Extent::Full),
        mode => mode.map(|_| Extent::Incremental),
    };
    disk.incremental = text("incremental");
    (disk.export_name, disk.export_bitmap) = (text("exportname"), text("exportbitmap"));
    disk.index = element.attr("index").and_then(|index| index.parse().ok()).unwrap_or(0);
    disk.path = element.child(place).map(|image| path_in(image, disk.kind)).transpose()?;
    disk.format = element.child("driver").map(|driver| format_in(driver, pull)).transpose()?;
    Ok(disk)
}

fn path_in(image: &Element, kind: ImageKind) -> Result<String> {
    if let Some(child) = image.children.iter().find(|child| matches!(child.name.as_str(), "seclabel" | "encryption")) {
        return Err(Error::config(format!("element '{}' in element '{}' is not supported", child.name, image.name)).or_from(from::DOMAIN));
    }
    let attribute = if kind == ImageKind::Block { "dev" } else { "file" };
    valid(image, &[attribute], &[])?;
    absolute(image, attribute).map(str::to_owned)
}

fn format_in(driver: &Element, pull: bool) -> Result<String> {
    valid(driver, &["type"], &[])?;
    choice(driver, "type", if pull { &["qcow2"] } else { FORMATS })?;
    required(driver, "type").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUSH: &str = "<domainbackup mode='push'>
  <disks>
    <disk name='vda' backup='yes' type='file' backupmode='full' index='7'>
      <driver type='qcow2'/>
      <target file='/b/&lt;1&gt;'/>
    </disk>
    <disk name='vdb' backup='no'/>
  </disks>
</domainbackup>
";

    const PULL: &str = "<domainbackup mode='pull'>
  <incremental>monday</incremental>
  <server transport='tcp' tls='no' name='localhost' port='10809'/>
  <disks>
    <disk name='vda' backup='yes' type='block' backupmode='incremental' incremental='monday' exportname='a' exportbitmap='b'>
      <driver type='qcow2'/>
      <scratch dev='/dev/scratch'/>
    </disk>
  </disks>
</domainbackup>
";

    #[test]
    fn a_backup_is_printed_as_libvirt_prints_it() {
        assert_eq!(BackupDef::parse_live(PUSH).unwrap().format(), PUSH);
        assert_eq!(BackupDef::parse(PULL).unwrap().format(), PULL);
    }

    #[test]
    fn a_pull_names_its_server_and_scratch_files() {
        let xml = "<domainbackup mode='pull'><server transport='unix' socket='/s'/><disks><disk name='vda' type='file'><scratch file='/t'/></disk></disks></domainbackup>";
        let def = BackupDef::parse(xml).unwrap();
        assert!(def.pull && def.format().contains("<server transport='unix' socket='/s'/>"));
        assert_eq!(def.disks.unwrap()[0].path.as_deref(), Some("/t"));
    }

    #[test]
    fn a_backup_of_everything_needs_no_disks() {
        assert_eq!(BackupDef::parse("<domainbackup/>"), Ok(BackupDef::default()));
    }

    #[test]
    fn only_disks_that_run_have_a_number() {
        assert_eq!(BackupDef::parse(PUSH).map_err(|error| error.code), Err(code::XML_INVALID_SCHEMA));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let disk = |disk: &str| format!("<domainbackup><disks>{disk}</disks></domainbackup>");
        for (xml, expected) in [
            ("<backup/>".to_owned(), code::XML_ERROR),
            ("<domainbackup mode='sideways'/>".to_owned(), code::XML_INVALID_SCHEMA),
            ("<domainbackup mode='pull'/>".to_owned(), code::XML_INVALID_SCHEMA),
            ("<domainbackup><server transport='tcp'/></domainbackup>".to_owned(), code::XML_INVALID_SCHEMA),
            ("<domainbackup><sideways/></domainbackup>".to_owned(), code::XML_INVALID_SCHEMA),
            ("<domainbackup".to_owned(), code::XML_DETAIL),
            (disk("<disk/>"), code::XML_INVALID_SCHEMA),
            (disk("<disk name='vda'/>"), code::XML_INVALID_SCHEMA),
            (disk("<disk name='vda' type='file'><scratch file='/t'/></disk>"), code::XML_INVALID_SCHEMA),
            (disk("<disk name='vda' type='file'><target dev='/t'/></disk>"), code::XML_INVALID_SCHEMA),
            (disk("<disk name='vda' type='file'><target file='t'/></disk>"), code::XML_INVALID_SCHEMA),
            (disk("<disk name='vda' type='network'/>"), code::XML_INVALID_SCHEMA),
            (disk("<disk name='vda' type='file'><target file='/t'><seclabel/></target></disk>"), code::CONFIG_UNSUPPORTED),
        ] {
            assert_eq!(BackupDef::parse(&xml).map_err(|e| e.code), Err(expected), "{xml}");
        }
    }
}
