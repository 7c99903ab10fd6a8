//! The composition root: which implementations the shipped binary uses.

use std::path::Path;

use evergen_regeneration::{Languages, Pack, Project, Settings};

/// A project with everything that is built in.
pub(crate) fn project(root: &Path, settings: Settings) -> Project {
    Project::new(root, settings).with_packs(packs()).with_languages(languages())
}

/// Every built-in pack.
pub(crate) fn packs() -> Vec<Pack> {
    evergen_packs::packs()
}

/// Every language that templates can name.
pub(crate) fn languages() -> Languages {
    evergen_packs::languages()
}
