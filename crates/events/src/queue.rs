use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use crate::{Priority, SettingError, Source};

mod lane;
#[cfg(test)]
mod tests;

use self::lane::{Lane, Waiting};

/// How a [`PriorityQueue`] weighs waiting against urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueSettings {
    /// How many items wait at most: 1 to 16,777,216.
    pub capacity: usize,
    /// An item that has waited for so long counts as one priority more urgent: 1 ms to a day.
    pub aging: Duration,
    /// How many sources have a lane of their own; the others share one. 1 to 1,024.
    pub max_sources: usize,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self { capacity: 16_384, aging: Duration::from_secs(5), max_sources: 32 }
    }
}

impl QueueSettings {
    /// Sets how many items wait at most.
    #[must_use]
    pub fn with_capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Sets after how long an item counts as one priority more urgent.
    #[must_use]
    pub fn with_aging(mut self, aging: Duration) -> Self {
        self.aging = aging;
        self
    }

    /// Sets how many sources have a lane of their own.
    #[must_use]
    pub fn with_max_sources(mut self, max_sources: usize) -> Self {
        self.max_sources = max_sources;
        self
    }

    /// Checks every field.
    pub fn validate(&self) -> Result<(), SettingError> {
        SettingError::check_count("capacity", self.capacity, 1, 1 << 24)?;
        SettingError::check_count("max_sources", self.max_sources, 1, 1024)?;
        let (least, most) = (Duration::from_millis(1), Duration::from_hours(24));
        SettingError::check_time("aging", self.aging, least, most)
    }

    /// How many items are taken at most between the moment at which an item has become as
    /// urgent as can be and the moment at which it is taken itself, it included.
    ///
    /// Before it, in its lane, are at most those that the queue can hold besides it. Each time
    /// its lane is passed over, another lane is served, and no lane twice before it; a lane
    /// needs an item, so with `j` places for its own lane's items left there are no
    /// more than `j` lanes, nor more than `max_sources + 1`. The sum of that over
    /// `j = 1..=capacity` is the bound.
    pub fn takes_bound(&self) -> u64 {
        let (capacity, lanes) = (self.capacity as u64, self.max_sources as u64 + 1);
        let full = lanes.min(capacity);
        full * (full + 1) / 2 + (capacity - full) * lanes
    }

    /// The longest that an item can wait, when somebody takes an item at least once in
    /// `between_takes`, as long as there is one.
    pub fn wait_bound(&self, priority: Priority, between_takes: Duration) -> Duration {
        let takes = u32::try_from(self.takes_bound()).unwrap_or(u32::MAX);
        let aged = self.aging.saturating_mul(priority.rank());
        aged.saturating_add(between_takes.saturating_mul(takes))
    }
}

/// A bounded queue in which the urgent goes first, but nothing waits for ever, and no
/// source keeps another from being served. A pure value: times are durations since an
/// origin that the caller owns, and never go back.
///
/// An item counts as one priority more urgent after each [`QueueSettings::aging`]. Among
/// the sources whose first items are equally urgent, the one that was served longest ago is
/// next. Within a source, equally urgent items keep their order.
#[derive(Clone, Debug)]
pub struct PriorityQueue<T> {
    settings: QueueSettings,
    /// The lanes that hold an item; the shared one has no name.
    lanes: BTreeMap<Option<Source>, Lane<T>>,
    len: usize,
    pushed: u64,
    taken: u64,
    by_priority: [usize; 4],
}

impl<T> PriorityQueue<T> {
    /// An empty queue.
    pub fn new(settings: QueueSettings) -> Result<Self, SettingError> {
        settings.validate()?;
        let lanes = BTreeMap::new();
        Ok(Self { settings, lanes, len: 0, pushed: 0, taken: 0, by_priority: [0; 4] })
    }

    /// Adds an item, or gives it back when the queue is full.
    pub fn push(
        &mut self,
        priority: Priority,
        source: &Source,
        item: T,
        now: Duration,
    ) -> Result<(), QueueFull<T>> {
        if self.len >= self.settings.capacity {
            return Err(QueueFull { item, capacity: self.settings.capacity });
        }
        let top_at = now.saturating_add(self.settings.aging.saturating_mul(priority.rank()));
        let waiting = Waiting { top_at, order: self.pushed, since: now, priority, item };
        self.pushed += 1;
        self.len += 1;
        self.by_priority[priority.rank() as usize] += 1;
        let own = Some(source.clone());
        let known = self.lanes.contains_key(&own);
        let named = self.lanes.len() - usize::from(self.lanes.contains_key(&None));
        let key = if known || named < self.settings.max_sources { own } else { None };
        // A lane that was empty gets no credit for that: it is served after all others.
        let served = self.taken;
        let lane =
            self.lanes.entry(key).or_insert_with(|| Lane { served, items: BinaryHeap::new() });
        lane.items.push(waiting);
        Ok(())
    }

    /// Takes the item whose turn it is.
    pub fn pop(&mut self, now: Duration) -> Option<Popped<T>> {
        let aging = self.settings.aging;
        let turn = |lane: &Lane<T>| {
            let first = lane.items.peek();
            let level = first.map_or(u128::MAX, |first| first.level(aging, now));
            (level, lane.served, first.map_or(u64::MAX, |first| first.order))
        };
        let next = self.lanes.iter().min_by_key(|(_, lane)| turn(lane));
        let key = next.map(|(key, _)| key.clone())?;
        let lane = self.lanes.get_mut(&key)?;
        let waiting = lane.items.pop()?;
        self.taken += 1;
        lane.served = self.taken;
        if lane.items.is_empty() {
            self.lanes.remove(&key);
        }
        self.len -= 1;
        self.by_priority[waiting.priority.rank() as usize] -= 1;
        let waited = now.saturating_sub(waiting.since);
        Some(Popped { item: waiting.item, priority: waiting.priority, waited })
    }

    /// How many items wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many more it takes.
    pub fn room(&self) -> usize {
        self.settings.capacity - self.len
    }

    /// How many items of this priority wait.
    pub fn count(&self, priority: Priority) -> usize {
        self.by_priority[priority.rank() as usize]
    }

    /// The settings, with which bounds are computed.
    pub fn settings(&self) -> &QueueSettings {
        &self.settings
    }
}

/// An item that was taken from a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Popped<T> {
    /// The item.
    pub item: T,
    /// The priority it came with.
    pub priority: Priority,
    /// How long it has waited.
    pub waited: Duration,
}

/// The queue is full; here is the item.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the queue is full: {capacity} items wait")]
#[non_exhaustive]
pub struct QueueFull<T> {
    /// What was not added.
    pub item: T,
    /// How many items the queue holds.
    pub capacity: usize,
}
