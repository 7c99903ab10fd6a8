//! What errors have in common.

use std::fmt::{self, Display};

use serde::{Serialize, Serializer};

use crate::event::ErrorKind;

/// Stands for all errors of a kind and a component whose messages differ only in
/// numbers, ids, paths, addresses and quoted names. It is the same in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) fn of(kind: ErrorKind, component: &str, pattern: &str) -> Self {
        // FNV-1a: the standard library's hasher may differ from release to release.
        let bytes = [kind.name(), component, pattern]
            .into_iter()
            .flat_map(|part| part.bytes().chain([0xff]));
        Self(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }
}

impl Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A message with placeholders for what differs from one error to the next: `<n>`
/// numbers, `<id>` ids and digests, `<path>`, `<uri>`, `<text>` what is in quotes.
pub fn normalize(message: &str) -> String {
    let mut pattern = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            char if char.is_whitespace() => {
                // One space for any number of them; a message may be wrapped.
                if !pattern.ends_with(' ') {
                    pattern.push(' ');
                }
                first.len_utf8()
            }
            '"' | '`' | '\'' => quoted(rest, first, &mut pattern),
            _ => word(rest, &mut pattern),
        };
        rest = &rest[length..];
    }
    pattern.truncate(pattern.trim_end().len());
    pattern
}

/// Takes what is in quotes; a quote that does not close stands for itself.
fn quoted(rest: &str, quote: char, pattern: &mut String) -> usize {
    let line = rest[1..].split('\n').next().unwrap_or("");
    if let Some(length) = line.find(quote) {
        pattern.push_str("<text>");
        return length + 2;
    }
    pattern.push(quote);
    1
}

/// Takes a word, up to a space or a quote. An apostrophe inside of it is part of it.
fn word(rest: &str, pattern: &mut String) -> usize {
    let length = rest
        .find(|char: char| char.is_whitespace() || matches!(char, '"' | '`'))
        .unwrap_or(rest.len());
    let word = &rest[..length];
    let core = word.trim_matches(|char: char| {
        matches!(char, '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';' | '.' | ':' | '<' | '>')
    });
    // The core is a part of the word, so it is found in it.
    let start = word.find(core).unwrap_or(0);
    pattern.push_str(&word[..start]);
    core_of(core, pattern);
    pattern.push_str(&word[start + core.len()..]);
    length
}

fn core_of(core: &str, pattern: &mut String) {
    let is_path = core.len() > 1 && core.contains(['/', '\\']);
    if core.contains("://") {
        pattern.push_str("<uri>");
    } else if is_path {
        pattern.push_str("<path>");
    } else if let Some((name, id)) = core.split_once('=') {
        numbers(name, pattern);
        pattern.push('=');
        core_of(id, pattern);
    } else if is_id(core) {
        pattern.push_str("<id>");
    } else {
        numbers(core, pattern);
    }
}

/// Hexadecimal with a digit, of eight characters or more; dashes as in a UUID.
fn is_id(word: &str) -> bool {
    word.len() >= 8
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_alphabetic())
        && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Puts `<n>` for each number, with its fraction.
fn numbers(word: &str, pattern: &mut String) {
    let mut in_number = false;
    let mut chars = word.chars().peekable();
    while let Some(char) = chars.next() {
        let continues = in_number
            && matches!(char, '.' | ',' | '_')
            && chars.peek().is_some_and(char::is_ascii_digit);
        if char.is_ascii_digit() {
            if !in_number {
                pattern.push_str("<n>");
            }
            in_number = true;
        } else if !continues {
            in_number = false;
            pattern.push(char);
        }
    }
}
