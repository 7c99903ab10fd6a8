//! GraphQL, by cynic's parser, which keeps its own stack.

use std::borrow::Cow;

use cynic_parser::{Error, parse_executable_document, parse_type_system_document};

use crate::text::Found;

/// What is wrong with `text`: as a schema or as operations, whichever is right for longer.
/// A document with both, which no server takes, is refused.
pub(crate) fn judge(text: &str) -> Vec<Found> {
    if let Some((at, control)) = text.char_indices().find(|(_, character)| is_no_source(*character))
    {
        let message = format!("the character U+{:04X} may stand nowhere", u32::from(control));
        return vec![Found::new(at..at + control.len_utf8(), message)];
    }
    let text = &*within_the_first_plane(text);
    let Err(schema) = parse_type_system_document(text) else { return wrappers(text) };
    let Err(operations) = parse_executable_document(text) else { return wrappers(text) };
    let (schema, operations) = (found(text, &schema), found(text, &operations));
    let is_schema = schema.range.start >= operations.range.start;
    vec![if is_schema { schema } else { operations }]
}

/// Whether a character may be in no document, not even in a text or a comment.
fn is_no_source(character: char) -> bool {
    matches!(character, '\0'..' ') && !matches!(character, '\t' | '\n' | '\r')
}

/// The text with something of the same length for each character that the parser does not know: it
/// stops at those of the newer grammar, which are all above the first plane, as emoji are.
fn within_the_first_plane(text: &str) -> Cow<'_, str> {
    let is_above = |character: char| character > '\u{FFFF}';
    if text.contains(is_above) {
        text.replace(is_above, "\u{FFFD} ").into()
    } else {
        Cow::Borrowed(text)
    }
}

fn found(text: &str, error: &Error) -> Found {
    let range = error.span().map_or(text.len()..text.len(), |span| span.start..span.end);
    let said = error.to_string();
    let (message, expected) = said.split_once('\n').unwrap_or((&said, ""));
    let found = Found::new(range, message.trim_end());
    if expected.trim().is_empty() {
        found
    } else {
        found.with_hint(expected.trim().replace('\n', " "))
    }
}

/// What the parser takes around the name of a type: brackets without their partners, and `!!`.
fn wrappers(text: &str) -> Vec<Found> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut open: Vec<(u8, usize)> = Vec::new();
    let mut last = b' ';
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        match byte {
            b'"' | b'#' => {
                at = end_of_text(text, at);
                last = byte;
                continue;
            }
            b'[' | b'(' | b'{' => open.push((byte, at)),
            b']' | b')' | b'}' if open.last().is_some_and(|(begin, _)| closes(*begin, byte)) => {
                open.pop();
            }
            b']' | b')' | b'}' => {
                let message = format!("`{}` closes nothing that is open here", byte as char);
                return vec![Found::new(at..at + 1, message)];
            }
            b'!' if last == b'!' => found.push(Found::new(at..at + 1, "a second `!`")),
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            last = byte;
        }
        at += 1;
    }
    found.extend(open.pop().map(|(_, at)| Found::new(at..at + 1, "this bracket is not closed")));
    found
}

fn closes(begin: u8, end: u8) -> bool {
    matches!((begin, end), (b'[', b']') | (b'(', b')') | (b'{', b'}'))
}

/// Just behind the string or comment that begins at `at`.
fn end_of_text(text: &str, at: usize) -> usize {
    let rest = &text.as_bytes()[at..];
    let (mut end, close): (usize, &[u8]) = match rest {
        [b'"', b'"', b'"', ..] => (3, b"\"\"\""),
        [b'"', ..] => (1, b"\""),
        _ => (1, b"\n"),
    };
    while end < rest.len() && !rest[end..].starts_with(close) {
        let is_escape = close.len() == 1 && close[0] == b'"' && rest[end] == b'\\';
        let is_block_escape = close.len() == 3 && rest[end..].starts_with(b"\\\"\"\"");
        end += if is_block_escape { 4 } else { 1 + usize::from(is_escape) };
    }
    (at + end + close.len()).min(text.len())
}
