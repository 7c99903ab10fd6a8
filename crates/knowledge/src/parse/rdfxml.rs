//! RDF/XML.

use oxrdf::GraphName;
use oxrdfxml::RdfXmlParser;
use quick_xml::events::Event;
use rustc_hash::FxHashMap;

use super::reader::{Document, Sink, Source};
use super::{SyntaxError, SyntaxErrorKind, notation};

pub(super) fn read(
    source: &Source<'_>,
    sink: &mut impl Sink,
) -> Result<Document, Vec<SyntaxError>> {
    let Ok(parser) = RdfXmlParser::new().with_base_iri(source.base) else {
        return Err(vec![source.error(0..0, SyntaxErrorKind::Base)]);
    };
    let bytes = source.bytes;
    if let Some(name) = notation::of_owl(bytes) {
        let message = format!("{name} is no notation of RDF; save the file as Turtle or RDF/XML");
        return Err(vec![source.syntax_error(0..0, &message)]);
    }
    let mut parser = parser.for_slice(bytes);
    let mut prefixes = Vec::new();
    let (mut line, mut counted) = (1, 0);
    while let Some(result) = parser.next() {
        // A file in memory has no offset beyond the address space.
        let place = usize::try_from(parser.buffer_position()).unwrap_or(usize::MAX);
        let place = place.min(bytes.len());
        let triple = match result {
            Ok(triple) => triple,
            Err(error) => {
                let start = memchr::memrchr(b'<', &bytes[..place]).unwrap_or(place);
                let place = place.max(start);
                // The state of the XML reader behind an error isn't specified.
                return Err(vec![source.syntax_error(start..place, &error.to_string())]);
            }
        };
        if prefixes.is_empty() {
            prefixes =
                parser.prefixes().map(|(name, iri)| (name.to_owned(), iri.to_owned())).collect();
        }
        let ends = memchr::memchr_iter(b'\n', &bytes[counted..place]).count();
        line += u32::try_from(ends).unwrap_or(u32::MAX);
        counted = place;
        if sink.quad(triple.in_graph(GraphName::DefaultGraph), line).is_break() {
            break;
        }
    }
    prefixes.sort_unstable();
    Ok(Document { prefixes, used: Vec::new() })
}

/// Where elements lie deeper inside each other than allowed.
pub(super) fn deeper_than(bytes: &[u8], limit: usize) -> Option<usize> {
    let mut reader = quick_xml::Reader::from_reader(bytes);
    reader.config_mut().check_end_names = false;
    reader.config_mut().expand_empty_elements = true;
    let mut depth = 0_usize;
    loop {
        match reader.read_event() {
            Ok(Event::Start(_)) => depth += 1,
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            // What is wrong is said by the parser proper.
            Ok(Event::Eof) | Err(_) => return None,
            Ok(_) => {}
        }
        if depth > limit {
            let place = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            return Some(memchr::memrchr(b'<', &bytes[..place.min(bytes.len())]).unwrap_or(0));
        }
    }
}

/// Adds up how large the declared entities would grow where they are used.
///
/// The parser expands an entity when it is declared and when it is used, so the sum
/// of both has to be known before. An entity is always an internal one here: the
/// parser refuses those that name a file.
pub(super) fn check_entities(bytes: &[u8], limit: u64) -> Result<(), (usize, SyntaxErrorKind)> {
    let too_large = |place| (place, SyntaxErrorKind::EntitiesTooLarge { limit });
    let mut sizes: FxHashMap<&[u8], u64> = FxHashMap::default();
    let mut total = 0_u64;
    for place in memchr::memmem::find_iter(bytes, b"<!ENTITY") {
        let Some((name, value)) = declaration(&bytes[place..]) else { continue };
        let grown = grown(value, &sizes).saturating_add(value.len() as u64);
        total = total.saturating_add(grown);
        let size = sizes.entry(name).or_default();
        // Of two declarations the larger one counts, whichever is used.
        *size = grown.max(*size);
        if total > limit {
            return Err(too_large(place));
        }
    }
    if sizes.is_empty() {
        return Ok(());
    }
    for place in memchr::memchr_iter(b'&', bytes) {
        total = total.saturating_add(reference(&bytes[place..], &sizes));
        if total > limit {
            return Err(too_large(place));
        }
    }
    Ok(())
}

/// Name and value of a declaration.
fn declaration(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"<!ENTITY")?.trim_ascii_start();
    let text = text.strip_prefix(b"%").unwrap_or(text).trim_ascii_start();
    let name_end = text.iter().position(u8::is_ascii_whitespace)?;
    let (name, text) = text.split_at(name_end);
    let text = text.trim_ascii_start().strip_prefix(b"\"")?;
    Some((name, &text[..memchr::memchr(b'"', text)?]))
}

fn grown(value: &[u8], sizes: &FxHashMap<&[u8], u64>) -> u64 {
    memchr::memchr_iter(b'&', value)
        .fold(0, |sum: u64, place| sum.saturating_add(reference(&value[place..], sizes)))
}

/// How large the entity that `text` begins with grows.
fn reference(text: &[u8], sizes: &FxHashMap<&[u8], u64>) -> u64 {
    let name = memchr::memchr(b';', text).and_then(|end| text.get(1..end));
    name.and_then(|name| sizes.get(name)).copied().unwrap_or(0)
}
