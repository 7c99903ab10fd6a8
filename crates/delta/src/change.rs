use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::EncodedQuad;

/// What a change inserted and what it removed; no quad is in both.
///
/// `Q` is [`EncodedQuad`] inside a process and [`Quad`](crate::Quad) where a
/// change leaves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta<Q: Ord = EncodedQuad> {
    /// Quads that are there now and were not before.
    pub inserted: BTreeSet<Q>,
    /// Quads that were there before and are not now.
    pub removed: BTreeSet<Q>,
}

impl<Q: Ord> Default for Delta<Q> {
    fn default() -> Self {
        Self { inserted: BTreeSet::new(), removed: BTreeSet::new() }
    }
}

impl<Q: Ord> Delta<Q> {
    /// Notes that `quad` came, after everything noted so far.
    pub fn insert(&mut self, quad: Q) {
        if !self.removed.remove(&quad) {
            self.inserted.insert(quad);
        }
    }

    /// Notes that `quad` went, after everything noted so far.
    pub fn remove(&mut self, quad: Q) {
        if !self.inserted.remove(&quad) {
            self.removed.insert(quad);
        }
    }

    /// Appends a later change: the result is the net effect of both, one after the other.
    pub fn then(&mut self, later: Self) {
        for quad in later.removed {
            self.remove(quad);
        }
        for quad in later.inserted {
            self.insert(quad);
        }
    }

    /// The change that takes this one back.
    #[must_use]
    pub fn inverted(self) -> Self {
        Self { inserted: self.removed, removed: self.inserted }
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.inserted.is_empty() && self.removed.is_empty()
    }

    /// How many quads came or went.
    pub fn len(&self) -> usize {
        self.inserted.len() + self.removed.len()
    }

    /// Every quad that came or went, the removed ones first.
    pub fn quads(&self) -> impl Iterator<Item = &Q> {
        self.removed.iter().chain(&self.inserted)
    }
}
