use std::time::Duration;

use crate::settings::require_duration;
use crate::{Advice, CallError, Guard, Retryable, SettingsError};

/// A bound on how long an operation may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout(Duration);

/// The operation took too long and was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing came back within {0:?}")]
pub struct TimedOut(pub Duration);

impl Retryable for TimedOut {
    fn advice(&self) -> Advice {
        Advice::Retry
    }
}

impl Timeout {
    /// A bound of 1 ms to 24 h.
    pub fn new(limit: Duration) -> Result<Self, SettingsError> {
        require_duration(limit, "timeout")?;
        Ok(Self(limit))
    }

    /// The bound.
    #[must_use]
    pub fn limit(self) -> Duration {
        self.0
    }

    /// Runs `operation` and drops it when the time is over.
    ///
    /// # Cancellation
    /// Dropping the future drops the operation.
    pub async fn call<T, E, F>(&self, operation: F) -> Result<T, CallError<TimedOut, E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        match tokio::time::timeout(self.0, operation).await {
            Ok(result) => result.map_err(CallError::Failed),
            Err(_) => Err(CallError::Refused(TimedOut(self.0))),
        }
    }
}

impl Guard for Timeout {
    type Refusal = TimedOut;

    async fn guard<T, E, F>(&self, operation: F) -> Result<T, CallError<TimedOut, E>>
    where
        T: Send,
        E: Send,
        F: Future<Output = Result<T, E>> + Send,
    {
        self.call(operation).await
    }
}
