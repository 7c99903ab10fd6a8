use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::forward::forward;
use crate::{BoxError, StepContext};

/// Changes a schema in two halves, so that the old and the new release can both run in
/// between.
///
/// *Expand* only adds, and happens before the new release starts. *Contract* removes what
/// only the old release needed, and happens after the old one is gone; from then on there
/// is no automatic way back.
///
/// # Laws
///
/// - Each half is done as a whole or not at all, or says what is left.
/// - Both halves may be repeated: what was done is not done again.
/// - `phase` asks the database, not a memory of our own.
/// - `contract` of what was not expanded is refused.
/// - Dropping a future leaves each half done or not; `phase` tells.
pub trait Migrator: Send + Sync {
    /// What it is called in settings, ledger and messages.
    fn name(&self) -> &str;

    /// Says how far the migration of the context's release is.
    fn phase<'a>(
        &'a self,
        context: &'a StepContext,
    ) -> BoxFuture<'a, Result<MigrationPhase, MigrationError>>;

    /// Adds what the new release needs.
    fn expand<'a>(&'a self, context: &'a StepContext) -> BoxFuture<'a, Result<(), MigrationError>>;

    /// Tells whether one of the two releases can work with the schema as it is.
    fn check<'a>(
        &'a self,
        side: Side,
        context: &'a StepContext,
    ) -> BoxFuture<'a, Result<(), MigrationError>>;

    /// Removes what only the old release needed.
    fn contract<'a>(
        &'a self,
        context: &'a StepContext,
    ) -> BoxFuture<'a, Result<(), MigrationError>>;
}

forward!(Migrator {
    fn name() -> &str;
    fn phase<'a>(context: &'a StepContext) -> BoxFuture<'a, Result<MigrationPhase, MigrationError>>;
    fn expand<'a>(context: &'a StepContext) -> BoxFuture<'a, Result<(), MigrationError>>;
    fn check<'a>(side: Side, context: &'a StepContext) -> BoxFuture<'a, Result<(), MigrationError>>;
    fn contract<'a>(context: &'a StepContext) -> BoxFuture<'a, Result<(), MigrationError>>;
});

/// How far a migration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationPhase {
    /// There is nothing to migrate for this release.
    Nothing,
    /// Nothing was done yet.
    Pending,
    /// The old and the new release both work.
    Expanded,
    /// Only the new release works.
    Contracted,
}

/// The release that is live, or the one that comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The one that is live.
    Old,
    /// The one that comes.
    New,
}

impl fmt::Display for Side {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Old => "old",
            Self::New => "new",
        })
    }
}

/// A schema was not changed, or does not fit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// A release doesn't work with the schema.
    #[error("the {side} release does not work with the schema: {why}")]
    Incompatible {
        /// Which.
        side: Side,
        /// What its check said.
        why: String,
    },
    /// What is asked for is not possible in this phase.
    #[error("migration `{migration}` can't {action}: {why}")]
    Refused {
        /// The migration.
        migration: String,
        /// What was asked for.
        action: &'static str,
        /// Why not.
        why: String,
    },
    /// The database failed; trying again may help.
    #[error("migration `{migration}` can't {action}")]
    Database {
        /// The migration.
        migration: String,
        /// What was being done.
        action: &'static str,
        /// Why; redacted.
        #[source]
        source: BoxError,
    },
}
