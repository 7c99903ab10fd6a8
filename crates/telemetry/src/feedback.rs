//! What should be changed, and whether a change helped.

use std::time::Duration;

use serde::Serialize;

mod rules;
mod trial;

pub use trial::{Measure, Trial, TrialConfig, Verdict};

use crate::collector::ConfigError;
use crate::event::Target;
use crate::metrics::Metrics;
use crate::windows::Window;

/// Finds changes of settings that the figures ask for. A pure core: figures and the
/// present settings in, recommendations out; nothing is applied.
#[derive(Clone, Debug)]
pub struct FeedbackLoop {
    config: FeedbackConfig,
}

/// From which figures on something is recommended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FeedbackConfig {
    /// The window that is looked at. Default: five minutes.
    pub window: Window,
    /// So many regenerations, lookups or renderings there must be. 1 to 1,000,000.
    /// Default: 30.
    pub min_samples: u64,
    /// A limit is full from this share on. 0.5 to 1. Default: 0.9.
    pub full: f64,
    /// Processors are full from this share on. 0.1 to 1. Default: 0.8.
    pub cpu_full: f64,
    /// So much may time out. 0 to 1. Default: 0.02.
    pub timeouts: f64,
    /// Caches should have the answer so often. 0 to 1. Default: 0.5.
    pub cache_hits: f64,
    /// A template or query is heavy if it has this share of all the time of its kind.
    /// 0.05 to 1. Default: 0.3.
    pub heavy: f64,
    /// At most so many workers are recommended. 1 to 65,536. Default: 1,024.
    pub max_workers: u32,
}

/// The settings as they are.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LoopSettings {
    /// Regenerations at once.
    pub max_concurrent: u32,
    /// Processors that the loop may use.
    pub processors: u32,
    /// Machines that share the work.
    pub nodes: u32,
    /// How long a regeneration may take.
    pub timeout: Duration,
    /// Entries in the cache of answers; 0 without one.
    pub cache_entries: u64,
}

/// A change that the figures ask for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Recommendation {
    /// What kind of change it is.
    pub kind: RecommendationKind,
    /// What to change.
    pub change: Change,
    /// Why, in a sentence.
    pub reason: String,
    /// The figures behind it.
    pub evidence: Vec<Evidence>,
    /// What should come of it.
    pub gain: Gain,
    /// How sure it is, from 0 to 1: how far the figures are beyond the limit, and how
    /// many samples they rest on.
    pub confidence: f64,
}

/// What kind of change is recommended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecommendationKind {
    /// The limit is full while processors are not.
    MoreWorkers,
    /// Processors are full: more workers would only wait for each other.
    ScaleOut,
    /// Work is ended that would have succeeded.
    Timeout,
    /// The same is asked again and again.
    Cache,
    /// One template has much of the time.
    SimplerTemplate,
    /// One query has much of the time.
    SimplerQuery,
}

/// What to change.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// A setting; the loop may do it by itself where it is allowed to.
    Setting {
        /// Its name.
        name: &'static str,
        /// The value now.
        from: f64,
        /// The value recommended.
        to: f64,
    },
    /// A template or query, by hand.
    Author {
        /// Which.
        subject: String,
    },
}

/// A figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// What was measured, with its unit.
    pub what: &'static str,
    /// How much it was.
    pub value: f64,
}

/// What should come of a change, if all else stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Gain {
    /// Which figure gets better; in the target's unit.
    pub target: Target,
    /// What it is.
    pub from: f64,
    /// What it should become.
    pub to: f64,
}

impl Default for FeedbackConfig {
    fn default() -> Self {
        Self {
            window: Window::FiveMinutes,
            min_samples: 30,
            full: 0.9,
            cpu_full: 0.8,
            timeouts: 0.02,
            cache_hits: 0.5,
            heavy: 0.3,
            max_workers: 1024,
        }
    }
}

impl FeedbackConfig {
    /// Checks every setting.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::within("min_samples", self.min_samples, 1..=1_000_000)?;
        ConfigError::within("full", self.full, 0.5..=1.0)?;
        ConfigError::within("cpu_full", self.cpu_full, 0.1..=1.0)?;
        ConfigError::within("timeouts", self.timeouts, 0.0..=1.0)?;
        ConfigError::within("cache_hits", self.cache_hits, 0.0..=1.0)?;
        ConfigError::within("heavy", self.heavy, 0.05..=1.0)?;
        ConfigError::within("max_workers", self.max_workers, 1..=65_536)
    }
}

impl LoopSettings {
    /// Settings of one machine without a cache.
    pub const fn new(max_concurrent: u32, processors: u32, timeout: Duration) -> Self {
        Self { max_concurrent, processors, nodes: 1, timeout, cache_entries: 0 }
    }
}

impl FeedbackLoop {
    /// A loop with these limits.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn new(config: FeedbackConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self { config })
    }

    /// What the figures ask for, the surest first; nothing as long as they rest on fewer
    /// samples than [`FeedbackConfig::min_samples`].
    pub fn analyze(&self, metrics: &Metrics, settings: &LoopSettings) -> Vec<Recommendation> {
        let mut found = rules::all(&self.config, metrics, settings);
        found.sort_by(|left, right| right.confidence.total_cmp(&left.confidence));
        found
    }
}

#[cfg(test)]
mod tests;
