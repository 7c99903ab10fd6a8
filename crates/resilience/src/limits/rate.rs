use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use serde::{Deserialize, Serialize};

use crate::settings::{require, require_count, require_duration};
use crate::{Advice, CallError, Clock, Guard, Retryable, SettingsError};

/// How many operations may begin in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct RateLimitSettings {
    /// How many may begin in `per`, 1 to 1,000,000.
    pub permits: u32,
    /// The time in which they may begin, 1 ms to 24 h.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub per: Duration,
    /// How many may begin at once after a rest, 1 to 1,000,000.
    pub burst: u32,
    /// How long an operation waits for its turn; zero refuses at once. Up to 24 h.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub max_wait: Duration,
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self { permits: 100, per: second, burst: 100, max_wait: second }
    }
}

impl RateLimitSettings {
    /// So many in such a time, all of them at once if need be; the rest as by default.
    #[must_use]
    pub fn new(permits: u32, per: Duration) -> Self {
        Self { permits, per, burst: permits, ..Self::default() }
    }

    /// Changes how many may begin at once.
    #[must_use]
    pub fn with_burst(self, burst: u32) -> Self {
        Self { burst, ..self }
    }

    /// Changes how long an operation waits for its turn.
    #[must_use]
    pub fn with_max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait, ..self }
    }

    /// Refuses values that nobody can have meant.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.quota()?;
        let waits = self.max_wait <= Duration::from_hours(24);
        require(waits, "max-wait", format_args!("{:?}", self.max_wait), "0 to 24h")
    }

    fn quota(&self) -> Result<Quota, SettingsError> {
        require_count(self.permits, "permits")?;
        require_duration(self.per, "per")?;
        require_count(self.burst, "burst")?;
        let each = self.per / self.permits;
        let too_many = || SettingsError::new("permits", self.permits, "one a nanosecond at most");
        let quota = Quota::with_period(each).ok_or_else(too_many)?;
        Ok(quota.allow_burst(NonZeroU32::new(self.burst).unwrap_or(NonZeroU32::MIN)))
    }
}

/// The rate is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rate is used up for another {retry_after:?}")]
#[non_exhaustive]
pub struct RateLimited {
    /// When to ask again.
    pub retry_after: Duration,
}

impl Retryable for RateLimited {
    fn advice(&self) -> Advice {
        Advice::RetryAfter(self.retry_after)
    }
}

/// Bounds how many operations begin in a time: governor's leaky bucket (GCRA), waiting
/// on tokio's timer. Clones share the rate. Those that wait are not served in order.
#[derive(Clone, Debug)]
pub struct RateLimit {
    limiter: Arc<Limiter>,
    clock: Clock,
    max_wait: Duration,
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>;

/// Our clock, as governor asks it.
#[derive(Clone, Debug)]
struct Ticks(Clock);

impl GovernorClock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.now()
    }
}

impl RateLimit {
    /// A limit of which nothing is used.
    pub fn new(settings: RateLimitSettings, clock: Clock) -> Result<Self, SettingsError> {
        settings.validate()?;
        let limiter =
            Arc::new(RateLimiter::direct_with_clock(settings.quota()?, Ticks(clock.clone())));
        Ok(Self { limiter, clock, max_wait: settings.max_wait })
    }

    /// Takes a turn if there is one at once.
    pub fn check(&self) -> Result<(), RateLimited> {
        self.limiter.check().map_err(|not_until| RateLimited {
            retry_after: not_until.wait_time_from(self.clock.now()),
        })
    }

    /// Waits for a turn. Refused at once when it would not come within `max_wait`.
    ///
    /// # Cancellation
    /// Dropping the future gives the wish up; no turn is used.
    pub async fn wait(&self) -> Result<(), RateLimited> {
        let begin = self.clock.now();
        loop {
            let Err(limited) = self.check() else { return Ok(()) };
            let waited = self.clock.now().saturating_sub(begin);
            if waited.saturating_add(limited.retry_after) > self.max_wait {
                return Err(limited);
            }
            // The timer counts in milliseconds; a shorter pause could ask too early for ever.
            tokio::time::sleep(limited.retry_after.max(Duration::from_millis(1))).await;
        }
    }

    /// Runs `operation` when its turn comes.
    ///
    /// # Cancellation
    /// Dropping the future drops the operation; a turn that it took stays taken.
    pub async fn call<T, E, F>(&self, operation: F) -> Result<T, CallError<RateLimited, E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.wait().await.map_err(CallError::Refused)?;
        operation.await.map_err(CallError::Failed)
    }
}

impl Guard for RateLimit {
    type Refusal = RateLimited;

    async fn guard<T, E, F>(&self, operation: F) -> Result<T, CallError<RateLimited, E>>
    where
        T: Send,
        E: Send,
        F: Future<Output = Result<T, E>> + Send,
    {
        self.call(operation).await
    }
}
