//! What libvirt's document of a running domain says of its disks.

use crate::job::DiskTarget;
use crate::model::Result;
use crate::xml::reader::{parse, Element};

/// One disk.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct DiskView {
    /// Its `<target dev>`.
    pub target: String,
    /// Its images from the top down: where each is, and libvirt's number of it.
    pub chain: Vec<(String, u32)>,
    pub mirror: Option<Mirror>,
}

/// What a disk is copied to, or an active commit of it writes to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Mirror {
    pub target: DiskTarget,
    /// `copy` or `active-commit`.
    pub job: String,
    pub ready: bool,
}

impl DiskView {
    /// Where its top image is.
    pub fn source(&self) -> &str {
        self.chain.first().map_or("", |(path, _)| path)
    }
}

/// The disks of a domain.
///
/// # Errors
/// `XML_ERROR` for what is no domain's document.
pub(super) fn disks_of(xml: &str) -> Result<Vec<DiskView>> {
    let domain = parse(xml)?.expect_name("domain")?;
    let devices = domain.child("devices");
    let disks = devices.into_iter().flat_map(|devices| devices.children_named("disk"));
    Ok(disks.map(disk).filter(|disk| !disk.target.is_empty()).collect())
}

fn disk(element: &Element) -> DiskView {
    let target = element.child("target").and_then(|target| target.attr("dev")).unwrap_or_default().to_owned();
    let mut chain = Vec::new();
    let mut level = Some(element);
    while let Some(image) = level {
        if let Some(source) = image.child("source") {
            chain.push((path(source), number(source.attr("index"))));
        }
        level = image.child("backingStore");
    }
    let mirror = element.child("mirror").map(|mirror| Mirror {
        target: DiskTarget { disk: target.clone(), ..image(mirror, mirror.attr("type")) },
        job: mirror.attr("job").unwrap_or_default().to_owned(),
        ready: mirror.attr("ready") == Some("yes"),
    });
    DiskView { target, chain, mirror }
}

/// An image as the target of a job: `element` holds its `<source>` (or `<target>`, in a backup) and its format.
pub(super) fn image(element: &Element, kind: Option<&str>) -> DiskTarget {
    let source = element.child("source").or_else(|| element.child("target"));
    let format = element.child("format").or_else(|| element.child("driver")).and_then(|format| format.attr("type"));
    DiskTarget {
        disk: String::new(),
        path: source.map(path).unwrap_or_default(),
        format: format.unwrap_or_default().to_owned(),
        kind: kind.unwrap_or_default().to_owned(),
        index: source.map_or(0, |source| number(source.attr("index"))),
    }
}

fn path(source: &Element) -> String {
    ["file", "dev", "name", "volume", "dir"].into_iter().find_map(|name| source.attr(name)).unwrap_or_default().to_owned()
}

fn number(text: Option<&str>) -> u32 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<domain type='kvm' id='1'><name>t</name><devices><disk type='file' device='disk'>\
        <source file='/i/top.qcow2' index='1'/><backingStore type='file' index='3'><format type='qcow2'/>\
        <source file='/i/base.qcow2' index='3'/><backingStore/></backingStore>\
        <mirror type='file' job='copy' ready='yes'><format type='qcow2'/><source file='/i/copy.qcow2' index='4'/></mirror>\
        <target dev='vda' bus='virtio'/></disk><disk device='cdrom'><target dev='sda'/></disk></devices></domain>";

    #[test]
    fn a_disk_shows_its_chain_and_its_mirror() {
        let disks = disks_of(XML).unwrap();
        assert_eq!(disks.len(), 2);
        assert_eq!(disks[0].source(), "/i/top.qcow2");
        assert_eq!(disks[0].chain.len(), 2);
        let mirror = disks[0].mirror.as_ref().unwrap();
        assert!(mirror.ready && mirror.job == "copy");
        assert_eq!((mirror.target.path.as_str(), mirror.target.format.as_str()), ("/i/copy.qcow2", "qcow2"));
        assert_eq!(disks[1], DiskView { target: "sda".into(), ..DiskView::default() });
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        assert!(disks_of("<network/>").is_err());
        assert!(disks_of("").is_err());
    }
}
