//! SQL, by sqlparser.

use std::borrow::Cow;

use sqlparser::dialect::{Dialect, MsSqlDialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::{Parser, ParserError};

use super::Judged;
use crate::text::{Found, offset_of};
use crate::{Limits, Unjudged};

/// How deeply expressions and queries may nest.
const DEPTH: usize = 300;

/// What is wrong with `text` in the dialect that takes most of it; PostgreSQL where none takes all.
pub(crate) fn judge(text: &str, limits: &Limits) -> Judged {
    let text = without_commands_of_psql(text);
    let first = match parse(&PostgreSqlDialect {}, &text) {
        Ok(()) => return Ok(Vec::new()),
        Err(ParserError::RecursionLimitExceeded) => {
            return Err(Unjudged::TooDeep { limit: limits.stack });
        }
        Err(error) => error,
    };
    let others: [&dyn Dialect; 3] = [&SQLiteDialect {}, &MySqlDialect {}, &MsSqlDialect {}];
    if others.iter().any(|dialect| parse(*dialect, &text).is_ok()) {
        return Ok(Vec::new());
    }
    Ok(vec![found(&text, &first)])
}

fn parse(dialect: &dyn Dialect, text: &str) -> Result<(), ParserError> {
    let mut parser = Parser::new(dialect).with_recursion_limit(DEPTH).try_with_sql(text)?;
    parser.parse_statements().map(drop)
}

/// Lines like `\ir other.sql` are for psql and end where the line does; blanks of the same length stand in for them.
fn without_commands_of_psql(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let blank = |line: &str| -> String {
        line.chars()
            .flat_map(|c| std::iter::repeat_n(if c == '\n' { '\n' } else { ' ' }, c.len_utf8()))
            .collect()
    };
    let is_command = |line: &str| line.trim_start().starts_with('\\');
    text.split_inclusive('\n')
        .map(|line| if is_command(line) { Cow::Owned(blank(line)) } else { Cow::Borrowed(line) })
        .collect::<String>()
        .into()
}

fn found(text: &str, error: &ParserError) -> Found {
    let said = match error {
        ParserError::TokenizerError(said) | ParserError::ParserError(said) => said.as_str(),
        ParserError::RecursionLimitExceeded => "nested too deeply",
    };
    match said.rsplit_once(" at Line: ") {
        Some((message, place)) => {
            let at = numbers(place)
                .map_or(text.len(), |(line, column)| offset_of(text, line, column - 1));
            Found::new(at..at, message)
        }
        None => Found::new(text.len()..text.len(), said),
    }
}

/// `3, Column: 14` as two numbers, both from 1.
fn numbers(place: &str) -> Option<(usize, usize)> {
    let (line, column) = place.split_once(", Column: ")?;
    let column = column.trim().parse::<usize>().ok().filter(|column| *column > 0)?;
    Some((line.trim().parse().ok()?, column))
}
