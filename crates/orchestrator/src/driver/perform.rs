//! Carries out effects, and notes what came of tasks.

use std::sync::Arc;
use std::time::Duration;

use evergen_events::{Coalescer, CoalescerSettings, LogEntry, OffsetSet};
use evergen_regeneration::{QueuedEvent, Regenerated, Verdict, Work, WorkKey};
use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use super::engine::{Committed, DIRECT, Engine, Spawned};
use super::graves::{DeadEvent, DeadTry};
use super::journal::{ChangedArtifact, CycleOutcome, CycleSummary, Draft, ParallelExecution};
use super::meter::cpu_time;
use super::record;
use super::task::{self, Deploys, TaskEnd};
use super::token::CommitToken;
use crate::cost::Cost;
use crate::scheduler::{
    Burial, Component, CycleEnd, CycleId, Effect, Ending, Failure, FailureKind, Input, Notice,
    Outcome, TaskId,
};
use crate::statistics::Tally;

impl Engine {
    pub(super) fn perform(&mut self, effect: Effect<WorkKey>) {
        match effect {
            Effect::Start { task, cycle, key, offsets, attempt } => {
                self.start(task, cycle, key, &offsets, attempt);
            }
            Effect::Deploy { task, cycle, .. } => self.deploy(task, cycle),
            Effect::Revoke { task } => self.revoke(task),
            Effect::Retry { cycle, key, at, attempt, failure, .. } => {
                self.tried_in_vain(cycle, &failure);
                self.shared.count(Tally::Retried);
                let pause = at.saturating_sub(self.shared.now());
                record::retried(&self.shared, key.as_str(), attempt, pause, &failure);
            }
            Effect::Settled { task, cycle, key, offsets, ending, .. } => {
                self.settled(task, cycle, &key, offsets.len(), &ending);
            }
            Effect::Acknowledge { errand, offsets } => {
                for offset in &offsets {
                    self.entries.remove(offset);
                }
                let from_log = offsets.into_iter().filter(|offset| *offset < DIRECT).collect();
                let answer = self.desk.acknowledge(errand, from_log);
                self.inputs
                    .extend(answer.map(|(errand, result)| Input::ErrandDone { errand, result }));
            }
            Effect::Bury { errand, burial } => {
                let answer = self.desk.bury(errand, self.dead_events(&burial));
                self.inputs
                    .extend(answer.map(|(errand, result)| Input::ErrandDone { errand, result }));
            }
            Effect::CycleOpened { cycle } => {
                self.meter.open(cycle, cpu_time());
                self.drafts.insert(cycle, Draft::new(Timestamp::now()));
            }
            Effect::CycleEnded(end) => self.cycle_ended(&end),
            Effect::LimitChanged(change) => record::limit_changed(&self.shared, &change),
            Effect::BreakerMoved { component, open } => {
                record::breaker_moved(&self.shared, component, open);
            }
            Effect::Notice(notice) => self.notice(&notice),
            Effect::Stopped { abandoned } => self.abandoned = Some(abandoned),
        }
    }

    fn start(&mut self, task: TaskId, cycle: CycleId, key: WorkKey, offsets: &[u64], attempt: u32) {
        let entries: Vec<LogEntry> =
            offsets.iter().filter_map(|offset| self.entries.get(offset).cloned()).collect();
        if let Some(draft) = self.drafts.get_mut(&cycle) {
            for entry in &entries {
                draft.cause(&entry.event.subject);
            }
        }
        self.shared.count(Tally::Triggered);
        let execution = Uuid::now_v7();
        let id = self.drafts.get(&cycle).map(|draft| draft.id);
        record::task_started(&self.shared, id, &key, &entries, attempt);
        let work = Work::new(execution, key, merged(entries), attempt).within(id);
        let token = Arc::new(CommitToken::new());
        let future = task::regenerate(
            Arc::clone(&self.shared.regeneration),
            self.shared.gates.clone(),
            work,
            Arc::clone(&token),
            self.deploys(),
        );
        let abort = self.tasks.spawn(async move { (task, future.await) });
        self.keep(
            task,
            Spawned { abort, token, cycle, execution, deploys: false, began: Instant::now() },
        );
    }

    /// The environments to which each cycle is deployed, in the order in which they are.
    fn environments(&self) -> Vec<String> {
        let mut environments = self.shared.deployment.automatic();
        if let Some(other) = &self.shared.config.auto_deploy
            && !environments.contains(other)
        {
            environments.push(other.clone());
        }
        environments
    }

    /// What follows from a commit.
    fn deploys(&self) -> Deploys {
        if self.environments().is_empty() {
            return Deploys::Nothing;
        }
        Deploys::Changes(Arc::clone(&self.shared.deployment))
    }

    fn deploy(&mut self, task: TaskId, cycle: CycleId) {
        let mut due = self.environments();
        let Some(committed) = self.committed.get_mut(&task) else {
            // It can't be: only what was committed is deployed, and it is kept until it settles.
            tracing::error!(task = task.0, "there is nothing to deploy");
            self.inputs.push(Input::Ended { task, outcome: Outcome::Done { deploy: false } });
            return;
        };
        committed.begun = true;
        let execution = committed.execution;
        let refused = committed.refused.clone();
        let settled = |name: &String| {
            committed.done.contains(name) || refused.iter().any(|(other, _)| other == name)
        };
        due.retain(|name| !settled(name));
        let future = task::deploy(
            Arc::clone(&self.shared.deployment),
            due,
            execution,
            Arc::clone(&committed.changes),
            refused,
        );
        let abort = self.tasks.spawn(async move { (task, future.await) });
        let token = Arc::new(CommitToken::new());
        self.keep(
            task,
            Spawned { abort, token, cycle, execution, deploys: true, began: Instant::now() },
        );
    }

    fn keep(&mut self, task: TaskId, spawned: Spawned) {
        self.ids.insert(spawned.abort.id(), task);
        self.spawned.insert(task, spawned);
    }

    fn revoke(&mut self, task: TaskId) {
        // Without an entry it has ended, and that is among the inputs.
        let Some(spawned) = self.spawned.get(&task) else { return };
        self.inputs.push(if spawned.token.revoke() {
            spawned.abort.abort();
            Input::Revoked { task }
        } else {
            Input::Committing { task }
        });
    }

    /// Notes what came of a task, and gives what the scheduler is to know.
    pub(super) fn landed(&mut self, task: TaskId, end: TaskEnd) -> Outcome {
        let Some(spawned) = self.spawned.remove(&task) else { return end.outcome };
        let took = spawned.began.elapsed();
        let id = self.drafts.get(&spawned.cycle).map(|draft| draft.id);
        record::task_ended(&self.shared, id, spawned.deploys, took, &end);
        if let Some(draft) = self.drafts.get_mut(&spawned.cycle) {
            end.times.iter().for_each(|(name, time)| draft.phase(name, time.as_secs_f64() * 1e3));
            if let Some(regenerated) = &end.regenerated {
                note(draft, regenerated);
            }
        }
        let outcome = if spawned.deploys {
            self.deployment_landed(task, end)
        } else {
            self.regeneration_landed(task, &spawned, end, took)
        };
        of_component(outcome, spawned.deploys)
    }

    fn regeneration_landed(
        &mut self,
        task: TaskId,
        spawned: &Spawned,
        end: TaskEnd,
        took: Duration,
    ) -> Outcome {
        if let Some(regenerated) = &end.regenerated {
            let mut seen = self.shared.seen();
            for times in &regenerated.generators {
                let time = Duration::try_from_secs_f64(times.render_ms / 1e3).unwrap_or_default();
                seen.statistics.costs.generator(&times.generator, Cost::cpu(time));
            }
            seen.gathered.rendered += regenerated.counts.rendered;
            seen.gathered.unchanged += regenerated.counts.unchanged;
        }
        if matches!(end.outcome, Outcome::Done { .. }) {
            self.shared.count(Tally::Succeeded);
            let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            self.shared.seen().gathered.tasks.record(nanoseconds);
        }
        if let Some(changes) = end.committed {
            let execution = spawned.execution;
            let (done, refused) = (Vec::new(), Vec::new());
            let committed = Committed { execution, changes, begun: false, done, refused };
            self.committed.insert(task, committed);
        }
        end.outcome
    }

    fn deployment_landed(&mut self, task: TaskId, end: TaskEnd) -> Outcome {
        for (environment, took) in end.deployed {
            self.shared.count(Tally::Deployed);
            self.shared.seen().statistics.costs.environment(&environment, Cost::wall(took));
            if let Some(committed) = self.committed.get_mut(&task) {
                committed.done.push(environment);
            }
        }
        if let Some(committed) = self.committed.get_mut(&task) {
            committed.refused = end.refused;
        }
        end.outcome
    }

    /// Counts a failed try, whatever follows from it.
    fn tried_in_vain(&mut self, cycle: CycleId, failure: &Failure) {
        let deployment = failure.component == Component::Deployment;
        self.shared.count(if deployment { Tally::DeploymentFailed } else { Tally::Failed });
        match failure.kind {
            FailureKind::TimedOut | FailureKind::Unknown => self.shared.count(Tally::TimedOut),
            FailureKind::Panic => self.shared.count(Tally::Panicked),
            FailureKind::Passing | FailureKind::Lasting => {}
        }
        if let Some(draft) = self.drafts.get_mut(&cycle) {
            draft.error(|| format!("{}: {}", failure.component.name(), failure.error));
        }
    }

    fn settled(
        &mut self,
        task: TaskId,
        cycle: CycleId,
        key: &WorkKey,
        events: usize,
        ending: &Ending,
    ) {
        self.committed.remove(&task);
        let events = events as u64;
        self.shared.count(Tally::Events(events));
        match ending {
            Ending::Done => {}
            Ending::Refused(failure) => self.tried_in_vain(cycle, failure),
            Ending::Buried(failure) => {
                self.tried_in_vain(cycle, failure);
                self.shared.count(Tally::DeadLetters(events));
                record::buried(&self.shared, key.as_str(), events, failure);
            }
        }
    }

    fn dead_events(&self, burial: &Burial<WorkKey>) -> Vec<DeadEvent> {
        let (now, wall) = (self.shared.now(), Timestamp::now());
        let tries: Vec<DeadTry> = burial
            .history
            .iter()
            .map(|attempt| {
                let ago = now.saturating_sub(attempt.at);
                let at = wall.checked_sub(ago).unwrap_or(wall);
                let component = attempt.failure.component.name();
                DeadTry::new(attempt.attempt, at, component, attempt.failure.error.to_string())
            })
            .collect();
        let entries = burial.offsets.iter().filter_map(|offset| self.entries.get(offset));
        entries
            .map(|entry| {
                let offset = (entry.offset < DIRECT).then_some(entry.offset);
                DeadEvent::new(offset, Arc::clone(&entry.event), tries.clone(), wall)
            })
            .collect()
    }

    fn cycle_ended(&mut self, end: &CycleEnd) {
        let Some(draft) = self.drafts.remove(&end.cycle) else { return };
        let took = end.ended.saturating_sub(end.opened);
        let cost = Cost::cpu(self.meter.close(end.cycle, cpu_time()))
            .with_wall(took)
            .with_peak_memory(record::memory_in_use(self.shared.now()))
            .with_bytes_written(draft.bytes_written);
        let over_target = took > Duration::from_millis(self.shared.config.target_cycle_ms);
        record::cycle_ended(&self.shared, draft.id, end, took, over_target, &cost);
        if let Some(reply) = self.waiters.remove(&end.cycle) {
            // Who waited may be gone.
            let _ = reply.send(execution(end, &draft, took));
        }
        let summary = summary(end, draft, took);
        let now = self.shared.now();
        let mut seen = self.shared.seen();
        seen.statistics.count(Tally::Cycle { took, over_target }, now);
        seen.statistics.costs.cycle(cost);
        seen.journal.add(summary);
    }

    fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::DeploymentWaits { cycle } => {
                if let Some(draft) = self.drafts.get_mut(cycle) {
                    draft.error(|| {
                        "deployment: it waits, since deployments have failed too often of late; it \
                         is tried again by itself"
                            .to_owned()
                    });
                }
            }
            Notice::ErrandFailed { .. } => self.shared.seen().gathered.failed_errands += 1,
            // What a lost commit has left: its events are dealt with, and nobody deploys it.
            Notice::Late { task }
                if self.committed.get(task).is_some_and(|committed| !committed.begun) =>
            {
                self.committed.remove(task);
            }
            _ => {}
        }
        record::notice(&self.shared, notice);
    }
}

/// A panic does not know where it happened.
fn of_component(outcome: Outcome, deploys: bool) -> Outcome {
    match outcome {
        Outcome::Failed(failure) if failure.kind == FailureKind::Panic && deploys => {
            Outcome::Failed(Failure { component: Component::Deployment, ..failure })
        }
        other => other,
    }
}

/// Events of one subject become one; those that say which quads came and went are handed over
/// one after the other.
///
/// A delta says what its sender saw. One that was published twice inserts what is there
/// already, and netted with a later removal of that quad both would vanish, and the quad stay:
/// only whoever has the store can net them.
fn merged(entries: Vec<LogEntry>) -> Vec<QueuedEvent> {
    let alone = |entry: LogEntry| {
        QueuedEvent::new(OffsetSet::from_iter([entry.offset]), Arc::clone(&entry.event))
    };
    let is_exact = entries.iter().any(|entry| entry.event.delta.is_some());
    if is_exact || entries.len() < 2 {
        return entries.into_iter().map(alone).collect();
    }
    let settings = CoalescerSettings::default().with_capacity(entries.len().max(1));
    let Ok(mut coalescer) = Coalescer::new(settings) else {
        return entries.into_iter().map(alone).collect();
    };
    let mut queued: Vec<QueuedEvent> = Vec::new();
    for entry in entries {
        if let Err(unmerged) = coalescer.push(entry, Duration::ZERO) {
            queued.push(alone(*unmerged));
        }
    }
    let merged = coalescer.flush(Duration::ZERO).into_iter();
    queued.extend(merged.map(|it| QueuedEvent::new(it.offsets, Arc::new(it.event))));
    queued.sort_by_key(|event| event.offsets.ranges().next().map(|range| range.start));
    queued
}

fn note(draft: &mut Draft, regenerated: &Regenerated) {
    draft.written += regenerated.counts.written;
    draft.deleted += regenerated.counts.deleted;
    draft.bytes_written += regenerated.bytes_written;
    for (name, time) in &regenerated.phases {
        // The whole of it is timed as `commit` already.
        if *name != "commit" {
            draft.phase(name, time.as_secs_f64() * 1e3);
        }
    }
    if let Verdict::Incomplete { left } = &regenerated.verdict {
        for left in left {
            draft.left(left);
        }
    }
    for change in &regenerated.changes {
        draft.change(|| ChangedArtifact {
            path: change.path.clone(),
            action: word(&change.action),
            reason: word(&change.reason),
        });
    }
}

/// How serde writes a value, in words.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(value) => value.to_string(),
        Err(_) => String::new(),
    }
}

fn execution(end: &CycleEnd, draft: &Draft, took: Duration) -> ParallelExecution {
    ParallelExecution {
        execution_id: draft.id,
        started_at: draft.started_at,
        completed_at: after(draft.started_at, took),
        duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        tasks_executed: end.executed,
        tasks_succeeded: end.succeeded,
        tasks_failed: end.failed,
        parallelism: end.parallelism,
    }
}

fn summary(end: &CycleEnd, draft: Draft, took: Duration) -> CycleSummary {
    CycleSummary {
        id: draft.id,
        started_at: draft.started_at,
        completed_at: after(draft.started_at, took),
        duration_ms: took.as_secs_f64() * 1e3,
        events: end.events,
        causes: draft.causes,
        changes: draft.changes,
        written: draft.written,
        deleted: draft.deleted,
        phases_ms: draft.phases_ms,
        tasks_executed: end.executed,
        tasks_succeeded: end.succeeded,
        tasks_failed: end.failed,
        outcome: CycleOutcome::of(end.succeeded, end.failed),
        errors: draft.errors,
        left: draft.left,
    }
}

/// The wall clock may have been set meanwhile; durations are those of the other clock.
fn after(start: Timestamp, took: Duration) -> Timestamp {
    start.checked_add(took).unwrap_or(start)
}
