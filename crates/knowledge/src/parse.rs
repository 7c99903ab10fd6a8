//! From a file's bytes to statements that can be compared with those of another state.

use std::collections::BTreeMap;
use std::sync::Arc;

use evergen_delta::{EncodedQuad, TermId, TermRef};

pub(crate) use self::chunks::{Reread, reread};
use self::collector::Collector;
pub use self::error::{SyntaxError, SyntaxErrorKind};
pub use self::locate::{Location, locate, locate_with};
use self::reader::{Document, Source};
use crate::canonical::{Canonical, Slot, canonicalize};
use crate::chunks::ParsedChunks;
use crate::{Component, Format, Limits, TermTable};

mod chunks;
mod collector;
mod error;
mod jsonld;
mod locate;
mod notation;
mod oxttl_text;
mod pieces;
mod plain;
mod rdfxml;
mod reader;
mod scan;
#[cfg(test)]
mod tests;

/// What a file says.
///
/// Depends on the statements alone: their order, the labels of blank nodes, prefixes
/// and the notation have no influence on anything but `prefixes`.
#[derive(Clone, Debug, Default)]
pub struct ParsedSource {
    /// Every term that the statements use; labels of blank nodes come with
    /// [`Component::instantiate`].
    pub terms: TermTable,
    /// The statements without blank nodes, sorted and distinct.
    pub ground: Vec<EncodedQuad>,
    /// The statements with blank nodes, by connected components, sorted by digest.
    /// Copies of one component are there as often as the file has them.
    pub components: Vec<Component>,
    /// The prefixes that the file declares, sorted; of a prefix declared twice the last.
    pub prefixes: Vec<(String, String)>,
    /// What the file imports by `owl:imports`, sorted by IRI.
    pub imports: Vec<Import>,
    /// The remote JSON-LD contexts that were used, sorted; they decide what the file says.
    pub documents: Vec<String>,
    /// What is known of the parts of a large file, where it could be read in parts.
    pub(crate) chunks: Option<ParsedChunks>,
}

impl ParsedSource {
    /// How many quads the file has.
    pub fn len(&self) -> usize {
        self.ground.len() + self.components.iter().map(Component::len).sum::<usize>()
    }

    /// Whether the file says nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An ontology that a file imports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    /// What is imported.
    pub iri: String,
    /// The line that asks for it, counted from 1, where the file names the IRI in full.
    pub line: Option<u32>,
}

/// Documents that a file may refer to, by IRI; nothing else is ever looked up.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    contents: Arc<BTreeMap<String, Vec<u8>>>,
}

impl Documents {
    /// No document: every reference is an error.
    pub fn none() -> Self {
        Self::default()
    }

    /// The document with this IRI.
    pub fn get(&self, iri: &str) -> Option<&[u8]> {
        self.contents.get(iri).map(Vec::as_slice)
    }
}

impl FromIterator<(String, Vec<u8>)> for Documents {
    fn from_iter<I: IntoIterator<Item = (String, Vec<u8>)>>(documents: I) -> Self {
        Self { contents: Arc::new(documents.into_iter().collect()) }
    }
}

/// Reads a file that refers to no other document.
///
/// `base` is the IRI against which relative ones are resolved. Nothing outside
/// `bytes` is read, no network, no file.
///
/// # Errors
/// Up to twenty errors in the order of the file. Notations that can't be resumed
/// behind an error (RDF/XML, JSON-LD with broken JSON) give one.
pub fn parse(
    bytes: &[u8],
    format: Format,
    base: &str,
    limits: &Limits,
) -> Result<ParsedSource, Vec<SyntaxError>> {
    parse_with_documents(bytes, format, base, limits, &Documents::none())
}

/// Reads a file whose remote JSON-LD contexts are among `documents`.
///
/// # Errors
/// As for [`parse`].
pub fn parse_with_documents(
    bytes: &[u8],
    format: Format,
    base: &str,
    limits: &Limits,
    documents: &Documents,
) -> Result<ParsedSource, Vec<SyntaxError>> {
    let source = Source::new(bytes, format, base, limits, documents)?;
    match chunks::parse(&source, chunks::useful_threads(source.bytes.len())) {
        Some(parsed) => Ok(parsed),
        None => parse_whole(&source),
    }
}

/// Reads a file in one go; errors are found here.
fn parse_whole(source: &Source<'_>) -> Result<ParsedSource, Vec<SyntaxError>> {
    let (collector, document) = collect(source)?;
    let mut components = canonical(source, &collector)?.components;
    // Stable, so that copies keep the order of the file.
    components.sort_by_key(Component::digest);
    let Collector { terms, ground, .. } = collector;
    let imports = imports(source, &terms, &ground, &components);
    Ok(ParsedSource {
        terms,
        ground,
        components,
        prefixes: document.prefixes,
        imports,
        documents: document.used,
        chunks: None,
    })
}

/// Takes in a whole file.
fn collect<'a>(source: &Source<'a>) -> Result<(Collector<'a>, Document), Vec<SyntaxError>> {
    let mut collector = Collector::new(source.limits);
    collector.reserve(source.bytes.len());
    let result = source.read(&mut collector);
    if let Some(kind) = collector.refusal.take() {
        let refused = source.error_at_statement(collector.statements - 1, kind);
        let mut errors = result.err().unwrap_or_default();
        errors.push(refused);
        return Err(errors);
    }
    let document = result?;
    collector.sort();
    Ok((collector, document))
}

fn canonical(
    source: &Source<'_>,
    collector: &Collector<'_>,
) -> Result<Canonical, Vec<SyntaxError>> {
    canonicalize(&collector.blank, collector.labels.len(), source.limits).map_err(|refusal| {
        let statement = collector.blank_numbers[refusal.statement];
        vec![source.error_at_statement(statement, SyntaxErrorKind::of_component(&refusal.kind))]
    })
}

const OWL_IMPORTS: &str = "http://www.w3.org/2002/07/owl#imports";

/// The id of `owl:imports`.
pub(crate) fn owl_imports() -> TermId {
    TermRef::Iri(OWL_IMPORTS).id()
}

fn imports(
    source: &Source<'_>,
    terms: &TermTable,
    ground: &[EncodedQuad],
    components: &[Component],
) -> Vec<Import> {
    let predicate = owl_imports();
    let objects = ground.iter().filter(|quad| quad.predicate == predicate).map(|quad| quad.object);
    let templates = components.iter().flat_map(Component::templates);
    let of_nodes = templates.filter_map(|[_, property, object, _]| match (property, object) {
        (Slot::Term(property), Slot::Term(object)) if *property == predicate => Some(*object),
        _ => None,
    });
    let objects = objects.chain(of_nodes);
    let mut imports: Vec<Import> =
        objects.filter_map(|object| import(source, terms.get(object)?)).collect();
    imports.sort_unstable();
    imports.dedup();
    imports
}

fn import(source: &Source<'_>, object: TermRef<'_>) -> Option<Import> {
    let TermRef::Iri(iri) = object else { return None };
    Some(Import { iri: iri.to_owned(), line: import_line(source.bytes, iri) })
}

/// The line of `iri` behind the nearest mention of imports, else of its first mention.
fn import_line(bytes: &[u8], iri: &str) -> Option<u32> {
    let places: Vec<usize> = memchr::memmem::find_iter(bytes, iri.as_bytes()).take(64).collect();
    let asked = |place: &&usize| {
        let before = &bytes[place.saturating_sub(200)..**place];
        memchr::memmem::find(before, b"imports").is_some()
    };
    let place = places.iter().find(asked).or(places.first())?;
    Some(error::line_of(bytes, *place))
}
