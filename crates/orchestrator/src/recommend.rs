use std::time::Duration;

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// What might make the loop better, and why one may think so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recommendation {
    /// What to do.
    pub advice: Advice,
    /// The figures that speak for it.
    pub evidence: String,
    /// How sure it is, from 0 to 1: how much was seen, and how clear it was.
    pub confidence: f64,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "advice", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Advice {
    /// Raise `max_concurrent`.
    MoreWorkers {
        /// What it is.
        from: usize,
        /// What to try.
        to: usize,
    },
    /// Make this template do less.
    SimplerTemplate {
        /// The generator whose template it is.
        generator: String,
    },
    /// Keep results: most artifacts that were made again came out as they were.
    Cache,
    /// Raise `task_timeout_ms`: tasks run into it that are nearly done.
    LongerTimeout {
        /// What it is, in milliseconds.
        from_ms: u64,
        /// What to try, in milliseconds.
        to_ms: u64,
    },
    /// Share the work with another machine: this one has no more to give.
    ScaleOut,
}

/// What was seen, to judge by.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Evidence {
    /// Cycles that it is taken from.
    pub cycles: u64,
    /// The most tasks that may run at once.
    pub max_concurrent: usize,
    /// The share of the time in which that many ran and more waited.
    pub saturation: f64,
    /// The share of all processors that were busy, 0 to 1, where that is known.
    pub processors_busy: Option<f64>,
    /// How long cycles took on average, and how long they should take at most.
    pub average_cycle: Duration,
    /// See `average_cycle`.
    pub target: Duration,
    /// Time spent on rendering, by generator.
    pub rendering: Vec<(String, Duration)>,
    /// Artifacts that were rendered again.
    pub rendered: u64,
    /// Those of them that came out as they were.
    pub unchanged: u64,
    /// Tries in all.
    pub tries: u64,
    /// Those that were not done in time.
    pub timeouts: u64,
    /// How long the slowest 5 of 100 tries that were done took at least.
    pub p95_task: Duration,
    /// How long a task may take.
    pub task_timeout: Duration,
}

/// Fewer cycles than this say nothing.
const LEAST_CYCLES: u64 = 10;

/// What the evidence speaks for, the surest first. Without enough of it, nothing.
pub fn recommend(evidence: &Evidence) -> Vec<Recommendation> {
    if evidence.cycles < LEAST_CYCLES {
        return Vec::new();
    }
    let mut advices: Vec<Recommendation> =
        [workers(evidence), template(evidence), cache(evidence), timeout(evidence)]
            .into_iter()
            .flatten()
            .collect();
    advices.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
    advices
}

fn workers(evidence: &Evidence) -> Option<Recommendation> {
    if evidence.saturation < 0.8 {
        return None;
    }
    let busy = evidence.processors_busy?;
    let saturated = evidence.saturation * 1e2;
    let late = evidence.average_cycle > evidence.target;
    if busy < 0.7 {
        let from = evidence.max_concurrent;
        let seen = format!(
            "all {from} workers were busy {saturated:.0} % of the time, the processors {:.0} %",
            busy * 1e2
        );
        let advice = Advice::MoreWorkers { from, to: from.saturating_mul(2) };
        return Some(said(evidence, advice, seen, 1.0 - busy));
    }
    (busy > 0.9 && late).then(|| {
        let seen = format!(
            "workers were busy {saturated:.0} % of the time and the processors {:.0} %, and cycles took {:?} instead of {:?}",
            busy * 1e2, evidence.average_cycle, evidence.target
        );
        said(evidence, Advice::ScaleOut, seen, busy)
    })
}

fn template(evidence: &Evidence) -> Option<Recommendation> {
    let total: Duration = evidence.rendering.iter().map(|(_, time)| *time).sum();
    let (generator, time) = evidence.rendering.iter().max_by_key(|(_, time)| *time)?;
    let share = time.as_secs_f64() / total.as_secs_f64().max(f64::MIN_POSITIVE);
    let matters = evidence.average_cycle > evidence.target && evidence.rendering.len() > 1;
    (matters && share > 0.5).then(|| {
        let seen = format!("it took {time:?} of {total:?} of rendering ({:.0} %)", share * 1e2);
        said(evidence, Advice::SimplerTemplate { generator: generator.clone() }, seen, share)
    })
}

#[expect(clippy::cast_precision_loss, reason = "a share does not need the last digit")]
fn cache(evidence: &Evidence) -> Option<Recommendation> {
    let share = evidence.unchanged as f64 / evidence.rendered.max(1) as f64;
    (evidence.rendered >= 100 && share > 0.8).then(|| {
        let seen = format!(
            "{} of {} artifacts that were made again came out as they were",
            evidence.unchanged, evidence.rendered
        );
        said(evidence, Advice::Cache, seen, share)
    })
}

#[expect(clippy::cast_precision_loss, reason = "a share does not need the last digit")]
fn timeout(evidence: &Evidence) -> Option<Recommendation> {
    let share = evidence.timeouts as f64 / evidence.tries.max(1) as f64;
    // Where what is done is done quickly, what is not done hangs, and more time would not help.
    let close = evidence.p95_task * 2 > evidence.task_timeout;
    (share > 0.02 && close).then(|| {
        let seen = format!(
            "{} of {} tries ran into {:?}, and one in twenty that were done took {:?} or more",
            evidence.timeouts, evidence.tries, evidence.task_timeout, evidence.p95_task
        );
        let from_ms = u64::try_from(evidence.task_timeout.as_millis()).unwrap_or(u64::MAX);
        let advice = Advice::LongerTimeout { from_ms, to_ms: from_ms.saturating_mul(2) };
        said(evidence, advice, seen, 0.5 + share.min(0.5))
    })
}

#[expect(clippy::cast_precision_loss, reason = "a confidence is a rough thing")]
fn said(evidence: &Evidence, advice: Advice, seen: String, clearness: f64) -> Recommendation {
    let amount = (evidence.cycles as f64 / 100.0).min(1.0).sqrt();
    Recommendation { advice, evidence: seen, confidence: (clearness * amount).clamp(0.0, 1.0) }
}
