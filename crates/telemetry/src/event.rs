//! What happened, as it is handed to the collector.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

mod body;
mod kinds;

pub use body::Body;
pub use kinds::{BreakerState, ErrorKind, EventKind, Health, Outcome, Target, Unit};

use crate::numbers::nanoseconds;
use crate::trace_context::TraceParent;

/// One thing that happened.
///
/// It has two parts. The measurement is copied and counted at once, without a lock and
/// without allocating. The [`Detail`], if there is one, is what texts need: it goes
/// through a bounded queue, and when the queue is full it is dropped and counted as
/// dropped, while the measurement has been counted all the same.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "an event is counted only once it is recorded"]
pub struct TelemetryEvent {
    pub(crate) component: &'static str,
    pub(crate) body: Body,
    pub(crate) outcome: Outcome,
    pub(crate) error: Option<ErrorKind>,
    pub(crate) took_nanoseconds: Option<u64>,
    pub(crate) at: Option<Timestamp>,
    pub(crate) ids: Ids,
    pub(crate) costs: Costs,
    pub(crate) detail: Option<Box<Detail>>,
}

/// What an event belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ids {
    /// Nil stands for none: an `Option` would be twice as large for alignment.
    pub(crate) cycle: Uuid,
    pub(crate) event: Uuid,
    pub(crate) correlation: Uuid,
    pub(crate) trace: Option<TraceParent>,
}

/// What something cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Costs {
    /// Time on processors, in nanoseconds.
    pub cpu_nanoseconds: u64,
    /// The most memory that was in use, in bytes. Sums keep the largest.
    pub peak_memory_bytes: u64,
    /// Bytes written to disk.
    pub bytes_written: u64,
    /// Tokens sent to language models.
    pub tokens_in: u64,
    /// Tokens received from language models.
    pub tokens_out: u64,
    /// The price of those tokens, in millionths of the account's currency.
    pub price_micros: u64,
}

impl Costs {
    /// Sets the time on processors.
    #[must_use]
    pub fn cpu(mut self, time: Duration) -> Self {
        self.cpu_nanoseconds = nanoseconds(time);
        self
    }

    /// Sets the peak of memory, in bytes.
    #[must_use]
    pub const fn peak_memory(mut self, bytes: u64) -> Self {
        self.peak_memory_bytes = bytes;
        self
    }

    /// Sets the bytes written.
    #[must_use]
    pub const fn written(mut self, bytes: u64) -> Self {
        self.bytes_written = bytes;
        self
    }

    /// Sets the tokens of language models and their price in millionths.
    #[must_use]
    pub const fn tokens(mut self, sent: u64, received: u64, price_micros: u64) -> Self {
        self.tokens_in = sent;
        self.tokens_out = received;
        self.price_micros = price_micros;
        self
    }

    /// Whether nothing was spent.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what something else cost; of peaks, the larger one stays.
    pub fn add(&mut self, other: &Self) {
        self.cpu_nanoseconds = self.cpu_nanoseconds.saturating_add(other.cpu_nanoseconds);
        self.peak_memory_bytes = self.peak_memory_bytes.max(other.peak_memory_bytes);
        self.bytes_written = self.bytes_written.saturating_add(other.bytes_written);
        self.tokens_in = self.tokens_in.saturating_add(other.tokens_in);
        self.tokens_out = self.tokens_out.saturating_add(other.tokens_out);
        self.price_micros = self.price_micros.saturating_add(other.price_micros);
    }
}

/// The texts of an event. They leave the process only redacted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Detail {
    /// What it is about: a template, a query, a release, a queue, a setting.
    pub subject: Option<String>,
    /// What is to be said: an error's message, the reason of a change.
    pub message: Option<String>,
    /// What could be done.
    pub suggestions: Vec<String>,
    /// Which patterns failures follow.
    pub patterns: Vec<String>,
    /// Which components are concerned.
    pub components: Vec<String>,
    /// Anything else, by name.
    pub attributes: Vec<(String, String)>,
}

impl TelemetryEvent {
    /// An event of `component`. Its outcome is [`Outcome::Observed`] until it is set.
    ///
    /// Components are few and fixed: the names of crates, handlers or adapters. What
    /// there are many of is a [`subject`](Self::subject).
    pub fn new(component: &'static str, body: Body) -> Self {
        Self {
            component,
            body,
            outcome: Outcome::Observed,
            error: None,
            took_nanoseconds: None,
            at: None,
            ids: Ids::default(),
            costs: Costs::default(),
            detail: None,
        }
    }

    /// Sets how it ended.
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// It ended well, after `took`.
    pub fn succeeded(self, took: Duration) -> Self {
        self.outcome(Outcome::Succeeded).took(took)
    }

    /// It failed, after `took`. The outcome is [`Outcome::TimedOut`] or
    /// [`Outcome::Rejected`] where the kind says so.
    pub fn failed(mut self, took: Duration, kind: ErrorKind) -> Self {
        self.error = Some(kind);
        let outcome = match kind {
            ErrorKind::Timeout => Outcome::TimedOut,
            ErrorKind::Overload => Outcome::Rejected,
            _ => Outcome::Failed,
        };
        self.outcome(outcome).took(took)
    }

    /// Sets how long it took; without it, nothing enters a histogram.
    pub fn took(mut self, took: Duration) -> Self {
        self.took_nanoseconds = Some(nanoseconds(took));
        self
    }

    /// Sets when it happened; otherwise it is the time of recording.
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// Sets the cycle that it belongs to.
    pub fn cycle(mut self, id: Uuid) -> Self {
        self.ids.cycle = id;
        self
    }

    /// Sets the change that it belongs to.
    pub fn event(mut self, id: Uuid) -> Self {
        self.ids.event = id;
        self
    }

    /// Sets the id that joins all that follows from one cause.
    pub fn correlation(mut self, id: Uuid) -> Self {
        self.ids.correlation = id;
        self
    }

    /// Sets the trace that it belongs to.
    pub fn trace(mut self, trace: TraceParent) -> Self {
        self.ids.trace = Some(trace);
        self
    }

    /// Sets what it cost.
    pub fn costs(mut self, costs: Costs) -> Self {
        self.costs = costs;
        self
    }

    /// Says what it is about. Allocates.
    pub fn subject(self, subject: impl Into<String>) -> Self {
        self.detailed(|detail| detail.subject = Some(subject.into()))
    }

    /// Says what went wrong, or why. Allocates.
    pub fn message(self, message: impl Into<String>) -> Self {
        self.detailed(|detail| detail.message = Some(message.into()))
    }

    /// Says what could be done. Allocates.
    pub fn suggestion(self, suggestion: impl Into<String>) -> Self {
        self.detailed(|detail| detail.suggestions.push(suggestion.into()))
    }

    /// Says which pattern failures follow. Allocates.
    pub fn pattern(self, pattern: impl Into<String>) -> Self {
        self.detailed(|detail| detail.patterns.push(pattern.into()))
    }

    /// Says which other component is concerned. Allocates.
    pub fn concerns(self, component: impl Into<String>) -> Self {
        self.detailed(|detail| detail.components.push(component.into()))
    }

    /// Adds a named text. Allocates.
    pub fn attribute(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.detailed(|detail| detail.attributes.push((name.into(), value.into())))
    }

    /// What it tells.
    pub fn body(&self) -> Body {
        self.body
    }

    fn detailed(mut self, change: impl FnOnce(&mut Detail)) -> Self {
        change(self.detail.get_or_insert_default());
        self
    }
}
