//! The plain part of Turtle, read straight into ids.
//!
//! Most statements of most models are names, strings, numbers and punctuation. These
//! are read here in one pass, without tokens, states and copies of every name. Whatever
//! is not plain (a directive, a blank node, an escape, an IRI that wants a closer look,
//! an error) is left to the library, from the beginning of its statement on. So this
//! reader may give up whenever it likes; the one thing that it must not do is take a
//! statement otherwise than the library does.

use evergen_delta::{TermId, TermRef};

use super::reader::Sink;
use crate::chunks::Header;

const RDF_TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const RDF_LANG_STRING: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString";
const XSD_STRING: &str = "http://www.w3.org/2001/XMLSchema#string";
const XSD_INTEGER: &str = "http://www.w3.org/2001/XMLSchema#integer";
const XSD_BOOLEAN: &str = "http://www.w3.org/2001/XMLSchema#boolean";

/// Gives the plain statements from `place` on to `sink`, and says where the first that
/// is not plain begins, or that nothing is left. `place` is between two statements.
pub(super) fn read(text: &str, place: usize, header: &Header, sink: &mut impl Sink) -> usize {
    let prefixes = header.prefixes.iter().filter(|(_, iri)| takes_any_name(iri));
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        place,
        prefixes: prefixes.map(|(name, iri)| (name.as_str(), iri.as_str())).collect(),
        names: [None; NESTS],
        spelled: String::new(),
        triples: Vec::new(),
        sink,
    };
    loop {
        reader.skip_space();
        let start = reader.place;
        if start == text.len() {
            return start;
        }
        reader.triples.clear();
        if reader.statement().is_none() || !reader.sink.triples(&reader.triples) {
            return start;
        }
    }
}

/// Whether an IRI stays one with any plain name behind it: its path has begun, so that the
/// name is no part of an authority.
fn takes_any_name(iri: &str) -> bool {
    let Some((_, rest)) = iri.split_once(':') else { return false };
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.find(['/', '?', '#']).map_or("", |end| &rest[end..]),
        None => rest,
    };
    !path.is_empty() && !path.starts_with(['?', '#'])
}

struct Reader<'t, 'h, S> {
    text: &'t str,
    bytes: &'t [u8],
    place: usize,
    prefixes: Vec<(&'h str, &'h str)>,
    /// Names that were met lately, each in its nest: most come again and again.
    names: [Option<(&'t str, TermId)>; NESTS],
    /// The name that was spelled out last.
    spelled: String,
    /// The triples of the statement.
    triples: Vec<[TermId; 3]>,
    sink: &'t mut S,
}

/// The parts of the grammar. `None` means that something is not plain; the place is then
/// somewhere in the statement.
impl<'t, S: Sink> Reader<'t, '_, S> {
    fn statement(&mut self) -> Option<()> {
        let subject = self.resource()?;
        loop {
            self.skip_space();
            let predicate = self.verb()?;
            loop {
                self.skip_space();
                let object = self.object()?;
                self.triples.push([subject, predicate, object]);
                self.skip_space();
                if !self.skip(b',') {
                    break;
                }
            }
            let mut may_go_on = false;
            while self.skip(b';') {
                may_go_on = true;
                self.skip_space();
            }
            if self.skip(b'.') {
                // In front of a digit the dot would begin a number.
                let next = self.bytes.get(self.place);
                return next.is_none_or(|byte| !byte.is_ascii_digit()).then_some(());
            }
            if !may_go_on {
                return None;
            }
        }
    }

    fn verb(&mut self) -> Option<TermId> {
        let rest = &self.bytes[self.place..];
        if rest.first() == Some(&b'a') && rest.get(1).is_some_and(u8::is_ascii_whitespace) {
            self.place += 1;
            return self.sink.term(TermRef::Iri(RDF_TYPE));
        }
        self.resource()
    }

    fn object(&mut self) -> Option<TermId> {
        match *self.bytes.get(self.place)? {
            b'"' => self.string(),
            b'0'..=b'9' | b'+' | b'-' => self.integer(),
            b't' if self.keyword("true") => self.typed("true", XSD_BOOLEAN),
            b'f' if self.keyword("false") => self.typed("false", XSD_BOOLEAN),
            _ => self.resource(),
        }
    }

    fn resource(&mut self) -> Option<TermId> {
        if self.bytes.get(self.place) == Some(&b'<') {
            self.iri()?;
            return self.sink.term(TermRef::Iri(&self.spelled));
        }
        let (start, local, end) = self.find_name()?;
        let text: &'t str = self.text;
        let name = &text[start..end];
        let nest = nest(name);
        if let Some((known, id)) = self.names[nest]
            && known == name
        {
            self.place = end;
            return Some(id);
        }
        self.spell_name(start, local, end)?;
        let id = self.sink.term(TermRef::Iri(&self.spelled))?;
        self.names[nest] = Some((name, id));
        Some(id)
    }

    fn typed(&mut self, value: &str, datatype: &str) -> Option<TermId> {
        self.sink.term(TermRef::Literal { value, datatype, language: None })
    }

    /// Spells an IRI out.
    fn spell(&mut self) -> Option<()> {
        if self.bytes.get(self.place) == Some(&b'<') {
            return self.iri();
        }
        let (start, local, end) = self.find_name()?;
        self.spell_name(start, local, end)
    }

    /// Where a prefixed name, its part behind the colon, and what follows it begin.
    fn find_name(&self) -> Option<(usize, usize, usize)> {
        let start = self.place;
        let first = *self.bytes.get(start)?;
        if !first.is_ascii_alphabetic() && first != b':' {
            return None;
        }
        let rest = &self.bytes[start..];
        let colon = rest.iter().position(|byte| !is_name_byte(*byte))?;
        if rest[colon] != b':' {
            return None;
        }
        let local = start + colon + 1;
        Some((start, local, self.local_end(local)?))
    }

    fn spell_name(&mut self, start: usize, local: usize, end: usize) -> Option<()> {
        let prefix = &self.text[start..local - 1];
        let (_, iri) = self.prefixes.iter().find(|(name, _)| *name == prefix)?;
        self.spelled.clear();
        self.spelled.push_str(iri);
        self.spelled.push_str(&self.text[local..end]);
        self.place = end;
        Some(())
    }

    /// Where the part of a name behind the colon ends.
    fn local_end(&self, start: usize) -> Option<usize> {
        let mut end = start;
        if self.bytes.get(end) != Some(&b'-') {
            loop {
                end += self.bytes[end..].iter().take_while(|byte| is_name_byte(**byte)).count();
                // Dots belong to the name if something of it follows.
                let dots = self.bytes[end..].iter().take_while(|byte| **byte == b'.').count();
                let goes_on = self.bytes.get(end + dots).is_some_and(|byte| is_name_byte(*byte));
                if dots == 0 || end == start || !goes_on {
                    break;
                }
                end += dots;
            }
        }
        // Other letters, escapes and colons are for the library, also behind dots.
        let behind = self.bytes[end..].iter().find(|byte| **byte != b'.');
        let plain =
            behind.is_none_or(|byte| byte.is_ascii() && !matches!(byte, b':' | b'%' | b'\\'));
        plain.then_some(end)
    }

    /// An absolute IRI with which nothing can be wrong, and in which nothing is to be resolved.
    fn iri(&mut self) -> Option<()> {
        let start = self.place + 1;
        let length = memchr::memchr(b'>', self.bytes.get(start..)?)?;
        let iri = &self.text[start..start + length];
        let rest = iri.strip_prefix("http://").or_else(|| iri.strip_prefix("https://"))?;
        let host = rest.find(['/', '#']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(host);
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        let is_path = |byte: u8| is_name_byte(byte) || matches!(byte, b'.' | b'~' | b'/' | b'#');
        let hashes = path.bytes().filter(|byte| *byte == b'#').count();
        let plain = !host.is_empty()
            && host.bytes().all(is_host)
            && path.bytes().all(is_path)
            && hashes < 2
            && !path.contains("/.");
        self.spelled.clear();
        self.spelled.push_str(iri);
        self.place = start + length + 1;
        plain.then_some(())
    }

    fn string(&mut self) -> Option<TermId> {
        let start = self.place + 1;
        let length = memchr::memchr3(b'"', b'\\', b'\n', self.bytes.get(start..)?)?;
        let end = start + length;
        let value = &self.text[start..end];
        let is_long = length == 0 && self.bytes.get(end + 1) == Some(&b'"');
        if self.bytes[end] != b'"' || is_long || value.contains('\r') {
            return None;
        }
        self.place = end + 1;
        match self.bytes.get(self.place)? {
            b'@' => self.tagged(value),
            b'^' => self.annotated(value),
            // White space may stand between a string and what belongs to it.
            _ => {
                self.skip_space();
                let alone = !matches!(self.bytes.get(self.place)?, b'@' | b'^');
                if alone { self.typed(value, XSD_STRING) } else { None }
            }
        }
    }

    fn tagged(&mut self, value: &str) -> Option<TermId> {
        let start = self.place + 1;
        let letters = |from: usize| {
            self.bytes
                .get(from..)
                .map_or(0, |rest| rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count())
        };
        let mut end = start + letters(start);
        if !matches!(end - start, 2 | 3) {
            return None;
        }
        if self.bytes.get(end) == Some(&b'-') {
            if letters(end + 1) != 2 {
                return None;
            }
            end += 3;
        }
        if is_name_byte(*self.bytes.get(end)?) {
            return None;
        }
        self.place = end;
        let language = Some(&self.text[start..end]);
        self.sink.term(TermRef::Literal { value, datatype: RDF_LANG_STRING, language })
    }

    fn annotated(&mut self, value: &str) -> Option<TermId> {
        if self.bytes.get(self.place + 1) != Some(&b'^') {
            return None;
        }
        self.place += 2;
        self.spell()?;
        // The datatypes of that vocabulary ask for more than a text.
        if self.spelled.starts_with(RDF) {
            return None;
        }
        self.sink.term(TermRef::Literal { value, datatype: &self.spelled, language: None })
    }

    fn integer(&mut self) -> Option<TermId> {
        let start = self.place;
        let sign = usize::from(!self.bytes[start].is_ascii_digit());
        let digits = self.bytes[start + sign..].iter().take_while(|byte| byte.is_ascii_digit());
        let digits = digits.count();
        let end = start + sign + digits;
        let behind = match self.bytes.get(end)? {
            b'.' => self.bytes.get(end + 1)?,
            behind => behind,
        };
        if digits == 0 || !(behind.is_ascii_whitespace() || matches!(behind, b';' | b',')) {
            return None;
        }
        self.place = end;
        let value = &self.text[start..end];
        self.sink.term(TermRef::Literal { value, datatype: XSD_INTEGER, language: None })
    }

    /// Whether a word stands here, and nothing that could make it longer behind it.
    fn keyword(&mut self, word: &str) -> bool {
        let end = self.place + word.len();
        let behind = self.bytes.get(end);
        let found = self.bytes[self.place..].starts_with(word.as_bytes())
            && behind.is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b';' | b','));
        if found {
            self.place = end;
        }
        found
    }

    fn skip(&mut self, byte: u8) -> bool {
        let found = self.bytes.get(self.place) == Some(&byte);
        self.place += usize::from(found);
        found
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.bytes.get(self.place) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.place += 1,
                b'#' => {
                    let rest = &self.bytes[self.place..];
                    let length = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                    self.place += length;
                }
                _ => return,
            }
        }
    }
}

/// How many names are remembered at most.
const NESTS: usize = 64;

/// The nest of a name.
fn nest(name: &str) -> usize {
    let bytes = name.as_bytes();
    let from_end =
        |place: usize| bytes.len().checked_sub(place).map_or(0, |place| usize::from(bytes[place]));
    (from_end(1) * 13 + from_end(2) * 7 + from_end(bytes.len() / 2 + 1) + bytes.len()) % NESTS
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
