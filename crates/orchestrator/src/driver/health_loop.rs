use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use evergen_telemetry::{Body, Health, TelemetryEvent};
use futures::future::FutureExt;
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

use super::meter::cpu_time;
use super::shared::{Gathered, Shared};
use crate::health::{HealthInput, HealthReport, HealthRules, HealthStatus, Resources};
use crate::recommend::{Evidence, recommend};
use crate::statistics::OrchestrationStats;

/// Looking at the system takes no longer than this, or is given up.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// Judges the health of the loop now and then, beside it: it only reads what the loop leaves.
/// A check that fails or panics is told of, and the next one comes all the same. It ends with
/// whoever holds the other end of `left`, and never in the middle of writing statistics down.
pub(super) async fn run(shared: Arc<Shared>, mut before: Mark, mut left: oneshot::Receiver<()>) {
    let interval = Duration::from_secs(shared.config.health_check_interval_secs);
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = &mut left => return,
            _ = ticks.tick() => {}
        }
        let mark = Mark::of(&shared);
        let check = AssertUnwindSafe(check(&shared, &before, &mark)).catch_unwind();
        tokio::select! {
            _ = &mut left => return,
            checked = check => if checked.is_err() {
                tracing::error!("a health check panicked");
            },
        }
        keep_statistics(&shared).await;
        before = mark;
    }
}

/// Where the counts stood at a check.
pub(super) struct Mark {
    at: Duration,
    cpu: Duration,
    stats: OrchestrationStats,
    gathered: Gathered,
    busy: bool,
}

impl Mark {
    pub(super) fn of(shared: &Shared) -> Self {
        let at = shared.now();
        let seen = shared.seen();
        let view = &seen.view;
        Self {
            at,
            cpu: cpu_time(),
            stats: seen.statistics.snapshot(at),
            gathered: seen.gathered.clone(),
            busy: view.working > 0 || (view.ready > 0 && !view.paused),
        }
    }
}

async fn check(shared: &Shared, before: &Mark, mark: &Mark) {
    let input = input(shared, before, mark, look(shared).await);
    let report = HealthRules::default().judge(&input);
    record(shared, &input, &report);
    let recommendations = recommend(&evidence(shared, before, mark));
    let mut seen = shared.seen();
    seen.health = report;
    seen.recommendations = recommendations;
}

async fn look(shared: &Shared) -> Resources {
    let probe = Arc::clone(&shared.resources);
    let look = tokio::task::spawn_blocking(move || probe.look());
    match tokio::time::timeout(LOOK_TIMEOUT, look).await {
        Ok(Ok(resources)) => resources,
        Ok(Err(error)) => {
            tracing::error!(%error, "looking at the system failed");
            Resources::unknown()
        }
        Err(_) => Resources::unknown(),
    }
}

fn input(shared: &Shared, before: &Mark, mark: &Mark, resources: Resources) -> HealthInput {
    let (old, new) = (&before.stats, &mark.stats);
    let cycles = new.total_cycles - old.total_cycles;
    let spent = |stats: &OrchestrationStats| {
        stats.avg_cycle_time_ms * f64::from(u32::try_from(stats.total_cycles).unwrap_or(u32::MAX))
    };
    let average = (spent(new) - spent(old)) / f64::from(u32::try_from(cycles.max(1)).unwrap_or(1));
    HealthInput {
        interval: mark.at.saturating_sub(before.at),
        cycles,
        average_cycle: Duration::try_from_secs_f64(average / 1e3).unwrap_or_default(),
        target: Duration::from_millis(shared.config.target_cycle_ms),
        had_work: before.busy && mark.busy,
        succeeded: new.regenerations_succeeded - old.regenerations_succeeded,
        failed: new.regenerations_failed - old.regenerations_failed,
        open_breakers: shared.seen().view.open_breakers.clone(),
        failed_errands: mark.gathered.failed_errands - before.gathered.failed_errands,
        failed_reads: mark.gathered.failed_reads - before.gathered.failed_reads,
        resources,
    }
}

fn evidence(shared: &Shared, before: &Mark, mark: &Mark) -> Evidence {
    let wall = mark.at.saturating_sub(before.at).as_secs_f64().max(1e-9);
    let cpu = mark.cpu.saturating_sub(before.cpu).as_secs_f64();
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let processors = f64::from(u32::try_from(processors).unwrap_or(1));
    let saturated = mark.gathered.saturated.saturating_sub(before.gathered.saturated);
    let stats = &mark.stats;
    let rendering = stats.costs.generators.iter();
    let p95 = mark.gathered.tasks.percentile(95.0).unwrap_or(0);
    Evidence {
        cycles: stats.total_cycles,
        max_concurrent: shared.config.max_concurrent,
        saturation: (saturated.as_secs_f64() / wall).min(1.0),
        processors_busy: (cpu > 0.0).then(|| (cpu / wall / processors).min(1.0)),
        average_cycle: Duration::try_from_secs_f64(stats.avg_cycle_time_ms / 1e3)
            .unwrap_or_default(),
        target: Duration::from_millis(shared.config.target_cycle_ms),
        rendering: rendering
            .map(|(name, cost)| (name.clone(), Duration::from_micros(cost.cpu_us)))
            .collect(),
        rendered: mark.gathered.rendered,
        unchanged: mark.gathered.unchanged,
        tries: stats.regenerations_succeeded + stats.regenerations_failed,
        timeouts: stats.timeouts,
        p95_task: Duration::from_nanos(p95),
        task_timeout: Duration::from_millis(shared.config.task_timeout_ms),
    }
}

fn record(shared: &Shared, input: &HealthInput, report: &HealthReport) {
    let health = match report.status {
        HealthStatus::Healthy => Health::Healthy,
        HealthStatus::Warning => Health::Degraded,
        HealthStatus::Alert | HealthStatus::Critical => Health::Unhealthy,
    };
    let all = input.succeeded + input.failed;
    let wide = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let success_rate = if all == 0 { 1.0 } else { wide(input.succeeded) / wide(all) };
    let seconds = input.interval.as_secs_f64().max(1e-9);
    let body = Body::PerformanceMetric {
        health,
        success_rate,
        average_ms: input.average_cycle.as_secs_f64() * 1e3,
        throughput: wide(all) / seconds,
        queue_depth: shared.seen().view.in_hand as u64,
    };
    shared.telemetry.record(TelemetryEvent::new("orchestrator", body));
    if report.status < HealthStatus::Alert && success_rate >= 0.9 {
        for finding in &report.findings {
            tracing::warn!(status = ?finding.status, finding.text, "the loop is not as it should be");
        }
        return;
    }
    let mut alert =
        TelemetryEvent::new("orchestrator", Body::PerformanceAlert { success_rate, of: all });
    for finding in &report.findings {
        tracing::error!(status = ?finding.status, finding.text, "the loop is not as it should be");
        alert = alert.message(finding.text.as_str());
    }
    for component in &input.open_breakers {
        alert = alert.concerns(component.name());
    }
    for error in patterns(shared) {
        alert = alert.pattern(error);
    }
    shared.telemetry.record(alert);
}

/// The latest different errors.
fn patterns(shared: &Shared) -> Vec<String> {
    let mut patterns: Vec<String> = Vec::new();
    for cycle in shared.seen().journal.recent().iter().rev() {
        for error in &cycle.errors {
            if patterns.len() < 5 && !patterns.contains(error) {
                patterns.push(error.clone());
            }
        }
    }
    patterns
}

/// Writes statistics to their file, if they have one. A failure is told of, and no more.
pub(super) async fn keep_statistics(shared: &Arc<Shared>) {
    let Some(file) = shared.file.clone() else { return };
    let stats = shared.seen().statistics.snapshot(shared.now());
    let stored = tokio::task::spawn_blocking(move || file.store(&stats)).await;
    match stored {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(error = super::task::chain(&error), "statistics are not kept");
        }
        Err(error) => tracing::error!(%error, "statistics are not kept"),
    }
}
