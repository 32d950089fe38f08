//! Writes documents in libvirt's layout: two spaces a level, single quotes, empty elements closed in their own tag.

use super::reader::{is_xml_char, Element};

/// What is written in place of a character that no XML 1.0 document can hold, not even as a reference.
const REPLACEMENT: char = '\u{fffd}';

/// A start tag: a name and its attributes, in the order in which they were added.
#[derive(Clone, Debug)]
pub struct Tag {
    name: &'static str,
    attributes: String,
}

impl Tag {
    pub fn new(name: &'static str) -> Tag {
        Tag { name, attributes: String::new() }
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attr(mut self, name: &str, value: impl AsRef<str>) -> Tag {
        self.attributes.push(' ');
        self.attributes.push_str(name);
        self.attributes.push_str("='");
        escape(value.as_ref(), Place::Attribute, &mut self.attributes);
        self.attributes.push('\'');
        self
    }

    /// Adds an attribute if there is a value for it.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<impl AsRef<str>>) -> Tag {
        match value {
            Some(value) => self.attr(name, value),
            None => self,
        }
    }
}

/// A document as far as it has been written.
#[derive(Debug, Default)]
pub struct Writer {
    out: String,
    open: Vec<&'static str>,
    /// The innermost start tag has no `>` yet: it may turn out to be empty.
    pending: bool,
}

impl Writer {
    pub fn new() -> Writer {
        Writer::default()
    }

    /// Begins an element whose content follows, until [`close`](Writer::close).
    pub fn open(&mut self, tag: Tag) {
        self.start(&tag);
        self.open.push(tag.name);
        self.pending = true;
    }

    /// Ends the element that was opened last.
    pub fn close(&mut self) {
        let Some(name) = self.open.pop() else { return };
        if std::mem::take(&mut self.pending) {
            self.out.push_str("/>\n");
            return;
        }
        self.indent();
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push_str(">\n");
    }

    /// An element without content.
    pub fn empty(&mut self, tag: Tag) {
        self.start(&tag);
        self.out.push_str("/>\n");
    }

    /// An element with nothing but text in it.
    pub fn text(&mut self, tag: Tag, text: impl AsRef<str>) {
        let text = text.as_ref();
        self.start(&tag);
        if text.is_empty() {
            self.out.push_str("/>\n");
            return;
        }
        self.out.push('>');
        escape(text, Place::Text, &mut self.out);
        self.out.push_str("</");
        self.out.push_str(tag.name);
        self.out.push_str(">\n");
    }

    /// An element with text, if there is any.
    pub fn maybe_text(&mut self, name: &'static str, text: Option<impl AsRef<str>>) {
        if let Some(text) = text {
            self.text(Tag::new(name), text);
        }
    }

    /// A line that is XML already.
    pub fn verbatim(&mut self, xml: &str) {
        self.finish_tag();
        self.indent();
        self.out.push_str(xml);
        self.out.push('\n');
    }

    /// The document, with everything closed that is still open.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }

    fn start(&mut self, tag: &Tag) {
        self.finish_tag();
        self.indent();
        self.out.push('<');
        self.out.push_str(tag.name);
        self.out.push_str(&tag.attributes);
    }

    fn finish_tag(&mut self) {
        if std::mem::take(&mut self.pending) {
            self.out.push_str(">\n");
        }
    }

    fn indent(&mut self) {
        self.out.extend(std::iter::repeat_n("  ", self.open.len()));
    }
}

/// An element as it was read, on as many lines as it was written on. Its tail is left out.
pub fn source(element: &Element) -> String {
    let mut out = String::new();
    append_source(element, &mut out);
    out
}

/// The nesting is bounded by the reader.
fn append_source(element: &Element, out: &mut String) {
    out.push('<');
    out.push_str(&element.name);
    for (name, value) in &element.attributes {
        out.push(' ');
        out.push_str(name);
        out.push_str("='");
        escape(value, Place::Attribute, out);
        out.push('\'');
    }
    if element.text.is_empty() && element.children.is_empty() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    escape(&element.text, Place::Text, out);
    for child in &element.children {
        append_source(child, out);
        escape(&child.tail, Place::Text, out);
    }
    out.push_str("</");
    out.push_str(&element.name);
    out.push('>');
}

/// Where text is to stand: readers turn line breaks in an attribute into spaces unless they are references.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Attribute,
    Text,
}

fn escape(text: &str, place: Place, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' if place == Place::Attribute => out.push_str("&#10;"),
            '\t' if place == Place::Attribute => out.push_str("&#9;"),
            c => out.push(if is_xml_char(c) { c } else { REPLACEMENT }),
        }
    }
}
