//! Walking over SPARQL expressions and patterns, and making changed copies of them.

use spargebra::algebra::{
    AggregateExpression, Expression, GraphPattern, OrderExpression, PropertyPathExpression,
};
use spargebra::term::{Literal, NamedNodePattern, TermPattern, TriplePattern, Variable};

/// What is replaced while a copy is made; by default nothing is.
pub(super) trait Rewrite {
    /// The variable to put in place of `variable`.
    fn variable(&mut self, variable: &Variable) -> Variable {
        variable.clone()
    }

    /// The pattern to put in place of the body of an EXISTS.
    fn body(&mut self, pattern: &GraphPattern) -> GraphPattern;
}

pub(super) fn expression(expression: &Expression, to: &mut impl Rewrite) -> Expression {
    use Expression as E;
    let mut one = |inner: &Expression| Box::new(self::expression(inner, to));
    match expression {
        E::NamedNode(node) => E::NamedNode(node.clone()),
        E::Literal(literal) => E::Literal(lower_case_tag(literal)),
        E::Variable(variable) => E::Variable(to.variable(variable)),
        E::Bound(variable) => E::Bound(to.variable(variable)),
        E::Exists(body) => E::Exists(Box::new(to.body(body))),
        E::Or(a, b) => E::Or(one(a), one(b)),
        E::And(a, b) => E::And(one(a), one(b)),
        E::Equal(a, b) => E::Equal(one(a), one(b)),
        E::SameTerm(a, b) => E::SameTerm(one(a), one(b)),
        E::Greater(a, b) => E::Greater(one(a), one(b)),
        E::GreaterOrEqual(a, b) => E::GreaterOrEqual(one(a), one(b)),
        E::Less(a, b) => E::Less(one(a), one(b)),
        E::LessOrEqual(a, b) => E::LessOrEqual(one(a), one(b)),
        E::Add(a, b) => E::Add(one(a), one(b)),
        E::Subtract(a, b) => E::Subtract(one(a), one(b)),
        E::Multiply(a, b) => E::Multiply(one(a), one(b)),
        E::Divide(a, b) => E::Divide(one(a), one(b)),
        E::UnaryPlus(a) => E::UnaryPlus(one(a)),
        E::UnaryMinus(a) => E::UnaryMinus(one(a)),
        E::Not(a) => E::Not(one(a)),
        E::If(a, b, c) => E::If(one(a), one(b), one(c)),
        E::In(a, list) => E::In(one(a), expressions(list, to)),
        E::Coalesce(list) => E::Coalesce(expressions(list, to)),
        E::FunctionCall(function, list) => E::FunctionCall(function.clone(), expressions(list, to)),
    }
}

fn expressions(list: &[Expression], to: &mut impl Rewrite) -> Vec<Expression> {
    list.iter().map(|inner| expression(inner, to)).collect()
}

/// Language tags are compared without case; the model holds them in lower case.
fn lower_case_tag(literal: &Literal) -> Literal {
    match literal.language() {
        Some(tag) => Literal::new_language_tagged_literal_unchecked(
            literal.value(),
            tag.to_ascii_lowercase(),
        ),
        None => literal.clone(),
    }
}

pub(super) fn order(order: &OrderExpression, to: &mut impl Rewrite) -> OrderExpression {
    match order {
        OrderExpression::Asc(key) => OrderExpression::Asc(expression(key, to)),
        OrderExpression::Desc(key) => OrderExpression::Desc(expression(key, to)),
    }
}

pub(super) fn aggregate(
    aggregate: &AggregateExpression,
    to: &mut impl Rewrite,
) -> AggregateExpression {
    match aggregate {
        AggregateExpression::CountSolutions { distinct } => {
            AggregateExpression::CountSolutions { distinct: *distinct }
        }
        AggregateExpression::FunctionCall { name, expr, distinct } => {
            AggregateExpression::FunctionCall {
                name: name.clone(),
                expr: expression(expr, to),
                distinct: *distinct,
            }
        }
    }
}

/// Calls `visit` with every expression in `expression`, itself first; bodies of EXISTS
/// are not entered.
pub(super) fn walk<'a>(expression: &'a Expression, visit: &mut impl FnMut(&'a Expression)) {
    use Expression as E;
    visit(expression);
    match expression {
        E::NamedNode(_) | E::Literal(_) | E::Variable(_) | E::Bound(_) | E::Exists(_) => {}
        E::UnaryPlus(a) | E::UnaryMinus(a) | E::Not(a) => walk(a, visit),
        E::Or(a, b)
        | E::And(a, b)
        | E::Equal(a, b)
        | E::SameTerm(a, b)
        | E::Greater(a, b)
        | E::GreaterOrEqual(a, b)
        | E::Less(a, b)
        | E::LessOrEqual(a, b)
        | E::Add(a, b)
        | E::Subtract(a, b)
        | E::Multiply(a, b)
        | E::Divide(a, b) => {
            walk(a, visit);
            walk(b, visit);
        }
        E::If(a, b, c) => {
            walk(a, visit);
            walk(b, visit);
            walk(c, visit);
        }
        E::In(a, list) => {
            walk(a, visit);
            for inner in list {
                walk(inner, visit);
            }
        }
        E::Coalesce(list) | E::FunctionCall(_, list) => {
            for inner in list {
                walk(inner, visit);
            }
        }
    }
}

/// The patterns directly inside `pattern`.
pub(super) fn parts(pattern: &GraphPattern) -> Vec<&GraphPattern> {
    use GraphPattern as P;
    match pattern {
        P::Bgp { .. } | P::Path { .. } | P::Values { .. } => Vec::new(),
        P::Join { left, right }
        | P::LeftJoin { left, right, .. }
        | P::Lateral { left, right }
        | P::Union { left, right }
        | P::Minus { left, right } => vec![left, right],
        P::Filter { inner, .. }
        | P::Graph { inner, .. }
        | P::Extend { inner, .. }
        | P::OrderBy { inner, .. }
        | P::Project { inner, .. }
        | P::Distinct { inner }
        | P::Reduced { inner }
        | P::Slice { inner, .. }
        | P::Group { inner, .. }
        | P::Service { inner, .. } => vec![inner],
    }
}

/// The expressions directly in `pattern`, not those of its parts.
pub(super) fn own_expressions(pattern: &GraphPattern) -> Vec<&Expression> {
    use GraphPattern as P;
    match pattern {
        P::Filter { expr, .. } | P::LeftJoin { expression: Some(expr), .. } => vec![expr],
        P::Extend { expression, .. } => vec![expression],
        P::OrderBy { expression, .. } => expression.iter().map(order_key).collect(),
        P::Group { aggregates, .. } => aggregates
            .iter()
            .filter_map(|(_, aggregate)| match aggregate {
                AggregateExpression::FunctionCall { expr, .. } => Some(expr),
                AggregateExpression::CountSolutions { .. } => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

pub(super) fn order_key(order: &OrderExpression) -> &Expression {
    match order {
        OrderExpression::Asc(key) | OrderExpression::Desc(key) => key,
    }
}

/// Calls `visit` with every pattern in `pattern`, itself first, bodies of EXISTS too.
pub(super) fn walk_patterns<'a>(
    pattern: &'a GraphPattern,
    visit: &mut dyn FnMut(&'a GraphPattern),
) {
    visit(pattern);
    for own in own_expressions(pattern) {
        walk(own, &mut |expression| {
            if let Expression::Exists(body) = expression {
                walk_patterns(body, visit);
            }
        });
    }
    for part in parts(pattern) {
        walk_patterns(part, visit);
    }
}

/// Makes copies of patterns with the variables that are visible from outside renamed.
pub(super) struct Rename<'a>(pub(super) &'a mut dyn FnMut(&Variable) -> Variable);

impl Rewrite for Rename<'_> {
    fn variable(&mut self, variable: &Variable) -> Variable {
        (self.0)(variable)
    }

    fn body(&mut self, pattern: &GraphPattern) -> GraphPattern {
        self.pattern(pattern)
    }
}

impl Rename<'_> {
    pub(super) fn pattern(&mut self, pattern: &GraphPattern) -> GraphPattern {
        use GraphPattern as P;
        match pattern {
            P::Bgp { patterns } => {
                P::Bgp { patterns: patterns.iter().map(|triple| self.triple(triple)).collect() }
            }
            P::Path { subject, path, object } => P::Path {
                subject: self.term(subject),
                path: path.clone(),
                object: self.term(object),
            },
            P::Graph { name, inner } => {
                P::Graph { name: self.name(name), inner: self.boxed(inner) }
            }
            P::Join { left, right } => P::Join { left: self.boxed(left), right: self.boxed(right) },
            P::Lateral { left, right } => {
                P::Lateral { left: self.boxed(left), right: self.boxed(right) }
            }
            P::Union { left, right } => {
                P::Union { left: self.boxed(left), right: self.boxed(right) }
            }
            P::Minus { left, right } => {
                P::Minus { left: self.boxed(left), right: self.boxed(right) }
            }
            P::LeftJoin { left, right, expression: condition } => P::LeftJoin {
                left: self.boxed(left),
                right: self.boxed(right),
                expression: condition.as_ref().map(|own| expression(own, self)),
            },
            P::Filter { expr, inner } => {
                P::Filter { expr: expression(expr, self), inner: self.boxed(inner) }
            }
            P::Values { variables, bindings } => P::Values {
                variables: variables.iter().map(|variable| self.variable(variable)).collect(),
                bindings: bindings.clone(),
            },
            _ => self.modifier(pattern),
        }
    }

    fn modifier(&mut self, pattern: &GraphPattern) -> GraphPattern {
        use GraphPattern as P;
        match pattern {
            P::Extend { inner, variable, expression: value } => P::Extend {
                inner: self.boxed(inner),
                variable: self.variable(variable),
                expression: expression(value, self),
            },
            P::OrderBy { inner, expression: keys } => P::OrderBy {
                inner: self.boxed(inner),
                expression: keys.iter().map(|key| order(key, self)).collect(),
            },
            P::Project { inner, variables } => self.project(inner, variables),
            P::Distinct { inner } | P::Reduced { inner } => {
                P::Distinct { inner: self.boxed(inner) }
            }
            P::Slice { inner, start, length } => {
                P::Slice { inner: self.boxed(inner), start: *start, length: *length }
            }
            P::Group { inner, variables, aggregates } => P::Group {
                inner: self.boxed(inner),
                variables: variables.iter().map(|variable| self.variable(variable)).collect(),
                aggregates: aggregates
                    .iter()
                    .map(|(variable, own)| (self.variable(variable), aggregate(own, self)))
                    .collect(),
            },
            other => other.clone(),
        }
    }

    /// Variables that a sub-select keeps to itself have nothing to do with those outside.
    fn project(&mut self, inner: &GraphPattern, variables: &[Variable]) -> GraphPattern {
        let rename = &mut *self.0;
        let mut visible = |variable: &Variable| {
            if variables.contains(variable) { rename(variable) } else { variable.clone() }
        };
        let inner = Rename(&mut visible).pattern(inner);
        GraphPattern::Project {
            inner: Box::new(inner),
            variables: variables.iter().map(|variable| self.variable(variable)).collect(),
        }
    }

    fn boxed(&mut self, pattern: &GraphPattern) -> Box<GraphPattern> {
        Box::new(self.pattern(pattern))
    }

    fn triple(&mut self, triple: &TriplePattern) -> TriplePattern {
        TriplePattern {
            subject: self.term(&triple.subject),
            predicate: self.name(&triple.predicate),
            object: self.term(&triple.object),
        }
    }

    fn term(&mut self, term: &TermPattern) -> TermPattern {
        match term {
            TermPattern::Variable(variable) => self.variable(variable).into(),
            other => other.clone(),
        }
    }

    fn name(&mut self, name: &NamedNodePattern) -> NamedNodePattern {
        match name {
            NamedNodePattern::Variable(variable) => self.variable(variable).into(),
            NamedNodePattern::NamedNode(node) => node.clone().into(),
        }
    }
}

/// Whether a path can lead from a node to itself in no step.
pub(super) fn may_be_empty(path: &PropertyPathExpression) -> bool {
    use PropertyPathExpression as P;
    match path {
        P::NamedNode(_) | P::NegatedPropertySet(_) => false,
        P::Reverse(inner) | P::OneOrMore(inner) => may_be_empty(inner),
        P::Sequence(a, b) => may_be_empty(a) && may_be_empty(b),
        P::Alternative(a, b) => may_be_empty(a) || may_be_empty(b),
        P::ZeroOrMore(_) | P::ZeroOrOne(_) => true,
    }
}
