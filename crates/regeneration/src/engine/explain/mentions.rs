//! What a line speaks of, where it was read long before the line was written.
//!
//! A template asks a view about a class as a whole, mostly before its first line, so that nothing
//! is used while a line is written from the answer. What the line names tells what it is made of
//! all the same: a property by the local name of its IRI, a label or a comment by its words.

use std::collections::{BTreeSet, HashSet};

use evergen_delta::{EncodedQuad, QuadPattern, TermId, TermRef};
use evergen_knowledge::{Snapshot, TrackedReader};

use crate::template::node::local_name;

/// So many quads of one pattern are looked at.
const MOST_QUADS: usize = 10_000;

/// A text that is found within another one, and is no word of it, has at least so many letters.
const LEAST_TELLING: usize = 4;

/// Vocabularies that say how things are, and of which no model is.
const OF_NO_MODEL: &[&str] = &[
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://www.w3.org/2000/01/rdf-schema#",
    "http://www.w3.org/2001/XMLSchema#",
    "http://www.w3.org/2002/07/owl#",
    "http://www.w3.org/ns/shacl#",
];

/// What is written in a line, without case and without marks.
pub(super) struct Line {
    words: BTreeSet<String>,
    text: String,
}

impl Line {
    pub(super) fn of(text: &str) -> Self {
        let is_mark = |sign: char| !(sign.is_alphanumeric() || sign == '_');
        let words = text.split(is_mark).map(plain).filter(|word| !word.is_empty());
        Self { words: words.collect(), text: plain(text) }
    }

    /// Of what was read by these patterns, the quads about what the line names, or whose literal
    /// stands in it; those of a node without a name where they tell of such a thing.
    pub(super) fn mentioned(
        &self,
        snapshot: &Snapshot,
        patterns: &BTreeSet<QuadPattern>,
    ) -> BTreeSet<EncodedQuad> {
        let read = || patterns.iter().flat_map(|pattern| snapshot.quads(*pattern).take(MOST_QUADS));
        let names = |id: TermId| snapshot.term(id).is_some_and(|term| self.names(term));
        let mut found = BTreeSet::new();
        let mut nameless = HashSet::new();
        for quad in read() {
            if names(quad.subject) || self.quotes(snapshot, quad.object) {
                found.insert(quad);
            } else if is_blank(snapshot, quad.subject) && names(quad.object) {
                nameless.insert(quad.subject);
            }
        }
        found.extend(read().filter(|quad| nameless.contains(&quad.subject)));
        found
    }

    fn names(&self, term: TermRef<'_>) -> bool {
        let TermRef::Iri(iri) = term else { return false };
        !OF_NO_MODEL.iter().any(|vocabulary| iri.starts_with(vocabulary))
            && self.words.contains(&plain(local_name(iri)))
    }

    /// Whether the literal stands in the line, or the line within the literal.
    fn quotes(&self, snapshot: &Snapshot, id: TermId) -> bool {
        let Some(term @ TermRef::Literal { .. }) = snapshot.term(id) else { return false };
        let quoted = plain(term.text());
        let is_telling = |text: &str| text.chars().count() >= LEAST_TELLING;
        // Many things have the same number.
        let is_number = quoted.bytes().all(|byte| byte.is_ascii_digit());
        !is_number && self.words.contains(&quoted)
            || !is_number && is_telling(&quoted) && self.text.contains(&quoted)
            || is_telling(&self.text) && quoted.contains(&self.text)
    }
}

fn is_blank(snapshot: &Snapshot, id: TermId) -> bool {
    matches!(snapshot.term(id), Some(TermRef::Blank(_)))
}

/// Letters and digits alone, as small ones.
fn plain(text: &str) -> String {
    text.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
