//! rustfmt and cargo's own programs.

use serde::Deserialize;

use super::packages;
use super::projects::{run_in, unsaid};
use super::ready::{ReadyAdapter, info, reading, text, versions, within};
use crate::process::last_words;
use crate::{
    Canary, Cost, Edit, ExitContract, Fault, Finding, Fix, GateInfo, GateKind, Invocation, Job,
    Limits, Needs, Position, Reading, Region, Severity, SubjectFile, ToolOutput, ToolSpec,
};

pub(super) const SETTINGS: &[&str] = &[
    "**/Cargo.toml",
    "**/Cargo.lock",
    "**/rust-toolchain",
    "**/rust-toolchain.toml",
    "**/rustfmt.toml",
    "**/.rustfmt.toml",
    "**/clippy.toml",
    "**/.clippy.toml",
    "**/.cargo/config",
    "**/.cargo/config.toml",
    "**/deny.toml",
    "**/.deny.toml",
];
const MANIFEST: &str =
    "[package]\nname = \"canary\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n";

pub(super) fn with_toolchain(tool: ToolSpec) -> ToolSpec {
    tool.passing("RUSTUP_TOOLCHAIN")
}

/// The layout of rustfmt.
pub fn rustfmt() -> ReadyAdapter {
    ReadyAdapter {
        info: reading(info("rustfmt", GateKind::Format, &["rs"], "check edition=2024 2"), SETTINGS),
        tool: with_toolchain(ToolSpec {
            versions: versions("1.4", "2"),
            starts_nothing: true,
            ..ToolSpec::new("rustfmt", "Install it with `rustup component add rustfmt`.")
        }),
        contract: ExitContract::default(),
        limits: Limits::default(),
        canaries: vec![
            Canary::red("canary.rs", "fn f( ) {}\n").by_rule("unformatted"),
            Canary::green("canary.rs", "fn f() {}\n"),
        ],
        run: |job| {
            let look = Invocation::new(["--check", "--edition", "2024", "-l", "--"]);
            let mut runs = vec![look.with(job.paths()), control()];
            let settings = job.tree.iter().map(SubjectFile::path).filter(|path| {
                ["rustfmt.toml", ".rustfmt.toml"].contains(&path.rsplit('/').next().unwrap_or(path))
            });
            runs.extend(settings.map(|path| control().with(["--config-path", path])));
            runs
        },
        read: read_rustfmt,
    }
}

const UNFORMATTED: &str = "fn f( ) {}\n";

/// Settings may switch it off, and it says nothing of that: so another run under each of them must
/// lay something out.
fn control() -> Invocation {
    Invocation::new(["--edition", "2024"]).with_input(UNFORMATTED.as_bytes()).as_control()
}

fn read_rustfmt(job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let said = text("its list of files", &output.stdout)?;
    if output.invocation > 0 {
        return match said {
            UNFORMATTED => {
                let what = "its settings keep it from laying anything out".to_owned();
                Err(Fault::EmptyScope { what })
            }
            "" => Err(Fault::unparsable("its answer to a planted mistake", "it is empty")),
            _ => Ok(Reading::default()),
        };
    }
    let wrong = |file: &str| {
        Finding::error("unformatted", "rustfmt would lay this file out differently").in_file(file)
    };
    Ok(Reading::unsaid(said.lines().map(wrong).collect(), job))
}

pub(super) fn cargo(name: &str, kind: GateKind, settings: &str) -> (GateInfo, ToolSpec) {
    let info = reading(info(name, kind, &["rs"], settings), SETTINGS);
    let info = within(info, packages::NAME, &["**/Cargo.toml"]);
    (info.needing(Needs::Tree).with_cost(Cost::Expensive), cargo_tool())
}

/// cargo itself, which may use what it has downloaded for the user.
pub(crate) fn cargo_tool() -> ToolSpec {
    let tool = ToolSpec::new("cargo", "Install it with rustup, from https://rustup.rs.");
    with_toolchain(tool.with_versions(versions("1.70", "2")))
}

pub(super) fn build_limits() -> Limits {
    Limits::default().with_time(std::time::Duration::from_mins(10))
}

pub(super) fn cargo_run(job: &Job<'_>, arguments: &[&str]) -> Vec<Invocation> {
    let run = Invocation::new(arguments.iter().copied())
        .with_variable("CARGO_TARGET_DIR", job.cache.to_string_lossy())
        .with_variable("CARGO_TERM_COLOR", "never");
    run_in(job.plan(packages::plan), &run)
}

pub(super) fn library(text: &str, rule: Option<&str>) -> Canary {
    let canary = match rule {
        Some(rule) => Canary::red("src/lib.rs", text).by_rule(rule),
        None => Canary::green("src/lib.rs", text),
    };
    canary.with_file("Cargo.toml", MANIFEST)
}

/// Whether it compiles.
pub fn cargo_check() -> ReadyAdapter {
    let (info, tool) = cargo("cargo check", GateKind::Types, "all-targets json 3");
    ReadyAdapter {
        info,
        tool,
        contract: ExitContract::new([0], [101]).tolerating(Severity::Warning),
        limits: build_limits(),
        canaries: vec![
            library("pub fn f() -> u8 { \"a\" }\n", Some("E0308")),
            library("pub fn f() -> u8 {\n    1\n}\n", None),
        ],
        run: |job| {
            cargo_run(job, &["check", "--workspace", "--all-targets", "--message-format", "json"])
        },
        read: read_messages,
    }
}

/// Lints of clippy; its warnings count.
pub fn clippy() -> ReadyAdapter {
    let (info, tool) = cargo("clippy", GateKind::Lint, "all-targets json 3");
    ReadyAdapter {
        info,
        tool: tool
            .called("clippy")
            .with_version_arguments(["clippy", "--version"])
            // It calls itself 0.1.95 where all of Rust is 1.95.0, and its lints are dated by that.
            .with_version_by("cargo", ["--version"]),
        contract: ExitContract::new([0], [101]).tolerating(Severity::Warning),
        limits: build_limits(),
        canaries: vec![
            library("pub fn f(x: u32) -> bool {\n    x == x\n}\n", Some("clippy::eq_op")),
            library("pub fn f() -> u8 {\n    1\n}\n", None),
        ],
        run: |job| {
            cargo_run(job, &["clippy", "--workspace", "--all-targets", "--message-format", "json"])
        },
        read: read_messages,
    }
}

#[derive(Deserialize)]
struct CargoLine {
    reason: String,
    success: Option<bool>,
    message: Option<Diagnostic>,
}

#[derive(Deserialize)]
struct Diagnostic {
    message: String,
    level: String,
    code: Option<Code>,
    spans: Vec<Span>,
    #[serde(default)]
    children: Vec<Advice>,
}

/// A note or help below a message; its spans may say what to write instead.
#[derive(Deserialize)]
struct Advice {
    message: String,
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    is_primary: bool,
    line_start: u32,
    line_end: u32,
    column_start: u32,
    column_end: u32,
    suggested_replacement: Option<String>,
    suggestion_applicability: Option<String>,
}

fn read_messages(job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let said = text("its messages", &output.stdout)?;
    let mut findings: Vec<Finding> = Vec::new();
    let mut is_finished = None;
    for line in said.lines() {
        let message: CargoLine =
            serde_json::from_str(line).map_err(|error| Fault::unparsable("its messages", error))?;
        match message.reason.as_str() {
            "build-finished" => is_finished = message.success,
            "compiler-message" => {
                findings.extend(message.message.and_then(Diagnostic::into_finding));
            }
            _ => {}
        }
    }
    // The same warning comes from the library and from its tests.
    findings.sort();
    findings.dedup();
    match is_finished {
        // Where it can't even begin, as with a broken manifest, it says so elsewhere.
        None if said.is_empty() && output.code != 0 => Err(Fault::NonZeroNoFindings {
            code: output.code,
            said: last_words(&output.stdout, &output.stderr),
        }),
        None => Err(Fault::unparsable("its messages", "the end of the build is missing")),
        Some(_) => Ok(unsaid(findings, job, job.plan(packages::plan), output)),
    }
}

impl Diagnostic {
    /// Summaries like "3 warnings emitted" have no place and say nothing new.
    fn into_finding(self) -> Option<Finding> {
        let severity = match self.level.as_str() {
            "error" | "error: internal compiler error" => Severity::Error,
            "warning" => Severity::Warning,
            _ => Severity::Note,
        };
        let span = self.spans.into_iter().find(|span| span.is_primary)?;
        let rule = self.code.map_or_else(|| "rustc".to_owned(), |code| code.code);
        let start = Position::new(span.line_start, span.column_start);
        let region = Region::between(start, Position::new(span.line_end, span.column_end));
        let finding = Finding::new(severity, rule, self.message).in_file(span.file_name).at(region);
        let mut fixes = self.children.into_iter().filter_map(Advice::into_fix);
        Some(match (fixes.next(), fixes.next()) {
            (Some(fix), None) => finding.with_fix(fix),
            // Of several ways the compiler itself does not know which is right.
            _ => finding,
        })
    }
}

impl Advice {
    /// What the compiler would write itself (`cargo fix` does), or might, if it is `MaybeIncorrect`.
    fn into_fix(self) -> Option<Fix> {
        let is_machine =
            |span: &Span| span.suggestion_applicability.as_deref() == Some("MachineApplicable");
        let is_maybe =
            |span: &Span| span.suggestion_applicability.as_deref() == Some("MaybeIncorrect");
        let is_usable = |span: &Span| is_machine(span) || is_maybe(span);
        if self.spans.is_empty() || !self.spans.iter().all(is_usable) {
            return None;
        }
        let safe = self.spans.iter().all(is_machine);
        let edit = |span: Span| {
            let start = Position::new(span.line_start, span.column_start);
            let end = Position::new(span.line_end, span.column_end);
            Some(Edit::new(span.file_name, start, end, span.suggested_replacement?))
        };
        let edits: Option<Vec<Edit>> = self.spans.into_iter().map(edit).collect();
        Some(Fix::new(self.message, safe, edits?))
    }
}
