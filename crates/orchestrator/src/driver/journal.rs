use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use uuid::Uuid;

/// What a cycle did with what it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ParallelExecution {
    /// Identifies the cycle in everything that is said of it.
    pub execution_id: Uuid,
    /// When it began.
    pub started_at: Timestamp,
    /// When its last task ended.
    pub completed_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Tasks: one for each key, with all of its events.
    pub tasks_executed: usize,
    /// Those whose effect is there.
    pub tasks_succeeded: usize,
    /// Those that failed for good, or were refused.
    pub tasks_failed: usize,
    /// The most tasks that ran at once.
    pub parallelism: usize,
}

/// What a person wants to know of a cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CycleSummary {
    /// Identifies the cycle in everything that is said of it.
    pub id: Uuid,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// How many events it took.
    pub events: usize,
    /// Subjects of some of them.
    pub causes: Vec<String>,
    /// Some of the artifacts that changed, and why.
    pub changes: Vec<ChangedArtifact>,
    /// How many artifacts were written, and how many removed.
    pub written: u64,
    /// See `written`.
    pub deleted: u64,
    /// How long each phase took in all tasks together, in milliseconds.
    pub phases_ms: BTreeMap<String, f64>,
    /// Tries of tasks.
    pub tasks_executed: usize,
    /// Those that succeeded.
    pub tasks_succeeded: usize,
    /// Those that failed.
    pub tasks_failed: usize,
    /// How it ended.
    pub outcome: CycleOutcome,
    /// Some of what went wrong.
    pub errors: Vec<String>,
    /// Some of what is left for a person, though its tasks took effect.
    pub left: Vec<String>,
}

/// An artifact that changed in a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChangedArtifact {
    /// Its path.
    pub path: String,
    /// What happened to it.
    pub action: String,
    /// Why.
    pub reason: String,
}

/// How a cycle ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CycleOutcome {
    /// All its tasks succeeded.
    Succeeded,
    /// Some failed.
    Partial,
    /// All failed.
    Failed,
    /// It had none: what it was given came to its end elsewhere.
    Empty,
}

const MOST_CAUSES: usize = 20;
const MOST_CHANGES: usize = 200;
const MOST_ERRORS: usize = 20;

impl CycleOutcome {
    pub(super) fn of(succeeded: usize, failed: usize) -> Self {
        match (succeeded, failed) {
            (0, 0) => Self::Empty,
            (_, 0) => Self::Succeeded,
            (0, _) => Self::Failed,
            _ => Self::Partial,
        }
    }
}

/// What is gathered of a cycle while it runs; bounded, whatever the cycle does.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) id: Uuid,
    pub(super) started_at: Timestamp,
    pub(super) causes: Vec<String>,
    pub(super) changes: Vec<ChangedArtifact>,
    pub(super) written: u64,
    pub(super) deleted: u64,
    pub(super) bytes_written: u64,
    pub(super) phases_ms: BTreeMap<String, f64>,
    pub(super) errors: Vec<String>,
    pub(super) left: Vec<String>,
}

impl Draft {
    pub(super) fn new(started_at: Timestamp) -> Self {
        Self {
            id: Uuid::now_v7(),
            started_at,
            causes: Vec::new(),
            changes: Vec::new(),
            written: 0,
            deleted: 0,
            bytes_written: 0,
            phases_ms: BTreeMap::new(),
            errors: Vec::new(),
            left: Vec::new(),
        }
    }

    pub(super) fn cause(&mut self, subject: &str) {
        if self.causes.len() < MOST_CAUSES && !self.causes.iter().any(|known| known == subject) {
            self.causes.push(subject.to_owned());
        }
    }

    pub(super) fn change(&mut self, change: impl FnOnce() -> ChangedArtifact) {
        if self.changes.len() < MOST_CHANGES {
            self.changes.push(change());
        }
    }

    pub(super) fn phase(&mut self, name: &str, ms: f64) {
        if let Some(sum) = self.phases_ms.get_mut(name) {
            *sum += ms;
        } else {
            self.phases_ms.insert(name.to_owned(), ms);
        }
    }

    /// Notes what is left for a person; tasks of one cycle may say the same.
    pub(super) fn left(&mut self, left: &str) {
        if self.left.len() < MOST_ERRORS && !self.left.iter().any(|known| known == left) {
            self.left.push(left.to_owned());
        }
    }

    pub(super) fn error(&mut self, error: impl FnOnce() -> String) {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(error());
        }
    }
}

/// The last cycles, and whoever follows them.
#[derive(Debug)]
pub(super) struct Journal {
    recent: VecDeque<Arc<CycleSummary>>,
    feed: broadcast::Sender<Arc<CycleSummary>>,
}

impl Journal {
    const KEPT: usize = 256;

    pub(super) fn new() -> Self {
        Self { recent: VecDeque::new(), feed: broadcast::Sender::new(Self::KEPT) }
    }

    pub(super) fn add(&mut self, summary: CycleSummary) {
        let summary = Arc::new(summary);
        if self.recent.len() == Self::KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(Arc::clone(&summary));
        // Nobody follows: nothing to do.
        let _ = self.feed.send(summary);
    }

    pub(super) fn recent(&self) -> Vec<Arc<CycleSummary>> {
        self.recent.iter().cloned().collect()
    }

    pub(super) fn follow(&self) -> CycleFeed {
        CycleFeed { cycles: self.feed.subscribe(), missed: 0 }
    }
}

/// Cycles as they end, for a view. Who reads too slowly misses the oldest ones, and is told so.
#[derive(Debug)]
pub struct CycleFeed {
    cycles: broadcast::Receiver<Arc<CycleSummary>>,
    missed: u64,
}

impl CycleFeed {
    /// The next cycle that ends; none when the orchestrator is gone.
    ///
    /// # Cancellation safety
    /// A dropped future takes nothing.
    pub async fn next(&mut self) -> Option<Arc<CycleSummary>> {
        loop {
            match self.cycles.recv().await {
                Ok(summary) => return Some(summary),
                Err(broadcast::error::RecvError::Lagged(missed)) => self.missed += missed,
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// How many cycles were missed so far.
    pub fn missed(&self) -> u64 {
        self.missed
    }
}
