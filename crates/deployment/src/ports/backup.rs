use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::forward::forward;
use crate::{BoxError, StepContext};

/// Keeps the state of something a deployment may spoil, and brings it back.
///
/// # Laws
///
/// - A [`BackupRef`] is all that is needed to restore, by another process and after a
///   restart; it holds no secret. When `backup` returns, the backup is on its medium.
/// - `prove` restores into a scratch place, compares with what was backed up, and clears
///   the scratch place away. It never touches what is in use.
/// - `restore` brings the state back as it was, all of it or, after an error, none of it where
///   the medium allows; it may be repeated.
/// - Dropping a future leaves at most a scratch place or a half-made backup, which the next
///   `backup` or `discard` clears away; never a half-restored state without an error.
pub trait BackupProvider: Send + Sync {
    /// What it is called in settings, ledger and messages.
    fn name(&self) -> &str;

    /// Keeps the state as it is now.
    fn backup<'a>(
        &'a self,
        context: &'a StepContext,
    ) -> BoxFuture<'a, Result<BackupRef, BackupError>>;

    /// Shows that a backup can be restored and holds what it should.
    fn prove<'a>(&'a self, backup: &'a BackupRef) -> BoxFuture<'a, Result<Proof, BackupError>>;

    /// Brings the state of a backup back.
    fn restore<'a>(&'a self, backup: &'a BackupRef) -> BoxFuture<'a, Result<(), BackupError>>;

    /// Removes a backup that nobody needs any more; one that is gone is no error.
    fn discard<'a>(&'a self, backup: &'a BackupRef) -> BoxFuture<'a, Result<(), BackupError>>;
}

forward!(BackupProvider {
    fn name() -> &str;
    fn backup<'a>(context: &'a StepContext) -> BoxFuture<'a, Result<BackupRef, BackupError>>;
    fn prove<'a>(backup: &'a BackupRef) -> BoxFuture<'a, Result<Proof, BackupError>>;
    fn restore<'a>(backup: &'a BackupRef) -> BoxFuture<'a, Result<(), BackupError>>;
    fn discard<'a>(backup: &'a BackupRef) -> BoxFuture<'a, Result<(), BackupError>>;
});

/// What a backup is found by; it stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BackupRef {
    /// The [name](BackupProvider::name) of its provider.
    pub provider: String,
    /// Where it is, in the provider's own words: a path, a key. No secret.
    pub location: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// How many bytes it has.
    pub bytes: u64,
    /// A digest of its bytes, by which damage shows; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub digest: String,
}

impl BackupRef {
    /// A backup of `provider` at `location`.
    pub fn new(provider: &str, location: impl Into<String>, made_at: Timestamp) -> Self {
        let (provider, location) = (provider.to_owned(), location.into());
        Self { provider, location, made_at, bytes: 0, digest: String::new() }
    }

    /// Says how large it is, and by which digest damage shows.
    #[must_use]
    pub fn with_content(mut self, bytes: u64, digest: impl Into<String>) -> Self {
        (self.bytes, self.digest) = (bytes, digest.into());
        self
    }
}

/// What was compared when a backup was restored to try it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Proof {
    /// What was compared, as `12 tables, 48,112 rows`.
    pub compared: String,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

impl Proof {
    /// A comparison that took so long.
    pub fn new(compared: impl Into<String>, millis: u64) -> Self {
        Self { compared: compared.into(), millis }
    }
}

/// A backup was not made, not proven or not restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The backup doesn't hold what it should: it is of no use.
    #[error("backup `{location}` does not restore to what was backed up: {why}")]
    NotProven {
        /// The backup.
        location: String,
        /// What differs.
        why: String,
    },
    /// The backup is not there or was changed.
    #[error("backup `{location}` can't be used: {why}")]
    Damaged {
        /// The backup.
        location: String,
        /// What is wrong with it.
        why: String,
    },
    /// The provider failed; trying again may help.
    #[error("backup provider `{provider}` can't {action}")]
    Provider {
        /// The provider.
        provider: String,
        /// What it was doing.
        action: &'static str,
        /// Why; redacted.
        #[source]
        source: BoxError,
    },
}
