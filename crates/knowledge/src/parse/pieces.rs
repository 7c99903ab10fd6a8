//! Where a file may be cut, by what its text says near the cut.
//!
//! A cut depends on few bytes before it, so that inserting text moves no cut but those
//! close by. It stands at the end of a line that seems to end a statement. Whether it does
//! is not known here: it may be a line of a long string.

use std::hash::Hasher;
use std::ops::Range;

use rustc_hash::FxHasher;

use crate::Format;

/// So many bytes before a cut decide whether it is one.
const WINDOW: usize = 24;
/// For each of so many bytes of a piece one statement more is passed over on the average.
const BYTES_PER_CHOICE: usize = 256;

/// Whether files of this notation can be cut.
pub(super) fn can_be_cut(format: Format) -> bool {
    matches!(format, Format::Turtle | Format::TriG | Format::NTriples | Format::NQuads)
}

/// Pieces of about `size` bytes, which together are the text.
pub(super) fn cut(bytes: &[u8], format: Format, size: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::with_capacity(bytes.len() / size.max(1) + 1);
    let mut start = 0;
    while start < bytes.len() {
        let end = end_of_piece(bytes, start, format, size);
        pieces.push(start..end);
        start = end;
    }
    pieces
}

fn end_of_piece(bytes: &[u8], start: usize, format: Format, size: usize) -> usize {
    let (least, most) = (start + size / 2, start.saturating_add(size.saturating_mul(4)));
    // At least two: if every end were a cut, each would depend on the one before it.
    let choices = (size / BYTES_PER_CHOICE).max(2).next_power_of_two() as u64;
    let Some(rest) = bytes.get(least..) else { return bytes.len() };
    memchr::memchr_iter(b'\n', rest)
        .map(|place| least + place)
        .filter(|end| seems_to_end(&bytes[start..*end], format))
        .find(|end| *end >= most || is_chosen(&bytes[start..*end], choices))
        .map_or(bytes.len(), |end| end + 1)
}

fn seems_to_end(text: &[u8], format: Format) -> bool {
    match text.strip_suffix(b"\r").unwrap_or(text).last() {
        Some(b'.') => true,
        Some(b'}') => format == Format::TriG,
        _ => false,
    }
}

fn is_chosen(text: &[u8], choices: u64) -> bool {
    let mut hasher = FxHasher::default();
    hasher.write(&text[text.len().saturating_sub(WINDOW)..]);
    (hasher.finish() >> 20).is_multiple_of(choices)
}
