//! The view itself, and what it remembers.

use std::cell::RefCell;
use std::hash::Hash;
use std::sync::Arc;

use evergen_delta::TermId;
use evergen_knowledge::{FactId, TrackedReader};
use rustc_hash::FxHashMap;

use crate::classify::{Groups, Node, Standing};
use crate::constraints::Constraints;
use crate::graph::{List, Star};
use crate::hierarchy::{Lineage, Place};
use crate::own::OwnProperties;
use crate::properties::{Key, Plain};
use crate::slots::Layout;
use crate::{DataRange, Options, Text};

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

/// What a [`Schema`] has found out so far.
///
/// It may be kept while no schema is alive, and belongs to one reader: what is remembered
/// is not read again, so a tracker that has never seen the reads would miss them. A
/// [`FactTracker`](evergen_knowledge::FactTracker) is told which facts are used, and so knows
/// what each answer depends on, however much of it was found out for others.
#[derive(Debug, Default)]
pub struct Memo {
    pub(crate) stars: RefCell<FxHashMap<TermId, Star>>,
    pub(crate) iris: RefCell<FxHashMap<TermId, Text>>,
    pub(crate) names: RefCell<FxHashMap<TermId, Text>>,
    pub(crate) property_names: RefCell<FxHashMap<Key, Text>>,
    pub(crate) lists: RefCell<FxHashMap<TermId, Arc<List>>>,
    pub(crate) heads: RefCell<FxHashMap<TermId, Option<TermId>>>,
    pub(crate) nodes: RefCell<FxHashMap<TermId, Arc<Node>>>,
    pub(crate) groups: RefCell<Groups>,
    pub(crate) standings: RefCell<FxHashMap<TermId, Standing>>,
    pub(crate) places: RefCell<FxHashMap<TermId, Arc<Place>>>,
    pub(crate) lineages: RefCell<FxHashMap<TermId, Arc<Lineage>>>,
    pub(crate) equivalents: RefCell<FxHashMap<TermId, Arc<[TermId]>>>,
    pub(crate) declared: RefCell<FxHashMap<TermId, Arc<[TermId]>>>,
    pub(crate) constraints: RefCell<FxHashMap<TermId, Arc<Constraints>>>,
    pub(crate) data: RefCell<FxHashMap<TermId, Arc<DataRange>>>,
    pub(crate) own: RefCell<FxHashMap<TermId, Arc<OwnProperties>>>,
    pub(crate) layouts: RefCell<FxHashMap<TermId, Arc<Layout>>>,
    pub(crate) plain: RefCell<FxHashMap<(Key, bool), Arc<Plain>>>,
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
    pub(crate) fn remembered<K: Copy + Eq + Hash, T: Clone>(
        &self,
        table: &RefCell<FxHashMap<K, T>>,
        key: K,
        fact: FactId,
        find: impl FnOnce() -> T,
    ) -> T {
        if let Some(known) = table.borrow().get(&key) {
            self.reader.uses_fact(fact);
            return known.clone();
        }
        self.reader.open_fact(fact);
        let found = find();
        self.reader.close_fact();
        table.borrow_mut().insert(key, found.clone());
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
