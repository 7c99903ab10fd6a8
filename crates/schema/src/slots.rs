//! How code with nominal types declares properties: one type for a property in a class and in
//! all that extend it.
//!
//! A class below may say more of a property's values than the class that brings it in, and
//! two parents may say different things. Languages whose classes extend each other can't
//! follow either: a list does not become a single value in a subclass. So the class that
//! brings a property in decides its *slot*, and a parent that decided otherwise than
//! another one is not among the *bases*, those that code extends. What the class itself says
//! is checked when values are read.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use evergen_delta::{TermId, TermRef};
use rustc_hash::FxHashMap;

use crate::assemble::Sites;
use crate::properties::Key;
use crate::schema::about;
use crate::{ClassRef, Property, Range, Schema, Slot};

/// What a class declares and inherits in code.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// The parents that code extends, most specific first.
    pub(crate) bases: Vec<TermId>,
    slots: Arc<FxHashMap<Key, Arc<Declared>>>,
    /// Properties of classes above that can have no value there.
    void: BTreeSet<Key>,
    /// How many classes the longest way up has.
    depth: u32,
}

/// A property as the class that brings it in declares it.
#[derive(Debug)]
struct Declared {
    owner: TermId,
    is_single: bool,
    is_required: bool,
    ranges: Vec<Range>,
}

impl Declared {
    fn of(owner: TermId, property: &Property) -> Self {
        Self {
            owner,
            is_single: property.max == Some(1),
            is_required: property.min > 0,
            ranges: property.ranges.clone(),
        }
    }

    /// Whether code has the same type for both.
    fn agrees(&self, other: &Self) -> bool {
        let of_one_type = |(one, other): (&Range, &Range)| match (one, other) {
            (Range::Class(one), Range::Class(other)) => one.iri == other.iri,
            (Range::Enumeration(one), Range::Enumeration(other)) => one.iri == other.iri,
            (Range::Data(one), Range::Data(other)) => {
                (&one.datatype, &one.name) == (&other.datatype, &other.name)
            }
            (Range::Resource, Range::Resource) | (Range::Anything, Range::Anything) => true,
            _ => false,
        };
        (self.is_single, self.is_required, self.ranges.len())
            == (other.is_single, other.is_required, other.ranges.len())
            && self.ranges.iter().zip(&other.ranges).all(of_one_type)
    }
}

impl Schema<'_> {
    /// What a class declares and inherits in code, by the term that stands for it.
    pub(crate) fn layout(&self, class: TermId) -> Arc<Layout> {
        // Layouts of classes above come first, so that no call is nested in another.
        let mut open = vec![class];
        while let Some(next) = open.last().copied() {
            let fact = about("layout", next);
            if self.memo.layouts.borrow().contains_key(&fact) {
                open.pop();
                continue;
            }
            let missing: Vec<TermId> = {
                let parents = &self.place_of(next).parents;
                let layouts = self.memo.layouts.borrow();
                let is_known = |parent: &TermId| layouts.contains_key(&about("layout", *parent));
                parents.iter().copied().filter(|parent| !is_known(parent)).collect()
            };
            if missing.is_empty() {
                open.pop();
                self.reader.open_fact(fact);
                let layout = Arc::new(self.find_layout(next));
                self.reader.close_fact();
                self.memo.layouts.borrow_mut().insert(fact, layout);
            } else {
                open.extend(missing);
            }
        }
        let fact = about("layout", class);
        self.reader.uses_fact(fact);
        Arc::clone(&self.memo.layouts.borrow()[&fact])
    }

    fn find_layout(&self, class: TermId) -> Layout {
        let mut parents: Vec<(TermId, Arc<Layout>)> = {
            let parents = &self.place_of(class).parents;
            parents.iter().map(|parent| (*parent, self.layout(*parent))).collect()
        };
        // A class is deeper than all above it. So this is one order of all classes in which
        // what is below comes first, and bases that follow it everywhere can be put in a row.
        parents.sort_by_key(|(_, layout)| Reverse(layout.depth));
        let depth = parents.first().map_or(0, |(_, layout)| layout.depth + 1);
        let mut bases = Vec::new();
        let mut slots: Arc<FxHashMap<Key, Arc<Declared>>> = Arc::default();
        let mut open: BTreeSet<Key> = self.own_properties(class).keys.iter().copied().collect();
        for (parent, above) in parents {
            open.extend(&above.void);
            let agrees = |(key, slot): (&Key, &Arc<Declared>)| {
                let known = slots.get(key);
                known.is_none_or(|known| Arc::ptr_eq(known, slot) || known.agrees(slot))
            };
            if !above.slots.iter().all(agrees) {
                open.extend(above.slots.keys());
                continue;
            }
            bases.push(parent);
            if slots.is_empty() {
                slots = Arc::clone(&above.slots);
            } else {
                let slots = Arc::make_mut(&mut slots);
                for (key, slot) in above.slots.iter() {
                    slots.entry(*key).or_insert_with(|| Arc::clone(slot));
                }
            }
        }
        open.retain(|key| !slots.contains_key(key));
        let mut void = BTreeSet::new();
        if !open.is_empty() {
            let sites = Sites::of(self, class);
            let named = sites.named();
            let slots = Arc::make_mut(&mut slots);
            for key in open {
                let Some(naming) = named.get(&key) else { continue };
                match self.property_without_texts(key, naming, &sites) {
                    Some(property) => {
                        slots.insert(key, Arc::new(Declared::of(class, &property)));
                    }
                    None => drop(void.insert(key)),
                }
            }
        }
        Layout { bases, slots, void, depth }
    }

    /// Tells of each property of a class how code declares it.
    pub(crate) fn lay_out(&self, layout: &Layout, properties: &mut [Property]) {
        let bases: Vec<Arc<Layout>> = layout.bases.iter().map(|base| self.layout(*base)).collect();
        for property in properties {
            let key = Key {
                property: TermRef::Iri(&property.iri).id(),
                is_reversed: property.is_reversed,
            };
            let Some(slot) = layout.slots.get(&key) else { continue };
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

    /// The classes that code extends.
    pub(crate) fn bases(&self, layout: &Layout) -> Vec<ClassRef> {
        self.class_refs(&layout.bases)
    }
}
