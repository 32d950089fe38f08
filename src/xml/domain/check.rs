//! Strictness: an element may have the attributes and children that its reader knows, and no others.

use crate::model::{from, Error, Result};
use crate::xml::reader::Element;

/// Fails on an attribute or child that is not listed, and on a second child of a kind that may be there once.
/// A `*` after a child's name allows any number.
pub(crate) fn only(element: &Element, attributes: &[&str], children: &[&str]) -> Result<()> {
    known_attributes(element, attributes)?;
    known_children(element, children, |_| false)
}

/// Fails on an attribute that is not listed; declarations of namespaces are allowed everywhere.
pub(super) fn known_attributes(element: &Element, names: &[&str]) -> Result<()> {
    let known = |name: &str| names.contains(&name) || name == "xmlns" || name.starts_with("xmlns:");
    match element.attributes.iter().find(|(name, _)| !known(name)) {
        None => Ok(()),
        Some((name, _)) => {
            Err(Error::config(format!("attribute '{name}' of element '{}' (line {}) is not supported", element.name, element.line)))
        }
    }
}

/// The part of [`only`] that looks at children; those that `skip` selects are left to the caller.
pub(super) fn known_children(element: &Element, names: &[&str], skip: impl Fn(&Element) -> bool) -> Result<()> {
    for (i, child) in element.children.iter().enumerate().filter(|(_, child)| !skip(child)) {
        let Some(known) = names.iter().find(|known| known.trim_end_matches('*') == child.name) else {
            return Err(unsupported_in(child, element));
        };
        if !known.ends_with('*') && element.children[..i].iter().any(|c| c.name == child.name) {
            return Err(Error::xml(format!("element '{}' (line {}) is given twice in element '{}'", child.name, child.line, element.name)));
        }
    }
    Ok(())
}

/// The error for an element that cannot be honoured.
pub(super) fn unsupported_in(child: &Element, parent: &Element) -> Error {
    Error::config(format!("element '{}' in element '{}' (line {}) is not supported", child.name, parent.name, child.line))
}

/// The error for a value that libvirt has, but that cannot be honoured.
pub(super) fn unsupported_value(what: &str, value: &str) -> Error {
    Error::config(format!("{what} '{value}' is not supported"))
}

/// The error for a value that libvirt does not have either.
pub(crate) fn invalid_attribute(element: &Element, name: &str, value: &str) -> Error {
    let message = format!("Invalid value for attribute '{name}' in element '{}': '{value}'.", element.name);
    Error::xml(message).raised_by(from::XML)
}

/// An attribute that takes one of a set of words, the word `default` being the same as none.
pub(crate) fn word(element: &Element, name: &str, words: &[&str]) -> Result<Option<String>> {
    match element.attr(name) {
        None | Some("default") => Ok(None),
        Some(value) if words.contains(&value) => Ok(Some(value.to_owned())),
        Some(value) => Err(invalid_attribute(element, name, value)),
    }
}

/// An attribute that is a number.
pub(super) fn number(element: &Element, name: &str) -> Result<Option<u32>> {
    let Some(value) = element.attr(name) else { return Ok(None) };
    let parsed = value.trim().parse().map(Some);
    parsed.map_err(|_| {
        let message = format!("Invalid value for attribute '{name}' in element '{}': '{value}'. Expected integer value", element.name);
        Error::xml(message).raised_by(from::XML)
    })
}

/// Text of an element, if it says anything.
pub(super) fn text_of(parent: &Element, name: &str) -> Option<String> {
    parent.child_text(name).filter(|text| !text.is_empty()).map(str::to_owned)
}
