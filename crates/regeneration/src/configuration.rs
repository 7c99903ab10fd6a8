//! From the text of `evergen.toml`, and from what overrides it, to [`Settings`].
//!
//! One table of keys says what each value may be. A file is checked against it
//! before anything is built from it, so that all mistakes are found at once, each
//! with its place.

mod check;
mod keys;
mod layers;
mod suggest;

#[cfg(test)]
mod tests;

pub use self::layers::{EffectiveSettings, EffectiveValue, Origin, SettingsLayers};

use crate::report::Diagnostic;
use crate::settings::Settings;

/// Reads the text of a configuration file; `file` is its name in messages.
///
/// The error holds everything that is wrong with the text, in the order of the text.
pub fn parse_settings(text: &str, file: &str) -> Result<Settings, Vec<Diagnostic>> {
    let mut layers = SettingsLayers::default();
    layers.add_file(text, file);
    layers.finish().map(|effective| effective.settings)
}
