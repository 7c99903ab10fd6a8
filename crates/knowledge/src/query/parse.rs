//! From text to SPARQL algebra; what queries must not use is refused here.

use std::ops::Range;

use spargebra::algebra::{
    AggregateExpression, AggregateFunction, Expression, Function, GraphPattern,
};
use spargebra::{Query, SparqlParser};

use super::error::{QueryError, QueryErrorKind};
use super::prefixes::Prefixes;
use super::rewrite::{own_expressions, walk, walk_patterns};

pub(super) fn parse(text: &str, prefixes: &Prefixes, bound: &[&str]) -> Result<Query, QueryError> {
    let mut parser = SparqlParser::new();
    for (name, iri) in prefixes.iter() {
        // Whoever made the prefixes has seen to it that this is an IRI.
        parser = parser.with_prefix(name, iri).unwrap_or_default();
    }
    let query = parser.parse_query(text).map_err(|error| syntax(text, &error.to_string()))?;
    check_form(text, &query)?;
    let mut finding = None;
    walk_patterns(pattern_of(&query), &mut |pattern| {
        if finding.is_none() {
            finding = check_pattern(pattern, bound);
        }
    });
    match finding {
        Some((word, kind)) => Err(at(text, find_word(text, &word), kind)),
        None => Ok(query),
    }
}

pub(super) fn pattern_of(query: &Query) -> &GraphPattern {
    match query {
        Query::Select { pattern, .. }
        | Query::Ask { pattern, .. }
        | Query::Construct { pattern, .. }
        | Query::Describe { pattern, .. } => pattern,
    }
}

fn check_form(text: &str, query: &Query) -> Result<(), QueryError> {
    let refused = |word: &str, what: &str| {
        Err(at(text, find_word(text, word), QueryErrorKind::Unsupported(what.to_owned())))
    };
    if matches!(query, Query::Describe { .. }) {
        return refused("DESCRIBE", "DESCRIBE");
    }
    if query.dataset().is_some() {
        return refused("FROM", "FROM");
    }
    Ok(())
}

type Finding = (String, QueryErrorKind);

fn check_pattern(pattern: &GraphPattern, bound: &[&str]) -> Option<Finding> {
    match pattern {
        GraphPattern::Service { .. } => return Some(impure("SERVICE")),
        GraphPattern::Lateral { .. } => return Some(unsupported("LATERAL", "LATERAL")),
        GraphPattern::Extend { variable, .. } if bound.contains(&variable.as_str()) => {
            let name = variable.as_str().to_owned();
            return Some((format!("?{name}"), QueryErrorKind::Rebound(name)));
        }
        GraphPattern::Group { aggregates, .. } => {
            for (_, aggregate) in aggregates {
                if let AggregateExpression::FunctionCall {
                    name: AggregateFunction::Custom(name),
                    ..
                } = aggregate
                {
                    return Some(unsupported(name.as_str(), &format!("the aggregate {name}")));
                }
            }
        }
        _ => {}
    }
    let mut finding = None;
    for own in own_expressions(pattern) {
        walk(own, &mut |expression| {
            if let Expression::FunctionCall(function, arguments) = expression {
                finding = finding.take().or_else(|| check_function(function, arguments.len()));
            }
        });
    }
    finding
}

fn check_function(function: &Function, arguments: usize) -> Option<Finding> {
    match function {
        Function::Now => Some(impure("NOW")),
        Function::Rand => Some(impure("RAND")),
        Function::Uuid => Some(impure("UUID")),
        Function::StrUuid => Some(impure("STRUUID")),
        Function::BNode => Some(impure("BNODE")),
        Function::Custom(name) if !(is_cast(name.as_str()) && arguments == 1) => {
            let local = name.as_str().rsplit(['#', '/']).next().unwrap_or_default();
            Some(unsupported(local, &format!("the function {name}")))
        }
        _ => None,
    }
}

/// The constructor functions that SPARQL knows, which are pure.
fn is_cast(function: &str) -> bool {
    let local = function.strip_prefix("http://www.w3.org/2001/XMLSchema#");
    local.is_some_and(|local| {
        ["boolean", "double", "float", "decimal", "integer", "dateTime", "string"].contains(&local)
    })
}

fn impure(word: &str) -> Finding {
    (word.to_owned(), QueryErrorKind::Impure(word.to_owned()))
}

fn unsupported(word: &str, what: &str) -> Finding {
    (word.to_owned(), QueryErrorKind::Unsupported(what.to_owned()))
}

fn at(text: &str, span: Range<usize>, kind: QueryErrorKind) -> QueryError {
    let before = &text[..span.start];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
    QueryError { kind, line, column, span }
}

/// The parser tells where it stopped as `error at LINE:COLUMN: expected …`.
fn syntax(text: &str, message: &str) -> QueryError {
    let position = message.strip_prefix("error at ").and_then(|rest| {
        let (line, rest) = rest.split_once(':')?;
        let (column, rest) = rest.split_once(": expected ")?;
        Some((line.parse().ok()?, column.parse().ok()?, rest))
    });
    let Some((line, column, expected)) = position else {
        return at(text, 0..0, QueryErrorKind::Syntax(message.to_owned()));
    };
    let start = offset(text, line, column);
    let token = token(&text[start..]);
    if expected.contains("Prefix not found") {
        let start = text[..start]
            .rfind([' ', '\n', '\t', '(', '{', '|', '/', '^', '!'])
            .map_or(0, |before| before + 1);
        let name = text[start..].split(':').next().unwrap_or_default();
        let span = start..start + name.len() + usize::from(start + name.len() < text.len());
        return at(text, span, QueryErrorKind::UnknownPrefix(name.to_owned()));
    }
    let kind = QueryErrorKind::Syntax(explain(token, expected));
    at(text, start..start + token.len(), kind)
}

fn explain(token: &str, expected: &str) -> String {
    let choices = expected.strip_prefix("one of ").unwrap_or(expected);
    // The grammar's own remarks are sentences; everything else it expects is a token.
    if let Some(remark) = choices.split(", ").find(|choice| choice.split(' ').count() > 3) {
        return remark.trim_matches('"').to_owned();
    }
    match token {
        "" => "the query ends too early".to_owned(),
        token => format!("`{token}` can't stand here"),
    }
}

fn offset(text: &str, line: usize, column: usize) -> usize {
    let mut start = 0;
    for _ in 1..line {
        start = text[start..].find('\n').map_or(text.len(), |end| start + end + 1);
    }
    text[start..].char_indices().nth(column - 1).map_or(text.len(), |(index, _)| start + index)
}

/// The word, or else the one character, that `text` begins with.
fn token(text: &str) -> &str {
    let word = |character: char| character.is_alphanumeric() || "_-?$:@".contains(character);
    let end = text.find(|character| !word(character)).unwrap_or(text.len());
    match text.chars().next() {
        Some(first) if end == 0 && !first.is_whitespace() => &text[..first.len_utf8()],
        _ => &text[..end],
    }
}

/// Where a word stands outside of comments, IRIs and strings; the text's beginning if
/// nowhere.
fn find_word(text: &str, word: &str) -> Range<usize> {
    let mut rest = text;
    let part_of_word = |character: char| character.is_alphanumeric() || character == '_';
    let mut previous = ' ';
    while let Some(first) = rest.chars().next() {
        let start = text.len() - rest.len();
        let skipped = match first {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' => quoted(rest, first),
            '<' => {
                rest.find('>').filter(|end| !rest[..*end].contains(' ')).map_or(1, |end| end + 1)
            }
            _ => {
                let candidate = rest.get(..word.len()).unwrap_or_default();
                let next = rest[candidate.len()..].chars().next().unwrap_or(' ');
                if candidate.eq_ignore_ascii_case(word)
                    && !part_of_word(previous)
                    && !part_of_word(next)
                {
                    return start..start + word.len();
                }
                first.len_utf8()
            }
        };
        previous = first;
        rest = &rest[skipped..];
    }
    0..0
}

fn quoted(text: &str, quote: char) -> usize {
    let long = text.starts_with(&quote.to_string().repeat(3));
    let end = if long { quote.to_string().repeat(3) } else { quote.to_string() };
    let mut index = end.len();
    while index < text.len() {
        if text[index..].starts_with('\\') {
            index += 2;
        } else if text[index..].starts_with(&end) {
            return index + end.len();
        } else {
            index += text[index..].chars().next().map_or(1, char::len_utf8);
        }
        while index < text.len() && !text.is_char_boundary(index) {
            index += 1;
        }
    }
    text.len()
}
