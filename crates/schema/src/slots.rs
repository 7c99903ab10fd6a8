//! How code with nominal types declares properties: one type for a property in a class and in
//! all that extend it.
//!
//! A class below may say more of a property's values than the class that brings it in, and
//! two parents may say different things. Languages whose classes extend each other can't
//! follow either: a list does not become a single value in a subclass. So the class that
//! brings a property in decides its *slot*, and a parent that decided otherwise than
//! another one is not among the *bases* (see [`crate::layout`]). What the class itself says
//! is checked when values are read.
//!
//! Listed values are a type of code, too, which stands beside the class that brings their
//! property in and is called after it, wherever they are listed. What two bases bring in, each
//! for itself, is *ambiguous*; what a base has and the class may not have is *barred*.

use std::collections::BTreeSet;
use std::sync::Arc;

use evergen_delta::{TermId, TermRef};
use rustc_hash::FxHashMap;

use crate::assemble::{Naming, Sites};
use crate::layout::Layout;
use crate::names::values_iri;
use crate::properties::Key;
use crate::targets::{Context, Target};
use crate::{EnumerationRef, Property, Range, Schema, Slot, Text, TextScope};

/// Values that are listed somewhere, by the IRI that stands for them there, and what stands for
/// them in the class that brings their property in.
#[derive(Clone, Debug)]
pub(crate) struct Renamed {
    pub(crate) from: Text,
    pub(crate) iri: Text,
    pub(crate) name: Text,
}

impl Schema<'_> {
    /// Tells of each property of a class how code declares it.
    pub(crate) fn lay_out(&self, layout: &Layout, properties: &mut [Property]) {
        let bases: Vec<Arc<Layout>> = layout.bases.iter().map(|base| self.layout(*base)).collect();
        for property in properties {
            let key = key_of(property);
            let Some(slot) = layout.slots.get(&key) else { continue };
            rename(&mut property.ranges, &slot.renamed);
            let is_in = |base: &Arc<Layout>| base.slots.contains_key(&key);
            let is_own = !bases.iter().any(is_in);
            property.slot = Slot {
                owner: self.class_ref(slot.owner),
                is_single: slot.is_single,
                is_required: slot.is_required,
                ranges: slot.ranges.clone(),
                is_own,
                is_repeated: !is_own && !bases.first().is_some_and(is_in),
            };
        }
    }

    /// What stands for values in the class that brings their property in, where that is not what
    /// stands for them where they are listed: at the property itself, which other classes may
    /// bring in as well, or in a class that code does not extend.
    pub(crate) fn renamed_values(&self, owner: TermId, key: Key, ranges: &[Range]) -> Vec<Renamed> {
        let listed = ranges.iter().filter_map(|range| match range {
            Range::Enumeration(values) if values.members.is_some() => Some(values),
            _ => None,
        });
        let foreign = listed.filter(|values| !self.are_of(owner, key, values));
        let renamed = foreign.map(|values| {
            let (iri, name) = self.values_name(&Context::new(Some(owner), key));
            Renamed { from: values.iri.clone(), iri, name }
        });
        renamed.collect()
    }

    /// Whether values are called after the class anyway, or after a property that is its alone.
    fn are_of(&self, owner: TermId, key: Key, values: &EnumerationRef) -> bool {
        if values.iri == *values_iri(None, &self.text(key.property), key.is_reversed) {
            return self.plain(key, false).domain == Some(owner);
        }
        let own = self.own_properties(owner);
        let mut stated =
            own.constraints.get(&key).into_iter().flatten().flat_map(|constraint| {
                constraint.targets.iter().flatten().chain(&constraint.hints)
            });
        stated.any(|target| matches!(target, Target::Values(own) if own.iri == values.iri))
    }

    /// The properties that two bases bring in, each for itself: among those that a class has
    /// and those that it has in code only.
    pub(crate) fn ambiguous(
        &self,
        layout: &Layout,
        properties: &[Property],
        barred: &[Property],
    ) -> Vec<Property> {
        if layout.ambiguous.is_empty() {
            return Vec::new();
        }
        let all = properties.iter().chain(barred);
        let twice = all.filter(|property| layout.ambiguous.contains(&key_of(property)));
        by_name(twice.cloned().map(|property| self.with_texts(property)).collect())
    }

    /// The properties that a base has and that are not among those of a class, as the class has
    /// them that brings them in.
    pub(crate) fn barred(&self, layout: &Layout, properties: &[Property]) -> Vec<Property> {
        if layout.slots.len() == properties.len() {
            return Vec::new();
        }
        let known: BTreeSet<Key> = properties.iter().map(key_of).collect();
        let mut owners: FxHashMap<TermId, (Sites, FxHashMap<Key, Naming>)> = FxHashMap::default();
        let mut found = Vec::new();
        for (key, slot) in layout.slots.iter().filter(|(key, _)| !known.contains(key)) {
            let (sites, named) = owners.entry(slot.owner).or_insert_with(|| {
                let sites = Sites::of(self, slot.owner);
                let named = sites.named();
                (sites, named)
            });
            let naming = named.get(key);
            found
                .extend(naming.and_then(|naming| self.property_without_texts(*key, naming, sites)));
        }
        self.lay_out(layout, &mut found);
        by_name(found.into_iter().map(|property| self.with_texts(property)).collect())
    }

    /// The same with the texts of its own, unless none are wanted at all.
    fn with_texts(&self, mut property: Property) -> Property {
        if self.options.texts != TextScope::Nothing {
            let texts = self.plain(key_of(&property), true).texts.clone();
            property.label = texts.label.or(property.label);
            property.comment = texts.comment.or(property.comment);
            property.deprecated = texts.deprecated;
        }
        property
    }
}

/// Gives values the IRI and name that they have in code.
pub(crate) fn rename(ranges: &mut [Range], renamed: &[Renamed]) {
    for range in ranges {
        let Range::Enumeration(values) = range else { continue };
        if let Some(other) = renamed.iter().find(|other| other.from == values.iri) {
            (values.iri, values.name) = (other.iri.clone(), other.name.clone());
        }
    }
}

fn key_of(property: &Property) -> Key {
    Key { property: TermRef::Iri(&property.iri).id(), is_reversed: property.is_reversed }
}

fn by_name(mut properties: Vec<Property>) -> Vec<Property> {
    properties.sort_by(|one, other| (&one.name, &one.iri).cmp(&(&other.name, &other.iri)));
    properties
}
