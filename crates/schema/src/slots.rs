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
use crate::{ClassRef, Property, Range, Schema, Slot, TextScope};

fn key_of(property: &Property) -> Key {
    Key { property: TermRef::Iri(&property.iri).id(), is_reversed: property.is_reversed }
}

/// One order of all classes in these lines that each of them follows, and the bases too: the C3
/// linearization (Barrett et al., "A Monotonic Superclass Linearization for Dylan", 1996). None
/// where two of them contradict each other, which Python takes for an error.
fn merged<'a>(
    lines: impl Iterator<Item = &'a [TermId]>,
    bases: &'a [TermId],
) -> Option<Vec<TermId>> {
    let mut lines: Vec<&[TermId]> = lines.chain([bases]).collect();
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

fn by_name(mut properties: Vec<Property>) -> Vec<Property> {
    properties.sort_by(|one, other| (&one.name, &one.iri).cmp(&(&other.name, &other.iri)));
    properties
}

/// What a class declares and inherits in code.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// The parents that code extends, most specific first.
    pub(crate) bases: Vec<TermId>,
    /// The class and all that code extends above it, each before what it extends itself.
    line: Vec<TermId>,
    slots: Arc<FxHashMap<Key, Arc<Declared>>>,
    /// Properties that two bases bring in, each for itself.
    ambiguous: BTreeSet<Key>,
    /// The class that says last in code what such a property is: this one, or one above.
    said: Arc<FxHashMap<Key, TermId>>,
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

impl Layout {
    /// The class that says last in code what a property is.
    fn sayer(&self, key: Key, slot: &Declared) -> TermId {
        self.said.get(&key).copied().unwrap_or(slot.owner)
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
        let mut found = Layout { depth, line: vec![class], ..Layout::default() };
        let mut lines: Vec<Arc<Layout>> = Vec::new();
        let mut open: BTreeSet<Key> = self.own_properties(class).keys.iter().copied().collect();
        for (parent, above) in parents {
            open.extend(&above.void);
            let agrees = |(key, slot): (&Key, &Arc<Declared>)| {
                let known = found.slots.get(key);
                known.is_none_or(|known| Arc::ptr_eq(known, slot) || known.agrees(slot))
            };
            found.bases.push(parent);
            lines.push(above.clone());
            let line = match lines.as_slice() {
                [only] => Some(only.line.clone()),
                several => merged(several.iter().map(|one| one.line.as_slice()), &found.bases),
            };
            let Some(line) = line.filter(|_| above.slots.iter().all(agrees)) else {
                found.bases.pop();
                lines.pop();
                open.extend(above.slots.keys());
                continue;
            };
            found.line.truncate(1);
            found.line.extend(line);
            self.extend_layout(&mut found, &above, class);
        }
        open.retain(|key| !found.slots.contains_key(key));
        if !open.is_empty() {
            let sites = Sites::of(self, class);
            let named = sites.named();
            let slots = Arc::make_mut(&mut found.slots);
            for key in open {
                let Some(naming) = named.get(&key) else { continue };
                match self.property_without_texts(key, naming, &sites) {
                    Some(mut property) => {
                        self.name_values(class, key, &mut property.ranges);
                        slots.insert(key, Arc::new(Declared::of(class, &property)));
                    }
                    None => drop(found.void.insert(key)),
                }
            }
        }
        found
    }

    /// Adds what another base has to the layout of a class.
    fn extend_layout(&self, found: &mut Layout, above: &Layout, class: TermId) {
        if found.slots.is_empty() {
            found.slots = Arc::clone(&above.slots);
            found.said = Arc::clone(&above.said);
            return;
        }
        let is_below = |one: TermId, other| self.lineage(one).above.contains(&other);
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

    /// Gives values that are listed at a property the name that they have in its owner.
    fn name_values(&self, owner: TermId, key: Key, ranges: &mut [Range]) {
        for range in ranges {
            let Range::Enumeration(values) = range else { continue };
            if values.members.is_some()
                && let Some((iri, name)) = self.values_of_owner(owner, key, values)
            {
                (values.iri, values.name) = (iri, name);
            }
        }
    }

    /// Whether code has a property of a class from none of the classes above.
    pub(crate) fn brings_in(&self, class: TermId, key: Key) -> bool {
        self.layout(class).slots.get(&key).is_some_and(|slot| slot.owner == class)
    }

    /// Tells of each property of a class how code declares it.
    pub(crate) fn lay_out(&self, layout: &Layout, properties: &mut [Property]) {
        let bases: Vec<Arc<Layout>> = layout.bases.iter().map(|base| self.layout(*base)).collect();
        for property in properties {
            let key = key_of(property);
            let Some(slot) = layout.slots.get(&key) else { continue };
            self.name_values(slot.owner, key, &mut property.ranges);
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

    /// The properties that a base has and that are not among those of a class.
    pub(crate) fn barred(&self, layout: &Layout, properties: &[Property]) -> Vec<Property> {
        if layout.slots.len() == properties.len() {
            return Vec::new();
        }
        let known: BTreeSet<Key> = properties.iter().map(key_of).collect();
        let missing = layout.slots.keys().filter(|key| !known.contains(key));
        by_name(missing.filter_map(|key| self.of_a_base(layout, *key)).collect())
    }

    /// A property as the first base has it that has it at all.
    fn of_a_base(&self, layout: &Layout, key: Key) -> Option<Property> {
        layout.bases.iter().enumerate().find_map(|(index, base)| {
            let above = self.layout(*base);
            above.slots.get(&key)?;
            let sites = Sites::of(self, *base);
            let named = sites.named();
            let found = self.property_without_texts(key, named.get(&key)?, &sites);
            // The base may have it in code only, too.
            let mut property = found.or_else(|| self.of_a_base(&above, key))?;
            self.lay_out(&above, std::slice::from_mut(&mut property));
            property.slot.is_own = false;
            property.slot.is_repeated = index > 0;
            Some(self.with_texts(property))
        })
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

    /// The classes that code extends.
    pub(crate) fn bases(&self, layout: &Layout) -> Vec<ClassRef> {
        self.class_refs(&layout.bases)
    }
}
