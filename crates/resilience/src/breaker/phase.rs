use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::window::Window;

/// What a breaker does with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerState {
    /// All calls go through.
    Closed,
    /// No call goes through.
    Open,
    /// A few calls go through, to find out.
    HalfOpen,
}

impl fmt::Display for BreakerState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        })
    }
}

/// Why a breaker changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Cause {
    /// Too many calls failed.
    Failures,
    /// The time to recover is over.
    RecoveryTimeout,
    /// A probe failed.
    ProbeFailed,
    /// Nothing was heard of a probe for too long.
    ProbeLost,
    /// Enough probes succeeded.
    ProbesSucceeded,
    /// Somebody asked for it.
    Operator,
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transition {
    /// The state before.
    pub from: BreakerState,
    /// The state from now on.
    pub to: BreakerState,
    /// How many transitions there have been, with this one. Observers that are told
    /// from several threads order by it.
    pub number: u64,
    /// When, since the origin of the clock.
    pub at: Duration,
    /// Why.
    pub cause: Cause,
}

/// What can be seen of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerView {
    /// The state. An open breaker becomes half-open with the first call after `probes_from`.
    pub state: BreakerState,
    /// How many transitions there have been.
    pub transitions: u64,
    /// From when on an open breaker lets probes through, since the origin of the clock.
    pub probes_from: Option<Duration>,
    /// Failures since the last success, while it is closed.
    pub consecutive_failures: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Phase {
    Closed { consecutive: u32, window: Option<Window> },
    Open { until: Duration },
    HalfOpen { probes: Vec<Probe>, succeeded: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    pub(super) id: u64,
    pub(super) deadline: Duration,
}

impl Phase {
    pub(super) fn state(&self) -> BreakerState {
        match self {
            Self::Closed { .. } => BreakerState::Closed,
            Self::Open { .. } => BreakerState::Open,
            Self::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }
}
