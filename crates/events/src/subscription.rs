use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{EventFilter, LogEntry, Position};

/// What a subscriber wants: which events, from where on, and what happens when it is slow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subscription {
    /// Which events.
    pub filter: EventFilter,
    /// Where it begins; by default at the end, so that only what is published later comes.
    pub start: Position,
    /// What happens when it is slow.
    pub overflow: Overflow,
    /// How many events are read from the log at once, at most.
    pub batch: usize,
}

/// What happens when a subscriber reads more slowly than others publish.
///
/// A capacity counts events that were published and not taken by the subscriber, whether they
/// pass its filter or not, and is at least one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// Nothing: it reads the log at its own pace. If the log removes events before
    /// they are read, it is told by [`Lagged`](crate::Lagged).
    #[default]
    Wait,
    /// It leaves out what is more than `capacity` behind, and is told by
    /// [`Lagged`](crate::Lagged) which events those are. They can be read from the log.
    Lag {
        /// How many events may wait.
        capacity: u64,
    },
    /// Publishers wait for it, until they are refused.
    BackPressure {
        /// How many events may wait.
        capacity: u64,
    },
    /// Publishers wait for it for a bounded time. Then it gets
    /// [`DeliveryError::TooSlow`](crate::DeliveryError::TooSlow), and its subscription ends.
    GiveUp {
        /// How many events may wait.
        capacity: u64,
        /// How long a publisher waits.
        within: Duration,
    },
}

impl Subscription {
    /// Everything that is published from now on, at the subscriber's own pace.
    pub fn all() -> Self {
        Self {
            filter: EventFilter::all(),
            start: Position::End,
            overflow: Overflow::Wait,
            batch: 256,
        }
    }

    /// Only what passes this filter.
    #[must_use]
    pub fn with_filter(mut self, filter: EventFilter) -> Self {
        self.filter = filter;
        self
    }

    /// From here on.
    #[must_use]
    pub fn with_start(mut self, start: Position) -> Self {
        self.start = start;
        self
    }

    /// With this choice for when it is slow.
    #[must_use]
    pub fn with_overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// With so many events at once, at least one.
    #[must_use]
    pub fn with_batch(mut self, batch: usize) -> Self {
        self.batch = batch;
        self
    }
}

/// Everything from now on.
impl Default for Subscription {
    fn default() -> Self {
        Self::all()
    }
}

/// What of the past somebody wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryQuery {
    /// Which events.
    pub filter: EventFilter,
    /// Only what happened at this time or later.
    pub since: Option<Timestamp>,
    /// Only what happened before this time.
    pub before: Option<Timestamp>,
    /// Only events with this correlation id.
    pub correlation_id: Option<Uuid>,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

impl HistoryQuery {
    /// Everything that is in memory.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only what passes this filter.
    #[must_use]
    pub fn with_filter(mut self, filter: EventFilter) -> Self {
        self.filter = filter;
        self
    }

    /// Only what happened at this time or later.
    #[must_use]
    pub fn since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// Only what happened before this time.
    #[must_use]
    pub fn before(mut self, before: Timestamp) -> Self {
        self.before = Some(before);
        self
    }

    /// Only events with this correlation id.
    #[must_use]
    pub fn with_correlation(mut self, id: Uuid) -> Self {
        self.correlation_id = Some(id);
        self
    }

    /// At most so many, the newest.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    pub(crate) fn select(&self, mut entries: Vec<LogEntry>) -> Vec<LogEntry> {
        entries.retain(|entry| {
            let event = &*entry.event;
            self.filter.matches(event)
                && self.since.is_none_or(|since| event.at >= since)
                && self.before.is_none_or(|before| event.at < before)
                && self.correlation_id.is_none_or(|id| event.correlation_id == Some(id))
        });
        let surplus = self.limit.map_or(0, |limit| entries.len().saturating_sub(limit));
        entries.split_off(surplus)
    }
}
