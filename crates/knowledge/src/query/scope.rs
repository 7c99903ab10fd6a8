//! Which variables a pattern binds, and whether it may be told what others bound.
//!
//! The evaluator hands each pattern a tuple of bindings to start from. That is how a
//! join reads narrowly, and it is also how it goes wrong: a FILTER of a nested group, an
//! OPTIONAL or an aggregate can notice bindings that by SPARQL's bottom-up semantics it
//! must not know. [`safe`] says for which variables nobody can notice.

use std::collections::BTreeSet;

use spargebra::algebra::{AggregateExpression, AggregateFunction, Expression, GraphPattern};
use spargebra::term::{NamedNodePattern, TermPattern, Variable};

use super::rewrite::{order_key, own_expressions, parts, walk};

pub(super) type Variables = BTreeSet<Variable>;

/// The variables that a solution of `pattern` may bind.
pub(super) fn possible(pattern: &GraphPattern) -> Variables {
    use GraphPattern as P;
    match pattern {
        P::Minus { left, .. } => possible(left),
        P::Extend { inner, variable, .. } => with(possible(inner), [variable]),
        P::Values { variables, .. } => variables.iter().cloned().collect(),
        P::Project { inner, variables } => only(possible(inner), variables),
        P::Group { variables, aggregates, .. } => {
            variables.iter().chain(aggregates.iter().map(|(name, _)| name)).cloned().collect()
        }
        P::Bgp { .. } | P::Path { .. } => leaf(pattern),
        P::Graph { name, inner } => with(possible(inner), name_variable(name)),
        _ => parts(pattern).into_iter().flat_map(possible).collect(),
    }
}

/// The variables that every solution of `pattern` binds.
pub(super) fn certain(pattern: &GraphPattern) -> Variables {
    use GraphPattern as P;
    match pattern {
        P::Bgp { .. } | P::Path { .. } => leaf(pattern),
        P::Graph { name, inner } => with(certain(inner), name_variable(name)),
        P::Join { left, right } | P::Lateral { left, right } => {
            certain(left).into_iter().chain(certain(right)).collect()
        }
        P::LeftJoin { left, .. } | P::Minus { left, .. } => certain(left),
        P::Union { left, right } => certain(left).intersection(&certain(right)).cloned().collect(),
        P::Extend { inner, variable, expression } => {
            let inner = certain(inner);
            let bound = match expression {
                Expression::NamedNode(_) | Expression::Literal(_) => true,
                Expression::Variable(source) => inner.contains(source),
                _ => false,
            };
            if bound { with(inner, [variable]) } else { inner }
        }
        P::Values { variables, bindings } => variables
            .iter()
            .enumerate()
            .filter(|(column, _)| bindings.iter().all(|row| row[*column].is_some()))
            .map(|(_, variable)| variable.clone())
            .collect(),
        P::Project { inner, variables } => only(certain(inner), variables),
        P::Group { inner, variables, aggregates } => {
            with(only(certain(inner), variables), aggregates.iter().filter_map(counted))
        }
        P::Filter { inner, .. }
        | P::OrderBy { inner, .. }
        | P::Distinct { inner }
        | P::Reduced { inner }
        | P::Slice { inner, .. } => certain(inner),
        P::Service { .. } => Variables::new(),
    }
}

fn counted((variable, aggregate): &(Variable, AggregateExpression)) -> Option<&Variable> {
    match aggregate {
        AggregateExpression::CountSolutions { .. }
        | AggregateExpression::FunctionCall { name: AggregateFunction::Count, .. } => {
            Some(variable)
        }
        AggregateExpression::FunctionCall { .. } => None,
    }
}

/// The variables by which `pattern` could notice a binding from outside.
pub(super) fn mentioned(pattern: &GraphPattern) -> Variables {
    let mut found = possible(pattern);
    if let GraphPattern::Project { inner, variables } = pattern {
        found.extend(only(mentioned(inner), variables));
        found.extend(variables.iter().cloned());
        return found;
    }
    found.extend(own_expressions(pattern).into_iter().flat_map(used_by));
    found.extend(parts(pattern).into_iter().flat_map(mentioned));
    found
}

/// The variables that an expression looks at, in bodies of EXISTS too.
pub(super) fn used_by(expression: &Expression) -> Variables {
    let mut found = Variables::new();
    walk(expression, &mut |inner| match inner {
        Expression::Variable(variable) | Expression::Bound(variable) => {
            found.insert(variable.clone());
        }
        Expression::Exists(body) => found.extend(mentioned(body)),
        _ => {}
    });
    found
}

/// Whether evaluating `pattern` with some of the variables `outside` bound gives just
/// the solutions, as often, that evaluating it alone and joining afterwards gives.
pub(super) fn safe(pattern: &GraphPattern, outside: &Variables) -> bool {
    use GraphPattern as P;
    if outside.is_disjoint(&mentioned(pattern)) {
        return true;
    }
    // What an expression may look at must be bound inside, and then it is the same.
    let sees_only = |used: &Variables, bound: &Variables| {
        used.iter().all(|variable| !outside.contains(variable) || bound.contains(variable))
    };
    match pattern {
        P::Bgp { .. } | P::Path { .. } | P::Graph { .. } | P::Values { .. } => true,
        P::Join { left, right } | P::Lateral { left, right } | P::Union { left, right } => {
            safe(left, outside) && safe(right, outside)
        }
        P::LeftJoin { left, right, expression } => {
            let bound = certain(left);
            // A variable that only the optional part binds decides whether it matches.
            safe(left, outside)
                && safe(right, outside)
                && sees_only(&possible(right), &bound)
                && expression.as_ref().is_none_or(|condition| {
                    let both = bound.into_iter().chain(certain(right)).collect();
                    sees_only(&used_by(condition), &both)
                })
        }
        P::Filter { inner, expr } => {
            safe(inner, outside) && sees_only(&used_by(expr), &certain(inner))
        }
        P::Extend { inner, variable, expression } => {
            !outside.contains(variable)
                && safe(inner, outside)
                && sees_only(&used_by(expression), &certain(inner))
        }
        P::OrderBy { inner, expression } => {
            let used = expression.iter().flat_map(|key| used_by(order_key(key))).collect();
            safe(inner, outside) && sees_only(&used, &certain(inner))
        }
        P::Project { inner, variables } => safe(inner, &only(outside.clone(), variables)),
        P::Distinct { inner } => {
            // Two solutions that differ where one binds nothing would become one.
            safe(inner, outside) && sees_only(&possible(inner), &certain(inner))
        }
        P::Group { inner, variables, .. } => {
            // Only whole groups may be left out.
            let keys = only(certain(inner), variables);
            safe(inner, outside) && sees_only(&mentioned(inner), &keys)
        }
        P::Minus { .. } | P::Reduced { .. } | P::Slice { .. } | P::Service { .. } => false,
    }
}

/// Whether the solutions of `pattern` still hold the bindings that it started from.
pub(super) fn keeps_bindings(pattern: &GraphPattern) -> bool {
    use GraphPattern as P;
    match pattern {
        P::Group { .. } => false,
        P::Filter { inner, .. }
        | P::Extend { inner, .. }
        | P::OrderBy { inner, .. }
        | P::Distinct { inner }
        | P::Slice { inner, .. } => keeps_bindings(inner),
        _ => true,
    }
}

pub(super) fn term_variable(term: &TermPattern) -> Option<&Variable> {
    match term {
        TermPattern::Variable(variable) => Some(variable),
        _ => None,
    }
}

pub(super) fn name_variable(name: &NamedNodePattern) -> Option<&Variable> {
    match name {
        NamedNodePattern::Variable(variable) => Some(variable),
        NamedNodePattern::NamedNode(_) => None,
    }
}

fn leaf(pattern: &GraphPattern) -> Variables {
    let mut found = Variables::new();
    match pattern {
        GraphPattern::Bgp { patterns } => {
            for triple in patterns {
                found.extend(term_variable(&triple.subject).cloned());
                found.extend(name_variable(&triple.predicate).cloned());
                found.extend(term_variable(&triple.object).cloned());
            }
        }
        GraphPattern::Path { subject, object, .. } => {
            found.extend([subject, object].into_iter().filter_map(term_variable).cloned());
        }
        _ => {}
    }
    found
}

fn with<'a>(mut variables: Variables, more: impl IntoIterator<Item = &'a Variable>) -> Variables {
    variables.extend(more.into_iter().cloned());
    variables
}

pub(super) fn only(mut variables: Variables, visible: &[Variable]) -> Variables {
    variables.retain(|variable| visible.contains(variable));
    variables
}
