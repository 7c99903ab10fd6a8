//! Places in a text: which line, and what was used for it.

use std::ops::Range;

use super::ExplainError;

/// Where a line stands, without its break.
pub(super) fn line_range(text: &str, path: &str, line: u32) -> Result<Range<usize>, ExplainError> {
    let mut start = 0;
    for (index, content) in text.split_inclusive('\n').enumerate() {
        if index + 1 == line as usize {
            return Ok(start..start + content.trim_end_matches(['\n', '\r']).len());
        }
        start += content.len();
    }
    let lines = text.lines().count();
    Err(ExplainError::NoSuchLine { path: path.to_owned(), line, lines })
}

/// Whether two ranges have a place in common, or meet.
pub(super) fn overlaps(left: &Range<usize>, right: &Range<usize>) -> bool {
    left.start <= right.end && right.start <= left.end
}

/// Whether something of what is printed stands in the range.
pub(super) fn is_within(print: &Range<usize>, range: &Range<usize>) -> bool {
    print.start < range.end && range.start < print.end
}

/// Whether what happened at a position was for the range; all is for none.
pub(super) fn in_range(position: usize, range: Option<&Range<usize>>) -> bool {
    range.is_none_or(|range| {
        range.start <= position
            && (position < range.end || range.is_empty() && position == range.end)
    })
}

/// What is used before a line ends is used for what is written behind that, and so for the next
/// line, if there is one.
pub(super) fn used_for(text: &str, position: usize) -> usize {
    let rest = text.as_bytes().get(position..).unwrap_or_default();
    let breaks = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
    if breaks == rest.len() { position.saturating_sub(1) } else { position + breaks }
}
