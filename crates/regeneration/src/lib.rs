//! How are stale artifacts made again, the same as from scratch?

mod artifacts;
mod completeness;
mod configuration;
mod edits;
mod engine;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod generator;
mod language;
mod pack;
mod project;
mod records;
mod references;
mod report;
mod settings;
mod state;
mod template;

pub use crate::configuration::{
    EffectiveSettings, EffectiveValue, Origin, SettingsLayers, parse_settings,
};
pub use crate::engine::{Access, ExplainError, GraphNode, RegenerationEngine};
pub use crate::error::CycleError;
pub use crate::language::{LanguageProfile, Languages};
pub use crate::pack::{Pack, PackFile};
pub use crate::project::Project;
pub use crate::report::*;
pub use crate::settings::*;
