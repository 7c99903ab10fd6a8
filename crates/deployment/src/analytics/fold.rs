use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{Outcome, PlanKind, Summary};

/// The figures of one environment in one window of time.
///
/// - A *failure* of a change is one that users could see: it got traffic and was taken back,
///   stuck, or live and then rolled back by a person.
/// - *Lead time* is from the change, or where that is not known from the begin of its
///   deployment, to the commit.
/// - *Time to restore* is from the first traffic of a failed change to the end of what brought
///   the old release, or a later one, back.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DeploymentAnalytics {
    /// The environment.
    pub environment: String,
    /// From when on deployments are counted, by their end.
    pub since: Option<Timestamp>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// Deployments and promotions that ended, those without effect left out.
    pub deployments: u64,
    /// Those of them whose release became live.
    pub succeeded: u64,
    /// Those that never got traffic.
    pub failed: u64,
    /// Those that were taken back.
    pub rolled_back: u64,
    /// Rollbacks that people asked for.
    pub rollbacks: u64,
    /// Deployments that were stuck in between.
    pub incidents: u64,
    /// Deployments that got traffic.
    pub with_traffic: u64,
    /// Those of them that failed.
    pub change_failures: u64,
    /// What share of the deployments succeeded; nothing if there was none.
    pub success_rate: Option<f64>,
    /// What share of those with traffic failed.
    pub change_failure_rate: Option<f64>,
    /// Releases that became live, a day.
    pub per_day: Option<f64>,
    /// How long changes took to be live.
    pub lead_time: DurationFigures,
    /// How long failed changes had their effect.
    pub time_to_restore: DurationFigures,
    /// How long deployments took.
    pub duration: DurationFigures,
}

/// Figures of many durations, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DurationFigures {
    /// How many.
    pub count: u64,
    /// Half are shorter.
    pub median: Option<f64>,
    /// Nine of ten are shorter.
    pub p90: Option<f64>,
    /// Their mean.
    pub mean: Option<f64>,
}

impl DurationFigures {
    fn of(mut seconds: Vec<f64>) -> Self {
        if seconds.is_empty() {
            return Self::default();
        }
        seconds.sort_unstable_by(f64::total_cmp);
        // The smallest value that the given share of all is not above.
        let rank = |percent: usize| {
            let place = (seconds.len() * percent).div_ceil(100).max(1) - 1;
            seconds.get(place).copied()
        };
        let (median, p90) = (rank(50), rank(90));
        let mean = Some(seconds.iter().sum::<f64>() / float(seconds.len() as u64));
        Self { count: seconds.len() as u64, median, p90, mean }
    }
}

impl DeploymentAnalytics {
    /// Folds what became of an environment's deployments, the oldest first. With a window,
    /// those count that ended in it: from `since` on and before `until`.
    pub fn fold<'a>(
        environment: &str,
        summaries: impl IntoIterator<Item = &'a Summary>,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Self {
        let mut fold = Fold { since, until, ..Fold::default() };
        for summary in summaries {
            fold.add(summary);
        }
        fold.finish(environment)
    }
}

/// A change whose effect is not over yet.
#[derive(Clone, Copy)]
struct Bad {
    from: Timestamp,
    counted: bool,
}

#[derive(Default)]
struct Fold {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    figures: DeploymentAnalytics,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    lead: Vec<f64>,
    restore: Vec<f64>,
    took: Vec<f64>,
    /// The deployment that is live, if it may turn out to be bad.
    live: Option<Bad>,
    /// A stuck one, until something is live again.
    broken: Option<Bad>,
}

impl Fold {
    fn counts(&self, summary: &Summary) -> bool {
        self.since.is_none_or(|since| summary.ended_at >= since)
            && self.until.is_none_or(|until| summary.ended_at < until)
    }

    fn add(&mut self, summary: &Summary) {
        if summary.outcome == Outcome::Unchanged {
            return;
        }
        let counted = self.counts(summary);
        if summary.kind == PlanKind::Rollback {
            self.go_back(summary, counted);
        } else {
            self.go_forward(summary, counted);
        }
        if counted {
            self.first.get_or_insert(summary.began_at);
            self.last = Some(summary.ended_at);
            self.took.push(seconds(summary.began_at, summary.ended_at));
            self.figures.incidents += u64::from(summary.incident);
        }
    }

    fn go_forward(&mut self, summary: &Summary, counted: bool) {
        let traffic = summary.traffic_at;
        if counted {
            self.figures.deployments += 1;
            self.figures.with_traffic += u64::from(traffic.is_some());
            match summary.outcome {
                Outcome::Succeeded => self.figures.succeeded += 1,
                Outcome::RolledBack => self.figures.rolled_back += 1,
                Outcome::Failed | Outcome::Unchanged => self.figures.failed += 1,
            }
        }
        let bad = traffic.map(|from| Bad { from, counted });
        match summary.outcome {
            Outcome::Succeeded => {
                self.restored(summary.ended_at);
                self.live = bad;
                if let Some(committed) = summary.committed_at.filter(|_| counted) {
                    let changed = summary.changed_at.unwrap_or(summary.began_at);
                    self.lead.push(seconds(changed, committed));
                }
            }
            Outcome::RolledBack => {
                self.failure(bad);
                self.broken = bad;
                self.restored(summary.ended_at);
            }
            Outcome::Failed | Outcome::Unchanged => {}
        }
    }

    /// A rollback that succeeded says that what was live was bad.
    fn go_back(&mut self, summary: &Summary, counted: bool) {
        self.figures.rollbacks += u64::from(counted);
        if summary.outcome == Outcome::Succeeded {
            let bad = self.live.take();
            self.failure(bad);
            self.broken = bad;
            self.restored(summary.ended_at);
        }
    }

    fn failure(&mut self, bad: Option<Bad>) {
        self.figures.change_failures += u64::from(bad.is_some_and(|bad| bad.counted));
    }

    fn restored(&mut self, at: Timestamp) {
        if let Some(bad) = self.broken.take().filter(|bad| bad.counted) {
            self.restore.push(seconds(bad.from, at));
        }
    }

    fn finish(self, environment: &str) -> DeploymentAnalytics {
        let Self { figures, since, until, first, last, .. } = self;
        let span = since.or(first).zip(until.or(last));
        let days = span.map(|(from, to)| (seconds(from, to) / 86_400.0).max(1.0));
        let share = |part: u64, whole: u64| (whole > 0).then(|| float(part) / float(whole));
        DeploymentAnalytics {
            environment: environment.to_owned(),
            since,
            until,
            success_rate: share(figures.succeeded, figures.deployments),
            change_failure_rate: share(figures.change_failures, figures.with_traffic),
            per_day: days.map(|days| float(figures.succeeded) / days),
            lead_time: DurationFigures::of(self.lead),
            time_to_restore: DurationFigures::of(self.restore),
            duration: DurationFigures::of(self.took),
            ..figures
        }
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    let took = to.duration_since(from).max(SignedDuration::ZERO);
    Duration::try_from(took).unwrap_or_default().as_secs_f64()
}

/// Counts of deployments are far below what a float holds exactly.
fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
