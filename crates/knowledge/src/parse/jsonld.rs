//! JSON-LD.

use std::sync::{Arc, Mutex, PoisonError};

use oxjsonld::{JsonLdParser, JsonLdRemoteDocument, JsonLdSyntaxError};

use super::reader::{Document, MAX_ERRORS, Sink, Source};
use super::scan::json_deeper_than;
use super::{SyntaxError, SyntaxErrorKind};

/// What was asked for while reading.
#[derive(Debug, Default)]
struct Asked {
    used: Vec<String>,
    refused: Vec<String>,
}

pub(super) fn read(
    source: &Source<'_>,
    sink: &mut impl Sink,
) -> Result<Document, Vec<SyntaxError>> {
    let Ok(parser) = JsonLdParser::new().with_base_iri(source.base) else {
        return Err(vec![source.error(0..0, SyntaxErrorKind::Base)]);
    };
    let asked = Arc::new(Mutex::new(Asked::default()));
    let (notes, documents) = (Arc::clone(&asked), source.documents.clone());
    let limit = source.limits.json_nesting();
    let mut parser = parser.for_slice(source.bytes).with_load_document_callback(move |iri, _| {
        let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = documents.get(iri);
        let list = if known.is_some() { &mut notes.used } else { &mut notes.refused };
        list.push(iri.to_owned());
        let document = known.ok_or("no copy of it is known")?;
        if json_deeper_than(document, limit).is_some() {
            return Err("it is nested too deeply".into());
        }
        Ok(JsonLdRemoteDocument { document: document.to_vec(), document_url: iri.to_owned() })
    });
    let mut errors = Vec::new();
    for result in parser.by_ref() {
        match result {
            Ok(quad) => {
                if sink.quad(quad, 0).is_break() {
                    break;
                }
            }
            Err(error) => {
                let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
                errors.push(translate(source, &error, asked.refused.pop()));
                if errors.len() == MAX_ERRORS {
                    break;
                }
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut prefixes: Vec<(String, String)> =
        parser.prefixes().map(|(name, iri)| (name.to_owned(), iri.to_owned())).collect();
    prefixes.sort_unstable();
    let mut used = std::mem::take(&mut asked.lock().unwrap_or_else(PoisonError::into_inner).used);
    used.sort_unstable();
    used.dedup();
    Ok(Document { prefixes, used })
}

fn translate(
    source: &Source<'_>,
    error: &JsonLdSyntaxError,
    refused: Option<String>,
) -> SyntaxError {
    if let Some(iri) = refused {
        // A relative name is resolved before it is asked for, and then not in the file.
        let named = memchr::memmem::find(source.bytes, iri.as_bytes());
        let span = match named.or_else(|| memchr::memmem::find(source.bytes, b"@context")) {
            Some(start) if named.is_some() => start..start + iri.len(),
            Some(start) => start..start + "@context".len(),
            None => 0..0,
        };
        return source.error(span, SyntaxErrorKind::RemoteContext { iri });
    }
    let message = error.to_string();
    if let Some(location) = error.location() {
        let offset = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let span = offset(location.start.offset)..offset(location.end.offset);
        // The text says the place once more.
        let message = message.rsplit_once(": ").map_or(message.as_str(), |(_, rest)| rest);
        return source.syntax_error(span, message);
    }
    let span = quoted(&message)
        .find_map(|text| {
            let start = memchr::memmem::find(source.bytes, text.as_bytes())?;
            Some(start..start + text.len())
        })
        .unwrap_or(0..0);
    source.syntax_error(span, &message)
}

/// What a message names: words in quotes, keywords and IRIs.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    let in_quotes = message.split(['\'', '"', '`']).skip(1).step_by(2);
    let words = message.split_whitespace();
    let names = words.filter(|word| word.starts_with('@') || word.contains("://"));
    in_quotes.chain(names).filter(|text| !text.is_empty())
}
