use std::io;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CycleRecord;

/// How the loop is: what `evergen status` prints.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct LoopStatus {
    /// Whether the loop runs, and how it is.
    pub(crate) state: LoopState,
    /// The process of the loop.
    pub(crate) pid: u32,
    /// When it was started (RFC 3339).
    pub(crate) since: String,
    /// When this was written (RFC 3339).
    pub(crate) updated_at: String,
    /// How the loop notices changes.
    pub(crate) watching: WatchingStatus,
    /// The worst of `findings`: `healthy`, `warning`, `alert` or `critical`.
    pub(crate) health: String,
    /// What speaks against the health of the loop, worst first.
    pub(crate) findings: Vec<HealthLine>,
    /// What waits and what runs.
    pub(crate) queue: QueueStatus,
    /// Figures since the loop was first used in this project.
    pub(crate) totals: TotalsStatus,
    /// The last cycle that had work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_cycle: Option<CycleRecord>,
    /// What is wrong until somebody mends it: what the last cycle failed with, and what it
    /// had to leave as it is.
    pub(crate) failing: Vec<String>,
    /// What might make the loop better, with the figures that speak for it.
    pub(crate) recommendations: Vec<String>,
}

/// Whether the loop runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LoopState {
    /// It does its work.
    Running,
    /// It runs, and begins nothing until it is told to go on.
    Paused,
    /// It ended by itself.
    #[default]
    Stopped,
    /// It ended without a word: it was killed, or the machine went down.
    Gone,
}

/// How the loop notices changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct WatchingStatus {
    /// `events` of the file system, or `polling`.
    pub(crate) mode: String,
    /// Why it is not `events`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
}

/// Something that speaks against the health of the loop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct HealthLine {
    /// How bad it is.
    pub(crate) status: String,
    /// It in words, with the figures.
    pub(crate) text: String,
}

/// What waits and what runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct QueueStatus {
    /// Events that are taken from the log and not done with.
    pub(crate) in_hand: u64,
    /// Pieces of work that wait for a place.
    pub(crate) ready: u64,
    /// Pieces of work that run.
    pub(crate) working: u64,
    /// How many may run at once now.
    pub(crate) limit: u64,
    /// Components that are left alone because they keep failing.
    pub(crate) open_breakers: Vec<String>,
}

/// Figures since the loop was first used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct TotalsStatus {
    /// Cycles that ended.
    pub(crate) cycles: u64,
    /// How long a cycle took on average, in milliseconds.
    pub(crate) avg_cycle_time_ms: f64,
    /// How long 95 of 100 cycles took at most, in milliseconds.
    pub(crate) p95_cycle_time_ms: f64,
    /// Events that are done with.
    pub(crate) events: u64,
    /// Pieces of work that were begun.
    pub(crate) regenerations: u64,
    /// Those that failed.
    pub(crate) regenerations_failed: u64,
    /// Deployments that are done.
    pub(crate) deployments: u64,
    /// Events that failed for good.
    pub(crate) dead_letters: u64,
}

impl LoopStatus {
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        super::replace(path, &serde_json::to_vec_pretty(self)?)
    }
}
