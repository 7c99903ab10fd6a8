//! The model as the union of its sources, and what it means when one of them changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use evergen_delta::{Delta, EncodedQuad, Term, TermId, TermRef};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use self::source::SourceState;
use crate::chunks::{ChunkChange, ChunkSections, ChunkTable};
use crate::{
    Component, ComponentDigest, DamagedSections, ParsedSource, Snapshot, Store, StoreSections,
    TermCollision, TermTable,
};

mod ground;
mod reread;
mod source;

/// A model made of named sources.
///
/// A statement is in the model as long as one source makes it. Blank nodes of
/// different sources are different nodes, also where the sources say the same of
/// them; which copy stands in which source has no influence on the model's quads.
#[derive(Clone, Debug, Default)]
pub struct Model {
    store: Store,
    sources: BTreeMap<Arc<str>, SourceState>,
    /// For statements that several sources make: how many make it besides the first.
    shared: FxHashMap<EncodedQuad, u32>,
    /// How many copies of a component of blank nodes there are in all sources together.
    copies: FxHashMap<ComponentDigest, u32>,
}

/// How a source changed: enough to bring a stored model up to date.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceIncrement {
    /// The source's name.
    pub name: String,
    /// Whether the source is gone.
    pub gone: bool,
    /// Statements without blank nodes that it makes now and did not before.
    pub inserted: Vec<EncodedQuad>,
    /// Statements without blank nodes that it made before and does not now.
    pub removed: Vec<EncodedQuad>,
    /// Encoded components of blank nodes, each with the number of its copies from now on.
    pub components: Vec<(u32, Vec<u8>)>,
    /// Terms that the inserted statements use.
    pub terms: Vec<Term>,
    /// How the parts of a large file changed.
    pub chunks: ChunkChange,
}

impl SourceIncrement {
    /// Whether the source says what it said before.
    pub fn is_empty(&self) -> bool {
        self.inserted.is_empty() && self.removed.is_empty() && self.components.is_empty()
    }
}

impl Model {
    /// A model without sources.
    pub fn new() -> Self {
        Self::default()
    }

    /// A model of the given sources, built in bulk.
    ///
    /// # Errors
    /// Two different terms with one id.
    pub fn build(
        sources: impl IntoIterator<Item = (String, ParsedSource)>,
    ) -> Result<Self, TermCollision> {
        let mut model = Self::new();
        let mut terms = TermTable::new();
        let mut tables = Vec::new();
        let mut quads = Vec::new();
        for (name, parsed) in sources {
            let ParsedSource { terms: own, ground, components, chunks, .. } = parsed;
            tables.push(own);
            for component in &components {
                let copies = model.copies.entry(component.digest()).or_insert(0);
                quads.extend(component.instantiate(*copies, &mut terms)?);
                *copies += 1;
            }
            quads.extend_from_slice(&ground);
            model.sources.insert(name.into(), SourceState::new(ground, components, chunks));
        }
        tables.push(terms);
        let (store, repeated) = Store::merge(&tables, quads)?;
        model.store = store;
        model.shared = repeated.into_iter().collect();
        Ok(model)
    }

    /// How the source of this name would change by saying what `parsed` says.
    pub fn diff(&self, name: &str, parsed: &ParsedSource) -> SourceIncrement {
        let empty = SourceState::default();
        let state = self.sources.get(name).unwrap_or(&empty);
        let mut increment = SourceIncrement { name: name.to_owned(), ..Default::default() };
        state.ground.diff(&parsed.ground, &mut increment);
        let mut used: BTreeSet<TermId> = BTreeSet::new();
        state.diff_components(&parsed.components, &mut increment, &mut used);
        increment.chunks = ChunkChange(state.diff_chunks(parsed));
        increment.terms = self.new_terms(&increment, used, &parsed.terms);
        increment
    }

    /// The terms of an increment that the model doesn't know.
    fn new_terms(
        &self,
        increment: &SourceIncrement,
        mut used: BTreeSet<TermId>,
        terms: &TermTable,
    ) -> Vec<Term> {
        for quad in &increment.inserted {
            used.extend([quad.subject, quad.predicate, quad.object, quad.graph]);
        }
        let snapshot = self.store.snapshot();
        used.into_iter()
            .filter(|id| crate::TrackedReader::term(&snapshot, *id).is_none())
            .filter_map(|id| terms.get(id).map(TermRef::to_owned))
            .collect()
    }

    /// How the model would change by losing the source of this name.
    pub fn diff_gone(&self, name: &str) -> SourceIncrement {
        let nothing = ParsedSource::default();
        SourceIncrement { gone: true, ..self.diff(name, &nothing) }
    }

    /// Brings the model up to date and gives the net change of its quads.
    ///
    /// # Errors
    /// Two different terms with one id; the model is then in no defined state.
    pub fn apply(&mut self, increments: &[SourceIncrement]) -> Result<Delta, TermCollision> {
        let mut delta = Delta::default();
        for increment in increments {
            for term in &increment.terms {
                self.store.intern(term.as_ref())?;
            }
            let mut state = self.sources.remove(increment.name.as_str()).unwrap_or_default();
            self.apply_ground(increment, &mut delta);
            self.apply_components(increment, &mut state, &mut delta)?;
            state.ground.apply(increment);
            state.chunks = ChunkTable::apply(state.chunks.take(), &increment.chunks.0);
            if !increment.gone {
                self.sources.insert(increment.name.as_str().into(), state);
            }
        }
        Ok(self.store.apply(&delta))
    }

    fn apply_ground(&mut self, increment: &SourceIncrement, delta: &mut Delta) {
        let snapshot = self.store.snapshot();
        for quad in &increment.removed {
            match self.shared.get_mut(quad) {
                Some(others) if *others > 1 => *others -= 1,
                Some(_) => drop(self.shared.remove(quad)),
                None => delta.remove(*quad),
            }
        }
        for quad in &increment.inserted {
            let was_there = snapshot.contains(quad) && !delta.removed.contains(quad);
            if was_there || delta.inserted.contains(quad) {
                *self.shared.entry(*quad).or_insert(0) += 1;
            } else {
                delta.insert(*quad);
            }
        }
    }

    fn apply_components(
        &mut self,
        increment: &SourceIncrement,
        state: &mut SourceState,
        delta: &mut Delta,
    ) -> Result<(), TermCollision> {
        for (wanted, bytes) in &increment.components {
            let Some(component) = Component::decode(&mut bytes.as_slice()) else { continue };
            let digest = component.digest();
            let had = state.components.get(&digest).map_or(0, |(copies, _)| *copies);
            let total = self.copies.get(&digest).copied().unwrap_or(0);
            let new_total = total - had + wanted;
            let mut terms = TermTable::new();
            for ordinal in total.min(new_total)..total.max(new_total) {
                for quad in component.instantiate(ordinal, &mut terms)? {
                    if new_total > total { delta.insert(quad) } else { delta.remove(quad) }
                }
            }
            self.store.intern_all(terms)?;
            match new_total {
                0 => drop(self.copies.remove(&digest)),
                _ => drop(self.copies.insert(digest, new_total)),
            }
            match wanted {
                0 => drop(state.components.remove(&digest)),
                _ => drop(state.components.insert(digest, (*wanted, component))),
            }
        }
        Ok(())
    }

    /// The names of the sources, sorted.
    pub fn source_names(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().map(AsRef::as_ref)
    }

    /// The sources that make a statement. For a statement with blank nodes: the
    /// sources that hold a node of this description.
    pub fn sources_of(&self, quad: &EncodedQuad) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .sources
            .iter()
            .filter(|(_, state)| state.ground.contains(quad))
            .map(|(name, _)| name.as_ref())
            .collect();
        if names.is_empty() {
            names = self.sources_of_component(quad);
        }
        names
    }

    fn sources_of_component(&self, quad: &EncodedQuad) -> Vec<&str> {
        let snapshot = self.snapshot();
        let blank = [quad.subject, quad.object, quad.graph].into_iter().find_map(|id| {
            match crate::TrackedReader::term(&snapshot, id)? {
                TermRef::Blank(label) => ComponentDigest::from_label(label),
                _ => None,
            }
        });
        let Some(digest) = blank else { return Vec::new() };
        let holds = |state: &SourceState| state.components.contains_key(&digest);
        self.sources
            .iter()
            .filter(|(_, state)| holds(state))
            .map(|(name, _)| name.as_ref())
            .collect()
    }

    /// The present state, to be read while the model goes on changing.
    pub fn snapshot(&self) -> Snapshot {
        self.store.snapshot()
    }

    /// Adds a term that no quad uses, such as one that a query made.
    ///
    /// # Errors
    /// A different term has the same id.
    pub fn intern(&mut self, term: TermRef<'_>) -> Result<(), TermCollision> {
        self.store.intern(term).map(drop)
    }

    /// Bytes of memory in use, roughly.
    pub fn memory_bytes(&self) -> usize {
        let chunks =
            |state: &SourceState| state.chunks.as_ref().map_or(0, ChunkTable::memory_bytes);
        let sources = self.sources.values().map(|state| state.ground.column.len() + chunks(state));
        self.snapshot().memory_bytes() + sources.sum::<usize>()
    }

    /// Everything as byte sections, for a file that [`from_sections`](Self::from_sections)
    /// can use in place. Terms in `kept` stay known, also if no quad uses them.
    pub fn to_sections(&self, kept: impl IntoIterator<Item = TermId>) -> ModelSections {
        let sources = self.sources.iter().map(|(name, state)| state.to_sections(name));
        ModelSections {
            store: self.snapshot().to_sections(kept),
            sources: sources.collect(),
            shared: self.shared.iter().map(|(quad, others)| (*quad, *others)).collect(),
        }
    }

    /// Uses sections in place.
    ///
    /// # Errors
    /// Sections that don't fit together.
    pub fn from_sections(sections: ModelSections) -> Result<Self, DamagedSections> {
        let mut model = Self {
            store: Store::from_sections(sections.store)?,
            shared: sections.shared.into_iter().collect(),
            ..Self::default()
        };
        for source in sections.sources {
            let name = source.name.as_str().into();
            let state = SourceState::from_sections(source)?;
            for (digest, (copies, _)) in &state.components {
                *model.copies.entry(*digest).or_insert(0) += copies;
            }
            model.sources.insert(name, state);
        }
        Ok(model)
    }
}

/// A model as it is written to a file.
#[derive(Clone, Debug, Default)]
pub struct ModelSections {
    /// The union of the sources.
    pub store: StoreSections,
    /// What each source says.
    pub sources: Vec<SourceSections>,
    /// Statements that several sources make, and by how many besides the first.
    pub shared: Vec<(EncodedQuad, u32)>,
}

/// One source as it is written to a file.
#[derive(Clone, Debug, Default)]
pub struct SourceSections {
    /// The source's name.
    pub name: String,
    /// A sorted column of quads without blank nodes.
    pub ground: Bytes,
    /// Encoded components, each behind the number of its copies.
    pub components: Bytes,
    /// What the parts of a large file say.
    pub chunks: ChunkSections,
}
