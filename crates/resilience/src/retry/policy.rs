use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::SettingsError;
use crate::settings::{require, require_count, require_duration};

/// How the pause between two tries grows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
#[non_exhaustive]
pub enum Backoff {
    /// Always the first pause.
    Fixed,
    /// The first pause, and longer by the same amount each time.
    Linear {
        /// What is added each time.
        #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
        increment: Duration,
    },
    /// The first pause, multiplied each time.
    Exponential {
        /// What it is multiplied by, 1 to 10.
        factor: f64,
    },
}

/// How pauses are spread, so that callers that failed together do not come back together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Jitter {
    /// Not at all.
    None,
    /// Evenly between nothing and the pause.
    #[default]
    Full,
    /// Evenly between the first pause and the last one taken times the factor: spread
    /// without forgetting how long the trouble lasts. For [`Backoff::Exponential`] alone.
    Decorrelated,
}

/// When to try again and when to give up, as a value.
///
/// [`delays`](Self::delays) is the whole schedule as an iterator, without a clock;
/// [`Retry`](crate::Retry) waits for real.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How the pause grows.
    pub backoff: Backoff,
    /// The first pause, 1 ms to 24 h.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub initial: Duration,
    /// No pause is longer than this, 1 ms to 24 h and not below `initial`.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub max_delay: Duration,
    /// How pauses are spread.
    pub jitter: Jitter,
    /// How often the operation runs at most, the first time included.
    pub max_tries: u32,
    /// How long all of it may take, the tries and the pauses, 1 ms to 24 h.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub total: Duration,
}

impl Default for RetryPolicy {
    /// Doubling from 100 ms to at most 30 s with full jitter, 5 tries within 5 minutes.
    fn default() -> Self {
        Self {
            backoff: Backoff::Exponential { factor: 2.0 },
            initial: Duration::from_millis(100),
            max_delay: Duration::from_secs(30),
            jitter: Jitter::Full,
            max_tries: 5,
            total: Duration::from_mins(5),
        }
    }
}

impl RetryPolicy {
    /// Pauses that double from `initial` on; the rest as by default.
    #[must_use]
    pub fn exponential(initial: Duration) -> Self {
        Self { initial, ..Self::default() }
    }

    /// Pauses that grow by `increment` from `initial` on; the rest as by default.
    #[must_use]
    pub fn linear(initial: Duration, increment: Duration) -> Self {
        Self { backoff: Backoff::Linear { increment }, initial, ..Self::default() }
    }

    /// Pauses that are always `delay`, without jitter; the rest as by default.
    #[must_use]
    pub fn fixed(delay: Duration) -> Self {
        let max_delay = delay.max(Self::default().max_delay);
        let jitter = Jitter::None;
        Self { backoff: Backoff::Fixed, initial: delay, max_delay, jitter, ..Self::default() }
    }

    /// Changes how often the operation runs at most, the first time included.
    #[must_use]
    pub fn with_max_tries(self, max_tries: u32) -> Self {
        Self { max_tries, ..self }
    }

    /// Changes the longest pause.
    #[must_use]
    pub fn with_max_delay(self, max_delay: Duration) -> Self {
        Self { max_delay, ..self }
    }

    /// Changes how pauses are spread.
    #[must_use]
    pub fn with_jitter(self, jitter: Jitter) -> Self {
        Self { jitter, ..self }
    }

    /// Changes how long all of it may take.
    #[must_use]
    pub fn with_total(self, total: Duration) -> Self {
        Self { total, ..self }
    }

    /// Refuses values that nobody can have meant.
    pub fn validate(&self) -> Result<(), SettingsError> {
        require_duration(self.initial, "initial")?;
        require_duration(self.max_delay, "max-delay")?;
        let max_delay = format_args!("{:?}", self.max_delay);
        require(self.max_delay >= self.initial, "max-delay", max_delay, "at least `initial`")?;
        require_count(self.max_tries, "max-tries")?;
        require_duration(self.total, "total")?;
        match self.backoff {
            Backoff::Fixed => {}
            Backoff::Linear { increment } => require_duration(increment, "increment")?,
            Backoff::Exponential { factor } => {
                require((1.0..=10.0).contains(&factor), "factor", factor, "1 to 10")?;
            }
        }
        let grows = matches!(self.backoff, Backoff::Exponential { .. });
        let fits = grows || self.jitter != Jitter::Decorrelated;
        require(fits, "jitter", "decorrelated", "none or full, unless the backoff is exponential")
    }

    /// The pauses between the tries, `max_tries - 1` of them; the same seed gives the same ones.
    #[must_use]
    pub fn delays(&self, seed: u64) -> Delays {
        let rng = fastrand::Rng::with_seed(seed);
        Delays { policy: *self, rng, given: 0, last: self.initial }
    }
}

/// The pauses of a [`RetryPolicy`]: before the second try, before the third, and so on.
#[derive(Clone, Debug)]
pub struct Delays {
    policy: RetryPolicy,
    rng: fastrand::Rng,
    given: u32,
    last: Duration,
}

impl Iterator for Delays {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        if self.given >= self.policy.max_tries.saturating_sub(1) {
            return None;
        }
        let plain = self.plain();
        let delay = match self.policy.jitter {
            Jitter::None => plain,
            Jitter::Full => self.between(Duration::ZERO, plain),
            Jitter::Decorrelated => {
                let upper = self.capped(self.last.as_secs_f64() * self.factor());
                self.between(self.policy.initial, upper)
            }
        };
        self.given += 1;
        self.last = delay;
        Some(delay)
    }
}

impl Delays {
    /// The pause before it is spread.
    fn plain(&self) -> Duration {
        let initial = self.policy.initial.as_secs_f64();
        self.capped(match self.policy.backoff {
            Backoff::Fixed => initial,
            Backoff::Linear { increment } => {
                initial + increment.as_secs_f64() * f64::from(self.given)
            }
            Backoff::Exponential { factor } => initial * factor.powf(f64::from(self.given)),
        })
    }

    fn factor(&self) -> f64 {
        match self.policy.backoff {
            Backoff::Exponential { factor } => factor,
            Backoff::Fixed | Backoff::Linear { .. } => 1.0,
        }
    }

    fn capped(&self, seconds: f64) -> Duration {
        let longest = self.policy.max_delay;
        Duration::try_from_secs_f64(seconds).map_or(longest, |delay| delay.min(longest))
    }

    fn between(&mut self, lower: Duration, upper: Duration) -> Duration {
        lower + upper.saturating_sub(lower).mul_f64(self.rng.f64())
    }
}
