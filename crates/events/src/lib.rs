//! What happened, in which order?

mod event;
mod filter;

mod log;
mod offsets;

mod memory;

mod consumer;

mod bus;
mod notifier;
mod subscription;

mod coalescer;
mod queue;

mod patience;
mod sync;
mod watched;

pub use evergen_delta::{Delta, Quad, Term};

pub use crate::bus::{DeliveryError, EventBus, EventStream, PublishError};
pub use crate::coalescer::{Coalesced, Coalescer, CoalescerSettings, SettingError};
pub use crate::consumer::{Acknowledger, ConsumeError, Consumer};
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
pub use crate::queue::{Popped, PriorityQueue, QueueFull, QueueSettings};
pub use crate::subscription::{HistoryQuery, Overflow, Subscription};
