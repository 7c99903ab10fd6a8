//! The table of all artifacts: stored columns, and what changed since.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytemuck::{Pod, Zeroable};
use bytes::Bytes;
use evergen_artifact::{ArtifactPath, Digest, FileStamp};
use evergen_delta::TermId;
use rustc_hash::FxHashMap;

use crate::records::{Record, RowKey};

/// The number of an artifact's place in the table. A freed slot is used again.
pub(crate) type Slot = u32;

/// What a look at the output folder needs of an artifact, 72 bytes each.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Entry {
    stamp: FileStamp,
    observed_ns: i64,
    digest: Digest,
    generator: u32,
    /// Whether the slot is in use.
    used: u32,
}

/// The table as it is written to a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct ArtifactColumns {
    pub(crate) entries: Bytes,
    /// Where each slot's path ends in `paths` (n × u32).
    pub(crate) path_ends: Bytes,
    pub(crate) paths: Bytes,
    /// Where each slot's record ends in `records` (n × u64).
    pub(crate) record_ends: Bytes,
    pub(crate) records: Bytes,
    /// The slots that have a path, sorted by path (u32 each).
    pub(crate) by_path: Bytes,
}

/// All artifacts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Artifacts {
    base: ArtifactColumns,
    /// Slots whose record is not the stored one; `None` for one that is free.
    changed: BTreeMap<Slot, Option<Arc<Record>>>,
    /// One more than the highest slot ever used.
    end: Slot,
    free: Vec<Slot>,
    with_path: usize,
    claims: Option<FxHashMap<u64, Slot>>,
    rows: FxHashMap<u32, FxHashMap<RowKey, Slot>>,
}

/// What a look at the output folder compares.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub(crate) slot: Slot,
    pub(crate) path: ArtifactPath,
    pub(crate) stamp: FileStamp,
    pub(crate) observed_ns: i64,
    pub(crate) digest: Digest,
    pub(crate) generator: u32,
}

fn column<T: Pod>(bytes: &Bytes) -> &[T] {
    if bytes.is_empty() { &[] } else { bytemuck::try_cast_slice(bytes).unwrap_or_default() }
}

impl Artifacts {
    /// Uses stored columns in place. `None` if their lengths don't fit together.
    pub(crate) fn from_columns(base: ArtifactColumns) -> Option<Self> {
        let count = column::<Entry>(&base.entries).len();
        let fits = column::<u32>(&base.path_ends).len() == count
            && column::<u64>(&base.record_ends).len() == count
            && base.entries.len() == size_of_val(column::<Entry>(&base.entries));
        let end = Slot::try_from(count).ok()?;
        let mut table = Self { base, end, ..Self::default() };
        let entries = column::<Entry>(&table.base.entries);
        table.free = (0..end).filter(|slot| entries[*slot as usize].used == 0).collect();
        table.with_path = column::<u32>(&table.base.by_path).len();
        fits.then_some(table)
    }

    /// How many artifacts have a path.
    pub(crate) fn len(&self) -> usize {
        self.with_path
    }

    /// The record in a slot.
    pub(crate) fn get(&self, slot: Slot) -> Option<Arc<Record>> {
        match self.changed.get(&slot) {
            Some(record) => record.clone(),
            None => self.stored(slot).map(Arc::new),
        }
    }

    /// Puts a record into a slot, or frees it.
    pub(crate) fn set(&mut self, slot: Slot, record: Option<Arc<Record>>) {
        let before = self.get(slot);
        if let (Some(claims), Some(path)) = (&mut self.claims, path_of(before.as_ref())) {
            let key = claim_key(path);
            if claims.get(&key) == Some(&slot) {
                claims.remove(&key);
            }
        }
        if let (Some(claims), Some(path)) = (&mut self.claims, path_of(record.as_ref())) {
            claims.insert(claim_key(path), slot);
        }
        if let Some(before) = &before
            && let Some(rows) = self.rows.get_mut(&before.generator)
        {
            rows.remove(&before.row.key());
        }
        if let Some(record) = &record
            && let Some(rows) = self.rows.get_mut(&record.generator)
        {
            rows.insert(record.row.key(), slot);
        }
        self.with_path += usize::from(path_of(record.as_ref()).is_some());
        self.with_path -= usize::from(path_of(before.as_ref()).is_some());
        if before.is_some() && record.is_none() {
            self.free.push(slot);
        }
        self.changed.insert(slot, record);
    }

    /// Puts a record of an increment into its slot.
    pub(crate) fn restore(&mut self, slot: Slot, record: Option<Record>) {
        while self.end <= slot {
            self.free.push(self.end);
            self.end += 1;
        }
        if record.is_some() {
            self.free.retain(|free| *free != slot);
        }
        self.set(slot, record.map(Arc::new));
    }

    /// A slot for a new artifact; it counts as in use once it is [`set`](Self::set).
    pub(crate) fn allocate(&mut self) -> Slot {
        self.free.pop().unwrap_or_else(|| {
            self.end += 1;
            self.end - 1
        })
    }

    /// The terms of all rows.
    pub(crate) fn row_terms(&self) -> impl Iterator<Item = TermId> + '_ {
        let records = (0..self.end).filter_map(|slot| self.get(slot));
        records.flat_map(|record| {
            let ids = record.row.0.iter().flatten().map(evergen_knowledge::Value::id);
            ids.collect::<Vec<TermId>>()
        })
    }

    /// The slots of a generator by row.
    pub(crate) fn rows(&mut self, generator: u32) -> &FxHashMap<RowKey, Slot> {
        if !self.rows.contains_key(&generator) {
            let slots: Vec<Slot> = self.slots_of(generator);
            let keys = slots.into_iter().filter_map(|slot| Some((self.get(slot)?.row.key(), slot)));
            let rows = keys.collect();
            self.rows.insert(generator, rows);
        }
        &self.rows[&generator]
    }

    /// The slots of a generator.
    pub(crate) fn slots_of(&self, generator: u32) -> Vec<Slot> {
        let entries = column::<Entry>(&self.base.entries);
        (0..self.end)
            .filter(|slot| match self.changed.get(slot) {
                Some(record) => record.as_ref().is_some_and(|record| record.generator == generator),
                None => entries
                    .get(*slot as usize)
                    .is_some_and(|entry| entry.used != 0 && entry.generator == generator),
            })
            .collect()
    }

    /// Which slot has the path, or one that some file systems take for the same.
    pub(crate) fn claimant(&mut self, path: &ArtifactPath) -> Option<Slot> {
        if self.claims.is_none() {
            let claims = self.outputs().map(|output| (claim_key(&output.path), output.slot));
            let claims = claims.collect();
            self.claims = Some(claims);
        }
        self.claims.as_ref()?.get(&claim_key(path)).copied()
    }

    /// Every artifact that has a path, sorted by path.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = Output> + '_ {
        let mut changed: Vec<Output> = self
            .changed
            .iter()
            .filter_map(|(slot, record)| {
                let record = record.as_ref()?;
                Some(Output {
                    slot: *slot,
                    path: record.path.clone()?,
                    stamp: record.stamp,
                    observed_ns: record.observed_ns,
                    digest: record.digest.into(),
                    generator: record.generator,
                })
            })
            .collect();
        changed.sort_unstable_by(|left, right| left.path.cmp(&right.path));
        let mut changed = changed.into_iter().peekable();
        let mut stored = self.stored_outputs().peekable();
        std::iter::from_fn(move || match (stored.peek(), changed.peek()) {
            (Some(left), Some(right)) if right.path < left.path => changed.next(),
            (None, _) => changed.next(),
            _ => stored.next(),
        })
    }

    fn stored_outputs(&self) -> impl Iterator<Item = Output> + '_ {
        let entries = column::<Entry>(&self.base.entries);
        let by_path = column::<u32>(&self.base.by_path).iter().copied();
        by_path.filter(|slot| !self.changed.contains_key(slot)).filter_map(move |slot| {
            let entry = entries.get(slot as usize)?;
            Some(Output {
                slot,
                path: self.stored_path(slot)?,
                stamp: entry.stamp,
                observed_ns: entry.observed_ns,
                digest: entry.digest,
                generator: entry.generator,
            })
        })
    }

    fn stored_path(&self, slot: Slot) -> Option<ArtifactPath> {
        let ends = column::<u32>(&self.base.path_ends);
        let start = if slot == 0 { 0 } else { *ends.get(slot as usize - 1)? };
        let bytes = self.base.paths.get(start as usize..*ends.get(slot as usize)? as usize)?;
        ArtifactPath::parse(std::str::from_utf8(bytes).ok()?).ok()
    }

    fn stored(&self, slot: Slot) -> Option<Record> {
        let entry = column::<Entry>(&self.base.entries).get(slot as usize)?;
        if entry.used == 0 {
            return None;
        }
        let ends = column::<u64>(&self.base.record_ends);
        let start = if slot == 0 { 0 } else { *ends.get(slot as usize - 1)? };
        let end = *ends.get(slot as usize)?;
        let bytes =
            self.base.records.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)?;
        postcard::from_bytes(bytes).ok()
    }

    /// Columns of everything; slots keep their numbers.
    pub(crate) fn to_columns(&self) -> ArtifactColumns {
        let mut writer = ColumnWriter::default();
        for slot in 0..self.end {
            writer.push(self.get(slot).as_deref());
        }
        let by_path: Vec<u32> = self.outputs().map(|output| output.slot).collect();
        writer.finish(&by_path)
    }

    /// Bytes of memory in use, roughly; pages of a mapped file count as well.
    pub(crate) fn memory_bytes(&self) -> usize {
        let columns = [
            &self.base.entries,
            &self.base.path_ends,
            &self.base.paths,
            &self.base.record_ends,
            &self.base.records,
            &self.base.by_path,
        ];
        let maps = self.rows.values().map(|rows| rows.capacity() * 33).sum::<usize>()
            + self.claims.as_ref().map_or(0, |claims| claims.capacity() * 17);
        columns.iter().map(|column| column.len()).sum::<usize>() + self.changed.len() * 400 + maps
    }
}

fn path_of(record: Option<&Arc<Record>>) -> Option<&ArtifactPath> {
    record?.path.as_ref()
}

/// A hash of the form in which two paths are the same on a careless file system.
pub(crate) fn claim_key(path: &ArtifactPath) -> u64 {
    twox_hash::XxHash3_64::oneshot(path.collision_key().as_bytes())
}

#[derive(Default)]
struct ColumnWriter {
    entries: Vec<u8>,
    path_ends: Vec<u8>,
    paths: Vec<u8>,
    record_ends: Vec<u8>,
    records: Vec<u8>,
}

impl ColumnWriter {
    fn push(&mut self, record: Option<&Record>) {
        let mut entry = Entry::zeroed();
        if let Some(record) = record {
            entry = Entry {
                stamp: record.stamp,
                observed_ns: record.observed_ns,
                digest: record.digest.into(),
                generator: record.generator,
                used: 1,
            };
            let path = record.path.as_ref().map_or("", ArtifactPath::as_str);
            self.paths.extend_from_slice(path.as_bytes());
            // Writing to a vector can't fail, and a record has no map of unknown length.
            if let Ok(bytes) = postcard::to_stdvec(record) {
                self.records.extend_from_slice(&bytes);
            }
        }
        self.entries.extend_from_slice(bytemuck::bytes_of(&entry));
        let path_end = u32::try_from(self.paths.len()).unwrap_or(u32::MAX);
        self.path_ends.extend_from_slice(&path_end.to_ne_bytes());
        self.record_ends.extend_from_slice(&(self.records.len() as u64).to_ne_bytes());
    }

    fn finish(self, by_path: &[u32]) -> ArtifactColumns {
        ArtifactColumns {
            entries: aligned(&self.entries),
            path_ends: aligned(&self.path_ends),
            paths: self.paths.into(),
            record_ends: aligned(&self.record_ends),
            records: self.records.into(),
            by_path: aligned(bytemuck::cast_slice(by_path)),
        }
    }
}

/// Bytes at an address that suits columns of 8-byte values.
pub(crate) fn aligned(bytes: &[u8]) -> Bytes {
    struct Words(Vec<u64>, usize);
    impl AsRef<[u8]> for Words {
        fn as_ref(&self) -> &[u8] {
            &bytemuck::cast_slice(&self.0)[..self.1]
        }
    }
    let mut words = vec![0_u64; bytes.len().div_ceil(8)];
    bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
    Bytes::from_owner(Words(words, bytes.len()))
}
