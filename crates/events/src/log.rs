use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Acknowledged, ChangeEvent, InvalidEvent, OffsetSet};

mod forwarding;

/// An append-only sequence of events, with the cursors of named consumers.
///
/// # Laws for implementors
///
/// - *Order.* Offsets count from zero without a gap. The events of one `append` are
///   neighbours in the order given; two appends, one of which was called after the
///   other was ready, are in that order.
/// - *Durability.* When `append` is ready, the events are as safe as the log makes
///   them, and readers see them. The same holds of `acknowledge` and its cursor. What an
///   operation that failed has done is unknown, but for [`AppendError::is_refusal`].
/// - *Nothing in silence.* What can't be read is an error. Only `trim` removes events,
///   and never what a consumer has not acknowledged, unless it is told to.
/// - *Cancellation.* A future that is dropped before it is ready may or may not have had its
///   effect, wholly or not at all.
pub trait EventLog: Send + Sync {
    /// Adds events as one group and gives their offsets. Waits while the log has no
    /// room for more, and refuses after a bounded time. When an append of no events is ready, what
    /// became of all calls before it is settled, also of those whose futures were dropped.
    fn append(
        &self,
        events: Vec<Arc<ChangeEvent>>,
    ) -> BoxFuture<'_, Result<Range<u64>, AppendError>>;

    /// At most `max` events from a position on, oldest first; none at the end of the log.
    /// There may be fewer than `max` although more follow, but not none.
    fn read(&self, from: Position, max: usize) -> BoxFuture<'_, Result<Vec<LogEntry>, ReadError>>;

    /// At most `max` of the newest events, oldest first: as many as the log has in memory.
    fn recent(&self, max: usize) -> Vec<LogEntry>;

    /// The first offset that is kept, and the next one to be given.
    fn bounds(&self) -> Bounds;

    /// Waits until there is an event at `offset` or after it.
    fn beyond(&self, offset: u64) -> BoxFuture<'_, Result<Bounds, ReadError>>;

    /// What the consumer has acknowledged. A new consumer is made, as one that has
    /// acknowledged everything before `start`, which must not lie beyond the end of the log.
    fn open_consumer(
        &self,
        consumer: &ConsumerName,
        start: Position,
    ) -> BoxFuture<'_, Result<Acknowledged, ConsumerError>>;

    /// Notes that the consumer is done with these offsets: in any order, again if need be.
    fn acknowledge(
        &self,
        consumer: &ConsumerName,
        offsets: OffsetSet,
    ) -> BoxFuture<'_, Result<(), ConsumerError>>;

    /// Forgets a consumer; `false` if there was none of that name.
    fn remove_consumer(
        &self,
        consumer: &ConsumerName,
    ) -> BoxFuture<'_, Result<bool, ConsumerError>>;

    /// All consumers, and what each has acknowledged.
    fn consumers(&self) -> BTreeMap<ConsumerName, Acknowledged>;

    /// Removes the oldest events that `retention` does not ask to keep; `now` is the time
    /// that ages are counted to. A log may keep more than it has to.
    fn trim(
        &self,
        retention: Retention,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Trimmed, ReadError>>;
}

/// An event, and its place in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogEntry {
    /// Its offset.
    pub offset: u64,
    /// When the log took it. Never earlier than that of the entry before.
    pub appended_at: Timestamp,
    /// The event.
    pub event: Arc<ChangeEvent>,
}

impl LogEntry {
    /// An entry, as an implementation of a log makes it.
    pub fn new(offset: u64, appended_at: Timestamp, event: Arc<ChangeEvent>) -> Self {
        Self { offset, appended_at, event }
    }
}

/// Where a log begins and ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The offset of the oldest event that is kept.
    pub first: u64,
    /// The offset that the next event gets.
    pub end: u64,
}

/// Where to begin to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Position {
    /// At the oldest event that is kept.
    Oldest,
    /// At this offset.
    Offset(u64),
    /// At the first event that the log took at this time or later.
    Time(Timestamp),
    /// After the newest event.
    End,
}

/// The name of a consumer: 1 to 64 lower-case letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ConsumerName(String);

impl ConsumerName {
    /// Checks a name.
    pub fn parse(name: impl Into<String>) -> Result<Self, ConsumerNameError> {
        let name = name.into();
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(fine) {
            return Err(ConsumerNameError { name });
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConsumerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ConsumerName> for String {
    fn from(name: ConsumerName) -> Self {
        name.0
    }
}

impl TryFrom<String> for ConsumerName {
    type Error = ConsumerNameError;

    fn try_from(name: String) -> Result<Self, ConsumerNameError> {
        Self::parse(name)
    }
}

/// A text that can't name a consumer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no name for a consumer: 1 to 64 of a-z, 0-9, `-`, `_` and `.` are allowed")]
pub struct ConsumerNameError {
    /// The text.
    pub name: String,
}

/// What [`EventLog::trim`] has to keep. Without a limit, nothing is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// Removes the oldest events while all of them take more bytes than this.
    pub max_bytes: Option<u64>,
    /// Removes events that the log took longer ago than this.
    pub max_age: Option<Duration>,
    /// What becomes of events that a consumer has not acknowledged yet.
    pub unacknowledged: Unacknowledged,
}

impl Retention {
    /// Keeps everything.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Keeps as many of the newest events as fit into so many bytes.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Keeps what is not older.
    #[must_use]
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Removes events that a consumer waits for, too; it is told by [`Lagged`].
    #[must_use]
    pub fn forced(mut self) -> Self {
        self.unacknowledged = Unacknowledged::Remove;
        self
    }
}

/// Whether a consumer can hold events back from being removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unacknowledged {
    /// What a consumer has not acknowledged stays.
    #[default]
    Keep,
    /// It goes with the rest.
    Remove,
}

/// What [`EventLog::trim`] has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trimmed {
    /// How many events were removed.
    pub removed: u64,
    /// The bounds afterwards.
    pub bounds: Bounds,
    /// The consumer that holds back events which would have been removed.
    pub held_by: Option<ConsumerName>,
}

/// Events that somebody has missed, and that it has been told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{missed} events from offset {from} up to {until} were missed")]
#[non_exhaustive]
pub struct Lagged {
    /// How many: of a consumer, those that it has not acknowledged.
    pub missed: u64,
    /// The first offset of the range they lie in.
    pub from: u64,
    /// The offset after that range, where the reader goes on.
    pub until: u64,
}

/// A cause that several callers are told of.
pub type SharedError = Arc<dyn Error + Send + Sync>;

/// Why events were not appended.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// An event makes no sense.
    #[error("the event is not valid")]
    Invalid(#[from] InvalidEvent),
    /// An event is larger than the log takes.
    #[error("the event takes {bytes} bytes; at most {limit} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The largest size.
        limit: usize,
    },
    /// There was no room for so long. Try again later.
    #[error("the log has had no room for {} ms", .waited.as_millis())]
    Full {
        /// How long the call has waited.
        waited: Duration,
    },
    /// The medium is full. The log goes on when there is room again.
    #[error("no space is left for the log")]
    NoSpace(#[source] SharedError),
    /// The medium failed. Nothing was kept, and the log can be used on.
    #[error("the medium of the log failed")]
    Medium(#[source] SharedError),
    /// The medium failed in a way that leaves open what it holds; the log takes
    /// nothing more until it is opened anew. Whether the events were kept is unknown.
    #[error("the log has to be opened anew, because its medium failed")]
    MustReopen(#[source] SharedError),
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
}

impl AppendError {
    /// Whether nothing was appended for certain, and the same call may succeed later.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::NoSpace(_) | Self::Medium(_))
    }
}

/// Why events could not be read.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// They have been removed.
    #[error("offset {asked} has been removed; the log begins at {first}")]
    Trimmed {
        /// The offset that was asked for.
        asked: u64,
        /// The first one that is kept.
        first: u64,
    },
    /// They are damaged.
    #[error(transparent)]
    Damaged(#[from] Box<Damage>),
    /// The medium failed.
    #[error("the medium of the log failed")]
    Medium(#[source] SharedError),
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
}

/// A place in a log that does not hold what was written there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is damaged at byte {position}, where offset {offset} should be: {fault}{}",
    .file.display(),
    .next.map(|next| format!("; offset {next} can be read again")).unwrap_or_default()
)]
#[non_exhaustive]
pub struct Damage {
    /// The file.
    pub file: PathBuf,
    /// The place in the file, in bytes from its start.
    pub position: u64,
    /// The first offset that can't be read.
    pub offset: u64,
    /// The next offset after it that can be read, where one was found.
    pub next: Option<u64>,
    /// What is wrong.
    pub fault: String,
}

impl Damage {
    /// Damage that an implementation has found.
    pub fn new(file: PathBuf, position: u64, offset: u64, fault: impl Into<String>) -> Self {
        Self { file, position, offset, next: None, fault: fault.into() }
    }
}

/// Why something about a consumer was not done.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsumerError {
    /// No consumer has this name.
    #[error("there is no consumer `{name}`")]
    Unknown {
        /// The name.
        name: ConsumerName,
    },
    /// An offset was acknowledged that no event has yet.
    #[error("offset {offset} can't be acknowledged: the log ends at {end}")]
    BeyondEnd {
        /// The offset.
        offset: u64,
        /// The end of the log.
        end: u64,
    },
    /// The consumer wants to begin at an offset that no event has yet, and is not the next one.
    #[error("a consumer can't begin at offset {start}: the log ends at {end}")]
    StartsBeyondEnd {
        /// The offset.
        start: u64,
        /// The end of the log.
        end: u64,
    },
    /// Too much was acknowledged out of order.
    #[error("consumer `{name}` has more than {limit} gaps in what it has acknowledged")]
    TooManyGaps {
        /// The consumer.
        name: ConsumerName,
        /// How many gaps are allowed.
        limit: usize,
    },
    /// The place where the consumer wants to begin could not be found.
    #[error("the place to begin could not be found")]
    Start(#[from] ReadError),
    /// The cursor could not be kept.
    #[error("the cursor could not be kept")]
    Cursor(#[from] AppendError),
}

/// A log that takes no commands can't be trimmed either.
impl From<AppendError> for ReadError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Closed => Self::Closed,
            other => Self::Medium(Arc::new(other)),
        }
    }
}
