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

/// Vocabularies that say how things are, and of which no model is.
const OF_NO_MODEL: &[&str] = &[
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://www.w3.org/2000/01/rdf-schema#",
    "http://www.w3.org/2001/XMLSchema#",
    "http://www.w3.org/2002/07/owl#",
    "http://www.w3.org/ns/shacl#",
];

/// What is written in a line: its words without case and marks, and all of them in their order.
pub(super) struct Line {
    words: BTreeSet<String>,
    text: String,
}

impl Line {
    pub(super) fn of(text: &str) -> Self {
        let words = text.split(is_mark).map(plain).filter(|word| !word.is_empty());
        Self { words: words.collect(), text: spaced(text) }
    }

    /// Whether anything can be named in it: a bracket is a template's alone.
    pub(super) fn has_words(&self) -> bool {
        !self.words.is_empty()
    }

    /// Of what was read by these patterns, the quads with a text of which the line is; where it is
    /// of none, those about what it names, or with a word that stands in it, and those of a node
    /// without a name that tells of such a thing.
    pub(super) fn mentioned(
        &self,
        snapshot: &Snapshot,
        patterns: &BTreeSet<QuadPattern>,
    ) -> BTreeSet<EncodedQuad> {
        let read = || patterns.iter().flat_map(|pattern| snapshot.quads(*pattern).take(MOST_QUADS));
        let quoted: BTreeSet<EncodedQuad> =
            read().filter(|quad| self.quotes(snapshot, quad.object)).collect();
        if !quoted.is_empty() {
            return quoted;
        }
        let names = |id: TermId| snapshot.term(id).is_some_and(|term| self.names(term));
        let mut found = BTreeSet::new();
        let mut nameless = HashSet::new();
        for quad in read() {
            if names(quad.subject) || self.has_word(snapshot, quad.object) {
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

    /// Whether a literal of several words stands in the line, or the line in it.
    fn quotes(&self, snapshot: &Snapshot, id: TermId) -> bool {
        let Some(text) = literal(snapshot, id) else { return false };
        let quoted = spaced(text);
        is_phrase_of(&quoted, &self.text) || is_phrase_of(&self.text, &quoted)
    }

    /// Whether a literal is a word of the line; many things have the same number.
    fn has_word(&self, snapshot: &Snapshot, id: TermId) -> bool {
        let word = literal(snapshot, id).map(plain).unwrap_or_default();
        !word.bytes().all(|byte| byte.is_ascii_digit()) && self.words.contains(&word)
    }
}

fn literal(snapshot: &Snapshot, id: TermId) -> Option<&str> {
    let term = snapshot.term(id)?;
    matches!(term, TermRef::Literal { .. }).then(|| term.text())
}

fn is_blank(snapshot: &Snapshot, id: TermId) -> bool {
    matches!(snapshot.term(id), Some(TermRef::Blank(_)))
}

/// Whether one text of several words stands in another one, with whole words around it.
fn is_phrase_of(one: &str, other: &str) -> bool {
    one.contains(' ') && format!(" {other} ").contains(&format!(" {one} "))
}

/// What does not belong to a name in any of the usual forms.
fn is_mark(sign: char) -> bool {
    !(sign.is_alphanumeric() || sign == '_' || sign == '-')
}

/// Words with one blank between them, in small letters.
fn spaced(text: &str) -> String {
    let words: Vec<&str> = text.split(is_mark).filter(|word| !plain(word).is_empty()).collect();
    words.join(" ").to_lowercase()
}

/// Letters and digits alone, as small ones.
fn plain(text: &str) -> String {
    text.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
