//! Which facts the answers of views were worked out of, and from which reads.
//!
//! A fact reads patterns, and uses other facts. Both stand in one index, so that what a
//! change of quads makes stale is found by following readers: of patterns to facts, and of
//! facts to further facts. Artifacts and lists that use an answer have it in their index in
//! the same way.

use bytes::Bytes;
use evergen_delta::{EncodedQuad, Fingerprint};
use evergen_depgraph::PatternIndex;
use rustc_hash::{FxHashMap, FxHashSet};

use super::segment::Unusable;

/// No fact has a number of this fingerprint.
const FREE: u64 = 0;

/// All known facts with their reads.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// By the facts' numbers.
    index: PatternIndex,
    ids: Vec<u64>,
    numbers: FxHashMap<Fingerprint, u32>,
    free: Vec<u32>,
}

/// Facts with what each of them reads from now on; `None` for one that is not known any more.
pub(crate) type FactChanges = Vec<(Fingerprint, Option<Vec<Fingerprint>>)>;

impl Facts {
    /// Everything at once, as after a full generation.
    pub(crate) fn build(changes: &FactChanges) -> Self {
        let known = || changes.iter().filter_map(|(fact, reads)| Some((fact, reads.as_deref()?)));
        let ids = known().map(|(fact, _)| fact.to_raw()).collect();
        let numbered = known().zip(0u32..).map(|((_, reads), number)| (number, reads));
        let index = PatternIndex::build(numbered);
        Self::numbered(index, ids)
    }

    fn numbered(index: PatternIndex, ids: Vec<u64>) -> Self {
        let mut facts = Self { index, ids, ..Self::default() };
        for (number, id) in (0u32..).zip(&facts.ids) {
            if *id == FREE {
                facts.free.push(number);
            } else {
                facts.numbers.insert(Fingerprint::from_raw(*id), number);
            }
        }
        facts
    }

    /// Takes in what a cycle found out.
    pub(crate) fn replay(&mut self, changes: &FactChanges) {
        for (fact, reads) in changes {
            match reads {
                Some(reads) => {
                    let number = self.number(*fact);
                    self.index.record(number, reads.iter().copied());
                }
                None => self.forget(*fact),
            }
        }
    }

    fn number(&mut self, fact: Fingerprint) -> u32 {
        if let Some(number) = self.numbers.get(&fact) {
            return *number;
        }
        let number = self.free.pop().unwrap_or_else(|| {
            self.ids.push(FREE);
            u32::try_from(self.ids.len() - 1).unwrap_or(u32::MAX)
        });
        self.ids[number as usize] = fact.to_raw();
        self.numbers.insert(fact, number);
        number
    }

    fn forget(&mut self, fact: Fingerprint) {
        if let Some(number) = self.numbers.remove(&fact) {
            self.index.forget(number);
            self.ids[number as usize] = FREE;
            self.free.push(number);
        }
    }

    pub(crate) fn contains(&self, fact: Fingerprint) -> bool {
        self.numbers.contains_key(&fact)
    }

    /// Whether a fact is known to be worked out of just these reads, ascending.
    pub(crate) fn has(&self, fact: Fingerprint, reads: &[Fingerprint]) -> bool {
        let number = self.numbers.get(&fact);
        number.is_some_and(|number| self.index.reads_of(*number).eq(reads.iter().copied()))
    }

    /// All facts.
    pub(crate) fn all(&self) -> FxHashSet<Fingerprint> {
        self.numbers.keys().copied().collect()
    }

    /// The facts that a change of `quads` can have changed, by what they read themselves or by
    /// facts that went into them.
    pub(crate) fn affected<'a>(
        &self,
        quads: impl IntoIterator<Item = &'a EncodedQuad>,
    ) -> FxHashSet<Fingerprint> {
        let mut found = FxHashSet::default();
        if self.numbers.is_empty() {
            return found;
        }
        let mut open = self.index.affected(quads);
        while let Some(number) = open.pop() {
            let id = self.ids.get(number as usize).copied().unwrap_or(FREE);
            let fact = Fingerprint::from_raw(id);
            if id != FREE && found.insert(fact) {
                open.extend(self.index.readers_of(fact));
            }
        }
        found
    }

    /// About how many bytes all of this takes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.index.memory_bytes() + self.ids.len() * 8 + self.numbers.len() * 16
    }

    /// The index, and the facts by their numbers.
    pub(crate) fn to_parts(&self) -> (&PatternIndex, Bytes) {
        let ids: Vec<u8> = self.ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        (&self.index, ids.into())
    }

    /// What [`to_parts`](Self::to_parts) gave.
    pub(crate) fn from_parts(index: PatternIndex, ids: &Bytes) -> Result<Self, Unusable> {
        let (numbers, rest) = ids.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(Unusable::Damaged);
        }
        let ids = numbers.iter().map(|id| u64::from_le_bytes(*id)).collect();
        Ok(Self::numbered(index, ids))
    }
}
