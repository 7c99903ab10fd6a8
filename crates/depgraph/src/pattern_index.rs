use evergen_delta::{EncodedQuad, Fingerprint};

use base::Base;
use overlay::Overlay;

mod base;
mod column;
mod overlay;
mod search;
#[cfg(test)]
mod tests;

pub use base::IndexColumns;
pub use column::DamagedIndex;

/// Which computation read what: an index from the fingerprint of each recorded
/// pattern to the computations that recorded it, and back.
///
/// The bulk lies in sorted columns that are never changed (the *base*), and what
/// was recorded since in hash maps above them (the *overlay*).
/// [`compact`](Self::compact) makes one base of both. The columns are plain
/// bytes, see [`IndexColumns`], and are used in place: a caller may hand in a
/// mapped file, and only the pages that a look-up touches are ever read.
///
/// A computation is a number that the caller gave to whatever it computes.
#[derive(Clone, Debug, Default)]
pub struct PatternIndex {
    base: Base,
    overlay: Overlay,
}

/// So many probes are sorted, and freed of repetitions, at once.
const PROBES_AT_ONCE: usize = 1 << 16;
/// Below this an overlay is never worth a compaction.
const SMALL_OVERLAY: usize = 1 << 16;

impl PatternIndex {
    /// An index of everything at once, as after a full generation: sorted one
    /// time instead of recorded one by one. The reads of a computation that
    /// comes up repeatedly are united.
    pub fn build<'a>(reads: impl IntoIterator<Item = (u32, &'a [Fingerprint])>) -> Self {
        // One number for each entry, as these are sorted much faster than pairs.
        let mut entries: Vec<u128> = Vec::new();
        for (computation, fingerprints) in reads {
            entries.extend(fingerprints.iter().map(|fingerprint| {
                u128::from(fingerprint.to_raw()) << 32 | u128::from(computation)
            }));
        }
        entries.sort_unstable();
        let base = Base::from_sorted(entries.len(), entries.into_iter().map(unpack));
        Self { base, overlay: Overlay::default() }
    }

    /// Notes what `computation` read when it ran last, in place of what it read before.
    pub fn record(
        &mut self,
        computation: u32,
        fingerprints: impl IntoIterator<Item = Fingerprint>,
    ) {
        let mut reads: Vec<Fingerprint> = fingerprints.into_iter().collect();
        reads.sort_unstable();
        reads.dedup();
        self.overlay.replace(&self.base, computation, reads);
    }

    /// Notes that `computation` is gone.
    pub fn forget(&mut self, computation: u32) {
        self.overlay.replace(&self.base, computation, Vec::new());
    }

    /// The computations that read something which a change of `quads` can have
    /// changed, ascending. All others give what they gave.
    pub fn affected<'a>(&self, quads: impl IntoIterator<Item = &'a EncodedQuad>) -> Vec<u32> {
        let mut found = Vec::new();
        let mut probes = Vec::new();
        for quad in quads {
            probes.extend(quad.probes().map(|pattern| pattern.fingerprint()));
            if probes.len() >= PROBES_AT_ONCE {
                self.probe(&mut probes, &mut found);
            }
        }
        self.probe(&mut probes, &mut found);
        found
    }

    /// The computations that read the pattern with this fingerprint, ascending.
    pub fn readers_of(&self, fingerprint: Fingerprint) -> Vec<u32> {
        let mut found = Vec::new();
        self.probe(&mut vec![fingerprint], &mut found);
        found
    }

    /// What `computation` read, ascending; nothing for an unknown one.
    pub fn reads_of(&self, computation: u32) -> impl ExactSizeIterator<Item = Fingerprint> {
        let replaced = self.overlay.reads_of(computation);
        replaced.unwrap_or_else(|| self.base.reads_of(computation)).iter().copied()
    }

    /// Base and overlay as one set of columns, to be kept and given to
    /// [`from_columns`](Self::from_columns). Costs nothing after a [`compact`](Self::compact).
    pub fn to_columns(&self) -> IndexColumns {
        self.compacted().to_columns()
    }

    /// An index on columns that [`to_columns`](Self::to_columns) gave.
    ///
    /// Takes the same time for any size: lengths are checked, contents are not.
    /// No content makes the index panic or read out of bounds, but columns that
    /// are not what was written make it give wrong answers, among them
    /// computations that were never recorded; a caller that can't trust its
    /// medium compares a checksum first. Columns that are not aligned to 8 bytes
    /// are copied.
    ///
    /// # Errors
    /// The lengths of the columns don't fit together.
    pub fn from_columns(columns: IndexColumns) -> Result<Self, DamagedIndex> {
        Ok(Self { base: Base::from_columns(columns)?, overlay: Overlay::default() })
    }

    /// Whether the overlay has grown to a quarter of the base (and is not small),
    /// so that look-ups and memory gain from a [`compact`](Self::compact).
    pub fn compaction_due(&self) -> bool {
        self.overlay.entries() > SMALL_OVERLAY.max(self.base.entries() / 4)
    }

    /// Makes a new base of base and overlay, in a time that grows with both.
    pub fn compact(&mut self) {
        self.base = self.compacted();
        self.overlay = Overlay::default();
    }

    /// About how many bytes the index takes, those of a mapped file included.
    pub fn memory_bytes(&self) -> usize {
        self.base.bytes() + self.overlay.bytes()
    }

    fn probe(&self, probes: &mut Vec<Fingerprint>, found: &mut Vec<u32>) {
        probes.sort_unstable();
        probes.dedup();
        for fingerprint in probes.drain(..) {
            let readers = self.base.readers_of(fingerprint).iter().copied();
            found.extend(readers.filter(|one| !self.overlay.hides(*one, fingerprint)));
            found.extend(self.overlay.readers_of(fingerprint));
        }
        found.sort_unstable();
        found.dedup();
    }

    fn compacted(&self) -> Base {
        if self.overlay.is_empty() {
            return self.base.clone();
        }
        let kept = self.base.all().filter(|(pattern, one)| !self.overlay.hides(*one, *pattern));
        let added = self.overlay.additions();
        let expected = self.base.entries() + added.len();
        Base::from_sorted(expected, merged(kept, added.into_iter()))
    }
}

fn unpack(entry: u128) -> (Fingerprint, u32) {
    #[expect(clippy::cast_possible_truncation, reason = "the two parts of the number")]
    let (fingerprint, computation) = ((entry >> 32) as u64, entry as u32);
    (Fingerprint::from_raw(fingerprint), computation)
}

/// Two ascending sequences as one.
fn merged<T: Ord>(
    one: impl Iterator<Item = T>,
    other: impl Iterator<Item = T>,
) -> impl Iterator<Item = T> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    std::iter::from_fn(move || match (one.peek(), other.peek()) {
        (Some(first), Some(second)) if first > second => other.next(),
        (Some(_), _) => one.next(),
        (None, _) => other.next(),
    })
}
