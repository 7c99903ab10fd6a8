//! What an author should know about a query before it runs.

use std::fmt;

use spargebra::algebra::GraphPattern;
use spargebra::term::Variable;

use super::plan::plan;
use super::rewrite::{may_be_empty, own_expressions, walk};
use super::scope::{Variables, certain, name_variable, only, term_variable};

/// A part of a query that reads much more than it seems to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryWarning {
    /// A path of no or more steps with neither end bound: it reads the whole graph.
    OpenPath {
        /// The path, as SPARQL writes it.
        path: String,
    },
    /// `GRAPH ?g {}` reads every named graph.
    AnyGraph {
        /// The variable for the graph.
        variable: String,
    },
}

impl fmt::Display for QueryWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenPath { path } => {
                write!(f, "neither end of the path {path} is bound, so that every triple is read")
            }
            Self::AnyGraph { variable } => {
                write!(f, "GRAPH ?{variable} {{}} reads every quad of every named graph")
            }
        }
    }
}

/// The warnings for a query whose bound variables are `bound`.
pub(super) fn of(pattern: &GraphPattern, bound: &[Variable]) -> Vec<QueryWarning> {
    let known: Variables = bound.iter().cloned().collect();
    let mut warnings = Vec::new();
    look(&plan(pattern, &known), &known, true, &mut warnings);
    warnings
}

/// Goes through a plan in the order of its evaluation.
fn look(
    pattern: &GraphPattern,
    known: &Variables,
    outermost: bool,
    warnings: &mut Vec<QueryWarning>,
) {
    use GraphPattern as P;
    match pattern {
        P::Path { subject, path, object } => {
            let open = |end| term_variable(end).is_some_and(|name| !known.contains(name));
            if may_be_empty(path) && open(subject) && open(object) {
                warnings.push(QueryWarning::OpenPath { path: path.to_string() });
            }
        }
        P::Graph { name, inner } => {
            let empty = matches!(&**inner, P::Bgp { patterns } if patterns.is_empty());
            if let Some(variable) = name_variable(name).filter(|name| !known.contains(name))
                && empty
            {
                warnings.push(QueryWarning::AnyGraph { variable: variable.as_str().to_owned() });
            }
            look(inner, known, false, warnings);
        }
        P::Lateral { left, right } => {
            look(left, known, outermost, warnings);
            let mut after = known.clone();
            after.extend(certain(left));
            look(right, &after, false, warnings);
        }
        P::Project { inner, variables } if !outermost => {
            look(inner, &only(known.clone(), variables), false, warnings);
        }
        _ => {
            let mut bodies = known.clone();
            bodies.extend(certain(pattern));
            for own in own_expressions(pattern) {
                walk(own, &mut |expression| {
                    if let spargebra::algebra::Expression::Exists(body) = expression {
                        look(body, &bodies, false, warnings);
                    }
                });
            }
            for part in super::rewrite::parts(pattern) {
                look(part, known, outermost, warnings);
            }
        }
    }
}
