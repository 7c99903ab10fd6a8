//! What a change is told with: the names that a user of the code sees, and IRIs.

use super::limits::code;
use super::{Interface, Key, Kind, PropertyPart};
use crate::local::local_name;

impl Interface {
    /// `Order`, as code.
    pub(super) fn called(&self, iri: &str) -> String {
        code(self.name(iri).unwrap_or(&local_name(iri)))
    }

    /// `Order.total`, as code.
    pub(super) fn field(&self, class: &str, property: &PropertyPart) -> String {
        let class = self.name(class).map_or_else(|| local_name(class), str::to_owned);
        code(&format!("{class}.{}", property.name))
    }

    /// The kinds of values of a property.
    pub(super) fn kinds<'k>(&self, kinds: impl IntoIterator<Item = &'k Kind>) -> String {
        let words: Vec<String> = kinds.into_iter().map(|kind| self.kind_words(kind)).collect();
        words.join(" or ")
    }

    fn kind_words(&self, kind: &Kind) -> String {
        match kind {
            Kind::Class(iri) | Kind::Enumeration(iri) => self.called(iri),
            Kind::Data { datatype, .. } => self.called(datatype),
            Kind::Resource => "any resource".to_owned(),
            Kind::Anything => "anything".to_owned(),
        }
    }
}

/// An IRI as a link in Markdown.
pub(super) fn link(iri: &str) -> String {
    let is_plain = !iri.chars().any(|c| c <= ' ' || "<>\"{}|^`\\".contains(c));
    if is_plain { format!("<{iri}>") } else { code(iri) }
}

/// The IRI of a property, and its direction.
pub(super) fn property_link((iri, reversed): &Key) -> String {
    if *reversed { format!("the inverse of {}", link(iri)) } else { link(iri) }
}
