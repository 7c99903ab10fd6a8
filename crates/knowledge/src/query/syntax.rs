//! Where a query's text stops being SPARQL, and what to say about it.
//!
//! The parser tells how far any of its rules has looked, and a rule for a keyword looks
//! as far as the keyword is long. With wide gaps between the words of the text, that is
//! still before the next word, and so the word which doesn't fit is found.

use std::ops::Range;

use super::error::QueryErrorKind;

/// Wider than any keyword.
const GAP: &str = "                                        ";

/// What is wrong with `text`, which `parse` doesn't take; it gives the parser's message.
pub(super) fn diagnose(
    text: &str,
    parse: &dyn Fn(&str) -> Option<String>,
) -> (Range<usize>, QueryErrorKind) {
    let words = words(text);
    let mut wide = String::new();
    let mut starts = Vec::new();
    for word in &words {
        starts.push(wide.len());
        wide.push_str(&text[word.clone()]);
        wide.push_str(GAP);
    }
    let message = parse(&wide).unwrap_or_default();
    let Some((stop, expected)) = position(&wide, &message) else {
        return (0..0, QueryErrorKind::Syntax(message));
    };
    let Some(index) = starts.iter().rposition(|start| *start <= stop) else {
        return (0..0, QueryErrorKind::Syntax("the query is empty".to_owned()));
    };
    let end = words[index].end;
    let place = (words[index].start + stop - starts[index]).min(end);
    if expected.contains("Prefix not found") {
        return unknown_prefix(text, place);
    }
    if stop == wide.len() {
        let told = remark(expected).unwrap_or("the query ends too early");
        return (end..end, QueryErrorKind::Syntax(phrased(told)));
    }
    let start = (place.saturating_sub(overshoot(expected))).max(words[index].start);
    let start = if start == end { words[index].start } else { floor(text, start) };
    let span = start..start + token(&text[start..]).len();
    // A remark on what came before is only heard if nothing is tried after it.
    let before = parse(&text[..start]).unwrap_or_default();
    let told = remark(expected).or_else(|| remark(position(&text[..start], &before)?.1));
    let told = match told {
        Some(remark) => phrased(remark),
        None => format!("`{}` can't stand here", &text[span.clone()]),
    };
    (span, QueryErrorKind::Syntax(told))
}

/// The stretches of text between spaces and comments.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        let (length, _) = lexeme(&text[start..], first);
        if first != '#' && !first.is_whitespace() {
            match words.last_mut() {
                Some(last) if last.end == start => last.end = start + length,
                _ => words.push(start..start + length),
            }
        }
        start += length;
    }
    words
}

/// The length of the comment, string, IRI or else single character that `text` begins
/// with, and whether what is in it is no SPARQL.
pub(super) fn lexeme(text: &str, first: char) -> (usize, bool) {
    match first {
        '#' => (text.find('\n').unwrap_or(text.len()), true),
        '"' | '\'' => (quoted(text, first), true),
        '<' => match text.find(|character: char| character == '>' || character.is_whitespace()) {
            Some(end) if text[end..].starts_with('>') => (end + 1, true),
            _ => (1, false),
        },
        other => (other.len_utf8(), false),
    }
}

fn quoted(text: &str, quote: char) -> usize {
    let long = quote.to_string().repeat(3);
    let end = if text.starts_with(&long) { long } else { quote.to_string() };
    let mut rest = text[end.len()..].char_indices();
    while let Some((index, character)) = rest.next() {
        if character == '\\' {
            rest.next();
        } else if text[end.len() + index..].starts_with(&end) {
            return index + 2 * end.len();
        } else if character == '\n' && end.len() == 1 {
            return end.len() + index;
        }
    }
    text.len()
}

/// The parser's message is `error at LINE:COLUMN: expected …`.
fn position<'a>(text: &str, message: &'a str) -> Option<(usize, &'a str)> {
    let (line, rest) = message.strip_prefix("error at ")?.split_once(':')?;
    let (column, expected) = rest.split_once(": expected ")?;
    let (line, column): (usize, usize) = (line.parse().ok()?, column.parse().ok()?);
    let mut start = 0;
    for _ in 1..line {
        start = text[start..].find('\n').map_or(text.len(), |end| start + end + 1);
    }
    let characters = text[start..].char_indices().map(|(index, _)| start + index);
    Some((characters.chain([text.len()]).nth(column.checked_sub(1)?)?, expected))
}

/// How far the parser has looked beyond what it doesn't understand.
fn overshoot(expected: &str) -> usize {
    let keyword =
        |choice: &&str| choice.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let choices: Vec<&str> = choices(expected).filter(|choice| *choice != "[_]").collect();
    match choices.iter().filter(|choice| keyword(choice)).map(|choice| choice.len()).min() {
        Some(length) if choices.iter().all(keyword) => length,
        _ => 0,
    }
}

/// The grammar's own remarks are sentences; everything else that it expects is a token.
fn remark(expected: &str) -> Option<&str> {
    choices(expected).find(|choice| {
        choice.split(' ').count() >= 3 && choice.starts_with(|first: char| first.is_alphabetic())
    })
}

/// A remark as our messages are: without the capital of a sentence.
fn phrased(remark: &str) -> String {
    if remark == "IRI parsing failed" {
        return "this is no absolute IRI".to_owned();
    }
    let mut characters = remark.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(remark.chars().skip(1)).collect()
        }
        _ => remark.to_owned(),
    }
}

fn choices(expected: &str) -> impl Iterator<Item = &str> {
    expected.strip_prefix("one of ").unwrap_or(expected).split(", ")
}

/// The prefixed name that ends at `place`.
fn unknown_prefix(text: &str, place: usize) -> (Range<usize>, QueryErrorKind) {
    let outside = |character: char| !(character.is_alphanumeric() || "_-.:%\\".contains(character));
    let place = floor(text, place);
    let start = text[..place]
        .rfind(outside)
        .map_or(0, |index| index + text[index..].chars().next().map_or(1, char::len_utf8));
    let name = text[start..].split(':').next().unwrap_or_default();
    let end = (start + name.len() + 1).min(text.len());
    (start..end, QueryErrorKind::UnknownPrefix(name.to_owned()))
}

/// The word, or else the one character, that `text` begins with.
fn token(text: &str) -> &str {
    let word = |character: char| character.is_alphanumeric() || "_-?$:@".contains(character);
    let Some(first) = text.chars().next() else { return "" };
    let end = if matches!(first, '<' | '"' | '\'') {
        lexeme(text, first).0
    } else {
        text.find(|character| !word(character)).unwrap_or(text.len()).max(first.len_utf8())
    };
    &text[..end]
}

fn floor(text: &str, mut index: usize) -> usize {
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}
