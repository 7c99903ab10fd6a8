//! Protocol buffers, by protox.

use miette::Diagnostic;
use protox_parse::ParseError;

use crate::text::Found;

/// What is wrong with `text`.
pub(crate) fn judge(text: &str) -> Vec<Found> {
    match protox_parse::parse("file.proto", text) {
        Ok(_) => Vec::new(),
        Err(error) => found(&error),
    }
}

fn found(error: &ParseError) -> Vec<Found> {
    let mut all = vec![one(error)];
    all.extend(error.related().into_iter().flatten().map(one));
    all
}

fn one(diagnostic: &dyn Diagnostic) -> Found {
    let range = diagnostic
        .labels()
        .and_then(|mut labels| labels.next())
        .map_or(0..0, |label| label.offset()..label.offset() + label.len());
    let found = Found::new(range, diagnostic.to_string());
    match diagnostic.help() {
        Some(help) => found.with_hint(help.to_string()),
        None => found,
    }
}
