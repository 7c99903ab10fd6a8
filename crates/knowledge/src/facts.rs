//! Facts: what was worked out of reads, and goes into further work.
//!
//! A class has a hundred properties, and each of them is found out of a dozen reads, the
//! same for every class that has it. To list all reads of all classes would repeat them a
//! thousand times. So what is worked out once is a *fact* that names its own reads and the
//! facts that went into it, and whoever uses a fact needs to name that alone: it is to be
//! worked out anew if one of its reads is touched, or a fact that went into it is.

use std::sync::{Mutex, PoisonError};

use evergen_delta::{Fingerprint, QuadPattern, TermId, TermRef};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use twox_hash::XxHash3_64;

use crate::{Quads, Snapshot, TrackedReader};

/// By what a fact is known: a hash of what it is about, the same in every process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactId(Fingerprint);

impl FactId {
    /// The fact of a kind about some terms, or other numbers.
    pub fn of(kind: &str, about: &[u64]) -> Self {
        let mut hashed: SmallVec<[u8; 64]> = SmallVec::from_slice(kind.as_bytes());
        for part in about {
            hashed.extend_from_slice(&part.to_le_bytes());
        }
        Self(Fingerprint::from_raw(XxHash3_64::oneshot(&hashed)))
    }

    /// The same, as an index of patterns knows it.
    pub fn fingerprint(self) -> Fingerprint {
        self.0
    }

    /// The fact that an index of patterns knows by `fingerprint`.
    pub fn from_fingerprint(fingerprint: Fingerprint) -> Self {
        Self(fingerprint)
    }
}

/// What a fact was worked out of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FactReads {
    /// The patterns that were read for it alone, sorted.
    pub patterns: Vec<QuadPattern>,
    /// The facts that went into it, sorted.
    pub facts: Vec<FactId>,
}

impl FactReads {
    fn settle(&mut self) {
        self.patterns.sort_unstable();
        self.patterns.dedup();
        self.facts.sort_unstable();
        self.facts.dedup();
        // What is read of a subject whose every statement was read adds nothing.
        let mut whole = None;
        self.patterns.retain(|pattern| {
            let is_whole = pattern.predicate == TermId::ANY && pattern.object == TermId::ANY;
            if is_whole && pattern.subject != TermId::ANY {
                whole = Some((pattern.subject, pattern.graph));
                return true;
            }
            whole != Some((pattern.subject, pattern.graph))
        });
    }
}

/// Reads a [`Snapshot`], and knows for each fact what it was worked out of.
///
/// What is read outside of any fact is not noted. When the model changes, a tracker can go on:
/// [`forget`](Self::forget) what the change can have made untrue, and [`turn_to`](Self::turn_to)
/// the changed model.
#[derive(Debug, Default)]
pub struct FactTracker {
    snapshot: Snapshot,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    /// The facts that are being worked out, each for the one before it.
    open: Vec<(FactId, FactReads)>,
    known: FxHashMap<FactId, FactReads>,
    /// Facts that were worked out since the last time that somebody asked for these, maybe
    /// more than once.
    new: Vec<FactId>,
}

impl FactTracker {
    /// A tracker that knows no fact yet.
    pub fn new(snapshot: Snapshot) -> Self {
        Self { snapshot, noted: Mutex::default() }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Noted) -> T) -> T {
        change(&mut self.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The facts that were worked out since this was asked last, with what went into each;
    /// they stay known.
    pub fn take_new(&self) -> Vec<(FactId, FactReads)> {
        self.with(|noted| {
            let mut new = std::mem::take(&mut noted.new);
            new.sort_unstable();
            new.dedup();
            let known = |fact| Some((fact, noted.known.get(&fact)?.clone()));
            new.into_iter().filter_map(known).collect()
        })
    }

    /// How many facts are known.
    pub fn len(&self) -> usize {
        self.with(|noted| noted.known.len())
    }

    /// Whether no fact is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes what is known takes.
    pub fn memory_bytes(&self) -> usize {
        self.with(|noted| {
            let of = |reads: &FactReads| {
                reads.patterns.capacity() * size_of::<QuadPattern>() + reads.facts.capacity() * 8
            };
            let entries = noted.known.capacity() * size_of::<(FactId, FactReads)>();
            entries + noted.known.values().map(of).sum::<usize>()
        })
    }

    /// Forgets facts. Those into which they went have to be among them.
    pub fn forget(&mut self, facts: &[FactId]) {
        self.with(|noted| {
            for fact in facts {
                noted.known.remove(fact);
            }
        });
    }

    /// Reads another snapshot from now on, in which all known facts have to hold.
    pub fn turn_to(&mut self, snapshot: Snapshot) {
        self.snapshot = snapshot;
    }

    /// Gives up the facts that are being worked out, as after a panic.
    pub fn abandon(&self) {
        self.with(|noted| noted.open.clear());
    }

    /// What a fact was worked out of; none for one that was not.
    pub fn reads_of(&self, fact: FactId) -> Option<FactReads> {
        self.with(|noted| noted.known.get(&fact).cloned())
    }

    /// All patterns that a fact depends on, by itself or by others, sorted.
    pub fn patterns_of(&self, fact: FactId) -> Vec<QuadPattern> {
        self.with(|noted| {
            let mut found = Vec::new();
            let mut open = vec![fact];
            let mut seen = rustc_hash::FxHashSet::from_iter([fact]);
            while let Some(next) = open.pop() {
                let Some(reads) = noted.known.get(&next) else { continue };
                found.extend_from_slice(&reads.patterns);
                open.extend(reads.facts.iter().filter(|fact| seen.insert(**fact)));
            }
            found.sort_unstable();
            found.dedup();
            found
        })
    }
}

impl TrackedReader for FactTracker {
    fn quads(&self, pattern: QuadPattern) -> Quads<'_> {
        self.reads_again(pattern);
        self.snapshot.quads(pattern)
    }

    fn term(&self, id: TermId) -> Option<TermRef<'_>> {
        self.snapshot.term(id)
    }

    fn reads_again(&self, pattern: QuadPattern) {
        self.with(|noted| {
            if let Some((_, reads)) = noted.open.last_mut() {
                reads.patterns.push(pattern);
            }
        });
    }

    fn open_fact(&self, fact: FactId) {
        self.with(|noted| noted.open.push((fact, FactReads::default())));
    }

    fn close_fact(&self) {
        self.with(|noted| {
            let Some((fact, mut reads)) = noted.open.pop() else { return };
            reads.settle();
            noted.known.insert(fact, reads);
            noted.new.push(fact);
            if let Some((_, user)) = noted.open.last_mut() {
                user.facts.push(fact);
            }
        });
    }

    fn uses_fact(&self, fact: FactId) {
        self.with(|noted| {
            if let Some((_, user)) = noted.open.last_mut() {
                user.facts.push(fact);
            }
        });
    }
}
