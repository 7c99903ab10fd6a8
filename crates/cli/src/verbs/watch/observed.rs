//! Keeps what the engine said besides its figures, for the eyes of whoever watches.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use evergen_artifact::ProposedChanges;
use evergen_events::ChangeEvent;
use evergen_regeneration::{
    Diagnostic, Prepared, RegenerateError, Regenerated, Regenerator, Verdict, Work, WorkKey,
};
use evergen_telemetry::{Body, TelemetryCollector, TelemetryEvent};
use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use uuid::Uuid;

use crate::environments::AutomaticDeployments;

/// How many findings of a cycle are kept until somebody takes them.
const MOST: usize = 200;
/// How many of all cycles.
const MOST_OF_ALL: usize = 4 * MOST;

/// A regenerator that keeps the findings of another one, and records what each generator and
/// query took.
pub(super) struct Observed<R> {
    inner: R,
    findings: Findings,
    telemetry: TelemetryCollector,
    deployments: AutomaticDeployments,
}

/// What was found and is not taken yet, by cycle, and which files are declared. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings(Arc<Mutex<Found>>);

#[derive(Debug, Default)]
struct Found {
    diagnostics: VecDeque<(Uuid, Diagnostic)>,
    declared: Option<Vec<PathBuf>>,
}

impl Findings {
    /// What was found in a cycle.
    pub(super) fn take(&self, cycle: Uuid) -> Vec<Diagnostic> {
        let mut found = self.lock();
        let all = std::mem::take(&mut found.diagnostics);
        let (taken, others): (VecDeque<_>, _) =
            all.into_iter().partition(|(known, _)| *known == cycle);
        found.diagnostics = others;
        taken.into_iter().map(|(_, diagnostic)| diagnostic).collect()
    }

    /// The files besides those of the settings on which artifacts depend, if that is known.
    pub(super) fn declared(&self) -> Option<Vec<PathBuf>> {
        self.lock().declared.clone()
    }

    fn add(&self, cycle: Uuid, diagnostics: &[Diagnostic]) {
        let mut found = self.lock();
        let known = found.diagnostics.iter().filter(|(known, _)| *known == cycle).count();
        let new = diagnostics.iter().take(MOST.saturating_sub(known));
        found.diagnostics.extend(new.map(|diagnostic| (cycle, diagnostic.clone())));
        // A cycle of which nobody was told.
        let surplus = found.diagnostics.len().saturating_sub(MOST_OF_ALL);
        found.diagnostics.drain(..surplus);
    }

    fn declare(&self, declared: Option<&Vec<PathBuf>>) {
        if let Some(declared) = declared {
            self.lock().declared = Some(declared.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Found> {
        // Nothing under this lock can leave it half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R> Observed<R> {
    pub(super) fn new(
        inner: R,
        findings: Findings,
        telemetry: TelemetryCollector,
        deployments: AutomaticDeployments,
    ) -> Self {
        Self { inner, findings, telemetry, deployments }
    }
}

impl<R: Regenerator> Regenerator for Observed<R> {
    fn key(&self, event: &ChangeEvent) -> WorkKey {
        self.inner.key(event)
    }

    fn prepare(&self, work: Work) -> BoxFuture<'_, Result<Box<dyn Prepared>, RegenerateError>> {
        let cycle = work.cycle.unwrap_or(work.execution_id);
        async move {
            let prepared = self.inner.prepare(work).await.inspect_err(|error| {
                if let RegenerateError::Rejected { diagnostics, .. } = error {
                    self.findings.add(cycle, diagnostics);
                }
            })?;
            let (findings, telemetry) = (self.findings.clone(), self.telemetry.clone());
            let deployments = self.deployments.clone();
            let noted = Noted { prepared, findings, telemetry, deployments, cycle };
            Ok(Box::new(noted) as Box<dyn Prepared>)
        }
        .boxed()
    }
}

struct Noted {
    prepared: Box<dyn Prepared>,
    findings: Findings,
    telemetry: TelemetryCollector,
    deployments: AutomaticDeployments,
    cycle: Uuid,
}

impl Prepared for Noted {
    fn proposed(&self) -> &Arc<ProposedChanges> {
        self.prepared.proposed()
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Regenerated, RegenerateError>> {
        async move {
            let committed = self.deployments.commit(self.prepared.commit()).await;
            let regenerated = committed.unwrap_or(Err(RegenerateError::Closed))?;
            self.findings.add(self.cycle, &regenerated.diagnostics);
            if let Verdict::Rejected { diagnostics } = &regenerated.verdict {
                self.findings.add(self.cycle, diagnostics);
            }
            self.findings.declare(regenerated.declared.as_ref());
            record(&self.telemetry, self.cycle, &regenerated);
            Ok(regenerated)
        }
        .boxed()
    }

    fn discard(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.prepared.discard()
    }
}

/// One record for each phase, each generator and each of its queries: where `profile` has
/// them from. They are laid one behind the other, the last of them at its end now, as the
/// engine does its work in this order. What generators took on several threads at once is
/// a share of the time that passed meanwhile, so that all records add up to that.
fn record(telemetry: &TelemetryCollector, cycle: Uuid, regenerated: &Regenerated) {
    let took = |phase: &str| regenerated.phases.get(phase).copied().unwrap_or_default();
    let whole: Duration = ORDER.iter().map(|phase| took(phase)).sum();
    let now = Timestamp::now();
    let start = now.checked_sub(whole).unwrap_or(now);
    let mut line = Line { telemetry, cycle, end: start };
    for phase in ORDER {
        match phase {
            "load" => line.add(Body::Parse, took(phase), None),
            "diff" => line.add(Body::Diff, took(phase), None),
            "invalidate" => line.add(Body::Invalidate, took(phase), None),
            "query" => line.add(Body::Query, took(phase), Some("lists of rows".to_owned())),
            "commit" => line.add(Body::Commit, took(phase), None),
            _ => line.add_generators(regenerated, took(phase)),
        }
    }
}

/// The phases of the engine in their order.
const ORDER: [&str; 6] = ["load", "diff", "invalidate", "query", "render", "commit"];

/// Records that follow each other.
struct Line<'a> {
    telemetry: &'a TelemetryCollector,
    cycle: Uuid,
    end: Timestamp,
}

impl Line<'_> {
    fn add(&mut self, body: Body, took: Duration, subject: Option<String>) {
        self.pass(took);
        let event = TelemetryEvent::new("engine", body).succeeded(took).cycle(self.cycle);
        let event = event.at(self.end);
        self.telemetry.record(match subject {
            Some(subject) => event.subject(subject),
            None => event,
        });
    }

    fn add_generators(&mut self, regenerated: &Regenerated, took: Duration) {
        let end = self.end.checked_add(took).unwrap_or(self.end);
        let generators = &regenerated.generators;
        let queries = generators.iter().flat_map(|times| &times.queries).map(|query| query.ms);
        let sum: f64 = generators.iter().map(|times| times.render_ms).chain(queries).sum();
        let room = took.as_secs_f64() * 1e3;
        let share = if sum > room { room / sum } else { 1.0 };
        let scaled = |ms: f64| Duration::try_from_secs_f64(ms * share / 1e3).unwrap_or_default();
        for times in generators {
            let name = times.generator.clone();
            self.add(Body::Render, scaled(times.render_ms), Some(name));
            for query in &times.queries {
                let name = format!("{} {}", times.generator, query.name);
                self.add(Body::Query, scaled(query.ms), Some(name));
            }
        }
        self.end = end.max(self.end);
    }

    fn pass(&mut self, took: Duration) {
        self.end = self.end.checked_add(took).unwrap_or(self.end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_belong_to_their_cycle_and_do_not_pile_up() {
        let findings = Findings::default();
        let found = |code: &str| vec![Diagnostic::error(code, "wrong")];
        let [one, other] = [1, 2].map(Uuid::from_u128);
        findings.add(one, &found("a"));
        findings.add(other, &found("b"));
        let codes = |cycle| -> Vec<String> {
            findings.take(cycle).into_iter().map(|diagnostic| diagnostic.code).collect()
        };
        assert_eq!(codes(other), ["b"]);
        assert_eq!(codes(other), [""; 0]);
        assert_eq!(codes(one), ["a"]);
        for cycle in 0..5_000 {
            findings.add(Uuid::from_u128(cycle), &found("c"));
        }
        assert_eq!(findings.lock().diagnostics.len(), MOST_OF_ALL);
    }
}
