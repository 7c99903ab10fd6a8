//! A planned query, and how it is evaluated.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use evergen_delta::Term;
use spareval::{QueryEvaluator, QueryResults};
use spargebra::algebra::GraphPattern;
use spargebra::term::{NamedNodePattern, TermPattern, TriplePattern, Variable};

use super::answer::{compare, sort};
use super::dataset::{Dataset, failure, spelled, term, value};
use super::fast::Program;
use super::normal::totally_ordered;
use super::plan::plan;
use super::scope::{Variables, name_variable, term_variable};
use super::{Answer, EvaluateError, Form, Normal, Row, Rows};
use crate::{TrackedReader, Value};

/// A query planned for certain variables being bound.
#[derive(Debug)]
pub(super) struct Compiled {
    form: Form,
    /// What a row holds: the SELECT's variables, or those of the CONSTRUCT's template.
    columns: Vec<Variable>,
    /// The names of the columns.
    names: Arc<[String]>,
    template: Vec<TriplePattern>,
    bound: Vec<Variable>,
    /// Whether the rows come in an order that the author asked for.
    ordered: bool,
    plan: spargebra::Query,
    /// The same plan for our own interpreter, where that is able to follow it.
    fast: Option<Program>,
}

impl Compiled {
    pub(super) fn new(normal: &Normal, bound: &[Variable]) -> Self {
        let mut pattern = normal.pattern.clone();
        let ordered = is_ordered(&pattern);
        let columns = match normal.form {
            Form::Select => projected(&pattern),
            Form::Ask => Vec::new(),
            Form::Construct => template_variables(&normal.template),
        };
        if ordered {
            pattern = totally_ordered(pattern);
        }
        hand_in(&mut pattern, bound);
        if normal.form != Form::Select {
            let variables = columns.iter().chain(bound).cloned().collect();
            pattern = GraphPattern::Project { inner: Box::new(pattern), variables };
        }
        let known: Variables = bound.iter().cloned().collect();
        let pattern = plan(&pattern, &known);
        let fast = Program::compile(&pattern, &columns, bound);
        let plan = spargebra::Query::Select { dataset: None, pattern, base_iri: None };
        let names = columns.iter().map(|name| name.as_str().to_owned()).collect();
        Self {
            form: normal.form,
            columns,
            names,
            template: normal.template.clone(),
            bound: bound.to_vec(),
            ordered,
            plan,
            fast,
        }
    }

    pub(super) fn columns(&self) -> &[Variable] {
        &self.columns
    }

    #[cfg(test)]
    pub(super) fn is_fast(&self) -> bool {
        self.fast.is_some()
    }

    pub(super) fn evaluate(
        &self,
        reader: &dyn TrackedReader,
        bindings: &[Value],
    ) -> Result<Answer, EvaluateError> {
        if self.form == Form::Ask {
            return self.ask(reader, bindings).map(Answer::Boolean);
        }
        let mut rows = self.rows(reader, bindings)?;
        if self.form == Form::Construct {
            return Ok(Answer::Graph(self.instantiate(reader, &rows)?));
        }
        if !self.ordered {
            sort(reader, &mut rows);
        }
        Ok(Answer::Rows(Rows { variables: Arc::clone(&self.names), rows }))
    }

    fn ask(&self, reader: &dyn TrackedReader, bindings: &[Value]) -> Result<bool, EvaluateError> {
        if let Some(answer) = self.fast.as_ref().and_then(|fast| fast.ask(reader, bindings)) {
            return Ok(answer);
        }
        let mut found = false;
        self.solutions(reader, bindings, &mut |_| {
            found = true;
            Ok(false)
        })?;
        Ok(found)
    }

    /// The rows in the order in which they are found, or that of ORDER BY.
    fn rows(
        &self,
        reader: &dyn TrackedReader,
        bindings: &[Value],
    ) -> Result<Vec<Row>, EvaluateError> {
        if let Some(rows) = self.fast.as_ref().and_then(|fast| fast.rows(reader, bindings)) {
            return Ok(rows);
        }
        self.slow_rows(reader, bindings)
    }

    /// The rows as the library's evaluator gives them.
    pub(super) fn slow_rows(
        &self,
        reader: &dyn TrackedReader,
        bindings: &[Value],
    ) -> Result<Vec<Row>, EvaluateError> {
        let mut rows = Vec::new();
        self.solutions(reader, bindings, &mut |solution| {
            let cells = self.columns.iter().map(|column| {
                let Some(spelled) = solution.get(column) else { return Ok(None) };
                Ok(Some(value(reader, term(spelled.clone()))?))
            });
            rows.push(cells.collect::<Result<Row, EvaluateError>>()?);
            Ok(true)
        })?;
        Ok(rows)
    }

    /// Calls `each` with every solution until it says no.
    fn solutions(
        &self,
        reader: &dyn TrackedReader,
        bindings: &[Value],
        each: &mut dyn FnMut(&spareval::QuerySolution) -> Result<bool, EvaluateError>,
    ) -> Result<(), EvaluateError> {
        // ORDER BY over values of several datatypes is no total order, and sorting by such
        // a thing may panic. No state outlives the evaluation.
        let run = AssertUnwindSafe(|| self.solutions_unguarded(reader, bindings, each));
        catch_unwind(run).unwrap_or_else(|_| {
            let reason = "its values can't be put in an order".to_owned();
            Err(EvaluateError::Other(reason))
        })
    }

    fn solutions_unguarded(
        &self,
        reader: &dyn TrackedReader,
        bindings: &[Value],
        each: &mut dyn FnMut(&spareval::QuerySolution) -> Result<bool, EvaluateError>,
    ) -> Result<(), EvaluateError> {
        let evaluator = QueryEvaluator::new().without_optimizations();
        let mut prepared = evaluator.prepare(&self.plan);
        for (variable, value) in self.bound.iter().zip(bindings) {
            prepared = prepared.substitute_variable(variable.clone(), spelled(reader, value)?);
        }
        let results = prepared.execute(Dataset::new(reader)).map_err(failure)?;
        let QueryResults::Solutions(solutions) = results else { return Ok(()) };
        for solution in solutions {
            if !each(&solution.map_err(failure)?)? {
                break;
            }
        }
        Ok(())
    }

    fn instantiate(
        &self,
        reader: &dyn TrackedReader,
        rows: &[Row],
    ) -> Result<Vec<[Value; 3]>, EvaluateError> {
        let mut triples = Vec::new();
        for row in rows {
            for triple in &self.template {
                let subject = self.fill(reader, &triple.subject, row)?;
                let predicate = self.fill_name(reader, &triple.predicate, row)?;
                let object = self.fill(reader, &triple.object, row)?;
                let (Some(subject), Some(predicate), Some(object)) = (subject, predicate, object)
                else {
                    continue;
                };
                if may_be_triple(reader, &subject, &predicate) {
                    triples.push([subject, predicate, object].map(Some));
                }
            }
        }
        triples.sort_by(|left, right| compare(reader, left, right));
        triples.dedup();
        Ok(triples.into_iter().filter_map(|[s, p, o]| Some([s?, p?, o?])).collect())
    }

    fn fill(
        &self,
        reader: &dyn TrackedReader,
        part: &TermPattern,
        row: &Row,
    ) -> Result<Option<Value>, EvaluateError> {
        let constant = match part {
            TermPattern::Variable(variable) => return Ok(self.cell(variable, row)),
            TermPattern::NamedNode(node) => term(node.clone().into()),
            TermPattern::Literal(literal) => term(literal.clone().into()),
            TermPattern::BlankNode(node) => Term::Blank(self.label(node.as_str(), row)),
        };
        Ok(Some(value(reader, constant)?))
    }

    fn fill_name(
        &self,
        reader: &dyn TrackedReader,
        part: &NamedNodePattern,
        row: &Row,
    ) -> Result<Option<Value>, EvaluateError> {
        match part {
            NamedNodePattern::Variable(variable) => Ok(self.cell(variable, row)),
            NamedNodePattern::NamedNode(node) => {
                Ok(Some(value(reader, term(node.clone().into()))?))
            }
        }
    }

    fn cell(&self, variable: &Variable, row: &Row) -> Option<Value> {
        let column = self.columns.iter().position(|column| column == variable)?;
        row.get(column)?.clone()
    }

    /// A solution's own blank node: the same whenever the solution is the same.
    fn label(&self, name: &str, row: &Row) -> String {
        use std::fmt::Write;
        // The parser makes names up for nodes that have none, so the place in the
        // template names them.
        let place =
            self.template.iter().flat_map(|triple| [&triple.subject, &triple.object]).position(
                |part| matches!(part, TermPattern::BlankNode(node) if node.as_str() == name),
            );
        let mut content = format!("{}", place.unwrap_or(0));
        for cell in row {
            let id = cell.as_ref().map_or(0, |value| value.id().to_raw());
            let _ = write!(content, " {id:x}");
        }
        format!("c{:016x}", Term::literal(content).id().to_raw())
    }
}

fn may_be_triple(reader: &dyn TrackedReader, subject: &Value, predicate: &Value) -> bool {
    use evergen_delta::TermRef::{Blank, Iri};
    matches!(subject.term(reader), Some(Iri(_) | Blank(_)))
        && matches!(predicate.term(reader), Some(Iri(_)))
}

fn template_variables(template: &[TriplePattern]) -> Vec<Variable> {
    let mut variables = Vec::new();
    for triple in template {
        let parts = [
            term_variable(&triple.subject),
            name_variable(&triple.predicate),
            term_variable(&triple.object),
        ];
        for variable in parts.into_iter().flatten() {
            if !variables.contains(variable) {
                variables.push(variable.clone());
            }
        }
    }
    variables
}

fn projected(pattern: &GraphPattern) -> Vec<Variable> {
    match pattern {
        GraphPattern::Project { variables, .. } => variables.clone(),
        GraphPattern::Distinct { inner } | GraphPattern::Slice { inner, .. } => projected(inner),
        _ => Vec::new(),
    }
}

fn is_ordered(pattern: &GraphPattern) -> bool {
    match pattern {
        GraphPattern::Project { inner, .. }
        | GraphPattern::Distinct { inner }
        | GraphPattern::Slice { inner, .. } => is_ordered(inner),
        GraphPattern::OrderBy { .. } => true,
        _ => false,
    }
}

/// Lets the bound variables through the outermost projections, which would hide them.
pub(super) fn hand_in(pattern: &mut GraphPattern, bound: &[Variable]) {
    match pattern {
        GraphPattern::Project { variables, .. } => {
            for variable in bound {
                if !variables.contains(variable) {
                    variables.push(variable.clone());
                }
            }
        }
        GraphPattern::Distinct { inner } | GraphPattern::Slice { inner, .. } => {
            hand_in(inner, bound);
        }
        _ => {}
    }
}
