//! The model in memory: a dictionary, and every graph in three sorted orders.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use evergen_delta::{Delta, EncodedQuad, QuadPattern, Term, TermId, TermRef};

use self::graph::{GraphIndex, GraphQuads, Row};
use self::terms::{Dictionary, TermSections};
pub use self::terms::{TermCollision, TermTable};
use crate::TrackedReader;

mod bulk;
mod columns;
mod graph;
mod search;
mod terms;
#[cfg(test)]
mod tests;

/// A dataset that can be changed, and looked at through [`Snapshot`]s.
///
/// Changing it costs microseconds for a quad at any size. A snapshot taken before a
/// change goes on showing the state it was taken of; keeping one alive makes the
/// next change copy what came since the last compaction.
#[derive(Clone, Debug, Default)]
pub struct Store {
    state: Snapshot,
}

/// An immutable view of a [`Store`]; cheap to clone and to send to other threads.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    dictionary: Arc<Dictionary>,
    graphs: Arc<BTreeMap<TermId, GraphIndex>>,
    /// Whether quads were removed, so that terms may be left that nobody uses.
    shrunk: bool,
}

impl Store {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A store of the given quads, built in bulk.
    ///
    /// Every term that the quads use should be in `terms`; one that isn't has no text.
    pub fn build(terms: TermTable, quads: Vec<EncodedQuad>) -> Self {
        let mut store = Self::new();
        // A new dictionary is empty, so that the table is always taken.
        let _ = Arc::make_mut(&mut store.state.dictionary).replace_empty(terms);
        store.state.graphs = Arc::new(build_graphs(quads).0);
        store
    }

    /// A store of several tables and of quads that may be there repeatedly, and how often
    /// those are there besides the first time.
    ///
    /// # Errors
    /// Two different terms with one id.
    pub(crate) fn merge(
        tables: &[TermTable],
        quads: Vec<EncodedQuad>,
    ) -> Result<(Self, Vec<(EncodedQuad, u32)>), TermCollision> {
        let (dictionary, (graphs, repeated)) =
            both(quads.len(), || Dictionary::merge(tables), || build_graphs(quads));
        let (dictionary, graphs) = (Arc::new(dictionary?), Arc::new(graphs));
        Ok((Self { state: Snapshot { dictionary, graphs, shrunk: false } }, repeated))
    }

    /// Adds a term to the dictionary and gives its id.
    ///
    /// # Errors
    /// A different term has the same id.
    pub fn intern(&mut self, term: TermRef<'_>) -> Result<TermId, TermCollision> {
        if self.state.dictionary.get(term.id()) == Some(term) {
            return Ok(term.id());
        }
        Arc::make_mut(&mut self.state.dictionary).intern(term)
    }

    /// Adds all terms of a table; an empty store takes it over as it is.
    ///
    /// # Errors
    /// A different term has the same id as one of the table's.
    pub fn intern_all(&mut self, terms: TermTable) -> Result<(), TermCollision> {
        let dictionary = Arc::make_mut(&mut self.state.dictionary);
        if let Err(terms) = dictionary.replace_empty(terms) {
            for (_, term) in terms.iter() {
                dictionary.intern(term)?;
            }
        }
        Ok(())
    }

    /// Applies a change and gives its net effect: quads that were really new, and
    /// quads that were really there.
    pub fn apply(&mut self, delta: &Delta) -> Delta {
        self.state.shrunk |= !delta.removed.is_empty();
        let graphs = Arc::make_mut(&mut self.state.graphs);
        let mut net = Delta::default();
        for quad in &delta.removed {
            let known = graphs.get_mut(&quad.graph);
            if known.is_some_and(|graph| graph.remove(statement(quad))) {
                net.removed.insert(*quad);
            }
        }
        for quad in &delta.inserted {
            if graphs.entry(quad.graph).or_default().insert(statement(quad)) {
                net.inserted.insert(*quad);
            }
        }
        for quad in net.quads() {
            if let btree_map::Entry::Occupied(mut entry) = graphs.entry(quad.graph) {
                entry.get_mut().compact_if_due();
                // A named graph exists by its quads alone.
                if entry.get().len() == 0 {
                    entry.remove();
                }
            }
        }
        net
    }

    /// The present state, to be read while the store goes on changing.
    pub fn snapshot(&self) -> Snapshot {
        self.state.clone()
    }
}

/// With fewer quads a second thread costs more than it gains.
const WORTH_A_THREAD: usize = 1 << 14;

/// Does both, at once if there are so many quads that it pays.
fn both<A: Send, B>(
    quads: usize,
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B,
) -> (A, B) {
    if quads < WORTH_A_THREAD {
        return (one(), other());
    }
    std::thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        (one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), other)
    })
}

type Graphs = BTreeMap<TermId, GraphIndex>;

/// The graphs of quads, and how often each quad is there besides the first time.
fn build_graphs(mut quads: Vec<EncodedQuad>) -> (Graphs, Vec<(EncodedQuad, u32)>) {
    quads.sort_unstable_by_key(|quad| quad.graph);
    let mut repeated = Vec::new();
    let graphs = quads.chunk_by(|left, right| left.graph == right.graph).map(|quads| {
        let graph = quads[0].graph;
        let mut rows: Vec<Row> = quads.iter().map(statement).collect();
        bulk::sort(&mut rows);
        for run in rows.chunk_by(|left, right| left == right).filter(|run| run.len() > 1) {
            let [subject, predicate, object] = run[0];
            let quad = EncodedQuad { subject, predicate, object, graph };
            repeated.push((quad, u32::try_from(run.len() - 1).unwrap_or(u32::MAX)));
        }
        rows.dedup();
        (graph, GraphIndex::build(rows))
    });
    (graphs.collect(), repeated)
}

fn statement(quad: &EncodedQuad) -> Row {
    [quad.subject, quad.predicate, quad.object]
}

impl Snapshot {
    /// How many quads there are.
    pub fn len(&self) -> usize {
        self.graphs.values().map(GraphIndex::len).sum()
    }

    /// Whether there is no quad.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `quad` is there.
    pub fn contains(&self, quad: &EncodedQuad) -> bool {
        self.graphs.get(&quad.graph).is_some_and(|graph| graph.contains(&statement(quad)))
    }

    /// The quad with its terms spelled out; `None` where a term is unknown.
    pub fn decode(&self, quad: &EncodedQuad) -> Option<evergen_delta::Quad> {
        let term = |id| self.term(id).map(TermRef::to_owned);
        Some(evergen_delta::Quad {
            subject: term(quad.subject)?,
            predicate: term(quad.predicate)?,
            object: term(quad.object)?,
            graph: match quad.graph {
                TermId::DEFAULT_GRAPH => None,
                graph => Some(term(graph)?),
            },
        })
    }

    /// Bytes of memory in use, roughly; pages of a mapped file count as well.
    pub fn memory_bytes(&self) -> usize {
        self.dictionary.memory_bytes()
            + self.graphs.values().map(GraphIndex::memory_bytes).sum::<usize>()
    }

    /// Everything as byte sections, for a file that [`Store::from_sections`] can use in place.
    ///
    /// Terms that no quad uses any more are left out, but for those in `kept`.
    pub fn to_sections(&self, kept: impl IntoIterator<Item = TermId>) -> StoreSections {
        let mut used = rustc_hash::FxHashSet::default();
        if self.shrunk {
            used.extend(kept);
        }
        let mut names = Vec::new();
        let mut runs = Vec::new();
        for (name, graph) in self.graphs.iter() {
            used.insert(*name);
            let all = QuadPattern::default_graph(None, None, None);
            for quad in graph.matching(&all, *name).filter(|_| self.shrunk) {
                used.extend([quad.subject, quad.predicate, quad.object]);
            }
            names.push(*name);
            runs.extend(graph.runs());
        }
        let terms = self.dictionary.freeze(self.shrunk.then_some(&used));
        StoreSections {
            term_ids: terms.ids,
            term_offsets: terms.offsets,
            term_heap: terms.heap,
            term_qualifiers: terms.qualifiers,
            graph_names: names,
            graph_runs: runs,
        }
    }

    /// The terms that came after the base of the dictionary was made.
    pub fn recent_terms(&self) -> &TermTable {
        self.dictionary.recent()
    }
}

/// A store as it is written to a file; every section is a column of plain values.
#[derive(Clone, Debug, Default)]
pub struct StoreSections {
    /// Sorted term ids.
    pub term_ids: Bytes,
    /// For each id, where its text begins in the heap.
    pub term_offsets: Bytes,
    /// The texts.
    pub term_heap: Bytes,
    /// Languages and datatypes, a line each.
    pub term_qualifiers: Bytes,
    /// The names of the graphs.
    pub graph_names: Vec<TermId>,
    /// For each graph three sorted runs of 24-byte rows.
    pub graph_runs: Vec<Bytes>,
}

/// The sections don't fit together, so that they can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored model is damaged")]
pub struct DamagedSections;

impl Store {
    /// Uses sections in place, without copying or decoding them.
    ///
    /// # Errors
    /// Sections whose shapes can't belong together. Contents are not looked at: guard
    /// them by a checksum.
    pub fn from_sections(sections: StoreSections) -> Result<Self, DamagedSections> {
        let StoreSections {
            term_ids: ids,
            term_offsets: offsets,
            term_heap: heap,
            term_qualifiers: qualifiers,
            graph_names: names,
            graph_runs: runs,
        } = sections;
        if runs.len() != names.len() * 3 {
            return Err(DamagedSections);
        }
        let terms = TermSections { ids, offsets, heap, qualifiers };
        let dictionary = Dictionary::thaw(terms).ok_or(DamagedSections)?;
        let mut graphs = BTreeMap::new();
        for (name, runs) in names.into_iter().zip(runs.chunks_exact(3)) {
            let runs = [runs[0].clone(), runs[1].clone(), runs[2].clone()];
            graphs.insert(name, GraphIndex::from_runs(runs).ok_or(DamagedSections)?);
        }
        let (dictionary, graphs) = (Arc::new(dictionary), Arc::new(graphs));
        Ok(Self { state: Snapshot { dictionary, graphs, shrunk: false } })
    }
}

impl TrackedReader for Snapshot {
    fn quads(&self, pattern: QuadPattern) -> Quads<'_> {
        if pattern.graph == TermId::ANY {
            return Quads(Matching::Graphs { pattern, graphs: self.graphs.iter(), current: None });
        }
        match self.graphs.get(&pattern.graph) {
            Some(graph) => Quads(Matching::Graph(graph.matching(&pattern, pattern.graph))),
            None => Quads(Matching::Nothing),
        }
    }

    fn term(&self, id: TermId) -> Option<TermRef<'_>> {
        self.dictionary.get(id)
    }
}

/// The quads that match a pattern, in an order that their content alone decides.
pub struct Quads<'a>(Matching<'a>);

enum Matching<'a> {
    Nothing,
    Graph(GraphQuads<'a>),
    Graphs {
        pattern: QuadPattern,
        graphs: btree_map::Iter<'a, TermId, GraphIndex>,
        current: Option<GraphQuads<'a>>,
    },
    Other(Box<dyn Iterator<Item = EncodedQuad> + 'a>),
}

impl<'a> Quads<'a> {
    /// The quads of a reader that is not backed by a [`Snapshot`].
    pub fn from_iterator(quads: impl Iterator<Item = EncodedQuad> + 'a) -> Self {
        Self(Matching::Other(Box::new(quads)))
    }
}

impl Iterator for Quads<'_> {
    type Item = EncodedQuad;

    fn next(&mut self) -> Option<EncodedQuad> {
        match &mut self.0 {
            Matching::Nothing => None,
            Matching::Graph(quads) => quads.next(),
            Matching::Other(quads) => quads.next(),
            Matching::Graphs { pattern, graphs, current } => loop {
                if let Some(quad) = current.as_mut().and_then(Iterator::next) {
                    return Some(quad);
                }
                let (name, graph) = graphs.find(|(name, _)| **name != TermId::DEFAULT_GRAPH)?;
                *current = Some(graph.matching(pattern, *name));
            },
        }
    }
}

impl fmt::Debug for Quads<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Quads")
    }
}

/// A term by its id, and by its text where no dictionary holds it.
#[derive(Clone, Debug)]
pub struct Value {
    id: TermId,
    computed: Option<Arc<Term>>,
}

impl Value {
    /// A term of the model.
    pub fn stored(id: TermId) -> Self {
        Self { id, computed: None }
    }

    /// A term that a query made.
    pub fn computed(term: Term) -> Self {
        Self { id: term.id(), computed: Some(Arc::new(term)) }
    }

    /// The id; the same for a stored and a computed term of the same content.
    pub fn id(&self) -> TermId {
        self.id
    }

    /// The text of a term that a query made.
    pub fn own_text(&self) -> Option<&Term> {
        self.computed.as_deref()
    }

    /// What the term says, with the reader that holds the model's terms.
    pub fn term<'a>(&'a self, reader: &'a dyn TrackedReader) -> Option<TermRef<'a>> {
        match &self.computed {
            Some(term) => Some(term.as_ref().as_ref()),
            None => reader.term(self.id),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Value {}

impl std::hash::Hash for Value {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}
