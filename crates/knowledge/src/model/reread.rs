//! A changed file, read only where it is new.

use std::collections::{BTreeMap, BTreeSet};

use evergen_delta::EncodedQuad;

use super::source::SourceState;
use super::{Model, SourceIncrement};
use crate::chunks::{Chunk, ChunkChange, ChunkTable, Nodes, TextDigest};
use crate::parse::{Reread, owl_imports, reread};
use crate::{Component, ComponentDigest, Format, Limits};

impl Model {
    /// How the source of this name changes by its file having these bytes; of the file only
    /// the parts are parsed that are new.
    ///
    /// `None` where the file has to be parsed as a whole: where its parts are not known, or
    /// most of them are new, where there are errors (which are not told here), and where
    /// what it imports may have changed. The increment is what [`diff`](Self::diff) would
    /// give for the whole file.
    pub fn reread(
        &self,
        name: &str,
        bytes: &[u8],
        format: Format,
        base: &str,
        limits: &Limits,
    ) -> Option<SourceIncrement> {
        let state = self.sources.get(name)?;
        let table = state.chunks.as_ref()?;
        let reread = reread(bytes, format, base, limits, table)?;
        let wanted = wanted(table, &reread)?;
        let mut increment = SourceIncrement { name: name.to_owned(), ..Default::default() };
        change_ground(state, table, &reread, &mut increment)?;
        let used = change_components(state, table, &reread, &wanted, &mut increment)?;
        let quads = |key| -> Vec<EncodedQuad> {
            let said = reread.new.iter().find(|(chunk, _)| chunk.key() == key);
            said.map(|(_, quads)| quads.clone()).unwrap_or_default()
        };
        let group = reread.group.as_ref().unwrap_or(table.group());
        let (rules, headers) = (table.rules(), &reread.headers);
        let change = ChunkTable::change(Some(table), rules, &wanted, quads, headers, group);
        increment.chunks = ChunkChange(change);
        increment.terms = self.new_terms(&increment, used, &reread.terms);
        Some(increment)
    }
}

/// The chunks of the file, with the numbers of their copies.
fn wanted<'a>(
    table: &'a ChunkTable,
    reread: &'a Reread,
) -> Option<BTreeMap<TextDigest, (&'a Chunk, u32)>> {
    let kept = reread.kept.iter().map(|(key, copies)| Some((*key, (table.chunk(*key)?, *copies))));
    let mut wanted: BTreeMap<_, _> = kept.collect::<Option<_>>()?;
    for (chunk, _) in &reread.new {
        wanted.entry(chunk.key()).or_insert((chunk, 0)).1 += 1;
    }
    Some(wanted)
}

/// A quad is gone if a chunk said it that is gone, and no chunk says it that is there.
fn change_ground(
    state: &SourceState,
    table: &ChunkTable,
    reread: &Reread,
    increment: &mut SourceIncrement,
) -> Option<()> {
    let new: BTreeSet<EncodedQuad> =
        reread.new.iter().flat_map(|(_, quads)| quads).copied().collect();
    let mut removed = BTreeSet::new();
    for (key, _, _) in table.chunks().filter(|(key, _, _)| !reread.kept.contains_key(key)) {
        removed.extend(table.quads(key)?.into_iter().filter(|quad| !new.contains(quad)));
    }
    let imports = owl_imports();
    if new.iter().chain(&removed).any(|quad| quad.predicate == imports) {
        return None;
    }
    increment.removed = removed.into_iter().collect();
    table.remove_said(&mut increment.removed, &reread.kept)?;
    increment.inserted = new.into_iter().filter(|quad| !state.ground.contains(quad)).collect();
    Some(())
}

/// Notes components of which there are more or fewer copies; gives the terms that they use.
fn change_components(
    state: &SourceState,
    table: &ChunkTable,
    reread: &Reread,
    wanted: &BTreeMap<TextDigest, (&Chunk, u32)>,
    increment: &mut SourceIncrement,
) -> Option<BTreeSet<evergen_delta::TermId>> {
    let mut more: BTreeMap<ComponentDigest, i64> = BTreeMap::new();
    let mut count = |nodes: &Nodes, copies: i64| {
        for digest in &nodes.components {
            *more.entry(*digest).or_default() += copies;
        }
    };
    for (chunk, copies) in wanted.values() {
        count(&chunk.nodes, i64::from(*copies));
    }
    for (_, chunk, copies) in table.chunks() {
        count(&chunk.nodes, -i64::from(copies));
    }
    if let Some(group) = &reread.group {
        count(group, 1);
        count(table.group(), -1);
    }
    let read: BTreeMap<_, _> =
        reread.components.iter().map(|component| (component.digest(), component)).collect();
    let mut used = BTreeSet::new();
    for (digest, more) in more.into_iter().filter(|(_, more)| *more != 0) {
        let known = state.components.get(&digest);
        let had = known.map_or(0, |(copies, _)| *copies);
        let component: &Component = match known {
            Some((_, component)) => component,
            None => read.get(&digest)?,
        };
        let copies = u32::try_from(i64::from(had).checked_add(more)?).ok()?;
        if component.ground_terms().any(|term| term == owl_imports()) {
            return None;
        }
        let mut bytes = Vec::new();
        component.encode(&mut bytes);
        increment.components.push((copies, bytes));
        used.extend(component.ground_terms());
    }
    Some(used)
}
