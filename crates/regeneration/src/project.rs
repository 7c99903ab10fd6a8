//! A project: where it lies, and what it asks for.

use std::path::{Path, PathBuf};

use crate::language::Languages;
use crate::pack::Pack;
use crate::settings::Settings;

/// A folder with a model, templates and settings.
#[derive(Clone, Debug)]
pub struct Project {
    pub(crate) root: PathBuf,
    pub(crate) settings: Settings,
    pub(crate) packs: Vec<Pack>,
    pub(crate) languages: Languages,
    pub(crate) chunk_bytes: Option<usize>,
}

impl Project {
    /// A project in the folder `root`, in which `.evergen/` and `evergen.lock` will lie.
    pub fn new(root: impl Into<PathBuf>, settings: Settings) -> Self {
        Self {
            root: root.into(),
            settings,
            packs: Vec::new(),
            languages: Languages::new(),
            chunk_bytes: None,
        }
    }

    /// Adds the packs of which `target_languages` may choose.
    #[must_use]
    pub fn with_packs(mut self, packs: Vec<Pack>) -> Self {
        self.packs = packs;
        self
    }

    /// Sets the languages that templates may name.
    #[must_use]
    pub fn with_languages(mut self, languages: Languages) -> Self {
        self.languages = languages;
        self
    }

    /// Sets how many bytes, about, there are in the parts by which large sources are read
    /// again; 0 for no parts. It has no influence on any result.
    #[must_use]
    pub fn with_chunk_bytes(mut self, bytes: usize) -> Self {
        self.chunk_bytes = Some(bytes);
        self
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The folder into which artifacts are written.
    pub fn output_dir(&self) -> PathBuf {
        self.root.join(&self.settings.regeneration.output_dir)
    }

    /// The file that holds what programs publish, if the project takes any.
    pub fn published_file(&self) -> Option<PathBuf> {
        self.settings.model.published.as_ref().map(|name| self.root.join(name))
    }

    /// The folder in which state is kept between runs.
    pub fn state_dir(&self) -> PathBuf {
        self.root.join(".evergen")
    }
}
