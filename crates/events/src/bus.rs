use std::ops::Range;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::{AppendError, ChangeEvent, Lagged, LogEntry, ReadError, Subscription};

/// What a subscription gives. It ends with the bus, or after an error that is no lag.
pub type EventStream = BoxStream<'static, Result<LogEntry, DeliveryError>>;

/// Where events are published and subscribed to.
///
/// # Laws for implementors
///
/// - *Order.* A subscriber gets events in the order of their offsets, each once.
/// - *Nothing in silence.* It gets every event after its start that passes its filter, or is
///   told by [`DeliveryError`] which it does not get.
/// - *Durability.* When `publish_batch` is ready, the events are as safe as the log of the
///   bus makes them. Of a batch, all events are published or none.
/// - *Back-pressure.* `publish_batch` waits for subscribers that ask for it, and refuses after a
///   bounded time.
pub trait EventBus: Send + Sync {
    /// Publishes events as one group and gives their offsets.
    fn publish_batch(
        &self,
        events: Vec<ChangeEvent>,
    ) -> BoxFuture<'_, Result<Range<u64>, PublishError>>;

    /// The events from the start of the subscription on.
    fn subscribe(&self, subscription: Subscription) -> EventStream;
}

macro_rules! forward {
    ($pointer:ident) => {
        impl<B: EventBus + ?Sized> EventBus for $pointer<B> {
            fn publish_batch(
                &self,
                events: Vec<ChangeEvent>,
            ) -> BoxFuture<'_, Result<Range<u64>, PublishError>> {
                (**self).publish_batch(events)
            }

            fn subscribe(&self, subscription: Subscription) -> EventStream {
                (**self).subscribe(subscription)
            }
        }
    };
}

forward!(Arc);
forward!(Box);

/// Why events were not published.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// A subscriber that asks for back-pressure has not read on for so long. Nothing was
    /// published; try again later.
    #[error("a subscriber has held the publisher up for {} ms", .waited.as_millis())]
    SlowSubscriber {
        /// How long the call has waited.
        waited: std::time::Duration,
    },
    /// The log did not take them.
    #[error("the events could not be logged")]
    Log(#[from] AppendError),
}

impl PublishError {
    /// Whether nothing was published for certain, and the same call may succeed later.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::SlowSubscriber { .. } => true,
            Self::Log(error) => error.is_refusal(),
        }
    }
}

/// Why a subscriber got no event.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// It has missed events, and goes on after them. What the log still has of them can be
    /// read there, from [`Lagged::from`] on.
    #[error(transparent)]
    Lagged(#[from] Lagged),
    /// It had asked to be given up rather than hold publishers for ever. The
    /// subscription has ended.
    #[error("the subscriber was too slow; offset {from} is the first that it did not get")]
    TooSlow {
        /// The first offset it did not get, from which it can subscribe anew.
        from: u64,
    },
    /// The log can't be read. The subscription has ended.
    #[error(transparent)]
    Read(#[from] ReadError),
}
