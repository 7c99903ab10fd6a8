//! Keeps secrets and personal data out of what leaves the process.

use std::borrow::Cow;

mod pattern;
mod rules;

pub use pattern::{Pattern, PatternError};

use rules::{Span, is_secret_name};

/// What a secret is replaced by.
const MASK: &str = "[redacted]";

/// The rules by which texts are redacted. The default has all built-in rules:
///
/// - the value of a name like `token`, `password`, `secret`, `authorization` or
///   `api_key`, in `name=value`, `name: value` and JSON;
/// - what follows `Bearer` or `Basic`;
/// - `user:password@` in a URL;
/// - addresses of e-mail;
/// - words of 24 characters and more that look like chance: keys, tokens, hashes with
///   letters beyond hexadecimal. UUIDs and digests in hexadecimal stay, because ids and
///   digests are what telemetry is searched by.
///
/// Redaction errs on the side of hiding. It does not know names of people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Redaction {
    built_in: bool,
    names: Vec<String>,
    patterns: Vec<Pattern>,
}

impl Default for Redaction {
    fn default() -> Self {
        Self { built_in: true, names: Vec::new(), patterns: Vec::new() }
    }
}

impl Redaction {
    /// No rules at all: for texts that stay on the machine of who wrote them.
    pub fn none() -> Self {
        Self { built_in: false, names: Vec::new(), patterns: Vec::new() }
    }

    /// Adds a name whose values are hidden; compared without case, `-` and `_`.
    pub fn with_name(mut self, name: &str) -> Self {
        self.names.push(rules::plain_name(name));
        self
    }

    /// Adds a pattern whose matches are hidden.
    pub fn with_pattern(mut self, pattern: Pattern) -> Self {
        self.patterns.push(pattern);
        self
    }

    /// The text without what the rules hide; borrowed if there is nothing to hide.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut spans = Vec::new();
        if self.built_in {
            rules::find(text, &self.names, &mut spans);
        } else if !self.names.is_empty() {
            rules::find_named(
                text,
                &|name| self.names.iter().any(|known| known == name),
                &mut spans,
            );
        }
        for pattern in &self.patterns {
            pattern.find(text, &mut spans);
        }
        mask(text, spans)
    }

    /// The value of a named attribute: all of it is hidden if the name says so.
    pub fn value<'a>(&self, name: &str, value: &'a str) -> Cow<'a, str> {
        let plain = rules::plain_name(name);
        let secret = self.names.contains(&plain) || (self.built_in && is_secret_name(&plain));
        if secret && !value.is_empty() { Cow::Borrowed(MASK) } else { self.text(value) }
    }
}

/// Replaces the spans, which may overlap, by the mask.
fn mask(text: &str, mut spans: Vec<Span>) -> Cow<'_, str> {
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    spans.sort_by_key(|span| span.start);
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    for span in spans {
        if span.start >= end {
            masked.push_str(&text[end..span.start]);
            masked.push_str(MASK);
        }
        end = end.max(span.end);
    }
    masked.push_str(&text[end..]);
    Cow::Owned(masked)
}

#[cfg(test)]
mod tests;
