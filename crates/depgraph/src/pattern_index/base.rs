use bytes::Bytes;
use evergen_delta::Fingerprint;
use rustc_hash::FxHashMap;

use super::column::{Column, DamagedIndex};
use super::search;

/// The bytes of a [`PatternIndex`](crate::PatternIndex), to be written to a file
/// and mapped again.
///
/// Numbers are in the byte order of the machine: the columns are a cache for the
/// machine that wrote them. Each column should begin at a multiple of 8 bytes.
/// An index of n entries and m computations has 20 n + 12 m bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexColumns {
    /// The fingerprint of each entry (n × u64), ascending.
    pub fingerprints: Bytes,
    /// The computation of each entry (n × u32), ascending for one fingerprint.
    pub computations: Bytes,
    /// All computations that read anything (m × u32), ascending.
    pub members: Bytes,
    /// For each member the end of its part of `reads` (m × u64).
    pub ends: Bytes,
    /// The fingerprints (n × u64), grouped by member, ascending in each group.
    pub reads: Bytes,
}

/// The sorted columns, in both directions.
#[derive(Clone, Debug, Default)]
pub(super) struct Base {
    fingerprints: Column<Fingerprint>,
    computations: Column<u32>,
    members: Column<u32>,
    ends: Column<u64>,
    reads: Column<Fingerprint>,
}

impl Base {
    /// Columns of about `expected` ascending entries; repetitions are left out.
    pub(super) fn from_sorted(
        expected: usize,
        entries: impl Iterator<Item = (Fingerprint, u32)>,
    ) -> Self {
        let mut fingerprints = Vec::with_capacity(expected);
        let mut computations = Vec::with_capacity(expected);
        let mut last = None;
        for entry in entries {
            if last.replace(entry) != Some(entry) {
                fingerprints.push(entry.0);
                computations.push(entry.1);
            }
        }
        let (members, ends, reads) = forward(&fingerprints, &computations);
        Self {
            fingerprints: Column::new(fingerprints),
            computations: Column::new(computations),
            members: Column::new(members),
            ends: Column::new(ends),
            reads: Column::new(reads),
        }
    }

    pub(super) fn from_columns(columns: IndexColumns) -> Result<Self, DamagedIndex> {
        let base = Self {
            fingerprints: Column::from_bytes("fingerprints", columns.fingerprints)?,
            computations: Column::from_bytes("computations", columns.computations)?,
            members: Column::from_bytes("members", columns.members)?,
            ends: Column::from_bytes("ends", columns.ends)?,
            reads: Column::from_bytes("reads", columns.reads)?,
        };
        fits("computations", base.computations.len(), base.fingerprints.len())?;
        fits("reads", base.reads.len(), base.fingerprints.len())?;
        fits("ends", base.ends.len(), base.members.len())?;
        let end = base.ends.entries().last().copied().unwrap_or(0);
        if end != base.reads.len() as u64 {
            let problem = format!("ends at {end}, not at {}", base.reads.len());
            return Err(DamagedIndex::new("ends", problem));
        }
        Ok(base)
    }

    pub(super) fn to_columns(&self) -> IndexColumns {
        IndexColumns {
            fingerprints: self.fingerprints.to_bytes(),
            computations: self.computations.to_bytes(),
            members: self.members.to_bytes(),
            ends: self.ends.to_bytes(),
            reads: self.reads.to_bytes(),
        }
    }

    pub(super) fn entries(&self) -> usize {
        self.fingerprints.len()
    }

    pub(super) fn bytes(&self) -> usize {
        20 * self.fingerprints.len() + 12 * self.members.len()
    }

    /// All entries, ascending.
    pub(super) fn all(&self) -> impl Iterator<Item = (Fingerprint, u32)> {
        let computations = self.computations.entries().iter().copied();
        self.fingerprints.entries().iter().copied().zip(computations)
    }

    /// The computations that read a pattern, ascending.
    pub(super) fn readers_of(&self, fingerprint: Fingerprint) -> &[u32] {
        let places = search::places(self.fingerprints.entries(), fingerprint);
        self.computations.entries().get(places).unwrap_or(&[])
    }

    /// What a computation read, ascending.
    pub(super) fn reads_of(&self, computation: u32) -> &[Fingerprint] {
        self.part_of(computation).unwrap_or(&[])
    }

    fn part_of(&self, computation: u32) -> Option<&[Fingerprint]> {
        let member = self.member(computation)?;
        let ends = self.ends.entries();
        let start = match member.checked_sub(1) {
            Some(previous) => usize::try_from(*ends.get(previous)?).ok()?,
            None => 0,
        };
        self.reads.entries().get(start..usize::try_from(*ends.get(member)?).ok()?)
    }

    fn member(&self, computation: u32) -> Option<usize> {
        let members = self.members.entries();
        // Without gaps in the numbering, a computation is at its own place.
        let place = usize::try_from(computation).ok()?;
        if members.get(place) == Some(&computation) {
            return Some(place);
        }
        members.binary_search(&computation).ok()
    }
}

fn fits(name: &'static str, found: usize, wanted: usize) -> Result<(), DamagedIndex> {
    if found == wanted {
        return Ok(());
    }
    Err(DamagedIndex::new(name, format!("has {found} entries instead of {wanted}")))
}

/// The columns `members`, `ends` and `reads` for the other two.
fn forward(
    fingerprints: &[Fingerprint],
    computations: &[u32],
) -> (Vec<u32>, Vec<u64>, Vec<Fingerprint>) {
    let mut counts: FxHashMap<u32, u64> = FxHashMap::default();
    for computation in computations {
        *counts.entry(*computation).or_default() += 1;
    }
    let mut members: Vec<u32> = counts.keys().copied().collect();
    members.sort_unstable();
    let mut ends = Vec::with_capacity(members.len());
    let mut next = 0_usize;
    let mut free: FxHashMap<u32, usize> = FxHashMap::default();
    for member in &members {
        free.insert(*member, next);
        next += usize::try_from(counts[member]).unwrap_or(0);
        ends.push(next as u64);
    }
    // Entries ascend by fingerprint, and so each group does too.
    let mut reads = vec![Fingerprint::from_raw(0); fingerprints.len()];
    for (fingerprint, computation) in fingerprints.iter().zip(computations) {
        let place = free.entry(*computation).or_default();
        reads[*place] = *fingerprint;
        *place += 1;
    }
    (members, ends, reads)
}
