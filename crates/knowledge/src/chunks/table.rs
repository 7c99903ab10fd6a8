//! The chunks of a source that are known, each with what it says.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use evergen_delta::EncodedQuad;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::{Change, Chunk, ChunkSections, ChunkUpdate, ComingChunk, Header, Nodes, TextDigest};
use crate::{DamagedSections, Format, Limits};

/// What decides, besides its text, how a file is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rules {
    pub(crate) format: Format,
    pub(crate) limits: Limits,
}

/// The chunks of a file that was just read as a whole.
#[derive(Clone, Debug)]
pub(crate) struct ParsedChunks {
    pub(crate) rules: Rules,
    pub(crate) headers: Vec<Header>,
    /// In the order of the file, each with its range of `members`.
    pub(crate) chunks: Vec<(Chunk, Range<u32>)>,
    /// What the chunks say, as positions among the sorted quads of the file.
    pub(crate) members: Vec<u32>,
    pub(crate) group: Nodes,
}

/// What is known of the chunks of a source.
///
/// The quads of all chunks together are the source's quads without blank nodes, and the
/// components of all chunks and of the group are its components.
#[derive(Clone, Debug)]
pub(crate) struct ChunkTable {
    rules: Rules,
    headers: BTreeMap<TextDigest, Header>,
    chunks: BTreeMap<TextDigest, Known>,
    group: Nodes,
    /// The sorted column to which positions refer.
    column: Bytes,
    members: Bytes,
}

#[derive(Clone, Debug)]
struct Known {
    chunk: Chunk,
    copies: u32,
    quads: Said,
}

/// What a chunk says without blank nodes.
#[derive(Clone, Debug)]
enum Said {
    /// By positions in the column.
    Members(Range<u32>),
    Own(Vec<EncodedQuad>),
}

impl ChunkTable {
    fn empty(rules: Rules) -> Self {
        Self {
            rules,
            headers: BTreeMap::new(),
            chunks: BTreeMap::new(),
            group: Nodes::default(),
            column: Bytes::new(),
            members: Bytes::new(),
        }
    }

    /// The chunks of a file whose sorted quads are in `column`.
    pub(crate) fn of_parsed(parsed: ParsedChunks, column: Bytes) -> Self {
        let mut table = Self {
            headers: parsed.headers.into_iter().map(|header| (header.digest(), header)).collect(),
            group: parsed.group,
            column,
            members: bytemuck::cast_slice(&parsed.members).to_vec().into(),
            ..Self::empty(parsed.rules)
        };
        for (chunk, range) in parsed.chunks {
            let known = Known { chunk, copies: 0, quads: Said::Members(range) };
            table.chunks.entry(known.chunk.key()).or_insert(known).copies += 1;
        }
        table
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(crate) fn group(&self) -> &Nodes {
        &self.group
    }

    pub(crate) fn header(&self, digest: TextDigest) -> Option<&Header> {
        self.headers.get(&digest)
    }

    /// All chunks by their keys, each with the number of its copies.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = (TextDigest, &Chunk, u32)> {
        self.chunks.iter().map(|(key, known)| (*key, &known.chunk, known.copies))
    }

    pub(crate) fn chunk(&self, key: TextDigest) -> Option<&Chunk> {
        self.chunks.get(&key).map(|known| &known.chunk)
    }

    /// What a chunk says without blank nodes; `None` where positions lead nowhere.
    pub(crate) fn quads(&self, key: TextDigest) -> Option<Vec<EncodedQuad>> {
        self.said(&self.chunks.get(&key)?.quads)
    }

    fn said(&self, quads: &Said) -> Option<Vec<EncodedQuad>> {
        match quads {
            Said::Own(quads) => Some(quads.clone()),
            Said::Members(range) => {
                let column: &[EncodedQuad] = cast(&self.column);
                let quad = |position: &u32| column.get(*position as usize).copied();
                self.positions(range)?.iter().map(quad).collect()
            }
        }
    }

    fn positions(&self, range: &Range<u32>) -> Option<&[u32]> {
        cast::<u32>(&self.members).get(range.start as usize..range.end as usize)
    }

    /// Takes those quads out of `quads`, which are sorted, that a chunk in `kept` says.
    pub(crate) fn remove_said(
        &self,
        quads: &mut Vec<EncodedQuad>,
        kept: &FxHashMap<TextDigest, u32>,
    ) -> Option<()> {
        let column = cast::<EncodedQuad>(&self.column);
        // A bit for each position is small enough to stay in the processor's cache.
        let mut wanted = vec![0_u64; column.len() / 64 + 1];
        for position in quads.iter().filter_map(|quad| column.binary_search(quad).ok()) {
            wanted[position / 64] |= 1 << (position % 64);
        }
        let own: FxHashSet<EncodedQuad> = quads.iter().copied().collect();
        let mut said: FxHashSet<EncodedQuad> = FxHashSet::default();
        for (_, known) in self.chunks.iter().filter(|(key, _)| kept.contains_key(*key)) {
            match &known.quads {
                Said::Own(quads) => said.extend(quads.iter().filter(|quad| own.contains(quad))),
                Said::Members(range) => {
                    for position in self.positions(range)?.iter().map(|place| *place as usize) {
                        if (wanted.get(position / 64)? >> (position % 64)) & 1 == 1 {
                            said.insert(*column.get(position)?);
                        }
                    }
                }
            }
        }
        quads.retain(|quad| !said.contains(quad));
        Some(())
    }

    /// How the table changes where the file has the wanted chunks from now on.
    ///
    /// `quads` tells what a chunk says that is not known.
    pub(crate) fn change(
        old: Option<&Self>,
        rules: &Rules,
        wanted: &BTreeMap<TextDigest, (&Chunk, u32)>,
        quads: impl Fn(TextDigest) -> Vec<EncodedQuad>,
        headers: &[Header],
        group: &Nodes,
    ) -> Change {
        let nothing = Self::empty(rules.clone());
        let old = old.filter(|old| old.rules == *rules);
        let anew = old.is_none().then(|| rules.clone());
        let old = old.unwrap_or(&nothing);
        let mut update = ChunkUpdate { anew, ..ChunkUpdate::default() };
        for (key, (chunk, copies)) in wanted {
            let had = old.chunks.get(key).map_or(0, |known| known.copies);
            if *copies > had {
                let quads = if had > 0 { Vec::new() } else { quads(*key) };
                let (chunk, copies) = (Chunk::clone(chunk), copies - had);
                update.come.push(ComingChunk { chunk, copies, quads });
            } else if *copies < had {
                update.gone.push((*key, had - copies));
            }
        }
        let gone = old.chunks.iter().filter(|(key, _)| !wanted.contains_key(*key));
        update.gone.extend(gone.map(|(key, known)| (*key, known.copies)));
        let new = headers.iter().filter(|header| !old.headers.contains_key(&header.digest()));
        update.headers = new.cloned().collect();
        update.group = (*group != old.group).then(|| group.clone());
        if update == ChunkUpdate::default() {
            return Change::None;
        }
        Change::Update(Box::new(update))
    }

    /// The table after a change.
    pub(crate) fn apply(old: Option<Self>, change: &Change) -> Option<Self> {
        let update = match change {
            Change::None => return old,
            Change::Forget => return None,
            Change::Update(update) => update,
        };
        let mut table = match &update.anew {
            Some(rules) => Self::empty(rules.clone()),
            None => old?,
        };
        let headers = update.headers.iter().map(|header| (header.digest(), header.clone()));
        table.headers.extend(headers);
        for (key, copies) in &update.gone {
            let known = table.chunks.get_mut(key)?;
            known.copies = known.copies.checked_sub(*copies)?;
            if known.copies == 0 {
                table.chunks.remove(key);
            }
        }
        for coming in &update.come {
            let known = table.chunks.entry(coming.chunk.key()).or_insert_with(|| Known {
                chunk: coming.chunk.clone(),
                copies: 0,
                quads: Said::Own(coming.quads.clone()),
            });
            known.copies = known.copies.checked_add(coming.copies)?;
        }
        if let Some(group) = &update.group {
            table.group.clone_from(group);
        }
        Some(table)
    }

    /// Bytes of memory in use, roughly.
    pub(crate) fn memory_bytes(&self) -> usize {
        let own = self.chunks.values().map(|known| match &known.quads {
            Said::Members(_) => 0,
            Said::Own(quads) => quads.len() * size_of::<EncodedQuad>(),
        });
        self.members.len() + self.chunks.len() * 160 + own.sum::<usize>()
    }
}

/// The values in `bytes`; nothing where they are none.
fn cast<T: bytemuck::Pod>(bytes: &Bytes) -> &[T] {
    bytemuck::try_cast_slice(bytes).unwrap_or_default()
}

/// What is known of the chunks of a source, but for what they say: that is a column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredChunks {
    known: Option<Stored>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stored {
    rules: Rules,
    headers: Vec<Header>,
    /// Each with the number of its copies, and where its positions end.
    chunks: Vec<(Chunk, u32, u32)>,
    group: Nodes,
}

impl ChunkTable {
    /// The table as sections that belong to another sorted column of the same quads;
    /// nothing if the columns don't fit together.
    pub(crate) fn to_sections(&self, column: &Bytes) -> ChunkSections {
        self.stored(column).unwrap_or_default()
    }

    fn stored(&self, column: &Bytes) -> Option<ChunkSections> {
        let moved = self.moved(column);
        let target = cast::<EncodedQuad>(column);
        let mut members: Vec<u32> = Vec::with_capacity(self.members.len() / size_of::<u32>());
        let mut chunks = Vec::with_capacity(self.chunks.len());
        for known in self.chunks.values() {
            match &known.quads {
                Said::Own(quads) => {
                    for quad in quads {
                        members.push(u32::try_from(target.binary_search(quad).ok()?).ok()?);
                    }
                }
                Said::Members(range) => match &moved {
                    None => members.extend_from_slice(self.positions(range)?),
                    Some(moved) => {
                        for position in self.positions(range)? {
                            members.push(*moved.get(*position as usize)?);
                        }
                    }
                },
            }
            chunks.push((known.chunk.clone(), known.copies, u32::try_from(members.len()).ok()?));
        }
        let stored = Stored {
            rules: self.rules.clone(),
            headers: self.headers.values().cloned().collect(),
            chunks,
            group: self.group.clone(),
        };
        Some(ChunkSections {
            table: StoredChunks { known: Some(stored) },
            members: bytemuck::cast_slice(&members).to_vec().into(),
        })
    }

    /// For each position in our column the one in another; `None` if they are the same.
    fn moved(&self, column: &Bytes) -> Option<Vec<u32>> {
        if column.as_ptr() == self.column.as_ptr() && column.len() == self.column.len() {
            return None;
        }
        let target = cast::<EncodedQuad>(column);
        let mut next = 0;
        let position = |quad: &EncodedQuad| {
            while target.get(next).is_some_and(|other| other < quad) {
                next += 1;
            }
            // A quad that is gone from the source is in no chunk, so that nobody asks for it.
            u32::try_from(next).unwrap_or(u32::MAX)
        };
        Some(cast::<EncodedQuad>(&self.column).iter().map(position).collect())
    }

    /// The table that sections describe, if there is one.
    pub(crate) fn from_sections(
        sections: ChunkSections,
        column: &Bytes,
    ) -> Result<Option<Self>, DamagedSections> {
        let Some(stored) = sections.table.known else { return Ok(None) };
        let members = bytemuck::try_cast_slice::<u8, u32>(&sections.members);
        let length = match members {
            Ok(members) => members.len(),
            Err(_) if sections.members.is_empty() => 0,
            Err(_) => return Err(DamagedSections),
        };
        let mut table = Self {
            headers: stored.headers.into_iter().map(|header| (header.digest(), header)).collect(),
            group: stored.group,
            column: column.clone(),
            members: sections.members,
            ..Self::empty(stored.rules)
        };
        let mut start = 0;
        for (chunk, copies, end) in stored.chunks {
            if end < start || end as usize > length {
                return Err(DamagedSections);
            }
            let known = Known { chunk, copies, quads: Said::Members(start..end) };
            table.chunks.insert(known.chunk.key(), known);
            start = end;
        }
        Ok(Some(table))
    }
}
