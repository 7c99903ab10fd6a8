//! The part of an IRI that people read.

/// The last part of an IRI that says something, percent-decoded; `unnamed` where none does.
pub(crate) fn local_name(iri: &str) -> String {
    let mut rest = iri;
    loop {
        let cut = rest.rfind(['#', '/']).or_else(|| rest.rfind(':'));
        let part = percent_decoded(cut.map_or(rest, |at| &rest[at + 1..]));
        // A scheme alone names nothing.
        let is_scheme = cut.is_none() && rest.len() < iri.len();
        if !is_scheme && part.chars().any(char::is_alphanumeric) {
            return part;
        }
        match cut {
            Some(at) => rest = &rest[..at],
            None => return "unnamed".to_owned(),
        }
    }
}

/// Whether a local name is the key of some register (`Q42`, `BFO_0000001`, `0001`), of
/// which nobody could make sense: no letters, or a few that digits follow.
pub(crate) fn is_opaque(local: &str) -> bool {
    let (mut letters, mut digits, mut has_lower) = (0, 0, false);
    for character in local.chars() {
        match character {
            '_' | '-' | '.' | ':' => {}
            '0'..='9' => digits += 1,
            // A letter behind a digit makes a word of it.
            'a'..='z' | 'A'..='Z' if digits == 0 => {
                letters += 1;
                has_lower |= character.is_ascii_lowercase();
            }
            _ => return false,
        }
    }
    digits > 0 && letters <= 8 && (!has_lower || digits >= 4)
}

/// The words of a text, with nothing but spaces between them.
pub(crate) fn words(text: &str) -> String {
    let parts = text.split(|c: char| !c.is_alphanumeric() && !is_mark(c));
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Combining marks and joiners, without which words of many scripts are others.
fn is_mark(character: char) -> bool {
    unicode_normalization::char::is_combining_mark(character)
        || matches!(character, '\u{200c}' | '\u{200d}')
}

pub(crate) fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (first, digit(0), digit(1)) {
            // Two hexadecimal digits are one byte.
            bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    match String::from_utf8(bytes) {
        Ok(decoded) if !decoded.chars().any(char::is_control) => decoded,
        _ => text.to_owned(),
    }
}

/// A namespace's short word: its prefix, or the last word of its path that isn't a version.
pub(crate) fn short_word(iri: &str, prefixes: &[(String, String)]) -> String {
    let known = prefixes.iter().map(|(prefix, namespace)| (prefix.as_str(), namespace.as_str()));
    let longest = known
        .chain(KNOWN.iter().copied())
        .filter(|(prefix, namespace)| !prefix.is_empty() && iri.starts_with(namespace))
        .max_by_key(|(_, namespace)| namespace.len());
    if let Some((prefix, _)) = longest {
        return prefix.to_owned();
    }
    let space = &iri[..iri.rfind(['#', '/']).or_else(|| iri.rfind(':')).unwrap_or(0)];
    let (host, path) = space
        .split_once("://")
        .map_or(("", space), |(_, rest)| rest.split_once('/').unwrap_or((rest, "")));
    let word = path.rsplit(['/', '#', ':']).find(|part| {
        part.chars().any(char::is_alphabetic)
            && !part
                .strip_prefix('v')
                .is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
    });
    let host = host.strip_prefix("www.").unwrap_or(host).split(['.', ':']).next().unwrap_or("");
    let word = words(word.unwrap_or(host));
    if word.is_empty() { "other".to_owned() } else { word }
}

/// The namespace of an IRI.
pub(crate) fn namespace(iri: &str) -> &str {
    &iri[..iri.rfind(['#', '/']).or_else(|| iri.rfind(':')).map_or(0, |at| at + 1)]
}

/// Prefixes that everybody uses.
const KNOWN: [(&str, &str); 14] = [
    ("dc", "http://purl.org/dc/elements/1.1/"),
    ("dcat", "http://www.w3.org/ns/dcat#"),
    ("dcterms", "http://purl.org/dc/terms/"),
    ("foaf", "http://xmlns.com/foaf/0.1/"),
    ("org", "http://www.w3.org/ns/org#"),
    ("owl", "http://www.w3.org/2002/07/owl#"),
    ("prov", "http://www.w3.org/ns/prov#"),
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
    ("schema", "http://schema.org/"),
    ("schema", "https://schema.org/"),
    ("sh", "http://www.w3.org/ns/shacl#"),
    ("skos", "http://www.w3.org/2004/02/skos/core#"),
    ("vcard", "http://www.w3.org/2006/vcard/ns#"),
];
