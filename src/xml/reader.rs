//! Reads documents that are not trusted into a small tree.
//!
//! Only what XML 1.0 needs for data is understood. A document type, and with it every entity beyond the five
//! predefined ones, is refused, and so is what exceeds a limit: the tree is never much larger than the text.

use std::borrow::Cow;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::model::{code, Error, Result};

/// The longest document that is read, in bytes; libvirt's RPC has the same bound on strings.
pub const MAX_BYTES: usize = 4 << 20;
/// The deepest nesting of elements: libxml2's default, enough for a chain of 200 images, libvirt's longest.
pub const MAX_DEPTH: usize = 256;
/// The most elements and attributes in a document.
pub const MAX_NODES: usize = 100_000;
/// The most attributes of one element.
pub const MAX_ATTRIBUTES: usize = 64;

/// How much of a faulty line an error message quotes before and after the fault, in characters.
const QUOTED: usize = 40;

/// An element and what is in it. Names keep their namespace prefix as it is written.
#[derive(Clone, Debug, Default)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    /// The text before the first child element.
    pub text: String,
    /// The text between this element's end and its next sibling, or its parent's end.
    pub tail: String,
    /// The line of the document that it begins on, from 1.
    pub line: u32,
}

impl Element {
    /// The value of an attribute.
    pub fn attr(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first child of that name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of that name, in document order.
    pub fn children_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text in the first child of that name.
    pub fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// Fails unless the element has this name, as the root of a document must.
    ///
    /// # Errors
    /// `XML_ERROR` that says which element was expected.
    pub fn expect_name(self, name: &str) -> Result<Element> {
        if self.name == name {
            return Ok(self);
        }
        Err(Error::xml(format!("expecting root element of '{name}', not '{}'", self.name)))
    }
}

/// Elements are equal if they say the same, wherever they stand.
impl PartialEq for Element {
    fn eq(&self, other: &Element) -> bool {
        self.name == other.name
            && self.attributes == other.attributes
            && self.text == other.text
            && self.tail == other.tail
            && self.children == other.children
    }
}

/// Reads a document.
///
/// # Errors
/// `XML_DETAIL`, with the line and an excerpt of it, for what is not well-formed XML or exceeds a limit.
pub fn parse(text: &str) -> Result<Element> {
    parse_as(text, "document")
}

/// Reads a document that error messages call `what`, such as `domain_definition`.
///
/// # Errors
/// As [`parse`].
pub fn parse_as(text: &str, what: &str) -> Result<Element> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder { text, what, line: 1, counted: 0, nodes: 0, open: Vec::new(), root: None };
    if text.len() > MAX_BYTES {
        return Err(builder.fault(0, format!("document of {} bytes is longer than {MAX_BYTES}", text.len())));
    }
    if let Some((at, c)) = text.char_indices().find(|&(_, c)| !is_xml_char(c)) {
        return Err(builder.fault(at, format!("character U+{:04X} is not allowed in XML", u32::from(c))));
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_comments = true;
    loop {
        let at = offset(reader.buffer_position());
        match reader.read_event() {
            Ok(Event::Eof) => return builder.finish(),
            Ok(event) => builder.take(event, at)?,
            Err(error) => {
                let at = offset(reader.error_position());
                return Err(builder.fault(at, describe(&error)));
            }
        }
    }
}

/// The tree as far as it has been read.
struct Builder<'a> {
    text: &'a str,
    what: &'a str,
    /// The line of the byte at `counted`.
    line: u32,
    counted: usize,
    nodes: usize,
    /// Elements whose end has not come, outermost first.
    open: Vec<Element>,
    root: Option<Element>,
}

impl Builder<'_> {
    /// Takes the event that begins at the byte `at`.
    fn take(&mut self, event: Event<'_>, at: usize) -> Result<()> {
        match event {
            Event::Start(tag) => {
                let element = self.element(&tag, at)?;
                if self.open.len() == MAX_DEPTH {
                    return Err(self.fault(at, format!("elements are nested deeper than {MAX_DEPTH}")));
                }
                self.open.push(element);
                Ok(())
            }
            Event::Empty(tag) => {
                let element = self.element(&tag, at)?;
                self.close(element);
                Ok(())
            }
            Event::End(_) => {
                if let Some(element) = self.open.pop() {
                    self.close(element);
                }
                Ok(())
            }
            Event::Text(text) => match text.find("]]>") {
                Some(i) => Err(self.fault(at + i, "sequence ']]>' is not allowed in content")),
                None => self.characters(&text.xml10_content(), at),
            },
            Event::CData(text) if self.open.is_empty() => Err(self.misplaced(at, &text.xml10_content())),
            Event::CData(text) => self.characters(&text.xml10_content(), at),
            Event::GeneralRef(reference) => self.reference(&reference, at),
            Event::Decl(declaration) => self.declaration(&declaration, at),
            Event::DocType(_) => Err(self.fault(at, "a document type declaration is not accepted")),
            Event::PI(instruction) => match instruction.target() {
                target if target.eq_ignore_ascii_case("xml") => Err(self.fault(at, "reserved name of a processing instruction")),
                target => self.name(target, at).map(drop),
            },
            Event::Comment(_) | Event::Eof => Ok(()),
        }
    }

    /// The tree, if all of the document has been read and there is one.
    fn finish(mut self) -> Result<Element> {
        if let Some(element) = self.open.last() {
            let message = format!("element '{}' of line {} is not closed", element.name, element.line);
            return Err(self.fault(self.text.len(), message));
        }
        match self.root.take() {
            Some(root) => Ok(root),
            None if self.text.is_empty() => Err(self.fault(0, "document is empty")),
            None => Err(self.fault(self.text.len(), "document has no element")),
        }
    }

    /// Reads a start tag.
    fn element(&mut self, tag: &BytesStart<'_>, at: usize) -> Result<Element> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(self.fault(at, "extra content at the end of the document"));
        }
        self.count(at)?;
        let name = self.name(tag.name().as_ref(), at)?;
        if !are_apart(tag.attributes_raw()) {
            return Err(self.fault(at, format!("attributes of element '{name}' are not separated by space")));
        }
        let mut attributes = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| self.fault(at, format!("element '{name}': {error}")))?;
            if attributes.len() == MAX_ATTRIBUTES {
                return Err(self.fault(at, format!("element '{name}' has more than {MAX_ATTRIBUTES} attributes")));
            }
            self.count(at)?;
            let key = self.name(attribute.key.as_ref(), at)?;
            if attribute.value.contains('<') {
                return Err(self.fault(at, format!("value of attribute '{key}' contains '<'")));
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| self.fault(at, describe(&error)))?;
            attributes.push((key, self.legal(value, at)?.into_owned()));
        }
        let line = self.line_at(at);
        Ok(Element { name, attributes, line, ..Element::default() })
    }

    fn count(&mut self, at: usize) -> Result<()> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.fault(at, format!("document has more than {MAX_NODES} elements and attributes")));
        }
        Ok(())
    }

    fn close(&mut self, element: Element) {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    /// Adds text to where it stands.
    fn characters(&mut self, text: &str, at: usize) -> Result<()> {
        let Some(parent) = self.open.last_mut() else {
            return if text.chars().all(is_space) { Ok(()) } else { Err(self.misplaced(at, text)) };
        };
        match parent.children.last_mut() {
            Some(sibling) => sibling.tail.push_str(text),
            None => parent.text.push_str(text),
        }
        Ok(())
    }

    /// The error for text outside the root element.
    fn misplaced(&mut self, at: usize, text: &str) -> Error {
        let indent = text.find(|c| !is_space(c)).unwrap_or(0);
        let why = if self.root.is_some() { "extra content at the end of the document" } else { "start tag expected, '<' not found" };
        self.fault(at + indent, why)
    }

    fn reference(&mut self, reference: &BytesRef<'_>, at: usize) -> Result<()> {
        if self.open.is_empty() {
            return Err(self.misplaced(at, reference));
        }
        match reference.resolve_char_ref() {
            Ok(Some(c)) => {
                let mut buffer = [0; 4];
                let text = self.legal(Cow::Borrowed(&*c.encode_utf8(&mut buffer)), at)?;
                self.characters(&text, at)
            }
            Ok(None) => match resolve_predefined_entity(reference) {
                Some(text) => self.characters(text, at),
                None => Err(self.fault(at, format!("entity '{}' is not defined", &**reference))),
            },
            Err(error) => Err(self.fault(at, describe(&error))),
        }
    }

    fn declaration(&mut self, declaration: &BytesDecl<'_>, at: usize) -> Result<()> {
        if at != 0 {
            return Err(self.fault(at, "XML declaration is not at the start of the document"));
        }
        match declaration.version() {
            Ok(version) if version == "1.0" => {}
            Ok(version) => return Err(self.fault(at, format!("XML version '{version}' is not supported"))),
            Err(error) => return Err(self.fault(at, describe(&error))),
        }
        match declaration.encoding() {
            None => Ok(()),
            Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("us-ascii") => Ok(()),
            Some(Ok(name)) => Err(self.fault(at, format!("encoding '{name}' is not supported"))),
            Some(Err(error)) => Err(self.fault(at, error)),
        }
    }

    fn name(&mut self, name: &str, at: usize) -> Result<String> {
        if is_name(name) {
            return Ok(name.to_owned());
        }
        Err(self.fault(at, format!("'{name}' is not a valid name")))
    }

    /// Fails on characters that a reference has brought in although XML forbids them.
    fn legal<'t>(&mut self, text: Cow<'t, str>, at: usize) -> Result<Cow<'t, str>> {
        match text.chars().find(|&c| !is_xml_char(c)) {
            None => Ok(text),
            Some(c) => Err(self.fault(at, format!("character U+{:04X} is not allowed in XML", u32::from(c)))),
        }
    }

    /// The line of a byte; asked for in rising order, so that the text is gone through once.
    fn line_at(&mut self, at: usize) -> u32 {
        let passed = self.text.as_bytes().get(self.counted..at).unwrap_or_default();
        self.line = self.line.saturating_add(u32::try_from(passed.iter().filter(|&&b| b == b'\n').count()).unwrap_or(u32::MAX));
        self.counted = self.counted.max(at);
        self.line
    }

    /// An error at a byte of the text: document, line and reason, then the place itself.
    fn fault(&mut self, at: usize, why: impl std::fmt::Display) -> Error {
        let line = self.line_at(at);
        let (quote, column) = excerpt(self.text, at);
        Error::new(code::XML_DETAIL, format!("({}):{line}: {why}\n{quote}\n{}^", self.what, "-".repeat(column)))
    }
}

/// The part of a line around a byte, and the column of that byte in it.
fn excerpt(text: &str, at: usize) -> (String, usize) {
    let at = (0..=at.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    let (before, after) = text.split_at(at);
    let before: Vec<char> = before.chars().rev().take_while(|&c| c != '\n').take(QUOTED).collect();
    let after = after.chars().take_while(|&c| c != '\n').take(QUOTED);
    (before.iter().rev().copied().chain(after).collect(), before.len())
}

/// What went wrong, without the class that quick-xml puts before it.
fn describe(error: &quick_xml::Error) -> String {
    match error {
        quick_xml::Error::Syntax(inner) => inner.to_string(),
        quick_xml::Error::IllFormed(inner) => inner.to_string(),
        quick_xml::Error::InvalidAttr(inner) => inner.to_string(),
        quick_xml::Error::Escape(quick_xml::escape::EscapeError::UnrecognizedEntity(_, name)) => {
            format!("entity '{name}' is not defined")
        }
        other => other.to_string(),
    }
}

/// A position as quick-xml counts it; no document is longer than memory.
fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Whether there is space after every attribute value but the last; quick-xml does without.
fn are_apart(attributes: &str) -> bool {
    let mut quote = None;
    let mut closed = false;
    for c in attributes.chars() {
        match quote {
            Some(q) if q == c => (quote, closed) = (None, true),
            Some(_) => {}
            None if closed && !is_space(c) => return false,
            None => (quote, closed) = (matches!(c, '\'' | '"').then_some(c), false),
        }
    }
    true
}

/// The `Char` production of XML 1.0.
pub(super) fn is_xml_char(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        c => c >= ' ',
    }
}

/// The `Name` production of XML 1.0.
fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(starts_name) && chars.all(continues_name)
}

fn starts_name(c: char) -> bool {
    match c {
        ':' | '_' => true,
        '\u{d7}' | '\u{f7}' | '\u{37e}' => false,
        '\u{c0}'..='\u{2ff}' | '\u{370}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}' => true,
        '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' => true,
        '\u{10000}'..='\u{effff}' => true,
        c => c.is_ascii_alphabetic(),
    }
}

fn continues_name(c: char) -> bool {
    starts_name(c) || c.is_ascii_digit() || matches!(c, '-' | '.' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

#[cfg(test)]
mod tests;
