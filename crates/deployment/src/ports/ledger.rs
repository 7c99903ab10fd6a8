use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::forward::forward;
use crate::{BoxError, Entry, EnvironmentState};

/// Remembers what happened to one environment, and lets one deployer at a time write.
///
/// # Laws
///
/// - **Order.** Records are read in the order in which they were appended, and never change.
/// - **Durability.** What `append` has accepted is on its medium when it returns; all of it
///   or, after a crash, a beginning of it. After an error it is not known how much was
///   kept: [`lock`](Self::lock) anew and read. Records that only say how far a deployment is after
///   its commit may be lost to a power cut until the next other one: it is only done again.
/// - **One writer.** A lock that is held keeps others out and tells them who holds it. It is
///   free as soon as its holder is gone, however it ended. Each lock has a higher epoch than
///   all before; a record under an older epoch than one that was kept is refused.
/// - **Honesty.** A record that was changed or is missing in the middle is an error that says
///   where. A last record that is cut short, as by a crash, is left out with a warning.
/// - **Reading** needs no lock and writes nothing.
/// - Methods may wait for a disk; call them off the runtime.
pub trait DeploymentLedger: Send + Sync {
    /// Makes this process the only one that writes, until the lease is dropped. Cuts a last
    /// record that is cut short.
    fn lock(&self) -> Result<Lease, LockError>;

    /// Adds records, in one go.
    fn append(&self, lease: &Lease, entries: &[Entry]) -> Result<(), AppendError>;

    /// Reads everything.
    fn read(&self) -> Result<LedgerView, ReadLedgerError>;

    /// Leaves a wish for whoever holds the lock; a later one replaces an earlier.
    fn ask(&self, request: &ControlRequest) -> Result<(), AppendError>;

    /// Takes the wish that was left, if there is one.
    fn asked(&self, lease: &Lease) -> Result<Option<ControlRequest>, ReadLedgerError>;

    /// Whether somebody holds the lock at the moment; yes if that can't be told.
    fn is_held(&self) -> bool;
}

forward!(DeploymentLedger {
    fn lock() -> Result<Lease, LockError>;
    fn append(lease: &Lease, entries: &[Entry]) -> Result<(), AppendError>;
    fn read() -> Result<LedgerView, ReadLedgerError>;
    fn ask(request: &ControlRequest) -> Result<(), AppendError>;
    fn asked(lease: &Lease) -> Result<Option<ControlRequest>, ReadLedgerError>;
    fn is_held() -> bool;
});

/// The right to write a ledger, for as long as the value lives.
#[must_use = "the lock is released when it is dropped"]
pub struct Lease {
    epoch: u64,
    _guard: Box<dyn Send + Sync>,
}

impl Lease {
    /// A right of this epoch, which ends when `guard` is dropped.
    pub fn new(epoch: u64, guard: Box<dyn Send + Sync>) -> Self {
        Self { epoch, _guard: guard }
    }

    /// Which one it is, counted over all that there were.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Lease").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

/// What a ledger says.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LedgerView {
    /// What became of older deployments, the oldest first. Their details are not kept.
    pub history: Vec<crate::Summary>,
    /// What happened since, in full.
    pub entries: Vec<Entry>,
    /// The highest epoch under which something was written.
    pub epoch: u64,
    /// What is odd and does no harm, as a last record that was cut short.
    pub warnings: Vec<String>,
}

impl LedgerView {
    /// The state that follows.
    pub fn state(&self) -> EnvironmentState {
        let mut state = EnvironmentState { epoch: self.epoch, ..EnvironmentState::default() };
        for summary in &self.history {
            state.end(summary);
        }
        for entry in &self.entries {
            state.apply(entry);
        }
        state
    }

    /// What became of all deployments that are over, the oldest first.
    pub fn summaries(&self) -> impl Iterator<Item = &crate::Summary> {
        let recent = self.entries.iter().filter_map(|entry| match &entry.record {
            crate::Record::Ended { summary } => Some(&**summary),
            _ => None,
        });
        self.history.iter().chain(recent)
    }
}

/// What a person wants of a deployment that another process is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ControlRequest {
    /// What is wanted.
    pub wish: Wish,
    /// Who wants it.
    pub by: String,
    /// The deployment that is meant; a wish about another one is dropped.
    pub deployment: u64,
}

impl ControlRequest {
    /// A wish about a deployment.
    pub fn new(wish: Wish, by: impl Into<String>, deployment: u64) -> Self {
        Self { wish, by: by.into(), deployment }
    }
}

/// What can be wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Wish {
    /// That it is taken back.
    Abort,
    /// That it waits before its next step.
    Pause,
    /// That it goes on.
    Resume,
}

/// The right to write was not given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Somebody has it; wait, or ask them.
    #[error("the environment is held by {holder}")]
    Held {
        /// Who.
        holder: String,
    },
    /// The folder belongs to something else; nothing was touched.
    #[error("`{}` is not a target of evergen: {why}", path.display())]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// Why it is taken to be something else, and what to do.
        why: String,
    },
    /// What is there can't be read.
    #[error(transparent)]
    Ledger(#[from] ReadLedgerError),
    /// The medium failed.
    #[error("can't lock `{}`", path.display())]
    Medium {
        /// What was to be locked.
        path: PathBuf,
        /// Why.
        #[source]
        source: BoxError,
    },
}

/// Records were not kept, as far as is known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// Somebody else has written under a later lock; stop at once.
    #[error("the lock of epoch {epoch} is stale: {why}")]
    Stale {
        /// The epoch that was given.
        epoch: u64,
        /// How that shows.
        why: String,
    },
    /// The medium failed; whether the records were kept is unknown.
    #[error("can't write `{}`", path.display())]
    Medium {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: BoxError,
    },
}

/// A ledger can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadLedgerError {
    /// A record is not what was written. Nothing is done with such a ledger: bring back the
    /// file from a backup, or move the folder away to begin a new one.
    #[error("`{}` was changed at byte {offset} (record {record}): {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the record begins, in bytes.
        offset: u64,
        /// The record, counted from 1.
        record: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// The medium failed.
    #[error("can't read `{}`", path.display())]
    Medium {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: BoxError,
    },
}
