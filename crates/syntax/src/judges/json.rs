//! JSON, by `serde_json`, and names that occur twice in one object.

use serde::de::IgnoredAny;

use crate::text::{Found, offset_of};

/// What is wrong with `text`. Nothing here recurses.
pub(crate) fn judge(text: &str) -> Vec<Found> {
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => repeated_names(text),
        Err(error) => vec![found(text, &error)],
    }
}

fn found(text: &str, error: &serde_json::Error) -> Found {
    let at = offset_in_bytes(text, error.line(), error.column());
    let said = error.to_string();
    let message = said.split(" at line ").next().unwrap_or(&said).to_owned();
    Found::new(at..at, message)
}

/// `serde_json` counts columns in bytes, from 1, and tells 0 at the end of a line.
fn offset_in_bytes(text: &str, line: usize, column: usize) -> usize {
    (offset_of(text, line, 0) + column.saturating_sub(1)).min(text.len())
}

/// Names that occur twice in an object of a well-formed `text`. RFC 8259 leaves
/// open which one counts, and readers do differ.
fn repeated_names(text: &str) -> Vec<Found> {
    let bytes = text.as_bytes();
    let mut open: Vec<Scope<'_>> = Vec::new();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => open.push(Scope { names: Some(Vec::new()) }),
            b'[' => open.push(Scope { names: None }),
            b'}' | b']' => {
                found.extend(open.pop().into_iter().flat_map(|scope| scope.repeated(text)));
            }
            b'"' => {
                let end = end_of_string(bytes, at);
                if is_name(bytes, end)
                    && let Some(names) = open.last_mut().and_then(|scope| scope.names.as_mut())
                {
                    names.push(&text[at..end]);
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// An object or array that is open, and the names of the object so far, in their quotes.
struct Scope<'a> {
    names: Option<Vec<&'a str>>,
}

impl Scope<'_> {
    fn repeated(self, text: &str) -> Vec<Found> {
        let names = self.names.unwrap_or_default();
        if !has_repetition(&names) {
            return Vec::new();
        }
        let mut seen: std::collections::HashSet<String> = std::collections::HashSet::new();
        let mut found = Vec::new();
        for name in names {
            let decoded = serde_json::from_str::<String>(name).unwrap_or_else(|_| name.to_owned());
            if !seen.insert(decoded) {
                let start = name.as_ptr().addr() - text.as_ptr().addr();
                let message = format!("the name {name} occurs twice in this object");
                found.push(
                    Found::new(start..start + name.len(), message)
                        .with_hint("readers differ in which of the two they take: keep one"),
                );
            }
        }
        found
    }
}

/// Whether two of `names` may be the same; an escape makes it possible.
fn has_repetition(names: &[&str]) -> bool {
    if names.iter().any(|name| name.contains('\\')) {
        return true;
    }
    if names.len() <= 12 {
        return names.iter().enumerate().any(|(index, name)| names[..index].contains(name));
    }
    let distinct: std::collections::HashSet<&&str> = names.iter().collect();
    distinct.len() < names.len()
}

/// Just behind the string that opens at `at`.
fn end_of_string(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// Whether a colon follows, with only white space between.
fn is_name(bytes: &[u8], end: usize) -> bool {
    bytes[end..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}
