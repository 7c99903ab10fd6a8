//! What happened, in which order?

mod event;
mod filter;

mod log;
mod offsets;

mod memory;
mod segment;

mod consumer;
mod dead_letters;

mod bus;
mod notifier;
mod subscription;

mod coalescer;
mod queue;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

#[doc(hidden)]
pub mod fuzzing;

mod disk;
mod handover;
mod journal;
mod open_error;
mod patience;
mod record;
mod setting;
mod sync;
mod watched;

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
