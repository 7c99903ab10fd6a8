//! Which figures ask for which change.

use std::time::Duration;

use crate::event::{EventKind, Outcome, Target};
use crate::feedback::{
    Change, Evidence, FeedbackConfig, Gain, LoopSettings, Recommendation, RecommendationKind,
};
use crate::metrics::{Metrics, WindowMetrics};
use crate::numbers::{float, share};
use crate::subjects::SubjectMetrics;

/// What all rules look at.
struct Look<'a> {
    config: &'a FeedbackConfig,
    metrics: &'a Metrics,
    window: &'a WindowMetrics,
    settings: &'a LoopSettings,
}

pub(super) fn all(
    config: &FeedbackConfig,
    metrics: &Metrics,
    settings: &LoopSettings,
) -> Vec<Recommendation> {
    let look = Look { config, metrics, window: metrics.window(config.window), settings };
    let rules = [look.capacity(), look.timeout(), look.cache()];
    let heavy = [
        look.heavy(EventKind::Render, RecommendationKind::SimplerTemplate),
        look.heavy(EventKind::Query, RecommendationKind::SimplerQuery),
    ];
    rules.into_iter().chain(heavy).flatten().collect()
}

impl Look<'_> {
    /// More workers while there are processors for them, more machines otherwise.
    fn capacity(&self) -> Option<Recommendation> {
        let samples = self.window.kind(EventKind::SaturationSampled)?.values.count();
        let saturation = self.window.mean_saturation()?;
        let waiting = self.window.mean_queue_depth()?;
        let workers = f64::from(self.settings.max_concurrent);
        let enough = samples.min(self.window.outcomes().decided()) >= self.config.min_samples;
        // A queue that one round of workers empties is no backlog.
        if !enough || saturation < self.config.full || waiting <= workers {
            return None;
        }
        let cpu = self.cpu();
        let evidence = vec![
            evidence("share of the limit in use, mean", saturation),
            evidence("items waiting, mean", waiting),
            evidence("share of processors in use", cpu),
            evidence("regenerations in a second", self.window.throughput()),
        ];
        let confidence = self.confidence(samples, saturation / self.config.full, waiting / workers);
        if cpu >= self.config.cpu_full {
            Some(self.scale_out(cpu, evidence, confidence))
        } else {
            self.more_workers(cpu, evidence, confidence)
        }
    }

    fn more_workers(
        &self,
        cpu: f64,
        evidence: Vec<Evidence>,
        confidence: f64,
    ) -> Option<Recommendation> {
        let from = self.settings.max_concurrent;
        let to = from.saturating_add((from / 2).max(1)).min(self.config.max_workers);
        if to <= from {
            return None;
        }
        let throughput = self.window.throughput();
        // No more than the processors give.
        let room = if cpu > 0.0 { 1.0 / cpu } else { f64::INFINITY };
        let factor = (f64::from(to) / f64::from(from)).min(room);
        Some(Recommendation {
            kind: RecommendationKind::MoreWorkers,
            change: setting("max_concurrent", f64::from(from), f64::from(to)),
            reason: "all workers are busy, work waits, and processors are free".to_owned(),
            evidence,
            gain: Gain { target: Target::Throughput, from: throughput, to: throughput * factor },
            confidence,
        })
    }

    fn scale_out(&self, cpu: f64, evidence: Vec<Evidence>, confidence: f64) -> Recommendation {
        let from = f64::from(self.settings.nodes.max(1));
        // So many that processors have a quarter of reserve.
        let to = (from * cpu / 0.75).ceil().max(from + 1.0);
        let throughput = self.window.throughput();
        Recommendation {
            kind: RecommendationKind::ScaleOut,
            change: setting("nodes", from, to),
            reason: "work waits and processors are full: more workers on this machine would wait for each other".to_owned(),
            evidence,
            gain: Gain { target: Target::Throughput, from: throughput, to: throughput * to / from },
            confidence,
        }
    }

    /// The share of processors that the work recorded.
    fn cpu(&self) -> f64 {
        let available =
            self.window.covers.as_secs_f64() * f64::from(self.settings.processors.max(1));
        let used = Duration::from_nanos(self.window.costs.cpu_nanoseconds).as_secs_f64();
        if available > 0.0 { used / available } else { 0.0 }
    }

    /// A longer limit, if much is ended by it and what succeeds comes near to it. If what
    /// succeeds is far below, the rest hangs, and a longer limit would help nobody.
    fn timeout(&self) -> Option<Recommendation> {
        let kind = self.window.kind(EventKind::RegenerationCompleted)?;
        let (ended, decided) = (kind.outcomes.of(Outcome::TimedOut), kind.outcomes.decided());
        let rate = share(ended, decided)?;
        let limit = self.settings.timeout.as_secs_f64();
        // Of those that were not ended: the slowest are those that were.
        let succeeded = 100.0 * (1.0 - rate);
        let near = kind.percentile(succeeded * 0.95)?.as_secs_f64();
        if decided < self.config.min_samples || rate <= self.config.timeouts || near < limit / 2.0 {
            return None;
        }
        let errors = self.window.error_rate().unwrap_or(rate);
        Some(Recommendation {
            kind: RecommendationKind::Timeout,
            change: setting("timeout_ms", limit * 1e3, limit * 1.5e3),
            reason: "work is ended that others of its kind only just complete in time".to_owned(),
            evidence: vec![
                evidence("share that timed out", rate),
                evidence("95th percentile of what succeeded, in seconds", near),
                evidence("the limit, in seconds", limit),
            ],
            // Of what is ended a half comes through with half as much time again: a guess,
            // which the trial replaces by a measurement.
            gain: Gain {
                target: Target::ErrorRate,
                from: errors,
                to: (errors - rate / 2.0).max(0.0),
            },
            confidence: self.confidence(
                decided,
                near / (limit / 2.0),
                rate / self.config.timeouts.max(0.001),
            ),
        })
    }

    fn cache(&self) -> Option<Recommendation> {
        let rate = self.window.cache_hit_rate()?;
        let lookups = self.window.cache_hits + self.window.cache_misses;
        if lookups < self.config.min_samples || rate >= self.config.cache_hits {
            return None;
        }
        let entries = self.settings.cache_entries;
        let to = if entries == 0 { 1024 } else { entries.saturating_mul(2) };
        let mean = self.window.mean().unwrap_or_default().as_secs_f64() * 1e3;
        Some(Recommendation {
            kind: RecommendationKind::Cache,
            change: setting("cache_entries", float(entries), float(to)),
            reason: "caches seldom have the answer".to_owned(),
            evidence: vec![
                evidence("share of lookups with an answer", rate),
                evidence("lookups", float(lookups)),
                evidence("entries", float(entries)),
            ],
            // At best the misses halve, and with them the time that they take.
            gain: Gain {
                target: Target::ResponseTime,
                from: mean,
                to: mean * (1.0 - (1.0 - rate) / 4.0),
            },
            confidence: self.confidence(lookups, self.config.cache_hits / rate.max(0.01), 1.0)
                / 2.0,
        })
    }

    /// The one subject that has much of the time of its kind, and is slower than others.
    fn heavy(&self, kind: EventKind, recommended: RecommendationKind) -> Option<Recommendation> {
        let peers: Vec<&SubjectMetrics> =
            self.metrics.subjects.iter().filter(|subject| subject.kind == kind).collect();
        let all: u64 = peers.iter().map(|subject| subject.times.sum()).sum();
        // The list begins with the dearest.
        let first = *peers.first()?;
        let part = share(first.times.sum(), all)?;
        let mean = first.times.mean()?;
        let mut means: Vec<f64> = peers.iter().filter_map(|subject| subject.times.mean()).collect();
        means.sort_by(f64::total_cmp);
        let usual = means[(means.len() - 1) / 2];
        let count = first.times.count();
        if peers.len() < 2
            || count < self.config.min_samples
            || part < self.config.heavy
            || mean < 2.0 * usual
        {
            return None;
        }
        Some(Recommendation {
            kind: recommended,
            change: Change::Author { subject: first.name.clone() },
            reason: format!("`{}` takes {:.0} % of all {kind} time", first.name, part * 100.0),
            evidence: vec![
                evidence("share of the time of its kind", part),
                evidence("mean time, in milliseconds", mean / 1e6),
                evidence("the median of the means of all, in milliseconds", usual / 1e6),
                evidence("times", float(count)),
            ],
            gain: Gain { target: Target::ResponseTime, from: mean / 1e6, to: usual / 1e6 },
            confidence: self.confidence(
                count,
                part / self.config.heavy,
                mean / (2.0 * usual).max(1.0),
            ),
        })
    }

    /// From the number of samples, and how many times the limits are passed: a quarter at
    /// the limits with just enough samples, near to one far beyond them with many.
    fn confidence(&self, samples: u64, first: f64, second: f64) -> f64 {
        let support =
            1.0 - 0.5 * (float(self.config.min_samples) / float(samples.max(1))).sqrt().min(1.0);
        let beyond = (first.max(1.0) * second.max(1.0)).sqrt();
        support * (1.0 - 0.5 / beyond)
    }
}

fn setting(name: &'static str, from: f64, to: f64) -> Change {
    Change::Setting { name, from, to }
}

fn evidence(what: &'static str, value: f64) -> Evidence {
    Evidence { what, value }
}
