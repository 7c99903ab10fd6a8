//! Which rows of a list a change can touch.
//!
//! Evaluating a list again for each change costs as much as the list is long. But the
//! rows of a list fall into portions by the value of one column, its *key*, and what a
//! portion depends on can be read off the query: each of its patterns, matched against a
//! quad that came or went, leads to keys, directly where the pattern mentions the key,
//! and else by joining the rest of the query from that quad on.
//!
//! # Why this finds every key
//! Take a portion whose rows differ before and after. Either the triples that one of its
//! solutions must have are there in one state and not in the other; then one of them is
//! in the change, and the others hold in the state which has it. Or they are there in
//! both, and an OPTIONAL, a branch of a UNION or a body of EXISTS gives something else
//! for the same solution; then the same argument holds inside of it, with the outer
//! triples holding in both states. So for each pattern it is enough to join what must
//! hold around it, from the changed quad on, in the state that has the quad. Filters are
//! left out, which can only find more. The argument needs that inner parts depend on
//! outer ones by their bindings alone, which is what [`safe`] says.

use evergen_delta::{Delta, EncodedQuad, TermId};
use rustc_hash::FxHashSet;
use spargebra::algebra::{Expression, GraphPattern, PropertyPathExpression};
use spargebra::term::{NamedNodePattern, TermPattern, Variable};

use super::compiled::Compiled;
use super::fast::Program;
use super::plan::plan;
use super::rewrite::{may_be_empty, own_expressions, walk};
use super::scope::{Variables, certain, possible, safe};
use super::{EvaluateError, Form, Query, Row, dataset};
use crate::{TrackedReader, Value};

/// With more keys than this, evaluating the whole list is the shorter way.
const MOST_KEYS: usize = 4096;

/// The value that a portion of a list's rows has in the key's column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(TermId);

impl Key {
    /// The term that all rows of the portion have in common.
    pub fn id(self) -> TermId {
        self.0
    }
}

/// What a change can have done to the rows of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// No row has changed.
    Nothing,
    /// All changed rows, old and new, have one of these keys; sorted, each once.
    Keys(Vec<Key>),
    /// Any row may have changed.
    Everything,
}

/// A list whose rows can be told apart by a key.
#[derive(Debug)]
pub(super) struct KeyedList {
    column: usize,
    portion: Compiled,
    triggers: Vec<Trigger>,
}

/// A pattern of the query, and the keys that a quad matching it leads to.
#[derive(Debug)]
struct Trigger {
    pattern: Shape,
    leads_to: Keys,
}

#[derive(Debug)]
enum Shape {
    Quad([Option<TermId>; 4]),
    /// Any of the predicates, or none for any predicate at all.
    Path(Option<Vec<TermId>>, Option<TermId>),
}

#[derive(Debug)]
enum Keys {
    All,
    /// The key is this part of the quad.
    Part(usize),
    /// The key is found from the given parts of the quad on.
    Join(Vec<usize>, Program),
}

impl Query {
    /// Which rows a change can have touched, for a list without bound variables.
    ///
    /// `before` and `after` are the model without the change and with it.
    pub fn touched(
        &self,
        delta: &Delta,
        before: &dyn TrackedReader,
        after: &dyn TrackedReader,
    ) -> Touched {
        if delta.is_empty() {
            return Touched::Nothing;
        }
        let Some(list) = self.keyed() else { return Touched::Everything };
        let mut keys = FxHashSet::default();
        let removed = delta.removed.iter().map(|quad| (quad, before));
        for (quad, state) in removed.chain(delta.inserted.iter().map(|quad| (quad, after))) {
            for trigger in &list.triggers {
                if trigger.pattern.matches(quad) && !trigger.collect(quad, state, &mut keys) {
                    return Touched::Everything;
                }
            }
        }
        if keys.is_empty() {
            return Touched::Nothing;
        }
        let mut keys: Vec<Key> = keys.into_iter().map(Key).collect();
        keys.sort_unstable();
        Touched::Keys(keys)
    }

    /// Whether [`touched`](Self::touched) can ever give keys.
    pub fn has_key(&self) -> bool {
        self.keyed().is_some()
    }

    /// The key of one of this list's rows; `None` if the list has no key.
    pub fn key(&self, row: &Row) -> Option<Key> {
        row.get(self.keyed()?.column)?.as_ref().map(|value| Key(value.id()))
    }

    /// The rows that have the given key, sorted by content.
    ///
    /// # Errors
    /// As for [`evaluate`](Self::evaluate).
    pub fn evaluate_for(
        &self,
        reader: &dyn TrackedReader,
        key: Key,
    ) -> Result<Vec<Row>, EvaluateError> {
        let Some(list) = self.keyed() else { return Ok(Vec::new()) };
        let value = Value::stored(key.0);
        if dataset::spelled(reader, &value).is_err() {
            // Every solution has a triple with its key, so no triple, no solution.
            return Ok(Vec::new());
        }
        Ok(list.portion.evaluate(reader, &[value])?.into_rows())
    }

    pub(super) fn keyed(&self) -> Option<&KeyedList> {
        let make = || {
            let list = self.form == Form::Select && self.bound.is_empty();
            if list { KeyedList::new(self) } else { None }
        };
        self.keyed.get_or_init(make).as_ref()
    }
}

impl Shape {
    fn matches(&self, quad: &EncodedQuad) -> bool {
        let parts = parts(quad);
        match self {
            Self::Quad(wanted) => wanted.iter().zip(parts).enumerate().all(|(place, pair)| {
                pair.0.map_or(place != 3 || pair.1 != TermId::DEFAULT_GRAPH, |id| id == pair.1)
            }),
            Self::Path(predicates, graph) => {
                let graph_fits =
                    graph.map_or(quad.graph != TermId::DEFAULT_GRAPH, |id| id == quad.graph);
                graph_fits && predicates.as_ref().is_none_or(|all| all.contains(&quad.predicate))
            }
        }
    }
}

fn parts(quad: &EncodedQuad) -> [TermId; 4] {
    [quad.subject, quad.predicate, quad.object, quad.graph]
}

impl Trigger {
    /// Adds the keys that `quad` leads to; `false` if these are too many to tell.
    fn collect(
        &self,
        quad: &EncodedQuad,
        state: &dyn TrackedReader,
        keys: &mut FxHashSet<TermId>,
    ) -> bool {
        match &self.leads_to {
            Keys::All => false,
            Keys::Part(place) => {
                keys.insert(parts(quad)[*place]);
                keys.len() <= MOST_KEYS
            }
            Keys::Join(places, program) => {
                let bindings: Vec<TermId> =
                    places.iter().map(|place| parts(quad)[*place]).collect();
                let mut complete = true;
                let finished = program.first_column(state, &bindings, &mut |id| {
                    keys.insert(id);
                    complete = keys.len() <= MOST_KEYS;
                    complete
                });
                finished.is_some() && complete
            }
        }
    }
}

impl KeyedList {
    fn new(query: &Query) -> Option<Self> {
        let (body, columns) = body(&query.normal.pattern)?;
        let must = mandatory(body)?;
        let key = choose_key(body, columns, &must)?;
        let outside = Variables::from([key.clone()]);
        if !safe(&query.normal.pattern, &outside) || !is_well_designed(body) {
            return None;
        }
        let mut search = Search { key: &key, triggers: Vec::new() };
        search.visit(body, &must)?;
        let triggers = search.triggers;
        let column = columns.iter().position(|column| *column == key)?;
        let portion = Compiled::new(&query.normal, &[key]);
        Some(Self { column, portion, triggers })
    }
}

/// The pattern under a SELECT, and what the SELECT shows of it.
fn body(pattern: &GraphPattern) -> Option<(&GraphPattern, &[Variable])> {
    match pattern {
        GraphPattern::Distinct { inner } => body(inner),
        GraphPattern::Project { inner, variables } => match inner.as_ref() {
            GraphPattern::OrderBy { inner, expression } => {
                let plain = |key| matches!(super::rewrite::order_key(key), Expression::Variable(_));
                expression.iter().all(plain).then_some((inner.as_ref(), variables.as_slice()))
            }
            other => Some((other, variables)),
        },
        _ => None,
    }
}

/// The single patterns that every solution must match; `None` for what isn't followed.
fn mandatory(pattern: &GraphPattern) -> Option<Vec<GraphPattern>> {
    use GraphPattern as P;
    Some(match pattern {
        P::Bgp { patterns } => {
            let single = |triple: &_| P::Bgp { patterns: vec![Clone::clone(triple)] };
            patterns.iter().map(single).collect()
        }
        P::Graph { name, inner } => {
            let inside = |inner| P::Graph { name: name.clone(), inner: Box::new(inner) };
            match inner.as_ref() {
                P::Bgp { patterns } if !patterns.is_empty() => {
                    mandatory(inner)?.into_iter().map(inside).collect()
                }
                _ => vec![pattern.clone()],
            }
        }
        P::Path { .. } => vec![pattern.clone()],
        P::Join { left, right } => {
            let mut both = mandatory(left)?;
            both.extend(mandatory(right)?);
            both
        }
        P::Filter { inner, .. } | P::Extend { inner, .. } => mandatory(inner)?,
        P::LeftJoin { left, .. } => mandatory(left)?,
        P::Union { .. } | P::Values { .. } => Vec::new(),
        _ => return None,
    })
}

/// The shown variable that most patterns of the query mention.
fn choose_key(
    body: &GraphPattern,
    columns: &[Variable],
    must: &[GraphPattern],
) -> Option<Variable> {
    let mut leaves = Vec::new();
    super::rewrite::walk_patterns(body, &mut |pattern| {
        if matches!(pattern, GraphPattern::Bgp { .. } | GraphPattern::Path { .. }) {
            leaves.extend(mandatory(pattern).unwrap_or_default());
        }
    });
    let mentions =
        |key: &Variable| leaves.iter().filter(|leaf| possible(leaf).contains(key)).count();
    let is_plain = |leaf: &&GraphPattern| !matches!(leaf, GraphPattern::Path { .. });
    let certain_by_triples: Variables = must.iter().filter(is_plain).flat_map(certain).collect();
    columns
        .iter()
        .filter(|column| certain_by_triples.contains(*column))
        .rev()
        .max_by_key(|column| mentions(column))
        .cloned()
}

/// Whether every part depends on those around it by shared bindings only.
fn is_well_designed(pattern: &GraphPattern) -> bool {
    let mut holds = true;
    super::rewrite::walk_patterns(pattern, &mut |part| {
        holds &= match part {
            GraphPattern::Join { left, right } => {
                safe(left, &possible(right)) && safe(right, &possible(left))
            }
            GraphPattern::LeftJoin { left, right, .. } => safe(right, &possible(left)),
            _ => true,
        };
    });
    holds
}

/// Goes through a query and notes a trigger for each pattern.
struct Search<'a> {
    key: &'a Variable,
    triggers: Vec<Trigger>,
}

impl Search<'_> {
    /// `must` is what holds for the solutions that `pattern` is a part of.
    fn visit(&mut self, pattern: &GraphPattern, must: &[GraphPattern]) -> Option<()> {
        use GraphPattern as P;
        match pattern {
            P::Bgp { .. } | P::Graph { .. } | P::Path { .. } => {
                for leaf in mandatory(pattern)? {
                    let trigger = self.trigger(&leaf, must);
                    self.triggers.push(trigger);
                }
            }
            P::Join { left, right } => {
                self.visit(left, must)?;
                self.visit(right, must)?;
            }
            P::LeftJoin { left, right, .. } => {
                self.visit(left, must)?;
                let must = self.visit_inner(right, must)?;
                self.visit_bodies(pattern, &must)?;
            }
            P::Union { left, right } => {
                self.visit_inner(left, must)?;
                self.visit_inner(right, must)?;
            }
            P::Filter { inner, .. } | P::Extend { inner, .. } => {
                self.visit(inner, must)?;
                self.visit_bodies(pattern, must)?;
            }
            P::Values { .. } => {}
            _ => return None,
        }
        Some(())
    }

    /// Visits a part that has triples of its own to match; gives all that must hold in it.
    fn visit_inner(
        &mut self,
        pattern: &GraphPattern,
        must: &[GraphPattern],
    ) -> Option<Vec<GraphPattern>> {
        let mut all = must.to_vec();
        all.extend(mandatory(pattern)?);
        self.visit(pattern, &all)?;
        Some(all)
    }

    fn visit_bodies(&mut self, pattern: &GraphPattern, must: &[GraphPattern]) -> Option<()> {
        let mut bodies = Vec::new();
        for own in own_expressions(pattern) {
            walk(own, &mut |expression| {
                if let Expression::Exists(body) = expression {
                    bodies.push(body);
                }
            });
        }
        bodies.into_iter().try_for_each(|body| self.visit_inner(body, must).map(drop))
    }

    fn trigger(&self, leaf: &GraphPattern, must: &[GraphPattern]) -> Trigger {
        let Some(places) = places(leaf) else { return path_trigger(leaf, must) };
        let pattern = Shape::Quad(places.clone().map(|place| match place {
            Place::Term(id) => Some(id),
            Place::Variable(_) => None,
        }));
        let position = |variable: &Variable| {
            places.iter().position(|place| matches!(place, Place::Variable(own) if own == variable))
        };
        if let Some(place) = position(self.key) {
            return Trigger { pattern, leads_to: Keys::Part(place) };
        }
        let leads_to = self.join(leaf, must).map_or(Keys::All, |(bound, program)| {
            Keys::Join(bound.iter().filter_map(position).collect(), program)
        });
        Trigger { pattern, leads_to }
    }

    /// A program that finds the key from the variables of `leaf` on.
    fn join(&self, leaf: &GraphPattern, must: &[GraphPattern]) -> Option<(Vec<Variable>, Program)> {
        let known = possible(leaf);
        // Leaving something out finds more, and that is no harm.
        let others = must.iter().filter(|other| *other != leaf && places(other).is_some());
        let joined = others.cloned().reduce(|left, right| GraphPattern::Join {
            left: Box::new(left),
            right: Box::new(right),
        })?;
        if !possible(&joined).contains(self.key) {
            return None;
        }
        let bound: Vec<Variable> = known.iter().cloned().collect();
        let program =
            Program::join(&plan(&joined, &known), std::slice::from_ref(self.key), &bound)?;
        Some((bound, program))
    }
}

#[derive(Clone)]
enum Place {
    Term(TermId),
    Variable(Variable),
}

/// The parts of a single pattern; `None` for a path or `GRAPH ?g {}`.
fn places(leaf: &GraphPattern) -> Option<[Place; 4]> {
    let (graph, inner) = match leaf {
        GraphPattern::Graph { name, inner } => (name_place(name), inner.as_ref()),
        other => (Place::Term(TermId::DEFAULT_GRAPH), other),
    };
    let GraphPattern::Bgp { patterns } = inner else { return None };
    let [triple] = patterns.as_slice() else { return None };
    let (subject, object) = (term_place(&triple.subject), term_place(&triple.object));
    Some([subject, name_place(&triple.predicate), object, graph])
}

fn name_place(name: &NamedNodePattern) -> Place {
    match name {
        NamedNodePattern::Variable(variable) => Place::Variable(variable.clone()),
        NamedNodePattern::NamedNode(node) => Place::Term(dataset::term(node.clone().into()).id()),
    }
}

fn term_place(term: &TermPattern) -> Place {
    let spelled: oxrdf::Term = match term {
        TermPattern::Variable(variable) => return Place::Variable(variable.clone()),
        TermPattern::NamedNode(node) => node.clone().into(),
        TermPattern::Literal(literal) => literal.clone().into(),
        TermPattern::BlankNode(node) => node.clone().into(),
    };
    Place::Term(dataset::term(spelled).id())
}

/// What a path follows can be far away from the key, so that all keys may be touched.
fn path_trigger(leaf: &GraphPattern, must: &[GraphPattern]) -> Trigger {
    let (name, inner) = match leaf {
        GraphPattern::Graph { name, inner } => (Some(name), inner.as_ref()),
        other => (None, other),
    };
    let graph = match name.map(name_place) {
        None => Some(TermId::DEFAULT_GRAPH),
        Some(Place::Term(id)) => Some(id),
        Some(Place::Variable(_)) => None,
    };
    let predicates = match inner {
        GraphPattern::Path { subject, path, object } => {
            let anchored = [subject, object].into_iter().any(|end| is_node(end, name, must));
            let mut found = Vec::new();
            let listed = list_predicates(path, &mut found);
            (listed && (anchored || !may_be_empty(path))).then_some(found)
        }
        _ => None,
    };
    Trigger { pattern: Shape::Path(predicates, graph), leads_to: Keys::All }
}

/// Whether a triple that must hold makes `end` a node of the graph in any case.
fn is_node(end: &TermPattern, graph: Option<&NamedNodePattern>, must: &[GraphPattern]) -> bool {
    must.iter().any(|leaf| {
        let (own, inner) = match leaf {
            GraphPattern::Graph { name, inner } => (Some(name), inner.as_ref()),
            other => (None, other),
        };
        let GraphPattern::Bgp { patterns } = inner else { return false };
        own == graph
            && patterns.iter().any(|triple| triple.subject == *end || triple.object == *end)
    })
}

/// Lists the predicates that a path follows; `false` if it follows all but some.
fn list_predicates(path: &PropertyPathExpression, found: &mut Vec<TermId>) -> bool {
    use PropertyPathExpression as P;
    match path {
        P::NamedNode(node) => {
            found.push(dataset::term(node.clone().into()).id());
            true
        }
        P::Reverse(inner) | P::ZeroOrMore(inner) | P::OneOrMore(inner) | P::ZeroOrOne(inner) => {
            list_predicates(inner, found)
        }
        P::Sequence(left, right) | P::Alternative(left, right) => {
            list_predicates(left, found) && list_predicates(right, found)
        }
        P::NegatedPropertySet(_) => false,
    }
}
