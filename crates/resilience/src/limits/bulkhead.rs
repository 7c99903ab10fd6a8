use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::semaphore::{Place, Resizable};
use crate::settings::{require, require_count, require_duration};
use crate::{Advice, CallError, Guard, Retryable, SettingsError};

/// How many operations of a kind may run and wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct BulkheadSettings {
    /// How many run at once, 1 to 1,000,000.
    pub max_concurrent: u32,
    /// How many wait for it at most, 0 to 1,000,000.
    pub max_waiting: u32,
    /// How long one waits at most, 1 ms to 24 h.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub max_wait: Duration,
}

impl Default for BulkheadSettings {
    fn default() -> Self {
        Self { max_concurrent: 16, max_waiting: 64, max_wait: Duration::from_secs(30) }
    }
}

impl BulkheadSettings {
    /// So many at once and waiting; the rest as by default.
    #[must_use]
    pub fn new(max_concurrent: u32, max_waiting: u32) -> Self {
        Self { max_concurrent, max_waiting, ..Self::default() }
    }

    /// Changes how long one waits at most.
    #[must_use]
    pub fn with_max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait, ..self }
    }

    /// Refuses values that nobody can have meant.
    pub fn validate(&self) -> Result<(), SettingsError> {
        require_count(self.max_concurrent, "max-concurrent")?;
        let waiting = self.max_waiting;
        require(waiting <= 1_000_000, "max-waiting", waiting, "0 to 1000000")?;
        require_duration(self.max_wait, "max-wait")
    }
}

/// Why a bulkhead lets no further operation in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BulkheadRefusal {
    /// Enough are waiting already. Refused at once.
    #[error("{max_concurrent} are running and {max_waiting} waiting, which is all that may")]
    Full {
        /// How many may run.
        max_concurrent: u32,
        /// How many may wait.
        max_waiting: u32,
    },
    /// Its turn did not come in time.
    #[error("no place became free within {waited:?}")]
    Waited {
        /// How long it waited.
        waited: Duration,
    },
}

impl Retryable for BulkheadRefusal {
    fn advice(&self) -> Advice {
        Advice::Retry
    }
}

/// Bounds how many operations run at once, so that one slow target does not take all
/// of a program's places. Clones share the places.
///
/// Those that wait are served in order. What does not fit in the queue is refused at once.
#[derive(Clone, Debug)]
pub struct Bulkhead {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    max_waiting: u32,
    max_wait: Duration,
    /// A place for each operation that runs or waits; taken first, which bounds the queue.
    inside: Arc<Resizable>,
    running: Arc<Resizable>,
}

/// A place in a [`Bulkhead`]; dropping it gives it back.
#[derive(Debug)]
#[must_use]
pub struct BulkheadPermit {
    // In this order: who waits finds a place to run before another comes in.
    _running: Place,
    _inside: Place,
}

impl Bulkhead {
    /// An empty bulkhead.
    pub fn new(settings: BulkheadSettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        let BulkheadSettings { max_concurrent, max_waiting, max_wait } = settings;
        let running = Resizable::new(size(max_concurrent));
        let inside = Resizable::new(size(max_concurrent) + size(max_waiting));
        Ok(Self { shared: Arc::new(Shared { max_waiting, max_wait, inside, running }) })
    }

    /// Waits for a place.
    ///
    /// # Cancellation
    /// Dropping the future leaves the queue.
    pub async fn enter(&self) -> Result<BulkheadPermit, BulkheadRefusal> {
        let Shared { inside, running, max_wait, .. } = &*self.shared;
        let Some(inside) = inside.try_take() else {
            return Err(self.full());
        };
        match tokio::time::timeout(*max_wait, running.take()).await {
            Ok(running) => Ok(BulkheadPermit { _running: running, _inside: inside }),
            Err(_) => Err(BulkheadRefusal::Waited { waited: *max_wait }),
        }
    }

    /// Runs `operation` in a place of the bulkhead.
    ///
    /// # Cancellation
    /// Dropping the future drops the operation and gives the place back.
    pub async fn call<T, E, F>(&self, operation: F) -> Result<T, CallError<BulkheadRefusal, E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let _permit = self.enter().await.map_err(CallError::Refused)?;
        operation.await.map_err(CallError::Failed)
    }

    /// Changes how many run at once, 1 to 1,000,000. What runs is not disturbed: a lower
    /// limit is reached as operations end.
    pub fn resize(&self, max_concurrent: u32) -> Result<(), SettingsError> {
        require_count(max_concurrent, "max-concurrent")?;
        self.shared.inside.resize(size(max_concurrent) + size(self.shared.max_waiting));
        self.shared.running.resize(size(max_concurrent));
        Ok(())
    }

    /// How many may run at once.
    pub fn max_concurrent(&self) -> u32 {
        u32::try_from(self.shared.running.size()).unwrap_or(u32::MAX)
    }

    /// How many more could begin at once.
    pub fn free(&self) -> usize {
        self.shared.running.free()
    }

    fn full(&self) -> BulkheadRefusal {
        let max_waiting = self.shared.max_waiting;
        BulkheadRefusal::Full { max_concurrent: self.max_concurrent(), max_waiting }
    }
}

impl Guard for Bulkhead {
    type Refusal = BulkheadRefusal;

    async fn guard<T, E, F>(&self, operation: F) -> Result<T, CallError<BulkheadRefusal, E>>
    where
        T: Send,
        E: Send,
        F: Future<Output = Result<T, E>> + Send,
    {
        self.call(operation).await
    }
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
