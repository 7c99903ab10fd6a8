//! What the counters say.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::cells::{
    CACHE_AT, COMPONENTS_AT, COSTS_AT, ERRORS_AT, KIND_CELLS, OUTCOMES, PEAK_MEMORY, PEAK_QUEUE,
};
use crate::errors::ErrorGroup;
use crate::event::{Costs, ErrorKind, EventKind, Outcome};
use crate::histogram::Histogram;
use crate::numbers::{float, share};
use crate::subjects::SubjectMetrics;
use crate::windows::{Window, WindowTotals};

/// All figures, as of one look.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Metrics {
    /// When it was looked.
    pub at: Timestamp,
    /// How long the collector has been at work.
    pub uptime: Duration,
    /// The last state of each queue, by component.
    pub queues: BTreeMap<&'static str, Gauge>,
    /// The last use of each limit, by component.
    pub limits: BTreeMap<&'static str, Gauge>,
    /// What could not be kept.
    pub dropped: Dropped,
    /// How the sinks do, in the order in which they were given.
    pub sinks: Vec<SinkMetrics>,
    /// Errors by what they have in common, the most frequent first.
    pub errors: Vec<ErrorGroup>,
    /// What single templates, queries, gates and the like cost, the dearest first.
    pub subjects: Vec<SubjectMetrics>,
    pub(crate) windows: Vec<WindowMetrics>,
}

/// The last sample of how full something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gauge {
    /// What is in it.
    pub used: u64,
    /// What goes into it; 0 if there is no bound.
    pub capacity: u64,
}

/// What could not be kept for want of room. Measurements are never dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// Events that sinks and error analytics did not see.
    pub events: u64,
    /// Events that were counted under "other", because there were too many components.
    pub unnamed_components: u64,
    /// Groups of errors that made room for others.
    pub error_groups: u64,
    /// Subjects that made room for others.
    pub subjects: u64,
}

/// How a sink does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkMetrics {
    /// Its name.
    pub name: String,
    /// Records that it took.
    pub delivered: u64,
    /// Records that did not fit into its queue.
    pub dropped: u64,
    /// Records that it failed to take.
    pub failed: u64,
    /// What it said last when it failed.
    pub last_error: Option<String>,
}

/// How many ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeCounts([u64; OUTCOMES]);

impl OutcomeCounts {
    pub(crate) fn from_cells(cells: &[u64]) -> Self {
        let mut counts = [0; OUTCOMES];
        counts.copy_from_slice(cells);
        Self(counts)
    }

    pub(crate) fn add(&mut self, outcome: Outcome) {
        self.0[outcome.index()] += 1;
    }

    /// How many had this outcome.
    pub const fn of(&self, outcome: Outcome) -> u64 {
        self.0[outcome.index()]
    }

    /// What was added since `earlier`, an earlier state of these counts.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self(std::array::from_fn(|place| self.0[place].saturating_sub(earlier.0[place])))
    }

    /// How many there are at all, [`Outcome::Observed`] too.
    pub fn all(&self) -> u64 {
        self.0.iter().sum()
    }

    /// How many did not do what they were asked to do.
    pub fn failures(&self) -> u64 {
        Outcome::ALL
            .into_iter()
            .filter(|outcome| outcome.is_failure())
            .map(|outcome| self.of(outcome))
            .sum()
    }

    /// How many succeeded or failed.
    pub fn decided(&self) -> u64 {
        self.of(Outcome::Succeeded) + self.failures()
    }

    /// The share of successes in what succeeded or failed; nothing of nothing.
    pub fn success_rate(&self) -> Option<f64> {
        share(self.of(Outcome::Succeeded), self.decided())
    }
}

/// The figures of one window.
///
/// The headline figures (success rate, times, throughput) are those of
/// [`EventKind::RegenerationCompleted`]: one for each key that was regenerated, so a
/// cycle all of whose generations failed is no success.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WindowMetrics {
    /// Which.
    pub window: Window,
    /// The time that it covers: less than its length soon after the start, and up to a
    /// twelfth more than its length later.
    pub covers: Duration,
    /// By kind, those that there were.
    pub kinds: BTreeMap<EventKind, KindMetrics>,
    /// Outcomes by component.
    pub components: BTreeMap<&'static str, OutcomeCounts>,
    /// Errors by kind, those that there were.
    pub errors: BTreeMap<ErrorKind, u64>,
    /// How often caches had the answer.
    pub cache_hits: u64,
    /// How often they had not.
    pub cache_misses: u64,
    /// What was spent.
    pub costs: Costs,
    /// The deepest that a queue was.
    pub peak_queue_depth: u64,
}

/// The figures of one kind of event in one window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KindMetrics {
    /// How they ended.
    pub outcomes: OutcomeCounts,
    /// How their values are spread, in the kind's [`unit`](EventKind::unit).
    pub values: Histogram,
}

impl KindMetrics {
    /// The mean time; nothing if none was measured.
    pub fn mean(&self) -> Option<Duration> {
        let mean = self.values.mean()?;
        Some(Duration::from_secs_f64(mean / 1e9))
    }

    /// The time below or at which `percent` of all times are; nothing of nothing.
    pub fn percentile(&self, percent: f64) -> Option<Duration> {
        self.values.percentile(percent).map(Duration::from_nanos)
    }
}

impl Metrics {
    /// The figures of a window.
    pub fn window(&self, window: Window) -> &WindowMetrics {
        // There is one for each, in the order of the enum.
        &self.windows[window.index()]
    }

    /// The figures since the start.
    pub fn total(&self) -> &WindowMetrics {
        self.window(Window::Total)
    }

    /// The share of regenerations that succeeded, since the start; nothing if none ended.
    pub fn success_rate(&self) -> Option<f64> {
        self.total().success_rate()
    }

    /// What waits in all queues together, at the last samples.
    pub fn queue_depth(&self) -> u64 {
        self.queues.values().map(|queue| queue.used).sum()
    }

    /// The share in use of the limit that is used most, at the last samples.
    pub fn saturation(&self) -> Option<f64> {
        self.limits
            .values()
            .filter_map(|limit| share(limit.used, limit.capacity))
            .max_by(f64::total_cmp)
    }
}

impl WindowMetrics {
    /// Reads the counters of a window; `components` are the names by place.
    pub(crate) fn read(window: Window, totals: &WindowTotals, components: &[&'static str]) -> Self {
        let cells = &totals.cells;
        let costs = |place: usize| cells[COSTS_AT + place];
        Self {
            window,
            covers: totals.covers,
            kinds: EventKind::ALL
                .into_iter()
                .filter_map(|kind| Some((kind, read_kind(cells, kind)?)))
                .collect(),
            components: read_components(cells, components),
            errors: ErrorKind::ALL
                .into_iter()
                .map(|kind| (kind, cells[ERRORS_AT + kind.index()]))
                .filter(|(_, count)| *count > 0)
                .collect(),
            cache_hits: cells[CACHE_AT],
            cache_misses: cells[CACHE_AT + 1],
            costs: Costs {
                cpu_nanoseconds: costs(0),
                peak_memory_bytes: totals.peaks[PEAK_MEMORY],
                bytes_written: costs(1),
                tokens_in: costs(2),
                tokens_out: costs(3),
                price_micros: costs(4),
            },
            peak_queue_depth: totals.peaks[PEAK_QUEUE],
        }
    }

    /// The figures of a kind; nothing if there was none.
    pub fn kind(&self, kind: EventKind) -> Option<&KindMetrics> {
        self.kinds.get(&kind)
    }

    /// How regenerations ended.
    pub fn outcomes(&self) -> OutcomeCounts {
        self.headline().map(|kind| kind.outcomes).unwrap_or_default()
    }

    /// The share of regenerations that succeeded; nothing if none ended.
    pub fn success_rate(&self) -> Option<f64> {
        self.outcomes().success_rate()
    }

    /// The share of regenerations that failed; nothing if none ended.
    pub fn error_rate(&self) -> Option<f64> {
        self.success_rate().map(|rate| 1.0 - rate)
    }

    /// Errors of a kind, by regenerations that ended; nothing if none ended. As errors
    /// of steps count too, it can be above 1.
    pub fn error_rate_of(&self, kind: ErrorKind) -> Option<f64> {
        share(self.errors.get(&kind).copied().unwrap_or(0), self.outcomes().decided())
    }

    /// The mean time of a regeneration.
    pub fn mean(&self) -> Option<Duration> {
        self.headline().and_then(KindMetrics::mean)
    }

    /// The time of a regeneration below or at which `percent` of them are.
    pub fn percentile(&self, percent: f64) -> Option<Duration> {
        self.headline().and_then(|kind| kind.percentile(percent))
    }

    /// Regenerations that ended, in a second.
    pub fn throughput(&self) -> f64 {
        self.throughput_of(EventKind::RegenerationCompleted)
    }

    /// Events of a kind, in a second.
    pub fn throughput_of(&self, kind: EventKind) -> f64 {
        let count = self.kind(kind).map_or(0, |kind| kind.outcomes.all());
        let seconds = self.covers.as_secs_f64();
        if seconds > 0.0 { float(count) / seconds } else { 0.0 }
    }

    /// The share of looks into caches that had the answer; nothing of nothing.
    pub fn cache_hit_rate(&self) -> Option<f64> {
        share(self.cache_hits, self.cache_hits + self.cache_misses)
    }

    /// The mean depth of the queues, over all samples.
    pub fn mean_queue_depth(&self) -> Option<f64> {
        self.kind(EventKind::QueueSampled).and_then(|kind| kind.values.mean())
    }

    /// The mean share of limits that is in use, over all samples.
    pub fn mean_saturation(&self) -> Option<f64> {
        self.kind(EventKind::SaturationSampled)
            .and_then(|kind| kind.values.mean())
            .map(|permille| permille / 1e3)
    }

    fn headline(&self) -> Option<&KindMetrics> {
        self.kind(EventKind::RegenerationCompleted)
    }
}

fn read_kind(cells: &[u64], kind: EventKind) -> Option<KindMetrics> {
    let at = kind.index() * KIND_CELLS;
    let outcomes = OutcomeCounts::from_cells(&cells[at..at + OUTCOMES]);
    if outcomes.all() == 0 {
        return None;
    }
    let buckets = cells[at + OUTCOMES + 1..at + KIND_CELLS].iter().copied().enumerate();
    Some(KindMetrics { outcomes, values: Histogram::from_counts(buckets, cells[at + OUTCOMES]) })
}

fn read_components(cells: &[u64], names: &[&'static str]) -> BTreeMap<&'static str, OutcomeCounts> {
    let counts = |place: usize| {
        let at = COMPONENTS_AT + place * OUTCOMES;
        OutcomeCounts::from_cells(&cells[at..at + OUTCOMES])
    };
    let all = names.iter().enumerate().map(|(place, name)| (*name, counts(place)));
    all.filter(|(name, counts)| !name.is_empty() && counts.all() > 0).collect()
}
