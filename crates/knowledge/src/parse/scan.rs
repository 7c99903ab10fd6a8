//! Looking over a file without parsing it: brackets, strings and lines.

use std::ops::{ControlFlow, Range};

/// What matters in Turtle and `TriG` to one who only counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A bracket of any kind opens here.
    Open,
    /// A bracket of any kind closes here.
    Close,
    /// A string in triple quotes begins here.
    StringStart,
    /// A string in triple quotes ended just before.
    StringEnd,
    /// A line outside of such strings ended just before.
    Line,
}

/// Visits the marks of a Turtle or `TriG` file until `visit` has enough.
///
/// Brackets in strings, IRIs, comments and behind backslashes don't count. In a
/// file with errors the marks mean little.
pub(super) fn turtle_marks(bytes: &[u8], mut visit: impl FnMut(Mark, usize) -> ControlFlow<()>) {
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        let flow = match byte {
            b'[' | b'(' | b'{' => visit(Mark::Open, place),
            b']' | b')' | b'}' => visit(Mark::Close, place),
            b'\n' => visit(Mark::Line, place + 1),
            b'\r' if bytes.get(place + 1) != Some(&b'\n') => visit(Mark::Line, place + 1),
            b'\\' => {
                place += 1;
                ControlFlow::Continue(())
            }
            b'#' => {
                place = line_end(bytes, place);
                continue;
            }
            b'<' => {
                place = iri_end(bytes, place);
                continue;
            }
            quote @ (b'"' | b'\'') => {
                if bytes[place..].starts_with(&[*quote; 3]) {
                    let end = long_string_end(bytes, place + 3, *quote);
                    let flow = visit(Mark::StringStart, place);
                    place = end;
                    if flow.is_break() || visit(Mark::StringEnd, end).is_break() {
                        return;
                    }
                } else {
                    place = short_string_end(bytes, place + 1, *quote);
                }
                continue;
            }
            _ => ControlFlow::Continue(()),
        };
        if flow.is_break() {
            return;
        }
        place += 1;
    }
}

/// Behind the first dot from `place` on that seems to end a Turtle statement, and is at
/// least `length` bytes further; else the end of the file. Strings and comments are told
/// apart if `place` is not within one.
pub(super) fn statement_end(bytes: &[u8], mut place: usize, length: usize) -> usize {
    let least = place.saturating_add(length);
    let mut depth = 0_usize;
    while let Some(byte) = bytes.get(place) {
        place = match byte {
            b'#' => line_end(bytes, place),
            b'<' => iri_end(bytes, place),
            b'\\' => place + 2,
            quote @ (b'"' | b'\'') if bytes[place..].starts_with(&[*quote; 3]) => {
                long_string_end(bytes, place + 3, *quote)
            }
            quote @ (b'"' | b'\'') => short_string_end(bytes, place + 1, *quote),
            other => {
                match other {
                    b'[' | b'(' => depth += 1,
                    b']' | b')' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                place + 1
            }
        };
        let ends = *byte == b'.' && depth == 0 && place >= least;
        if ends && bytes.get(place).is_none_or(u8::is_ascii_whitespace) {
            return place;
        }
    }
    bytes.len()
}

fn line_end(bytes: &[u8], place: usize) -> usize {
    memchr::memchr2(b'\n', b'\r', &bytes[place..]).map_or(bytes.len(), |length| place + length)
}

/// Behind the `>`, or at the end of the line, as an IRI has no line end.
fn iri_end(bytes: &[u8], place: usize) -> usize {
    match memchr::memchr3(b'>', b'\n', b'\r', &bytes[place..]) {
        Some(length) => place + length + usize::from(bytes[place + length] == b'>'),
        None => bytes.len(),
    }
}

fn short_string_end(bytes: &[u8], mut place: usize, quote: u8) -> usize {
    while let Some(length) = memchr::memchr3(quote, b'\\', b'\n', &bytes[place..]) {
        place += length;
        match bytes[place] {
            b'\\' => place = (place + 2).min(bytes.len()),
            b'\n' => return place,
            _ => return place + 1,
        }
    }
    bytes.len()
}

fn long_string_end(bytes: &[u8], mut place: usize, quote: u8) -> usize {
    while let Some(length) = memchr::memchr2(quote, b'\\', &bytes[place..]) {
        place += length;
        if bytes[place] == b'\\' {
            place = (place + 2).min(bytes.len());
        } else if bytes[place..].starts_with(&[quote; 3]) {
            return place + 3;
        } else {
            place += 1;
        }
    }
    bytes.len()
}

/// Where a Turtle or `TriG` file is nested deeper than allowed.
pub(super) fn turtle_deeper_than(bytes: &[u8], limit: usize) -> Option<usize> {
    // Most files don't even have so many brackets; counting them costs next to nothing.
    let nth_bracket = memchr::memchr3_iter(b'[', b'(', b'{', bytes).nth(limit);
    nth_bracket?;
    let mut depth = 0_usize;
    let mut found = None;
    turtle_marks(bytes, |mark, place| {
        match mark {
            Mark::Open => depth += 1,
            Mark::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limit {
            found = Some(place);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    found
}

/// Where a JSON file is nested deeper than allowed.
pub(super) fn json_deeper_than(bytes: &[u8], limit: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        match byte {
            b'"' => {
                place = short_string_end(bytes, place + 1, b'"');
                continue;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limit {
            return Some(place);
        }
        place += 1;
    }
    None
}

/// The lines of a file without their ends, as the parsers count them.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, place: 0 }
    }
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        if self.place >= self.bytes.len() {
            return None;
        }
        let start = self.place;
        let end = line_end(self.bytes, start);
        let is_pair = self.bytes[end..].starts_with(b"\r\n");
        self.place = end + 1 + usize::from(is_pair);
        Some(start..end)
    }
}
