//! How are stale artifacts made again, the same as from scratch?
//!
//! A *generator* is a template with a query in front: for each row of the query it
//! makes one *artifact*. When the model changes, most artifacts are as true as they
//! were. This crate finds those that may not be, makes only these again, and leaves an
//! output folder that equals a generation from nothing, byte for byte.
//!
//! # How it knows
//! No author declares what a template depends on. While an artifact is made, every read
//! of the model is recorded as a pattern of terms; evaluation is a function of what was
//! read, so if no changed quad matches a recorded pattern, the artifact is what it was.
//! Template files are recorded in the same way, when they are loaded. Two cut-offs keep
//! the rest small: rows that come out of the queries unchanged are not rendered, and
//! bytes that come out unchanged are not written.
//!
//! # A cycle
//! [`RegenerationEngine::run`] is a transaction. It looks at all files (by their stamps,
//! reading only what a stamp can't vouch for), parses the sources that changed, works out
//! the net change of the model, finds what that touches, evaluates and renders it on
//! several threads, and commits files, `evergen.lock` and state together. If anything is
//! wrong with the model, a query or a template, all of it is reported and nothing is
//! written. [`plan`](RegenerationEngine::plan), [`diff`](RegenerationEngine::diff) and
//! [`check`](RegenerationEngine::check) are the same cycle without its last step.
//!
//! # What it does not do
//! It starts no thread that outlives a call, watches no folder, calls no network and
//! runs no other program, but for what a [`TextPass`] that it is given does. Templates see the
//! model and nothing else.
//!
//! ```
//! use evergen_regeneration::{Access, Project, RegenerationEngine, Settings};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! std::fs::create_dir(folder.path().join("templates"))?;
//! std::fs::write(
//!     folder.path().join("model.ttl"),
//!     "@prefix ex: <http://example.org/> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
//!      ex:Order a owl:Class . ex:Product a owl:Class .",
//! )?;
//! std::fs::write(
//!     folder.path().join("templates/class.txt.j2"),
//!     "+++\nfor_each = 'SELECT ?class WHERE { ?class a owl:Class }'\n\
//!      to = '{{ class | local_name | snake }}.txt'\n+++\nThis is {{ class | local_name }}.\n",
//! )?;
//!
//! let mut settings = Settings::default();
//! settings.model.sources = vec!["model.ttl".to_owned()];
//! let project = Project::new(folder.path(), settings);
//! let mut engine = RegenerationEngine::open(project, Access::Write { wait: None })?;
//!
//! assert_eq!(engine.run(&mut |_| {})?.artifacts.written, 2);
//! assert_eq!(engine.run(&mut |_| {})?.artifacts.evaluated, 0);
//! let text = std::fs::read_to_string(folder.path().join("gen/order.txt"))?;
//! assert_eq!(text, "This is Order.\n");
//! # Ok(())
//! # }
//! ```

mod artifacts;
mod completeness;
mod configuration;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod edits;
mod engine;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod generator;
mod in_memory;
mod language;
mod names;
mod pack;
mod passes;
mod programs;
mod project;
mod published;
mod records;
mod references;
mod regenerator;
mod report;
mod rows;
mod settings;
mod shared;
mod state;
mod suggest;
mod template;
mod versions;
mod view;

pub use crate::configuration::{
    EffectiveSettings, EffectiveValue, Origin, SettingsLayers, parse_settings,
};
pub use crate::engine::{Access, Decision, ExplainError, GraphNode, MemoryUse, RegenerationEngine};
pub use crate::error::CycleError;
pub use crate::in_memory::MemoryRegenerator;
pub use crate::language::{LanguageProfile, Languages, NameKind};
pub use crate::names::{KeepError, NameKeeper};
pub use crate::pack::{Pack, PackFile};
pub use crate::passes::{PassError, Passes, TextPass};
pub use crate::programs::CatchUpError;
pub use crate::project::Project;
pub use crate::regenerator::{
    Prepared, QueuedEvent, RegenerateError, Regenerated, Regenerator, Verdict, Work, WorkKey,
};
pub use crate::report::*;
pub use crate::settings::*;
pub use crate::shared::SharedEngine;
pub use crate::versions::{KeptVersion, VersionKeeper};
pub use crate::view::{AskError, ModelChange, ModelView, Remark, Reply, ViewMemory, Views};
