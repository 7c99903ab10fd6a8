use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::forward::forward;
use crate::{BoxError, ReleaseSource, StepContext};

/// Judges a release before anything of it is staged, as quality gates do.
///
/// # Laws
///
/// - It changes nothing: neither the release's files nor the environment.
/// - The same release is judged in the same way again: a deployment that was cut short is
///   repeated.
/// - It ends by the context's deadline. What it can't find out is an error, which passes no
///   release. When it fails, runs out of time or is dropped, nothing of it is left running.
/// - Its remarks and errors show no secret.
pub trait ReleaseValidator: Send + Sync {
    /// What it is called in settings, ledger and messages.
    fn name(&self) -> &str;

    /// Judges a release.
    fn validate<'a>(
        &'a self,
        candidate: &'a Candidate,
    ) -> BoxFuture<'a, Result<Judgement, ValidationError>>;
}

forward!(ReleaseValidator {
    fn name() -> &str;
    fn validate<'a>(
        candidate: &'a Candidate
    ) -> BoxFuture<'a, Result<Judgement, ValidationError>>;
});

/// A release that nobody has judged yet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Candidate {
    /// The step. The root of its release is a folder with all files of the release, which is
    /// not the one in which they will be in use; empty if the store has no folders.
    pub context: StepContext,
    /// What it is made from: of changes on top of a release, only these may be looked at.
    pub source: ReleaseSource,
}

impl Candidate {
    /// A release in a step.
    pub fn new(context: StepContext, source: ReleaseSource) -> Self {
        Self { context, source }
    }
}

/// What a validator says of a release: it passes unless one of the remarks is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Judgement {
    /// What was found, errors first.
    pub remarks: Vec<Remark>,
    /// How many more remarks there were than are kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Judgement {
    /// How many remarks are kept in the ledger.
    pub const KEPT: usize = 50;

    /// A judgement of these remarks. Of more than [`KEPT`](Self::KEPT), the heaviest are kept.
    pub fn new(remarks: impl IntoIterator<Item = Remark>) -> Self {
        let mut remarks: Vec<Remark> = remarks.into_iter().collect();
        remarks.sort_by_key(|remark| remark.level);
        let left_out = remarks.len().saturating_sub(Self::KEPT) as u64;
        remarks.truncate(Self::KEPT);
        Self { remarks, left_out }
    }

    /// A release about which there is nothing to say.
    pub fn pass() -> Self {
        Self::default()
    }

    /// Whether the release may come.
    pub fn passes(&self) -> bool {
        self.remarks.iter().all(|remark| remark.level != RemarkLevel::Error)
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// How many remarks stand in a line for people.
        const SHOWN: usize = 3;
        if self.remarks.is_empty() {
            return formatter.write_str("no remarks");
        }
        let shown: Vec<String> = self.remarks.iter().take(SHOWN).map(ToString::to_string).collect();
        formatter.write_str(&shown.join("; "))?;
        let more = self.remarks.len().saturating_sub(SHOWN) as u64 + self.left_out;
        if more > 0 { write!(formatter, "; and {more} more") } else { Ok(()) }
    }
}

/// Something that a validator found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Remark {
    /// How much it weighs.
    pub level: RemarkLevel,
    /// What it is; redacted.
    pub text: String,
    /// The file it is about, by its path in the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The line in it, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// How much a remark weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RemarkLevel {
    /// The release must not come.
    Error,
    /// It may, and somebody should look.
    Warning,
    /// Nothing is wrong.
    Note,
}

impl Remark {
    /// How much of a text is kept, in characters.
    const LONGEST: usize = 500;

    /// A remark about the whole release.
    pub fn new(level: RemarkLevel, text: impl Into<String>) -> Self {
        let mut text: String = text.into();
        if let Some((end, _)) = text.char_indices().nth(Self::LONGEST) {
            text.truncate(end);
            text.push('…');
        }
        Self { level, text, path: None, line: None }
    }

    /// A reason to refuse.
    pub fn error(text: impl Into<String>) -> Self {
        Self::new(RemarkLevel::Error, text)
    }

    /// Says where it is.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>, line: Option<u32>) -> Self {
        (self.path, self.line) = (Some(path.into()), line);
        self
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.path, self.line) {
            (Some(path), Some(line)) => write!(formatter, "{path}:{line}: ")?,
            (Some(path), None) => write!(formatter, "{path}: ")?,
            (None, _) => {}
        }
        match self.level {
            RemarkLevel::Error => formatter.write_str(&self.text),
            RemarkLevel::Warning => write!(formatter, "warning: {}", self.text),
            RemarkLevel::Note => write!(formatter, "note: {}", self.text),
        }
    }
}

/// A release was not judged; so it does not pass.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ValidationError {
    /// It took longer than it may, and was ended.
    #[error("`{validator}` was ended after {} s without a judgement", deadline.as_secs_f64())]
    TimedOut {
        /// The validator.
        validator: String,
        /// How long it may take.
        deadline: Duration,
    },
    /// It could not judge; trying again may help.
    #[error("`{validator}` can't judge the release")]
    NotJudged {
        /// The validator.
        validator: String,
        /// Why; redacted.
        #[source]
        source: BoxError,
    },
}
