//! Whether a change helped.

use std::time::Duration;

use crate::collector::ConfigError;
use crate::event::{EventKind, Target};
use crate::histogram::Histogram;
use crate::metrics::{Metrics, OutcomeCounts};
use crate::numbers::float;

/// Two standard errors: a difference that chance makes once in twenty times.
const CERTAIN: f64 = 1.96;

/// What was measured over a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Measure {
    /// How regenerations ended.
    pub outcomes: OutcomeCounts,
    /// How long they took, in nanoseconds.
    pub times: Histogram,
    /// Over how long.
    pub covers: Duration,
}

/// How a change is tried.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrialConfig {
    /// What comes first is not counted: queues are still those of before. 0 to 1 h.
    /// Default: 30 s.
    pub warm_up: Duration,
    /// So long it is measured at least. 1 s to 24 h. Default: 2 min.
    pub length: Duration,
    /// So many regenerations it takes at least. 2 to 1,000,000. Default: 50.
    pub min_samples: u64,
    /// If there are fewer for so long, the change is taken back. 1 s to 7 days, and not
    /// below `length`. Default: 30 min.
    pub patience: Duration,
    /// The least gain for which a change stays, as a share. 0 to 1. Default: 0.02.
    pub min_gain: f64,
}

/// A change on trial. A pure core: it is told the time and the figures.
///
/// It compares what is measured after the change with what was measured before. What
/// fails more often, beyond chance, is taken back at once, whatever else it gained.
#[derive(Clone, Debug)]
pub struct Trial {
    config: TrialConfig,
    target: Target,
    before: Measure,
    started: Duration,
    /// The figures at the end of the warm-up.
    from: Option<Measure>,
}

/// What a trial says.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a change that made things worse must be taken back"]
#[non_exhaustive]
pub enum Verdict {
    /// Not yet.
    Wait,
    /// The change stays.
    Keep {
        /// What it gained, as a share of what was before.
        gain: f64,
    },
    /// It made things worse.
    TakeBack {
        /// What it lost, as a share of what was before. More failures count as a loss of
        /// as much success.
        loss: f64,
    },
    /// It made no difference that could be told from chance, or too little was done to
    /// tell; what does not help is taken back.
    Unproven,
}

impl Measure {
    /// All regenerations since the collector started.
    pub fn of(metrics: &Metrics) -> Self {
        let kind =
            metrics.total().kind(EventKind::RegenerationCompleted).cloned().unwrap_or_default();
        Self { outcomes: kind.outcomes, times: kind.values, covers: metrics.uptime }
    }

    /// What came since `earlier`, an earlier measure of the same collector.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            outcomes: self.outcomes.since(&earlier.outcomes),
            times: self.times.since(&earlier.times),
            covers: self.covers.saturating_sub(earlier.covers),
        }
    }

    fn failure_rate(&self) -> f64 {
        float(self.outcomes.failures()) / float(self.outcomes.decided().max(1))
    }

    fn throughput(&self) -> f64 {
        float(self.outcomes.decided()) / self.covers.as_secs_f64().max(1e-9)
    }
}

impl Default for TrialConfig {
    fn default() -> Self {
        Self {
            warm_up: Duration::from_secs(30),
            length: Duration::from_mins(2),
            min_samples: 50,
            patience: Duration::from_mins(30),
            min_gain: 0.02,
        }
    }
}

impl TrialConfig {
    /// Checks every setting.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let (second, hour) = (Duration::from_secs(1), Duration::from_hours(1));
        ConfigError::time_within("warm_up", self.warm_up, Duration::ZERO..=hour)?;
        ConfigError::time_within("length", self.length, second..=24 * hour)?;
        ConfigError::time_within("patience", self.patience, self.length..=7 * 24 * hour)?;
        ConfigError::within("min_samples", self.min_samples, 2..=1_000_000)?;
        ConfigError::within("min_gain", self.min_gain, 0.0..=1.0)
    }
}

impl Trial {
    /// A change was made at `now`; it should better `target`, and `before` is what was
    /// measured until then. Of targets other than success, errors and throughput, the
    /// time of a regeneration is compared.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn start(
        config: TrialConfig,
        target: Target,
        before: Measure,
        now: Duration,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self { config, target, before, started: now, from: None })
    }

    /// Looks at the figures at `now`: `total` is [`Measure::of`] the same collector.
    pub fn step(&mut self, now: Duration, total: &Measure) -> Verdict {
        let elapsed = now.saturating_sub(self.started);
        if elapsed < self.config.warm_up {
            return Verdict::Wait;
        }
        let Some(from) = &self.from else {
            self.from = Some(total.clone());
            return Verdict::Wait;
        };
        let after = total.since(from);
        let enough = after.outcomes.decided() >= self.config.min_samples;
        if enough && let Some(loss) = more_failures(&self.before, &after) {
            return Verdict::TakeBack { loss };
        }
        let tried = elapsed.saturating_sub(self.config.warm_up);
        if tried < self.config.length || (!enough && tried < self.config.patience) {
            return Verdict::Wait;
        }
        if enough && self.before.outcomes.decided() >= 2 {
            self.judge(&after)
        } else {
            Verdict::Unproven
        }
    }

    fn judge(&self, after: &Measure) -> Verdict {
        let (gain, error) = match self.target {
            Target::Throughput | Target::QueueDepth => throughput(&self.before, after),
            Target::SuccessRate | Target::ErrorRate => failures(&self.before, after),
            _ => times(&self.before, after),
        };
        // A NaN compares as neither, and is unproven.
        if gain >= self.config.min_gain && gain > CERTAIN * error {
            Verdict::Keep { gain }
        } else if gain < -CERTAIN * error {
            Verdict::TakeBack { loss: -gain }
        } else {
            Verdict::Unproven
        }
    }
}

/// How much more fails, if that is beyond chance: the two shares as one would compare
/// them by their pooled deviation.
fn more_failures(before: &Measure, after: &Measure) -> Option<f64> {
    let (count, other) = (float(before.outcomes.decided()), float(after.outcomes.decided()));
    if count < 1.0 {
        return None;
    }
    let pooled = float(before.outcomes.failures() + after.outcomes.failures()) / (count + other);
    let error = (pooled * (1.0 - pooled) * (1.0 / count + 1.0 / other)).sqrt();
    let more = after.failure_rate() - before.failure_rate();
    (more > CERTAIN * error).then_some(more)
}

/// How much less fails, and its standard error.
fn failures(before: &Measure, after: &Measure) -> (f64, f64) {
    let variance = |measure: &Measure| {
        let rate = measure.failure_rate();
        rate * (1.0 - rate) / float(measure.outcomes.decided().max(1))
    };
    (before.failure_rate() - after.failure_rate(), (variance(before) + variance(after)).sqrt())
}

/// How much more is done in a second, as a share; arrivals taken as a Poisson process.
fn throughput(before: &Measure, after: &Measure) -> (f64, f64) {
    let ratio = after.throughput() / before.throughput();
    let counts = 1.0 / float(before.outcomes.decided().max(1))
        + 1.0 / float(after.outcomes.decided().max(1));
    (ratio - 1.0, ratio * counts.sqrt())
}

/// How much shorter a regeneration takes, as a share (Welch's comparison of means).
fn times(before: &Measure, after: &Measure) -> (f64, f64) {
    let (Some(mean), Some(other)) = (before.times.mean(), after.times.mean()) else {
        return (0.0, f64::INFINITY);
    };
    let variance =
        |times: &Histogram| times.deviation().unwrap_or(0.0).powi(2) / float(times.count().max(1));
    let error = (variance(&before.times) + variance(&after.times)).sqrt();
    ((mean - other) / mean, error / mean)
}
