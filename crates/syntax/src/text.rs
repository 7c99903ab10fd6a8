//! Bytes as text, and places in it.

use std::ops::Range;

use crate::SyntaxError;

/// What a judge has found, before lines and columns are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// In bytes of what the judge was given.
    pub(crate) range: Range<usize>,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Found {
    pub(crate) fn new(range: Range<usize>, message: impl Into<String>) -> Self {
        Self { range, message: message.into(), hint: None }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Text that is known to be UTF-8, without its byte order mark.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) body: &'a str,
    /// Bytes of the mark before `body`.
    pub(crate) skipped: usize,
}

/// The mark that some editors put before UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

impl<'a> Text<'a> {
    /// Decodes `bytes`, or tells where they stop being UTF-8.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, SyntaxError> {
        let skipped = if bytes.starts_with(MARK) { MARK.len() } else { 0 };
        match std::str::from_utf8(&bytes[skipped..]) {
            Ok(body) => Ok(Self { body, skipped }),
            Err(error) => Err(not_utf8(bytes, skipped + error.valid_up_to())),
        }
    }

    /// Gives what was found its lines and columns, sorted by place, without repetitions.
    pub(crate) fn locate(self, mut found: Vec<Found>, most: usize) -> Vec<SyntaxError> {
        found.sort_by_key(|one| (one.range.start, one.range.end));
        found.dedup();
        found.truncate(most);
        let mut cursor = Cursor { text: self.body, at: 0, line: 1, line_start: 0 };
        found.into_iter().map(|one| self.place(&mut cursor, one)).collect()
    }

    fn place(self, cursor: &mut Cursor<'_>, found: Found) -> SyntaxError {
        let start = floor(self.body, found.range.start);
        let end = floor(self.body, found.range.end).max(start);
        let (line, column) = cursor.advance(start);
        SyntaxError {
            line,
            column,
            range: start + self.skipped..end + self.skipped,
            message: found.message,
            hint: found.hint,
        }
    }
}

/// Counts lines on the way through a text, so that many places cost one pass.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
}

impl Cursor<'_> {
    /// Line and column of `offset`, which is not before the one of the last call.
    fn advance(&mut self, offset: usize) -> (usize, usize) {
        for (index, byte) in self.text.as_bytes()[self.at..offset].iter().enumerate() {
            if *byte == b'\n' {
                self.line += 1;
                self.line_start = self.at + index + 1;
            }
        }
        self.at = offset;
        (self.line, self.text[self.line_start..offset].chars().count() + 1)
    }
}

/// Line and column, both from 1, of one place in `text`.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    Cursor { text, at: 0, line: 1, line_start: 0 }.advance(floor(text, offset))
}

/// Byte offset of a line from 1 and a column from 0 in characters; the end of `text` beyond it.
#[cfg(any(feature = "json", feature = "yaml", feature = "sql"))]
pub(crate) fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let line_start = match line {
        0 | 1 => 0,
        _ => match memchr_nth(text.as_bytes(), line - 1) {
            Some(end) => end + 1,
            None => return text.len(),
        },
    };
    text[line_start..]
        .char_indices()
        .nth(column)
        .map_or(text.len(), |(index, _)| line_start + index)
}

/// Where the `n`-th line (from 1) ends.
#[cfg(any(feature = "json", feature = "yaml", feature = "sql"))]
fn memchr_nth(bytes: &[u8], n: usize) -> Option<usize> {
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(n - 1).map(|(index, _)| index)
}

/// The nearest boundary of a character at or before `offset`.
pub(crate) fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

fn not_utf8(bytes: &[u8], at: usize) -> SyntaxError {
    // What stands before `at` is UTF-8 by construction, so nothing is replaced.
    let before = String::from_utf8_lossy(&bytes[..at]);
    let (line, column) = position(&before, before.len());
    let mark = usize::from(line == 1 && bytes.starts_with(MARK));
    SyntaxError {
        line,
        column: column - mark.min(column - 1),
        range: at..at + 1,
        message: format!("the byte 0x{:02x} is not UTF-8", bytes[at]),
        hint: Some("save the file as UTF-8".to_owned()),
    }
}
