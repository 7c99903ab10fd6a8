//! SPARQL over a tracked reader.
//!
//! A [`Query`] is compiled once: parsed, brought into a normal form, and planned for the
//! variables that will come from outside. Evaluating it reads by pattern only, and so the
//! reader knows afterwards what the result depends on.

use std::sync::OnceLock;

use smallvec::SmallVec;
use spargebra::algebra::GraphPattern;
use spargebra::term::Variable;

pub use self::answer::{Answer, Row, Rows};
use self::compiled::Compiled;
pub use self::error::{EvaluateError, QueryError, QueryErrorKind};
use self::normal::Normaliser;
pub use self::prefixes::{ExpandError, InvalidPrefix, Prefixes};
use self::touched::KeyedList;
pub use self::touched::{Key, Touched};
pub use self::warnings::QueryWarning;
use crate::{TrackedReader, Value};

mod answer;
mod compiled;
mod dataset;
mod error;
mod fast;
mod nesting;
mod normal;
mod parse;
mod plan;
mod prefixes;
mod rewrite;
mod scope;
mod syntax;
#[cfg(test)]
mod tests;
mod touched;
mod warnings;

/// What a query gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Rows.
    Select,
    /// Yes or no.
    Ask,
    /// Triples.
    Construct,
}

/// A SPARQL query, compiled to be evaluated many times.
///
/// # Bound variables
/// A variable that is bound from outside has its value everywhere in the query but in
/// sub-selects that don't hand it out: in nested groups, in bodies of EXISTS and under
/// GROUP BY, as if the data had no other value for it.
///
/// # Order and determinism
/// Without ORDER BY, rows are sorted by content: column by column, unbound first, then
/// IRIs, blank nodes and literals, each by text. With ORDER BY, ties are broken by the
/// content of the columns. Where LIMIT, OFFSET or an aggregate other than COUNT lets the
/// order decide the result, ties are broken in the same way, so that a result depends on
/// nothing but the model.
#[derive(Debug)]
pub struct Query {
    form: Form,
    variables: Vec<String>,
    bound: Vec<Variable>,
    normal: Normal,
    compiled: Compiled,
    keyed: OnceLock<Option<KeyedList>>,
    warnings: Vec<QueryWarning>,
}

/// A query in its normal form, not yet planned.
#[derive(Clone, Debug)]
struct Normal {
    form: Form,
    pattern: GraphPattern,
    template: Vec<spargebra::term::TriplePattern>,
}

impl Query {
    /// Compiles `text`. The values of the variables named in `bound` will be given at
    /// each evaluation.
    ///
    /// # Errors
    /// The text is no SPARQL 1.1 query, uses a prefix that is not declared, gives a bound
    /// variable another value, or uses what a repeatable result can't have: NOW, RAND,
    /// UUID, STRUUID, BNODE, SERVICE, FROM, DESCRIBE, and functions that SPARQL doesn't
    /// know.
    pub fn compile(text: &str, prefixes: &Prefixes, bound: &[&str]) -> Result<Self, QueryError> {
        nesting::refuse(text)?;
        let parsed = parse::parse(text, prefixes, bound)?;
        let pattern = Normaliser::default().query(parse::pattern_of(&parsed));
        let (form, template) = match parsed {
            spargebra::Query::Construct { template, .. } => (Form::Construct, template),
            spargebra::Query::Ask { .. } => (Form::Ask, Vec::new()),
            _ => (Form::Select, Vec::new()),
        };
        let bound: Vec<Variable> =
            bound.iter().map(|name| Variable::new_unchecked(*name)).collect();
        let normal = Normal { form, pattern, template };
        let compiled = Compiled::new(&normal, &bound);
        let warnings = warnings::of(&normal.pattern, &bound);
        let variables = match form {
            Form::Select => {
                compiled.columns().iter().map(|name| name.as_str().to_owned()).collect()
            }
            Form::Ask | Form::Construct => Vec::new(),
        };
        Ok(Self { form, variables, bound, normal, compiled, keyed: OnceLock::new(), warnings })
    }

    /// What the query gives.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The columns of a SELECT; nothing for other forms.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// The names of the variables that are bound from outside.
    pub fn bound(&self) -> impl Iterator<Item = &str> {
        self.bound.iter().map(Variable::as_str)
    }

    /// What makes the query depend on more of the model than its author may want.
    ///
    /// This is what can be seen without evaluating it; recorded reads with neither subject
    /// nor object tell the rest.
    pub fn warnings(&self) -> &[QueryWarning] {
        &self.warnings
    }

    /// Evaluates the query with a value for each bound variable, in the order in which
    /// they were named.
    ///
    /// # Errors
    /// An error is a result: it comes again as long as no recorded read has another
    /// answer.
    pub fn evaluate(
        &self,
        reader: &dyn TrackedReader,
        bindings: &[Value],
    ) -> Result<Answer, EvaluateError> {
        if bindings.len() != self.bound.len() {
            return Err(EvaluateError::Bindings {
                expected: self.bound.len(),
                actual: bindings.len(),
            });
        }
        self.compiled.evaluate(reader, bindings)
    }

    /// Evaluates the query where a bound variable may have no value in the row; such a
    /// variable is then like any other variable of the query.
    ///
    /// # Errors
    /// As for [`evaluate`](Self::evaluate).
    pub fn evaluate_partial(
        &self,
        reader: &dyn TrackedReader,
        bindings: &[Option<Value>],
    ) -> Result<Answer, EvaluateError> {
        let values: SmallVec<[Value; 4]> = bindings.iter().flatten().cloned().collect();
        if values.len() == bindings.len() {
            return self.evaluate(reader, &values);
        }
        let bound: Vec<Variable> = self
            .bound
            .iter()
            .zip(bindings)
            .filter(|(_, value)| value.is_some())
            .map(|(variable, _)| variable.clone())
            .collect();
        Compiled::new(&self.normal, &bound).evaluate(reader, &values)
    }
}
