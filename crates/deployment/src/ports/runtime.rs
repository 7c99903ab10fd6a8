use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::forward::forward;
use crate::{BoxError, Endpoint, ReleaseId, Slot, StagedRelease, StepContext};

/// Runs releases in the two slots of one environment.
///
/// # Laws
///
/// - **It outlives us.** What was started runs on when the deployer ends or is killed, and
///   [`inspect`](Self::inspect) of another process finds it again.
/// - **The truth.** `inspect` says what really runs, never what was meant to. What it can't
///   find out is an error, not an empty slot.
/// - **The very same.** An [`Instance`] is known by an identity that nothing gets a second
///   time, as a process number with its start time: what was checked is what is promoted.
/// - **Again.** `start` of the release that runs in the slot answers with what runs.
///   `start` over another release is refused with [`SlotError::Occupied`]; `stop` of an empty
///   slot succeeds.
/// - **Gone is gone.** After `stop` has succeeded nothing of the slot is left, children of
///   children included; otherwise it fails and says what is left.
/// - **All or nothing.** After a failed `start` the slot is empty.
/// - **Ready** means that every instance takes requests at its endpoint. `start` returns
///   when that is so, and fails when it is not within the context's deadline.
/// - **Cancelled.** Dropping a future may leave the work done, half done or not;
///   `inspect` then tells, and `stop` clears it away.
pub trait SlotRuntime: Send + Sync {
    /// Runs `release` in `slot`; returns when it takes requests.
    fn start<'a>(
        &'a self,
        slot: Slot,
        release: &'a StagedRelease,
        context: &'a StepContext,
    ) -> BoxFuture<'a, Result<Running, SlotError>>;

    /// Says what really runs in `slot`.
    fn inspect(&self, slot: Slot) -> BoxFuture<'_, Result<SlotStatus, SlotError>>;

    /// Asks all of `slot` to end, waits up to `grace`, and then ends it by force.
    fn stop(&self, slot: Slot, grace: Duration) -> BoxFuture<'_, Result<(), SlotError>>;
}

forward!(SlotRuntime {
    fn start<'a>(
        slot: Slot,
        release: &'a StagedRelease,
        context: &'a StepContext
    ) -> BoxFuture<'a, Result<Running, SlotError>>;
    fn inspect<'a>(slot: Slot) -> BoxFuture<'a, Result<SlotStatus, SlotError>>;
    fn stop<'a>(slot: Slot, grace: Duration) -> BoxFuture<'a, Result<(), SlotError>>;
});

/// A release that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Running {
    /// The release.
    pub release: ReleaseId,
    /// Each of its processes, pods or the like; never empty.
    pub instances: Vec<Instance>,
}

impl Running {
    /// A release that runs as these instances.
    pub fn new(release: ReleaseId, instances: Vec<Instance>) -> Self {
        Self { release, instances }
    }

    /// Where it answers.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.instances.iter().filter_map(|instance| instance.endpoint.clone()).collect()
    }
}

/// One process, pod or the like of a running release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Instance {
    /// What nothing else is ever called, as `4711@boot-id:start-time`.
    pub identity: String,
    /// Where it answers, if it answers anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
}

impl Instance {
    /// An instance that answers at `endpoint`.
    pub fn new(identity: impl Into<String>, endpoint: Option<Endpoint>) -> Self {
        Self { identity: identity.into(), endpoint }
    }
}

/// What is in a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
#[non_exhaustive]
pub enum SlotStatus {
    /// Nothing runs.
    Empty,
    /// Something runs.
    Occupied {
        /// What.
        running: Running,
        /// Whether every instance takes requests.
        ready: bool,
        /// Why it doesn't; empty if it does.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
}

impl SlotStatus {
    /// What runs, if it is ready.
    pub fn ready(&self) -> Option<&Running> {
        match self {
            Self::Occupied { running, ready: true, .. } => Some(running),
            _ => None,
        }
    }

    /// The release that runs, ready or not.
    pub fn release(&self) -> Option<ReleaseId> {
        match self {
            Self::Occupied { running, .. } => Some(running.release),
            Self::Empty => None,
        }
    }
}

/// A slot did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SlotError {
    /// Another release is in the slot; stop it first.
    #[error("slot {slot} runs release {}; stop it first", release.short())]
    Occupied {
        /// The slot.
        slot: Slot,
        /// What runs there.
        release: ReleaseId,
    },
    /// The release ended, or did not become ready; the slot is empty again. To try again
    /// without changing the release helps rarely.
    #[error("the release in slot {slot} did not become ready: {why}")]
    NotReady {
        /// The slot.
        slot: Slot,
        /// How far it came, with the end of its output; redacted.
        why: String,
    },
    /// The settings can't be carried out as they are, as a port that is in use.
    #[error("slot {slot} can't be started as it is set up: {why}")]
    Setup {
        /// The slot.
        slot: Slot,
        /// What is wrong, and what to do.
        why: String,
    },
    /// Something of the slot is left although it was ended by force.
    #[error("slot {slot} still has {} after it was stopped", left.join(", "))]
    NotStopped {
        /// The slot.
        slot: Slot,
        /// The identities of what is left.
        left: Vec<String>,
    },
    /// Whatever runs the slots can't be reached; trying again may help.
    #[error("can't {action} slot {slot}")]
    Unavailable {
        /// The slot.
        slot: Slot,
        /// What was being done.
        action: &'static str,
        /// Why.
        #[source]
        source: BoxError,
    },
}
