//! The TOML between `+++` lines that makes a template a generator.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::settings::OnEdit;

const FENCE: &str = "+++";

/// A template file in its two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Split {
    /// Where the TOML begins and ends; `None` for a partial.
    pub(crate) front: Option<(usize, usize)>,
    /// Where the body begins.
    pub(crate) body: usize,
}

/// What the front matter of a generator says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FrontMatter {
    pub(crate) for_each: Option<Spanned<String>>,
    pub(crate) queries: BTreeMap<Spanned<String>, Spanned<String>>,
    pub(crate) to: Option<Spanned<String>>,
    pub(crate) language: Option<Spanned<String>>,
    pub(crate) when: Option<Spanned<String>>,
    pub(crate) critical: bool,
    pub(crate) on_edit: Option<OnEdit>,
    pub(crate) depends_on: Vec<Spanned<String>>,
}

/// A front matter that can't be used: what is wrong, and at which bytes of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct FrontMatterError {
    pub(crate) message: String,
    pub(crate) span: Range<usize>,
}

/// Finds the fences. A file whose first line is not `+++` is a partial.
pub(crate) fn split(text: &str) -> Result<Split, FrontMatterError> {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut lines = lines(text, start);
    let Some((first, next)) = lines.next() else {
        return Ok(Split { front: None, body: start });
    };
    if text[first].trim_end() != FENCE {
        return Ok(Split { front: None, body: start });
    }
    for (line, after) in lines {
        if text[line.clone()].trim_end() == FENCE {
            return Ok(Split { front: Some((next, line.start)), body: after });
        }
    }
    Err(FrontMatterError {
        message: "the front matter has no closing `+++` line".to_owned(),
        span: start..next,
    })
}

/// The lines from `start` on: where each lies, and where the next begins.
fn lines(text: &str, start: usize) -> impl Iterator<Item = (Range<usize>, usize)> {
    let mut position = start;
    std::iter::from_fn(move || {
        if position >= text.len() {
            return None;
        }
        let end = text[position..].find('\n').map_or(text.len(), |found| position + found);
        let line = position..end;
        position = (end + 1).min(text.len());
        Some((line, position))
    })
}

/// Reads the front matter of `text`; spans are those of the whole file.
pub(crate) fn parse(text: &str, front: (usize, usize)) -> Result<FrontMatter, FrontMatterError> {
    let (start, end) = front;
    let mut parsed: FrontMatter = toml::from_str(&text[start..end]).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        FrontMatterError {
            message: error.message().to_owned(),
            span: start + span.start..start + span.end,
        }
    })?;
    let whole = |spanned: &mut Spanned<String>| {
        let span = start + spanned.span().start..start + spanned.span().end;
        *spanned = Spanned::new(span, std::mem::take(spanned.get_mut()));
    };
    let singles = [&mut parsed.for_each, &mut parsed.to, &mut parsed.language, &mut parsed.when];
    singles.into_iter().flatten().for_each(whole);
    parsed.depends_on.iter_mut().for_each(whole);
    parsed.queries.values_mut().for_each(whole);
    Ok(parsed)
}

/// Where the byte `offset` of a string's value stands in the file, as well as can be told.
///
/// `literal` is the span of the TOML string. Where its text holds the value as it
/// is, the answer is exact; where escapes came between, it is the string's begin.
pub(crate) fn locate(text: &str, literal: &Range<usize>, value: &str, offset: usize) -> usize {
    let raw = text.get(literal.clone()).unwrap_or_default();
    raw.find(value).map_or(literal.start, |found| literal.start + found + offset.min(value.len()))
}
