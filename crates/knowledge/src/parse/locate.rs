//! Where a file says something.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::ops::ControlFlow;

use evergen_delta::{EncodedQuad, TermId, TermRef};
use oxrdf::Quad;
use rustc_hash::FxHashMap;

use super::collector::Collector;
use super::reader::{Sink, Source};
use super::{Documents, error};
use crate::canonical::{canonicalize, fill};
use crate::{ComponentDigest, Format, Limits, TermTable};

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted from 1, where it is known.
    pub column: Option<u32>,
    /// Whether the line is where the statement stands, and not a guess.
    pub is_exact: bool,
}

/// Finds where a file says the wanted quads; the file is read once more for it.
///
/// Of copies of one blank component the first of the file has ordinal 0, the next 1,
/// and so on; see [`locate_with`] where other files count before.
pub fn locate<S: BuildHasher>(
    bytes: &[u8],
    format: Format,
    base: &str,
    limits: &Limits,
    wanted: &HashSet<EncodedQuad, S>,
) -> Vec<(EncodedQuad, Location)> {
    locate_with(bytes, format, base, limits, &Documents::none(), wanted, &|_| 0)
}

/// Finds where a file says the wanted quads, by the ordinals that its components have.
///
/// `first_ordinal` is the ordinal of the first copy of a component in this file.
/// Turtle, `TriG`, N-Triples and N-Quads: the line on which the object ends. RDF/XML:
/// the line of the tag that completes the statement. JSON-LD: a line that mentions
/// the subject and what is said of it, or nothing at all. Quads come by their lines,
/// each once; what the file doesn't say is left out.
pub fn locate_with<S: BuildHasher>(
    bytes: &[u8],
    format: Format,
    base: &str,
    limits: &Limits,
    documents: &Documents,
    wanted: &HashSet<EncodedQuad, S>,
    first_ordinal: &dyn Fn(ComponentDigest) -> u32,
) -> Vec<(EncodedQuad, Location)> {
    let Ok(source) = Source::new(bytes, format, base, limits, documents) else {
        return Vec::new();
    };
    let mut tracer = Tracer {
        collector: Collector::new(limits),
        wanted: &|quad| wanted.contains(quad),
        found: FxHashMap::default(),
        lines: Vec::new(),
    };
    source.read_with_lines(&mut tracer);
    tracer.find_blank(first_ordinal);
    let Tracer { collector, found, .. } = tracer;
    let place = |(quad, line)| Some((quad, location(bytes, &collector.terms, quad, line)?));
    let mut places: Vec<(EncodedQuad, Location)> = found.into_iter().filter_map(place).collect();
    places.sort_unstable_by_key(|(quad, location)| (*location, *quad));
    places
}

struct Tracer<'a> {
    collector: Collector<'a>,
    wanted: &'a dyn Fn(&EncodedQuad) -> bool,
    found: FxHashMap<EncodedQuad, u32>,
    /// The lines of the statements with blank nodes.
    lines: Vec<u32>,
}

impl Sink for Tracer<'_> {
    fn quad(&mut self, quad: Quad, line: u32) -> ControlFlow<()> {
        self.collector.quad(quad, line)?;
        match self.collector.ground.pop() {
            Some(quad) => self.note(quad, line),
            None => self.lines.push(line),
        }
        ControlFlow::Continue(())
    }
}

impl Tracer<'_> {
    fn note(&mut self, quad: EncodedQuad, line: u32) {
        if (self.wanted)(&quad) {
            self.found.entry(quad).or_insert(line);
        }
    }

    fn find_blank(&mut self, first_ordinal: &dyn Fn(ComponentDigest) -> u32) {
        let nodes = self.collector.labels.len();
        let Ok(canonical) = canonicalize(&self.collector.blank, nodes, self.collector.limits())
        else {
            return;
        };
        let mut copies: FxHashMap<ComponentDigest, u32> = FxHashMap::default();
        let ordinals: Vec<u32> = canonical
            .components
            .iter()
            .map(|component| {
                let digest = component.digest();
                let next = copies.entry(digest).or_insert_with(|| first_ordinal(digest));
                *next += 1;
                *next - 1
            })
            .collect();
        let names: Vec<TermId> = canonical
            .places
            .iter()
            .map(|(component, index)| {
                // A label that never got into a statement belongs to no component.
                let Some(known) = canonical.components.get(*component as usize) else {
                    return TermId::ANY;
                };
                let label = known.label(*index, ordinals[*component as usize]);
                TermRef::Blank(&label).id()
            })
            .collect();
        for (index, line) in std::mem::take(&mut self.lines).into_iter().enumerate() {
            let quad = fill(&self.collector.blank[index], &names);
            self.note(quad, line);
        }
    }
}

fn location(bytes: &[u8], terms: &TermTable, quad: EncodedQuad, line: u32) -> Option<Location> {
    if line > 0 {
        return Some(Location { line, column: None, is_exact: true });
    }
    let place = mention(bytes, terms, quad)?;
    Some(Location { line: error::line_of(bytes, place), column: None, is_exact: false })
}

/// Where the object, else the predicate is mentioned behind the subject.
fn mention(bytes: &[u8], terms: &TermTable, quad: EncodedQuad) -> Option<usize> {
    let find = |id: TermId, from: usize| -> Option<usize> {
        let (TermRef::Iri(text) | TermRef::Literal { value: text, .. }) = terms.get(id)? else {
            return None;
        };
        let name = text.rsplit(['/', '#', ':']).next().filter(|name| !name.is_empty());
        let needle = format!("{}\"", name.unwrap_or(text));
        Some(from + memchr::memmem::find(&bytes[from..], needle.as_bytes())?)
    };
    let subject = find(quad.subject, 0);
    let from = subject.unwrap_or(0);
    find(quad.object, from).or_else(|| find(quad.predicate, from)).or(subject)
}
