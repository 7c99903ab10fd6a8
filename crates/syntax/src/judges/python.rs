//! Python, by the parser of ruff.

use ruff_python_ast::PythonVersion;
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, ParseOptions, Parsed, parse_unchecked};
use ruff_text_size::{Ranged, TextRange};

use super::{Judged, python_scopes};
use crate::text::Found;
use crate::{Limits, Unjudged};

/// How many brackets may be open at once, and how many levels of indentation: the compiler's own limits.
const MOST_BRACKETS: usize = 200;
const MOST_INDENTS: usize = 100;

/// What is wrong with `text`.
pub(crate) fn judge(parser: &'static str, text: &str, limits: &Limits) -> Judged {
    if let Some(encoding) = declared_encoding(text) {
        return Err(Unjudged::Encoding(encoding));
    }
    if let Some(at) = text.find('\0') {
        return Ok(vec![Found::new(at..at + 1, "source code cannot contain NUL characters")]);
    }
    crate::stack::guarded(parser, text, limits, || {
        let parsed = parse(text);
        let found = grammar(&parsed);
        if found.is_empty() { python_scopes::judge(text, parsed.syntax()) } else { found }
    })
}

/// The module in the newest version of the language, with its errors beside it.
pub(crate) fn parse(text: &str) -> Parsed<ruff_python_ast::Mod> {
    let options = ParseOptions::from(Mode::Module).with_target_version(PythonVersion::latest());
    parse_unchecked(text, options)
}

pub(crate) fn bytes(range: TextRange) -> std::ops::Range<usize> {
    range.start().to_usize()..range.end().to_usize()
}

fn grammar(parsed: &Parsed<ruff_python_ast::Mod>) -> Vec<Found> {
    let errors = parsed
        .errors()
        .iter()
        .map(|error| Found::new(bytes(error.location), error.error.to_string()));
    let unsupported = parsed
        .unsupported_syntax_errors()
        .iter()
        .map(|error| Found::new(bytes(error.range()), error.to_string()));
    errors.chain(unsupported).chain(too_deep(parsed)).chain(empty_yields(parsed)).collect()
}

/// `yield , x`, which the parser takes for a `yield` without a value.
fn empty_yields(parsed: &Parsed<ruff_python_ast::Mod>) -> impl Iterator<Item = Found> {
    let mut last = TokenKind::Newline;
    parsed.tokens().iter().filter_map(move |token| {
        let is_empty = last == TokenKind::Yield && token.kind() == TokenKind::Comma;
        last = token.kind();
        is_empty
            .then(|| Found::new(bytes(token.range()), "expected an expression before the comma"))
    })
}

/// The first place where the compiler's limits are passed.
fn too_deep(parsed: &Parsed<ruff_python_ast::Mod>) -> Option<Found> {
    let (mut brackets, mut indents) = (0_usize, 0_usize);
    for token in parsed.tokens() {
        match token.kind() {
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => brackets += 1,
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                brackets = brackets.saturating_sub(1);
            }
            TokenKind::Indent => indents += 1,
            TokenKind::Dedent => indents = indents.saturating_sub(1),
            _ => continue,
        }
        if brackets > MOST_BRACKETS {
            return Some(Found::new(bytes(token.range()), "too many nested parentheses"));
        }
        if indents >= MOST_INDENTS {
            return Some(Found::new(bytes(token.range()), "too many levels of indentation"));
        }
    }
    None
}

/// The encoding that one of the first two lines declares (PEP 263), unless it is UTF-8 or a part of it.
pub(crate) fn declared_encoding(text: &str) -> Option<String> {
    let mut lines = text.lines().take(2);
    let first = lines.next()?;
    let second =
        lines.next().filter(|_| first.trim().is_empty() || first.trim_start().starts_with('#'));
    let name = [Some(first), second].into_iter().flatten().find_map(cookie)?;
    let plain = name.to_ascii_lowercase().replace('_', "-");
    let is_utf8 = ["utf-8", "utf8", "ascii", "us-ascii"].contains(&plain.as_str())
        || plain.starts_with("utf-8-");
    (!is_utf8).then_some(name)
}

fn cookie(line: &str) -> Option<String> {
    let comment = line.trim_start().strip_prefix('#')?;
    let behind = comment.split_once("coding").map(|(_, behind)| behind)?;
    let value = behind.strip_prefix([':', '='])?.trim_start();
    let name: String =
        value.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
    (!name.is_empty()).then_some(name)
}
