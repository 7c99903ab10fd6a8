//! What a task does, from its events to its effect.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use evergen_artifact::ProposedChanges;
use evergen_deployment::{Deployer, DeploymentRequest};
use evergen_quality_gates::{GateKeeper, GateReport};
use evergen_regeneration::{Prepared, RegenerateError, Regenerated, Regenerator, Verdict, Work};
use futures::future::FutureExt;
use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use super::token::CommitToken;
use crate::scheduler::{Component, Failure, FailureKind, Outcome};

/// How a task ended, with what is worth telling.
#[derive(Debug)]
pub(super) struct TaskEnd {
    pub(super) outcome: Outcome,
    pub(super) times: Vec<(&'static str, Duration)>,
    pub(super) regenerated: Option<Box<Regenerated>>,
    /// What was committed, for a deployment.
    pub(super) committed: Option<Arc<ProposedChanges>>,
    pub(super) gates: Option<Judged>,
    /// Environments to which it was deployed in this try, and how long each took.
    pub(super) deployed: Vec<(String, Duration)>,
    /// Environments that have refused it for good, with what they said.
    pub(super) refused: Vec<(String, String)>,
}

/// What the gates said, in figures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    pub(super) gates: u32,
    pub(super) refused: u32,
    /// When they had answered.
    pub(super) at: Timestamp,
}

impl TaskEnd {
    pub(super) fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            times: Vec::new(),
            regenerated: None,
            committed: None,
            gates: None,
            deployed: Vec::new(),
            refused: Vec::new(),
        }
    }
}

pub(super) fn failed(
    component: Component,
    kind: FailureKind,
    error: impl Into<Arc<str>>,
) -> Failure {
    Failure { component, kind, error: error.into() }
}

/// An error with all that caused it, on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

fn of_regeneration(error: &RegenerateError) -> Outcome {
    let kind = if error.is_transient() { FailureKind::Passing } else { FailureKind::Lasting };
    Outcome::Failed(failed(Component::Regeneration, kind, chain(error)))
}

/// What follows from a commit.
pub(super) enum Deploys {
    /// Nothing.
    Nothing,
    /// A deployment, if something has changed or this deployer lacks something.
    Changes(Arc<dyn Deployer>),
}

impl Deploys {
    fn after(&self, proposed: &ProposedChanges) -> bool {
        match self {
            Self::Nothing => false,
            Self::Changes(deployer) => !proposed.is_empty() || deployer.is_behind(),
        }
    }
}

/// Prepares, asks the gates, and commits if the token still allows it.
pub(super) async fn regenerate(
    regeneration: Arc<dyn Regenerator>,
    gates: Option<Arc<dyn GateKeeper>>,
    work: Work,
    token: Arc<CommitToken>,
    deploys: Deploys,
) -> TaskEnd {
    let began = Instant::now();
    let mut end = TaskEnd::of(Outcome::Cancelled);
    let prepared = match regeneration.prepare(work).await {
        Ok(prepared) => prepared,
        Err(error) => {
            end.outcome = of_regeneration(&error);
            return end;
        }
    };
    end.times.push(("prepare", began.elapsed()));
    let proposed = Arc::clone(prepared.proposed());
    if let Some(gates) = gates.filter(|_| !proposed.is_empty())
        && let Some(refusal) = judge(&*gates, &proposed, &mut end).await
    {
        prepared.discard().await;
        end.outcome = Outcome::Failed(refusal);
        return end;
    }
    if !token.begin_commit() {
        prepared.discard().await;
        return end;
    }
    commit(prepared, proposed, &deploys, &mut end).await;
    end
}

async fn judge(
    gates: &dyn GateKeeper,
    proposed: &ProposedChanges,
    end: &mut TaskEnd,
) -> Option<Failure> {
    let began = Instant::now();
    // The call itself may panic, and not only what it gives.
    let report = AssertUnwindSafe(async { gates.judge(proposed).await }).catch_unwind().await;
    end.times.push(("gates", began.elapsed()));
    let report = match report {
        Ok(report) => report,
        Err(panic) => {
            let error = format!("a gate panicked: {}", said(&*panic));
            return Some(failed(Component::Gates, FailureKind::Panic, error));
        }
    };
    match report {
        Err(error) => Some(failed(Component::Gates, FailureKind::Passing, chain(&error))),
        Ok(report) => {
            let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            end.gates = Some(Judged {
                gates: count(report.gates.len()),
                refused: count(refusing(&report)),
                at: Timestamp::now(),
            });
            let refused = || format!("refused by the gates: {report}");
            (!report.overall_passed)
                .then(|| failed(Component::Gates, FailureKind::Lasting, refused()))
        }
    }
}

/// What a panic said.
pub(super) fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "no text".to_owned())
}

fn refusing(report: &GateReport) -> usize {
    report.gates.iter().filter(|gate| !gate.passed).count()
}

async fn commit(
    prepared: Box<dyn Prepared>,
    proposed: Arc<ProposedChanges>,
    deploys: &Deploys,
    end: &mut TaskEnd,
) {
    let began = Instant::now();
    let committed = prepared.commit().await;
    end.times.push(("commit", began.elapsed()));
    let regenerated = match committed {
        Ok(regenerated) => regenerated,
        Err(error) => {
            end.outcome = of_regeneration(&error);
            return;
        }
    };
    end.outcome = match &regenerated.verdict {
        Verdict::Done => Outcome::Done { deploy: deploys.after(&proposed) },
        // The rest of it took effect; it is not good enough to be brought into use.
        Verdict::Incomplete { .. } => Outcome::Done { deploy: false },
        Verdict::Rejected { diagnostics } => {
            let first = diagnostics.first();
            let first = first.map_or("not told", |diagnostic| diagnostic.message.as_str());
            refused(format!("{} problem(s) with the model, as: {first}", diagnostics.len()))
        }
        _ => refused("it ended in a way that is not known here".to_owned()),
    };
    if matches!(end.outcome, Outcome::Done { deploy: true }) {
        end.committed = Some(proposed);
    }
    end.regenerated = Some(Box::new(regenerated));
}

fn refused(why: String) -> Outcome {
    Outcome::Refused(failed(Component::Regeneration, FailureKind::Lasting, why))
}

/// Deploys to environments one after the other. One that fails holds up none of the others, but
/// for those that take their releases from it, which their deployer refuses. `refused` are those
/// that an earlier try has lost for good: with them it is no success.
pub(super) async fn deploy(
    deployment: Arc<dyn Deployer>,
    environments: Vec<String>,
    execution: Uuid,
    changes: Arc<ProposedChanges>,
    refused: Vec<(String, String)>,
) -> TaskEnd {
    let began = Instant::now();
    let mut end = TaskEnd::of(Outcome::Done { deploy: false });
    end.refused = refused;
    let mut passing = Vec::new();
    for environment in environments {
        let asked = Instant::now();
        let request = DeploymentRequest::new(environment.clone(), execution, Arc::clone(&changes));
        match deployment.deploy(request).await {
            Ok(_) => end.deployed.push((environment, asked.elapsed())),
            Err(error) if error.is_transient() => passing.push(chain(&error)),
            Err(error) => end.refused.push((environment, chain(&error))),
        }
    }
    let kind = if passing.is_empty() { FailureKind::Lasting } else { FailureKind::Passing };
    let lasting = end.refused.iter().map(|(_, error)| error.clone());
    let errors: Vec<String> = passing.into_iter().chain(lasting).collect();
    if !errors.is_empty() {
        let failure = failed(Component::Deployment, kind, errors.join("; "));
        let remembers = deployment.remembers();
        end.outcome = if remembers { Outcome::Refused(failure) } else { Outcome::Failed(failure) };
    }
    end.times.push(("deploy", began.elapsed()));
    end
}
