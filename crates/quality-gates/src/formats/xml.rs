//! A document as a tree, since none of the formats is so large that reading it in pieces would
//! pay.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use super::utf8;
use crate::Fault;

/// How deep elements may stand in each other: dropping a tree recurs.
const DEPTH: usize = 128;

/// One element, without its namespace.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// A number, where the attribute is one.
    pub(super) fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.attribute(name)?.trim().parse().ok()
    }

    pub(super) fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// All elements below of this name, this one too, in document order.
    pub(super) fn all<'a>(&'a self, name: &str) -> Vec<&'a Self> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(element) = open.pop() {
            if element.name == name {
                found.push(element);
            }
            open.extend(element.children.iter().rev());
        }
        found
    }
}

/// Reads a whole document with one root element.
pub(super) fn parse(what: &str, bytes: &[u8]) -> Result<Element, Fault> {
    let text = utf8(what, bytes)?;
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    loop {
        let wrong = |error: &dyn std::fmt::Display, at: u64| {
            Fault::unparsable(what, format!("at byte {at}: {error}"))
        };
        let at = reader.buffer_position();
        match reader.read_event().map_err(|error| wrong(&error, at))? {
            Event::Start(tag) => {
                open.push(element(&tag).map_err(|error| wrong(&error, at))?);
                if open.len() > DEPTH {
                    return Err(wrong(&"elements stand too deep in each other", at));
                }
            }
            Event::Empty(tag) => {
                let element = element(&tag).map_err(|error| wrong(&error, at))?;
                close(&mut open, &mut root, element).map_err(|error| wrong(&error, at))?;
            }
            Event::End(_) => {
                let Some(element) = open.pop() else {
                    return Err(wrong(&"an end without a start", at));
                };
                close(&mut open, &mut root, element).map_err(|error| wrong(&error, at))?;
            }
            Event::Text(text) => {
                let text = text.unescape().map_err(|error| wrong(&error, at))?;
                match open.last_mut() {
                    Some(element) => element.text.push_str(&text),
                    None if text.trim().is_empty() => {}
                    None => return Err(wrong(&"text outside the document", at)),
                }
            }
            Event::CData(text) => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&String::from_utf8_lossy(&text));
                }
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    if let Some(element) = open.last() {
        return Err(Fault::unparsable(what, format!("it ends inside <{}>", element.name)));
    }
    root.ok_or_else(|| Fault::unparsable(what, "it has no element"))
}

fn element(tag: &BytesStart<'_>) -> Result<Element, String> {
    let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut attributes = BTreeMap::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let raw = name(&attribute.value);
        let value = unescape(&raw).map_err(|error| error.to_string())?.into_owned();
        attributes.insert(name(attribute.key.local_name().as_ref()), value);
    }
    let name = name(tag.local_name().as_ref());
    Ok(Element { name, attributes, ..Element::default() })
}

fn close(
    open: &mut [Element],
    root: &mut Option<Element>,
    element: Element,
) -> Result<(), &'static str> {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None if root.is_some() => return Err("a second document begins"),
        None => *root = Some(element),
    }
    Ok(())
}
