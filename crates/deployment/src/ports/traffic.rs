use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::forward::forward;
use crate::{BoxError, Endpoint, Slot, Split};

/// Shares the requests of one environment between its two slots.
///
/// # Laws
///
/// - **Durable first.** `point` and `set` are in effect when they return, and stay so when
///   the router ends, is killed or starts anew; so the durable side is written before.
/// - **Gaining side first.** At no moment during `set` do the shares sum to less than the whole.
/// - **Read back.** `set` returns when the router itself says that it does as it was told,
///   and fails otherwise. After an error, [`read`](Self::read) tells what it does.
/// - **Never to nobody.** A share above zero for a slot without endpoints is refused, and so is
///   taking the endpoints of a slot that has a share.
/// - **Nothing is cut.** Neither call ends a request in flight. A slot without a share gets
///   no new request; its running ones go on.
/// - **Again.** Every call may be repeated.
/// - **Cancelled.** Dropping a future leaves the old or the new share in effect, and the
///   durable side the same or the one asked for; `set` again settles it.
pub trait TrafficRouter: Send + Sync {
    /// Says what the router really does.
    fn read(&self) -> BoxFuture<'_, Result<RouterState, RouterError>>;

    /// Sets where a slot answers. An empty list forgets it.
    fn point<'a>(
        &'a self,
        slot: Slot,
        endpoints: &'a [Endpoint],
    ) -> BoxFuture<'a, Result<(), RouterError>>;

    /// Shares the traffic in this way from now on.
    fn set(&self, split: Split) -> BoxFuture<'_, Result<(), RouterError>>;

    /// Waits until a slot without a share has no request in flight, at most until `deadline`.
    /// A slot that has a share is refused with [`RouterError::Refused`].
    fn drain(&self, slot: Slot, deadline: Duration) -> BoxFuture<'_, Result<Drained, RouterError>>;

    /// What a slot has answered since the router started; ever growing.
    fn counts(&self, slot: Slot) -> BoxFuture<'_, Result<TrafficCounts, RouterError>>;
}

forward!(TrafficRouter {
    fn read<'a>() -> BoxFuture<'a, Result<RouterState, RouterError>>;
    fn point<'a>(slot: Slot, endpoints: &'a [Endpoint]) -> BoxFuture<'a, Result<(), RouterError>>;
    fn set<'a>(split: Split) -> BoxFuture<'a, Result<(), RouterError>>;
    fn drain<'a>(slot: Slot, deadline: Duration) -> BoxFuture<'a, Result<Drained, RouterError>>;
    fn counts<'a>(slot: Slot) -> BoxFuture<'a, Result<TrafficCounts, RouterError>>;
});

/// What a router does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RouterState {
    /// How the traffic is shared; nothing if no slot gets any, as before the first deployment.
    pub split: Option<Split>,
    /// The slot called blue.
    pub blue: Backend,
    /// The slot called green.
    pub green: Backend,
}

impl RouterState {
    /// What a router does that shares traffic in this way.
    pub fn new(split: Option<Split>, blue: Backend, green: Backend) -> Self {
        Self { split, blue, green }
    }

    /// One of the two slots.
    pub fn backend(&self, slot: Slot) -> &Backend {
        match slot {
            Slot::Blue => &self.blue,
            Slot::Green => &self.green,
        }
    }
}

/// What a router knows of one slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Backend {
    /// Where it answers.
    pub endpoints: Vec<Endpoint>,
    /// How many requests are in flight, connections that were upgraded included.
    pub active: u64,
}

impl Backend {
    /// A slot that answers there.
    pub fn new(endpoints: Vec<Endpoint>, active: u64) -> Self {
        Self { endpoints, active }
    }
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Drained {
    /// Requests that were in flight when the time was over.
    pub left: u64,
}

impl Drained {
    /// A drain that ended with `left` requests in flight.
    pub fn new(left: u64) -> Self {
        Self { left }
    }

    /// Whether the slot can be stopped without losing a request.
    pub fn is_idle(self) -> bool {
        self.left == 0
    }
}

/// The upper bounds of the latency counts, in microseconds; slower answers go into one more.
pub const LATENCY_BOUNDS: [u64; 17] = [
    250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 125_000, 250_000, 500_000,
    1_000_000, 2_000_000, 4_000_000, 8_000_000, 16_000_000,
];

/// What a slot has answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrafficCounts {
    /// Requests that were answered or failed.
    pub requests: u64,
    /// Those of them that were answered by a status from 500 on, or not at all.
    pub errors: u64,
    /// How many took at most as long as the bound of [`LATENCY_BOUNDS`] at the same place
    /// and longer than the one before; the last is for all that were slower. Empty where a
    /// router doesn't measure it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latencies: Vec<u64>,
}

impl TrafficCounts {
    /// Counts without latencies.
    pub fn new(requests: u64, errors: u64) -> Self {
        Self { requests, errors, latencies: Vec::new() }
    }

    /// Adds latency counts.
    #[must_use]
    pub fn with_latencies(mut self, latencies: Vec<u64>) -> Self {
        self.latencies = latencies;
        self
    }

    /// What came after `mark`; nothing if a count is below the mark, as after a restart of
    /// the router.
    pub fn since(&self, mark: &Self) -> Option<Self> {
        let old = mark.latencies.iter().copied().chain(std::iter::repeat(0));
        let latencies = self.latencies.iter().zip(old).map(|(now, old)| now.checked_sub(old));
        Some(Self {
            requests: self.requests.checked_sub(mark.requests)?,
            errors: self.errors.checked_sub(mark.errors)?,
            latencies: latencies.collect::<Option<_>>()?,
        })
    }
}

/// A router did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RouterError {
    /// It would have sent requests to nobody, or can't share like this; nothing has changed.
    #[error("the traffic can't be shared like this: {why}")]
    Refused {
        /// What is wrong, and what to do.
        why: String,
    },
    /// It does not do what it was told to; `read` tells what it does.
    #[error("the router was told `{told}` and does `{does}`")]
    NotInEffect {
        /// What it was told.
        told: String,
        /// What it says it does.
        does: String,
    },
    /// It answered with something that is no answer.
    #[error("the router's answer to {action} makes no sense: {answer}")]
    Nonsense {
        /// What was being done.
        action: &'static str,
        /// The beginning of what it said.
        answer: String,
    },
    /// It can't be reached, or did not answer in time; trying again may help.
    #[error("can't {action}")]
    Unavailable {
        /// What was being done.
        action: &'static str,
        /// Why.
        #[source]
        source: BoxError,
    },
}
