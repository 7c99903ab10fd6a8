//! One way into all notations.

use std::ops::ControlFlow;

use evergen_delta::{TermId, TermRef};
use oxrdf::Quad;

use super::{Documents, SyntaxError, SyntaxErrorKind, jsonld, notation, oxttl_text, rdfxml, scan};
use crate::{Format, Limits};

/// Takes the statements of a file, in the order of the file.
pub(super) trait Sink {
    /// Takes a statement; `line` is 0 unless lines were asked for and are known.
    fn quad(&mut self, quad: Quad, line: u32) -> ControlFlow<()>;

    /// Takes a term of statements that may follow, and gives its id; `None` if it is to
    /// come in a [`quad`](Self::quad).
    fn term(&mut self, _term: TermRef<'_>) -> Option<TermId> {
        None
    }

    /// Takes triples of terms that were given ids, unless it answers no.
    fn triples(&mut self, _triples: &[[TermId; 3]]) -> bool {
        false
    }
}

/// Keeps statements until it is known whether they count.
impl Sink for Vec<Quad> {
    fn quad(&mut self, quad: Quad, _line: u32) -> ControlFlow<()> {
        self.push(quad);
        ControlFlow::Continue(())
    }
}

/// What a file declares besides its statements.
#[derive(Clone, Debug, Default)]
pub(super) struct Document {
    pub(super) prefixes: Vec<(String, String)>,
    /// The documents that were looked up.
    pub(super) used: Vec<String>,
}

/// A file that has passed the checks that need no parser.
pub(super) struct Source<'a> {
    /// Everything behind a byte order mark.
    pub(super) bytes: &'a [u8],
    pub(super) format: Format,
    pub(super) base: &'a str,
    pub(super) limits: &'a Limits,
    pub(super) documents: &'a Documents,
    skipped: usize,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// More errors than this are not looked for.
pub(super) const MAX_ERRORS: usize = 20;

/// The text behind a byte order mark.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

impl<'a> Source<'a> {
    pub(super) fn new(
        bytes: &'a [u8],
        format: Format,
        base: &'a str,
        limits: &'a Limits,
        documents: &'a Documents,
    ) -> Result<Self, Vec<SyntaxError>> {
        let limit = limits.max_file_bytes;
        if bytes.len() as u64 > limit {
            let kind = SyntaxErrorKind::FileTooLarge { limit };
            return Err(vec![SyntaxError::at(bytes, 0..0, kind)]);
        }
        let text = without_mark(bytes);
        let skipped = bytes.len() - text.len();
        let format = notation::of_text(format, text);
        let source = Self { bytes: text, format, base, limits, documents, skipped };
        source.check().map_err(|(place, kind)| vec![source.error(place..place + 1, kind)])?;
        Ok(source)
    }

    /// A file that is not checked yet, without a byte order mark.
    pub(super) fn unchecked(
        bytes: &'a [u8],
        format: Format,
        base: &'a str,
        limits: &'a Limits,
        documents: &'a Documents,
    ) -> Self {
        Self { bytes, format, base, limits, documents, skipped: 0 }
    }

    /// A part of the file; its errors have their places in the part.
    pub(super) fn part(&self, text: &'a [u8]) -> Self {
        Self { bytes: text, skipped: 0, ..*self }
    }

    /// What can be known to be wrong without parsing, and where.
    pub(super) fn check(&self) -> Result<(), (usize, SyntaxErrorKind)> {
        if let Err(error) = std::str::from_utf8(self.bytes) {
            return Err((error.valid_up_to(), SyntaxErrorKind::Encoding));
        }
        let limit = match self.format {
            Format::JsonLd => self.limits.json_nesting(),
            _ => self.limits.max_nesting,
        };
        let place = match self.format {
            Format::NTriples | Format::NQuads => None,
            Format::Turtle | Format::TriG => scan::turtle_deeper_than(self.bytes, limit),
            Format::JsonLd => scan::json_deeper_than(self.bytes, limit),
            Format::RdfXml => {
                rdfxml::check_entities(self.bytes, self.limits.max_entity_bytes)?;
                rdfxml::deeper_than(self.bytes, limit)
            }
        };
        let kind = SyntaxErrorKind::NestingTooDeep { limit };
        place.map_or(Ok(()), |place| Err((place, kind)))
    }

    /// Gives all statements to `sink`, until it has enough.
    pub(super) fn read(&self, sink: &mut impl Sink) -> Result<Document, Vec<SyntaxError>> {
        match self.format {
            Format::JsonLd => jsonld::read(self, sink),
            Format::RdfXml => rdfxml::read(self, sink),
            _ => oxttl_text::read(self, sink),
        }
    }

    /// The same, slower, with lines as far as the notation has them.
    pub(super) fn read_with_lines(&self, sink: &mut impl Sink) {
        match self.format {
            // Errors have been reported by whoever read the file first.
            Format::JsonLd => drop(jsonld::read(self, sink)),
            Format::RdfXml => drop(rdfxml::read(self, sink)),
            _ => oxttl_text::read_with_lines(self, sink),
        }
    }

    /// An error at a place behind the byte order mark.
    pub(super) fn error(&self, span: std::ops::Range<usize>, kind: SyntaxErrorKind) -> SyntaxError {
        SyntaxError::at(self.bytes, span, kind).shifted(self.skipped)
    }

    pub(super) fn syntax_error(&self, span: std::ops::Range<usize>, message: &str) -> SyntaxError {
        let kind = SyntaxErrorKind::Syntax;
        SyntaxError::with_message(self.bytes, span, kind, message).shifted(self.skipped)
    }

    /// An error of the statement with this number; its line is looked for.
    pub(super) fn error_at_statement(&self, number: u64, kind: SyntaxErrorKind) -> SyntaxError {
        let mut finder = LineOf { left: number, line: 1 };
        self.read_with_lines(&mut finder);
        self.error(line_span(self.bytes, finder.line), kind)
    }
}

struct LineOf {
    left: u64,
    line: u32,
}

impl Sink for LineOf {
    fn quad(&mut self, _quad: Quad, line: u32) -> ControlFlow<()> {
        if self.left == 0 {
            self.line = line.max(1);
            return ControlFlow::Break(());
        }
        self.left -= 1;
        ControlFlow::Continue(())
    }
}

/// The bytes of a line without the white space around it.
fn line_span(bytes: &[u8], line: u32) -> std::ops::Range<usize> {
    let mut lines = scan::Lines::new(bytes);
    let Some(span) = lines.nth(line.saturating_sub(1) as usize) else { return 0..0 };
    let text = &bytes[span.clone()];
    let start = span.start + (text.len() - text.trim_ascii_start().len());
    start..start + text.trim_ascii().len()
}
