use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use tokio::time::Instant;

use crate::patience::within;
use crate::watched::Watched;
use crate::{
    ChangeEvent, EventBus, EventLog, EventStream, HistoryQuery, LogEntry, MemoryLog, PublishError,
    SettingError, Subscription,
};

mod gate;
pub(crate) mod subscriber;
#[cfg(test)]
mod tests;

use self::gate::{Gate, Reserved};
use self::subscriber::Subscriber;

/// Tells whoever has subscribed of every change. Cheap to clone; all clones are one.
///
/// An event goes into the log first, and every subscriber reads the log at its own pace, so
/// that being slow means reading later and not losing. `default()` has a log in memory;
/// [`builder`](Self::builder) takes any other. When the last clone is dropped, the streams
/// end after what was published.
#[derive(Clone)]
pub struct GraphChangeNotifier {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    history: usize,
    patience: Duration,
}

/// What the subscribers share with the notifier, and what outlives it.
struct Shared {
    log: Arc<dyn EventLog>,
    gate: Watched<Gate>,
    closed: Watched<bool>,
    tallies: Tallies,
}

#[derive(Default)]
struct Tallies {
    published: AtomicU64,
    refused: AtomicU64,
    waits: AtomicU64,
    delivered: AtomicU64,
    filtered: AtomicU64,
    missed: AtomicU64,
    given_up: AtomicU64,
    /// How many subscribers can hold a publisher up.
    limited: AtomicU64,
}

/// What a notifier has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotifierCounters {
    /// Events that were published.
    pub published: u64,
    /// Events that were not, because of an error.
    pub refused: u64,
    /// Calls that had to wait for a subscriber.
    pub waits: u64,
    /// Events handed to subscribers, counted for each.
    pub delivered: u64,
    /// Events that did not pass a subscriber's filter, counted for each.
    pub filtered: u64,
    /// Events that subscribers were told to have missed.
    pub missed: u64,
    /// Subscribers that were given up because they were too slow.
    pub given_up: u64,
}

/// Where an event was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// Its offset in the log.
    pub offset: u64,
}

/// Makes a [`GraphChangeNotifier`].
#[must_use]
pub struct NotifierBuilder {
    log: Option<Arc<dyn EventLog>>,
    history: usize,
    patience: Duration,
}

impl NotifierBuilder {
    /// Publishes into this log, rather than into one in memory.
    pub fn with_log(mut self, log: Arc<dyn EventLog>) -> Self {
        self.log = Some(log);
        self
    }

    /// How many of the newest events [`GraphChangeNotifier::history`] looks at: at most
    /// 1,048,576. A log has no more of them in memory than it was told to have.
    pub fn with_history(mut self, events: usize) -> Self {
        self.history = events;
        self
    }

    /// How long `publish` waits for a subscriber that asks for back-pressure: 1 ms to a day.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Makes the notifier, if the settings are within their ranges.
    pub fn build(self) -> Result<GraphChangeNotifier, SettingError> {
        SettingError::check_count("history", self.history, 0, 1 << 20)?;
        let (least, most) = (Duration::from_millis(1), Duration::from_hours(24));
        SettingError::check_time("patience", self.patience, least, most)?;
        Ok(self.finish())
    }

    fn finish(self) -> GraphChangeNotifier {
        let log = self.log.unwrap_or_else(|| Arc::new(MemoryLog::default()));
        let shared = Shared {
            log,
            gate: Watched::new(Gate::default()),
            closed: Watched::new(false),
            tallies: Tallies::default(),
        };
        let Self { history, patience, .. } = self;
        let inner = Inner { shared: Arc::new(shared), history, patience };
        GraphChangeNotifier { inner: Arc::new(inner) }
    }
}

/// A notifier with a [`MemoryLog`].
impl Default for GraphChangeNotifier {
    fn default() -> Self {
        Self::builder().finish()
    }
}

impl GraphChangeNotifier {
    /// Begins with the settings of `default()`: a log in memory, a history of 1,024 events,
    /// and a patience of ten seconds.
    pub fn builder() -> NotifierBuilder {
        NotifierBuilder { log: None, history: 1024, patience: Duration::from_secs(10) }
    }

    /// Publishes one event. When this is ready, the event is in the log, as safe as that
    /// makes it.
    ///
    /// A future that is dropped before may have published the event, or not. Waits, where it
    /// has to, use tokio's timer.
    pub async fn publish(&self, event: ChangeEvent) -> Result<Published, PublishError> {
        let offsets = self.append(vec![Arc::new(event)]).await?;
        Ok(Published { offset: offsets.start })
    }

    /// Publishes events as one group: all of them or none.
    pub async fn publish_batch(
        &self,
        events: Vec<ChangeEvent>,
    ) -> Result<Range<u64>, PublishError> {
        self.append(events.into_iter().map(Arc::new).collect()).await
    }

    /// The events from the start of the subscription on, as a stream.
    pub fn subscribe(&self, subscription: Subscription) -> Subscriber {
        Subscriber::new(Arc::clone(&self.inner.shared), subscription)
    }

    /// The newest events that the query asks for, oldest first.
    pub fn history(&self, query: &HistoryQuery) -> Vec<LogEntry> {
        query.select(self.inner.shared.log.recent(self.inner.history))
    }

    /// What was done so far.
    pub fn counters(&self) -> NotifierCounters {
        let tallies = &self.inner.shared.tallies;
        let read = |tally: &AtomicU64| tally.load(Ordering::Relaxed);
        NotifierCounters {
            published: read(&tallies.published),
            refused: read(&tallies.refused),
            waits: read(&tallies.waits),
            delivered: read(&tallies.delivered),
            filtered: read(&tallies.filtered),
            missed: read(&tallies.missed),
            given_up: read(&tallies.given_up),
        }
    }

    /// The log that events are published into.
    pub fn log(&self) -> &Arc<dyn EventLog> {
        &self.inner.shared.log
    }

    async fn append(&self, events: Vec<Arc<ChangeEvent>>) -> Result<Range<u64>, PublishError> {
        let Shared { log, tallies, .. } = &*self.inner.shared;
        let count = events.len() as u64;
        let result = match self.make_room(count).await {
            Ok(_room) => log.append(events).await.map_err(PublishError::from),
            Err(refused) => Err(refused),
        };
        let tally = if result.is_ok() { &tallies.published } else { &tallies.refused };
        tally.fetch_add(count, Ordering::Relaxed);
        result
    }

    /// Waits until every subscriber that limits publishers has room.
    async fn make_room(&self, count: u64) -> Result<Option<Reserved<'_>>, PublishError> {
        let Shared { log, gate, tallies, .. } = &*self.inner.shared;
        if tallies.limited.load(Ordering::SeqCst) == 0 {
            return Ok(None);
        }
        let mut started = None;
        loop {
            let started = *started.get_or_insert_with(Instant::now);
            let waited = started.elapsed();
            let (given_up, next) = gate.change(|gate| {
                let end = log.bounds().end;
                let given_up = gate.give_up(end, count, waited);
                (given_up, gate.next_verdict(end, count, self.inner.patience))
            });
            tallies.given_up.fetch_add(given_up, Ordering::Relaxed);
            if let Some(at) = next {
                if at <= waited {
                    return Err(PublishError::SlowSubscriber { waited });
                }
                tallies.waits.fetch_add(1, Ordering::Relaxed);
            }
            let left = next.map_or(self.inner.patience, |at| at.saturating_sub(waited));
            let room = gate.wait_for(|gate| gate.reserve(log.bounds().end, count));
            if within(left, room).await.is_some() {
                return Ok(Some(Reserved { gate, count }));
            }
        }
    }
}

impl EventBus for GraphChangeNotifier {
    fn publish_batch(
        &self,
        events: Vec<ChangeEvent>,
    ) -> BoxFuture<'_, Result<Range<u64>, PublishError>> {
        self.publish_batch(events).boxed()
    }

    fn subscribe(&self, subscription: Subscription) -> EventStream {
        self.subscribe(subscription).boxed()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.closed.change(|closed| *closed = true);
    }
}
