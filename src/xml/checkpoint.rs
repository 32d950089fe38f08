//! `<domaincheckpoint>`: from when on changes of which disks are kept track of.

use super::domain::check::{only, word};
use super::reader::{self, Element};
use crate::model::{from, Error, Result};

/// A checkpoint that is to begin.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CheckpointDef {
    pub name: String,
    /// `None`: all disks that can be written.
    pub disks: Option<Vec<CheckpointDisk>>,
}

/// One disk of a checkpoint.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CheckpointDisk {
    /// The disk by `<target dev>`.
    pub name: String,
    /// Whether its changes are kept track of.
    pub bitmap: bool,
    /// What the bitmap is called, where that is not the name of the checkpoint.
    pub name_of_bitmap: Option<String>,
}

impl CheckpointDef {
    /// Reads a `<domaincheckpoint>` document; one without a name is called `name`.
    ///
    /// # Errors
    /// `XML_DETAIL` or `XML_ERROR` for what is not one, `CONFIG_UNSUPPORTED` for what cannot be done.
    pub fn parse(xml: &str, name: &str) -> Result<CheckpointDef> {
        reader::parse_as(xml, "domain_checkpoint")
            .and_then(|root| root.expect_name("domaincheckpoint"))
            .and_then(|root| checkpoint(&root, name))
            .map_err(|error| error.or_from(from::DOMAIN))
    }
}

fn checkpoint(root: &Element, default_name: &str) -> Result<CheckpointDef> {
    only(root, &[], &["name", "description", "disks"])?;
    let name = root.child_text("name").map_or(default_name, str::trim).to_owned();
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return Err(Error::xml(format!("invalid checkpoint name '{name}'")));
    }
    let disks = root.child("disks").map(|disks| {
        only(disks, &[], &["disk*"])?;
        disks.children.iter().map(disk).collect::<Result<Vec<_>>>()
    });
    Ok(CheckpointDef { name, disks: disks.transpose()? })
}

fn disk(element: &Element) -> Result<CheckpointDisk> {
    only(element, &["name", "checkpoint", "bitmap"], &[])?;
    let name = element.attr("name").ok_or_else(|| Error::xml("missing name from disk checkpoint element"))?;
    let bitmap = word(element, "checkpoint", &["no", "bitmap"])?.is_none_or(|kind| kind == "bitmap");
    let name_of_bitmap = element.attr("bitmap").map(str::to_owned);
    if !bitmap && name_of_bitmap.is_some() {
        return Err(Error::xml(format!("disk checkpoint bitmap '{}' requires type='bitmap'", name_of_bitmap.unwrap_or_default())));
    }
    Ok(CheckpointDisk { name: name.to_owned(), bitmap, name_of_bitmap })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::code;

    #[test]
    fn a_checkpoint_names_its_bitmaps() {
        let xml = "<domaincheckpoint><name>monday</name><disks><disk name='vda' bitmap='m'/><disk name='vdb' checkpoint='no'/></disks></domaincheckpoint>";
        let def = CheckpointDef::parse(xml, "1").unwrap();
        let disk = |name: &str, bitmap, name_of_bitmap: Option<&str>| CheckpointDisk {
            name: name.to_owned(),
            bitmap,
            name_of_bitmap: name_of_bitmap.map(str::to_owned),
        };
        assert_eq!(def.name, "monday");
        assert_eq!(def.disks.unwrap(), [disk("vda", true, Some("m")), disk("vdb", false, None)]);
    }

    #[test]
    fn a_checkpoint_without_a_name_is_given_one() {
        let def = CheckpointDef::parse("<domaincheckpoint/>", "1700000000");
        assert_eq!(def, Ok(CheckpointDef { name: "1700000000".to_owned(), disks: None }));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (xml, expected) in [
            ("<checkpoint/>", code::XML_ERROR),
            ("<domaincheckpoint><name>a/b</name></domaincheckpoint>", code::XML_ERROR),
            ("<domaincheckpoint><disks><disk/></disks></domaincheckpoint>", code::XML_ERROR),
            ("<domaincheckpoint><disks><disk name='vda' checkpoint='no' bitmap='m'/></disks></domaincheckpoint>", code::XML_ERROR),
            ("<domaincheckpoint><sideways/></domaincheckpoint>", code::CONFIG_UNSUPPORTED),
            ("<domaincheckpoint", code::XML_DETAIL),
        ] {
            assert_eq!(CheckpointDef::parse(xml, "1").map_err(|e| e.code), Err(expected), "{xml}");
        }
    }
}
