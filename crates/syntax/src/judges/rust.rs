//! Rust, by syn.

use std::str::FromStr as _;

use proc_macro2::{Spacing, Span, TokenStream, TokenTree};

use super::rust_macros;
use crate::text::Found;

/// What is wrong with `text`.
pub(crate) fn judge(text: &str) -> Vec<Found> {
    match parse(text) {
        Ok((file, skipped)) => {
            let found = rust_macros::judge(&file, skipped);
            release_spans(file);
            found
        }
        Err(found) => found,
    }
}

/// The file, and how many bytes of its first line were left out.
pub(crate) fn parse(text: &str) -> Result<(syn::File, usize), Vec<Found>> {
    let skipped = shebang(text);
    let tokens = TokenStream::from_str(&text[skipped..])
        .map_err(|error| vec![lexical(text, place(error.span(), skipped).start)])?;
    // The compiler reads `:::` as `::` and `:`, where nothing takes it; syn reads it both ways.
    if text.contains(":::")
        && let Some(span) = three_colons(tokens.clone())
    {
        return Err(vec![Found::new(place(span, skipped), "`:::` is no token here")]);
    }
    syn::parse2::<syn::File>(tokens).map(|file| (file, skipped)).map_err(|error| {
        error
            .into_iter()
            .map(|one| Found::new(place(one.span(), skipped), one.to_string()))
            .collect()
    })
}

/// Bytes of a text as the tokens of the current file have them.
pub(crate) fn place(span: Span, skipped: usize) -> std::ops::Range<usize> {
    let range = span.byte_range();
    range.start + skipped..range.end + skipped
}

/// The library keeps the text of every file for the life of its thread, for the
/// sake of spans; ours end here.
pub(crate) fn release_spans(file: syn::File) {
    drop(file);
    proc_macro2::extra::invalidate_current_thread_spans();
}

/// Length of a line for the loader of the operating system; `#![…]` is none.
fn shebang(text: &str) -> usize {
    let is_one = text.strip_prefix("#!").is_some_and(|rest| !rest.trim_start().starts_with('['));
    if is_one { text.find('\n').unwrap_or(text.len()) } else { 0 }
}

/// The library says of what is no token only where it stands.
fn lexical(text: &str, at: usize) -> Found {
    match text.get(at..).and_then(|rest| rest.chars().next()) {
        None => Found::new(text.len()..text.len(), "a bracket, string or comment is not closed"),
        Some(open @ ('(' | '[' | '{')) => {
            Found::new(at..at + 1, format!("`{open}` is not closed by a bracket of its kind"))
        }
        Some(close @ (')' | ']' | '}')) => {
            Found::new(at..at + 1, format!("`{close}` closes nothing that is open here"))
        }
        Some('"' | '\'') => {
            Found::new(at..at + 1, "this is no complete string, character or lifetime")
        }
        Some('/') => Found::new(at..at + 1, "this comment is not closed"),
        Some(other) => {
            Found::new(at..at + other.len_utf8(), format!("no token begins with `{other}` here"))
        }
    }
}

/// The first `:::` outside of the bodies of macros.
fn three_colons(tokens: TokenStream) -> Option<Span> {
    let mut colons = 0;
    let mut is_macro = false;
    for token in tokens {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == ':' => {
                colons += 1;
                if colons == 3 {
                    return Some(mark.span());
                }
                if mark.spacing() == Spacing::Alone {
                    colons = 0;
                }
                is_macro = false;
            }
            TokenTree::Group(group) => {
                colons = 0;
                if !is_macro && let Some(span) = three_colons(group.stream()) {
                    return Some(span);
                }
                is_macro = false;
            }
            // A name may stand between: `macro_rules! name { … }`.
            TokenTree::Ident(_) => colons = 0,
            TokenTree::Punct(mark) => {
                colons = 0;
                is_macro = mark.as_char() == '!' || mark.as_char() == '#';
            }
            TokenTree::Literal(_) => (colons, is_macro) = (0, false),
        }
    }
    None
}
