//! What code with nominal types extends, and which class says there what a property is.
//!
//! A parent is a base unless it declares a property otherwise than another base, or its order
//! of the classes above is none that the others can follow.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use evergen_delta::TermId;
use rustc_hash::FxHashMap;

use crate::assemble::Sites;
use crate::properties::Key;
use crate::schema::about;
use crate::slots::{Renamed, rename};
use crate::{ClassRef, Property, Range, Schema};

/// What a class declares and inherits in code.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// The parents that code extends, most specific first.
    pub(crate) bases: Vec<TermId>,
    /// The class and all that code extends above it, each before what it extends itself.
    line: Vec<TermId>,
    pub(crate) slots: Arc<FxHashMap<Key, Arc<Declared>>>,
    /// Properties that two bases bring in, each for itself.
    pub(crate) ambiguous: BTreeSet<Key>,
    /// The class that says last in code what such a property is: this one, or one above.
    said: Arc<FxHashMap<Key, TermId>>,
    /// Properties of classes above that can have no value there.
    void: BTreeSet<Key>,
    /// How many classes the longest way up has.
    depth: u32,
}

/// A property as the class that brings it in declares it.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) owner: TermId,
    pub(crate) is_single: bool,
    pub(crate) is_required: bool,
    pub(crate) ranges: Vec<Range>,
    /// Listed values that have another name here than where they are listed.
    pub(crate) renamed: Vec<Renamed>,
}

impl Declared {
    fn of(owner: TermId, mut property: Property, renamed: Vec<Renamed>) -> Self {
        rename(&mut property.ranges, &renamed);
        Self {
            owner,
            is_single: property.max == Some(1),
            is_required: property.min > 0,
            ranges: property.ranges,
            renamed,
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

impl Layout {
    /// The class that says last in code what a property is.
    fn sayer(&self, key: Key, slot: &Declared) -> TermId {
        self.said.get(&key).copied().unwrap_or(slot.owner)
    }

    /// Whether a base with this layout declares each property as those before it do.
    fn agrees(&self, above: &Self) -> bool {
        above.slots.iter().all(|(key, slot)| {
            let known = self.slots.get(key);
            known.is_none_or(|known| Arc::ptr_eq(known, slot) || known.agrees(slot))
        })
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
        // A class is deeper than all above it, so that what is below comes first.
        parents.sort_by_key(|(_, layout)| Reverse(layout.depth));
        let depth = parents.first().map_or(0, |(_, layout)| layout.depth + 1);
        let mut found = Layout { depth, ..Layout::default() };
        let mut open: BTreeSet<Key> = self.own_properties(class).keys.iter().copied().collect();
        let mut bases: Vec<(TermId, Arc<Layout>)> = Vec::new();
        // What all can follow, some can follow: mostly nothing has to be tried one by one.
        let is_orderly = merged(&parents).is_some();
        for (parent, above) in parents {
            open.extend(&above.void);
            let agrees = found.agrees(&above);
            bases.push((parent, Arc::clone(&above)));
            if agrees && (is_orderly || merged(&bases).is_some()) {
                self.extend_layout(&mut found, &above, class);
            } else {
                bases.pop();
                open.extend(above.slots.keys());
            }
        }
        found.bases = bases.iter().map(|(base, _)| *base).collect();
        found.line = vec![class];
        found.line.extend(merged(&bases).unwrap_or_default());
        open.retain(|key| !found.slots.contains_key(key));
        self.declare(&mut found, open, class);
        found
    }

    /// Adds the properties that a class brings in.
    fn declare(&self, found: &mut Layout, open: BTreeSet<Key>, class: TermId) {
        if open.is_empty() {
            return;
        }
        let sites = Sites::of(self, class);
        let named = sites.named();
        let slots = Arc::make_mut(&mut found.slots);
        for key in open {
            let Some(naming) = named.get(&key) else { continue };
            match self.property_without_texts(key, naming, &sites) {
                Some(property) => {
                    let renamed = self.renamed_values(class, key, &property.ranges);
                    slots.insert(key, Arc::new(Declared::of(class, property, renamed)));
                }
                None => drop(found.void.insert(key)),
            }
        }
    }

    /// Adds what another base has to the layout of a class.
    fn extend_layout(&self, found: &mut Layout, above: &Layout, class: TermId) {
        if found.slots.is_empty() {
            found.slots = Arc::clone(&above.slots);
            found.said = Arc::clone(&above.said);
            return;
        }
        let is_below = |one, other| self.layout(one).line[1..].contains(&other);
        for (key, slot) in above.slots.iter() {
            let Some(known) = found.slots.get(key) else {
                Arc::make_mut(&mut found.slots).insert(*key, Arc::clone(slot));
                if let Some(sayer) = above.said.get(key) {
                    Arc::make_mut(&mut found.said).insert(*key, *sayer);
                }
                continue;
            };
            let (one, other) = (found.sayer(*key, known), above.sayer(*key, slot));
            if one == other || is_below(one, other) {
                continue;
            }
            let said = if is_below(other, one) {
                other
            } else {
                found.ambiguous.insert(*key);
                class
            };
            Arc::make_mut(&mut found.said).insert(*key, said);
        }
    }

    /// The classes that code extends.
    pub(crate) fn bases(&self, layout: &Layout) -> Vec<ClassRef> {
        self.class_refs(&layout.bases)
    }
}

/// One order of all classes above that the bases and each of their own orders follow: the C3
/// linearization (Barrett et al., "A Monotonic Superclass Linearization for Dylan", 1996). None
/// where two of them contradict each other, which Python takes for an error.
fn merged(bases: &[(TermId, Arc<Layout>)]) -> Option<Vec<TermId>> {
    if let [(_, only)] = bases {
        return Some(only.line.clone());
    }
    let row: Vec<TermId> = bases.iter().map(|(base, _)| *base).collect();
    let mut lines: Vec<&[TermId]> = bases.iter().map(|(_, base)| base.line.as_slice()).collect();
    lines.push(&row);
    let mut behind: FxHashMap<TermId, usize> = FxHashMap::default();
    for class in lines.iter().flat_map(|line| line.iter().skip(1)) {
        *behind.entry(*class).or_default() += 1;
    }
    let mut order = Vec::new();
    loop {
        lines.retain(|line| !line.is_empty());
        if lines.is_empty() {
            return Some(order);
        }
        let is_free = |class: &TermId| behind.get(class).is_none_or(|count| *count == 0);
        let next = lines.iter().filter_map(|line| line.first()).copied().find(is_free)?;
        order.push(next);
        for line in lines.iter_mut().filter(|line| line.first() == Some(&next)) {
            *line = &line[1..];
            if let Some(count) = line.first().and_then(|first| behind.get_mut(first)) {
                *count -= 1;
            }
        }
    }
}
