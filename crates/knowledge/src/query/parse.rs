//! From text to SPARQL algebra; what queries must not use is refused here.

use std::ops::Range;

use spargebra::algebra::{
    AggregateExpression, AggregateFunction, Expression, Function, GraphPattern,
};
use spargebra::{Query, SparqlParser};

use super::error::{QueryError, QueryErrorKind};
use super::prefixes::Prefixes;
use super::rewrite::{own_expressions, walk, walk_patterns};
use super::syntax;

pub(super) fn parse(text: &str, prefixes: &Prefixes, bound: &[&str]) -> Result<Query, QueryError> {
    let mut parser = SparqlParser::new();
    for (name, iri) in prefixes.iter() {
        // Whoever made the prefixes has seen to it that this is an IRI.
        parser = parser.with_prefix(name, iri).unwrap_or_default();
    }
    let query = parser.clone().parse_query(text).map_err(|_| {
        let (span, kind) = syntax::diagnose(text, &|text| {
            parser.clone().parse_query(text).err().map(|error| error.to_string())
        });
        at(text, span, kind)
    })?;
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

/// Where a word stands outside of comments, IRIs and strings; the text's beginning if
/// nowhere.
fn find_word(text: &str, word: &str) -> Range<usize> {
    let part_of_word = |character: char| character.is_alphanumeric() || character == '_';
    let mut previous = ' ';
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        let (length, opaque) = syntax::lexeme(&text[start..], first);
        let candidate = text[start..].get(..word.len()).unwrap_or_default();
        let next = text[start + candidate.len()..].chars().next().unwrap_or(' ');
        let alone = !part_of_word(previous) && !part_of_word(next);
        if !opaque && alone && candidate.eq_ignore_ascii_case(word) {
            return start..start + word.len();
        }
        previous = first;
        start += length;
    }
    0..0
}
