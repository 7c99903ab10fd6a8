//! What the engine holds of the last committed cycle.

use evergen_artifact::{Digest, FileStamp};
use evergen_knowledge::Model;

use super::catalogue::Catalogue;
use crate::artifacts::Artifacts;
use crate::project::Project;
use crate::state::segment::Unusable;
use crate::state::{FORMAT, Meta, Reads, StateFolder, Step};
use crate::template::asked::Answers;

/// The state of a project between cycles. Model and index are opened when they
/// are needed first: a run that finds nothing changed never looks at them.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(super) meta: Meta,
    pub(super) artifacts: Artifacts,
    pub(super) model: Option<Model>,
    pub(super) reads: Option<Reads>,
    pub(super) kept: Kept,
    /// Steps that model and index have not taken in yet.
    steps: Vec<Step>,
    /// Whether the last commit wrote a new base, so that the files hold all of this compactly.
    pub(super) rebased: bool,
    /// Whether `evergen.lock` has to be written, though no artifact is another.
    pub(super) lock_stale: bool,
    /// Why there is nothing to go on from, if so.
    pub(super) fresh: Option<Fresh>,
}

/// What no file has, and what costs time to find out again.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) catalogue: Option<Catalogue>,
    /// What views answered about the model.
    pub(super) answers: Option<Answers>,
    /// The state to which both belong: the file that every commit writes anew.
    pub(super) state: Option<FileStamp>,
}

impl Kept {
    /// About how many bytes it takes, templates apart.
    pub(super) fn memory_bytes(&self) -> usize {
        let generators = self.catalogue.iter().flat_map(|catalogue| &catalogue.generators);
        let parts: usize = generators.map(|generator| generator.parts.memory_bytes()).sum();
        parts + self.answers.as_ref().map_or(0, Answers::memory_bytes)
    }

    /// The same if it belongs to what a folder holds now.
    pub(super) fn belonging_to(self, folder: &StateFolder) -> Self {
        let is_of_it = self.state.is_some() && self.state == folder.stamp();
        if is_of_it { self } else { Self::default() }
    }
}

/// Why a cycle begins from nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fresh {
    /// There is no state: the first run, or a fresh clone.
    First,
    /// There is state that can't be used; the text says why.
    Unusable(String),
}

impl Memory {
    /// Opens what the last cycle left.
    pub(super) fn open(folder: &StateFolder, project: &Project) -> Self {
        match Self::load(folder, project) {
            Ok(memory) => memory,
            Err(fresh) => Self::fresh(fresh),
        }
    }

    /// Begins from nothing.
    pub(super) fn fresh(why: Fresh) -> Self {
        Self {
            model: Some(Model::new()),
            reads: Some(Reads::default()),
            fresh: Some(why),
            ..Self::default()
        }
    }

    fn load(folder: &StateFolder, project: &Project) -> Result<Self, Fresh> {
        let damaged = |what: &str, why: Unusable| Fresh::Unusable(format!("{what}: {why}"));
        let meta = match folder.load_meta() {
            Err(Unusable::Missing) => return Err(Fresh::First),
            Err(why) => return Err(damaged("the state", why)),
            Ok(meta) => meta,
        };
        if meta.format != FORMAT || meta.release != env!("CARGO_PKG_VERSION") {
            return Err(Fresh::Unusable(format!("it is of evergen {}", meta.release)));
        }
        let output_dir = &project.settings.regeneration.output_dir;
        if meta.output_dir != *output_dir {
            return Err(Fresh::Unusable(format!("it is of the output folder {}", meta.output_dir)));
        }
        let steps = folder.load_steps(&meta).map_err(|why| damaged("a step", why))?;
        let artifacts = folder
            .load_artifacts(&meta, &steps)
            .map_err(|why| damaged("the table of artifacts", why))?;
        Ok(Self { meta, artifacts, steps, ..Self::default() })
    }

    /// Opens model and index, unless they are open.
    pub(super) fn need_model(&mut self, folder: &StateFolder) -> Result<(), Fresh> {
        if self.model.is_none() {
            let model = folder.load_model(&self.meta, &self.steps);
            let model = model.map_err(|why| Fresh::Unusable(format!("the stored model: {why}")))?;
            self.model = Some(model);
        }
        if self.reads.is_none() {
            let reads = folder.load_reads(&self.meta, &self.steps);
            let reads = reads.map_err(|why| Fresh::Unusable(format!("the stored index: {why}")))?;
            self.reads = Some(reads);
        }
        self.steps = Vec::new();
        Ok(())
    }

    /// The table of artifacts.
    pub(crate) fn artifacts(&self) -> &Artifacts {
        &self.artifacts
    }

    /// Whether the front matter of the generator of this name says `critical`.
    pub(crate) fn is_critical(&self, generator: &str) -> bool {
        let known = self.meta.generators.iter().find(|known| known.name == generator);
        known.is_some_and(|known| known.critical)
    }

    /// Whether the ruling settings are those of the last cycle.
    pub(super) fn has_settings(&self, settings: Digest) -> bool {
        self.meta.settings.is_some_and(|known| known == settings)
    }
}
