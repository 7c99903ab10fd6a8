//! Names that outlive changes of the model.

use std::fmt;
use std::sync::Arc;

use evergen_knowledge::TrackedReader;

/// Gives what a model holds names and numbers that stay, whatever else comes and goes.
///
/// They stand in a file beside `evergen.lock`, in Turtle, which belongs under version control
/// and is a source of the model like any other. The engine asks for its new text when the
/// file is not as it was left, or something changed that was read when it asked last, and
/// commits it together with the artifacts.
///
/// # Laws
/// - The new text is a function of the text before and of what was read by `reader`.
/// - What the text says of a thing it still says afterwards.
pub trait NameKeeper: Send + Sync {
    /// The file's name.
    fn file_name(&self) -> &'static str;

    /// The new text of the file; `previous` is empty where there is no file yet.
    fn keep(&self, reader: &dyn TrackedReader, previous: &str) -> Result<String, KeepError>;
}

/// Why names can't be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct KeepError {
    /// What is wrong with the file.
    pub message: String,
    /// In which line of it, counted from 1.
    pub line: Option<u32>,
}

impl KeepError {
    /// A fault of the file.
    pub fn new(message: impl Into<String>, line: Option<u32>) -> Self {
        Self { message: message.into(), line }
    }
}

/// The keeper of a project, if it has one.
#[derive(Clone, Default)]
pub(crate) struct Keeper(pub(crate) Option<Arc<dyn NameKeeper>>);

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keeper").field(&self.0.as_ref().map(|keeper| keeper.file_name())).finish()
    }
}
