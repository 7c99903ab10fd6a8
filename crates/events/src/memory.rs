use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use crate::patience::within;
use crate::watched::Watched;
use crate::{
    Acknowledged, AppendError, Bounds, ChangeEvent, ConsumerError, ConsumerName, EventLog,
    LogEntry, OffsetSet, Position, ReadError, Retention, Trimmed, Unacknowledged,
};

#[cfg(test)]
mod tests;

/// Gaps in what a consumer has acknowledged; more are refused.
const MAX_GAPS: usize = 65_536;

/// A log in memory. It keeps a bounded number of events, the newest; but what a consumer
/// has not acknowledged is kept, and then `append` waits for it.
///
/// Everything is lost with the process. For everything else the laws of [`EventLog`] hold.
#[derive(Debug)]
pub struct MemoryLog {
    ring: Watched<Ring>,
    patience: Duration,
}

#[derive(Debug)]
struct Ring {
    entries: VecDeque<LogEntry>,
    first: u64,
    capacity: usize,
    newest: Timestamp,
    consumers: BTreeMap<ConsumerName, Acknowledged>,
    closed: bool,
}

impl MemoryLog {
    /// A log of at least one and at most `capacity` events.
    ///
    /// A call of `append` that finds it full of events that a consumer holds waits for
    /// `patience`, on tokio's timer, before it is refused. A batch of more events than
    /// `capacity` is taken as a whole, when nothing holds an older event.
    pub fn new(capacity: usize, patience: Duration) -> Self {
        let ring = Ring {
            entries: VecDeque::new(),
            first: 0,
            capacity: capacity.max(1),
            newest: Timestamp::UNIX_EPOCH,
            consumers: BTreeMap::new(),
            closed: false,
        };
        Self { ring: Watched::new(ring), patience }
    }

    /// Takes nothing more, and ends the waits of all readers that have read everything.
    pub fn close(&self) {
        self.ring.change(|ring| ring.closed = true);
    }
}

/// A log of 65,536 events that waits for ten seconds.
impl Default for MemoryLog {
    fn default() -> Self {
        Self::new(65_536, Duration::from_secs(10))
    }
}

impl EventLog for MemoryLog {
    fn append(
        &self,
        events: Vec<Arc<ChangeEvent>>,
    ) -> BoxFuture<'_, Result<Range<u64>, AppendError>> {
        async move {
            for event in &events {
                event.validate()?;
            }
            let now = Timestamp::now();
            let mut events = Some(events);
            let room = self.ring.wait_to_change(|ring| ring.append(&mut events, now));
            let waited = self.patience;
            within(waited, room).await.unwrap_or(Err(AppendError::Full { waited }))
        }
        .boxed()
    }

    fn read(&self, from: Position, max: usize) -> BoxFuture<'_, Result<Vec<LogEntry>, ReadError>> {
        std::future::ready(self.ring.look(|ring| ring.read(from, max))).boxed()
    }

    fn recent(&self, max: usize) -> Vec<LogEntry> {
        self.ring.look(|ring| {
            let skipped = ring.entries.len().saturating_sub(max);
            ring.entries.iter().skip(skipped).cloned().collect()
        })
    }

    fn bounds(&self) -> Bounds {
        self.ring.look(Ring::bounds)
    }

    fn beyond(&self, offset: u64) -> BoxFuture<'_, Result<Bounds, ReadError>> {
        self.ring
            .wait_for(move |ring| match ring.bounds() {
                bounds if bounds.end > offset => Some(Ok(bounds)),
                _ if ring.closed => Some(Err(ReadError::Closed)),
                _ => None,
            })
            .boxed()
    }

    fn open_consumer(
        &self,
        consumer: &ConsumerName,
        start: Position,
    ) -> BoxFuture<'_, Result<Acknowledged, ConsumerError>> {
        let opened = self.ring.change_quietly(|ring| {
            if let Some(known) = ring.consumers.get(consumer) {
                return Ok(known.clone());
            }
            let (start, end) = (ring.offset_of(start), ring.bounds().end);
            if start > end {
                return Err(ConsumerError::StartsBeyondEnd { start, end });
            }
            let fresh = Acknowledged::below(start);
            ring.consumers.insert(consumer.clone(), fresh.clone());
            Ok(fresh)
        });
        std::future::ready(opened).boxed()
    }

    fn acknowledge(
        &self,
        consumer: &ConsumerName,
        offsets: OffsetSet,
    ) -> BoxFuture<'_, Result<(), ConsumerError>> {
        let done = self.ring.change(|ring| {
            let end = ring.bounds().end;
            let known = ring.consumers.get_mut(consumer);
            let known = known.ok_or_else(|| ConsumerError::Unknown { name: consumer.clone() })?;
            acknowledge(known, consumer, &offsets, end, MAX_GAPS)
        });
        std::future::ready(done).boxed()
    }

    fn remove_consumer(
        &self,
        consumer: &ConsumerName,
    ) -> BoxFuture<'_, Result<bool, ConsumerError>> {
        let removed = self.ring.change(|ring| ring.consumers.remove(consumer).is_some());
        std::future::ready(Ok(removed)).boxed()
    }

    fn consumers(&self) -> BTreeMap<ConsumerName, Acknowledged> {
        self.ring.look(|ring| ring.consumers.clone())
    }

    fn trim(
        &self,
        retention: Retention,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Trimmed, ReadError>> {
        std::future::ready(Ok(self.ring.change(|ring| ring.trim(retention, now)))).boxed()
    }
}

/// Adds to what a consumer has acknowledged, or refuses as a whole.
pub(crate) fn acknowledge(
    known: &mut Acknowledged,
    consumer: &ConsumerName,
    offsets: &OffsetSet,
    end: u64,
    limit: usize,
) -> Result<(), ConsumerError> {
    if let Some(beyond) = offsets.end().filter(|last| *last > end) {
        return Err(ConsumerError::BeyondEnd { offset: beyond - 1, end });
    }
    let mut next = known.clone();
    next.add(offsets);
    if next.above().range_count() > limit {
        return Err(ConsumerError::TooManyGaps { name: consumer.clone(), limit });
    }
    *known = next;
    Ok(())
}

impl Ring {
    fn bounds(&self) -> Bounds {
        Bounds { first: self.first, end: self.first + self.entries.len() as u64 }
    }

    /// The first offset that a consumer waits for, and which consumer that is.
    fn held(&self) -> Option<(u64, &ConsumerName)> {
        self.consumers.iter().map(|(name, known)| (known.low(), name)).min()
    }

    /// Appends the events, once there is room for them.
    fn append(
        &mut self,
        events: &mut Option<Vec<Arc<ChangeEvent>>>,
        now: Timestamp,
    ) -> Option<Result<Range<u64>, AppendError>> {
        if self.closed {
            return Some(Err(AppendError::Closed));
        }
        let count = events.as_ref()?.len();
        let excess = (self.entries.len() + count).saturating_sub(self.capacity);
        self.evict(excess.min(self.entries.len()))?;
        let start = self.bounds().end;
        self.newest = self.newest.max(now);
        for event in events.take()? {
            let offset = self.bounds().end;
            self.entries.push_back(LogEntry::new(offset, self.newest, event));
        }
        Some(Ok(start..self.bounds().end))
    }

    /// Makes room, if nobody waits for what would go.
    fn evict(&mut self, count: usize) -> Option<()> {
        let first = self.first + count as u64;
        if count > 0 && self.held().is_some_and(|(held, _)| held < first) {
            return None;
        }
        self.entries.drain(..count);
        self.first = first;
        Some(())
    }

    fn offset_of(&self, position: Position) -> u64 {
        let bounds = self.bounds();
        match position {
            Position::Oldest => bounds.first,
            Position::Offset(offset) => offset,
            Position::Time(at) => {
                bounds.first + self.entries.partition_point(|entry| entry.appended_at < at) as u64
            }
            Position::End => bounds.end,
        }
    }

    fn read(&self, from: Position, max: usize) -> Result<Vec<LogEntry>, ReadError> {
        let asked = self.offset_of(from);
        let Some(skipped) = asked.checked_sub(self.first) else {
            return Err(ReadError::Trimmed { asked, first: self.first });
        };
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX).min(self.entries.len());
        let until = skipped.saturating_add(max).min(self.entries.len());
        Ok(self.entries.range(skipped..until).cloned().collect())
    }

    fn trim(&mut self, retention: Retention, now: Timestamp) -> Trimmed {
        let wanted = self.expired(retention, now);
        let held = match retention.unacknowledged {
            Unacknowledged::Keep => self.held().filter(|(held, _)| *held < self.first + wanted),
            Unacknowledged::Remove => None,
        };
        let removed = held.map_or(wanted, |(held, _)| held.saturating_sub(self.first));
        let held_by = held.map(|(_, name)| name.clone());
        self.entries.drain(..usize::try_from(removed).unwrap_or(usize::MAX));
        self.first += removed;
        Trimmed { removed, bounds: self.bounds(), held_by }
    }

    /// How many of the oldest events are too old or too many.
    fn expired(&self, retention: Retention, now: Timestamp) -> u64 {
        let mut expired = 0;
        if let Some(age) = retention.max_age {
            let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
            let oldest = now.checked_sub(age).unwrap_or(Timestamp::MIN);
            expired = self.entries.partition_point(|entry| entry.appended_at < oldest);
        }
        if let Some(limit) = retention.max_bytes {
            let mut bytes = 0;
            let fits = |entry: &&LogEntry| {
                bytes += entry.event.weight() as u64;
                bytes <= limit
            };
            let kept = self.entries.iter().rev().take_while(fits).count();
            expired = expired.max(self.entries.len() - kept);
        }
        expired as u64
    }
}
