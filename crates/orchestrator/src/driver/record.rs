//! What the loop tells telemetry and the program's log.

use std::sync::Mutex;
use std::time::Duration;

use evergen_events::LogEntry;
use evergen_regeneration::WorkKey;
use evergen_telemetry::{Body, BreakerState, Costs, ErrorKind, Target, TelemetryEvent};
use uuid::Uuid;

use super::shared::Shared;
use super::task::{Judged, TaskEnd};
use crate::cost::Cost;
use crate::limiter::LimitChange;
use crate::scheduler::{Component, CycleEnd, Failure, FailureKind, Notice, Outcome, SchedulerView};

const LOOP: &str = "orchestrator";

pub(super) fn started(shared: &Shared) {
    let config = serde_json::to_string(&shared.config).unwrap_or_default();
    tracing::info!(config, "the loop starts");
    let event = TelemetryEvent::new(LOOP, Body::RegenerationStarted { events: 0, attempt: 0 });
    shared.telemetry.record(event.message(config));
}

pub(super) fn stopped(shared: &Shared) {
    tracing::info!("the loop has stopped");
    let body = Body::RegenerationCompleted {
        evaluated: 0,
        rendered: 0,
        written: 0,
        deleted: 0,
        refused: 0,
    };
    // Without an outcome: it is the end of the loop, and no piece of work.
    shared.telemetry.record(TelemetryEvent::new(LOOP, body).message("the loop has stopped"));
}

pub(super) fn task_started(
    shared: &Shared,
    cycle: Option<Uuid>,
    key: &WorkKey,
    entries: &[LogEntry],
    attempt: u32,
) {
    tracing::debug!(%key, events = entries.len(), attempt, "a task starts");
    let body = Body::RegenerationStarted { events: narrow(entries.len() as u64), attempt };
    let mut event = TelemetryEvent::new(Component::Regeneration.name(), body);
    if let Some(cycle) = cycle {
        event = event.cycle(cycle);
    }
    if let Some(first) = entries.first() {
        event = event.event(first.event.id);
        if let Some(correlation) = first.event.correlation_id {
            event = event.correlation(correlation);
        }
    }
    shared.telemetry.record(event);
}

pub(super) fn task_ended(
    shared: &Shared,
    cycle: Option<Uuid>,
    deploys: bool,
    took: Duration,
    end: &TaskEnd,
) {
    if let Some(Judged { gates, refused, at }) = end.gates {
        let time = end.times.iter().find(|(name, _)| *name == "gates");
        let event =
            TelemetryEvent::new(Component::Gates.name(), Body::GatesJudged { gates, refused });
        let time = time.map_or(Duration::ZERO, |(_, time)| *time);
        let event =
            if refused == 0 { event.succeeded(time) } else { event.failed(time, ErrorKind::Gate) };
        shared.telemetry.record(in_cycle(event.at(at), cycle));
    }
    let (component, body) = if deploys {
        (Component::Deployment, Body::DeploymentCompleted)
    } else {
        let counts = end.regenerated.as_ref().map(|it| it.counts).unwrap_or_default();
        let body = Body::RegenerationCompleted {
            evaluated: narrow(counts.evaluated),
            rendered: narrow(counts.rendered),
            written: narrow(counts.written),
            deleted: narrow(counts.deleted),
            refused: narrow(counts.refused),
        };
        (Component::Regeneration, body)
    };
    let event = TelemetryEvent::new(component.name(), body);
    let event = match &end.outcome {
        Outcome::Done { .. } => event.succeeded(took),
        Outcome::Refused(failure) | Outcome::Failed(failure) => {
            event.failed(took, kind(failure)).message(failure.error.as_ref())
        }
        Outcome::Cancelled => event.outcome(evergen_telemetry::Outcome::Cancelled).took(took),
    };
    shared.telemetry.record(in_cycle(event, cycle));
}

pub(super) fn retried(
    shared: &Shared,
    key: &str,
    attempt: u32,
    pause: Duration,
    failure: &Failure,
) {
    tracing::warn!(key, attempt, ?pause, error = %failure.error, "a task failed and is tried again");
    let delay_ms = u32::try_from(pause.as_millis()).unwrap_or(u32::MAX);
    let body = Body::Retried { attempt: attempt + 1, delay_ms };
    let event = TelemetryEvent::new(failure.component.name(), body).subject(key);
    shared.telemetry.record(event.message(failure.error.as_ref()));
}

pub(super) fn buried(shared: &Shared, key: &str, events: u64, failure: &Failure) {
    tracing::error!(key, events, error = %failure.error, "events failed for good");
    let event = TelemetryEvent::new(
        failure.component.name(),
        Body::DeadLettered { attempts: narrow(events) },
    )
    .failed(Duration::ZERO, kind(failure))
    .subject(key)
    .message(failure.error.as_ref());
    shared.telemetry.record(event);
}

pub(super) fn cycle_ended(
    shared: &Shared,
    id: Uuid,
    end: &CycleEnd,
    took: Duration,
    over_target: bool,
    cost: &Cost,
) {
    let body = Body::CycleCompleted {
        events: narrow(end.events as u64),
        succeeded: narrow(end.succeeded as u64),
        failed: narrow(end.failed as u64),
    };
    let costs = Costs::default()
        .cpu(Duration::from_micros(cost.cpu_us))
        .peak_memory(cost.peak_memory)
        .written(cost.bytes_written);
    let event = TelemetryEvent::new(LOOP, body).cycle(id).costs(costs);
    shared.telemetry.record(if end.failed == 0 {
        event.succeeded(took)
    } else {
        event.failed(took, ErrorKind::Other)
    });
    if over_target {
        let target = shared.config.target_cycle_ms;
        tracing::warn!(cycle = %id, ?took, target_ms = target, "a cycle took longer than it should");
        #[expect(clippy::cast_precision_loss, reason = "a day at most")]
        let wanted = target as f64;
        let measured = took.as_secs_f64() * 1e3;
        let body = Body::PerformanceWarning { target: Target::ResponseTime, wanted, measured };
        let mut event = TelemetryEvent::new(LOOP, body).cycle(id);
        for recommendation in &shared.seen().recommendations {
            event = event
                .suggestion(format!("{:?}: {}", recommendation.advice, recommendation.evidence));
        }
        shared.telemetry.record(event);
    }
}

pub(super) fn sampled(shared: &Shared, view: &SchedulerView) {
    let capacity = shared.config.queue_capacity as u64;
    let waiting = Body::QueueSampled { depth: view.in_hand as u64, capacity };
    shared.telemetry.record(TelemetryEvent::new(LOOP, waiting));
    let used = Body::SaturationSampled { busy: view.working as u64, limit: view.limit as u64 };
    shared.telemetry.record(TelemetryEvent::new(LOOP, used));
}

pub(super) fn limit_changed(shared: &Shared, change: &LimitChange) {
    let LimitChange { from, to, reason, throughput, .. } = *change;
    tracing::debug!(from, to, ?reason, ?throughput, "another number of tasks may run at once");
    let wide = |limit: usize| f64::from(narrow(limit as u64));
    let body = Body::SettingChanged { from: wide(from), to: wide(to) };
    let reason = format!("{reason:?} at {:.0} tasks/s", throughput.unwrap_or(0.0));
    shared.telemetry.record(TelemetryEvent::new(LOOP, body).subject("limit").message(reason));
}

pub(super) fn breaker_moved(shared: &Shared, component: Component, open: bool) {
    let name = component.name();
    let (from, to) = if open {
        tracing::warn!(component = name, "left alone, as it keeps failing");
        (BreakerState::Closed, BreakerState::Open)
    } else {
        tracing::info!(component = name, "works again");
        (BreakerState::HalfOpen, BreakerState::Closed)
    };
    let event = TelemetryEvent::new(name, Body::BreakerChanged { from, to });
    shared.telemetry.record(event.subject(name));
}

pub(super) fn notice(shared: &Shared, notice: &Notice) {
    match notice {
        // Seen again after a lag; harmless.
        Notice::Duplicate { offset } => tracing::debug!(offset, "an event came in twice"),
        Notice::Late { task } => {
            tracing::debug!(task = task.0, "a task ended after it was given up");
        }
        Notice::Overflow { offset } => tracing::error!(offset, "an event came in without room"),
        Notice::DeploymentWaits { .. } => {
            tracing::warn!("a deployment waits, since deployments have failed too often");
        }
        Notice::TimedOut { task } => {
            tracing::warn!(task = task.0, "a task was not done in its time");
        }
        Notice::CommitOverdue { task } => {
            alert(shared, &format!("the commit of task {} is overdue", task.0));
        }
        Notice::Lost { task } => alert(shared, &format!("task {} does not end", task.0)),
        Notice::ErrandFailed { tries, error, .. } => {
            tracing::error!(tries, %error, "events can't be acknowledged or kept; tried again");
        }
    }
}

fn alert(shared: &Shared, text: &str) {
    tracing::error!("{text}");
    let event = TelemetryEvent::new(LOOP, Body::PerformanceAlert { success_rate: 0.0, of: 0 });
    shared.telemetry.record(event.message(text));
}

fn in_cycle(event: TelemetryEvent, cycle: Option<Uuid>) -> TelemetryEvent {
    match cycle {
        Some(cycle) => event.cycle(cycle),
        None => event,
    }
}

fn kind(failure: &Failure) -> ErrorKind {
    match (failure.kind, failure.component) {
        (FailureKind::TimedOut | FailureKind::Unknown, _) => ErrorKind::Timeout,
        (FailureKind::Panic, _) => ErrorKind::Panic,
        (FailureKind::Lasting, Component::Regeneration) => ErrorKind::Model,
        (_, Component::Gates) => ErrorKind::Gate,
        (_, Component::Deployment) => ErrorKind::Deployment,
        (_, Component::Regeneration) => ErrorKind::Io,
    }
}

fn narrow(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Memory of this process, looked at ten times a second at most: a cycle may take a microsecond.
pub(super) fn memory_in_use(now: Duration) -> u64 {
    static LAST: Mutex<(Duration, u64)> = Mutex::new((Duration::ZERO, 0));
    let mut last = LAST.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if last.1 == 0 || now.saturating_sub(last.0) >= Duration::from_millis(100) {
        *last = (now, crate::health::memory_used().unwrap_or(0));
    }
    last.1
}
