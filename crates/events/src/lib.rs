//! What happened, in which order?
//!
//! A program that follows a model has to hear of every change: once it is acknowledged, not
//! even kill -9 may lose it; a burst of a thousand saves should be a few pieces of work; and a
//! slow listener must neither hold up the world nor miss something in silence. This crate
//! takes that off your hands.
//!
//! # The log is the truth
//!
//! A [`ChangeEvent`] is published by a [`GraphChangeNotifier`], which appends it to an
//! [`EventLog`] and only then says that it is published. Subscribers have no queues of their
//! own: each reads the log from its own cursor, in batches, and sleeps at the end. So
//! being slow means to read later. A [`Subscription`] says what else is to happen: whether
//! publishers wait, or the subscriber is told what it has [missed](Lagged) and goes on, or is
//! given up.
//!
//! [`MemoryLog`] is bounded and gone with the process. [`SegmentLog`] is a folder: a thread of
//! its own commits what all publishers have handed over since its last flush as one group. After
//! any end of the process what was acknowledged is there; what was being written is cut
//! off and told; damage in the middle is an error that says where.
//!
//! # Work is acknowledged one by one
//!
//! A named [`Consumer`] acknowledges the offsets it is done with in any order, since urgent
//! work overtakes. What it has acknowledged is as durable as the events, so that after a restart
//! it gets exactly the rest. Nothing that a consumer waits for is removed from the log, unless
//! somebody forces it, and then the consumer is told. [`DeadLetters`] keep what nobody could
//! work on, with the history of its errors, until a person decides.
//!
//! # Decisions are values
//!
//! [`Coalescer`] makes one event of many to one subject, with their net effect;
//! [`PriorityQueue`] orders by urgency, with a bound on the longest wait that can be computed, and
//! fairness among sources. Both are pure: the time is a parameter.
//!
//! # What it does not do
//!
//! It does not notice changes, nor work on them, nor send them to other machines; adapters do,
//! and show with the module `conformance`, which is behind a feature, that their logs keep the laws. There is no exactly-once
//! delivery: an event comes again when its consumer ended before the acknowledgement.
//!
//! ```
//! use std::sync::Arc;
//!
//! use evergen_events::{
//!     ChangeEvent, Consumer, ConsumerName, EventLog, GraphChangeNotifier, Position,
//!     SegmentLog, SegmentSettings,
//! };
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let worker = ConsumerName::parse("worker")?;
//! let log: Arc<dyn EventLog> = Arc::new(SegmentLog::open(folder, SegmentSettings::default())?);
//! let notifier = GraphChangeNotifier::builder().with_log(Arc::clone(&log)).build()?;
//! let mut consumer = Consumer::open(log, worker.clone(), Position::Oldest).await?;
//!
//! for name in ["order", "customer", "invoice"] {
//!     notifier.publish(ChangeEvent::node_added(format!("http://example.org/{name}"))).await?;
//! }
//! let batch = consumer.next_batch(10).await?;
//! assert_eq!(batch.len(), 3);
//! consumer.acknowledger().acknowledge([0, 2]).await?;
//! drop((notifier, consumer));
//!
//! // Another process, after whatever end of this one:
//! let log: Arc<dyn EventLog> = Arc::new(SegmentLog::open(folder, SegmentSettings::default())?);
//! let mut consumer = Consumer::open(log, worker, Position::Oldest).await?;
//! let batch = consumer.next_batch(10).await?;
//! assert_eq!(batch[0].event.subject, "http://example.org/customer");
//! assert_eq!(batch.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod event;
mod filter;

mod log;
mod offsets;

mod memory;
mod segment;

mod bus;
mod notifier;
mod subscription;

mod consumer;
mod dead_letters;

mod coalescer;
mod queue;

mod open_error;
mod setting;

mod disk;
mod journal;
mod record;

mod handover;
mod patience;
mod sync;
mod watched;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
#[doc(hidden)]
pub mod fuzzing;

#[cfg(test)]
mod faulty;
#[cfg(test)]
mod model;

pub use evergen_delta::{Delta, Quad, Term};

pub use crate::bus::{DeliveryError, EventBus, EventStream, PublishError};
pub use crate::coalescer::{Coalesced, Coalescer, CoalescerSettings};
pub use crate::consumer::{Acknowledger, ConsumeError, Consumer};
pub use crate::dead_letters::{Attempt, DeadLetter, DeadLetterError, DeadLetters};
pub use crate::disk::Durability;
pub use crate::event::{
    ChangeEvent, ChangeType, FORM_VERSION, InvalidEvent, ParseEventError, Priority, Source,
};
pub use crate::filter::EventFilter;
pub use crate::log::{
    AppendError, Bounds, ConsumerError, ConsumerName, ConsumerNameError, Damage, EventLog, Lagged,
    LogEntry, Position, ReadError, Retention, SharedError, Trimmed, Unacknowledged,
};
pub use crate::memory::MemoryLog;
pub use crate::notifier::subscriber::Subscriber;
pub use crate::notifier::{GraphChangeNotifier, NotifierBuilder, NotifierCounters, Published};
pub use crate::offsets::{Acknowledged, OffsetSet};
pub use crate::open_error::{OpenError, TornTail};
pub use crate::queue::{Popped, PriorityQueue, QueueFull, QueueSettings};
pub use crate::segment::{SegmentLog, SegmentReader, SegmentSettings};
pub use crate::setting::SettingError;
pub use crate::subscription::{HistoryQuery, Overflow, Subscription};
