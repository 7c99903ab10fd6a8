//! `evergen run`.

use std::cell::RefCell;
use std::time::Duration;

use evergen_artifact::ProposedChanges;
use evergen_regeneration::{Access, Decision, Progress, RegenerationEngine, RunReport};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::Run;
use crate::console::{Console, Ink};
use crate::failure::{ErrorBody, Failure, Verdict};
use crate::gates::Gates;
use crate::progress::Bar;
use crate::project::Chosen;
use crate::{remembered, words};

/// One line of `--events`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Event {
    /// While the run goes on.
    Progress(Progress),
    /// The last line of a run that could answer.
    Report(Box<ReportEvent>),
    /// The last line of a run that could not.
    Error(ErrorEvent),
}

/// The last line of a run that could answer: the report.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct ReportEvent {
    event: ReportTag,
    #[serde(flatten)]
    report: RunReport,
}

/// The last line of a run that could not answer.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct ErrorEvent {
    event: ErrorTag,
    error: ErrorBody,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ReportTag {
    Report,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ErrorTag {
    Error,
}

pub(super) fn run(arguments: &Run, console: &mut Console) -> Result<Verdict, Failure> {
    match (generate(arguments, console), arguments.events) {
        (Ok(report), true) => {
            let verdict = Verdict::of(report.succeeded());
            console.event(&ReportEvent { event: ReportTag::Report, report });
            Ok(verdict)
        }
        (Ok(report), false) => Ok(Verdict::of(report.succeeded())),
        (Err(failure), true) => {
            let error = failure.report().error;
            console.event(&ErrorEvent { event: ErrorTag::Error, error });
            Err(failure)
        }
        (Err(failure), false) => Err(failure),
    }
}

fn generate(arguments: &Run, console: &mut Console) -> Result<RunReport, Failure> {
    let chosen = Chosen::find(&arguments.asked, console)?;
    let mut engine = open(&chosen, Duration::from_secs(arguments.wait), console)?;
    let mut bar = Bar::new(console.has_audience());
    let gates = Gates::of_project(&chosen)?;
    let mut progress = |progress: Progress| {
        bar.tell(&progress);
        if arguments.events {
            console.event(&progress);
        }
    };
    let report = if gates.asked(false).is_empty() {
        engine.run(&mut progress)?
    } else {
        gated(&mut engine, &gates, &chosen, &mut progress)?
    };
    drop(bar);
    // The process is about to end, and the system is faster at taking back memory.
    std::mem::forget(engine);
    remember(&chosen, console);
    console.diagnostics(&report.diagnostics);
    if console.is_json() {
        console.object(&report);
    } else if !arguments.events && !console.is_quiet() {
        words::changes(console, &chosen, &report.changes);
        summary(console, &report);
    }
    Ok(report)
}

/// Runs a cycle that becomes visible only if the gates let it pass.
fn gated(
    engine: &mut RegenerationEngine,
    gates: &Gates,
    chosen: &Chosen,
    progress: &mut dyn FnMut(Progress),
) -> Result<RunReport, Failure> {
    let refused = RefCell::new(None);
    let gate = |proposed: ProposedChanges| {
        // Only now, so that a run that changes nothing opens nothing for them.
        let failure = match judge(gates, &proposed, chosen) {
            Ok(()) => return Decision::Commit,
            Err(failure) => failure,
        };
        let why = failure.message.clone();
        refused.replace(Some(failure));
        Decision::Withhold { why }
    };
    let report = engine.run_gated(&gate, progress);
    match refused.into_inner() {
        Some(failure) => Err(failure),
        None => Ok(report?),
    }
}

/// Lets the gates judge changes; why they refuse, or could not be asked, is the error.
fn judge(gates: &Gates, proposed: &ProposedChanges, chosen: &Chosen) -> Result<(), Failure> {
    let Some(keeper) = gates.keeper(chosen)? else { return Ok(()) };
    let (subject, report) = super::gates::wait(keeper.judge_changes(proposed))?;
    if report.overall_passed {
        return Ok(());
    }
    Err(keeper.refuse(&report, &subject, chosen))
}

/// Opens the engine, if need be when the process that writes is done.
fn open(
    chosen: &Chosen,
    patience: Duration,
    console: &Console,
) -> Result<RegenerationEngine, Failure> {
    let write = |wait| chosen.open(Access::Write { wait: Some(wait) });
    match write(Duration::ZERO) {
        Err(failure) if failure.is_locked() && !patience.is_zero() => {
            let causes = failure.causes.join(": ");
            console.remark(format!("waiting up to {} s: {causes}", patience.as_secs()));
            write(patience)
        }
        answer => answer,
    }
}

/// Keeps the settings of a run that has no configuration file.
fn remember(chosen: &Chosen, console: &Console) {
    if chosen.place.configuration.as_deref() == Some(crate::origin::CONFIGURATION) {
        return;
    }
    if let Err(error) = remembered::remember(&chosen.place.root, &chosen.effective.settings) {
        console.remark(format!("the settings of this run could not be kept: {error}"));
    }
}

fn summary(console: &mut Console, report: &RunReport) {
    let counts = &report.artifacts;
    let artifacts = words::count(counts.total, "artifact");
    let mut parts = vec![
        format!("{} evaluated", counts.evaluated),
        format!("{} rendered", counts.rendered),
        format!("{} written", counts.written),
        format!("{} removed", counts.deleted),
    ];
    if counts.refused > 0 {
        parts.push(console.ink(Ink::Red, format!("{} refused", counts.refused)));
    }
    let time = words::duration(report.duration_ms);
    console.line(format!("{artifacts}: {} in {time}", parts.join(", ")));
    words::version(console, report.version.as_ref());
    modules(console, report);
}

fn modules(console: &mut Console, report: &RunReport) {
    let counts = &report.modules;
    let all = counts.validated + counts.partial + counts.failed;
    if all > 0 {
        console.line(format!(
            "{}: {} validated, {} partial, {} failed",
            words::count(all, "module"),
            counts.validated,
            counts.partial,
            counts.failed
        ));
    }
}
