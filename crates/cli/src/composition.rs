//! The composition root: which implementations the shipped binary uses.

use std::path::Path;
use std::sync::Arc;

use evergen_regeneration::{Languages, NameKeeper, Pack, Project, Settings, VersionKeeper, Views};

/// A project with everything that is built in.
pub(crate) fn project(root: &Path, settings: Settings) -> Project {
    let passes = crate::passes::passes(root, &settings.passes);
    Project::new(root, settings)
        .with_packs(packs())
        .with_passes(passes)
        .with_languages(languages())
        .with_views(views())
        .with_name_keeper(name_keeper())
        .with_version_keeper(version_keeper())
}

/// Every built-in pack.
pub(crate) fn packs() -> Vec<Pack> {
    evergen_packs::packs()
}

/// Who keeps the names of a model.
pub(crate) fn name_keeper() -> Arc<dyn NameKeeper> {
    evergen_packs::name_keeper()
}

/// Who keeps the version of what is generated.
pub(crate) fn version_keeper() -> Arc<dyn VersionKeeper> {
    evergen_packs::version_keeper()
}

/// Every view of the model that templates can ask.
pub(crate) fn views() -> Views {
    evergen_packs::views()
}

/// Every language that templates can name.
pub(crate) fn languages() -> Languages {
    evergen_packs::languages()
}
