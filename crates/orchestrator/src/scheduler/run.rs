use std::time::Duration;

use super::gate::Passes;
use super::slots::Held;
use super::vocabulary::{Component, CycleId};

/// A task that was started and has not ended.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) slot: u32,
    pub(super) events: Vec<Held>,
    pub(super) phase: Phase,
    /// When its phase is overdue.
    pub(super) deadline: Duration,
    pub(super) cycle: CycleId,
    pub(super) started: Duration,
    pub(super) attempt: u32,
    pub(super) passes: Passes,
    pub(super) work: Work,
}

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Regenerate,
    Deploy,
}

impl Work {
    /// Whose fault it is when nothing else is known.
    pub(super) fn component(self) -> Component {
        match self {
            Self::Regenerate => Component::Regeneration,
            Self::Deploy => Component::Deployment,
        }
    }
}

/// Where a task stands, as far as the scheduler knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It works, within its time.
    Working,
    /// The right to take effect is being taken from it.
    Revoking { why: Revocation },
    /// It has lost the right to take effect, and has been told to end.
    Revoked,
    /// It was taking effect when its time was over.
    Committing,
    /// It has been taking effect for too long.
    Overdue,
    /// It never answered; its place is free, its key is not.
    Lost,
}

/// Why a task is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Revocation {
    TimedOut,
    Stop,
}

impl Run {
    pub(super) fn offsets(&self) -> Vec<u64> {
        self.events.iter().map(|held| held.offset).collect()
    }
}
