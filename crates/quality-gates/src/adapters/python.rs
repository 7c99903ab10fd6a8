//! ruff, black, mypy, bandit and pytest.

use serde::Deserialize;

use super::junit;
use super::ready::{
    ReadyAdapter, doubting, info, json, number_before, reading, text, versions, within,
};
use crate::{
    Canary, Cost, Coverage, Edit, ExitContract, Fault, Finding, Fix, GateKind, Invocation, Job,
    Limits, Looker, Needs, Position, Reading, Region, Severity, ToolOutput, ToolSpec,
};

const SETTINGS: &[&str] = &[
    "**/pyproject.toml",
    "**/ruff.toml",
    "**/.ruff.toml",
    "**/setup.cfg",
    "**/mypy.ini",
    "**/.mypy.ini",
    "**/{pytest,.pytest,tox}.ini",
    "**/{pytest,.pytest}.toml",
    "**/.coveragerc",
];

fn python(name: &str, install: &str) -> ToolSpec {
    ToolSpec::new(name, install).also_in(".venv/bin").also_in("venv/bin")
}

/// Lints of ruff, with its fixes. A first run lists the files that it takes.
pub fn ruff_check() -> ReadyAdapter {
    ReadyAdapter {
        info: reading(info("ruff check", GateKind::Lint, &["py", "pyi"], "json 1"), SETTINGS),
        tool: python("ruff", "Install it with `pip install ruff`.")
            .with_versions(versions("0.4", "1")),
        contract: ExitContract::default(),
        limits: Limits::default(),
        canaries: vec![
            Canary::red("canary.py", "x = y\n").by_rule("F821"),
            Canary::green("canary.py", "x = 1\n"),
        ],
        run: |job| {
            ruff(job, &["check", "--no-fix", "--output-format", "json"], &["check", "--show-files"])
        },
        read: read_ruff,
    }
}

/// The layout of ruff, shown as edits.
pub fn ruff_format() -> ReadyAdapter {
    ReadyAdapter {
        info: reading(info("ruff format", GateKind::Format, &["py", "pyi"], "json 1"), SETTINGS),
        tool: python("ruff", "Install it with `pip install ruff`.")
            .with_versions(versions("0.14", "1")),
        contract: ExitContract::default(),
        limits: Limits::default(),
        canaries: vec![
            Canary::red("canary.py", "x   =  1\n").by_rule("unformatted"),
            Canary::green("canary.py", "x = 1\n"),
        ],
        run: |job| {
            ruff(job, &["format", "--check", "--output-format", "json"], &["check", "--show-files"])
        },
        read: read_ruff,
    }
}

fn ruff(job: &Job<'_>, look: &[&str], list: &[&str]) -> Vec<Invocation> {
    let cached = |arguments: &[&str]| {
        Invocation::new(arguments.iter().copied())
            .with(["--"])
            .with(job.paths())
            .with_variable("RUFF_CACHE_DIR", job.cache.to_string_lossy())
    };
    vec![cached(list), cached(look)]
}

#[derive(Deserialize)]
struct RuffFinding {
    code: Option<String>,
    message: String,
    filename: String,
    location: RuffPlace,
    end_location: RuffPlace,
    url: Option<String>,
    fix: Option<RuffFix>,
}

#[derive(Deserialize, Clone, Copy)]
struct RuffPlace {
    row: u32,
    column: u32,
}

#[derive(Deserialize)]
struct RuffFix {
    applicability: String,
    message: Option<String>,
    edits: Vec<RuffEdit>,
}

#[derive(Deserialize)]
struct RuffEdit {
    content: String,
    location: RuffPlace,
    end_location: RuffPlace,
}

impl From<RuffPlace> for Position {
    fn from(place: RuffPlace) -> Self {
        Self::new(place.row, place.column)
    }
}

fn read_ruff(job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    if output.invocation == 0 {
        let listed = text("its list of files", &output.stdout)?;
        let asked = |line: &&str| job.files.iter().any(|file| line.ends_with(file.path()));
        return Ok(Reading::new(
            Vec::new(),
            Coverage::of_files(listed.lines().filter(asked).count() as u64),
        ));
    }
    let found: Vec<RuffFinding> = json("its report", &output.stdout)?;
    let findings = found.into_iter().map(RuffFinding::into_finding).collect();
    Ok(Reading::new(findings, Coverage::default()))
}

impl RuffFinding {
    fn into_finding(self) -> Finding {
        let rule = self.code.unwrap_or_else(|| "invalid-syntax".to_owned());
        let mut finding = Finding::error(rule, self.message)
            .in_file(self.filename.clone())
            .at(Region::between(self.location.into(), self.end_location.into()));
        if let Some(url) = self.url {
            finding = finding.with_help(url);
        }
        match self.fix {
            Some(fix) => finding.with_fix(fix.into_fix(&self.filename)),
            None => finding,
        }
    }
}

impl RuffFix {
    fn into_fix(self, file: &str) -> Fix {
        let edits = self.edits.into_iter().map(|edit| {
            Edit::new(file, edit.location.into(), edit.end_location.into(), edit.content)
        });
        let description = self.message.unwrap_or_else(|| "Lay it out".to_owned());
        Fix::new(description, self.applicability == "safe", edits.collect())
    }
}

/// The layout of black.
pub fn black() -> ReadyAdapter {
    ReadyAdapter {
        info: reading(info("black", GateKind::Format, &["py", "pyi"], "check 1"), SETTINGS),
        tool: python("black", "Install it with `pip install black`.")
            .with_versions(versions("23", "30")),
        contract: ExitContract::default(),
        limits: Limits::default(),
        canaries: vec![
            Canary::red("canary.py", "x   =  1\n").by_rule("unformatted"),
            Canary::green("canary.py", "x = 1\n"),
        ],
        run: |job| {
            vec![
                Invocation::new(["--check", "--no-color", "--"])
                    .with(job.paths())
                    .with_variable("BLACK_CACHE_DIR", job.cache.to_string_lossy()),
            ]
        },
        read: read_black,
    }
}

fn read_black(_: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let said = text("its report", &output.stderr)?;
    let summary =
        said.lines().rev().find(|line| line.contains(" file")).filter(|line| line.ends_with('.'));
    let summary = summary.ok_or_else(|| {
        Fault::unparsable("its report", "the count of files at the end is missing")
    })?;
    let count: u64 = summary.split(", ").map(|part| number_before(part, " file")).sum();
    let wrong = said.lines().filter_map(|line| line.strip_prefix("would reformat "));
    let findings = wrong.map(|file| {
        Finding::error("unformatted", "black would lay this file out differently").in_file(file)
    });
    Ok(Reading::new(findings.collect(), Coverage::of_files(count)))
}

/// Types by mypy. Its plain report counts the files that it checked; its JSON does not.
pub fn mypy() -> ReadyAdapter {
    ReadyAdapter {
        info: reading(
            info("mypy", GateKind::Types, &["py", "pyi"], "text 1")
                .needing(Needs::Tree)
                .with_cost(Cost::Moderate),
            SETTINGS,
        ),
        tool: python("mypy", "Install it with `pip install mypy`.")
            .with_versions(versions("1", "3")),
        contract: ExitContract::default().tolerating(Severity::Note),
        limits: Limits::default(),
        canaries: vec![
            Canary::red("canary.py", "x: int = 'a'\n").by_rule("assignment"),
            Canary::green("canary.py", "x: int = 1\n"),
        ],
        run: |job| {
            let arguments = [
                "--show-column-numbers",
                "--show-error-end",
                "--show-error-codes",
                "--no-pretty",
                "--no-color-output",
                "--error-summary",
                "--cache-dir",
            ];
            vec![
                Invocation::new(arguments)
                    .with([job.cache.as_os_str()])
                    .with(["--"])
                    .with(job.paths()),
            ]
        },
        read: read_mypy,
    }
}

fn read_mypy(_: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let said = text("its report", &output.stdout)?;
    let mut lines = said.lines();
    let summary = lines.next_back().unwrap_or_default();
    let count = if summary.starts_with("Success: ") {
        number_before(summary, " source file")
    } else {
        summary.split("(checked ").nth(1).map_or(0, |rest| number_before(rest, " source file"))
    };
    if count == 0 && output.code != 2 {
        return Err(Fault::unparsable("its report", "the count of files at the end is missing"));
    }
    let findings: Result<Vec<Finding>, Fault> = lines.map(mypy_line).collect();
    Ok(Reading::new(findings?, Coverage::of_files(count)))
}

/// `file:line:column:line:column: error: message  [code]`
fn mypy_line(line: &str) -> Result<Finding, Fault> {
    let wrong = || Fault::unparsable("its report", format!("unknown line {line:?}"));
    let mut parts = line.splitn(6, ':');
    let file = parts.next().ok_or_else(wrong)?;
    let mut number =
        || parts.next().and_then(|part| part.trim().parse::<u32>().ok()).ok_or_else(wrong);
    let (row, column, end_row, end_column) = (number()?, number()?, number()?, number()?);
    let rest = parts.next().ok_or_else(wrong)?.trim_start();
    let (severity, message) = rest.split_once(": ").ok_or_else(wrong)?;
    let severity = match severity {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        "note" => Severity::Note,
        _ => return Err(wrong()),
    };
    let (message, rule) = match message.rsplit_once("  [") {
        Some((message, code)) => (message, code.trim_end_matches(']')),
        None => (message, "mypy"),
    };
    let region =
        Region::between(Position::new(row, column), Position::new(end_row, end_column + 1));
    Ok(Finding::new(severity, rule, message).in_file(file).at(region))
}

/// Dangerous calls, by bandit. It ends with 0 on files that it could not parse; here that is an error.
pub fn bandit() -> ReadyAdapter {
    ReadyAdapter {
        info: info("bandit", GateKind::Security, &["py"], "json 1"),
        tool: python("bandit", "Install it with `pip install bandit`.")
            .with_versions(versions("1.7", "2")),
        contract: ExitContract::default(),
        limits: Limits::default(),
        canaries: vec![
            Canary::red("canary.py", "exec(input())\n").by_rule("B102"),
            Canary::green("canary.py", "x = 1\n"),
        ],
        run: |job| vec![Invocation::new(["-f", "json", "-q", "--"]).with(job.paths())],
        read: read_bandit,
    }
}

#[derive(Deserialize)]
struct Bandit {
    errors: Vec<serde_json::Value>,
    metrics: std::collections::BTreeMap<String, serde_json::Value>,
    results: Vec<BanditFinding>,
}

#[derive(Deserialize)]
struct BanditFinding {
    filename: String,
    issue_severity: String,
    issue_text: String,
    line_number: u32,
    col_offset: Option<u32>,
    test_id: String,
    more_info: Option<String>,
}

fn read_bandit(job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let report: Bandit = json("its report", &output.stdout)?;
    let seen = report.metrics.keys().filter(|name| *name != "_totals").count() as u64;
    let looked = seen.saturating_sub(report.errors.len() as u64);
    if !report.errors.is_empty() {
        return Err(Fault::Partial {
            what: "files".to_owned(),
            looked,
            asked: job.files.len() as u64,
        });
    }
    let findings = report.results.into_iter().map(|one| {
        let severity = match one.issue_severity.as_str() {
            "HIGH" => Severity::Error,
            "MEDIUM" => Severity::Warning,
            _ => Severity::Note,
        };
        let region = Region::at(one.line_number, one.col_offset.unwrap_or(0) + 1);
        let finding =
            Finding::new(severity, one.test_id, one.issue_text).in_file(one.filename).at(region);
        match one.more_info {
            Some(url) => finding.with_help(url),
            None => finding,
        }
    });
    Ok(Reading::new(findings.collect(), Coverage::of_files(looked)))
}

/// Where pytest may be told that tests have other names.
const PYTEST_SETTINGS: &[&str] = &[
    "**/{pytest,.pytest,tox}.ini",
    "**/{pyproject,pytest,.pytest}.toml",
    "**/setup.cfg",
    "**/conftest.py",
];

/// Tests by pytest, with the share of lines that they reach. No test is an error, and never a pass.
pub fn pytest() -> ReadyAdapter {
    let own = reading(info("pytest", GateKind::Tests, &["py"], "junit+cov 2"), SETTINGS);
    let usual = ["**/test_*.py", "**/*_test.py"];
    let own = within(own, "test file (`test_*.py`, `*_test.py`)", &usual);
    ReadyAdapter {
        info: doubting(own, PYTEST_SETTINGS)
            .needing(Needs::Tree)
            .with_cost(Cost::Expensive)
            .with_retries(1),
        tool: python("pytest", "Install it with `pip install pytest pytest-cov`.")
            .with_versions(versions("7", "10")),
        // 5 is "no tests", which the count of tests turns into an empty scope.
        contract: ExitContract::new([0, 5], [1]),
        limits: Limits::default().with_time(std::time::Duration::from_mins(10)),
        canaries: vec![
            Canary::red("test_canary.py", "def test_a():\n    assert 1 == 2\n"),
            Canary::green("test_canary.py", "def test_a():\n    assert 1 == 1\n"),
        ],
        run: |job| {
            let (report, coverage) =
                (job.cache.join("report.xml"), job.cache.join("coverage.json"));
            let own = |option: &str, path: &std::path::Path| format!("{option}{}", path.display());
            // Only the older family of reports says in which file a test is.
            let run = Invocation::new(["-q", "-p", "no:cacheprovider", "--cov=."])
                .with(["-o", "junit_family=xunit1"])
                .with([own("--junitxml=", &report), own("--cov-report=json:", &coverage)])
                .with_variable("COVERAGE_FILE", job.cache.join("coverage").to_string_lossy())
                .with_variable("PYTHONDONTWRITEBYTECODE", "1");
            vec![run.writing(report).writing(coverage)]
        },
        read: read_pytest,
    }
}

#[derive(Deserialize)]
struct CoverageReport {
    totals: CoverageTotals,
}

#[derive(Deserialize)]
struct CoverageTotals {
    percent_covered: f64,
    num_statements: u64,
}

fn read_pytest(job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let report = junit::read(output.file(0)?, job)?;
    let mut coverage = Coverage::of_files(job.files.len() as u64).with_tests(report.ran);
    if report.ran > 0 {
        let measured: CoverageReport = json("its coverage", output.file(1)?)?;
        coverage = coverage
            .with_lines(measured.totals.num_statements)
            .measured(Coverage::LINE_COVERAGE, measured.totals.percent_covered)
            .by(Looker::new("coverage", "by pytest-cov"));
    }
    Ok(Reading::new(report.findings, coverage))
}
