use std::collections::BTreeMap;
use std::time::Duration;

use evergen_telemetry::Histogram;
use serde::{Deserialize, Serialize};

use crate::cost::{CostLedger, CostSummary};

mod file;
mod ring;
#[cfg(test)]
mod tests;

pub use self::file::{StatisticsFile, StatisticsFileError, StatisticsNotice};

use self::ring::Ring;

/// What the loop has done, as one consistent picture.
///
/// Counts are those of real outcomes: work that failed, was refused by a gate, or was
/// dealt with without reaching what was asked for is never counted as success.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct OrchestrationStats {
    /// Cycles that ended.
    pub total_cycles: u64,
    /// How long a cycle took on average, in milliseconds; 0 before the first one.
    pub avg_cycle_time_ms: f64,
    /// Events that came to their end, well or not.
    pub events_processed: u64,
    /// Tasks that were started to regenerate something, retries included.
    pub regenerations_triggered: u64,
    /// Deployments that were done.
    pub deployments_completed: u64,
    /// Tasks whose effect is there.
    pub regenerations_succeeded: u64,
    /// Tries of tasks that failed, were refused, or were not done in time.
    pub regenerations_failed: u64,
    /// Tries of deployments that failed.
    pub deployments_failed: u64,
    /// Failed tries that were followed by another one.
    pub retries: u64,
    /// Tries that were not done in time.
    pub timeouts: u64,
    /// Tries that panicked.
    pub panics: u64,
    /// Events that became dead letters.
    pub dead_letters: u64,
    /// Cycles that took longer than the target.
    pub cycles_over_target: u64,
    /// How long cycles took, since the start of the process.
    pub cycle_time: Percentiles,
    /// The same and more for the last minute, five minutes, hour and day, by `1m`, `5m`, `1h`
    /// and `24h`; since the start of the process at most.
    pub windows: BTreeMap<String, WindowStats>,
    /// What it cost.
    pub costs: CostSummary,
}

impl OrchestrationStats {
    /// The share of tries that succeeded, from 0 to 1; none before the first one.
    pub fn success_rate(&self) -> Option<f64> {
        share(self.regenerations_succeeded, self.regenerations_failed)
    }
}

/// How a time is spread, in milliseconds; within 1.6 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Percentiles {
    /// Half of them took no longer.
    pub p50_ms: f64,
    /// 95 of 100 took no longer.
    pub p95_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
}

/// What happened in a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct WindowStats {
    /// Cycles that ended.
    pub cycles: u64,
    /// Events that came to their end.
    pub events: u64,
    /// Tries that succeeded.
    pub succeeded: u64,
    /// Tries that failed.
    pub failed: u64,
    /// How long a cycle took on average, in milliseconds.
    pub avg_cycle_time_ms: f64,
    /// How long cycles took.
    pub cycle_time: Percentiles,
}

impl WindowStats {
    /// The share of tries that succeeded; none without one.
    pub fn success_rate(&self) -> Option<f64> {
        share(self.succeeded, self.failed)
    }
}

/// Something that counts.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Tally {
    /// A task was started to regenerate.
    Triggered,
    /// A try of one succeeded.
    Succeeded,
    /// A try of one failed.
    Failed,
    /// A failed try will be followed by another one.
    Retried,
    /// A try was not done in time; it counts as failed, too.
    TimedOut,
    /// A try panicked; it counts as failed, too.
    Panicked,
    /// So many events came to their end.
    Events(u64),
    /// So many events became dead letters.
    DeadLetters(u64),
    /// A deployment was done.
    Deployed,
    /// A try of a deployment failed.
    DeploymentFailed,
    /// A cycle ended.
    Cycle {
        /// How long it took.
        took: Duration,
        /// Whether that was longer than the target.
        over_target: bool,
    },
}

/// Counts what the loop does. A value without a clock.
#[derive(Clone, Debug)]
pub struct Statistics {
    totals: OrchestrationStats,
    cycle_time: Duration,
    spread: Histogram,
    rings: [Ring; 3],
    /// What the loop cost.
    pub costs: CostLedger,
}

#[derive(Clone, Debug, Default)]
struct Bucket {
    cycles: u64,
    cycle_time: Duration,
    events: u64,
    succeeded: u64,
    failed: u64,
    spread: Histogram,
}

impl Bucket {
    fn count(&mut self, tally: Tally) {
        match tally {
            Tally::Succeeded => self.succeeded += 1,
            Tally::Failed => self.failed += 1,
            Tally::Events(count) => self.events += count,
            Tally::Cycle { took, .. } => {
                self.cycles += 1;
                self.cycle_time += took;
                self.spread.record(nanoseconds(took));
            }
            _ => {}
        }
    }

    fn add(&mut self, other: &Self) {
        self.cycles += other.cycles;
        self.cycle_time += other.cycle_time;
        self.events += other.events;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.spread.merge(&other.spread);
    }

    fn stats(&self) -> WindowStats {
        WindowStats {
            cycles: self.cycles,
            events: self.events,
            succeeded: self.succeeded,
            failed: self.failed,
            avg_cycle_time_ms: average_ms(self.cycle_time, self.cycles),
            cycle_time: Percentiles::of(&self.spread),
        }
    }
}

impl Percentiles {
    fn of(spread: &Histogram) -> Self {
        let at = |percent| spread.percentile(percent).map_or(0.0, nanoseconds_to_ms);
        Self { p50_ms: at(50.0), p95_ms: at(95.0), p99_ms: at(99.0) }
    }
}

impl Default for Statistics {
    fn default() -> Self {
        Self::resume(OrchestrationStats::default())
    }
}

impl Statistics {
    /// Goes on counting where an earlier process stopped. Windows and percentiles start anew.
    pub fn resume(earlier: OrchestrationStats) -> Self {
        let cycles = u32::try_from(earlier.total_cycles).unwrap_or(u32::MAX);
        let average = Duration::try_from_secs_f64(earlier.avg_cycle_time_ms / 1e3);
        Self {
            cycle_time: average.unwrap_or_default().saturating_mul(cycles),
            spread: Histogram::new(),
            rings: [
                Ring::new(Duration::from_secs(5), 60),
                Ring::new(Duration::from_mins(1), 60),
                Ring::new(Duration::from_mins(15), 96),
            ],
            costs: CostLedger::resume(earlier.costs.clone()),
            totals: earlier,
        }
    }

    /// Counts something that happened then.
    pub fn count(&mut self, tally: Tally, now: Duration) {
        let totals = &mut self.totals;
        match tally {
            Tally::Triggered => totals.regenerations_triggered += 1,
            Tally::Succeeded => totals.regenerations_succeeded += 1,
            Tally::Failed => totals.regenerations_failed += 1,
            Tally::Retried => totals.retries += 1,
            Tally::TimedOut => totals.timeouts += 1,
            Tally::Panicked => totals.panics += 1,
            Tally::Events(count) => totals.events_processed += count,
            Tally::DeadLetters(count) => totals.dead_letters += count,
            Tally::Deployed => totals.deployments_completed += 1,
            Tally::DeploymentFailed => totals.deployments_failed += 1,
            Tally::Cycle { took, over_target } => {
                totals.total_cycles += 1;
                totals.cycles_over_target += u64::from(over_target);
                self.cycle_time = self.cycle_time.saturating_add(took);
                self.spread.record(nanoseconds(took));
            }
        }
        let windowed = matches!(
            tally,
            Tally::Succeeded | Tally::Failed | Tally::Events(_) | Tally::Cycle { .. }
        );
        if windowed {
            self.rings.iter_mut().for_each(|ring| ring.at(now).count(tally));
        }
    }

    /// The picture at a time.
    pub fn snapshot(&self, now: Duration) -> OrchestrationStats {
        let [short, middle, long] = &self.rings;
        let windows = [
            ("1m", short, Duration::from_mins(1)),
            ("5m", short, Duration::from_mins(5)),
            ("1h", middle, Duration::from_hours(1)),
            ("24h", long, Duration::from_hours(24)),
        ];
        let window = |(name, ring, covers): (&str, &Ring, Duration)| {
            (name.to_owned(), ring.sum(now, covers).stats())
        };
        OrchestrationStats {
            avg_cycle_time_ms: average_ms(self.cycle_time, self.totals.total_cycles),
            cycle_time: Percentiles::of(&self.spread),
            windows: windows.map(window).into(),
            costs: self.costs.summary(),
            ..self.totals.clone()
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a loop stay far below 2^52")]
fn share(good: u64, bad: u64) -> Option<f64> {
    (good + bad > 0).then(|| good as f64 / (good + bad) as f64)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a loop stay far below 2^52")]
fn average_ms(sum: Duration, count: u64) -> f64 {
    if count == 0 { 0.0 } else { sum.as_secs_f64() * 1e3 / count as f64 }
}

#[expect(clippy::cast_precision_loss, reason = "a share of a millionth is beyond what is shown")]
fn nanoseconds_to_ms(value: u64) -> f64 {
    value as f64 / 1e6
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
