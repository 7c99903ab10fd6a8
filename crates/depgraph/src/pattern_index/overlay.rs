use std::collections::hash_map::Entry;

use evergen_delta::Fingerprint;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::base::Base;

/// What was recorded since the base was made.
///
/// An entry of the base stays valid for a computation that was recorded anew
/// and read the same pattern again, so only what is new is added here.
#[derive(Clone, Debug, Default)]
pub(super) struct Overlay {
    /// All reads, ascending, of each computation whose reads are not those of the base.
    replaced: FxHashMap<u32, Box<[Fingerprint]>>,
    /// The computations, ascending, that read a pattern and did not in the base.
    readers: FxHashMap<Fingerprint, SmallVec<[u32; 4]>>,
    entries: usize,
}

impl Overlay {
    /// Notes that `computation` has these reads, ascending, whatever it had before.
    pub(super) fn replace(&mut self, base: &Base, computation: u32, reads: Vec<Fingerprint>) {
        let in_base = base.reads_of(computation);
        let old = self.replaced.remove(&computation);
        self.entries -= old.as_deref().map_or(0, weight);
        for gone in old.iter().flatten().filter(|one| !holds(&reads, **one)) {
            self.remove_reader(*gone, computation);
        }
        let known = old.as_deref().unwrap_or(in_base);
        for new in reads.iter().filter(|one| !holds(known, **one) && !holds(in_base, **one)) {
            self.add_reader(*new, computation);
        }
        if reads != in_base {
            self.entries += weight(&reads);
            self.replaced.insert(computation, reads.into());
        }
    }

    /// Whether the base's entry of this pattern for this computation is out of date.
    pub(super) fn hides(&self, computation: u32, fingerprint: Fingerprint) -> bool {
        self.reads_of(computation).is_some_and(|reads| !holds(reads, fingerprint))
    }

    /// The computations that read a pattern and did not in the base, ascending.
    pub(super) fn readers_of(&self, fingerprint: Fingerprint) -> &[u32] {
        self.readers.get(&fingerprint).map_or(&[], |readers| readers)
    }

    /// What a computation read, if that is not what it read in the base.
    pub(super) fn reads_of(&self, computation: u32) -> Option<&[Fingerprint]> {
        self.replaced.get(&computation).map(AsRef::as_ref)
    }

    /// All entries that are not in the base, ascending.
    pub(super) fn additions(&self) -> Vec<(Fingerprint, u32)> {
        let mut all: Vec<(Fingerprint, u32)> = self
            .readers
            .iter()
            .flat_map(|(fingerprint, readers)| readers.iter().map(|one| (*fingerprint, *one)))
            .collect();
        all.sort_unstable();
        all
    }

    pub(super) fn is_empty(&self) -> bool {
        self.replaced.is_empty()
    }

    /// How many reads are noted here, and one for each computation.
    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    pub(super) fn bytes(&self) -> usize {
        // A slot of a hash map has a control byte besides key and value.
        let replaced = size_of::<(u32, Box<[Fingerprint]>)>() + 1;
        let readers = size_of::<(Fingerprint, SmallVec<[u32; 4]>)>() + 1;
        let long = self.readers.values().filter(|readers| readers.spilled());
        self.replaced.capacity() * replaced
            + self.entries * size_of::<Fingerprint>()
            + self.readers.capacity() * readers
            + long.map(|readers| readers.capacity() * size_of::<u32>()).sum::<usize>()
    }

    fn add_reader(&mut self, fingerprint: Fingerprint, computation: u32) {
        let readers = self.readers.entry(fingerprint).or_default();
        if let Err(place) = readers.binary_search(&computation) {
            readers.insert(place, computation);
        }
    }

    fn remove_reader(&mut self, fingerprint: Fingerprint, computation: u32) {
        if let Entry::Occupied(mut readers) = self.readers.entry(fingerprint) {
            if let Ok(place) = readers.get().binary_search(&computation) {
                readers.get_mut().remove(place);
            }
            if readers.get().is_empty() {
                readers.remove();
            }
        }
    }
}

fn holds(reads: &[Fingerprint], wanted: Fingerprint) -> bool {
    reads.binary_search(&wanted).is_ok()
}

fn weight(reads: &[Fingerprint]) -> usize {
    reads.len() + 1
}
