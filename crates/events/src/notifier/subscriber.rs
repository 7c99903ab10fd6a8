//! The reading side of a notifier.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use futures::future::{BoxFuture, Either, select};
use futures::stream::FusedStream;
use futures::{FutureExt, Stream};

use super::Shared;
use crate::{
    DeliveryError, EventFilter, Lagged, LogEntry, Overflow, Position, ReadError, Subscription,
};

/// The events of a subscription, as a stream. Dropping it ends the subscription.
///
/// It ends by itself when the notifier is gone and everything was read, or after an error
/// other than [`DeliveryError::Lagged`].
#[must_use = "a subscription that limits publishers holds them up when it is not read"]
pub struct Subscriber {
    reader: Arc<Reader>,
    position: Position,
    ready: VecDeque<LogEntry>,
    pending: Option<BoxFuture<'static, Fetched>>,
    ended: bool,
}

struct Reader {
    shared: Arc<Shared>,
    filter: EventFilter,
    overflow: Overflow,
    batch: usize,
    /// Its number at the gate, if it limits publishers.
    limit: Option<u64>,
}

/// What a look at the log gave, and where the next begins.
struct Fetched {
    next: Position,
    outcome: Result<VecDeque<LogEntry>, DeliveryError>,
    /// The notifier is gone, and nothing is left.
    ended: bool,
}

impl Subscriber {
    pub(super) fn new(shared: Arc<Shared>, subscription: Subscription) -> Self {
        let bounds = shared.log.bounds();
        // The end is where it is now, not where it is at the first read.
        let position = match subscription.start {
            Position::End => Position::Offset(bounds.end),
            Position::Oldest => Position::Offset(bounds.first),
            other => other,
        };
        let cursor = if let Position::Offset(offset) = position { offset } else { bounds.end };
        let overflow = subscription.overflow;
        let enter = |capacity, give_up| {
            shared.tallies.limited.fetch_add(1, Ordering::SeqCst);
            Some(shared.gate.change_quietly(|gate| gate.enter(cursor, capacity, give_up)))
        };
        let limit = match overflow {
            Overflow::BackPressure { capacity } => enter(capacity, None),
            Overflow::GiveUp { capacity, within } => enter(capacity, Some(within)),
            Overflow::Wait | Overflow::Lag { .. } => None,
        };
        let batch = subscription.batch.max(1);
        let filter = subscription.filter;
        let reader = Reader { shared, filter, overflow, batch, limit };
        Self {
            reader: Arc::new(reader),
            position,
            ready: VecDeque::new(),
            pending: None,
            ended: false,
        }
    }

    /// Waits for events and gives all that are at hand, at least one: faster than one at a
    /// time. `None` when the subscription has ended. Dropping the future loses nothing.
    pub async fn next_batch(&mut self) -> Option<Result<Vec<LogEntry>, DeliveryError>> {
        let filled = std::future::poll_fn(|context| self.poll_fill(context)).await;
        if let Err(error) = filled? {
            return Some(Err(error));
        }
        let batch = Vec::from(std::mem::take(&mut self.ready));
        Some(self.hand_out(batch.first()?.offset, batch.len()).map(|()| batch))
    }

    /// Makes sure that an event is at hand.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<(), DeliveryError>>> {
        if !self.ready.is_empty() {
            return Poll::Ready(Some(Ok(())));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let fetch = || Arc::clone(&self.reader).fetch(self.position).boxed();
        let fetched = ready!(self.pending.get_or_insert_with(fetch).poll_unpin(context));
        self.pending = None;
        self.position = fetched.next;
        self.ended = fetched.ended;
        Poll::Ready(match fetched.outcome {
            Ok(_) if fetched.ended => None,
            Ok(entries) => {
                self.ready = entries;
                Some(Ok(()))
            }
            Err(error) => Some(Err(error)),
        })
    }

    /// Notes that `count` events from `first` on were taken out of those at hand.
    fn hand_out(&mut self, first: u64, count: usize) -> Result<(), DeliveryError> {
        let cursor = match (self.ready.front(), self.position) {
            (Some(entry), _) => entry.offset,
            (None, Position::Offset(offset)) => offset,
            (None, _) => first,
        };
        if !self.reader.advance(cursor) {
            self.ended = true;
            self.ready.clear();
            return Err(DeliveryError::TooSlow { from: first });
        }
        let delivered = &self.reader.shared.tallies.delivered;
        delivered.fetch_add(count as u64, Ordering::Relaxed);
        Ok(())
    }
}

impl Stream for Subscriber {
    type Item = Result<LogEntry, DeliveryError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match ready!(self.poll_fill(context)) {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            Some(Ok(())) => {}
        }
        let Some(entry) = self.ready.pop_front() else { return Poll::Ready(None) };
        let handed_out = self.hand_out(entry.offset, 1);
        Poll::Ready(Some(handed_out.map(|()| entry)))
    }
}

impl FusedStream for Subscriber {
    fn is_terminated(&self) -> bool {
        self.ended && self.ready.is_empty()
    }
}

impl Reader {
    /// Notes for publishers how far this has come; `false` if it has been given up.
    fn advance(&self, cursor: u64) -> bool {
        let Some(number) = self.limit else { return true };
        self.shared.gate.change(|gate| gate.advance(number, cursor))
    }

    /// Reads on until something passes the filter.
    async fn fetch(self: Arc<Self>, mut position: Position) -> Fetched {
        loop {
            if let Some(lagged) = self.skip(position) {
                return self.missed(lagged);
            }
            let closed = self.shared.closed.look(|closed| *closed);
            let bounds = self.shared.log.bounds();
            let entries = match self.shared.log.read(position, self.batch).await {
                Ok(entries) => entries,
                Err(ReadError::Trimmed { asked, first }) => {
                    return self.missed(Lagged {
                        missed: first - asked,
                        from: asked,
                        until: first,
                    });
                }
                Err(error) => return Self::failed(position, error.into()),
            };
            let Some(last) = entries.last() else {
                if closed {
                    return Fetched { next: position, outcome: Ok(VecDeque::new()), ended: true };
                }
                if let Err(error) = self.wait(position, bounds.end).await {
                    return Self::failed(position, error.into());
                }
                continue;
            };
            let cursor = last.offset + 1;
            position = Position::Offset(cursor);
            let read = entries.len();
            let passed: VecDeque<_> =
                entries.into_iter().filter(|entry| self.filter.matches(&entry.event)).collect();
            let filtered = (read - passed.len()) as u64;
            self.shared.tallies.filtered.fetch_add(filtered, Ordering::Relaxed);
            if !passed.is_empty() {
                return Fetched { next: position, outcome: Ok(passed), ended: false };
            }
            if !self.advance(cursor) {
                return Self::failed(position, DeliveryError::TooSlow { from: cursor });
            }
        }
    }

    /// Waits for the next event, or for the end of the notifier.
    async fn wait(&self, position: Position, end: u64) -> Result<(), ReadError> {
        let offset = if let Position::Offset(offset) = position { offset } else { end };
        let closed = self.shared.closed.wait_for(|closed| closed.then_some(()));
        match select(self.shared.log.beyond(offset), closed).await {
            Either::Left((Ok(_), _)) | Either::Right(_) => Ok(()),
            Either::Left((Err(ReadError::Closed), _)) => {
                self.shared.closed.change(|closed| *closed = true);
                Ok(())
            }
            Either::Left((Err(error), _)) => Err(error),
        }
    }

    /// Whether the subscriber is so late that it wants to leave events out.
    fn skip(&self, position: Position) -> Option<Lagged> {
        let (Overflow::Lag { capacity }, Position::Offset(from)) = (self.overflow, position) else {
            return None;
        };
        let until = self.shared.log.bounds().end.saturating_sub(capacity.max(1));
        (until > from).then(|| Lagged { missed: until - from, from, until })
    }

    fn missed(&self, lagged: Lagged) -> Fetched {
        tracing::warn!(missed = lagged.missed, from = lagged.from, "a subscriber has lagged");
        self.shared.tallies.missed.fetch_add(lagged.missed, Ordering::Relaxed);
        let next = Position::Offset(lagged.until);
        Fetched { next, outcome: Err(lagged.into()), ended: false }
    }

    fn failed(next: Position, error: DeliveryError) -> Fetched {
        Fetched { next, outcome: Err(error), ended: true }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(number) = self.limit {
            self.shared.gate.change(|gate| gate.leave(number));
            self.shared.tallies.limited.fetch_sub(1, Ordering::SeqCst);
        }
    }
}
