//! Turtle, `TriG`, N-Triples and N-Quads.

use std::ops::{ControlFlow, Range};

use oxrdf::{GraphName, Quad, Triple};
use oxttl::nquads::LowLevelNQuadsParser;
use oxttl::ntriples::LowLevelNTriplesParser;
use oxttl::trig::LowLevelTriGParser;
use oxttl::turtle::LowLevelTurtleParser;
use oxttl::{NQuadsParser, NTriplesParser, TriGParser, TurtleParser, TurtleSyntaxError};

use super::reader::{Document, MAX_ERRORS, Sink, Source};
use super::scan::{Lines, Mark, turtle_marks};
use super::{SyntaxError, SyntaxErrorKind, plain, scan};
use crate::Format;
use crate::chunks::Header;

/// The header of a text whose statements have these prefixes.
fn header<'a>(base: Option<&str>, prefixes: impl Iterator<Item = (&'a str, &'a str)>) -> Header {
    let mut prefixes: Vec<(String, String)> =
        prefixes.map(|(name, iri)| (name.to_owned(), iri.to_owned())).collect();
    prefixes.sort_unstable();
    Header { base: base.map(str::to_owned), prefixes }
}

/// The header as it stands before a file.
pub(super) fn first_header(format: Format, base: &str) -> Header {
    match format {
        Format::Turtle | Format::TriG => {
            Header { base: Some(base.to_owned()), prefixes: Vec::new() }
        }
        _ => Header::default(),
    }
}

/// The header as it stands at the first statement of a Turtle file.
pub(super) fn header_at_first_statement(bytes: &[u8], base: &str) -> Option<Header> {
    let mut parser = TurtleParser::new().with_base_iri(base).ok()?.for_slice(bytes);
    parser.next()?.ok()?;
    Some(header(parser.base_iri(), parser.prefixes()))
}

/// Whether the text seems to begin between two statements: three of them follow.
pub(super) fn has_statements(bytes: &[u8], header: &Header) -> bool {
    let Some(parser) = turtle(header) else { return false };
    parser.for_slice(bytes).take(3).flatten().count() == 3
}

/// A Turtle parser for what stands behind this header; `None` if no parser takes it.
fn turtle(header: &Header) -> Option<TurtleParser> {
    let mut parser = TurtleParser::new();
    if let Some(base) = &header.base {
        parser = parser.with_base_iri(base).ok()?;
    }
    for (name, iri) in &header.prefixes {
        parser = parser.with_prefix(name, iri).ok()?;
    }
    Some(parser)
}

/// The same for `TriG`.
fn trig(header: &Header) -> Option<TriGParser> {
    let mut parser = TriGParser::new();
    if let Some(base) = &header.base {
        parser = parser.with_base_iri(base).ok()?;
    }
    for (name, iri) in &header.prefixes {
        parser = parser.with_prefix(name, iri).ok()?;
    }
    Some(parser)
}

/// What came of reading some text: the header at its end, and what is wrong with it.
pub(super) struct Outcome {
    pub(super) header: Header,
    pub(super) errors: Vec<TurtleSyntaxError>,
    /// From where on the places of errors count.
    pub(super) start: usize,
}

pub(super) fn read(
    source: &Source<'_>,
    sink: &mut impl Sink,
) -> Result<Document, Vec<SyntaxError>> {
    let header = first_header(source.format, source.base);
    let Some(outcome) = read_text(source, &header, MAX_ERRORS, sink) else {
        return Err(vec![source.error(0..0, SyntaxErrorKind::Base)]);
    };
    if outcome.errors.is_empty() {
        return Ok(Document { prefixes: outcome.header.prefixes, used: Vec::new() });
    }
    Err(outcome.errors.iter().map(|error| translate(source, error, outcome.start)).collect())
}

/// Reads whole statements up to so many errors; `None` if no parser takes the header.
pub(super) fn read_text(
    source: &Source<'_>,
    before: &Header,
    most_errors: usize,
    sink: &mut impl Sink,
) -> Option<Outcome> {
    let (bytes, empty) = (source.bytes, Header::default());
    Some(match source.format {
        Format::Turtle => read_turtle(bytes, before, most_errors, sink)?,
        Format::TriG => {
            let mut parser = trig(before)?.for_slice(bytes);
            let errors = drain(&mut parser, most_errors, |quad| quad, sink);
            Outcome { header: header(parser.base_iri(), parser.prefixes()), errors, start: 0 }
        }
        Format::NQuads => {
            let mut parser = NQuadsParser::new().for_slice(bytes);
            let errors = drain(&mut parser, most_errors, |quad| quad, sink);
            Outcome { header: empty, errors, start: 0 }
        }
        _ => {
            let mut parser = NTriplesParser::new().for_slice(bytes);
            let errors = drain(&mut parser, most_errors, in_default_graph, sink);
            Outcome { header: empty, errors, start: 0 }
        }
    })
}

/// At least so much text goes to the library where something is not plain, and at most so
/// much before it is tried again whether what follows is.
const SECTION: Range<usize> = 1 << 10..1 << 16;
/// Longer sections are not held back until they are known to count.
const LONGEST: usize = 1 << 20;

/// Reads what is plain by [`plain`], and sections in between by the library.
///
/// That a section ends between two statements is proved by reading it, as with
/// [`chunks`](super::chunks); if it doesn't, the library reads all the rest.
fn read_turtle(
    bytes: &[u8],
    before: &Header,
    most_errors: usize,
    sink: &mut impl Sink,
) -> Option<Outcome> {
    // A base that is none is refused also where nothing needs it.
    let _ = turtle(before)?;
    let mut now = before.clone();
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let (mut place, mut length) = (0, SECTION.start);
    while place < text.len() {
        let start = plain::read(text, place, &now, sink);
        if start == text.len() {
            return Some(Outcome { header: now, errors: Vec::new(), start });
        }
        // Where little is plain, changing over often doesn't pay.
        let much = start - place > length;
        length = if much { length / 2 } else { length * 2 }.clamp(SECTION.start, SECTION.end);
        let end = scan::statement_end(bytes, start, length);
        place = start;
        if end - start > LONGEST {
            break;
        }
        let mut quads: Vec<Quad> = Vec::new();
        let mut parser = turtle(&now)?.for_slice(&bytes[start..end]);
        if !drain(&mut parser, 1, in_default_graph, &mut quads).is_empty() {
            break;
        }
        now = header(parser.base_iri(), parser.prefixes());
        if quads.into_iter().any(|quad| sink.quad(quad, 0).is_break()) {
            return Some(Outcome { header: now, errors: Vec::new(), start });
        }
        place = end;
    }
    let mut parser = turtle(&now)?.for_slice(&bytes[place..]);
    let errors = drain(&mut parser, most_errors, in_default_graph, sink);
    Some(Outcome { header: header(parser.base_iri(), parser.prefixes()), errors, start: place })
}

fn in_default_graph(triple: Triple) -> Quad {
    triple.in_graph(GraphName::DefaultGraph)
}

fn drain<T>(
    parser: &mut impl Iterator<Item = Result<T, TurtleSyntaxError>>,
    most_errors: usize,
    quad: impl Fn(T) -> Quad,
    sink: &mut impl Sink,
) -> Vec<TurtleSyntaxError> {
    let mut errors = Vec::new();
    for result in parser {
        match result {
            Ok(statement) => {
                if sink.quad(quad(statement), 0).is_break() {
                    break;
                }
            }
            Err(error) => {
                errors.push(error);
                if errors.len() == most_errors {
                    break;
                }
            }
        }
    }
    errors
}

fn translate(source: &Source<'_>, error: &TurtleSyntaxError, start: usize) -> SyntaxError {
    let location = error.location();
    // A file in memory has no offset beyond the address space.
    let offset = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).saturating_add(start);
    let span = offset(location.start.offset)..offset(location.end.offset);
    let token = source.bytes.get(span.clone()).and_then(|token| std::str::from_utf8(token).ok());
    let rest = token.and_then(|token| error.message().strip_prefix(token));
    let message = match (token, rest) {
        (Some(token), Some(rest)) if !token.is_empty() => format!("`{token}`{rest}"),
        _ => error.message().to_owned(),
    };
    source.syntax_error(span, &message)
}

/// Gives each statement with the line on which its object ends.
pub(super) fn read_with_lines(source: &Source<'_>, sink: &mut impl Sink) {
    match source.format {
        Format::Turtle => {
            let Ok(parser) = TurtleParser::new().with_base_iri(source.base) else { return };
            feed_turtle(source.bytes, parser.low_level(), sink);
        }
        Format::TriG => {
            let Ok(parser) = TriGParser::new().with_base_iri(source.base) else { return };
            feed_turtle(source.bytes, parser.low_level(), sink);
        }
        Format::NQuads => feed_lines(source.bytes, NQuadsParser::new().low_level(), sink),
        _ => feed_lines(source.bytes, NTriplesParser::new().low_level(), sink),
    }
}

/// A parser that takes its text piece by piece.
trait Feed {
    fn feed(&mut self, text: &[u8]);
    fn end(&mut self);
    fn statement(&mut self) -> Option<Result<Quad, TurtleSyntaxError>>;
}

macro_rules! feed {
    ($parser:ty, $quad:expr) => {
        impl Feed for $parser {
            fn feed(&mut self, text: &[u8]) {
                self.extend_from_slice(text);
            }

            fn end(&mut self) {
                Self::end(self);
            }

            fn statement(&mut self) -> Option<Result<Quad, TurtleSyntaxError>> {
                self.parse_next().map(|result| result.map($quad))
            }
        }
    };
}

feed!(LowLevelTurtleParser, in_default_graph);
feed!(LowLevelTriGParser, |quad| quad);
feed!(LowLevelNTriplesParser, in_default_graph);
feed!(LowLevelNQuadsParser, |quad| quad);

struct Feeder<'a, P, S> {
    bytes: &'a [u8],
    parser: P,
    sink: &'a mut S,
    /// The last line with something on it.
    line: u32,
}

fn feed_lines<P: Feed, S: Sink>(bytes: &[u8], parser: P, sink: &mut S) {
    let mut feeder = Feeder { bytes, parser, sink, line: 1 };
    let mut start = 0;
    let ends = Lines::new(bytes).skip(1).map(|line| line.start).chain([bytes.len()]);
    for (line, end) in (1..).zip(ends) {
        if feeder.piece(start..end, line).is_break() {
            return;
        }
        start = end;
    }
    let _ = feeder.finish();
}

/// Strings in triple quotes are fed whole, as a parser would begin anew with every piece.
fn feed_turtle<P: Feed, S: Sink>(bytes: &[u8], parser: P, sink: &mut S) {
    let mut feeder = Feeder { bytes, parser, sink, line: 1 };
    let (mut start, mut line, mut is_stopped) = (0, 1, false);
    turtle_marks(bytes, |mark, place| {
        if matches!(mark, Mark::Open | Mark::Close) {
            return ControlFlow::Continue(());
        }
        let piece = start..place;
        start = place;
        if mark == Mark::StringEnd {
            let ends = Lines::new(&bytes[piece.clone()]).count();
            line += u32::try_from(ends.saturating_sub(1)).unwrap_or(u32::MAX);
        }
        let flow = feeder.piece(piece, line);
        line += u32::from(mark == Mark::Line);
        is_stopped = flow.is_break();
        flow
    });
    if !is_stopped && feeder.piece(start..bytes.len(), line).is_continue() {
        let _ = feeder.finish();
    }
}

impl<P: Feed, S: Sink> Feeder<'_, P, S> {
    fn piece(&mut self, piece: Range<usize>, line: u32) -> ControlFlow<()> {
        let text = &self.bytes[piece];
        let blank = text.len() - text.trim_ascii_start().len();
        let (Some(first), mut rest) = (text.get(blank), text) else {
            self.parser.feed(text);
            return self.drain(self.line);
        };
        // What closes a statement that ended on an earlier line belongs to that line.
        if b";,.])}".contains(first) {
            let length = (blank + 1 + usize::from(*first == b'.')).min(text.len());
            let (head, tail) = text.split_at(length);
            self.parser.feed(head);
            self.drain(self.line)?;
            rest = tail;
        }
        self.parser.feed(rest);
        if *first != b'#' {
            self.line = line;
        }
        self.drain(line)
    }

    fn finish(&mut self) -> ControlFlow<()> {
        self.parser.end();
        self.drain(self.line)
    }

    fn drain(&mut self, line: u32) -> ControlFlow<()> {
        while let Some(result) = self.parser.statement() {
            if let Ok(quad) = result {
                self.sink.quad(quad, line)?;
            }
        }
        ControlFlow::Continue(())
    }
}
