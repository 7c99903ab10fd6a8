//! What is above and below a class.

use std::sync::Arc;

use evergen_delta::TermId;
use rustc_hash::FxHashSet;

use crate::classify::Standing;
use crate::graph::Ids;
use crate::schema::about;
use crate::vocabulary::v;
use crate::{ClassRef, Schema};

/// Where a class stands.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// The terms that speak for the class: those that are it, and those above it that have
    /// no code of their own, so that what they say is said of it.
    pub(crate) territory: Vec<TermId>,
    /// The classes directly above, by IRI; one that is above another is left out.
    pub(crate) parents: Vec<TermId>,
}

/// All classes above one.
#[derive(Debug, Default)]
pub(crate) struct Lineage {
    /// Nearest first, each once.
    pub(crate) ancestors: Vec<TermId>,
    /// The same for looking up.
    pub(crate) above: FxHashSet<TermId>,
}

impl Schema<'_> {
    /// Where a class stands, by the term that stands for it.
    pub(crate) fn place_of(&self, class: TermId) -> Arc<Place> {
        // Places of classes above come first, so that no call is nested in another.
        let mut open = vec![class];
        while let Some(next) = open.last().copied() {
            let fact = about("place", next);
            if self.memo.places.borrow().contains_key(&fact) {
                open.pop();
                continue;
            }
            // What is read for a place that waits for others is read again for the place.
            self.reader.open_fact(fact);
            let (territory, direct) = self.territory(next);
            // Where only one is directly above, nothing depends on what is above that.
            let missing = if direct.len() < 2 { Vec::new() } else { self.unplaced(&direct) };
            if missing.is_empty() {
                open.pop();
                let place = Arc::new(self.find_place(territory, direct));
                self.memo.places.borrow_mut().insert(fact, place);
            } else {
                open.extend(missing);
            }
            self.reader.close_fact();
        }
        let fact = about("place", class);
        self.reader.uses_fact(fact);
        Arc::clone(&self.memo.places.borrow()[&fact])
    }

    /// Classes at or above some whose places are to be found first. Those with one class directly
    /// above need no other place, and get theirs here.
    fn unplaced(&self, classes: &[TermId]) -> Vec<TermId> {
        let mut missing = Vec::new();
        let mut seen = FxHashSet::default();
        let mut open = classes.to_vec();
        while let Some(class) = open.pop() {
            if !seen.insert(class) {
                continue;
            }
            let fact = about("place", class);
            if let Some(place) = self.memo.places.borrow().get(&fact) {
                open.extend(&place.parents);
                continue;
            }
            self.reader.open_fact(fact);
            let (territory, parents) = self.territory(class);
            self.reader.close_fact();
            if parents.len() < 2 {
                open.extend(&parents);
                let place = Arc::new(Place { territory, parents });
                self.memo.places.borrow_mut().insert(fact, place);
            } else {
                missing.push(class);
            }
        }
        missing
    }

    /// The terms that speak for a class, and the classes directly above them.
    fn territory(&self, class: TermId) -> (Vec<TermId>, Vec<TermId>) {
        let mut territory = self.members(class);
        let mut parents = Vec::new();
        let mut seen: FxHashSet<TermId> = territory.iter().copied().collect();
        let mut at = 0;
        while let Some(term) = territory.get(at).copied() {
            at += 1;
            let node = self.node(term);
            for above in self.above(term, &node) {
                match self.standing(above) {
                    Standing::Class(parent) if parent != class => parents.push(parent),
                    Standing::Class(_) | Standing::Datatype(_) => {}
                    Standing::Enumeration(_) | Standing::Hidden => {
                        territory.extend(
                            self.members(above).into_iter().filter(|term| seen.insert(*term)),
                        );
                    }
                }
            }
        }
        self.sort(&mut parents);
        (territory, parents)
    }

    fn find_place(&self, territory: Vec<TermId>, direct: Vec<TermId>) -> Place {
        if direct.len() < 2 {
            return Place { territory, parents: direct };
        }
        let places = self.memo.places.borrow();
        let mut above = FxHashSet::default();
        let mut open = direct.clone();
        while let Some(class) = open.pop() {
            let fact = about("place", class);
            self.reader.uses_fact(fact);
            open.extend(places[&fact].parents.iter().filter(|parent| above.insert(**parent)));
        }
        let parents = direct.into_iter().filter(|parent| !above.contains(parent)).collect();
        Place { territory, parents }
    }

    /// All classes above a class, by the term that stands for it.
    pub(crate) fn lineage(&self, class: TermId) -> Arc<Lineage> {
        let fact = about("lineage", class);
        self.remembered(&self.memo.lineages, fact, || self.find_lineage(class).into())
    }

    fn find_lineage(&self, class: TermId) -> Lineage {
        let mut lineage = Lineage::default();
        let mut level = self.place_of(class).parents.clone();
        while !level.is_empty() {
            self.sort(&mut level);
            level.retain(|class| lineage.above.insert(*class));
            lineage.ancestors.extend(&level);
            level = level.iter().flat_map(|class| self.place_of(*class).parents.clone()).collect();
        }
        lineage
    }

    /// The classes directly below, by IRI.
    pub(crate) fn children_of(&self, class: TermId) -> Vec<TermId> {
        let mut children = Vec::new();
        let mut open = self.members(class);
        let mut seen: FxHashSet<TermId> = open.iter().copied().collect();
        while let Some(term) = open.pop() {
            for below in self.perhaps_below(term) {
                // A nameless class stands between two that have names.
                let is_way = match self.standing(below) {
                    Standing::Class(child) if child != class => {
                        children.push(child);
                        !self.is_iri(below)
                    }
                    Standing::Class(_) | Standing::Datatype(_) => !self.is_iri(below),
                    Standing::Enumeration(_) | Standing::Hidden => true,
                };
                if is_way && seen.insert(below) {
                    open.push(below);
                }
            }
        }
        self.sort(&mut children);
        children.retain(|child| self.place_of(*child).parents.contains(&class));
        children
    }

    /// Named terms that are directly below one.
    pub(crate) fn below(&self, term: TermId) -> Ids {
        let mut below = self.subjects(v().sub_class_of, term);
        for whole in self.wholes(term, &[v().intersection_of]) {
            if self.is_iri(whole) {
                below.push(whole);
                continue;
            }
            below.extend(self.subjects(v().sub_class_of, whole));
            below.extend(self.subjects(v().equivalent_class, whole));
            below.extend(self.objects(whole, v().equivalent_class));
        }
        for union in &self.node(term).unions {
            below.extend(self.list(*union).members.iter().copied());
        }
        below.retain(|term| self.is_iri(*term));
        below
    }

    /// Terms that may be directly below one, named or not; some of them are not.
    fn perhaps_below(&self, term: TermId) -> Ids {
        let mut below = self.subjects(v().sub_class_of, term);
        below.extend(self.subjects(v().equivalent_class, term));
        below.extend(self.objects(term, v().equivalent_class));
        below.extend(self.wholes(term, &[v().intersection_of]));
        for union in &self.node(term).unions {
            below.extend(self.list(*union).members.iter().copied());
        }
        below
    }

    /// A class, enumeration or datatype to be referred to.
    pub(crate) fn class_ref(&self, term: TermId) -> ClassRef {
        ClassRef { iri: self.text(term), name: self.class_name(term) }
    }

    /// The same for several.
    pub(crate) fn class_refs(&self, terms: &[TermId]) -> Vec<ClassRef> {
        terms.iter().map(|term| self.class_ref(*term)).collect()
    }

    /// Whether a class is another one or below it.
    pub(crate) fn is_at_or_below(&self, class: TermId, other: TermId) -> bool {
        class == other || self.lineage(class).above.contains(&other)
    }
}
