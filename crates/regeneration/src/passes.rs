//! What is done to a text after it was rendered, and before anybody sees it.

use std::fmt;
use std::sync::Arc;

use evergen_artifact::{ArtifactPath, Digest};

/// Rewrites rendered texts: a formatter, or the safe fixes of a linter.
///
/// A pass is part of what an artifact is made by, as its template is: what comes out of it is
/// gated, compared, written and recorded, and what a template rendered before it is seen by
/// nobody. So a repair that was made by a pass is there again after each generation.
///
/// # Laws
/// - What it gives is a function of the path, the text and what its [`digest`](Self::digest) is
///   made of. It reads no other file and no clock.
/// - Another digest makes every artifact again.
pub trait TextPass: Send + Sync {
    /// What it is called in messages.
    fn name(&self) -> &str;

    /// The digest of everything that its answers depend on besides path and text: its settings,
    /// and the version of the program that it runs.
    fn digest(&self) -> Digest;

    /// Whether it has anything to do with a path in the output folder.
    fn takes(&self, path: &ArtifactPath) -> bool;

    /// The new text. Called on several threads at once, each of which it may block.
    ///
    /// # Errors
    /// The text can't be rewritten; the artifact then fails as if its template had, and nothing
    /// is written.
    fn apply(&self, path: &ArtifactPath, text: &[u8]) -> Result<Vec<u8>, PassError>;
}

/// A pass could not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct PassError {
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl PassError {
    /// An error that says this.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Passes in the order in which they are made.
#[derive(Clone, Default)]
pub struct Passes {
    passes: Arc<[Arc<dyn TextPass>]>,
}

impl Passes {
    /// These passes, one after the other.
    pub fn new(passes: impl IntoIterator<Item = Arc<dyn TextPass>>) -> Self {
        Self { passes: passes.into_iter().collect() }
    }

    /// What all texts depend on.
    pub(crate) fn digests(&self) -> Vec<String> {
        self.passes.iter().map(|pass| pass.digest().to_string()).collect()
    }

    /// The names of those that take a path.
    pub(crate) fn names(&self, path: &ArtifactPath) -> Vec<String> {
        let taking = self.passes.iter().filter(|pass| pass.takes(path));
        taking.map(|pass| pass.name().to_owned()).collect()
    }

    /// The text after all passes that take the path, and the pass that failed otherwise.
    pub(crate) fn apply(
        &self,
        path: &ArtifactPath,
        mut text: Vec<u8>,
    ) -> Result<Vec<u8>, (&str, PassError)> {
        for pass in self.passes.iter().filter(|pass| pass.takes(path)) {
            text = pass.apply(path, &text).map_err(|error| (pass.name(), error))?;
        }
        Ok(text)
    }
}

impl fmt::Debug for Passes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.passes.iter().map(|pass| pass.name())).finish()
    }
}
