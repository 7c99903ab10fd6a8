//! Keeps what the engine said besides its figures, for the eyes of whoever watches.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use evergen_artifact::ProposedChanges;
use evergen_events::ChangeEvent;
use evergen_regeneration::{
    Diagnostic, Prepared, RegenerateError, Regenerated, Regenerator, Verdict, Work, WorkKey,
};
use evergen_telemetry::{Body, TelemetryCollector, TelemetryEvent};
use futures::future::{BoxFuture, FutureExt};
use uuid::Uuid;

/// How many findings are kept until somebody takes them.
const MOST: usize = 200;

/// A regenerator that keeps the findings of another one, and records what each generator and
/// query took.
pub(super) struct Observed<R> {
    inner: R,
    findings: Findings,
    telemetry: TelemetryCollector,
}

/// What was found since it was taken last. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings(Arc<Mutex<VecDeque<Diagnostic>>>);

impl Findings {
    pub(super) fn take(&self) -> Vec<Diagnostic> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }

    fn add(&self, found: &[Diagnostic]) {
        let mut findings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST.saturating_sub(findings.len());
        findings.extend(found.iter().take(room).cloned());
    }
}

impl<R> Observed<R> {
    pub(super) fn new(inner: R, findings: Findings, telemetry: TelemetryCollector) -> Self {
        Self { inner, findings, telemetry }
    }
}

impl<R: Regenerator> Regenerator for Observed<R> {
    fn key(&self, event: &ChangeEvent) -> WorkKey {
        self.inner.key(event)
    }

    fn prepare(&self, work: Work) -> BoxFuture<'_, Result<Box<dyn Prepared>, RegenerateError>> {
        let execution = work.execution_id;
        async move {
            let prepared = self.inner.prepare(work).await.inspect_err(|error| {
                if let RegenerateError::Rejected { diagnostics, .. } = error {
                    self.findings.add(diagnostics);
                }
            })?;
            let (findings, telemetry) = (self.findings.clone(), self.telemetry.clone());
            Ok(Box::new(Noted { prepared, findings, telemetry, execution }) as Box<dyn Prepared>)
        }
        .boxed()
    }
}

struct Noted {
    prepared: Box<dyn Prepared>,
    findings: Findings,
    telemetry: TelemetryCollector,
    execution: Uuid,
}

impl Prepared for Noted {
    fn proposed(&self) -> &Arc<ProposedChanges> {
        self.prepared.proposed()
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Regenerated, RegenerateError>> {
        async move {
            let regenerated = self.prepared.commit().await?;
            self.findings.add(&regenerated.diagnostics);
            if let Verdict::Rejected { diagnostics } = &regenerated.verdict {
                self.findings.add(diagnostics);
            }
            record(&self.telemetry, self.execution, &regenerated);
            Ok(regenerated)
        }
        .boxed()
    }

    fn discard(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.prepared.discard()
    }
}

/// One record for each phase, each generator and each of its queries: where `profile` has
/// them from. The phase `render` is what the generators took, on all threads.
fn record(telemetry: &TelemetryCollector, execution: Uuid, regenerated: &Regenerated) {
    let took = |ms: f64| std::time::Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default();
    for (phase, time) in &regenerated.phases {
        let body = match *phase {
            "load" => Body::Parse,
            "diff" => Body::Diff,
            "invalidate" => Body::Invalidate,
            "query" => Body::Query,
            "commit" => Body::Commit,
            _ => continue,
        };
        let event = TelemetryEvent::new("engine", body).succeeded(*time).cycle(execution);
        telemetry.record(if *phase == "query" { event.subject("lists of rows") } else { event });
    }
    for times in &regenerated.generators {
        let rendering = TelemetryEvent::new("engine", Body::Render)
            .succeeded(took(times.render_ms))
            .cycle(execution)
            .subject(times.generator.as_str());
        telemetry.record(rendering);
        for query in &times.queries {
            let querying = TelemetryEvent::new("engine", Body::Query)
                .succeeded(took(query.ms))
                .cycle(execution)
                .subject(format!("{} {}", times.generator, query.name));
            telemetry.record(querying);
        }
    }
}
