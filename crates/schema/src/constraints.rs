//! What restrictions of OWL say of a property in one class; shapes are beside this.

use std::sync::Arc;

use evergen_delta::{EncodedQuad, TermId, TermRef};

use crate::graph::{Star, in_star, statement};
use crate::problem::{Slip, SlipKind};
use crate::properties::Key;
use crate::schema::about;
use crate::targets::{Context, Target, add_all};
use crate::vocabulary::v;
use crate::{Facets, Schema, Text, Value};

/// What one statement of a class says of a property's values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Constraint {
    pub(crate) key: Key,
    pub(crate) min: u32,
    pub(crate) max: Option<u32>,
    /// The most values that are one of these.
    pub(crate) qualified: Vec<(u32, Vec<Target>)>,
    /// What all values are.
    pub(crate) targets: Option<Vec<Target>>,
    /// What some values are.
    pub(crate) hints: Vec<Target>,
    pub(crate) facets: Facets,
    pub(crate) unique_lang: bool,
    pub(crate) fixed: Vec<Value>,
    /// With the statement that gives it.
    pub(crate) default: Option<(Value, EncodedQuad)>,
    pub(crate) order: Option<f64>,
    pub(crate) group: Option<Text>,
    pub(crate) label: Option<Text>,
    pub(crate) comment: Option<Text>,
    pub(crate) min_at: Option<EncodedQuad>,
    pub(crate) max_at: Option<EncodedQuad>,
    pub(crate) targets_at: Option<EncodedQuad>,
    /// The statements that limit literals from below or above.
    pub(crate) facets_at: Vec<EncodedQuad>,
    pub(crate) slips: Vec<Slip>,
}

/// What one term says of properties, and which lists were broken.
#[derive(Debug, Default)]
pub(crate) struct Constraints {
    pub(crate) all: Vec<Arc<Constraint>>,
    pub(crate) broken: Vec<TermId>,
}

impl Constraint {
    pub(crate) fn new(key: Key) -> Self {
        Self { key, ..Self::default() }
    }

    pub(crate) fn at_least(&mut self, min: Option<u32>, at: EncodedQuad) {
        if let Some(min) = min.filter(|min| *min > self.min) {
            self.min = min;
            self.min_at = Some(at);
        }
    }

    pub(crate) fn at_most(&mut self, max: Option<u32>, at: EncodedQuad) {
        if let Some(max) = max.filter(|max| self.max.is_none_or(|known| *max < known)) {
            self.max = Some(max);
            self.max_at = Some(at);
        }
    }
}

impl Schema<'_> {
    /// What one term of a class's territory says of properties.
    pub(crate) fn constraints(&self, term: TermId) -> Arc<Constraints> {
        let fact = about("constraints", term);
        self.remembered(&self.memo.constraints, fact, || self.find_constraints(term).into())
    }

    fn find_constraints(&self, term: TermId) -> Constraints {
        let mut constraints = Constraints::default();
        let node = self.node(term);
        for expression in &node.expressions {
            if *expression != term || node.is_restriction {
                self.read_restriction(*expression, term, &mut constraints);
            }
        }
        self.read_shapes(term, &mut constraints);
        constraints.broken.sort_unstable();
        constraints.broken.dedup();
        constraints
    }

    fn read_restriction(&self, restriction: TermId, site: TermId, found: &mut Constraints) {
        let star = self.star(restriction);
        for property in in_star(&star, v().on_property) {
            let Some(key) = self.key_of(property, v().inverse_of) else { continue };
            let context = Context::new(Some(site), key);
            let constraint = self.restriction(restriction, &star, &context);
            found.all.push(Arc::new(constraint));
            found.broken.extend(context.broken.into_inner());
        }
    }

    fn restriction(&self, node: TermId, star: &Star, context: &Context) -> Constraint {
        let mut found = Constraint::new(context.key);
        let filler = in_star(star, v().on_class).chain(in_star(star, v().on_data_range)).next();
        let filler =
            filler.map_or_else(|| vec![Target::Anything], |filler| self.targets(filler, context));
        for (predicate, object) in star.iter() {
            let at = statement(node, *predicate, *object);
            self.restrict(&mut found, at, &filler, context);
        }
        found
    }

    fn restrict(
        &self,
        found: &mut Constraint,
        at: EncodedQuad,
        filler: &[Target],
        context: &Context,
    ) {
        let v = v();
        let (predicate, object) = (at.predicate, at.object);
        let is = |one: TermId, other: TermId| predicate == one || predicate == other;
        if predicate == v.all_values_from {
            let targets = self.targets(object, context);
            if targets.is_empty() {
                found.at_most(Some(0), at);
            } else {
                self.limit(found, &targets, at);
            }
        } else if predicate == v.some_values_from {
            found.at_least(Some(1), at);
            add_all(&mut found.hints, self.targets(object, context));
        } else if predicate == v.has_value {
            found.at_least(Some(1), at);
            found.fixed.extend(self.value(object));
        } else if is(v.min_cardinality, v.min_qualified) {
            let count = self.bound(found, at);
            found.at_least(count, at);
        } else if predicate == v.max_cardinality {
            let count = self.bound(found, at);
            found.at_most(count, at);
        } else if predicate == v.cardinality {
            let count = self.bound(found, at);
            found.at_least(count, at);
            found.at_most(count, at);
        } else if predicate == v.max_qualified || predicate == v.qualified {
            let count = self.bound(found, at);
            if predicate == v.qualified {
                found.at_least(count, at);
            }
            found.qualified.extend(count.map(|count| (count, filler.to_vec())));
            found.max_at = found.max_at.or(Some(at));
        }
        let names_filler = is(v.on_class, v.on_data_range);
        if names_filler && !filler.contains(&Target::Anything) {
            add_all(&mut found.hints, filler.iter().cloned());
        }
    }

    /// The number that a statement gives; what is none is noted.
    pub(crate) fn bound(&self, found: &mut Constraint, at: EncodedQuad) -> Option<u32> {
        let count = self.count(at.object);
        if count.is_none() {
            let term = self.term(at.object).map(|term| term.to_string()).unwrap_or_default();
            found.slips.push(Slip { kind: SlipKind::NoCount { found: term }, at });
        }
        count
    }

    /// Notes what all values are.
    pub(crate) fn limit(&self, found: &mut Constraint, targets: &[Target], at: EncodedQuad) {
        let limited = match &found.targets {
            Some(known) => self.intersect(known, targets).0,
            None => targets.to_vec(),
        };
        found.targets = Some(limited);
        found.targets_at = found.targets_at.or(Some(at));
    }

    /// The property that an IRI names, or that an unnamed node is the inverse of by the
    /// given predicate; none for what is neither.
    pub(crate) fn key_of(&self, property: TermId, inverse: TermId) -> Option<Key> {
        match self.term(property)? {
            TermRef::Iri(_) => {
                let is_type = property == v().rdf_type;
                (!is_type).then(|| Key::of(self.canonical(property)))
            }
            TermRef::Blank(_) => {
                let straight = self.objects(property, inverse);
                let straight = straight.into_iter().find(|straight| self.is_iri(*straight))?;
                let mut named = self.inverses(straight);
                self.sort(&mut named);
                Some(match named.first() {
                    Some(named) => Key::of(self.canonical(*named)),
                    None => Key { property: self.canonical(straight), is_reversed: true },
                })
            }
            TermRef::Literal { .. } => None,
        }
    }
}
