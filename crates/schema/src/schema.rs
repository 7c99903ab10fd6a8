//! The view itself, and what it remembers.

use std::cell::RefCell;
use std::sync::Arc;

use evergen_delta::TermId;
use evergen_knowledge::{FactId, TrackedReader};
use rustc_hash::FxHashMap;

use crate::classify::{Groups, Node, Standing};
use crate::constraints::Constraints;
use crate::graph::{List, Star};
use crate::hierarchy::{Lineage, Place};
use crate::layout::Layout;
use crate::own::OwnProperties;
use crate::properties::{Key, Plain};
use crate::{ContextTerm, DataRange, Options, Text};

/// A lazy view of a model: reads only when it is asked, and only what the answer needs.
///
/// What was read once is remembered, so that asking for all classes of a model costs little
/// more than reading each statement once.
///
/// # Laws
/// - Every answer depends on nothing but the quads that were read through the reader.
/// - Every question has an answer, whatever the model says; none of them loops.
pub struct Schema<'a> {
    pub(crate) reader: &'a dyn TrackedReader,
    pub(crate) options: &'a Options,
    pub(crate) memo: Memo,
}

/// What was found out, by the fact that it is.
pub(crate) type Table<T> = RefCell<FxHashMap<FactId, T>>;

/// What a [`Schema`] has found out so far.
///
/// It may be kept while no schema is alive, and belongs to one reader: what is remembered
/// is not read again, so a tracker that has never seen the reads would miss them. A
/// [`FactTracker`](evergen_knowledge::FactTracker) is told which facts are used, and so knows
/// what each answer depends on, however much of it was found out for others. When the model
/// changes, [`forget`](Self::forget) leaves what still holds.
#[derive(Debug, Default)]
pub struct Memo {
    pub(crate) stars: RefCell<FxHashMap<TermId, Star>>,
    /// Texts of terms, which are the same in every model.
    pub(crate) iris: RefCell<FxHashMap<TermId, Text>>,
    pub(crate) groups: RefCell<Groups>,
    pub(crate) names: Table<Text>,
    pub(crate) property_names: Table<Text>,
    pub(crate) lists: Table<Arc<List>>,
    pub(crate) heads: Table<Option<TermId>>,
    pub(crate) nodes: Table<Arc<Node>>,
    pub(crate) standings: Table<Standing>,
    pub(crate) places: Table<Arc<Place>>,
    pub(crate) lineages: Table<Arc<Lineage>>,
    pub(crate) equivalents: Table<Arc<[TermId]>>,
    pub(crate) declared: Table<Arc<[TermId]>>,
    pub(crate) constraints: Table<Arc<Constraints>>,
    pub(crate) data: Table<Arc<DataRange>>,
    pub(crate) own: Table<Arc<OwnProperties>>,
    pub(crate) layouts: Table<Arc<Layout>>,
    pub(crate) plain: Table<Arc<Plain>>,
    pub(crate) terms: Table<Arc<[ContextTerm]>>,
}

impl Memo {
    /// Forgets what a change of the model can have made untrue: the facts that it can have
    /// changed, all that they went into included, and all that was read of the subjects of its
    /// quads. What is left holds in the changed model.
    pub fn forget(&mut self, facts: &[FactId], subjects: impl IntoIterator<Item = TermId>) {
        fn without<T>(table: &mut Table<T>, facts: &[FactId]) {
            let table = table.get_mut();
            for fact in facts {
                table.remove(fact);
            }
        }
        let stars = self.stars.get_mut();
        for subject in subjects {
            stars.remove(&subject);
        }
        self.groups.get_mut().forget(facts);
        without(&mut self.names, facts);
        without(&mut self.property_names, facts);
        without(&mut self.lists, facts);
        without(&mut self.heads, facts);
        without(&mut self.nodes, facts);
        without(&mut self.standings, facts);
        without(&mut self.places, facts);
        without(&mut self.lineages, facts);
        without(&mut self.equivalents, facts);
        without(&mut self.declared, facts);
        without(&mut self.constraints, facts);
        without(&mut self.data, facts);
        without(&mut self.own, facts);
        without(&mut self.layouts, facts);
        without(&mut self.plain, facts);
        without(&mut self.terms, facts);
    }
}

impl<'a> Schema<'a> {
    /// A view through a reader; nothing is read yet.
    pub fn new(reader: &'a dyn TrackedReader, options: &'a Options) -> Self {
        Self::resume(reader, options, Memo::default())
    }

    /// A view that goes on where another one of the same reader and options stopped.
    pub fn resume(reader: &'a dyn TrackedReader, options: &'a Options, memo: Memo) -> Self {
        Self { reader, options, memo }
    }

    /// What was found out, for [`resume`](Self::resume).
    pub fn into_memo(self) -> Memo {
        self.memo
    }

    /// What a table remembers, or else is found out now: a fact, either way.
    pub(crate) fn remembered<T: Clone>(
        &self,
        table: &Table<T>,
        fact: FactId,
        find: impl FnOnce() -> T,
    ) -> T {
        if let Some(known) = table.borrow().get(&fact) {
            self.reader.uses_fact(fact);
            return known.clone();
        }
        self.reader.open_fact(fact);
        let found = find();
        self.reader.close_fact();
        table.borrow_mut().insert(fact, found.clone());
        found
    }
}

/// The fact of a kind about a term.
pub(crate) fn about(kind: &str, term: TermId) -> FactId {
    FactId::of(kind, &[term.to_raw()])
}

/// The fact of a kind about a property.
pub(crate) fn about_key(kind: &str, key: Key) -> FactId {
    FactId::of(kind, &[key.property.to_raw(), u64::from(key.is_reversed)])
}

impl std::fmt::Debug for Schema<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schema").field("options", self.options).finish_non_exhaustive()
    }
}
