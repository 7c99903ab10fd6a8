//! Names as text: one line for each, sorted, valid Turtle.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;

use evergen_delta::TermRef;
use evergen_knowledge::{Format, Limits, SyntaxError, parse};

use super::{Given, NameScope, Names, Wanted, fold};
use crate::vocabulary::EVERGEN;

/// What a thing is named as, where it is no member of an enumeration.
pub(crate) const CLASS: &str = "https://evergen.dev/ns#Class";
pub(crate) const PROPERTY: &str = "https://evergen.dev/ns#Property";
const ALSO: &str = "https://evergen.dev/ns/also?is=";

/// One subject of the text.
pub(super) struct Line<'a> {
    pub(super) subject: String,
    pub(super) scope: &'a str,
    pub(super) given: &'a Given,
}

/// A text of names that can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NamesError {
    /// It is no Turtle.
    #[error("the names are no valid Turtle")]
    Syntax(#[source] Box<SyntaxError>),
    /// A subject says nothing, or several things, where it must say one.
    #[error("<{subject}> needs one ev:{property} with a value that it can have")]
    NotOne {
        /// The subject.
        subject: String,
        /// The property, without prefix.
        property: &'static str,
    },
}

impl Wanted {
    /// Whether what it names can be written in Turtle.
    pub(super) fn can_be_written(&self) -> bool {
        let is_iri = |text: &str| {
            let scheme = text.split(':').next().unwrap_or_default();
            text.len() > scheme.len()
                && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && !text.chars().any(|c| c <= ' ' || "<>\"{}|^`\\".contains(c))
        };
        let of = match &self.scope {
            NameScope::Member(of) => of.as_str(),
            NameScope::Class => CLASS,
            NameScope::Property => PROPERTY,
        };
        is_iri(&self.iri) && is_iri(of)
    }
}

impl Names {
    /// The names in a text that was printed, and perhaps edited.
    ///
    /// # Errors
    /// The text is no Turtle, or a subject lacks what it needs. Names that clash are no error;
    /// see [`clashes`](Self::clashes).
    pub fn parse(text: &str) -> Result<Self, NamesError> {
        let limits = Limits::default();
        let source = parse(text.as_bytes(), Format::Turtle, "https://evergen.dev/names", &limits)
            .map_err(|mut errors| NamesError::Syntax(Box::new(errors.swap_remove(0))))?;
        let mut subjects: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
        for quad in &source.ground {
            let terms = [quad.subject, quad.predicate, quad.object].map(|id| source.terms.get(id));
            let [Some(subject), Some(predicate), Some(object)] = terms else { continue };
            if let Some(property) = predicate.text().strip_prefix(EVERGEN) {
                let said = subjects.entry(subject.text()).or_default();
                said.entry(property).or_default().push(object.text());
            }
        }
        let mut names = Self::default();
        for (subject, said) in subjects {
            let not_one = |property| NamesError::NotOne { subject: subject.to_owned(), property };
            let one = |property: &'static str| match said.get(property).map(Vec::as_slice) {
                None => Ok(None),
                Some([one]) => Ok(Some(*one)),
                Some(_) => Err(not_one(property)),
            };
            let scope = one("as")?.ok_or_else(|| not_one("as"))?;
            let name = one("name")?.filter(|name| !fold(name).is_empty());
            let name = name.ok_or_else(|| not_one("name"))?.to_owned();
            let number = one("number")?.map(str::parse).transpose();
            let number = number.map_err(|_| not_one("number"))?;
            let scope = match scope {
                CLASS => NameScope::Class,
                PROPERTY => NameScope::Property,
                of => NameScope::Member(of.to_owned()),
            };
            let iri = decode_also(subject).unwrap_or_else(|| subject.to_owned());
            names.given.insert((iri, scope), Given { name, number });
        }
        Ok(names)
    }

    /// What is printed, in its order. Of several things that a subject is, the first one
    /// stands under its own IRI.
    pub(super) fn lines(&self) -> Vec<Line<'_>> {
        let mut previous = None;
        let mut lines: Vec<Line<'_>> = self
            .given
            .iter()
            .map(|((iri, scope), given)| {
                let scope = match scope {
                    NameScope::Class => CLASS,
                    NameScope::Property => PROPERTY,
                    NameScope::Member(of) => of,
                };
                let is_first = previous.replace(iri) != Some(iri);
                let subject = if is_first { iri.clone() } else { also_iri(iri, scope) };
                Line { subject, scope, given }
            })
            .collect();
        lines.sort_by(|one, other| one.subject.cmp(&other.subject));
        lines
    }
}

/// Writes the names as Turtle, a line for each subject.
impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "@prefix ev: <{EVERGEN}> .\n")?;
        for Line { subject, scope, given } in self.lines() {
            let scope = match scope {
                CLASS => "ev:Class".to_owned(),
                PROPERTY => "ev:Property".to_owned(),
                of => format!("<{of}>"),
            };
            let name = TermRef::literal(&given.name);
            write!(f, "<{subject}> ev:as {scope} ; ev:name {name}")?;
            if let Some(number) = given.number {
                write!(f, " ; ev:number {number}")?;
            }
            writeln!(f, " .")?;
        }
        Ok(())
    }
}

/// Where a thing's name is kept that is something else in the first place.
pub(crate) fn also_iri(iri: &str, scope: &str) -> String {
    format!("{ALSO}{}&as={}", encoded(iri), encoded(scope))
}

fn decode_also(subject: &str) -> Option<String> {
    let (iri, _) = subject.strip_prefix(ALSO)?.split_once("&as=")?;
    crate::local::percent_decoded(iri).into()
}

/// What stands for a property in its other direction.
pub(crate) fn inverse_iri(property: &str) -> String {
    format!("https://evergen.dev/ns/inverse?of={}", encoded(property))
}

/// What stands for values that are listed at a property, in one class or in all.
pub(crate) fn values_iri(class: Option<&str>, property: &str, is_reversed: bool) -> String {
    let property = if is_reversed { inverse_iri(property) } else { property.to_owned() };
    let mut iri = format!("https://evergen.dev/ns/values?of={}", encoded(&property));
    if let Some(class) = class {
        iri.push_str("&in=");
        iri.push_str(&encoded(class));
    }
    iri
}

/// What stands for a literal in an enumeration.
pub(crate) fn value_iri(enumeration: &str, literal: &str) -> String {
    format!("https://evergen.dev/ns/value?is={}&in={}", encoded(literal), encoded(enumeration))
}

fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
