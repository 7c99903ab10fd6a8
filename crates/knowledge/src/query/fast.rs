//! A small interpreter for the queries that generators mostly ask.
//!
//! The library builds its operators anew for every evaluation, which takes longer than
//! the few reads of a typical bound query. A [`Program`] is built once from the same
//! plan and runs on ids alone: patterns, OPTIONAL, UNION, VALUES, filters of a closed set
//! and EXISTS of these. Whatever it can't follow, it declines: when it is compiled, or
//! while it runs, where a comparison turns out to need the values of literals.

use evergen_delta::TermId;
use smallvec::SmallVec;
use spargebra::algebra::GraphPattern;
use spargebra::term::{GroundTerm, NamedNodePattern, TermPattern, TriplePattern, Variable};

use self::condition::Condition;
use super::dataset::term;
use super::scope::mentioned;
use crate::{TrackedReader, Value};
use run::Run;

mod condition;
mod run;

/// A plan in the interpreter's form.
#[derive(Clone, Debug)]
pub(super) struct Program {
    root: Op,
    slots: usize,
    columns: Vec<usize>,
    bound: Vec<usize>,
    distinct: bool,
    /// Terms of the query that may end up in a row.
    constants: Vec<Value>,
}

/// Where a pattern's part comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Slot(usize),
    Constant(TermId),
}

/// One operator. Each passes every solution that it finds on.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// The one solution that binds nothing more.
    Unit,
    /// Quads of a pattern: subject, predicate, object, graph.
    Scan([Source; 4]),
    /// The second for every solution of the first.
    Then(Box<Op>, Box<Op>),
    /// The second for every solution of the first, or that solution alone.
    Optional(Box<Op>, Box<Op>),
    Filter(Box<Op>, Condition),
    Union(Box<Op>, Box<Op>),
    Values(Vec<usize>, Vec<SmallVec<[TermId; 4]>>),
    /// Gives a slot another name's value.
    Assign(Box<Op>, usize, Source),
}

/// A frame: a value for each slot, [`TermId::ANY`] where there is none.
pub(super) type Frame = SmallVec<[TermId; 16]>;

impl Program {
    /// The program for a plan; `None` if the plan needs more than there is here.
    pub(super) fn compile(
        pattern: &GraphPattern,
        columns: &[Variable],
        bound: &[Variable],
    ) -> Option<Self> {
        let (distinct, pattern) = match pattern {
            GraphPattern::Distinct { inner } => (true, inner.as_ref()),
            other => (false, other),
        };
        let GraphPattern::Project { inner, .. } = pattern else { return None };
        let mut compiler = Compiler::default();
        let bound = bound.iter().map(|name| compiler.slot(name)).collect();
        let root = compiler.op(inner)?;
        let columns = columns.iter().map(|name| compiler.slot(name)).collect();
        let Compiler { names, constants } = compiler;
        Some(Self { root, slots: names.len(), columns, bound, distinct, constants })
    }

    /// A program that joins `patterns` in their order and gives the slots asked for.
    pub(super) fn join(
        patterns: &GraphPattern,
        columns: &[Variable],
        bound: &[Variable],
    ) -> Option<Self> {
        let project = GraphPattern::Project {
            inner: Box::new(patterns.clone()),
            variables: columns.iter().chain(bound).cloned().collect(),
        };
        Self::compile(&project, columns, bound)
    }

    /// All rows, or `None` if the values of literals have to be compared.
    pub(super) fn rows(
        &self,
        reader: &dyn TrackedReader,
        bindings: &[Value],
    ) -> Option<Vec<super::Row>> {
        let run = Run::new(self, reader, bindings);
        let mut rows: Vec<super::Row> = Vec::new();
        let mut seen = rustc_hash::FxHashSet::<SmallVec<[TermId; 4]>>::default();
        run.solutions(&mut |frame| {
            if self.distinct {
                let ids = self.columns.iter().map(|&slot| frame[slot]).collect();
                if !seen.insert(ids) {
                    return true;
                }
            }
            rows.push(self.columns.iter().map(|&slot| run.cell(frame[slot])).collect());
            true
        })?;
        Some(rows)
    }

    /// Whether there is a solution; `None` as for [`rows`](Self::rows).
    pub(super) fn ask(&self, reader: &dyn TrackedReader, bindings: &[Value]) -> Option<bool> {
        let run = Run::new(self, reader, bindings);
        let mut found = false;
        run.solutions(&mut |_| {
            found = true;
            false
        })?;
        Some(found)
    }

    /// Calls `each` with the first column of every solution until it says no, starting
    /// from the given ids of the bound variables.
    pub(super) fn first_column(
        &self,
        reader: &dyn TrackedReader,
        bindings: &[TermId],
        each: &mut dyn FnMut(TermId) -> bool,
    ) -> Option<()> {
        let bindings: SmallVec<[Value; 4]> = bindings.iter().map(|&id| Value::stored(id)).collect();
        let run = Run::new(self, reader, &bindings);
        run.solutions(&mut |frame| each(frame[self.columns[0]]))
    }
}

/// Gives slots to variables.
#[derive(Default)]
pub(super) struct Compiler {
    names: Vec<Variable>,
    constants: Vec<Value>,
}

impl Compiler {
    fn slot(&mut self, variable: &Variable) -> usize {
        self.names.iter().position(|name| name == variable).unwrap_or_else(|| {
            self.names.push(variable.clone());
            self.names.len() - 1
        })
    }

    fn constant(&mut self, spelled: oxrdf::Term) -> TermId {
        let value = Value::computed(term(spelled));
        let id = value.id();
        if !self.constants.contains(&value) {
            self.constants.push(value);
        }
        id
    }

    fn op(&mut self, pattern: &GraphPattern) -> Option<Op> {
        use GraphPattern as P;
        Some(match pattern {
            P::Bgp { patterns } => match patterns.as_slice() {
                [] => Op::Unit,
                [triple] => self.scan(triple, Source::Constant(TermId::DEFAULT_GRAPH)),
                _ => return None,
            },
            P::Graph { name, inner } => {
                let P::Bgp { patterns } = inner.as_ref() else { return None };
                let [triple] = patterns.as_slice() else { return None };
                let graph = self.name(name);
                self.scan(triple, graph)
            }
            P::Lateral { left, right } => self.lateral(left, right)?,
            P::Filter { inner, expr } => {
                let inner = self.boxed(inner)?;
                Op::Filter(inner, Condition::compile(expr, self)?)
            }
            P::Union { left, right } => Op::Union(self.boxed(left)?, self.boxed(right)?),
            P::Values { variables, bindings } => {
                let slots = variables.iter().map(|name| self.slot(name)).collect();
                let rows = bindings
                    .iter()
                    .map(|row| row.iter().map(|cell| self.cell(cell.as_ref())).collect())
                    .collect();
                Op::Values(slots, rows)
            }
            P::Extend { inner, variable, expression } => {
                // Assigning what is there already is for the library to sort out.
                if mentioned(inner).contains(variable) || self.names.contains(variable) {
                    return None;
                }
                let inner = self.boxed(inner)?;
                let source = condition::source(expression, self)?;
                Op::Assign(inner, self.slot(variable), source)
            }
            _ => return None,
        })
    }

    fn boxed(&mut self, pattern: &GraphPattern) -> Option<Box<Op>> {
        self.op(pattern).map(Box::new)
    }

    fn lateral(&mut self, left: &GraphPattern, right: &GraphPattern) -> Option<Op> {
        let left_op = self.boxed(left)?;
        if let GraphPattern::LeftJoin { left: start, right, expression } = right
            && matches!(start.as_ref(), GraphPattern::Bgp { patterns } if patterns.is_empty())
        {
            let mut inner = self.op(right)?;
            if let Some(expression) = expression {
                inner = Op::Filter(Box::new(inner), Condition::compile(expression, self)?);
            }
            return Some(Op::Optional(left_op, Box::new(inner)));
        }
        Some(Op::Then(left_op, self.boxed(right)?))
    }

    fn scan(&mut self, triple: &TriplePattern, graph: Source) -> Op {
        let subject = self.part(&triple.subject);
        let predicate = self.name(&triple.predicate);
        let object = self.part(&triple.object);
        Op::Scan([subject, predicate, object, graph])
    }

    fn part(&mut self, part: &TermPattern) -> Source {
        match part {
            TermPattern::Variable(variable) => Source::Slot(self.slot(variable)),
            TermPattern::NamedNode(node) => Source::Constant(term(node.clone().into()).id()),
            TermPattern::Literal(literal) => Source::Constant(term(literal.clone().into()).id()),
            TermPattern::BlankNode(node) => Source::Constant(term(node.clone().into()).id()),
        }
    }

    fn name(&mut self, name: &NamedNodePattern) -> Source {
        match name {
            NamedNodePattern::Variable(variable) => Source::Slot(self.slot(variable)),
            NamedNodePattern::NamedNode(node) => Source::Constant(term(node.clone().into()).id()),
        }
    }

    fn cell(&mut self, cell: Option<&GroundTerm>) -> TermId {
        match cell {
            None => TermId::ANY,
            Some(GroundTerm::NamedNode(node)) => self.constant(node.clone().into()),
            Some(GroundTerm::Literal(literal)) => self.constant(literal.clone().into()),
        }
    }
}
