//! Directives by which somebody looks away already: a repair may take them away or narrow them,
//! but neither widen them nor put them elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use similar::{DiffTag, TextDiff};

use super::marks::SUPPRESSIONS;
use super::tokens::{Kind, Style, Token, behind_brackets, tokens};

/// The directives of `after` that reach further than before or stand elsewhere, each without
/// blanks.
pub(super) fn loosened(path: &str, before: &str, after: &str) -> BTreeSet<String> {
    let style = Style::of(path);
    let (old, new) = (directives(before, style), directives(after, style));
    let mut found = widened(&old, &new);
    found.extend(moved([before, after], &old, &new));
    found
}

/// A comment or an attribute with a mark in it.
struct Directive {
    /// From 0.
    line: usize,
    mark: &'static str,
    text: String,
    /// What follows the mark: what it is for.
    words: BTreeSet<String>,
}

fn directives(text: &str, style: Style) -> Vec<Directive> {
    let tokens = tokens(text, style);
    let mut found = Vec::new();
    let mut line = 0;
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Comment => {
                for (offset, part) in token.text.lines().enumerate() {
                    found.extend(directive(part, line + offset));
                }
            }
            Kind::Sign => {
                let attribute = attribute(text, &tokens[index..]);
                found.extend(attribute.and_then(|attribute| directive(attribute, line)));
            }
            _ => {}
        }
        line += token.text.matches('\n').count();
    }
    found
}

/// The attribute or annotation that begins here.
fn attribute<'t>(text: &'t str, tokens: &[Token<'_>]) -> Option<&'t str> {
    let is = |at: usize, sign: &str| tokens.get(at).is_some_and(|token| token.is(sign));
    let open = match () {
        () if is(0, "#") && is(1, "[") => 1,
        () if is(0, "#") && is(1, "!") && is(2, "[") => 2,
        () if is(0, "@") && is(2, "(") => 2,
        () if is(0, "@") => return Some(&text[tokens[0].at..tokens.get(1).map(end)?]),
        () => return None,
    };
    let last = tokens.get(behind_brackets(tokens, open) - 1)?;
    Some(&text[tokens[0].at..end(last)])
}

fn end(token: &Token<'_>) -> usize {
    token.at + token.text.len()
}

fn directive(text: &str, line: usize) -> Option<Directive> {
    let text = super::guard::squeezed(text);
    let found = SUPPRESSIONS.iter().filter_map(|mark| Some((text.find(mark)?, *mark)));
    // The longest of those that come first says most of what it is.
    let (at, mark) = found.min_by_key(|(at, mark)| (*at, usize::MAX - mark.len()))?;
    let words =
        text[at + mark.len()..].split(|sign: char| !(sign.is_alphanumeric() || sign == '_'));
    let words = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
    Some(Directive { line, mark, text, words })
}

/// The directives that have no match among the old ones that is for the same or for more.
fn widened(old: &[Directive], new: &[Directive]) -> BTreeSet<String> {
    let mut left: Vec<&Directive> = old.iter().collect();
    let mut found = BTreeSet::new();
    let exact = |a: &Directive, b: &Directive| a.mark == b.mark && a.words == b.words;
    let (same, other): (Vec<_>, Vec<_>) =
        new.iter().partition(|new| old.iter().any(|old| exact(old, new)));
    for new in same.into_iter().chain(other) {
        let narrows = |old: &Directive| {
            let is_all = new.words.is_empty() && !old.words.is_empty();
            old.mark == new.mark && new.words.is_subset(&old.words) && !is_all
        };
        let match_ = left.iter().position(|old| exact(old, new));
        match match_.or_else(|| left.iter().position(|old| narrows(old))) {
            Some(index) => drop(left.swap_remove(index)),
            None => drop(found.insert(shortened(&new.text))),
        }
    }
    found
}

/// The directives that stand where there were fewer of them. A line that moves as a whole, as
/// sorted imports do, takes its own along.
fn moved(texts: [&str; 2], old: &[Directive], new: &[Directive]) -> BTreeSet<String> {
    let diff = TextDiff::from_lines(texts[0], texts[1]);
    let mut gone: BTreeMap<String, usize> = BTreeMap::new();
    for operation in diff.ops().iter().filter(|it| it.tag() != DiffTag::Equal) {
        for line in operation.old_range() {
            let text = super::guard::squeezed(diff.old_slice(line).unwrap_or_default());
            *gone.entry(text).or_default() += 1;
        }
    }
    let mut found = BTreeSet::new();
    for operation in diff.ops().iter().filter(|it| it.tag() != DiffTag::Equal) {
        let (lines, before) = (operation.new_range(), operation.old_range());
        let mut room = old.iter().filter(|it| before.contains(&it.line)).count();
        for directive in new.iter().filter(|it| lines.contains(&it.line)) {
            let text = super::guard::squeezed(diff.new_slice(directive.line).unwrap_or_default());
            if let Some(count) = gone.get_mut(&text).filter(|count| **count > 0) {
                *count -= 1;
            } else if room > 0 {
                room -= 1;
            } else {
                found.insert(shortened(&directive.text));
            }
        }
    }
    found
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}
