//! A project: where it lies, and what it asks for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::language::Languages;
use crate::names::{Keeper, NameKeeper};
use crate::pack::Pack;
use crate::passes::Passes;
use crate::settings::Settings;
use crate::versions::{VersionKeeper, Versions};
use crate::view::Views;

/// A folder with a model, templates and settings.
#[derive(Clone, Debug)]
pub struct Project {
    pub(crate) root: PathBuf,
    pub(crate) settings: Settings,
    pub(crate) packs: Vec<Pack>,
    pub(crate) passes: Passes,
    pub(crate) languages: Languages,
    pub(crate) views: Views,
    pub(crate) keeper: Keeper,
    pub(crate) versions: Versions,
    pub(crate) chunk_bytes: Option<usize>,
}

impl Project {
    /// A project in the folder `root`, in which `.evergen/` and `evergen.lock` will lie.
    pub fn new(root: impl Into<PathBuf>, settings: Settings) -> Self {
        Self {
            root: root.into(),
            settings,
            packs: Vec::new(),
            passes: Passes::default(),
            languages: Languages::new(),
            views: Views::new(),
            keeper: Keeper::default(),
            versions: Versions::default(),
            chunk_bytes: None,
        }
    }

    /// Adds the packs of which `target_languages` may choose.
    #[must_use]
    pub fn with_packs(mut self, packs: Vec<Pack>) -> Self {
        self.packs = packs;
        self
    }

    /// Sets what is done to each text after it was rendered.
    #[must_use]
    pub fn with_passes(mut self, passes: Passes) -> Self {
        self.passes = passes;
        self
    }

    /// Sets the languages that templates may name.
    #[must_use]
    pub fn with_languages(mut self, languages: Languages) -> Self {
        self.languages = languages;
        self
    }

    /// Sets the views of the model that templates may ask.
    #[must_use]
    pub fn with_views(mut self, views: Views) -> Self {
        self.views = views;
        self
    }

    /// Sets who keeps names. It is asked where packs are chosen, or its file is there.
    #[must_use]
    pub fn with_name_keeper(mut self, keeper: Arc<dyn NameKeeper>) -> Self {
        self.keeper = Keeper(Some(keeper));
        self
    }

    /// Sets who keeps the version. It is asked where `auto_version` is set; its file is a source
    /// wherever it is there.
    #[must_use]
    pub fn with_version_keeper(mut self, keeper: Arc<dyn VersionKeeper>) -> Self {
        self.versions = Versions(Some(keeper));
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

    /// The packs that are chosen, each once: a pack is found by its own name, and by any
    /// name of its language.
    pub(crate) fn chosen_packs(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<&str> = Vec::new();
        for language in &self.settings.regeneration.target_languages {
            let name = match self.languages.get(language) {
                Some(profile) => profile.name(),
                None => language,
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.into_iter()
    }

    /// Who keeps names, where they are of use.
    pub(crate) fn keeper(&self) -> Option<&dyn NameKeeper> {
        let keeper = self.keeper.0.as_deref()?;
        let is_used = !self.settings.regeneration.target_languages.is_empty()
            || self.root.join(keeper.file_name()).is_file();
        is_used.then_some(keeper)
    }

    /// Who keeps the version, where it is of use.
    pub(crate) fn version_keeper(&self) -> Option<&dyn VersionKeeper> {
        let keeper = self.versions.0.as_deref()?;
        let is_used =
            self.settings.regeneration.auto_version || self.root.join(keeper.file_name()).is_file();
        is_used.then_some(keeper)
    }

    /// The folder with the project's own packs, relative to the project.
    pub(crate) fn pack_folder(&self) -> &str {
        self.settings.regeneration.pack_dir.trim_end_matches('/')
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
