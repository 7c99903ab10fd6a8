//! What can stop a cycle.

use crate::report::Diagnostic;

/// A cycle could not be finished; the output folder is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CycleError {
    /// The settings don't make sense; nothing was looked at.
    #[error("the settings are not usable")]
    Settings(Vec<Diagnostic>),
    /// The model, a query or a template has errors: all that were found.
    #[error("{} found, nothing was written", plural(.0.len(), "error"))]
    Rejected(Vec<Diagnostic>),
    /// Whoever has a say in it did not let the changes pass.
    #[error("the changes were held back, nothing was written: {why}")]
    Withheld {
        /// What was found wanting.
        why: String,
    },
    /// Another process writes to the same project.
    #[error("the project is in use")]
    Locked(#[source] evergen_artifact::AcquireError),
    /// The disk, or what is on it, did not allow the work.
    #[error("{doing}")]
    Storage {
        /// What was being done, as "reading …" or "writing …".
        doing: String,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl CycleError {
    pub(crate) fn storage(
        doing: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Storage { doing: doing.into(), source: source.into() }
    }

    /// The diagnostics, where the variant has some.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Settings(diagnostics) | Self::Rejected(diagnostics) => diagnostics,
            _ => &[],
        }
    }
}

pub(crate) fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// An error with all that caused it, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}
