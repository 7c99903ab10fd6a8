use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::settings::{require, require_duration};
use crate::sync::locked;
use crate::{Clock, SettingsError};

/// How much longer callers wait while a target fails.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct AdaptiveSettings {
    /// After this time an outcome counts half, 1 ms to 24 h.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub half_life: Duration,
    /// Fewer outcomes than this, 1 to 10,000, are filled up with successes: one
    /// failure alone is no rate.
    pub min_calls: f64,
    /// How many times as long pauses are when every call fails, 1 to 1,000.
    pub max_stretch: f64,
}

impl Default for AdaptiveSettings {
    fn default() -> Self {
        Self { half_life: Duration::from_secs(30), min_calls: 10.0, max_stretch: 10.0 }
    }
}

impl AdaptiveSettings {
    /// Refuses values that nobody can have meant.
    pub fn validate(&self) -> Result<(), SettingsError> {
        require_duration(self.half_life, "half-life")?;
        let Self { min_calls, max_stretch, .. } = *self;
        require((1.0..=10_000.0).contains(&min_calls), "min-calls", min_calls, "1 to 10000")?;
        require((1.0..=1000.0).contains(&max_stretch), "max-stretch", max_stretch, "1 to 1000")
    }
}

/// The share of failures among the latest outcomes, as a value: each outcome fades
/// with its half-life, so there is nothing to store but two numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FailureRate {
    settings: AdaptiveSettings,
    calls: f64,
    failures: f64,
    latest: Duration,
}

impl FailureRate {
    /// A rate of zero.
    #[must_use]
    pub fn new(settings: AdaptiveSettings) -> Self {
        Self { settings, calls: 0.0, failures: 0.0, latest: Duration::ZERO }
    }

    /// Notes an outcome.
    pub fn record(&mut self, failed: bool, now: Duration) {
        let fading = self.fading(now);
        self.calls = self.calls * fading + 1.0;
        self.failures = self.failures * fading + f64::from(u8::from(failed));
        self.latest = self.latest.max(now);
    }

    /// The share of failures, 0 to 1.
    #[must_use]
    pub fn rate(&self, now: Duration) -> f64 {
        let fading = self.fading(now);
        self.failures * fading / (self.calls * fading).max(self.settings.min_calls)
    }

    /// How many times as long pauses are: 1 without failures, `max_stretch` when all
    /// fail, and between them each further part of failures multiplies by the same.
    #[must_use]
    pub fn stretch(&self, now: Duration) -> f64 {
        self.settings.max_stretch.powf(self.rate(now))
    }

    fn fading(&self, now: Duration) -> f64 {
        let passed = now.saturating_sub(self.latest).as_secs_f64();
        0.5_f64.powf(passed / self.settings.half_life.as_secs_f64())
    }
}

/// The failure rate of a target, shared by its callers: [`Retry`](crate::Retry) notes
/// every try in it and stretches its pauses by it. Clones share it.
#[derive(Clone, Debug)]
pub struct AdaptiveBackoff {
    rate: Arc<Mutex<FailureRate>>,
    clock: Clock,
}

impl AdaptiveBackoff {
    /// For a target of which nothing is known yet.
    pub fn new(settings: AdaptiveSettings, clock: Clock) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self { rate: Arc::new(Mutex::new(FailureRate::new(settings))), clock })
    }

    /// Notes an outcome.
    pub fn record(&self, failed: bool) {
        locked(&self.rate).record(failed, self.clock.now());
    }

    /// The share of failures now, 0 to 1.
    pub fn rate(&self) -> f64 {
        locked(&self.rate).rate(self.clock.now())
    }

    /// How many times as long pauses are now.
    pub fn stretch(&self) -> f64 {
        locked(&self.rate).stretch(self.clock.now())
    }
}
