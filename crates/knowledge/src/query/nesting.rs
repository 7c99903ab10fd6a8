//! Refusing queries whose nesting would use up the stack of their reader.

use super::syntax::lexeme;
use super::{QueryError, QueryErrorKind};

/// Brackets inside each other, signs in a row, and links of one chain of operators.
const DEEPEST: usize = 200;
/// Bytes of a query: more than any that a person writes.
const LONGEST: usize = 64 << 10;

/// Refuses a query that is longer or deeper than a reader that recurses can take.
pub(super) fn refuse(text: &str) -> Result<(), QueryError> {
    let fail = |place: usize, what: &str| {
        let before = &text[..place];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let kind = QueryErrorKind::Unsupported(what.to_owned());
        Err(QueryError { kind, line, column, span: place..place })
    };
    if text.len() > LONGEST {
        return fail(0, "a query of more than 64 KiB");
    }
    let (mut depth, mut signs, mut chain) = (0_usize, 0_usize, 0_usize);
    let mut place = 0;
    while let Some(first) = text[place..].chars().next() {
        match first {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '!' | '^' => signs += 1,
            '+' | '-' | '*' | '/' | '|' | '&' => chain += 1,
            '.' | ';' => (signs, chain) = (0, 0),
            other if !other.is_whitespace() => signs = 0,
            _ => {}
        }
        if depth.max(signs) > DEEPEST || chain > 4 * DEEPEST {
            return fail(place, "a query nested as deeply as this");
        }
        place += lexeme(&text[place..], first).0.max(first.len_utf8());
    }
    Ok(())
}
