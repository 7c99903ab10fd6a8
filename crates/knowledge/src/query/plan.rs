//! The order in which a query's patterns are evaluated, decided once.
//!
//! A plan is SPARQL algebra again, but joins are LATERAL: each pattern is evaluated for
//! each solution of those before it, with their bindings in place. So a read asks for
//! the triples of one node instead of a whole predicate, and a computation depends on
//! what it used. The law: for any bindings to start from, a plan gives the solutions of
//! its pattern, each as often. Where [`safe`] can't show that, the plan joins the plain
//! way.

use spargebra::algebra::{Expression, GraphPattern, OrderExpression};
use spargebra::term::{NamedNodePattern, TermPattern, Variable};

use super::rewrite::{self, Rewrite, walk};
use super::scope::{
    Variables, certain, keeps_bindings, mentioned, name_variable, only, possible, safe,
    term_variable, used_by,
};

/// Plans `pattern`, with the variables in `known` bound before it starts.
pub(super) fn plan(pattern: &GraphPattern, known: &Variables) -> GraphPattern {
    use GraphPattern as P;
    match pattern {
        P::Bgp { .. } | P::Graph { .. } | P::Path { .. } | P::Join { .. } | P::Filter { .. } => {
            group(pattern, known)
        }
        P::LeftJoin { left, right, expression } => {
            optional(left, right, expression.as_ref(), known)
        }
        P::Union { left, right } => {
            P::Union { left: boxed(left, known), right: boxed(right, known) }
        }
        P::Extend { inner, variable, expression } => P::Extend {
            expression: planned(expression, &known_after(inner, known)),
            inner: boxed(inner, known),
            variable: variable.clone(),
        },
        P::OrderBy { inner, expression } => {
            let bodies = known_after(inner, known);
            let keys = expression.iter().map(|key| planned_order(key, &bodies)).collect();
            P::OrderBy { inner: boxed(inner, known), expression: keys }
        }
        P::Project { inner, variables } => P::Project {
            inner: boxed(inner, &only(known.clone(), variables)),
            variables: variables.clone(),
        },
        P::Distinct { inner } => P::Distinct { inner: boxed(inner, known) },
        P::Slice { inner, start, length } => {
            P::Slice { inner: boxed(inner, known), start: *start, length: *length }
        }
        P::Group { inner, variables, aggregates } => {
            let bodies = known_after(inner, known);
            let aggregates = aggregates
                .iter()
                .map(|(name, own)| (name.clone(), rewrite::aggregate(own, &mut Bodies(&bodies))))
                .collect();
            P::Group { inner: boxed(inner, known), variables: variables.clone(), aggregates }
        }
        other => other.clone(),
    }
}

fn boxed(pattern: &GraphPattern, known: &Variables) -> Box<GraphPattern> {
    Box::new(plan(pattern, known))
}

fn planned(expression: &Expression, known: &Variables) -> Expression {
    rewrite::expression(expression, &mut Bodies(known))
}

fn planned_order(key: &OrderExpression, known: &Variables) -> OrderExpression {
    rewrite::order(key, &mut Bodies(known))
}

/// Plans the bodies of EXISTS for the bindings that they are evaluated with.
struct Bodies<'a>(&'a Variables);

impl Rewrite for Bodies<'_> {
    fn body(&mut self, pattern: &GraphPattern) -> GraphPattern {
        plan(pattern, self.0)
    }
}

/// What is bound where an expression over the solutions of `pattern` is evaluated.
fn known_after(pattern: &GraphPattern, known: &Variables) -> Variables {
    let mut bound = certain(pattern);
    if keeps_bindings(pattern) {
        bound.extend(known.iter().cloned());
    }
    bound
}

/// A group graph pattern: things joined, and filters over all of them.
fn group(pattern: &GraphPattern, known: &Variables) -> GraphPattern {
    let mut conjunction = Conjunction::default();
    conjunction.add_group(pattern);
    let Conjunction { mut items, mut filters } = conjunction;
    if let [GraphPattern::LeftJoin { left, right, expression }] = items.as_slice() {
        // Filters of what stands before the OPTIONAL spare evaluating it.
        let (bound, all) = (certain(left), mentioned(&items[0]));
        let (early, late): (Vec<_>, Vec<_>) =
            filters.into_iter().partition(|filter| is_decided(filter, &all, &bound, known));
        let inner = early.into_iter().fold(left.as_ref().clone(), filtered);
        filters = late;
        items = vec![GraphPattern::LeftJoin {
            left: Box::new(inner),
            right: right.clone(),
            expression: expression.clone(),
        }];
    }
    Chain::new(&items, filters, known).link(items)
}

fn filtered(inner: GraphPattern, expr: Expression) -> GraphPattern {
    GraphPattern::Filter { expr, inner: Box::new(inner) }
}

/// Whether nothing that is joined later can change what `filter` says.
fn is_decided(filter: &Expression, all: &Variables, bound: &Variables, known: &Variables) -> bool {
    used_by(filter).iter().all(|variable| {
        !all.contains(variable) || bound.contains(variable) || known.contains(variable)
    })
}

fn optional(
    left: &GraphPattern,
    right: &GraphPattern,
    condition: Option<&Expression>,
    known: &Variables,
) -> GraphPattern {
    let after_left = known_after(left, known);
    let mut after_both = after_left.clone();
    after_both.extend(certain(right));
    let expression = condition.map(|own| planned(own, &after_both));
    let planned_left = boxed(left, known);
    let from_left = possible(left).difference(known).cloned().collect();
    if safe(right, &from_left) && keeps_bindings(right) && keeps_bindings(left) {
        // The evaluator takes this shape for a loop over the left side.
        let nothing = Box::new(GraphPattern::Bgp { patterns: Vec::new() });
        let right = boxed(right, &after_left);
        let right = Box::new(GraphPattern::LeftJoin { left: nothing, right, expression });
        return GraphPattern::Lateral { left: planned_left, right };
    }
    GraphPattern::LeftJoin { left: planned_left, right: boxed(right, known), expression }
}

/// What a group joins, and by which filters.
#[derive(Default)]
pub(super) struct Conjunction {
    pub(super) items: Vec<GraphPattern>,
    pub(super) filters: Vec<Expression>,
}

impl Conjunction {
    /// Takes in a whole group, whose filters see all of it.
    pub(super) fn add_group(&mut self, pattern: &GraphPattern) {
        match pattern {
            GraphPattern::Filter { expr, inner } => {
                self.filter(expr);
                self.add_group(inner);
            }
            other => self.add(other),
        }
    }

    fn add(&mut self, pattern: &GraphPattern) {
        use GraphPattern as P;
        match pattern {
            P::Join { left, right } => {
                self.add(left);
                self.add(right);
            }
            P::Bgp { patterns } => {
                for triple in patterns {
                    self.items.push(P::Bgp { patterns: vec![triple.clone()] });
                }
            }
            P::Graph { name, inner } => self.add_graph(name, inner),
            P::Filter { expr, inner }
                if !has_body(expr) && used_by(expr).is_subset(&certain(inner)) =>
            {
                self.filter(expr);
                self.add(inner);
            }
            other => self.items.push(other.clone()),
        }
    }

    fn add_graph(&mut self, name: &NamedNodePattern, inner: &GraphPattern) {
        let within = |inner| GraphPattern::Graph { name: name.clone(), inner: Box::new(inner) };
        match inner {
            GraphPattern::Bgp { patterns } if !patterns.is_empty() => {
                for triple in patterns {
                    self.items.push(within(GraphPattern::Bgp { patterns: vec![triple.clone()] }));
                }
            }
            other => self.items.push(within(other.clone())),
        }
    }

    fn filter(&mut self, expression: &Expression) {
        match expression {
            Expression::And(left, right) => {
                self.filter(left);
                self.filter(right);
            }
            other => self.filters.push(other.clone()),
        }
    }
}

fn has_body(expression: &Expression) -> bool {
    let mut found = false;
    walk(expression, &mut |inner| found |= matches!(inner, Expression::Exists(_)));
    found
}

/// Items put one after another.
struct Chain<'a> {
    known: &'a Variables,
    /// Every variable that some item mentions.
    all: Variables,
    linked: Option<GraphPattern>,
    possible: Variables,
    certain: Variables,
    filters: Vec<Expression>,
}

impl<'a> Chain<'a> {
    fn new(items: &[GraphPattern], filters: Vec<Expression>, known: &'a Variables) -> Self {
        let all = items.iter().flat_map(possible).collect();
        let (possible, certain) = (Variables::new(), Variables::new());
        Self { known, all, linked: None, possible, certain, filters }
    }

    fn link(mut self, mut rest: Vec<GraphPattern>) -> GraphPattern {
        let alone = rest.len() == 1;
        self.apply_filters();
        while !rest.is_empty() {
            let next = self.choose(&rest);
            let item = rest.remove(next);
            let item = if alone { item } else { self.closed(item) };
            self.append(&item);
            self.apply_filters();
        }
        let mut linked = self.take_linked();
        let known = known_after(&linked, self.known);
        for filter in std::mem::take(&mut self.filters) {
            linked = filtered(linked, planned(&filter, &known));
        }
        linked
    }

    fn take_linked(&mut self) -> GraphPattern {
        self.linked.take().unwrap_or(GraphPattern::Bgp { patterns: Vec::new() })
    }

    /// Makes sure that the item's solutions hold what the chain had bound before.
    fn closed(&self, item: GraphPattern) -> GraphPattern {
        if keeps_bindings(&item) {
            return item;
        }
        let mut variables = possible(&item);
        variables.extend(mentioned(&item).intersection(self.known).cloned());
        let variables: Vec<Variable> = variables.into_iter().collect();
        GraphPattern::Project { inner: Box::new(item), variables }
    }

    /// The cheapest item that may come now without making another one unable to.
    fn choose(&self, rest: &[GraphPattern]) -> usize {
        let fits = |item: &GraphPattern| safe(item, &self.unknown(&self.possible));
        let mut bound = self.certain.clone();
        bound.extend(self.known.iter().cloned());
        (0..rest.len())
            .filter(|&index| fits(&rest[index]) && self.harms_none(index, rest))
            .min_by_key(|&index| (cost(&rest[index], &bound), index))
            .unwrap_or(0)
    }

    fn harms_none(&self, chosen: usize, rest: &[GraphPattern]) -> bool {
        let mut after = self.possible.clone();
        after.extend(possible(&rest[chosen]));
        let (before, after) = (self.unknown(&self.possible), self.unknown(&after));
        rest.iter()
            .enumerate()
            .filter(|(index, _)| *index != chosen)
            .all(|(_, item)| !safe(item, &before) || safe(item, &after))
    }

    fn unknown(&self, variables: &Variables) -> Variables {
        variables.difference(self.known).cloned().collect()
    }

    fn append(&mut self, item: &GraphPattern) {
        let lateral = safe(item, &self.unknown(&self.possible));
        let mut known = self.known.clone();
        if lateral {
            known.extend(self.certain.iter().cloned());
        }
        let right = boxed_item(item, &known);
        self.linked = Some(match self.linked.take() {
            None => *right,
            Some(left) if lateral => GraphPattern::Lateral { left: Box::new(left), right },
            Some(left) => GraphPattern::Join { left: Box::new(left), right },
        });
        self.possible.extend(possible(item));
        self.certain.extend(certain(item));
    }

    /// Filters come as soon as they can, those with bodies after all joins.
    fn apply_filters(&mut self) {
        let (early, late): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.filters).into_iter().partition(|filter| {
                !has_body(filter) && is_decided(filter, &self.all, &self.certain, self.known)
            });
        self.filters = late;
        for filter in early {
            let linked = self.take_linked();
            self.linked = Some(filtered(linked, filter));
        }
    }
}

/// Single patterns stay as they are; anything else is planned in turn.
fn boxed_item(item: &GraphPattern, known: &Variables) -> Box<GraphPattern> {
    match item {
        GraphPattern::Bgp { .. } | GraphPattern::Path { .. } | GraphPattern::Graph { .. } => {
            Box::new(item.clone())
        }
        other => boxed(other, known),
    }
}

/// A guess of how much evaluating `item` reads once `bound` is bound.
fn cost(item: &GraphPattern, bound: &Variables) -> u32 {
    use GraphPattern as P;
    match item {
        P::Bgp { patterns } => match patterns.first() {
            Some(triple) => {
                let typed = matches!(&triple.predicate, NamedNodePattern::NamedNode(node)
                    if node.as_str() == "http://www.w3.org/1999/02/22-rdf-syntax-ns#type");
                let predicate = name_is_bound(&triple.predicate, bound);
                let ends = (is_bound(&triple.subject, bound), is_bound(&triple.object, bound));
                read_cost(ends, predicate, typed)
            }
            None => 0,
        },
        P::Path { subject, path, object } => {
            let ends = (is_bound(subject, bound), is_bound(object, bound));
            let open = ends == (false, false) && rewrite::may_be_empty(path);
            read_cost(ends, true, false) + if open { 30 } else { 1 }
        }
        P::Graph { name, inner } => {
            let named = name_is_bound(name, bound);
            let empty = matches!(inner.as_ref(), P::Bgp { patterns } if patterns.is_empty());
            cost(inner, bound) + u32::from(!named) + if empty && !named { 50 } else { 0 }
        }
        P::Values { bindings, .. } => u32::from(bindings.len() > 1),
        P::Union { left, right } => cost(left, bound).max(cost(right, bound)) + 1,
        P::LeftJoin { left, .. } => cost(left, bound) + 1,
        P::Project { inner, variables } => cost(inner, &only(bound.clone(), variables)) + 2,
        _ => rewrite::parts(item).into_iter().map(|part| cost(part, bound)).min().unwrap_or(9) + 1,
    }
}

fn read_cost((subject, object): (bool, bool), predicate: bool, typed: bool) -> u32 {
    match (subject, object, predicate) {
        (true, true, _) => 0,
        (true, false, true) => 2,
        (true, false, false) => 3,
        (false, true, true) if typed => 6,
        (false, true, true) => 4,
        (false, true, false) => 5,
        (false, false, true) => 20,
        (false, false, false) => 40,
    }
}

fn is_bound(term: &TermPattern, bound: &Variables) -> bool {
    term_variable(term).is_none_or(|variable| bound.contains(variable))
}

fn name_is_bound(name: &NamedNodePattern, bound: &Variables) -> bool {
    name_variable(name).is_none_or(|variable| bound.contains(variable))
}
