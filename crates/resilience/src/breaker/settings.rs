use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::SettingsError;
use crate::settings::{require, require_count, require_duration};

/// What opens a closed breaker.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
#[non_exhaustive]
pub enum Trip {
    /// So many failures without a success between them.
    Consecutive {
        /// How many, 1 to 1,000,000.
        #[serde(rename = "failure-threshold")]
        failure_threshold: u32,
    },
    /// Such a share of failures among the latest calls.
    Rate {
        /// The share that opens it, above 0 and up to 1.
        #[serde(rename = "failure-threshold")]
        failure_threshold: f64,
        /// How far back calls count, 1 ms to 24 h. It moves in tenths of itself.
        #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
        window: Duration,
        /// With fewer calls than this in the window it stays closed, 1 to 1,000,000.
        #[serde(rename = "min-calls")]
        min_calls: u32,
    },
}

/// When a breaker opens, and how it closes again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct BreakerSettings {
    /// What opens it.
    pub trip: Trip,
    /// How long it stays open before it lets probes through, 1 ms to 24 h.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub recovery_timeout: Duration,
    /// How many probes may run at once while it is half-open, 1 to 1,000.
    pub probes: u32,
    /// How many probes must succeed for it to close, 1 to 1,000.
    pub successes_to_close: u32,
    /// A probe of which nothing is heard for this long is lost, and counts as failed, 1 ms to 24 h.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub probe_timeout: Duration,
}

impl Default for BreakerSettings {
    /// Opens after 5 failures in a row, probes after 30 s with one call at a time, and
    /// closes after 2 successes; a probe is lost after a minute.
    fn default() -> Self {
        Self {
            trip: Trip::Consecutive { failure_threshold: 5 },
            recovery_timeout: Duration::from_secs(30),
            probes: 1,
            successes_to_close: 2,
            probe_timeout: Duration::from_mins(1),
        }
    }
}

impl BreakerSettings {
    /// Opens after so many failures in a row; the rest as by default.
    #[must_use]
    pub fn consecutive(failure_threshold: u32) -> Self {
        Self { trip: Trip::Consecutive { failure_threshold }, ..Self::default() }
    }

    /// Opens at a share of failures in a window; the rest as by default.
    #[must_use]
    pub fn rate(failure_threshold: f64, window: Duration, min_calls: u32) -> Self {
        Self { trip: Trip::Rate { failure_threshold, window, min_calls }, ..Self::default() }
    }

    /// Changes how long it stays open.
    #[must_use]
    pub fn with_recovery_timeout(self, recovery_timeout: Duration) -> Self {
        Self { recovery_timeout, ..self }
    }

    /// Changes how many probes may run at once, and how many must succeed.
    #[must_use]
    pub fn with_probes(self, probes: u32, successes_to_close: u32) -> Self {
        Self { probes, successes_to_close, ..self }
    }

    /// Changes after which time a probe is lost.
    #[must_use]
    pub fn with_probe_timeout(self, probe_timeout: Duration) -> Self {
        Self { probe_timeout, ..self }
    }

    /// Refuses values that nobody can have meant.
    pub fn validate(&self) -> Result<(), SettingsError> {
        match self.trip {
            Trip::Consecutive { failure_threshold } => {
                require_count(failure_threshold, "failure-threshold")?;
            }
            Trip::Rate { failure_threshold: rate, window, min_calls } => {
                let good = rate > 0.0 && rate <= 1.0;
                require(good, "failure-threshold", rate, "above 0 and up to 1")?;
                require_duration(window, "window")?;
                require_count(min_calls, "min-calls")?;
            }
        }
        require_duration(self.recovery_timeout, "recovery-timeout")?;
        require_duration(self.probe_timeout, "probe-timeout")?;
        let [probes, successes] = [self.probes, self.successes_to_close];
        require((1..=1000).contains(&probes), "probes", probes, "1 to 1000")?;
        require((1..=1000).contains(&successes), "successes-to-close", successes, "1 to 1000")
    }
}
