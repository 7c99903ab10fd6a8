use std::sync::Arc;
use std::time::Duration;

use evergen_resilience::{
    Advice, BreakerSettings, CircuitBreaker, Retry, RetryError, RetryPolicy, Retryable as _,
    SettingsError, StopReason, Timeout,
};
use futures::future::{BoxFuture, FutureExt as _};
use futures::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::{Chunk, Completion, CompletionRequest, CompletionStream, LlmClient, LlmError};

#[cfg(test)]
mod tests;

/// How a client holds out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct ResilientSettings {
    /// When to ask again; its `total` is the deadline for all of it, 5 minutes by default.
    pub retry: RetryPolicy,
    /// When not to ask at all for a while.
    pub breaker: BreakerSettings,
    /// How long an attempt may take to its answer, or a stream to its first piece, 1 ms to 24 h.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub attempt_timeout: Duration,
    /// How long the next piece of a stream may take, 1 ms to 24 h.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub chunk_timeout: Duration,
}

impl Default for ResilientSettings {
    fn default() -> Self {
        let patience = Duration::from_secs(45);
        Self {
            retry: RetryPolicy::exponential(Duration::from_millis(500)),
            breaker: BreakerSettings::default(),
            attempt_timeout: patience,
            chunk_timeout: patience,
        }
    }
}

impl ResilientSettings {
    /// Changes when to ask again.
    #[must_use]
    pub fn with_retry(self, retry: RetryPolicy) -> Self {
        Self { retry, ..self }
    }

    /// Changes when not to ask at all.
    #[must_use]
    pub fn with_breaker(self, breaker: BreakerSettings) -> Self {
        Self { breaker, ..self }
    }

    /// Changes how long an attempt and the next piece of a stream may take.
    #[must_use]
    pub fn with_timeouts(self, attempt_timeout: Duration, chunk_timeout: Duration) -> Self {
        Self { attempt_timeout, chunk_timeout, ..self }
    }

    /// Refuses values that nobody can have meant.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.retry.validate()?;
        self.breaker.validate()?;
        for (field, value) in
            [("attempt-timeout", self.attempt_timeout), ("chunk-timeout", self.chunk_timeout)]
        {
            Timeout::new(value)
                .map_err(|error| SettingsError::new(field, error.value, error.allowed))?;
        }
        Ok(())
    }
}

/// A client around another one, which holds out when that one fails.
///
/// From the outside in: the total deadline; retries, with pauses that grow and are never
/// shorter than a Retry-After; a circuit breaker that each attempt passes; the timeout of the attempt.
/// While the breaker is open nothing is waited for: [`LlmError::Unavailable`] comes at once, so that the
/// caller can turn to another provider.
///
/// A stream is asked for again until its first piece has come. What breaks off later is an
/// error in the stream, for what was given cannot be taken back.
///
/// Clones share the breaker.
#[derive(Clone)]
pub struct ResilientClient {
    inner: Arc<dyn LlmClient>,
    retry: Retry,
    breaker: CircuitBreaker,
    attempt_timeout: Duration,
    chunk_timeout: Duration,
}

impl ResilientClient {
    /// Puts the settings around `inner`; the breaker has the client's name.
    pub fn new(
        inner: Arc<dyn LlmClient>,
        settings: ResilientSettings,
    ) -> Result<Self, SettingsError> {
        let breaker = CircuitBreaker::new(inner.name(), settings.breaker)?;
        Self::with_breaker(inner, settings, breaker)
    }

    /// Does the same with a breaker that others share, observe or have restored.
    pub fn with_breaker(
        inner: Arc<dyn LlmClient>,
        settings: ResilientSettings,
        breaker: CircuitBreaker,
    ) -> Result<Self, SettingsError> {
        settings.validate()?;
        let ResilientSettings { retry, attempt_timeout, chunk_timeout, .. } = settings;
        Ok(Self { inner, retry: Retry::new(retry)?, breaker, attempt_timeout, chunk_timeout })
    }

    /// The breaker.
    pub fn breaker(&self) -> &CircuitBreaker {
        &self.breaker
    }

    /// Runs an operation of the inner client by all the rules.
    async fn hold_out<T, F>(&self, operation: impl Fn() -> F) -> Result<T, LlmError>
    where
        F: Future<Output = Result<T, LlmError>>,
    {
        let result = self.retry.run_with(advice, |_| self.attempt(operation())).await;
        result.map_err(|error| {
            let RetryError { last, tries, elapsed, reason, .. } = error;
            match last {
                None => LlmError::TimedOut { after: elapsed },
                Some(last) if reason == StopReason::NotRetryable => last,
                Some(last) => LlmError::GaveUp { tries, reason, last: Box::new(last) },
            }
        })
    }

    async fn attempt<T>(
        &self,
        operation: impl Future<Output = Result<T, LlmError>>,
    ) -> Result<T, LlmError> {
        let permit = self.breaker.admit().map_err(|open| LlmError::Unavailable {
            provider: open.target,
            retry_after: open.retry_after,
        })?;
        let after = self.attempt_timeout;
        let result = timeout(after, operation).await.unwrap_or(Err(LlmError::TimedOut { after }));
        if result.as_ref().is_err_and(LlmError::is_failure_of_provider) {
            permit.fail();
        } else {
            permit.succeed();
        }
        result
    }

    /// The stream of the inner client after its first piece, and that piece.
    async fn begin(
        &self,
        request: &CompletionRequest,
    ) -> Result<(Chunk, CompletionStream), LlmError> {
        let mut rest = self.inner.stream(request).await?;
        let first = rest.next().await.ok_or(LlmError::Interrupted)??;
        Ok((first, rest))
    }

    /// The rest of a stream, with a bound on the time to each piece. What fails now counts against
    /// the provider too, though the attempt has long succeeded.
    fn bounded(&self, rest: CompletionStream) -> CompletionStream {
        let state = Some((rest, self.breaker.clone()));
        let after = self.chunk_timeout;
        let bounded = stream::unfold(state, move |state| async move {
            let (mut rest, breaker) = state?;
            let next = timeout(after, rest.next()).await;
            let chunk = next.unwrap_or(Some(Err(LlmError::TimedOut { after })))?;
            let goes_on = chunk.is_ok();
            if chunk.as_ref().is_err_and(LlmError::is_failure_of_provider)
                && let Ok(permit) = breaker.admit()
            {
                permit.fail();
            }
            Some((chunk, goes_on.then_some((rest, breaker))))
        });
        bounded.boxed()
    }
}

/// With the breaker open there is nothing to wait for here.
fn advice(error: &LlmError) -> Advice {
    match error {
        LlmError::Unavailable { .. } => Advice::Stop,
        error => error.advice(),
    }
}

impl LlmClient for ResilientClient {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn complete<'a>(
        &'a self,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<Completion, LlmError>> {
        async {
            request.validate()?;
            self.hold_out(|| self.inner.complete(request)).await
        }
        .boxed()
    }

    fn stream<'a>(
        &'a self,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<CompletionStream, LlmError>> {
        async {
            request.validate()?;
            let (first, rest) = self.hold_out(|| self.begin(request)).await?;
            let first = stream::once(async { Ok(first) });
            Ok(first.chain(self.bounded(rest)).boxed())
        }
        .boxed()
    }

    fn count_tokens<'a>(
        &'a self,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<u64, LlmError>> {
        async {
            request.validate()?;
            self.hold_out(|| self.inner.count_tokens(request)).await
        }
        .boxed()
    }
}

impl std::fmt::Debug for ResilientClient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = formatter.debug_struct("ResilientClient");
        fields.field("inner", &self.inner.name()).field("breaker", &self.breaker);
        fields.finish_non_exhaustive()
    }
}
