//! What can be wrong with a query, and with evaluating one.

use std::fmt;
use std::ops::Range;

use evergen_delta::TermId;

use crate::TermCollision;

/// A query that can't be used, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// What is wrong.
    pub kind: QueryErrorKind,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The bytes of the query's text that are meant.
    pub span: Range<usize>,
}

/// What is wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryErrorKind {
    /// The text is no SPARQL query.
    #[error("{0}")]
    Syntax(String),
    /// A prefix is used that nobody declared.
    #[error("the prefix {0}: is not declared")]
    UnknownPrefix(String),
    /// Something that gives another result each time, or depends on more than the model.
    #[error("{0} is not allowed, since a generated file must depend on the model alone")]
    Impure(String),
    /// Something that is not part of what queries can be here.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// A variable that comes from the row is given a value once more.
    #[error("?{0} has its value from the row and can't be assigned again; choose another name")]
    Rebound(String),
}

impl QueryError {
    /// What is wrong, in a sentence.
    pub fn message(&self) -> String {
        self.kind.to_string()
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for QueryError {}

/// Evaluating a query failed. This is a result like any other: the reads that led to it
/// are recorded, and the same reads lead to it again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// The query has or makes a term whose id belongs to a different term of the model.
    #[error(transparent)]
    Collision(#[from] TermCollision),
    /// The model uses a term that its dictionary has no text for.
    #[error("the model has no text for the term with the id {0:?}")]
    UnknownTerm(TermId),
    /// As many values are needed as there are variables bound.
    #[error("{expected} values are needed for the bound variables, but {actual} were given")]
    Bindings {
        /// How many variables the query was compiled with.
        expected: usize,
        /// How many values came.
        actual: usize,
    },
    /// The evaluator gave up.
    #[error("the query can't be evaluated: {0}")]
    Other(String),
}
