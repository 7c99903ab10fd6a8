//! A query in the form that planning starts from.
//!
//! - Blank nodes are variables, and a GRAPH clause stands around each single pattern.
//! - A negated property set at the top of a path is a pattern and a filter, so that it
//!   counts the same whether its ends are bound or not.
//! - MINUS is FILTER NOT EXISTS. The evaluator's own MINUS takes every binding from
//!   outside for a shared variable.
//! - Where the order of solutions decides the result (LIMIT, OFFSET, all aggregates but
//!   COUNT), the solutions are put in an order that is total by content. The result is
//!   then the same for every plan.

use std::collections::BTreeMap;

use spargebra::algebra::{
    AggregateExpression, AggregateFunction, Expression, Function, GraphPattern, OrderExpression,
    PropertyPathExpression,
};
use spargebra::term::{NamedNode, NamedNodePattern, TermPattern, TriplePattern, Variable};

use super::rewrite::{self, Rename, Rewrite};
use super::scope::{Variables, certain, mentioned, name_variable, possible, safe};

/// Makes normal forms; names that it gives away are used in no query, since they hold
/// characters that SPARQL's variables can't.
#[derive(Default)]
pub(super) struct Normaliser {
    blank_nodes: BTreeMap<String, Variable>,
    given: usize,
    /// What the solutions may bind for which a body of EXISTS is evaluated.
    outer: Variables,
}

impl Normaliser {
    pub(super) fn query(&mut self, pattern: &GraphPattern) -> GraphPattern {
        self.pattern(pattern, None)
    }

    fn pattern(
        &mut self,
        pattern: &GraphPattern,
        graph: Option<&NamedNodePattern>,
    ) -> GraphPattern {
        use GraphPattern as P;
        match pattern {
            P::Bgp { patterns } => {
                let patterns = patterns.iter().map(|triple| self.triple(triple)).collect();
                inside(graph, P::Bgp { patterns })
            }
            P::Path { subject, path, object } => {
                let (subject, object) = (self.term(subject), self.term(object));
                self.path(subject, path, object, graph)
            }
            P::Graph { name, inner } => self.pattern(inner, Some(name)),
            P::Join { left, right } => {
                P::Join { left: self.boxed(left, graph), right: self.boxed(right, graph) }
            }
            P::Union { left, right } => {
                P::Union { left: self.boxed(left, graph), right: self.boxed(right, graph) }
            }
            P::LeftJoin { left, right, expression } => {
                let (left, right) = (self.boxed(left, graph), self.boxed(right, graph));
                let expression = expression.as_ref().map(|condition| {
                    let both = possible(&left).into_iter().chain(possible(&right)).collect();
                    self.over(both, |normaliser| normaliser.expression(condition, graph))
                });
                P::LeftJoin { left, right, expression }
            }
            P::Minus { left, right } => {
                let (left, right) = (self.pattern(left, graph), self.pattern(right, graph));
                self.minus(left, right)
            }
            P::Filter { expr, inner } => {
                let inner = self.boxed(inner, graph);
                let expr =
                    self.over(possible(&inner), |normaliser| normaliser.expression(expr, graph));
                P::Filter { expr, inner }
            }
            P::Extend { inner, variable, expression } => {
                let inner = self.boxed(inner, graph);
                let expression = self
                    .over(possible(&inner), |normaliser| normaliser.expression(expression, graph));
                P::Extend { inner, variable: variable.clone(), expression }
            }
            _ => self.modifier(pattern, graph),
        }
    }

    fn modifier(
        &mut self,
        pattern: &GraphPattern,
        graph: Option<&NamedNodePattern>,
    ) -> GraphPattern {
        use GraphPattern as P;
        match pattern {
            P::OrderBy { inner, expression } => {
                let inner = self.boxed(inner, graph);
                let expression = self.over(possible(&inner), |normaliser| {
                    let mut to = InGraph { normaliser, graph };
                    expression.iter().map(|key| rewrite::order(key, &mut to)).collect()
                });
                P::OrderBy { inner, expression }
            }
            P::Project { inner, variables } => {
                // A sub-select that doesn't hand the graph's name out has one of its own.
                let own = match graph.and_then(name_variable) {
                    Some(name) if !variables.contains(name) => Some(self.fresh("g").into()),
                    _ => graph.cloned(),
                };
                P::Project { inner: self.boxed(inner, own.as_ref()), variables: variables.clone() }
            }
            P::Distinct { inner } | P::Reduced { inner } => {
                P::Distinct { inner: self.boxed(inner, graph) }
            }
            P::Slice { inner, start, length } => P::Slice {
                inner: Box::new(totally_ordered(self.pattern(inner, graph))),
                start: *start,
                length: *length,
            },
            P::Group { inner, variables, aggregates } => {
                let inner = self.pattern(inner, graph);
                let aggregates: Vec<_> = self.over(possible(&inner), |normaliser| {
                    let mut to = InGraph { normaliser, graph };
                    let own = |(name, own): &(Variable, _)| {
                        (name.clone(), rewrite::aggregate(own, &mut to))
                    };
                    aggregates.iter().map(own).collect()
                });
                let inner = ordered_for(inner, &aggregates);
                P::Group { inner: Box::new(inner), variables: variables.clone(), aggregates }
            }
            other => other.clone(),
        }
    }

    fn boxed(
        &mut self,
        pattern: &GraphPattern,
        graph: Option<&NamedNodePattern>,
    ) -> Box<GraphPattern> {
        Box::new(self.pattern(pattern, graph))
    }

    fn expression(
        &mut self,
        expression: &Expression,
        graph: Option<&NamedNodePattern>,
    ) -> Expression {
        rewrite::expression(expression, &mut InGraph { normaliser: self, graph })
    }

    /// Does something to expressions over solutions that may bind `bound`.
    fn over<T>(&mut self, bound: Variables, normalise: impl FnOnce(&mut Self) -> T) -> T {
        let mut outer = self.outer.clone();
        outer.extend(bound);
        let before = std::mem::replace(&mut self.outer, outer);
        let done = normalise(self);
        self.outer = before;
        done
    }

    /// A body of EXISTS that assigns a variable of the solutions outside assigns one of
    /// its own instead, and compares the two: what was bound can't be overwritten.
    fn body(&mut self, pattern: &GraphPattern, graph: Option<&NamedNodePattern>) -> GraphPattern {
        let pattern = self.pattern(pattern, graph);
        let names: BTreeMap<Variable, Variable> = assigned(&pattern)
            .intersection(&self.outer.clone())
            .map(|variable| (variable.clone(), self.fresh("x")))
            .collect();
        let Some(condition) = names.iter().map(compatible).reduce(and) else { return pattern };
        GraphPattern::Filter { expr: condition, inner: Box::new(renamed(&pattern, &names)) }
    }

    fn triple(&mut self, triple: &TriplePattern) -> TriplePattern {
        TriplePattern {
            subject: self.term(&triple.subject),
            predicate: triple.predicate.clone(),
            object: self.term(&triple.object),
        }
    }

    fn term(&mut self, term: &TermPattern) -> TermPattern {
        let TermPattern::BlankNode(node) = term else { return term.clone() };
        if let Some(variable) = self.blank_nodes.get(node.as_str()) {
            return variable.clone().into();
        }
        let variable = self.fresh("b");
        self.blank_nodes.insert(node.as_str().to_owned(), variable.clone());
        variable.into()
    }

    fn fresh(&mut self, kind: &str) -> Variable {
        self.given += 1;
        Variable::new_unchecked(format!("_:{kind}{}", self.given))
    }

    fn path(
        &mut self,
        subject: TermPattern,
        path: &PropertyPathExpression,
        object: TermPattern,
        graph: Option<&NamedNodePattern>,
    ) -> GraphPattern {
        match path {
            PropertyPathExpression::Reverse(inner) => self.path(object, inner, subject, graph),
            PropertyPathExpression::NegatedPropertySet(refused) => {
                let predicate = self.fresh("p");
                let expr = none_of(&predicate, refused);
                let predicate = predicate.into();
                let patterns = vec![TriplePattern { subject, predicate, object }];
                let inner = Box::new(inside(graph, GraphPattern::Bgp { patterns }));
                GraphPattern::Filter { expr, inner }
            }
            PropertyPathExpression::NamedNode(predicate) => {
                let predicate = predicate.clone().into();
                let patterns = vec![TriplePattern { subject, predicate, object }];
                inside(graph, GraphPattern::Bgp { patterns })
            }
            _ => inside(graph, GraphPattern::Path { subject, path: path.clone(), object }),
        }
    }

    fn minus(&mut self, left: GraphPattern, right: GraphPattern) -> GraphPattern {
        let (outer, inner) = (possible(&left), possible(&right));
        if outer.is_disjoint(&inner) {
            return left;
        }
        let always_shared = !certain(&left).is_disjoint(&certain(&right));
        let body = if always_shared && safe(&right, &outer) {
            right
        } else {
            self.compared(&outer, &inner, &right)
        };
        let exists = Expression::Exists(Box::new(body));
        GraphPattern::Filter { expr: not(exists), inner: Box::new(left) }
    }

    /// `right` under names of its own, and compared with what the left side has bound.
    fn compared(
        &mut self,
        left: &Variables,
        right: &Variables,
        pattern: &GraphPattern,
    ) -> GraphPattern {
        let names: BTreeMap<Variable, Variable> = mentioned(pattern)
            .intersection(left)
            .map(|variable| (variable.clone(), self.fresh("m")))
            .collect();
        let inner = renamed(pattern, &names);
        let shared = || names.iter().filter(|(variable, _)| right.contains(*variable));
        let meet = shared().map(|(one, other)| {
            and(Expression::Bound(one.clone()), Expression::Bound(other.clone()))
        });
        match (shared().map(compatible).reduce(and), meet.reduce(or)) {
            (Some(compatible), Some(meet)) => {
                GraphPattern::Filter { expr: and(compatible, meet), inner: Box::new(inner) }
            }
            // Sides without a shared variable never come here.
            _ => inner,
        }
    }
}

/// Expressions are rewritten for the graph in which their bodies of EXISTS are.
struct InGraph<'a> {
    normaliser: &'a mut Normaliser,
    graph: Option<&'a NamedNodePattern>,
}

impl Rewrite for InGraph<'_> {
    fn body(&mut self, pattern: &GraphPattern) -> GraphPattern {
        self.normaliser.body(pattern, self.graph)
    }
}

/// The variables that BIND gives a value to, but for those in sub-selects, which compare
/// what they hand out with what is there.
fn assigned(pattern: &GraphPattern) -> Variables {
    match pattern {
        GraphPattern::Project { .. } => Variables::new(),
        other => {
            let mut found: Variables =
                rewrite::parts(other).into_iter().flat_map(assigned).collect();
            if let GraphPattern::Extend { variable, .. } = other {
                found.insert(variable.clone());
            }
            found
        }
    }
}

fn renamed(pattern: &GraphPattern, names: &BTreeMap<Variable, Variable>) -> GraphPattern {
    Rename(&mut |variable| names.get(variable).unwrap_or(variable).clone()).pattern(pattern)
}

/// Two variables are the same, or one of them has no value.
fn compatible((one, other): (&Variable, &Variable)) -> Expression {
    let same = Expression::SameTerm(Box::new(value(one)), Box::new(value(other)));
    let unbound = |variable: &Variable| not(Expression::Bound(variable.clone()));
    or(or(unbound(one), unbound(other)), same)
}

fn inside(graph: Option<&NamedNodePattern>, inner: GraphPattern) -> GraphPattern {
    match graph {
        Some(name) => GraphPattern::Graph { name: name.clone(), inner: Box::new(inner) },
        None => inner,
    }
}

fn none_of(predicate: &Variable, refused: &[NamedNode]) -> Expression {
    let differs = |node: &NamedNode| {
        not(Expression::SameTerm(Box::new(value(predicate)), Box::new(node.clone().into())))
    };
    refused.iter().map(differs).reduce(and).unwrap_or_else(|| Expression::Bound(predicate.clone()))
}

pub(super) fn value(variable: &Variable) -> Expression {
    Expression::Variable(variable.clone())
}

pub(super) fn not(inner: Expression) -> Expression {
    Expression::Not(Box::new(inner))
}

pub(super) fn and(left: Expression, right: Expression) -> Expression {
    Expression::And(Box::new(left), Box::new(right))
}

fn or(left: Expression, right: Expression) -> Expression {
    Expression::Or(Box::new(left), Box::new(right))
}

/// Sort keys that tell any two different values apart.
///
/// Comparing values directly comes last: among literals of several datatypes it is no
/// order at all.
fn total_keys(value: &Expression) -> [OrderExpression; 4] {
    let call = |function, inner| Expression::FunctionCall(function, vec![inner]);
    [
        OrderExpression::Asc(call(Function::Str, value.clone())),
        OrderExpression::Asc(call(Function::Str, call(Function::Datatype, value.clone()))),
        OrderExpression::Asc(call(Function::Lang, value.clone())),
        OrderExpression::Asc(value.clone()),
    ]
}

/// Orders the solutions under a projection by all that it shows, after the author's keys.
pub(super) fn totally_ordered(pattern: GraphPattern) -> GraphPattern {
    use GraphPattern as P;
    match pattern {
        P::Distinct { inner } => P::Distinct { inner: Box::new(totally_ordered(*inner)) },
        P::Project { inner, variables } => {
            let keys = variables.iter().flat_map(|name| total_keys(&value(name))).collect();
            P::Project { inner: Box::new(ordered_after(*inner, keys)), variables }
        }
        other => other,
    }
}

fn ordered_after(pattern: GraphPattern, keys: Vec<OrderExpression>) -> GraphPattern {
    match pattern {
        GraphPattern::OrderBy { inner, mut expression } => {
            expression.extend(keys);
            GraphPattern::OrderBy { inner, expression }
        }
        other => GraphPattern::OrderBy { inner: Box::new(other), expression: keys },
    }
}

/// Orders what aggregates get to see, where they care.
fn ordered_for(
    pattern: GraphPattern,
    aggregates: &[(Variable, AggregateExpression)],
) -> GraphPattern {
    let mut keys = Vec::new();
    for (_, aggregate) in aggregates {
        match aggregate {
            AggregateExpression::CountSolutions { .. }
            | AggregateExpression::FunctionCall { name: AggregateFunction::Count, .. } => {}
            AggregateExpression::FunctionCall { expr, .. } => keys.extend(total_keys(expr)),
        }
    }
    let pattern = if aggregates.iter().any(|(_, own)| counts_distinct_solutions(own)) {
        named_only(pattern)
    } else {
        pattern
    };
    if keys.is_empty() {
        return pattern;
    }
    match pattern {
        // Authors order a sub-select to say how GROUP_CONCAT shall go on.
        ordered if is_ordered(&ordered) => totally_ordered(ordered),
        other => GraphPattern::OrderBy { inner: Box::new(other), expression: keys },
    }
}

fn is_ordered(pattern: &GraphPattern) -> bool {
    match pattern {
        GraphPattern::Project { inner, .. } | GraphPattern::Distinct { inner } => is_ordered(inner),
        GraphPattern::OrderBy { .. } => true,
        _ => false,
    }
}

fn counts_distinct_solutions(aggregate: &AggregateExpression) -> bool {
    matches!(aggregate, AggregateExpression::CountSolutions { distinct: true })
}

/// Blank nodes of the query are no part of its solutions, though they are variables here.
fn named_only(pattern: GraphPattern) -> GraphPattern {
    let variables = possible(&pattern)
        .into_iter()
        .filter(|variable| !variable.as_str().starts_with("_:"))
        .collect();
    GraphPattern::Project { inner: Box::new(pattern), variables }
}
