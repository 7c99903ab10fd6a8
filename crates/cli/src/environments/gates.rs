//! The quality gates of the project as judges of a release.

use std::path::{Path, PathBuf};

use evergen_deployment::{
    BoxError, Candidate, Judgement, ReleaseValidator, Remark, RemarkLevel, ValidationError,
};
use evergen_quality_gates::{Extent, Folder, GateReport, Outcome, Severity, Subject};
use futures::future::{BoxFuture, FutureExt};

use crate::failure::Failure;
use crate::gates::{Gates, today};
use crate::project::Chosen;

const NAME: &str = "quality gates";

/// Asks all gates that the project names about the files of a release.
pub(super) struct ReleaseGates {
    root: PathBuf,
}

impl ReleaseGates {
    /// The gates of the project in this folder, as it says when a release is judged.
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    async fn judge(&self, folder: PathBuf) -> Result<Judgement, BoxError> {
        let root = self.root.clone();
        let prepared = tokio::task::spawn_blocking(move || prepare(&root, folder)).await?;
        let (engine, subject) = prepared?;
        let report = engine.execute_on(&subject, today(Extent::Changes)).await;
        judgement(&report)
    }
}

impl ReleaseValidator for ReleaseGates {
    fn name(&self) -> &str {
        NAME
    }

    fn validate<'a>(
        &'a self,
        candidate: &'a Candidate,
    ) -> BoxFuture<'a, Result<Judgement, ValidationError>> {
        async move {
            let (validator, deadline) = (NAME.to_owned(), candidate.context.deadline);
            let judging = self.judge(candidate.context.release.root.clone());
            match tokio::time::timeout(deadline, judging).await {
                Ok(Ok(judgement)) => Ok(judgement),
                Ok(Err(source)) => Err(ValidationError::NotJudged { validator, source }),
                Err(_) => Err(ValidationError::TimedOut { validator, deadline }),
            }
        }
        .boxed()
    }
}

/// Opens the gates and looks at the release. Blocks.
fn prepare(
    root: &Path,
    folder: PathBuf,
) -> Result<(evergen_quality_gates::QualityGateEngine, Subject), BoxError> {
    let gates = Chosen::at(root).and_then(|chosen| Gates::of_project(&chosen));
    let gates = gates.map_err(|failure| said(&failure))?;
    let engine = gates.engine(&gates.asked(true), true).map_err(|failure| said(&failure))?;
    let subject = Subject::of_folder(Folder::new(folder).with_ignored_files())?;
    Ok((engine, subject))
}

/// A failure of the command line in one line, with the first thing that was found.
fn said(failure: &Failure) -> BoxError {
    let first = failure.diagnostics.first().map(|found| format!(": {}", found.message));
    format!("{}{}", failure.message, first.unwrap_or_default()).into()
}

/// What a report says of a release; an error where a gate could not look, and no other found
/// anything.
fn judgement(report: &GateReport) -> Result<Judgement, BoxError> {
    let mut remarks = Vec::new();
    let mut blind = None;
    for result in report.gates.iter().filter(|result| !result.passed) {
        if let Outcome::Error(fault) = &result.outcome {
            blind.get_or_insert_with(|| format!("`{}` could not look: {fault}", result.gate));
            continue;
        }
        // A gate whose findings are borne one by one may still fail for all of them together.
        remarks.push(Remark::error(format!("`{}`: {}", result.gate, result.reasons.join("; "))));
        for (finding, _) in result.judged().filter(|(_, standing)| standing.counts()) {
            let level = match finding.severity {
                Severity::Error => RemarkLevel::Error,
                Severity::Warning => RemarkLevel::Warning,
                _ => RemarkLevel::Note,
            };
            let text = format!("{} [{}: {}]", finding.message, result.gate, finding.rule);
            let remark = Remark::new(level, text);
            remarks.push(match &finding.file {
                Some(file) => remark.at(file, finding.region.map(|region| region.line)),
                None => remark,
            });
        }
    }
    remarks.extend(report.problems.iter().map(|problem| Remark::error(problem.to_string())));
    match blind {
        Some(blind) if remarks.is_empty() => Err(blind.into()),
        Some(blind) => Ok(Judgement::new(remarks.into_iter().chain([Remark::error(blind)]))),
        None => Ok(Judgement::new(remarks)),
    }
}
