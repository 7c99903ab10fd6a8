use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use evergen_events::{Attempt, ChangeEvent, DeadLetter, DeadLetters};
use futures::future::{BoxFuture, FutureExt, ready};
use jiff::Timestamp;

/// Keeps events that failed for good, for a person to look at.
///
/// - What [`bury`](Self::bury) has taken is there after a crash, as far as the implementation
///   keeps anything at all: only after it is the event acknowledged.
/// - The same event may be buried twice: after a lost answer, or a crash between the two steps.
pub trait DeadEvents: Send + Sync {
    /// Keeps an event.
    ///
    /// # Errors
    /// It is not kept; it is tried again, and the event stays in the log until it is.
    fn bury(&self, event: DeadEvent) -> BoxFuture<'_, Result<(), BuryError>>;
}

/// An event that failed for good.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeadEvent {
    /// Its place in the log, if it came from there.
    pub offset: Option<u64>,
    /// The event.
    pub event: Arc<ChangeEvent>,
    /// Its failed tries, oldest first.
    pub tries: Vec<DeadTry>,
    /// When it was given up.
    pub buried_at: Timestamp,
}

/// One failed try.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadTry {
    /// Which one, from 1.
    pub number: u32,
    /// When it ended.
    pub at: Timestamp,
    /// Where it failed.
    pub component: &'static str,
    /// Why.
    pub error: String,
}

impl DeadEvent {
    pub(super) fn new(
        offset: Option<u64>,
        event: Arc<ChangeEvent>,
        tries: Vec<DeadTry>,
        buried_at: Timestamp,
    ) -> Self {
        Self { offset, event, tries, buried_at }
    }
}

impl DeadTry {
    pub(super) fn new(number: u32, at: Timestamp, component: &'static str, error: String) -> Self {
        Self { number, at, component, error }
    }
}

/// A dead event could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("the event can't be kept: {why}")]
#[non_exhaustive]
pub struct BuryError {
    /// Why not.
    pub why: String,
}

impl BuryError {
    /// It could not be kept, for this reason.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}

/// Keeps dead events as long as the process lives. Cheap to clone; clones share them.
#[derive(Clone, Debug)]
pub struct MemoryDeadEvents {
    events: Arc<Mutex<VecDeque<DeadEvent>>>,
    capacity: usize,
}

impl MemoryDeadEvents {
    /// Keeps so many, and refuses more: nothing is dropped in silence.
    pub fn new(capacity: usize) -> Self {
        Self { events: Arc::default(), capacity: capacity.max(1) }
    }

    /// The events, oldest first.
    pub fn list(&self) -> Vec<DeadEvent> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Takes them all out.
    pub fn take(&self) -> Vec<DeadEvent> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }
}

impl Default for MemoryDeadEvents {
    fn default() -> Self {
        Self::new(10_000)
    }
}

impl DeadEvents for MemoryDeadEvents {
    fn bury(&self, event: DeadEvent) -> BoxFuture<'_, Result<(), BuryError>> {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let known = events.iter().any(|other| other.event.id == event.event.id);
        let result = if known {
            Ok(())
        } else if events.len() >= self.capacity {
            Err(BuryError::new(format!("{} dead events wait for a person already", events.len())))
        } else {
            events.push_back(event);
            Ok(())
        };
        ready(result).boxed()
    }
}

/// Kept as the log keeps its own: with a folder, they are there after a crash.
impl DeadEvents for DeadLetters {
    fn bury(&self, event: DeadEvent) -> BoxFuture<'_, Result<(), BuryError>> {
        let tries = event.tries.into_iter();
        let attempts = tries.map(|one| Attempt::new(one.at, one.component, one.error)).collect();
        let letter = DeadLetter::new((*event.event).clone(), attempts, event.buried_at);
        let letter = match event.offset {
            Some(offset) => letter.with_offset(offset),
            None => letter,
        };
        async move {
            let kept = DeadLetters::bury(self, letter).await;
            kept.map_err(|error| BuryError::new(super::task::chain(&error)))
        }
        .boxed()
    }
}

impl<D: DeadEvents + ?Sized> DeadEvents for Arc<D> {
    fn bury(&self, event: DeadEvent) -> BoxFuture<'_, Result<(), BuryError>> {
        (**self).bury(event)
    }
}
