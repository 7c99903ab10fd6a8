use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::settings::{require, require_count};
use crate::sync::locked;
use crate::{Clock, SettingsError};

/// How many retries callers may make together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct BudgetSettings {
    /// How many retries can be saved up, 1 to 1,000,000. It is full at the beginning.
    pub capacity: u32,
    /// How much of a retry each call earns, 0 to 10: 0.2 allows one retry for five calls.
    pub per_call: f64,
    /// How many retries come back with each second, 0 to 1,000, so that rare callers are not starved.
    pub per_second: f64,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self { capacity: 100, per_call: 0.2, per_second: 1.0 }
    }
}

impl BudgetSettings {
    /// Refuses values that nobody can have meant.
    pub fn validate(&self) -> Result<(), SettingsError> {
        require_count(self.capacity, "capacity")?;
        let Self { per_call, per_second, .. } = *self;
        require((0.0..=10.0).contains(&per_call), "per-call", per_call, "0 to 10")?;
        require((0.0..=1000.0).contains(&per_second), "per-second", per_second, "0 to 1000")
    }
}

/// The bucket of a budget, as a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenBucket {
    settings: BudgetSettings,
    tokens: f64,
    latest: Duration,
}

impl TokenBucket {
    /// A full bucket.
    #[must_use]
    pub fn new(settings: BudgetSettings) -> Self {
        Self { settings, tokens: f64::from(settings.capacity), latest: Duration::ZERO }
    }

    /// Notes a call, which earns its part of a retry.
    pub fn deposit(&mut self, now: Duration) {
        self.refill(now);
        self.add(self.settings.per_call);
    }

    /// Takes a retry out, if there is a whole one.
    #[must_use]
    pub fn withdraw(&mut self, now: Duration) -> bool {
        self.refill(now);
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }

    /// How many retries could be made at once.
    #[must_use]
    pub fn available(&self) -> f64 {
        self.tokens
    }

    fn refill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.latest);
        self.latest = self.latest.max(now);
        self.add(passed.as_secs_f64() * self.settings.per_second);
    }

    fn add(&mut self, tokens: f64) {
        self.tokens = (self.tokens + tokens).min(f64::from(self.settings.capacity));
    }
}

/// A budget of retries that callers of a target share, so that retries cannot become
/// most of the load of a target that is down. Clones share it.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    bucket: Arc<Mutex<TokenBucket>>,
    clock: Clock,
}

impl RetryBudget {
    /// A full budget.
    pub fn new(settings: BudgetSettings, clock: Clock) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self { bucket: Arc::new(Mutex::new(TokenBucket::new(settings))), clock })
    }

    /// Notes a call.
    pub fn deposit(&self) {
        locked(&self.bucket).deposit(self.clock.now());
    }

    /// Takes a retry out, if there is one.
    #[must_use]
    pub fn withdraw(&self) -> bool {
        locked(&self.bucket).withdraw(self.clock.now())
    }
}
