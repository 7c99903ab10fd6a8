//! What is remembered between runs, in `.evergen/`.
//!
//! A *base* of three files (model, index, artifacts) and numbered *steps* on top
//! of it; `meta` names the base's epoch and how many steps count. All of them are
//! written by the same transaction as the artifacts, so that they always tell of
//! the tree that is there. It is a cache: whatever is wrong with it, a full
//! generation gives the same tree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use evergen_artifact::{Digest, FileStamp};
use evergen_delta::{EncodedQuad, Fingerprint, TermId};
use evergen_depgraph::{IndexColumns, PatternIndex};
use evergen_knowledge::{
    ChunkSections, Model, ModelSections, SourceIncrement, SourceSections, StoreSections,
    StoredChunks,
};
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use self::facts::{FactChanges, Facts};
use self::segment::{Segment, Unusable};
use crate::artifacts::{ArtifactColumns, Artifacts, Slot};
use crate::records::{Record, StoredDigest};

pub(crate) mod facts;
pub(crate) mod segment;
#[cfg(test)]
mod tests;

/// Another layout needs another number.
pub(crate) const FORMAT: u32 = 3;
/// The file that names the others.
pub(crate) const META: &str = "meta";
/// After so many steps a new base is cheaper to read.
const MOST_STEPS: u32 = 64;

/// What the last committed cycle knew.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Meta {
    pub(crate) format: u32,
    /// The release that wrote it: another one may generate other bytes.
    pub(crate) release: String,
    pub(crate) epoch: u64,
    pub(crate) steps: u32,
    /// Bytes of the base and of the steps.
    pub(crate) base_bytes: u64,
    pub(crate) step_bytes: u64,
    /// The settings that rule every generator.
    pub(crate) settings: Option<StoredDigest>,
    /// What else than their bytes decides what sources say.
    pub(crate) reading: Option<StoredDigest>,
    pub(crate) output_dir: String,
    /// What each source imports, by IRI.
    pub(crate) imports: BTreeMap<String, Vec<String>>,
    pub(crate) sources: Vec<KnownFile>,
    pub(crate) templates: Vec<KnownFile>,
    /// The position is the generator's number; a generator that is gone keeps it.
    pub(crate) generators: Vec<KnownGenerator>,
    /// Files that generators declare to depend on.
    pub(crate) declared: Vec<KnownFile>,
    /// `evergen.lock` as it was written last.
    pub(crate) lock: Option<KnownFile>,
    /// Files that nothing generates any more and that an edit kept: path, digest of the
    /// generated text, generator.
    pub(crate) orphans: Vec<(String, StoredDigest, String)>,
    /// The chosen packs, and a digest of each that is known.
    pub(crate) choice: Vec<String>,
    pub(crate) quads: u64,
    /// How many artifacts have a file.
    pub(crate) outputs: u64,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownFile {
    pub(crate) path: String,
    pub(crate) stamp: FileStamp,
    pub(crate) observed_ns: i64,
    pub(crate) digest: StoredDigest,
}

/// A generator as it was when its artifacts were made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownGenerator {
    pub(crate) name: String,
    pub(crate) digest: StoredDigest,
    /// The files that its templates asked for; `None` for one that did not exist.
    pub(crate) loaded: Vec<(String, Option<StoredDigest>)>,
    pub(crate) gone: bool,
    pub(crate) critical: bool,
}

/// What one cycle changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) increments: Vec<SourceIncrement>,
    pub(crate) records: Vec<(Slot, Option<Record>)>,
    /// What computations read from now on; `None` for one that is gone.
    pub(crate) reads: Vec<(u32, Option<Vec<Fingerprint>>)>,
    pub(crate) list_reads: Vec<(u32, Option<Vec<Fingerprint>>)>,
    /// What facts were worked out of.
    pub(crate) facts: FactChanges,
}

/// Which patterns artifacts and lists read.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    /// Two computations for each slot: the queries at 2 × slot, the rendering at 2 × slot + 1.
    pub(crate) artifacts: PatternIndex,
    /// One computation for each generator.
    pub(crate) lists: PatternIndex,
    /// The facts that stand between patterns and both of them.
    pub(crate) facts: Facts,
}

impl Reads {
    /// The computations of an index that a change of quads can have changed, ascending;
    /// `facts` are those that it can have changed.
    pub(crate) fn affected<'a>(
        index: &PatternIndex,
        quads: impl IntoIterator<Item = &'a EncodedQuad>,
        facts: &FxHashSet<Fingerprint>,
    ) -> Vec<u32> {
        let mut found = index.affected(quads);
        if !facts.is_empty() {
            found.extend(facts.iter().flat_map(|fact| index.readers_of(*fact)));
            found.sort_unstable();
            found.dedup();
        }
        found
    }
}

/// The state folder.
#[derive(Clone, Debug)]
pub(crate) struct StateFolder {
    path: PathBuf,
}

pub(crate) fn model_file(epoch: u64) -> String {
    format!("model-{epoch}")
}

pub(crate) fn index_file(epoch: u64) -> String {
    format!("index-{epoch}")
}

pub(crate) fn artifacts_file(epoch: u64) -> String {
    format!("artifacts-{epoch}")
}

pub(crate) fn step_file(epoch: u64, number: u32) -> String {
    format!("step-{epoch}-{number}")
}

impl Meta {
    /// The names of all files that count.
    pub(crate) fn files(&self) -> Vec<String> {
        let epoch = self.epoch;
        let mut files = vec![model_file(epoch), index_file(epoch), artifacts_file(epoch)];
        files.extend((0..self.steps).map(|number| step_file(epoch, number)));
        files
    }

    /// Whether the next cycle should write a new base instead of a step of so many bytes.
    pub(crate) fn wants_base(&self, step_bytes: usize) -> bool {
        let step = step_bytes as u64;
        let steps = self.step_bytes + step;
        let is_full = steps > (self.base_bytes / 4).max(1 << 18);
        // Every run decodes all steps, and a large one, as when a source that is known by its
        // parts gets another prefix, is slow to decode for what it says.
        let is_large = step > (self.base_bytes / 16).max(1 << 18);
        self.steps >= MOST_STEPS || is_full || is_large
    }
}

impl StateFolder {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// By what the file that names the others is known again, if it is there.
    pub(crate) fn stamp(&self) -> Option<FileStamp> {
        std::fs::metadata(self.path.join(META)).ok().map(|found| FileStamp::of(&found))
    }

    pub(crate) fn load_meta(&self) -> Result<Meta, Unusable> {
        let sections = segment::open(&self.path.join(META))?;
        let [bytes] = sections.as_slice() else { return Err(Unusable::Damaged) };
        decode_meta(bytes)
    }

    pub(crate) fn load_steps(&self, meta: &Meta) -> Result<Vec<Step>, Unusable> {
        let load = |number| {
            let sections = segment::open(&self.path.join(step_file(meta.epoch, number)))?;
            let [bytes] = sections.as_slice() else { return Err(Unusable::Damaged) };
            postcard::from_bytes(bytes).map_err(|_| Unusable::Damaged)
        };
        (0..meta.steps).map(load).collect()
    }

    pub(crate) fn load_artifacts(
        &self,
        meta: &Meta,
        steps: &[Step],
    ) -> Result<Artifacts, Unusable> {
        let sections = segment::open(&self.path.join(artifacts_file(meta.epoch)))?;
        let mut artifacts = decode_artifacts(sections)?;
        for (slot, record) in steps.iter().flat_map(|step| &step.records) {
            artifacts.restore(*slot, record.clone());
        }
        Ok(artifacts)
    }

    pub(crate) fn load_model(&self, meta: &Meta, steps: &[Step]) -> Result<Model, Unusable> {
        let sections = segment::open(&self.path.join(model_file(meta.epoch)))?;
        let sections = decode_model(sections).ok_or(Unusable::Damaged)?;
        let mut model = Model::from_sections(sections).map_err(|_| Unusable::Damaged)?;
        for step in steps {
            model.apply(&step.increments).map_err(|_| Unusable::Damaged)?;
        }
        Ok(model)
    }

    pub(crate) fn load_reads(&self, meta: &Meta, steps: &[Step]) -> Result<Reads, Unusable> {
        let sections = segment::open(&self.path.join(index_file(meta.epoch)))?;
        let mut reads = decode_reads(&sections)?;
        for step in steps {
            replay(&mut reads.artifacts, &step.reads);
            replay(&mut reads.lists, &step.list_reads);
            reads.facts.replay(&step.facts);
        }
        Ok(reads)
    }
}

pub(crate) fn replay(index: &mut PatternIndex, reads: &[(u32, Option<Vec<Fingerprint>>)]) {
    for (computation, fingerprints) in reads {
        match fingerprints {
            Some(fingerprints) => index.record(*computation, fingerprints.iter().copied()),
            None => index.forget(*computation),
        }
    }
}

fn decode_artifacts(sections: Vec<Bytes>) -> Result<Artifacts, Unusable> {
    let Ok([entries, path_ends, paths, record_ends, records, by_path]) =
        <[Bytes; 6]>::try_from(sections)
    else {
        return Err(Unusable::Damaged);
    };
    let columns = ArtifactColumns { entries, path_ends, paths, record_ends, records, by_path };
    Artifacts::from_columns(columns).ok_or(Unusable::Damaged)
}

fn decode_reads(sections: &[Bytes]) -> Result<Reads, Unusable> {
    let [artifacts @ .., _, _, _, _, _, _, _, _, _, _, _] = sections else {
        return Err(Unusable::Damaged);
    };
    let (lists, facts) = sections[artifacts.len()..].split_at(5);
    let [index @ .., ids] = facts else { return Err(Unusable::Damaged) };
    Ok(Reads {
        artifacts: decode_index(artifacts)?,
        lists: decode_index(lists)?,
        facts: Facts::from_parts(decode_index(index)?, ids)?,
    })
}

fn decode_index(sections: &[Bytes]) -> Result<PatternIndex, Unusable> {
    let [fingerprints, computations, members, ends, reads] = sections else {
        return Err(Unusable::Damaged);
    };
    let columns = IndexColumns {
        fingerprints: fingerprints.clone(),
        computations: computations.clone(),
        members: members.clone(),
        ends: ends.clone(),
        reads: reads.clone(),
    };
    PatternIndex::from_columns(columns).map_err(|_| Unusable::Damaged)
}

/// Takes bytes for every kind of state file in turn.
pub(crate) fn try_all(file: &Bytes) {
    let sections = segment::decode(file).unwrap_or_else(|_| vec![file.clone()]);
    if let [single] = sections.as_slice() {
        let _ = decode_meta(single);
        let _ = postcard::from_bytes::<Step>(single);
    }
    if let Ok(artifacts) = decode_artifacts(sections.clone()) {
        artifacts.outputs().for_each(drop);
    }
    if let Ok(reads) = decode_reads(&sections) {
        let _ = reads.artifacts.reads_of(0).len();
    }
    let _ = decode_model(sections).map(Model::from_sections);
}

/// Reads `meta`; another format is as good as damage.
pub(crate) fn decode_meta(bytes: &[u8]) -> Result<Meta, Unusable> {
    // The format stands first, so that it can be read from any later layout.
    let (format, _) = postcard::take_from_bytes::<u32>(bytes).map_err(|_| Unusable::Damaged)?;
    if format != FORMAT {
        return Err(Unusable::Damaged);
    }
    postcard::from_bytes(bytes).map_err(|_| Unusable::Damaged)
}

/// The bytes of a file of one section.
pub(crate) fn encode_single(value: &impl Serialize) -> Result<Vec<u8>, postcard::Error> {
    Ok(segment::encode(vec![postcard::to_stdvec(value)?.into()]).pieces().concat())
}

pub(crate) fn encode_artifacts(artifacts: &Artifacts) -> Segment {
    let ArtifactColumns { entries, path_ends, paths, record_ends, records, by_path } =
        artifacts.to_columns();
    segment::encode(vec![entries, path_ends, paths, record_ends, records, by_path])
}

pub(crate) fn encode_reads(reads: &Reads) -> Segment {
    let (facts, ids) = reads.facts.to_parts();
    let sections: Vec<Bytes> = [&reads.artifacts, &reads.lists, facts]
        .into_iter()
        .flat_map(|index| {
            let columns = index.to_columns();
            [
                columns.fingerprints,
                columns.computations,
                columns.members,
                columns.ends,
                columns.reads,
            ]
        })
        .chain([ids])
        .collect();
    segment::encode(sections)
}

/// What is not a column of the model's file.
#[derive(Serialize, Deserialize)]
struct ModelHeader {
    graphs: Vec<TermId>,
    sources: Vec<(String, StoredChunks)>,
    shared: Vec<(EncodedQuad, u32)>,
}

/// Terms in `kept` stay known, also if no quad uses them.
pub(crate) fn encode_model(
    model: &Model,
    kept: impl IntoIterator<Item = TermId>,
) -> Result<Segment, postcard::Error> {
    let ModelSections { store, mut sources, shared } = model.to_sections(kept);
    let header = ModelHeader {
        graphs: store.graph_names,
        sources: sources
            .iter_mut()
            .map(|source| (source.name.clone(), std::mem::take(&mut source.chunks.table)))
            .collect(),
        shared,
    };
    let mut sections = vec![
        postcard::to_stdvec(&header)?.into(),
        store.term_ids,
        store.term_offsets,
        store.term_heap,
        store.term_qualifiers,
    ];
    sections.extend(store.graph_runs);
    sections.extend(
        sources
            .into_iter()
            .flat_map(|source| [source.ground, source.components, source.chunks.members]),
    );
    Ok(segment::encode(sections))
}

fn decode_model(sections: Vec<Bytes>) -> Option<ModelSections> {
    let mut sections = sections.into_iter();
    let header: ModelHeader = postcard::from_bytes(&sections.next()?).ok()?;
    let mut store = StoreSections {
        term_ids: sections.next()?,
        term_offsets: sections.next()?,
        term_heap: sections.next()?,
        term_qualifiers: sections.next()?,
        ..StoreSections::default()
    };
    store.graph_runs = sections.by_ref().take(header.graphs.len() * 3).collect();
    store.graph_names = header.graphs;
    let mut sources = Vec::with_capacity(header.sources.len());
    for (name, table) in header.sources {
        sources.push(SourceSections {
            name,
            ground: sections.next()?,
            components: sections.next()?,
            chunks: ChunkSections { table, members: sections.next()? },
        });
    }
    Some(ModelSections { store, sources, shared: header.shared })
}

/// The digest of a known file.
impl KnownFile {
    pub(crate) fn has(&self, digest: Digest) -> bool {
        self.digest == digest
    }
}
