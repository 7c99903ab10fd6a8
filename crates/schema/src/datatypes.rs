//! Datatypes of the model's own, down to the built-in ones that they are made of.

use std::sync::Arc;

use evergen_delta::{EncodedQuad, TermId, TermRef};
use rustc_hash::FxHashSet;

use crate::classify::Standing;
use crate::facets::{can_bound, least};
use crate::graph::{Star, statement};
use crate::problem::{Slip, SlipKind};
use crate::schema::about;
use crate::vocabulary::{RDFS_LITERAL, XSD_STRING, is_built_in, is_part, v};
use crate::{DataRange, Datatype, Facets, Pattern, Schema, Text};

impl Schema<'_> {
    /// Everything about one datatype of the model's own; none for any other term.
    pub fn datatype(&self, term: TermId) -> Option<Datatype> {
        let Standing::Datatype(datatype) = self.standing(term) else { return None };
        let members = self.with_first(datatype);
        let texts = self.texts(&members);
        let data = self.data_range(datatype);
        Some(Datatype {
            iri: self.text(datatype),
            name: self.class_name(datatype),
            label: texts.label,
            comment: texts.comment,
            deprecated: texts.deprecated,
            aliases: members[1..].iter().map(|alias| self.text(*alias)).collect(),
            base: data.base.clone(),
            facets: data.facets.clone(),
            problems: self.group_problems(datatype),
        })
    }

    /// The literals of a datatype, which has a name or is a restriction without one.
    pub(crate) fn data_range(&self, datatype: TermId) -> Arc<DataRange> {
        let fact = about("data", datatype);
        self.remembered(&self.memo.data, fact, || self.find_data_range(datatype).into())
    }

    fn find_data_range(&self, datatype: TermId) -> DataRange {
        let mut facets = Facets::default();
        let mut bases = Vec::new();
        let mut open = vec![datatype];
        let mut seen = FxHashSet::default();
        while let Some(term) = open.pop() {
            if !seen.insert(term) {
                continue;
            }
            if is_built_in(term) {
                // It may be there without any statement that names it.
                let is_literal = term == v().rdfs_literal;
                bases.push(if is_literal { RDFS_LITERAL.into() } else { self.text(term) });
            } else {
                self.take_apart(term, &mut facets, &mut open);
            }
        }
        let base = narrowest(bases);
        if self.is_blank(datatype) {
            DataRange { datatype: base.clone(), base, name: None, facets }
        } else {
            let name = Some(self.class_name(datatype));
            DataRange { datatype: self.text(datatype), base, name, facets }
        }
    }

    /// Notes what one datatype adds, and of which others it is made.
    fn take_apart(&self, term: TermId, facets: &mut Facets, open: &mut Vec<TermId>) {
        let expressions = if self.is_blank(term) {
            vec![term]
        } else {
            let node = self.node(term);
            open.extend(node.literals.iter().chain(&node.supers).chain(&node.equals));
            node.expressions.clone()
        };
        for expression in expressions {
            if self.is_blank(expression) {
                self.star(expression);
            }
            open.extend(self.objects(expression, v().on_datatype));
            open.extend(self.objects(expression, v().sh_datatype));
            if !self.objects(expression, v().union_of).is_empty() {
                open.push(v().rdfs_literal);
            }
            for head in self.objects(expression, v().with_restrictions) {
                for facet in self.list(head).members.iter().copied() {
                    facets.and(&self.facets_of(&self.star(facet)));
                }
            }
            // A named shape that is used as a datatype has its facets beside it.
            if !self.objects(expression, v().sh_datatype).is_empty() {
                facets.and(&self.facets_of(&self.star(expression)));
            }
        }
    }

    /// What is not declared anywhere, and must be a datatype.
    pub(crate) fn opaque(&self, term: TermId) -> Arc<DataRange> {
        let datatype = self.text(term);
        Arc::new(DataRange {
            datatype,
            base: XSD_STRING.into(),
            name: None,
            facets: Facets::default(),
        })
    }

    /// The facets among all that is said of a restriction or shape.
    pub(crate) fn facets_of(&self, star: &Star) -> Facets {
        let mut facets = Facets::default();
        let mut flags = Text::from("");
        for (predicate, object) in star.iter() {
            if *predicate == v().sh_flags {
                flags = self.text(*object);
            }
        }
        for (predicate, object) in star.iter() {
            facets.and(&self.facet(*predicate, *object, &flags));
        }
        facets
    }

    /// The statements that bound literals, of a restriction or shape and of those that a
    /// datatype is made of; in the order of the model.
    pub(crate) fn facet_statements(&self, term: TermId) -> Vec<EncodedQuad> {
        let mut owners = vec![term];
        for expression in &self.node(term).expressions {
            for head in self.objects(*expression, v().with_restrictions) {
                owners.extend(self.list(head).members.iter().copied());
            }
        }
        let mut found = Vec::new();
        for owner in owners {
            let star = self.star(owner);
            let is_bounding = |by: &TermId| bounds_values(*by) || bounds_length(*by);
            let bounding = star.iter().filter(|(by, _)| is_bounding(by));
            found.extend(bounding.map(|(by, object)| statement(owner, *by, *object)));
        }
        found
    }

    /// What is wrong with a statement that would bound literals, if it bounds none.
    pub(crate) fn useless_bound(&self, at: EncodedQuad) -> Option<Slip> {
        let found = || self.term(at.object).map(|term| term.to_string()).unwrap_or_default();
        let kind = if bounds_length(at.predicate) {
            self.count(at.object).is_none().then(|| SlipKind::NoCount { found: found() })
        } else {
            let text = self.term(at.object).filter(|term| matches!(term, TermRef::Literal { .. }));
            let is_useful = text.is_some_and(|text| can_bound(text.text()));
            (!is_useful).then(|| SlipKind::NoBound { found: found() })
        };
        kind.map(|kind| Slip { kind, at })
    }

    fn facet(&self, predicate: TermId, object: TermId, flags: &Text) -> Facets {
        let v = v();
        let mut facet = Facets::default();
        let is = |one: TermId, other: TermId| predicate == one || predicate == other;
        let text = || match self.term(object) {
            Some(TermRef::Literal { value, .. }) => Some(Text::from(value)),
            _ => None,
        };
        let bound = || text().filter(|text| can_bound(text)).map(|text| Text::from(text.trim()));
        if is(v.facet_pattern, v.sh_pattern) {
            let is_whole = predicate == v.facet_pattern;
            let flags = if is_whole { "".into() } else { flags.clone() };
            facet.patterns.extend(text().map(|text| Pattern::new(text, flags, is_whole)));
        } else if is(v.facet_min_inclusive, v.sh_min_inclusive) {
            facet.min_inclusive = bound();
        } else if is(v.facet_max_inclusive, v.sh_max_inclusive) {
            facet.max_inclusive = bound();
        } else if is(v.facet_min_exclusive, v.sh_min_exclusive) {
            facet.min_exclusive = bound();
        } else if is(v.facet_max_exclusive, v.sh_max_exclusive) {
            facet.max_exclusive = bound();
        } else if is(v.facet_min_length, v.sh_min_length) {
            facet.min_length = self.count(object);
        } else if is(v.facet_max_length, v.sh_max_length) {
            facet.max_length = self.count(object);
        } else if predicate == v.facet_length {
            facet.min_length = self.count(object);
            facet.max_length = least(facet.min_length, None);
        } else if predicate == v.facet_total_digits {
            facet.total_digits = self.count(object);
        } else if predicate == v.facet_fraction_digits {
            facet.fraction_digits = self.count(object);
        } else if predicate == v.facet_lang_range {
            facet.languages.extend(text());
        } else if predicate == v.sh_language_in {
            let tags = self.list(object);
            let tags = tags.members.iter().copied();
            facet.languages = tags.into_iter().map(|tag| self.text(tag)).collect();
        }
        facet
    }

    /// A term's group with the term itself in front.
    pub(crate) fn with_first(&self, term: TermId) -> Vec<TermId> {
        let mut members = self.members(term);
        members.retain(|member| *member != term);
        members.insert(0, term);
        members
    }
}

/// Whether a predicate tells the least or the largest value.
fn bounds_values(predicate: TermId) -> bool {
    let v = v();
    [
        [v.facet_min_inclusive, v.sh_min_inclusive],
        [v.facet_max_inclusive, v.sh_max_inclusive],
        [v.facet_min_exclusive, v.sh_min_exclusive],
        [v.facet_max_exclusive, v.sh_max_exclusive],
    ]
    .as_flattened()
    .contains(&predicate)
}

/// Whether a predicate tells how many characters or digits there may be.
fn bounds_length(predicate: TermId) -> bool {
    let v = v();
    [
        v.facet_min_length,
        v.sh_min_length,
        v.facet_max_length,
        v.sh_max_length,
        v.facet_length,
        v.facet_total_digits,
        v.facet_fraction_digits,
    ]
    .contains(&predicate)
}

/// The built-in datatype that is part of all others; the first by IRI where none is.
fn narrowest(mut bases: Vec<Text>) -> Text {
    bases.sort();
    let all = |base: &&Text| bases.iter().all(|other| is_part(base, other));
    let narrow = bases.iter().find(all).or_else(|| bases.iter().find(|base| *base != RDFS_LITERAL));
    narrow.or(bases.first()).cloned().unwrap_or_else(|| XSD_STRING.into())
}
