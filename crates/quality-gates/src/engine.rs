use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use evergen_artifact::ProposedChanges;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::{
    Circumstances, Extent, Folder, Gate, GateError, GateKeeper, GatePolicy, GateReport, GateResult,
    Outcome, Scratch, Subject, VerdictCache, Workspace,
};

mod ask;
mod order;
mod recall;
mod select;

use self::ask::Question;
use self::order::{Order, Step};

/// Runs gates over a change set and draws one verdict.
///
/// Gates are asked at the same time, up to a limit: each after those it comes
/// [after](crate::GateInfo::after), and cheap ones first. A gate is asked only about what it has
/// not answered before, where a cache is given, and about all of that at once. Without a gate
/// everything passes, and the report says that no gate was asked.
pub struct QualityGateEngine {
    gates: Vec<Arc<dyn Gate>>,
    policy: Box<dyn GatePolicy>,
    patience: Duration,
    parallel: usize,
    cache: Option<Arc<VerdictCache>>,
    scratch: Option<Scratch>,
    base: Option<(Folder, String)>,
}

impl fmt::Debug for QualityGateEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.gates.iter().map(|gate| gate.info().name.as_str()).collect();
        f.debug_struct("QualityGateEngine").field("gates", &names).finish_non_exhaustive()
    }
}

impl QualityGateEngine {
    /// No gates yet, and what their answers are worth.
    pub fn new(policy: impl GatePolicy + 'static) -> Self {
        let parallel = std::thread::available_parallelism().map_or(2, NonZeroUsize::get);
        Self {
            gates: Vec::new(),
            policy: Box::new(policy),
            patience: Duration::from_mins(5),
            parallel,
            cache: None,
            scratch: None,
            base: None,
        }
    }

    /// Adds a gate. The first one of a name is asked, and a second one is told of.
    #[must_use]
    pub fn with_gate(mut self, gate: impl Gate + 'static) -> Self {
        self.gates.push(Arc::new(gate));
        self
    }

    /// How long a gate may take for one answer before it counts as one that could not look; five
    /// minutes by default.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How many gates are asked at the same time; as many as there are processors by default.
    #[must_use]
    pub fn with_parallel_gates(mut self, limit: NonZeroUsize) -> Self {
        self.parallel = limit.get();
        self
    }

    /// Keeps passes and failures.
    #[must_use]
    pub fn with_cache(mut self, cache: VerdictCache) -> Self {
        self.cache = Some(Arc::new(cache));
        self
    }

    /// Where tools find files; a temporary folder for each verdict without it.
    #[must_use]
    pub fn with_scratch(mut self, scratch: Scratch) -> Self {
        self.scratch = Some(scratch);
        self
    }

    /// Proposed changes are judged on top of this folder, in which their paths begin at `output`.
    /// Without it they are judged as if there were nothing else.
    #[must_use]
    pub fn over(mut self, base: Folder, output: impl Into<String>) -> Self {
        self.base = Some((base, output.into()));
        self
    }

    /// Asks the gates about proposed changes, and draws the verdict.
    ///
    /// A gate that panics or does not answer in time has [`Outcome::Error`]; the others go
    /// on. Needs a tokio runtime with its timer. Dropping the future gives all of it up, and ends
    /// the tools that run.
    pub async fn execute_all_gates(&self, proposed: &ProposedChanges) -> GateReport {
        let subject = match &self.base {
            Some((base, output)) => Subject::of_changes_over(base.clone(), output, proposed),
            None => Subject::of_changes(proposed),
        };
        let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
        self.execute_on(&subject, Circumstances::new(today, Extent::Changes)).await
    }

    /// Asks the gates about any subject, as [`execute_all_gates`](Self::execute_all_gates) does.
    pub async fn execute_on(&self, subject: &Subject, circumstances: Circumstances) -> GateReport {
        let workspace = Workspace::new(subject.clone(), self.scratch.clone());
        let mut order = Order::of(self.gates.iter().map(Gate::info));
        let mut answers: Vec<Option<GateResult>> = vec![None; self.gates.len()];
        let mut asked = FuturesUnordered::new();
        loop {
            while asked.len() < self.parallel
                && let Some(step) = order.next()
            {
                match step {
                    Step::Ask(index) => {
                        let question = self.question(index, subject, &workspace);
                        asked.push(async move { (index, question.ask().await) });
                    }
                    Step::Refuse(index, fault) => {
                        let info = self.gates[index].info();
                        let outcome = Outcome::Error(fault);
                        answers[index] = Some(GateResult::new(&info.name, info.kind, outcome, 0));
                    }
                }
            }
            let Some((index, answer)) = asked.next().await else { break };
            order.answered(index, self.admits(&answer, circumstances));
            answers[index] = Some(answer);
        }
        self.policy.judge(answers.into_iter().flatten().collect(), circumstances)
    }

    /// Whether gates that come after this one may be asked: as the policy takes its answer.
    fn admits(&self, answer: &GateResult, circumstances: Circumstances) -> bool {
        let alone = Circumstances { extent: Extent::Changes, ..circumstances };
        let report = self.policy.judge(vec![answer.clone()], alone);
        report.gates.iter().all(|result| result.passed)
    }

    fn question(&self, index: usize, subject: &Subject, workspace: &Workspace) -> Question {
        Question {
            gate: self.gates[index].clone(),
            subject: subject.clone(),
            workspace: workspace.clone(),
            cache: self.cache.clone(),
            patience: self.patience,
        }
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
mod tests;
