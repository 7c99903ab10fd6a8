//! What is said of a property by itself, whatever the class.

use std::sync::Arc;

use evergen_delta::TermId;
use rustc_hash::FxHashSet;

use crate::graph::Ids;
use crate::labels::Texts;
use crate::schema::{about, about_key};
use crate::targets::{Context, Target, add_all};
use crate::vocabulary::v;
use crate::{PropertyRef, Range, Schema, Text};

/// A property in one of its two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) property: TermId,
    pub(crate) is_reversed: bool,
}

impl Key {
    pub(crate) fn of(property: TermId) -> Self {
        Self { property, is_reversed: false }
    }
}

impl Default for Key {
    fn default() -> Self {
        Self::of(TermId::ANY)
    }
}

/// What holds for a property in every class.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, as the public ones are")]
pub(crate) struct Plain {
    pub(crate) iri: Text,
    pub(crate) name: Text,
    /// The name without what no reader tells apart.
    pub(crate) folded: Text,
    pub(crate) texts: Texts,
    pub(crate) number: Option<u32>,
    pub(crate) targets: Vec<Target>,
    pub(crate) ranges: Vec<Range>,
    /// Two statements about the range that contradict each other.
    pub(crate) clash: Option<[TermId; 2]>,
    /// The property's own kind, and what its values are instead.
    pub(crate) wrong_kind: Option<(&'static str, &'static str)>,
    pub(crate) is_functional: bool,
    pub(crate) is_inverse_functional: bool,
    pub(crate) is_symmetric: bool,
    pub(crate) is_transitive: bool,
    pub(crate) inverse: Option<PropertyRef>,
    /// The class of which all are that have it, where the property itself names just that one.
    pub(crate) domain: Option<TermId>,
    pub(crate) broken: Vec<TermId>,
}

impl Schema<'_> {
    /// What holds for a property in every class; with labels and comments, or without.
    pub(crate) fn plain(&self, key: Key, with_texts: bool) -> Arc<Plain> {
        let fact = about_key(if with_texts { "shown" } else { "plain" }, key);
        let find = || self.find_plain(key, with_texts).into();
        self.remembered(&self.memo.plain, fact, find)
    }

    fn find_plain(&self, key: Key, with_texts: bool) -> Plain {
        if with_texts {
            // First of all, as everything below is answered from the same read then.
            self.star(key.property);
        }
        let group = self.equivalents(key.property);
        let texts = if with_texts { self.texts(&group) } else { Texts::default() };
        let mut context = Context::new(None, key);
        let types: Vec<TermId> =
            group.iter().flat_map(|property| self.objects(*property, v().rdf_type)).collect();
        context.is_literal = types.contains(&v().datatype_property);
        let (targets, clash) = if key.is_reversed {
            (self.domain_targets(&group, &context), None)
        } else {
            self.range_targets(&group, &types, &context)
        };
        let is = |class| types.contains(&class) || self.inherits(&group, class);
        let (functional, inverse_functional) = (is(v().functional), is(v().inverse_functional));
        let (is_functional, is_inverse_functional) = if key.is_reversed {
            (inverse_functional, functional)
        } else {
            (functional, inverse_functional)
        };
        let name = self.property_name(key);
        Plain {
            iri: self.text(key.property),
            folded: crate::names::fold(&name).into(),
            number: self.number_of(key),
            name,
            texts,
            ranges: self.ranges(&targets),
            wrong_kind: (!key.is_reversed).then(|| wrong_kind(&types, &targets)).flatten(),
            targets,
            clash,
            is_functional,
            is_inverse_functional,
            is_symmetric: types.contains(&v().symmetric),
            is_transitive: types.contains(&v().transitive),
            inverse: self.inverse_ref(key, &group),
            domain: match self.domain_targets(&group, &Context::new(None, key)).as_slice() {
                [Target::Class(only)] if !key.is_reversed => Some(*only),
                _ => None,
            },
            broken: context.broken.into_inner(),
        }
    }

    /// Whether a property is of a class because one above it is.
    fn inherits(&self, group: &[TermId], class: TermId) -> bool {
        self.properties_above(group).iter().any(|above| self.says(*above, v().rdf_type, class))
    }

    /// All properties above, nearest first.
    fn properties_above(&self, group: &[TermId]) -> Vec<TermId> {
        let mut above: Vec<TermId> = Vec::new();
        let mut seen: FxHashSet<TermId> = group.iter().copied().collect();
        let mut level = group.to_vec();
        while !level.is_empty() {
            let mut next: Vec<TermId> = level
                .iter()
                .flat_map(|property| self.objects(*property, v().sub_property_of))
                .filter(|above| seen.insert(*above) && self.is_iri(*above))
                .collect();
            self.sort(&mut next);
            above.extend(&next);
            level = next;
        }
        above
    }

    fn range_targets(
        &self,
        group: &[TermId],
        types: &[TermId],
        context: &Context,
    ) -> (Vec<Target>, Option<[TermId; 2]>) {
        let said = self.said_range(group, context);
        let from_above = || {
            let above = self.properties_above(group);
            above.iter().find_map(|above| self.said_range(&[*above], context))
        };
        let from_inverse = || {
            let inverses: Vec<TermId> =
                group.iter().flat_map(|property| self.inverses(*property)).collect();
            let domains = self.domain_targets(&inverses, context);
            (domains != [Target::Resource]).then_some((domains, None))
        };
        said.or_else(from_above).or_else(from_inverse).unwrap_or_else(|| {
            let unknown = if types.contains(&v().object_property) {
                Target::Resource
            } else if context.is_literal {
                Target::literal()
            } else {
                Target::Anything
            };
            (vec![unknown], None)
        })
    }

    /// What properties say of their values themselves.
    ///
    /// All statements of a range hold at once, those of included ranges one by one.
    fn said_range(
        &self,
        group: &[TermId],
        context: &Context,
    ) -> Option<(Vec<Target>, Option<[TermId; 2]>)> {
        let of = |predicate| {
            let mut ranges: Vec<TermId> =
                group.iter().flat_map(|property| self.objects(*property, predicate)).collect();
            self.sort(&mut ranges);
            ranges
        };
        let ranges = of(v().range);
        let mut known: Option<(TermId, Vec<Target>)> = None;
        let mut clash = None;
        for range in ranges {
            let targets = self.targets(range, context);
            known = Some(match known {
                None => (range, targets),
                Some((first, known)) => {
                    let (mut both, contradicts) = self.intersect(&known, &targets);
                    let is_apart = both == targets
                        && !known.iter().any(|one| {
                            targets.iter().any(|other| {
                                self.is_within(one, other) || self.is_within(other, one)
                            })
                        });
                    if contradicts {
                        clash = clash.or(Some([first, range]));
                    }
                    if is_apart {
                        // No value can be both; code takes either.
                        add_all(&mut both, known);
                        both = self.simplified(both);
                    }
                    (first, both)
                }
            });
        }
        if let Some((_, targets)) = known {
            return Some((targets, clash));
        }
        let mut included = of(v().schema_range);
        included.extend(of(v().old_schema_range));
        let mut any = Vec::new();
        for range in included {
            add_all(&mut any, self.targets(range, context));
        }
        (!any.is_empty()).then(|| (self.simplified(any), None))
    }

    /// What has the properties; any resource if that is not said.
    fn domain_targets(&self, group: &[TermId], context: &Context) -> Vec<Target> {
        let mut any = Vec::new();
        for predicate in [v().domain, v().schema_domain, v().old_schema_domain] {
            let mut domains: Vec<TermId> =
                group.iter().flat_map(|property| self.objects(*property, predicate)).collect();
            self.sort(&mut domains);
            for domain in domains {
                add_all(&mut any, self.targets(domain, context));
            }
        }
        if any.is_empty() { vec![Target::Resource] } else { self.simplified(any) }
    }

    /// The properties that are declared to be one with a property, the one that stands for
    /// all of them first: one with a domain, then one that is declared, then the first by IRI.
    ///
    /// Two properties are not one because both are the same as one that is only mentioned:
    /// that says less about the two than it seems to.
    pub(crate) fn equivalents(&self, property: TermId) -> Arc<[TermId]> {
        let fact = about("equivalents", property);
        let find = || self.find_equivalents(property).into();
        self.remembered(&self.memo.equivalents, fact, find)
    }

    fn find_equivalents(&self, property: TermId) -> Vec<TermId> {
        let mut group = vec![property];
        let mut seen: FxHashSet<TermId> = FxHashSet::from_iter([property]);
        let mut at = 0;
        while let Some(one) = group.get(at).copied() {
            at += 1;
            let own = self.objects(one, v().equivalent_property);
            let from = self.subjects(v().equivalent_property, one);
            let others = own.iter().chain(&from).filter(|other| self.is_iri(**other));
            let others: FxHashSet<TermId> = others.copied().collect();
            if others.len() > 1 && own.is_empty() && self.is_bare(one) {
                continue;
            }
            group.extend(others.into_iter().filter(|other| seen.insert(*other)));
        }
        if group.len() > 1 {
            self.sort(&mut group);
            let declared = |property: &TermId| !self.objects(*property, v().rdf_type).is_empty();
            let first = group.iter().position(|property| self.has_domain(*property));
            let first = first.or_else(|| group.iter().position(declared)).unwrap_or(0);
            group[..=first].rotate_right(1);
        }
        group
    }

    /// Whether a property only lends its name.
    fn is_bare(&self, property: TermId) -> bool {
        let says = [v().range, v().schema_range, v().old_schema_range, v().sub_property_of];
        !self.has_domain(property)
            && says.iter().all(|predicate| self.objects(property, *predicate).is_empty())
    }

    /// The property that stands for all that are one with a property.
    pub(crate) fn canonical(&self, property: TermId) -> TermId {
        self.equivalents(property)[0]
    }

    /// The properties that say the same in the other direction.
    pub(crate) fn inverses(&self, property: TermId) -> Vec<TermId> {
        let mut inverses = self.objects(property, v().inverse_of).into_vec();
        inverses.extend(self.subjects(v().inverse_of, property));
        inverses.retain(|inverse| self.is_iri(*inverse));
        inverses
    }

    fn inverse_ref(&self, key: Key, group: &[TermId]) -> Option<PropertyRef> {
        if key.is_reversed {
            return Some(self.property_ref(Key::of(key.property)));
        }
        let mut inverses = Vec::new();
        for property in group {
            inverses.extend(self.inverses(*property));
            for predicate in [v().schema_inverse, v().old_schema_inverse] {
                let named = self.objects(*property, predicate);
                inverses.extend(named.into_iter().filter(|inverse| self.is_iri(*inverse)));
            }
        }
        self.sort(&mut inverses);
        inverses.first().map(|inverse| self.property_ref(Key::of(self.canonical(*inverse))))
    }

    pub(crate) fn property_ref(&self, key: Key) -> PropertyRef {
        PropertyRef { iri: self.text(key.property), name: self.property_name(key) }
    }

    /// The properties that a term's domain statements give to it, by their own domains, or,
    /// for properties that have none, by those of properties above or of the inverse's range.
    pub(crate) fn declared(&self, term: TermId) -> Arc<[TermId]> {
        let fact = about("declared", term);
        self.remembered(&self.memo.declared, fact, || self.find_declared(term).into())
    }

    fn find_declared(&self, term: TermId) -> Vec<TermId> {
        let mut spots: Ids = Ids::from_slice(&[term]);
        let wholes = self.wholes(term, &[v().union_of, v().intersection_of]);
        spots.extend(wholes.into_iter().filter(|whole| self.is_blank(*whole)));
        let mut open = Vec::new();
        for spot in spots {
            for predicate in [v().domain, v().schema_domain, v().old_schema_domain] {
                open.extend(self.subjects(predicate, spot));
            }
            for ranged in self.subjects(v().range, spot) {
                let inverses = self.inverses(ranged).into_iter();
                open.extend(inverses.filter(|inverse| !self.has_domain(*inverse)));
            }
        }
        let mut found: Vec<TermId> = Vec::new();
        let mut seen = FxHashSet::default();
        while let Some(property) = open.pop() {
            if !seen.insert(property) || !self.is_iri(property) {
                continue;
            }
            found.push(self.canonical(property));
            let below = self.subjects(v().sub_property_of, property).into_iter();
            open.extend(below.filter(|below| !self.has_domain(*below)));
        }
        found.sort_unstable();
        found.dedup();
        found.retain(|property| *property != v().rdf_type);
        found
    }

    fn has_domain(&self, property: TermId) -> bool {
        [v().domain, v().schema_domain, v().old_schema_domain]
            .iter()
            .any(|predicate| !self.objects(property, *predicate).is_empty())
    }
}

/// A property's own kind, and what its values are, where one excludes the other.
fn wrong_kind(types: &[TermId], targets: &[Target]) -> Option<(&'static str, &'static str)> {
    let is_any = |literal| targets.iter().any(|target| target.is_literal() == Some(literal));
    let is_object = types.contains(&v().object_property);
    let is_data = types.contains(&v().datatype_property);
    match (is_object, is_data) {
        (true, true) => Some(("owl:ObjectProperty", "literals, as an owl:DatatypeProperty has")),
        (true, false) if is_any(true) => Some(("owl:ObjectProperty", "literals")),
        (false, true) if is_any(false) => Some(("owl:DatatypeProperty", "resources")),
        _ => None,
    }
}
