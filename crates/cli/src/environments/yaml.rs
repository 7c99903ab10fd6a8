//! Settings in YAML, as the same tree that TOML gives, so that both are understood by the same
//! rules, and each value and error keeps its place in the file.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned as Placed};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// A value of YAML's core schema.
#[derive(Debug)]
enum Node {
    Null,
    Bool(bool),
    /// A number, as TOML writes it.
    Number(String),
    Text(String),
    List(Vec<Placed<Node>>),
    Map(Vec<(Placed<String>, Placed<Node>)>),
}

/// What a file says.
#[derive(Debug)]
pub(super) struct Yaml(Placed<Node>);

/// Why a text can't be read, and at which bytes.
#[derive(Debug)]
pub(super) struct YamlError {
    pub(super) why: String,
    pub(super) at: Option<Range<usize>>,
}

impl Yaml {
    /// Reads a text of one document. A word is true or false only by `true` and `false`.
    pub(super) fn parse(text: &str) -> Result<Self, YamlError> {
        let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
        let read: Result<Placed<Node>, _> = serde_saphyr::from_str_with_options(text, options);
        let root = read.map_err(|error| YamlError {
            at: error.location().map(|place| at(&place, text)),
            why: without_advice(&error.without_snippet().to_string()),
        })?;
        match root.value {
            Node::Map(_) | Node::Null => match nothing_in_a_list(&root) {
                Some(nothing) => Err(YamlError {
                    why: "an entry of this list is nothing; a text like ~ or null wants quotes"
                        .to_owned(),
                    at: Some(bytes(&nothing.referenced)),
                }),
                None => Ok(Self(root)),
            },
            _ => Err(YamlError {
                why: "there are no settings by name in it".to_owned(),
                at: Some(bytes(&root.referenced)),
            }),
        }
    }

    /// The settings; what is null is not there.
    pub(super) fn table(&self) -> Spanned<DeTable<'_>> {
        let table = match &self.0.value {
            Node::Map(entries) => table(entries),
            _ => DeTable::new(),
        };
        Spanned::new(bytes(&self.0.referenced), table)
    }
}

/// What a reader says to programmers, as how to set it up otherwise, helps nobody here.
fn without_advice(said: &str) -> String {
    let end = said.find(", set ").filter(|_| said.contains("Policy")).unwrap_or(said.len());
    said[..end].to_owned()
}

/// An entry of a list that says nothing. A key may be left empty, but an argument may not.
fn nothing_in_a_list(node: &Placed<Node>) -> Option<&Placed<Node>> {
    match &node.value {
        Node::List(nodes) => nodes.iter().find_map(|node| match node.value {
            Node::Null => Some(node),
            _ => nothing_in_a_list(node),
        }),
        Node::Map(entries) => entries.iter().find_map(|(_, node)| nothing_in_a_list(node)),
        _ => None,
    }
}

fn table(entries: &[(Placed<String>, Placed<Node>)]) -> DeTable<'_> {
    let mut table = DeTable::new();
    for (key, node) in entries {
        if let Some(value) = value(node) {
            let key = Spanned::new(bytes(&key.referenced), key.value.as_str().into());
            table.insert(key, value);
        }
    }
    table
}

fn value(node: &Placed<Node>) -> Option<Spanned<DeValue<'_>>> {
    let value = match &node.value {
        Node::Null => return None,
        Node::Bool(value) => DeValue::Boolean(*value),
        Node::Text(text) => DeValue::String(text.as_str().into()),
        Node::Number(number) => match DeValue::parse(number) {
            Ok(value) => value.into_inner(),
            Err(_) => DeValue::String(number.as_str().into()),
        },
        Node::List(nodes) => {
            let values: DeArray<'_> = nodes.iter().filter_map(value).collect();
            DeValue::Array(values)
        }
        Node::Map(entries) => DeValue::Table(table(entries)),
    };
    Some(Spanned::new(bytes(&node.referenced), value))
}

/// The place of an error, which may have no more than a line and a column in characters.
fn at(place: &Location, text: &str) -> Range<usize> {
    if place.span().byte_offset().is_some() {
        return bytes(place);
    }
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
    let mut lines = text.split_inclusive('\n');
    let start: usize = lines.by_ref().take(number(place.line())).map(str::len).sum();
    let line = lines.next().unwrap_or_default();
    let column = line.char_indices().nth(number(place.column())).map(|(at, _)| at);
    let start = start + column.unwrap_or(line.trim_end().len());
    start..start
}

fn bytes(place: &Location) -> Range<usize> {
    let span = place.span();
    let number = |number: Option<u64>| number.and_then(|it| usize::try_from(it).ok());
    let start = number(span.byte_offset()).unwrap_or_default();
    start..start + number(span.byte_len()).unwrap_or_default()
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNode)
    }
}

struct AnyNode;

impl<'de> Visitor<'de> for AnyNode {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a setting")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        // With a point or an exponent, without which TOML takes it for an integer.
        Ok(Node::Number(format!("{value:?}")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = access.next_element()? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }
}
