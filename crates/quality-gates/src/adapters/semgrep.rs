//! semgrep.

use serde::Deserialize;

use super::ready::{ReadyAdapter, info, json, reading, versions, within};
use crate::{
    Canary, Cost, Coverage, ExitContract, Fault, Finding, GateKind, Invocation, Job, Limits,
    Position, Reading, Region, Severity, ToolOutput, ToolSpec,
};

const RULES: &str = "rules:\n- id: canary\n  languages: [python]\n  severity: ERROR\n  message: exec\n  pattern: exec(...)\n";

/// Rules of the project's own, from `.semgrep.yml`: nothing is asked of the network.
///
/// A file whose language no rule is for is not looked at, which is an error and no pass: give
/// the gate the scope of its rules by [`with_info`](ReadyAdapter::with_info) where that is not
/// Python.
pub fn semgrep() -> ReadyAdapter {
    let canary = |canary: Canary| canary.with_file(".semgrep.yml", RULES);
    let own = info("semgrep", GateKind::Security, &["py"], "json own rules 1");
    let own = reading(own, &[".semgrep.yml", ".semgrepignore"]);
    ReadyAdapter {
        info: within(own, ".semgrep.yml", &[".semgrep.yml"]).with_cost(Cost::Moderate),
        tool: ToolSpec::new("semgrep", "Install it with `pip install semgrep`.")
            .also_in(".venv/bin")
            .with_versions(versions("1", "2")),
        contract: ExitContract::default(),
        limits: Limits::default().with_time(std::time::Duration::from_mins(5)),
        canaries: vec![
            canary(Canary::red("canary.py", "exec(input())\n").by_rule("canary")),
            canary(Canary::green("canary.py", "x = 1\n")),
        ],
        run: |job| {
            let arguments = [
                "scan",
                "--json",
                "--quiet",
                "--error",
                "--strict",
                "--config",
                ".semgrep.yml",
                "--metrics=off",
                "--disable-version-check",
                "--no-git-ignore",
                "--disable-nosem",
                "--",
            ];
            let run = Invocation::new(arguments).with(job.paths());
            // Settings that it keeps for itself are not the user's.
            vec![run.with_variable("HOME", job.cache.to_string_lossy())]
        },
        read: read_semgrep,
    }
}

#[derive(Deserialize)]
struct Semgrep {
    results: Vec<SemgrepFinding>,
    errors: Vec<serde_json::Value>,
    paths: SemgrepPaths,
}

#[derive(Deserialize)]
struct SemgrepPaths {
    scanned: Vec<String>,
}

#[derive(Deserialize)]
struct SemgrepFinding {
    check_id: String,
    path: String,
    start: SemgrepPlace,
    end: SemgrepPlace,
    extra: SemgrepExtra,
}

#[derive(Deserialize)]
struct SemgrepPlace {
    line: u32,
    col: u32,
}

#[derive(Deserialize)]
struct SemgrepExtra {
    message: String,
    severity: String,
}

fn read_semgrep(job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let report: Semgrep = json("its report", &output.stdout)?;
    let is_scanned = |path: &str| report.paths.scanned.iter().any(|it| it == path);
    let looked = job.files.iter().filter(|file| is_scanned(file.path())).count() as u64;
    if let Some(error) = report.errors.first() {
        let what = error["message"].as_str().unwrap_or("it does not say what");
        return Err(Fault::unparsable("what it was given", what));
    }
    let findings = report.results.into_iter().map(|one| {
        let severity = match one.extra.severity.as_str() {
            "ERROR" | "HIGH" | "CRITICAL" => Severity::Error,
            "WARNING" | "MEDIUM" => Severity::Warning,
            _ => Severity::Note,
        };
        let place = |place: &SemgrepPlace| Position::new(place.line, place.col);
        Finding::new(severity, one.check_id, one.extra.message)
            .in_file(one.path)
            .at(Region::between(place(&one.start), place(&one.end)))
    });
    Ok(Reading::new(findings.collect(), Coverage::of_files(looked)))
}
