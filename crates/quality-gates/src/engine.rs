use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use evergen_artifact::ProposedChanges;
use futures::future::{BoxFuture, FutureExt, join_all};

use crate::{
    Crash, Examination, Fault, Gate, GateError, GateKeeper, GateReport, GateResult, Outcome,
    Subject,
};

/// Runs gates over a change set and draws one verdict.
///
/// Without a gate everything passes, and the report says that no gate was asked.
pub struct QualityGateEngine {
    gates: Vec<Box<dyn Gate>>,
    patience: Duration,
}

impl fmt::Debug for QualityGateEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.gates.iter().map(|gate| gate.info().name.as_str()).collect();
        f.debug_struct("QualityGateEngine").field("gates", &names).finish_non_exhaustive()
    }
}

impl Default for QualityGateEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl QualityGateEngine {
    /// No gates yet.
    pub fn new() -> Self {
        Self { gates: Vec::new(), patience: Duration::from_mins(5) }
    }

    /// Adds a gate.
    #[must_use]
    pub fn with_gate(mut self, gate: impl Gate + 'static) -> Self {
        self.gates.push(Box::new(gate));
        self
    }

    /// How long a gate may take before it counts as one that could not look.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Asks every gate, at the same time, and draws the verdict.
    ///
    /// A gate that panics or does not answer in time has [`Outcome::Error`]; the others go
    /// on. Needs a tokio runtime with its timer.
    pub async fn execute_all_gates(&self, proposed: &ProposedChanges) -> GateReport {
        let subject = Subject::of_changes(proposed);
        let answers = self.gates.iter().map(|gate| self.ask(&**gate, &subject));
        GateReport::new(join_all(answers).await)
    }

    async fn ask(&self, gate: &dyn Gate, subject: &Subject) -> GateResult {
        let started = Instant::now();
        // A gate may panic before it gives its future, too.
        let examining = AssertUnwindSafe(async {
            match Examination::of(subject, gate.info()) {
                Ok(examination) => gate.examine(examination).await,
                Err(error) => Outcome::Error(error.into()),
            }
        })
        .catch_unwind();
        let outcome = match tokio::time::timeout(self.patience, examining).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Outcome::Error(Fault::Crash { how: Crash::Panic, said: String::new() }),
            Err(_) => {
                let limit_ms = u64::try_from(self.patience.as_millis()).unwrap_or(u64::MAX);
                Outcome::Error(Fault::Timeout { limit_ms })
            }
        };
        let duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        if !matches!(outcome, Outcome::Pass(_) | Outcome::NotApplicable) {
            tracing::debug!(gate = gate.info().name, ?outcome, "a gate did not pass");
        }
        GateResult { gate: gate.info().name.clone(), outcome, duration_us }
    }
}

impl GateKeeper for QualityGateEngine {
    fn judge<'a>(
        &'a self,
        proposed: &'a ProposedChanges,
    ) -> BoxFuture<'a, Result<GateReport, GateError>> {
        async move { Ok(self.execute_all_gates(proposed).await) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::{Coverage, Finding, FnGate, GateInfo, GateKind};

    struct Hangs(GateInfo);

    impl Gate for Hangs {
        fn info(&self) -> &GateInfo {
            &self.0
        }

        fn examine(&self, _: Examination) -> BoxFuture<'_, Outcome> {
            pending().boxed()
        }
    }

    fn gate(name: &str, outcome: Outcome) -> impl Gate + 'static + use<> {
        FnGate::new(name, move |_: &Examination| outcome.clone())
    }

    async fn check(engine: QualityGateEngine, passed: bool, score: f64, said: &str) {
        let report = engine.execute_all_gates(&ProposedChanges::default()).await;
        assert_eq!(report.overall_passed, passed);
        assert!((report.overall_score - score).abs() < 1e-9, "{}", report.overall_score);
        assert_eq!(report.to_string(), said);
    }

    fn pass() -> Outcome {
        Outcome::Pass(Coverage::of_files(1))
    }

    #[tokio::test]
    async fn changes_pass_if_every_gate_that_they_concern_passes() {
        let engine = QualityGateEngine::new()
            .with_gate(gate("a", pass()))
            .with_gate(gate("b", Outcome::NotApplicable));
        check(engine, true, 1.0, "all gates passed").await;
        check(QualityGateEngine::new(), true, 1.0, "no gate was asked").await;
    }

    #[tokio::test]
    async fn one_finding_holds_the_changes_back() {
        let finding = Finding::error("syntax", "no brace").in_file("a.rs").at_line(3);
        let engine = QualityGateEngine::new()
            .with_gate(gate("a", pass()))
            .with_gate(gate("b", Outcome::fail(vec![finding.clone(), finding])));
        check(engine, false, 0.5, "b: 2 findings: error[syntax] a.rs:3: no brace").await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_gate_that_cannot_look_holds_the_changes_back_and_stops_no_other() {
        let panics = FnGate::new("panics", |_: &Examination| -> Outcome { panic!("on purpose") });
        let engine = QualityGateEngine::new()
            .with_patience(Duration::from_secs(2))
            .with_gate(Hangs(GateInfo::new("hangs", GateKind::Custom)))
            .with_gate(panics)
            .with_gate(gate("c", pass()));
        let said =
            "hangs: could not look: no answer within 2000 ms\npanics: could not look: it panicked";
        check(engine, false, 1.0 / 3.0, said).await;
    }
}
