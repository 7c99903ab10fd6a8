//! The gates before a commit: they judge what would change, and their answer is kept.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use evergen_artifact::{Digest, ProposedChanges};
use evergen_quality_gates::{
    Circumstances, Extent, FileMemory, Finding, Folder, GateError, GateKeeper, GateReport,
    GateResult, History, Outcome, QualityGateEngine, RunRecord, Severity, Subject,
};
use evergen_regeneration::{Diagnostic, GateSurroundings};
use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Gates;
use super::servers::Servers;
use crate::excerpt::span_of;
use crate::failure::Failure;
use crate::origin::absolute;
use crate::project::Chosen;

/// Judges changes of the output folder before they become visible.
pub(crate) struct Keeper {
    engine: QualityGateEngine,
    /// The folder around the changes, and where in it their paths begin.
    tree: PathBuf,
    prefix: String,
    /// Where the folder lies in the project.
    place: String,
    history: History,
    context: String,
    /// What stays between verdicts, where there are several.
    kept: Option<(Servers, FileMemory)>,
}

impl Keeper {
    pub(super) fn new(gates: &Gates, names: &[String], chosen: &Chosen) -> Result<Self, Failure> {
        let output = chosen.output();
        let root = absolute(&chosen.place.root, &chosen.here);
        let (tree, prefix) = match gates.settings.around {
            GateSurroundings::Project => {
                let inside = output.strip_prefix(&root).ok().and_then(|path| path.to_str());
                let Some(inside) = inside else {
                    return Err(Failure::usage(
                        "`gates.around` is `project`, and the output folder lies outside of it",
                        "leave `gates.around` away: gates see the output folder then",
                    ));
                };
                (root.clone(), inside.to_owned())
            }
            _ => (output, String::new()),
        };
        let kept = gates.servers.clone().map(|servers| (servers, gates.memory(&tree)));
        Ok(Self {
            engine: gates.engine(names, true)?,
            kept,
            tree,
            prefix,
            place: gates.place().to_owned(),
            history: gates.history(),
            context: gates.context(),
        })
    }

    /// Judges changes, and keeps the answer.
    pub(crate) async fn judge_changes(&self, proposed: &ProposedChanges) -> (Subject, GateReport) {
        let subject = if self.tree.is_dir() {
            // Generated files are often ignored, and judged nevertheless.
            let mut folder = Folder::new(&self.tree);
            if let Some((_, memory)) = &self.kept {
                folder = folder.remembering(memory.clone());
            }
            let folder = match self.prefix.as_str() {
                "" => folder.with_ignored_files(),
                output => folder.with_ignored_below(output),
            };
            Subject::of_changes_over(folder, &self.prefix, proposed)
        } else {
            Subject::of_changes(proposed)
        };
        let subject = subject.placed(&self.place);
        let report = self.engine.execute_on(&subject, today(Extent::Changes)).await;
        let (answer, judged) = (report.clone(), subject.clone());
        let (context, history) = (self.context.clone(), self.history.clone());
        let keeping = move || keep(&answer, &judged, &context, &history);
        if let Err(error) = tokio::task::spawn_blocking(keeping).await {
            tracing::warn!(%error, "the gates' answer is not in their history");
        }
        (subject, report)
    }
}

impl Keeper {
    /// What to say where the gates refuse.
    pub(crate) fn refuse(
        &self,
        report: &GateReport,
        subject: &Subject,
        chosen: &Chosen,
    ) -> Failure {
        let root = absolute(&chosen.place.root, &chosen.here);
        // What lies outside of the project has no name there.
        let folder = match (self.place.as_str(), self.tree == root) {
            ("", false) => format!("{}/", self.tree.display()),
            (place, _) => place.to_owned(),
        };
        Failure::refused(refusal(report, subject, &folder))
    }
}

/// The gates of a loop, which follow the settings while it runs.
pub(crate) struct Keepers {
    current: Mutex<Option<Arc<Keeper>>>,
}

impl Keepers {
    /// Those that the settings name now.
    pub(crate) fn new(chosen: &Chosen) -> Result<Self, Failure> {
        Ok(Self { current: Mutex::new(Self::opened(chosen)?) })
    }

    /// Takes over what the settings say now; where they are wrong, all stays as it was.
    pub(crate) fn renew(&self, chosen: &Chosen) -> Result<(), Failure> {
        let fresh = Self::opened(chosen)?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Ends the servers that the gates keep. The next verdict would start them again.
    pub(crate) async fn close(&self) {
        let keeper = self.current();
        if let Some((servers, _)) = keeper.as_ref().and_then(|keeper| keeper.kept.as_ref()) {
            servers.close().await;
        }
    }

    fn opened(chosen: &Chosen) -> Result<Option<Arc<Keeper>>, Failure> {
        Ok(Gates::of_project(chosen)?.staying_warm().keeper(chosen)?.map(Arc::new))
    }

    fn current(&self) -> Option<Arc<Keeper>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl GateKeeper for Keepers {
    fn judge<'a>(
        &'a self,
        proposed: &'a ProposedChanges,
    ) -> BoxFuture<'a, Result<GateReport, GateError>> {
        async move {
            Ok(match self.current() {
                Some(keeper) => keeper.judge_changes(proposed).await.1,
                None => GateReport::new(Vec::new()),
            })
        }
        .boxed()
    }
}

/// This day, and how much is looked at.
pub(crate) fn today(extent: Extent) -> Circumstances {
    Circumstances::new(TimeZone::UTC.to_datetime(Timestamp::now()).date(), extent)
}

/// What is judged, in short: what changed by its digest, what is removed without one. Nothing
/// where a file can't be read any more. Reads what nobody has read yet.
fn digest(subject: &Subject) -> Option<Digest> {
    let mut text = String::new();
    for file in subject.changed() {
        let content = file.digest().ok()?.to_string();
        text.extend([&subject.named(file.path()), "\0", &content, "\n"]);
    }
    for path in subject.removed() {
        text.extend([&subject.named(path), "\0\n"]);
    }
    Some(Digest::of(text.as_bytes()))
}

/// Keeps an answer on a subject. That it can't be kept changes nothing of it. Blocks.
pub(crate) fn keep(report: &GateReport, subject: &Subject, context: &str, history: &History) {
    let Some(digest) = digest(subject) else { return };
    let record = RunRecord::of(report, &digest, Timestamp::now()).in_context(context);
    if let Err(error) = history.append(&record) {
        tracing::warn!(%error, "the gates' answer is not in their history");
    }
}

/// Why the gates refuse: each finding that counts, with its place in the text that was judged.
/// `folder` is where the judged tree lies, as seen from the project.
fn refusal(report: &GateReport, subject: &Subject, folder: &str) -> Vec<Diagnostic> {
    let refused = report.gates.iter().filter(|result| !result.passed);
    let mut problems: Vec<Diagnostic> =
        refused.flat_map(|result| of_gate(result, subject, folder)).collect();
    problems.extend(report.problems.iter().map(|problem| {
        Diagnostic::error("gates::policy", problem.to_string()).with_help(problem.advice())
    }));
    problems
}

fn of_gate(result: &GateResult, subject: &Subject, folder: &str) -> Vec<Diagnostic> {
    let gate = &result.gate;
    if let Outcome::Error(fault) = &result.outcome {
        let message = format!("`{gate}` could not look: {fault}");
        return vec![Diagnostic::error("gates::error", message).with_help(fault.advice())];
    }
    let counting = result.judged().filter(|(_, standing)| standing.counts());
    let mut problems: Vec<Diagnostic> =
        counting.map(|(finding, _)| of_finding(gate, finding, subject, folder)).collect();
    if problems.is_empty() {
        let message = format!("`{gate}` did not pass: {}", result.reasons.join("; "));
        problems.push(Diagnostic::error("gates::threshold", message));
    }
    problems
}

fn of_finding(gate: &str, finding: &Finding, subject: &Subject, folder: &str) -> Diagnostic {
    use evergen_regeneration::Severity as Level;
    let severity = match finding.severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
        _ => Level::Notice,
    };
    let message = format!("{} [{gate}: {}]", finding.message, finding.rule);
    let mut problem = Diagnostic::new(severity, "gates::finding", message);
    let Some(file) = &finding.file else { return problem };
    problem = problem.in_file(format!("{folder}{file}")).about(file);
    let Some(region) = finding.region else { return problem };
    let column = region.column.unwrap_or(1);
    let bytes = subject.get(file).ok().flatten().and_then(|file| file.bytes().ok());
    if let Some(text) = bytes.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()) {
        let span = span_of(&text, region.line, column);
        return problem.at(text.into(), span);
    }
    (problem.line, problem.column) = (Some(region.line), Some(column));
    problem
}
