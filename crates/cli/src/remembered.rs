//! The settings of a run without a configuration file, for the verbs that follow it.
//!
//! After `evergen run model.ttl --lang rust`, `evergen check` or `evergen explain`
//! in the same folder mean the same model and languages. The state folder holds
//! them in the form of a configuration file.

use std::fs;
use std::io;
use std::path::Path;

use evergen_regeneration::Settings;

/// The file, relative to the project's folder.
pub(crate) const FILE: &str = ".evergen/last-run.toml";

const HEADER: &str = "\
# The settings of the last run in this folder, which has no evergen.toml.
# Written by evergen; to keep them, move this file to evergen.toml.

";

/// Writes the settings, if they are not what is there.
pub(crate) fn remember(root: &Path, settings: &Settings) -> io::Result<()> {
    let mut settings = settings.clone();
    settings.regeneration.incremental = true;
    let text = toml::to_string(&settings).map_err(io::Error::other)?;
    let text = format!("{HEADER}{text}");
    let path = root.join(FILE);
    if fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let fresh = path.with_extension("toml.new");
    fs::write(&fresh, text)?;
    fs::rename(&fresh, &path)?;
    Ok(())
}
