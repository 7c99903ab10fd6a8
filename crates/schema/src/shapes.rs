//! What shapes of SHACL say of a property in one class.
//!
//! Complex paths, negations and what holds for single nodes say nothing of a class.

use std::sync::Arc;

use evergen_delta::{EncodedQuad, TermId, TermRef};
use rustc_hash::FxHashSet;

use crate::classify::Standing;
use crate::constraints::{Constraint, Constraints};
use crate::graph::{Star, in_star, statement};
use crate::problem::{Slip, SlipKind};
use crate::targets::{Context, Target, add_all};
use crate::vocabulary::{XSD, is_built_in, v};
use crate::{EnumerationRef, Facets, Schema};

/// Shapes of one value are inside each other at most so deep; what is deeper says nothing.
const DEPTH: usize = 24;

impl Schema<'_> {
    /// Notes what shapes say of the instances of a class.
    pub(crate) fn read_shapes(&self, class: TermId, found: &mut Constraints) {
        let mut open = self.subjects(v().sh_target_class, class).into_vec();
        // A class may be its own shape.
        if !self.objects(class, v().sh_property).is_empty() || self.node(class).is_shape {
            open.push(class);
        }
        let mut seen = FxHashSet::default();
        while let Some(shape) = open.pop() {
            if seen.insert(shape) {
                self.read_shape(shape, class, found, &mut open);
            }
        }
        // Statements come in no order; the sum must not depend on it.
        found
            .all
            .sort_by_key(|constraint| (constraint.key, constraint.targets_at, constraint.min_at));
    }

    fn read_shape(
        &self,
        shape: TermId,
        class: TermId,
        found: &mut Constraints,
        open: &mut Vec<TermId>,
    ) {
        if self.is_blank(shape) {
            self.star(shape);
        }
        if self.objects(shape, v().sh_deactivated).iter().any(|flag| self.is_true(*flag)) {
            return;
        }
        open.extend(self.objects(shape, v().sh_node));
        for head in self.objects(shape, v().sh_and) {
            let list = self.list(head);
            found.broken.extend(list.broken_at.map(|_| head));
            open.extend(list.members.iter().copied());
        }
        for property in self.objects(shape, v().sh_property) {
            let star = self.star(property);
            if in_star(&star, v().sh_deactivated).any(|flag| self.is_true(flag)) {
                continue;
            }
            for path in in_star(&star, v().sh_path) {
                let Some(key) = self.key_of(path, v().sh_inverse_path) else { continue };
                let context = Context::new(Some(class), key);
                let constraint = self.property_shape(property, &star, &context);
                found.all.push(Arc::new(constraint));
                found.broken.extend(context.broken.into_inner());
            }
        }
    }

    fn property_shape(&self, shape: TermId, star: &Star, context: &Context) -> Constraint {
        let v = v();
        let mut found = Constraint::new(context.key);
        for (predicate, object) in star.iter() {
            let (predicate, object) = (*predicate, *object);
            let at = statement(shape, predicate, object);
            if predicate == v.sh_min_count || predicate == v.sh_qualified_min {
                let count = self.bound(&mut found, at);
                found.at_least(count, at);
            } else if predicate == v.sh_max_count {
                let count = self.bound(&mut found, at);
                found.at_most(count, at);
            } else if predicate == v.sh_has_value {
                found.at_least(Some(1), at);
                found.fixed.extend(self.value(object));
            } else if predicate == v.sh_unique_lang {
                found.unique_lang |= self.is_true(object);
            } else if let Some(targets) = self.value_targets(at, context, DEPTH) {
                self.limit(&mut found, &targets, at);
                if predicate == v.sh_datatype {
                    let kind = self.no_datatype(object);
                    found.slips.extend(kind.map(|kind| Slip { kind, at }));
                }
            }
        }
        found.fixed.sort();
        found.facets = self.facets_of(star);
        found.facets_at = self.facet_statements(shape);
        found.slips.extend(found.facets_at.iter().filter_map(|at| self.useless_bound(*at)));
        let mut defaults: Vec<TermId> = in_star(star, v.sh_default_value).collect();
        self.sort(&mut defaults);
        found.default = defaults.first().and_then(|default| {
            Some((self.value(*default)?, statement(shape, v.sh_default_value, *default)))
        });
        found.order =
            in_star(star, v.sh_order).filter_map(|order| self.number(order)).reduce(f64::min);
        found.group = self.iri_in(star, v.sh_group);
        found.label = self.text_in(star, v.sh_name);
        found.comment = self.text_in(star, v.sh_description);
        found
    }

    /// What is wrong with a term that is named as a datatype.
    fn no_datatype(&self, term: TermId) -> Option<SlipKind> {
        match self.standing(term) {
            Standing::Class(_) => Some(SlipKind::ClassAsDatatype { class: self.text(term) }),
            Standing::Hidden if !is_built_in(term) => {
                let datatype = self.text(term);
                datatype.starts_with(XSD).then_some(SlipKind::UnknownDatatype { datatype })
            }
            _ => None,
        }
    }

    /// What one statement of a shape says that all values are; none if it says no such thing.
    fn value_targets(
        &self,
        at: EncodedQuad,
        context: &Context,
        depth: usize,
    ) -> Option<Vec<Target>> {
        let v = v();
        let (predicate, object) = (at.predicate, at.object);
        let depth = depth.checked_sub(1)?;
        if predicate == v.sh_class {
            // A class that is only mentioned still has instances, not literals.
            Some(self.targets(object, context))
        } else if predicate == v.sh_datatype {
            Some(self.targets(object, &context.for_literals()))
        } else if predicate == v.sh_node_kind {
            node_kind(object)
        } else if predicate == v.sh_in {
            let members = self.list_in(object, context);
            self.listed(&members, context).map(|target| vec![target])
        } else if predicate == v.sh_or || predicate == v.sh_xone {
            let mut any = Vec::new();
            for shape in self.list_in(object, context) {
                add_all(&mut any, self.shape_targets(shape, context, depth)?);
            }
            (!any.is_empty()).then(|| self.simplified(any))
        } else if predicate == v.sh_and {
            let shapes = self.list_in(object, context);
            let targets =
                shapes.iter().filter_map(|shape| self.shape_targets(*shape, context, depth));
            targets.reduce(|all, more| self.intersect(&all, &more).0)
        } else if predicate == v.sh_node {
            self.shape_targets(object, context, depth)
        } else if predicate == v.sh_property {
            self.concepts(object).map(|target| vec![target])
        } else {
            None
        }
    }

    /// What a shape says that a value is: an instance of the class it is made for, or what
    /// its own statements say.
    fn shape_targets(&self, shape: TermId, context: &Context, depth: usize) -> Option<Vec<Target>> {
        if let Some(known) = context.known_shapes.borrow().get(&shape) {
            return known.clone();
        }
        context.known_shapes.borrow_mut().insert(shape, None);
        let targets = self.find_shape_targets(shape, context, depth);
        context.known_shapes.borrow_mut().insert(shape, targets.clone());
        targets
    }

    fn find_shape_targets(
        &self,
        shape: TermId,
        context: &Context,
        depth: usize,
    ) -> Option<Vec<Target>> {
        let mut classes = self.objects(shape, v().sh_target_class).into_vec();
        self.sort(&mut classes);
        if !classes.is_empty() {
            let mut any = Vec::new();
            for class in classes {
                add_all(&mut any, self.targets(class, context));
            }
            return Some(self.simplified(any));
        }
        if self.standing(shape) != Standing::Hidden {
            return Some(self.targets(shape, context));
        }
        let star = self.star(shape);
        let said = star.iter().filter_map(|(predicate, object)| {
            self.value_targets(statement(shape, *predicate, *object), context, depth)
        });
        let targets = said.reduce(|all, more| self.intersect(&all, &more).0)?;
        let facets = self.facets_of(&star);
        Some(with_facets(targets, &facets))
    }

    /// The concepts of a scheme, where a shape says of a value that it is in the scheme.
    fn concepts(&self, shape: TermId) -> Option<Target> {
        let star = self.star(shape);
        if !in_star(&star, v().sh_path).any(|path| path == v().in_scheme) {
            return None;
        }
        let scheme = in_star(&star, v().sh_has_value).find(|scheme| self.is_iri(*scheme))?;
        let mut concepts = self.subjects(v().in_scheme, scheme).into_vec();
        self.sort(&mut concepts);
        let (iri, name) = (self.text(scheme), self.class_name(scheme));
        let members = self.members_of_list(&concepts, &iri);
        let values = EnumerationRef { iri, name, members: Some(members) };
        (!concepts.is_empty()).then(|| Target::Values(Arc::new(values)))
    }

    /// A number that a literal says.
    fn number(&self, literal: TermId) -> Option<f64> {
        match self.term(literal)? {
            TermRef::Literal { value, .. } => {
                value.trim().parse().ok().filter(|n: &f64| n.is_finite())
            }
            _ => None,
        }
    }
}

fn node_kind(kind: TermId) -> Option<Vec<Target>> {
    let v = v();
    if kind == v.sh_iri || kind == v.sh_blank || kind == v.sh_blank_or_iri {
        Some(vec![Target::Resource])
    } else if kind == v.sh_literal {
        Some(vec![Target::literal()])
    } else {
        None
    }
}

/// The targets with limits of literals added to all that are literals.
pub(crate) fn with_facets(targets: Vec<Target>, facets: &Facets) -> Vec<Target> {
    if facets.is_empty() {
        return targets;
    }
    let limited = targets.into_iter().map(|target| match target {
        Target::Data(data) => {
            let mut data = (*data).clone();
            data.facets.and(facets);
            Target::Data(Arc::new(data))
        }
        other => other,
    });
    limited.collect()
}
