//! `<domainbackup>`: which disks a backup is made of, and where to.

use super::domain::check::{invalid_attribute, only, word};
use super::reader::{self, Element};
use super::writer::{Tag, Writer};
use crate::model::disk::ImageKind;
use crate::model::{from, Error, Result};

/// A backup, as it was asked for or as it runs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BackupDef {
    /// The client reads the backup from a server, rather than the hypervisor writing it.
    pub pull: bool,
    pub incremental: Option<String>,
    /// The attributes of `<server>`.
    pub server: Option<Vec<(String, String)>>,
    /// In the order of the document. `None`: all disks of the domain.
    pub disks: Option<Vec<BackupDisk>>,
}

/// One disk of a backup.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BackupDisk {
    /// The disk by `<target dev>` or source path.
    pub name: String,
    pub backup: bool,
    /// The target of a push, or the scratch image of a pull.
    pub path: Option<String>,
    pub kind: ImageKind,
    pub format: Option<String>,
    /// The number of the target in the running domain; 0 if it has none.
    pub index: u32,
}

impl BackupDef {
    /// Reads a `<domainbackup>` document.
    ///
    /// # Errors
    /// `XML_DETAIL` or `XML_ERROR` for what is not one, `CONFIG_UNSUPPORTED` for what cannot be done.
    pub fn parse(xml: &str) -> Result<BackupDef> {
        reader::parse_as(xml, "domain_backup")
            .and_then(|root| root.expect_name("domainbackup"))
            .and_then(|root| backup(&root))
            .map_err(|error| error.or_from(from::DOMAIN))
    }

    /// Prints the backup in libvirt's layout.
    pub fn format(&self) -> String {
        let mut w = Writer::new();
        w.open(Tag::new("domainbackup").attr("mode", if self.pull { "pull" } else { "push" }));
        w.maybe_text("incremental", self.incremental.as_ref());
        if let Some(attributes) = &self.server {
            w.empty(attributes.iter().fold(Tag::new("server"), |tag, (name, value)| tag.attr(name, value)));
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
        let index = (disk.index > 0).then(|| disk.index.to_string());
        let mode = self.incremental.as_ref().map_or("full", |_| "incremental");
        w.open(
            tag.attr("type", disk.kind.as_str())
                .attr("backupmode", mode)
                .maybe("incremental", self.incremental.as_ref())
                .maybe("index", index),
        );
        if let Some(format) = &disk.format {
            w.empty(Tag::new("driver").attr("type", format));
        }
        let place = if disk.kind == ImageKind::Block { "dev" } else { "file" };
        w.empty(Tag::new(if self.pull { "scratch" } else { "target" }).attr(place, path));
        w.close();
    }
}

fn backup(root: &Element) -> Result<BackupDef> {
    only(root, &["mode", "id"], &["incremental", "server", "disks"])?;
    let pull = word(root, "mode", &["push", "pull"])?.is_some_and(|mode| mode == "pull");
    let server = root.child("server").map(|server| {
        only(server, &["transport", "name", "port", "socket", "tls"], &[])?;
        Ok::<_, Error>(server.attributes.clone())
    });
    let incremental = root.child_text("incremental").map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let disks = root.child("disks").map(|disks| {
        only(disks, &[], &["disk*"])?;
        disks.children.iter().map(|element| disk(element, pull)).collect::<Result<Vec<_>>>()
    });
    let def = BackupDef { pull, incremental, server: server.transpose()?, disks: disks.transpose()? };
    match &def.server {
        Some(_) if !pull => Err(Error::xml("use of <server> requires pull mode backup")),
        _ => Ok(def),
    }
}

fn disk(element: &Element, pull: bool) -> Result<BackupDisk> {
    let (place, other) = if pull { ("scratch", "target") } else { ("target", "scratch") };
    if element.child(other).is_some() {
        return Err(Error::xml(format!("<{other}> of a backup disk does not go with mode '{}'", if pull { "pull" } else { "push" })));
    }
    only(element, &["name", "backup", "type", "backupmode", "incremental", "index", "exportname", "exportbitmap"], &["driver", place])?;
    let name = element.attr("name").ok_or_else(|| Error::xml("missing name from disk backup element"))?.to_owned();
    let backup = word(element, "backup", &["yes", "no"])?.is_none_or(|answer| answer == "yes");
    let kind = match element.attr("type") {
        None | Some("file") => ImageKind::File,
        Some("block") => ImageKind::Block,
        Some(kind @ "network") => return Err(Error::config(format!("disk backup type '{kind}' is not supported"))),
        Some(kind) => return Err(invalid_attribute(element, "type", kind)),
    };
    let target = element.child(place);
    target.map_or(Ok(()), |target| only(target, &["file", "dev"], &[]))?;
    let attribute = if kind == ImageKind::Block { "dev" } else { "file" };
    let path = target.map(|target| target.attr(attribute).map(str::to_owned).ok_or_else(|| no_path(target, attribute))).transpose()?;
    if kind == ImageKind::Block && backup && path.is_none() {
        return Err(Error::xml(format!("disk backup of '{name}' to a block device needs a <{place}>")));
    }
    let driver = element.child("driver");
    driver.map_or(Ok(()), |driver| only(driver, &["type"], &[]))?;
    let format = driver.and_then(|driver| driver.attr("type")).map(str::to_owned);
    Ok(BackupDisk { name, backup, path, kind, format, index: 0 })
}

fn no_path(element: &Element, attribute: &str) -> Error {
    Error::xml(format!("element '{}' (line {}) has no attribute '{attribute}'", element.name, element.line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::code;

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

    #[test]
    fn a_backup_is_printed_as_libvirt_prints_it() {
        let mut def = BackupDef::parse(PUSH).unwrap();
        assert!(!def.pull);
        def.disks.as_mut().unwrap()[0].index = 7;
        assert_eq!(def.format(), PUSH);
    }

    #[test]
    fn a_pull_names_its_server_and_scratch_files() {
        let xml = "<domainbackup mode='pull'><server transport='unix' socket='/s'/><disks><disk name='vda'><scratch file='/t'/></disk></disks></domainbackup>";
        let def = BackupDef::parse(xml).unwrap();
        assert!(def.pull && def.format().contains("<server transport='unix' socket='/s'/>"));
        assert_eq!(def.disks.unwrap()[0].path.as_deref(), Some("/t"));
    }

    #[test]
    fn a_backup_of_everything_needs_no_disks() {
        assert_eq!(BackupDef::parse("<domainbackup/>"), Ok(BackupDef::default()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (xml, expected) in [
            ("<backup/>", code::XML_ERROR),
            ("<domainbackup mode='sideways'/>", code::XML_ERROR),
            ("<domainbackup><disks><disk/></disks></domainbackup>", code::XML_ERROR),
            ("<domainbackup><server transport='tcp'/></domainbackup>", code::XML_ERROR),
            ("<domainbackup><disks><disk name='vda'><scratch file='/t'/></disk></disks></domainbackup>", code::XML_ERROR),
            ("<domainbackup><disks><disk name='vda'><target dev='/t'/></disk></disks></domainbackup>", code::XML_ERROR),
            ("<domainbackup><disks><disk name='vda' type='network'/></disks></domainbackup>", code::CONFIG_UNSUPPORTED),
            ("<domainbackup><sideways/></domainbackup>", code::CONFIG_UNSUPPORTED),
            ("<domainbackup", code::XML_DETAIL),
        ] {
            assert_eq!(BackupDef::parse(xml).map_err(|e| e.code), Err(expected), "{xml}");
        }
    }
}
