//! What one class says of properties, all its statements together.

use std::sync::Arc;

use evergen_delta::{EncodedQuad, TermId};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::constraints::Constraint;
use crate::facets::least;
use crate::graph::Ids;
use crate::properties::{Key, Plain};
use crate::schema::about;
use crate::shapes::with_facets;
use crate::targets::{Target, add_all};
use crate::{Facets, Schema, Text, Value};

/// The properties that a class itself names.
#[derive(Debug, Default)]
pub(crate) struct OwnProperties {
    /// Each once, in a fixed order.
    pub(crate) keys: Vec<Key>,
    pub(crate) constraints: FxHashMap<Key, SmallVec<[Arc<Constraint>; 1]>>,
    pub(crate) broken: Ids,
}

impl Schema<'_> {
    /// The properties that a class names itself, by domains, restrictions and shapes.
    pub(crate) fn own_properties(&self, class: TermId) -> Arc<OwnProperties> {
        let fact = about("own", class);
        self.remembered(&self.memo.own, fact, || self.find_own_properties(class).into())
    }

    fn find_own_properties(&self, class: TermId) -> OwnProperties {
        let mut own = OwnProperties::default();
        for term in &self.place_of(class).territory {
            own.keys.extend(self.declared(*term).iter().map(|property| Key::of(*property)));
            let constraints = self.constraints(*term);
            for constraint in &constraints.all {
                own.keys.push(constraint.key);
                own.constraints.entry(constraint.key).or_default().push(Arc::clone(constraint));
            }
            own.broken.extend(constraints.broken.iter().copied());
        }
        own.keys.sort_unstable();
        own.keys.dedup();
        own
    }
}

/// What is known of the values of a property in one class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Values {
    pub(crate) targets: Vec<Target>,
    hints: Vec<Target>,
    pub(crate) facets: Facets,
    qualified: Vec<(u32, Vec<Target>)>,
    pub(crate) min: u32,
    pub(crate) max: Option<u32>,
    pub(crate) unique_lang: bool,
    pub(crate) fixed: Vec<Value>,
}

/// What no value depends on, and where contradictions come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remarks {
    /// With the statement that gives it.
    pub(crate) default: Option<(Value, EncodedQuad)>,
    pub(crate) order: Option<f64>,
    pub(crate) group: Option<Text>,
    pub(crate) label: Option<Text>,
    pub(crate) comment: Option<Text>,
    min_at: Option<EncodedQuad>,
    max_at: Option<EncodedQuad>,
    pub(crate) min_above_max: Option<(u32, u32, Vec<EncodedQuad>)>,
    pub(crate) clash: Vec<EncodedQuad>,
}

impl Values {
    /// What holds in every class, but for what values are.
    pub(crate) fn of(plain: &Plain) -> Self {
        Self {
            targets: Vec::new(),
            hints: Vec::new(),
            facets: Facets::default(),
            qualified: Vec::new(),
            min: 0,
            max: plain.is_functional.then_some(1),
            unique_lang: false,
            fixed: Vec::new(),
        }
    }

    /// Adds what one statement of a class says.
    pub(crate) fn add(&mut self, schema: &Schema<'_>, more: &Constraint, remarks: &mut Remarks) {
        if let Some(targets) = &more.targets {
            let (both, clash) = schema.intersect(&self.targets, targets);
            if clash {
                remarks.clash.extend(more.targets_at);
                let mut either = both;
                add_all(&mut either, self.targets.iter().cloned());
                self.targets = schema.simplified(either);
            } else {
                self.targets = both;
            }
        }
        add_all(&mut self.hints, more.hints.iter().cloned());
        self.facets.and(&more.facets);
        self.qualified.extend(more.qualified.iter().cloned());
        if more.min > self.min {
            self.min = more.min;
            remarks.min_at = more.min_at;
        }
        if more.max.is_some_and(|max| self.max.is_none_or(|known| max < known)) {
            self.max = more.max;
            remarks.max_at = more.max_at;
        }
        self.unique_lang |= more.unique_lang;
        for value in &more.fixed {
            if !self.fixed.contains(value) {
                self.fixed.push(value.clone());
            }
        }
        remarks.default = more.default.clone().or(remarks.default.take());
        remarks.order = more.order.or(remarks.order);
        remarks.group = more.group.clone().or(remarks.group.take());
        remarks.label = more.label.clone().or(remarks.label.take());
        remarks.comment = more.comment.clone().or(remarks.comment.take());
    }

    /// Draws the conclusions that need everything.
    pub(crate) fn finish(&mut self, schema: &Schema<'_>, remarks: &mut Remarks) {
        let says_nothing = match self.targets.as_slice() {
            [Target::Anything | Target::Resource] => true,
            [one] => *one == Target::literal(),
            _ => false,
        };
        if says_nothing && !self.hints.is_empty() {
            let hints = schema.simplified(std::mem::take(&mut self.hints));
            let (both, clash) = schema.intersect(&self.targets, &hints);
            if !clash {
                self.targets = both;
            }
        }
        if self.targets == [Target::Anything] && !self.facets.is_empty() {
            self.targets = vec![Target::literal()];
        }
        self.targets = with_facets(std::mem::take(&mut self.targets), &self.facets);
        for (most, filler) in &self.qualified {
            // A bound for some of the values is one for all only if there are no others.
            let covers = |target| filler.iter().any(|filler| schema.is_within(target, filler));
            if self.targets.iter().all(covers) {
                self.max = least(self.max, Some(*most));
            }
        }
        self.fixed.sort();
        if let Some(max) = self.max.filter(|max| self.min > *max) {
            let evidence = [remarks.min_at, remarks.max_at].into_iter().flatten().collect();
            remarks.min_above_max = Some((self.min, max, evidence));
            self.min = max;
        }
    }
}
