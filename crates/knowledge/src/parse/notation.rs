//! In which notation a file is, where its name leaves that open: ontologies are called `.owl`
//! whatever they are written in.

use quick_xml::events::Event;

use crate::Format;

/// The format of a text of which `said` is said: what does not begin as XML does is Turtle, if it
/// begins as that.
pub(super) fn of_text(said: Format, text: &[u8]) -> Format {
    let begin = behind_comments(text);
    let has_comments = begin.len() < text.trim_ascii_start().len();
    let is_turtle = || {
        has_comments
            || begin.starts_with(b"@")
            || begin.starts_with(b"_:")
            || begins_with_iri(begin)
            || begins_with_word(begin, b"prefix")
            || begins_with_word(begin, b"base")
    };
    if said == Format::RdfXml && of_owl(text).is_none() && is_turtle() {
        Format::Turtle
    } else {
        said
    }
}

/// How an ontology is written that is not written as RDF.
pub(super) fn of_owl(text: &[u8]) -> Option<&'static str> {
    let begin = behind_comments(text);
    let follows = |word: &[u8], sign: &[u8]| {
        begin.strip_prefix(word).is_some_and(|rest| rest.trim_ascii_start().starts_with(sign))
    };
    if follows(b"Prefix", b"(") || follows(b"Ontology", b"(") {
        Some("the functional syntax of OWL")
    } else if begin.starts_with(b"Prefix:") || begin.starts_with(b"Ontology:") {
        Some("the Manchester syntax of OWL")
    } else if begin.starts_with(b"format-version:") {
        Some("the format of OBO")
    } else {
        is_owl_xml(text).then_some("OWL/XML")
    }
}

fn behind_comments(text: &[u8]) -> &[u8] {
    let mut text = text.trim_ascii_start();
    while let Some(comment) = text.strip_prefix(b"#") {
        let end = memchr::memchr(b'\n', comment).unwrap_or(comment.len());
        text = comment[end..].trim_ascii_start();
    }
    text
}

fn begins_with_word(text: &[u8], word: &[u8]) -> bool {
    let (head, rest) = text.split_at(word.len().min(text.len()));
    head.eq_ignore_ascii_case(word) && rest.first().is_some_and(u8::is_ascii_whitespace)
}

/// No element of XML has a colon and a slash in its name.
fn begins_with_iri(text: &[u8]) -> bool {
    let iri = text.strip_prefix(b"<").unwrap_or_default();
    let scheme = iri.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    scheme > 0 && iri[scheme..].starts_with(b":/")
}

/// Whether the root is an ontology that says its IRI as OWL/XML does, or nothing as RDF does.
fn is_owl_xml(text: &[u8]) -> bool {
    if !text.trim_ascii_start().starts_with(b"<") {
        return false;
    }
    let mut reader = quick_xml::Reader::from_reader(text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(root)) => {
                let has = |prefix: &[u8]| {
                    let mut attributes = root.attributes().flatten();
                    attributes.any(|attribute| attribute.key.as_ref().starts_with(prefix))
                };
                let is_ontology = root.local_name().as_ref() == b"Ontology";
                return is_ontology && (has(b"ontologyIRI") || !has(b"rdf:"));
            }
            Ok(Event::Eof | Event::Empty(_)) | Err(_) => return false,
            Ok(_) => {}
        }
    }
}
