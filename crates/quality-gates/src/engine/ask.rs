//! Asking one gate: what is asked, how often, and what its answer is worth.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::recall::{Hits, Known, Recall};
use super::select::Selection;
use crate::fingerprint::seal;
use crate::{
    Coverage, Crash, Examination, Fault, Flakiness, Gate, GateInfo, GateKind, GateResult, Outcome,
    Subject, SubjectFile, VerdictCache, Workspace,
};

/// One gate, and what it is asked about.
pub(super) struct Question {
    pub(super) gate: Arc<dyn Gate>,
    pub(super) subject: Subject,
    pub(super) workspace: Workspace,
    pub(super) cache: Option<Arc<VerdictCache>>,
    pub(super) patience: Duration,
}

impl Question {
    pub(super) async fn ask(self) -> GateResult {
        let started = Instant::now();
        let (outcome, cached) =
            self.answer().await.unwrap_or_else(|fault| (Outcome::Error(fault), false));
        let duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let gate = &self.gate.info().name;
        tracing::debug!(gate, outcome = outcome.word(), cached, duration_us, "a gate answered");
        let mut result = GateResult::new(gate, self.gate.info().kind, outcome, duration_us);
        result.cached = cached;
        result
    }

    async fn answer(&self) -> Result<(Outcome, bool), Fault> {
        let (gate, subject) = (self.gate.clone(), self.subject.clone());
        let selecting = blocking(move || Selection::of(&subject, gate.info()));
        let Some(selection) = selecting.await?? else { return Ok((Outcome::NotApplicable, false)) };
        let selection = Arc::new(selection);
        let recall = self.recall(&selection).await?;
        let (hits, asked) = match self.known(recall.as_ref(), &selection).await? {
            Known::All(outcome) => return Ok((outcome, true)),
            Known::Some(mut hits) => {
                let asked = std::mem::take(&mut hits.missing);
                (hits, asked)
            }
        };
        if asked.is_empty() && !selection.files.is_empty() {
            return Ok((hits.and(None), true));
        }
        let answer = self.examine(&asked).await;
        let subject = self.subject.clone();
        let settling =
            blocking(move || settle(&subject, recall.as_deref(), &selection, &asked, hits, answer));
        Ok((settling.await?, false))
    }

    async fn recall(&self, selection: &Arc<Selection>) -> Result<Option<Arc<Recall>>, Fault> {
        let Some(cache) = self.cache.clone().filter(|_| self.gate.info().cacheable) else {
            return Ok(None);
        };
        let gate = self.gate.clone();
        let identity = self.patiently(async move { gate.identity().await }).await??;
        let (gate, selection) = (self.gate.clone(), selection.clone());
        let subject = self.subject.clone();
        let recalling =
            blocking(move || Recall::of(cache, gate.info(), identity, &selection, subject.place()));
        Ok(Some(Arc::new(recalling.await??)))
    }

    async fn known(
        &self,
        recall: Option<&Arc<Recall>>,
        selection: &Arc<Selection>,
    ) -> Result<Known, Fault> {
        let selection = selection.clone();
        match recall.cloned() {
            Some(recall) => blocking(move || recall.look_up(&selection.files)).await,
            None => Ok(Known::Some(Hits::none(selection.files.clone()))),
        }
    }

    /// Asks, and asks again as often as agreed: an answer that changes is flaky.
    async fn examine(&self, files: &[SubjectFile]) -> Outcome {
        let mut outcome = self.examine_once(files).await;
        let mut findings = Vec::new();
        for run in 2..=self.gate.info().retries.saturating_add(1) {
            if !may_change(&outcome) {
                break;
            }
            findings.extend_from_slice(outcome.findings());
            outcome = self.examine_once(files).await;
            if matches!(outcome, Outcome::Pass(_)) {
                findings.sort();
                findings.dedup();
                return Outcome::Flaky(Flakiness::new(run, 1, findings));
            }
        }
        outcome
    }

    async fn examine_once(&self, files: &[SubjectFile]) -> Outcome {
        let examination =
            Examination::new(self.subject.clone(), files.to_vec(), self.workspace.clone());
        let gate = self.gate.clone();
        let examining = self.patiently(async move { gate.examine(examination).await });
        let info = self.gate.info();
        let answer = examining.await.and_then(|outcome| looked(outcome, info, files));
        answer.unwrap_or_else(Outcome::Error)
    }

    /// A task of its own, so that we go on even if it never gives the thread back.
    async fn patiently<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Fault> {
        let mut task = Owned(tokio::spawn(work));
        let limit_ms = u64::try_from(self.patience.as_millis()).unwrap_or(u64::MAX);
        let waiting = tokio::time::timeout(self.patience, &mut task.0);
        let joined = waiting.await.map_err(|_| Fault::Timeout { limit_ms })?;
        joined.map_err(panicked)
    }
}

/// A task that ends with whoever waits for it.
struct Owned<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Files and digests do not belong on the runtime's own threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(panicked)
}

fn panicked(error: tokio::task::JoinError) -> Fault {
    match error.try_into_panic() {
        Ok(panic) => Fault::Crash { how: Crash::Panic, said: text_of(&*panic) },
        Err(_) => Fault::infra("the runtime was shut down", "Run the gates again."),
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// Whether another try may end otherwise: not where what is missing stays missing.
fn may_change(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Fail(_) => true,
        Outcome::Error(fault) => !matches!(
            fault,
            Fault::ToolMissing { .. }
                | Fault::WrongVersion { .. }
                | Fault::NoProject { .. }
                | Fault::CanaryMissed { .. }
        ),
        Outcome::Pass(_) | Outcome::NotApplicable | Outcome::Flaky(_) => false,
    }
}

/// A pass must say that all of it was looked at, in the measure of its kind.
fn looked(outcome: Outcome, info: &GateInfo, files: &[SubjectFile]) -> Result<Outcome, Fault> {
    let Outcome::Pass(coverage) = &outcome else { return Ok(outcome) };
    let asked = files.len() as u64;
    let empty = |what: &str| Err(Fault::EmptyScope { what: what.to_owned() });
    match info.kind {
        GateKind::Tests if coverage.tests == 0 => empty("no test ran"),
        GateKind::Performance if !is_measured(coverage) => empty("nothing was measured"),
        GateKind::Tests | GateKind::Performance => Ok(outcome),
        _ if coverage.files == 0 && asked > 0 => empty("the gate looked at no file"),
        _ if coverage.files < asked => {
            Err(Fault::Partial { what: "files".to_owned(), looked: coverage.files, asked })
        }
        _ => Ok(outcome),
    }
}

fn is_measured(coverage: &Coverage) -> bool {
    let measures = [Coverage::RESPONSE_TIME, Coverage::THROUGHPUT];
    measures.iter().any(|measure| coverage.measures.contains_key(*measure))
}

/// Gives findings their fingerprints, puts the answer together with older ones, and keeps it.
fn settle(
    subject: &Subject,
    recall: Option<&Recall>,
    selection: &Selection,
    asked: &[SubjectFile],
    hits: Hits,
    mut answer: Outcome,
) -> Outcome {
    match &mut answer {
        Outcome::Fail(found) => seal(&mut found.findings, subject),
        Outcome::Flaky(flaky) => seal(&mut flaky.findings, subject),
        Outcome::Pass(_) | Outcome::Error(_) | Outcome::NotApplicable => {}
    }
    let Some(recall) = recall else { return hits.and(Some(answer)) };
    let whole = hits.and(Some(answer.clone()));
    recall.keep(&selection.files, asked, &answer, &whole);
    whole
}
