//! Reading the model, and knowing afterwards what was read.

use std::sync::{Mutex, PoisonError};

use evergen_delta::{Delta, QuadPattern, TermId, TermRef};

use crate::{FactId, Quads, Snapshot};

/// A view of a model through which everything is read by pattern.
///
/// # Laws
/// - `quads(pattern)` gives every quad that matches, each once, in an order that
///   depends on the quads' content alone.
/// - Two calls with one pattern give the same, as long as the reader lives.
/// - `term(id)` has no effect on what counts as read: an id says what its term says.
///
/// # Facts
/// Who works something out and remembers it says so: what is read between
/// [`open_fact`](Self::open_fact) and [`close_fact`](Self::close_fact) was read for that fact,
/// and who uses it later [says that](Self::uses_fact) instead of reading again. Readers that
/// live no longer than one computation need not care, and do nothing: what was read once
/// counts as read to the end of it.
pub trait TrackedReader: Send + Sync {
    /// The quads that match `pattern`.
    fn quads(&self, pattern: QuadPattern) -> Quads<'_>;

    /// What the term with this id says, if the model's dictionary knows it.
    fn term(&self, id: TermId) -> Option<TermRef<'_>>;

    /// Counts a pattern as read whose quads the caller remembers.
    fn reads_again(&self, _pattern: QuadPattern) {}

    /// From here on a fact is worked out; another one may be opened before it is closed.
    fn open_fact(&self, _fact: FactId) {}

    /// The fact that was opened last is worked out, and goes into the one before.
    fn close_fact(&self) {}

    /// A fact that was worked out before is used.
    fn uses_fact(&self, _fact: FactId) {}
}

/// The distinct patterns that were read.
#[derive(Clone, Debug, Default)]
pub struct ReadSet {
    patterns: Vec<QuadPattern>,
    /// So many of the patterns, from the first on, are sorted and distinct.
    settled: usize,
}

impl ReadSet {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a read.
    pub fn record(&mut self, pattern: QuadPattern) {
        if self.patterns.last() == Some(&pattern) {
            return;
        }
        self.patterns.push(pattern);
        // Sorting at every doubling bounds the memory by the distinct reads.
        if self.patterns.len() > 2 * self.settled + 256 {
            self.settle();
        }
    }

    /// Notes all reads of another set.
    pub fn extend(&mut self, other: &Self) {
        for pattern in &other.patterns {
            self.record(*pattern);
        }
    }

    /// The distinct patterns, sorted.
    pub fn into_patterns(mut self) -> Vec<QuadPattern> {
        self.settle();
        self.patterns
    }

    fn settle(&mut self) {
        self.patterns.sort_unstable();
        self.patterns.dedup();
        self.settled = self.patterns.len();
    }
}

/// Reads a [`Snapshot`] and remembers which patterns were asked for.
#[derive(Debug, Default)]
pub struct Tracker {
    snapshot: Snapshot,
    // Each computation has a tracker of its own, so the lock is never waited for.
    reads: Mutex<ReadSet>,
}

impl Tracker {
    /// A tracker that has read nothing yet.
    pub fn new(snapshot: Snapshot) -> Self {
        Self { snapshot, reads: Mutex::new(ReadSet::new()) }
    }

    /// What is being read.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Counts patterns as read that were read by another tracker of the same model.
    pub fn record(&self, patterns: &[QuadPattern]) {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        for pattern in patterns {
            reads.record(*pattern);
        }
    }

    /// What was read since the last call, leaving nothing.
    pub fn take_reads(&self) -> ReadSet {
        std::mem::take(&mut *self.reads.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl TrackedReader for Tracker {
    fn quads(&self, pattern: QuadPattern) -> Quads<'_> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner).record(pattern);
        self.snapshot.quads(pattern)
    }

    fn term(&self, id: TermId) -> Option<TermRef<'_>> {
        self.snapshot.term(id)
    }
}

/// A model as it was before a change, seen through the model as it is now.
///
/// Costs nothing to make, where a [`Snapshot`] that is kept would make the change copy
/// what it changes.
#[derive(Clone, Copy, Debug)]
pub struct Rewound<'a> {
    now: &'a Snapshot,
    change: &'a Delta,
}

impl<'a> Rewound<'a> {
    /// The state to which applying `change` gave `now`. The change must be net: what it
    /// inserted was not there, and what it removed was.
    pub fn new(now: &'a Snapshot, change: &'a Delta) -> Self {
        Self { now, change }
    }
}

impl TrackedReader for Rewound<'_> {
    fn quads(&self, pattern: QuadPattern) -> Quads<'_> {
        let kept = self.now.quads(pattern).filter(|quad| !self.change.inserted.contains(quad));
        let gone = self.change.removed.iter().copied().filter(move |quad| pattern.matches(quad));
        Quads::from_iterator(kept.chain(gone))
    }

    fn term(&self, id: TermId) -> Option<TermRef<'_>> {
        self.now.term(id)
    }
}
