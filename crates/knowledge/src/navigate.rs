//! Walking from node to node, as templates do.

use std::cmp::Ordering;

use evergen_delta::{QuadPattern, TermId, TermRef};
use rustc_hash::FxHashSet;

use crate::TrackedReader;

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
/// Where labels are looked for, the best first.
const LABELS: [&str; 5] = [
    "http://www.w3.org/2000/01/rdf-schema#label",
    "http://www.w3.org/2004/02/skos/core#prefLabel",
    "https://schema.org/name",
    "http://purl.org/dc/terms/title",
    "http://www.w3.org/ns/shacl#name",
];

/// The objects of a node's property, in the order of their content.
pub fn out(reader: &dyn TrackedReader, node: TermId, property: TermId) -> Vec<TermId> {
    let pattern = QuadPattern::default_graph(Some(node), Some(property), None);
    by_content(reader, reader.quads(pattern).map(|quad| quad.object).collect())
}

/// The subjects that have the node as the value of a property, in the order of their content.
pub fn incoming(reader: &dyn TrackedReader, node: TermId, property: TermId) -> Vec<TermId> {
    let pattern = QuadPattern::default_graph(None, Some(property), Some(node));
    by_content(reader, reader.quads(pattern).map(|quad| quad.subject).collect())
}

/// The classes of a node, in the order of their content.
pub fn types(reader: &dyn TrackedReader, node: TermId) -> Vec<TermId> {
    out(reader, node, TermRef::Iri(&format!("{RDF}type")).id())
}

/// The node's label in the language that fits best.
///
/// The first property that has any value is taken, of `rdfs:label`,
/// `skos:prefLabel`, `schema:name`, `dcterms:title` and `sh:name`. Among its values:
/// the very language, then one that shares its primary subtag, then no language,
/// then English, then the first in order.
pub fn label(reader: &dyn TrackedReader, node: TermId, language: &str) -> Option<TermId> {
    let wanted = language.to_ascii_lowercase();
    LABELS.iter().find_map(|property| {
        out(reader, node, TermRef::Iri(property).id())
            .into_iter()
            .filter_map(|id| match reader.term(id)? {
                TermRef::Literal { language, .. } => Some((distance(language, &wanted), id)),
                _ => None,
            })
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, id)| id)
    })
}

/// How far a literal's language is from the wanted one.
fn distance(language: Option<&str>, wanted: &str) -> u8 {
    let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_owned();
    match language {
        Some(tag) if tag == wanted => 0,
        Some(tag) if primary(tag) == primary(wanted) => 1,
        None => 2,
        Some(tag) if primary(tag) == "en" => 3,
        Some(_) => 4,
    }
}

/// A node is no well-formed `rdf:List`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// A cell has no first or no rest, or more than one.
    #[error("{0} is not a cell of an rdf:List with one rdf:first and one rdf:rest")]
    NotACell(String),
    /// The list runs into itself.
    #[error("the rdf:List that begins at {0} never ends")]
    Endless(String),
}

/// The members of an `rdf:List`, in its order.
///
/// # Errors
/// The node is neither a cell nor `rdf:nil`, or the list is broken or runs in a circle.
pub fn list(reader: &dyn TrackedReader, node: TermId) -> Result<Vec<TermId>, ListError> {
    let [first, rest, nil] =
        ["first", "rest", "nil"].map(|name| TermRef::Iri(&format!("{RDF}{name}")).id());
    let spelled = |id| reader.term(id).map_or_else(String::new, |term| term.to_string());
    let mut members = Vec::new();
    let mut seen = FxHashSet::default();
    let mut cell = node;
    while cell != nil {
        if !seen.insert(cell) {
            return Err(ListError::Endless(spelled(node)));
        }
        let value = out(reader, cell, first);
        let next = out(reader, cell, rest);
        let ([value], [next]) = (value.as_slice(), next.as_slice()) else {
            return Err(ListError::NotACell(spelled(cell)));
        };
        members.push(*value);
        cell = *next;
    }
    Ok(members)
}

/// The order in which terms are shown: by kind, then by text; unknown ones last, by id.
pub fn compare(reader: &dyn TrackedReader, left: TermId, right: TermId) -> Ordering {
    match (reader.term(left), reader.term(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.cmp(&right),
    }
}

fn by_content(reader: &dyn TrackedReader, mut ids: Vec<TermId>) -> Vec<TermId> {
    if ids.len() > 1 {
        ids.sort_by(|left, right| compare(reader, *left, *right));
        ids.dedup();
    }
    ids
}
