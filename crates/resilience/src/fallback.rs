use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};

use crate::{BreakerSettings, CircuitBreaker, SettingsError};

#[cfg(test)]
mod tests;

type Call<I, T, E> = Arc<dyn Fn(I) -> BoxFuture<'static, Result<T, E>> + Send + Sync>;

/// Providers of the same thing in the order of preference. The first whose answer is
/// good is taken; each has a breaker of its own, so that one that is down is not waited for.
///
/// Cheap to clone; clones share the breakers.
pub struct Fallback<I, T, E> {
    providers: Vec<Provider<I, T, E>>,
}

struct Provider<I, T, E> {
    breaker: CircuitBreaker,
    call: Call<I, T, E>,
}

/// What a provider gave, and what those before it said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Provided<T, E> {
    /// The answer, as the check let it pass.
    pub value: T,
    /// Who gave it.
    pub provider: String,
    /// Why the preferred ones did not.
    pub passed_over: Vec<ProviderFailure<E>>,
}

/// What one provider said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderFailure<E> {
    /// Its name.
    pub provider: String,
    /// What it said.
    pub fault: ProviderFault<E>,
}

/// Why a provider gave nothing of use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProviderFault<E> {
    /// Its breaker is open: it was not asked.
    Open {
        /// When it may be asked again.
        retry_after: Duration,
    },
    /// It failed.
    Failed(E),
    /// Its answer did not pass the caller's check.
    Rejected {
        /// What the check said.
        reason: String,
    },
}

/// No provider gave anything of use; each says why, in the order of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FallbackError<E> {
    /// What each said.
    pub failures: Vec<ProviderFailure<E>>,
}

impl<I, T, E> Fallback<I, T, E>
where
    I: Clone,
{
    /// No providers yet: nothing can be answered.
    #[must_use]
    pub fn new() -> Self {
        Self { providers: Vec::new() }
    }

    /// Adds a provider after those that are there, with a breaker of these settings.
    pub fn provider<F, Fut>(
        self,
        name: impl Into<String>,
        settings: BreakerSettings,
        call: F,
    ) -> Result<Self, SettingsError>
    where
        F: Fn(I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        Ok(self.guarded(CircuitBreaker::new(name, settings)?, call))
    }

    /// Adds a provider after those that are there, with a breaker that others may share;
    /// its name is the provider's.
    #[must_use]
    pub fn guarded<F, Fut>(mut self, breaker: CircuitBreaker, call: F) -> Self
    where
        F: Fn(I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        let call: Call<I, T, E> = Arc::new(move |input| call(input).boxed());
        self.providers.push(Provider { breaker, call });
        self
    }

    /// The breakers, in the order of preference.
    pub fn breakers(&self) -> impl Iterator<Item = &CircuitBreaker> {
        self.providers.iter().map(|provider| &provider.breaker)
    }

    /// Asks one provider after the other until an answer passes `check`, which says what is wrong
    /// with one that does not. An answer that does not pass counts against its provider.
    ///
    /// Each provider brings its own bound on time: put a [`Timeout`](crate::Timeout) into its call.
    ///
    /// # Cancellation
    /// Dropping the future drops the call that is running; the others were not begun.
    pub async fn call(
        &self,
        input: I,
        check: impl Fn(&T) -> Result<(), String>,
    ) -> Result<Provided<T, E>, FallbackError<E>> {
        let mut failures = Vec::new();
        for candidate in &self.providers {
            let provider = candidate.breaker.name().to_owned();
            match candidate.ask(input.clone(), &check).await {
                Ok(value) => return Ok(Provided { value, provider, passed_over: failures }),
                Err(fault) => failures.push(ProviderFailure { provider, fault }),
            }
        }
        Err(FallbackError { failures })
    }
}

impl<I, T, E> Provider<I, T, E> {
    async fn ask(
        &self,
        input: I,
        check: impl Fn(&T) -> Result<(), String>,
    ) -> Result<T, ProviderFault<E>> {
        let permit = self
            .breaker
            .admit()
            .map_err(|open| ProviderFault::Open { retry_after: open.retry_after })?;
        let answer = (self.call)(input).await.map_err(ProviderFault::Failed);
        let checked = answer.and_then(|value| match check(&value) {
            Ok(()) => Ok(value),
            Err(reason) => Err(ProviderFault::Rejected { reason }),
        });
        if checked.is_ok() {
            permit.succeed();
        } else {
            permit.fail();
        }
        checked
    }
}

impl<I: Clone, T, E> Default for Fallback<I, T, E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I, T, E> Clone for Fallback<I, T, E> {
    fn clone(&self) -> Self {
        let copied = self.providers.iter().map(|provider| Provider {
            breaker: provider.breaker.clone(),
            call: provider.call.clone(),
        });
        Self { providers: copied.collect() }
    }
}

impl<I, T, E> fmt::Debug for Fallback<I, T, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let breakers = self.providers.iter().map(|provider| &provider.breaker);
        formatter.debug_list().entries(breakers).finish()
    }
}

impl<E: fmt::Display> fmt::Display for ProviderFailure<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.provider)?;
        match &self.fault {
            ProviderFault::Open { retry_after } => {
                write!(formatter, "not asked, its breaker is open for another {retry_after:?}")
            }
            ProviderFault::Failed(error) => write!(formatter, "failed: {error}"),
            ProviderFault::Rejected { reason } => write!(formatter, "answer rejected: {reason}"),
        }
    }
}

impl<E: fmt::Display> fmt::Display for FallbackError<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.failures.is_empty() {
            return formatter.write_str("there is no provider to ask");
        }
        formatter.write_str("no provider gave anything of use")?;
        for failure in &self.failures {
            write!(formatter, "; {failure}")?;
        }
        Ok(())
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for FallbackError<E> {}
