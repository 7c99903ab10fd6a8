//! Modules: groups of files that are complete or not as a whole.

use evergen_artifact::ArtifactPath;
use globset::{Glob, GlobMatcher};

use crate::engine::Memory;
use crate::project::Project;
use crate::references;
use crate::report::{Action, ArtifactChange, Diagnostic, ModuleCounts, RunReport, Severity};
use crate::settings::ModuleSettings;

/// How complete a project's modules are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    counts: ModuleCounts,
    complete: bool,
    diagnostics: Vec<Diagnostic>,
}

impl Verdict {
    /// Puts the verdict into a report.
    pub(crate) fn report(self, report: &mut RunReport) {
        report.modules = self.counts;
        report.complete = self.complete;
        report.diagnostics.extend(self.diagnostics);
    }
}

/// What became of one module.
enum Outcome {
    Validated,
    Partial(Vec<String>),
    Failed(Vec<String>),
}

/// Judges all modules by the files that there are.
pub(crate) fn judge(project: &Project, memory: &Memory, changes: &[ArtifactChange]) -> Verdict {
    let modules = &project.settings.modules;
    let mut verdict = Verdict { complete: true, ..Verdict::default() };
    verdict.critical(memory, changes);
    if modules.is_empty() {
        return verdict;
    }
    let refused: Vec<&str> = changes
        .iter()
        .filter(|change| change.action == Action::Refuse)
        .map(|change| change.path.as_str())
        .collect();
    let paths: Vec<ArtifactPath> = memory.artifacts().outputs().map(|output| output.path).collect();
    let dangling = references::dangling(project, &paths);
    for module in modules {
        let required = project.settings.completeness.required_files;
        let outcome = judge_one(module, required, &paths, &refused, &dangling);
        verdict.add(module, outcome);
    }
    let total = verdict.counts.validated + verdict.counts.partial + verdict.counts.failed;
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 modules")]
    let share = verdict.counts.validated as f64 / total as f64;
    let wanted = project.settings.completeness.validated_modules;
    if share < wanted {
        verdict.complete = false;
        let message = format!(
            "{} of {total} modules are validated, less than the {:.0} % that [completeness] validated_modules asks for",
            verdict.counts.validated,
            wanted * 100.0
        );
        verdict.diagnostics.push(Diagnostic::error("completeness::modules", message));
    }
    verdict
}

impl Verdict {
    /// Artifacts of critical generators must not be held back.
    fn critical(&mut self, memory: &Memory, changes: &[ArtifactChange]) {
        let refused = changes.iter().filter(|change| change.action == Action::Refuse);
        for change in refused.filter(|change| memory.is_critical(&change.generator)) {
            self.complete = false;
            let message = format!("`{}` is critical, and was not brought up to date", change.path);
            let problem = Diagnostic::error("completeness::critical", message);
            self.diagnostics.push(problem.about(&*change.generator));
        }
    }

    fn add(&mut self, module: &ModuleSettings, outcome: Outcome) {
        let (word, reasons) = match outcome {
            Outcome::Validated => {
                self.counts.validated += 1;
                return;
            }
            Outcome::Partial(reasons) => {
                self.counts.partial += 1;
                ("partial", reasons)
            }
            Outcome::Failed(reasons) => {
                self.counts.failed += 1;
                ("failed", reasons)
            }
        };
        let severity = if module.critical { Severity::Error } else { Severity::Warning };
        self.complete &= !module.critical;
        let message = format!("the module `{}` is {word}: {}", module.name, reasons.join("; "));
        self.diagnostics.push(
            Diagnostic::new(severity, "completeness::module", message)
                .about(&*module.name)
                .with_help("add what generates the missing files, or take them out of the module's lists in evergen.toml"),
        );
    }
}

fn judge_one(
    module: &ModuleSettings,
    share: f64,
    paths: &[ArtifactPath],
    refused: &[&str],
    dangling: &[references::Dangling],
) -> Outcome {
    let missing = |patterns: &[String]| -> Vec<String> {
        let missing = patterns.iter().filter(|pattern| !exists(pattern, paths, refused));
        missing.cloned().collect()
    };
    let critical = missing(&module.critical_files);
    if !critical.is_empty() {
        return Outcome::Failed(vec![format!(
            "critical files are missing: {}",
            critical.join(", ")
        )]);
    }
    let mut reasons = Vec::new();
    let required = missing(&module.required);
    #[expect(clippy::cast_precision_loss, reason = "nobody lists 2^52 files")]
    let there =
        (module.required.len() - required.len()) as f64 / module.required.len().max(1) as f64;
    if !module.required.is_empty() && there < share {
        reasons.push(format!("required files are missing: {}", required.join(", ")));
    }
    let all = module.required.iter().chain(&module.critical_files);
    let matchers: Vec<GlobMatcher> = all.filter_map(|pattern| matcher(pattern)).collect();
    for dangling in dangling {
        if matchers.iter().any(|matcher| matcher.is_match(&dangling.file)) {
            reasons.push(format!(
                "{}:{} refers to `{}`, which does not exist",
                dangling.file, dangling.line, dangling.target
            ));
        }
    }
    if reasons.is_empty() { Outcome::Validated } else { Outcome::Partial(reasons) }
}

fn matcher(pattern: &str) -> Option<GlobMatcher> {
    Glob::new(pattern).ok().map(|glob| glob.compile_matcher())
}

fn exists(pattern: &str, paths: &[ArtifactPath], refused: &[&str]) -> bool {
    let Some(matcher) = matcher(pattern) else { return false };
    paths.iter().any(|path| matcher.is_match(path.as_str()) && !refused.contains(&path.as_str()))
}
