//! Types of Python by other judges: pyright and ty.

use serde::Deserialize;

use super::ready::{ReadyAdapter, info, json, reading, text, versions};
use crate::{
    Canary, Cost, Coverage, ExitContract, Fault, Finding, GateInfo, GateKind, Invocation, Job,
    Limits, Needs, Position, Reading, Region, Severity, ToolOutput, ToolSpec,
};

fn types(name: &str, settings: &str, files: &[&str]) -> GateInfo {
    reading(info(name, GateKind::Types, &["py", "pyi"], settings), files)
        .needing(Needs::Tree)
        .with_cost(Cost::Moderate)
}

fn tool(name: &str) -> ToolSpec {
    let install = format!("Install it with `pip install {name}`.");
    ToolSpec::new(name, install).also_in(".venv/bin").also_in("venv/bin")
}

fn canaries(rule: &str) -> Vec<Canary> {
    vec![
        Canary::red("canary.py", "x: int = 'a'\n").by_rule(rule),
        Canary::green("canary.py", "x: int = 1\n"),
    ]
}

/// Types by pyright, which counts the files that it analysed. What pip installs fetches the
/// program itself at its first start.
pub fn pyright() -> ReadyAdapter {
    ReadyAdapter {
        info: types("pyright", "outputjson 1", &["pyrightconfig.json", "**/pyproject.toml"]),
        tool: tool("pyright").with_versions(versions("1.1.300", "2")),
        contract: ExitContract::default().tolerating(Severity::Warning),
        limits: Limits::default().with_time(std::time::Duration::from_mins(3)),
        canaries: canaries("reportAssignmentType"),
        run: |job| vec![Invocation::new(["--outputjson"]).with(job.paths())],
        read: read_pyright,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pyright {
    general_diagnostics: Vec<PyrightFinding>,
    summary: PyrightSummary,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PyrightSummary {
    files_analyzed: u64,
    error_count: usize,
}

#[derive(Deserialize)]
struct PyrightFinding {
    file: String,
    severity: String,
    message: String,
    rule: Option<String>,
    range: Option<PyrightRange>,
}

#[derive(Deserialize)]
struct PyrightRange {
    start: PyrightPlace,
    end: PyrightPlace,
}

/// Counts from zero, and columns in UTF-16 units.
#[derive(Deserialize)]
struct PyrightPlace {
    line: u32,
    character: u32,
}

fn read_pyright(_: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let report: Pyright = json("its report", &output.stdout)?;
    let errors = report.general_diagnostics.iter().filter(|one| one.severity == "error").count();
    if errors != report.summary.error_count {
        return Err(Fault::unparsable("its report", "it counts other errors than it names"));
    }
    let findings = report.general_diagnostics.into_iter().map(|one| {
        let severity = match one.severity.as_str() {
            "error" => Severity::Error,
            "warning" => Severity::Warning,
            _ => Severity::Note,
        };
        let rule = one.rule.unwrap_or_else(|| "pyright".to_owned());
        let finding = Finding::new(severity, rule, one.message).in_file(one.file);
        match one.range {
            // The columns of a line with characters beyond the basic plane would be too large.
            Some(range) => finding.at(Region::between(
                Position::new(range.start.line + 1, range.start.character + 1),
                Position::new(range.end.line + 1, range.end.character + 1),
            )),
            None => finding,
        }
    });
    Ok(Reading::new(findings.collect(), Coverage::of_files(report.summary.files_analyzed)))
}

/// Types by ty, which does not say which files it read.
pub fn ty() -> ReadyAdapter {
    ReadyAdapter {
        info: types("ty", "concise 1", &["ty.toml", "**/pyproject.toml"]),
        tool: tool("ty").with_versions(versions("0.0.1", "1")),
        contract: ExitContract::default().tolerating(Severity::Warning),
        limits: Limits::default(),
        canaries: canaries("invalid-assignment"),
        run: |job| {
            let arguments =
                ["check", "--output-format", "concise", "--color", "never", "--no-progress", "--"];
            vec![Invocation::new(arguments).with(job.paths())]
        },
        read: read_ty,
    }
}

/// `file:line:column: error[rule] message`, and at the end how many there were.
fn read_ty(job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let said = text("its report", &output.stdout)?;
    let mut lines: Vec<&str> = said.lines().filter(|line| !line.is_empty()).collect();
    let summary = lines.pop().unwrap_or_default();
    let findings: Result<Vec<Finding>, Fault> = lines
        .iter()
        .map(|line| ty_line(line).ok_or_else(|| Fault::unparsable("its report", line)))
        .collect();
    let findings = findings?;
    let count = summary
        .strip_prefix("Found ")
        .and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok())
        .or_else(|| (summary == "All checks passed!").then_some(0));
    if count != Some(findings.len()) {
        let why = "the count of findings at the end is missing, or another one";
        return Err(Fault::unparsable("its report", why));
    }
    Ok(Reading::unsaid(findings, job))
}

fn ty_line(line: &str) -> Option<Finding> {
    let (place, rest) = line.split_once(": ")?;
    let mut place = place.rsplitn(3, ':');
    let (column, row, file) = (place.next()?, place.next()?, place.next()?);
    let (head, message) = rest.split_once("] ")?;
    let (severity, rule) = head.split_once('[')?;
    let severity = match severity {
        "error" | "fatal" => Severity::Error,
        "warning" => Severity::Warning,
        _ => Severity::Note,
    };
    let region = Region::at(row.parse().ok()?, column.parse().ok()?);
    Some(Finding::new(severity, rule, message).in_file(file).at(region))
}
