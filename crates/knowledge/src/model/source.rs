//! What one source says.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bytes::Bytes;
use evergen_delta::{EncodedQuad, TermId};

use super::ground::GroundQuads;
use super::{SourceIncrement, SourceSections};
use crate::chunks::{Change, Chunk, ChunkTable, ParsedChunks, TextDigest};
use crate::{Component, ComponentDigest, DamagedSections, ParsedSource};

/// What one source says.
#[derive(Clone, Debug, Default)]
pub(super) struct SourceState {
    pub(super) ground: GroundQuads,
    pub(super) components: BTreeMap<ComponentDigest, (u32, Component)>,
    /// What its parts say, for a large file.
    pub(super) chunks: Option<ChunkTable>,
}

impl SourceState {
    pub(super) fn new(
        ground: Vec<EncodedQuad>,
        components: Vec<Component>,
        chunks: Option<ParsedChunks>,
    ) -> Self {
        let mut counted = BTreeMap::new();
        for component in components {
            counted.entry(component.digest()).or_insert((0, component)).0 += 1;
        }
        let ground = GroundQuads::new(ground);
        let chunks = chunks.map(|chunks| ChunkTable::of_parsed(chunks, ground.column.clone()));
        Self { ground, components: counted, chunks }
    }

    /// Notes changed components, and the ids of the terms that they use.
    pub(super) fn diff_components(
        &self,
        components: &[Component],
        increment: &mut SourceIncrement,
        used: &mut BTreeSet<TermId>,
    ) {
        let mut wanted: BTreeMap<ComponentDigest, (u32, &Component)> = BTreeMap::new();
        for component in components {
            wanted.entry(component.digest()).or_insert((0, component)).0 += 1;
        }
        let mut note = |copies: u32, component: &Component| {
            let mut bytes = Vec::new();
            component.encode(&mut bytes);
            increment.components.push((copies, bytes));
            used.extend(component.ground_terms());
        };
        for (digest, (_, component)) in &self.components {
            if !wanted.contains_key(digest) {
                note(0, component);
            }
        }
        for (digest, (copies, component)) in wanted {
            if self.components.get(&digest).is_none_or(|(had, _)| *had != copies) {
                note(copies, component);
            }
        }
    }

    /// How what is known of the chunks changes by reading the file as a whole.
    pub(super) fn diff_chunks(&self, parsed: &ParsedSource) -> Change {
        let Some(chunks) = &parsed.chunks else {
            return self.chunks.as_ref().map_or(Change::None, |_| Change::Forget);
        };
        let mut wanted: BTreeMap<TextDigest, (&Chunk, u32)> = BTreeMap::new();
        let mut ranges: BTreeMap<TextDigest, &Range<u32>> = BTreeMap::new();
        for (chunk, range) in &chunks.chunks {
            let key = chunk.key();
            wanted.entry(key).or_insert((chunk, 0)).1 += 1;
            ranges.insert(key, range);
        }
        let quads = |key| -> Vec<EncodedQuad> {
            let range =
                ranges.get(&key).map_or(0..0, |range| range.start as usize..range.end as usize);
            let members = chunks.members.get(range).unwrap_or_default();
            members.iter().filter_map(|place| parsed.ground.get(*place as usize).copied()).collect()
        };
        let old = self.chunks.as_ref();
        ChunkTable::change(old, &chunks.rules, &wanted, quads, &chunks.headers, &chunks.group)
    }

    /// The state as it is written to a file.
    pub(super) fn to_sections(&self, name: &str) -> SourceSections {
        let ground = self.ground.compacted();
        let chunks = self.chunks.as_ref().map(|chunks| chunks.to_sections(&ground));
        SourceSections {
            name: name.to_owned(),
            components: self.encode_components(),
            chunks: chunks.unwrap_or_default(),
            ground,
        }
    }

    fn encode_components(&self) -> Bytes {
        let mut bytes = Vec::new();
        for (copies, component) in self.components.values() {
            bytes.extend_from_slice(&copies.to_le_bytes());
            component.encode(&mut bytes);
        }
        bytes.into()
    }

    pub(super) fn from_sections(sections: SourceSections) -> Result<Self, DamagedSections> {
        let SourceSections { ground, components, chunks, .. } = sections;
        let chunks = ChunkTable::from_sections(chunks, &ground)?;
        Ok(Self { chunks, ..Self::decode(ground, &components)? })
    }

    fn decode(ground: Bytes, mut components: &[u8]) -> Result<Self, DamagedSections> {
        if bytemuck::try_cast_slice::<u8, EncodedQuad>(&ground).is_err() && !ground.is_empty() {
            return Err(DamagedSections);
        }
        let mut state = Self { ground: GroundQuads::of_column(ground), ..Self::default() };
        while let Some((copies, rest)) = components.split_first_chunk::<4>() {
            components = rest;
            let component = Component::decode(&mut components).ok_or(DamagedSections)?;
            state.components.insert(component.digest(), (u32::from_le_bytes(*copies), component));
        }
        Ok(state)
    }
}
