//! What the engine adds to a tool for one gate, beside what a runner of hooks adds to it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use evergen_quality_gates::{
    AdapterGate, Canary, ExitContract, Fault, Finding, GateInfo, GateKind, Invocation, Job, Policy,
    QualityGateEngine, Reading, Scope, Scratch, Subject, ToolAdapter, ToolOutput, ToolSpec,
};
use tokio::runtime::Runtime;

use super::{milliseconds, note, row, today};

/// `grep` finds lines with `bad`.
struct Grep {
    info: GateInfo,
    tool: ToolSpec,
}

impl ToolAdapter for Grep {
    fn info(&self) -> &GateInfo {
        &self.info
    }

    fn tool(&self) -> &ToolSpec {
        &self.tool
    }

    fn invocations(&self, job: &Job<'_>) -> Result<Vec<Invocation>, Fault> {
        Ok(vec![Invocation::new(["-n", "bad", "--"]).with(job.paths())])
    }

    fn contract(&self) -> ExitContract {
        ExitContract::new([1], [0])
    }

    fn read(&self, job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
        let lines = String::from_utf8_lossy(&output.stdout).lines().count();
        Ok(Reading::unsaid(vec![Finding::error("bad", "a bad word"); lines], job))
    }

    fn canaries(&self) -> Vec<Canary> {
        vec![Canary::red("a.txt", "bad\n"), Canary::green("a.txt", "good\n")]
    }
}

/// In turns: our engine with `grep` as its gate, `grep` alone, and `prek` with `grep` as its hook.
pub(super) fn overhead(runtime: &Runtime, rounds: usize) -> Result<()> {
    let scope = Scope::extensions(["txt"]);
    let grep = Grep {
        info: GateInfo::new("grep", GateKind::Lint).with_scope(scope),
        tool: ToolSpec::new("grep", "Install grep."),
    };
    let engine = QualityGateEngine::new(Policy::default())
        .with_gate(AdapterGate::new(grep))
        .with_scratch(Scratch::temporary()?);
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("a.txt"), "good\n")?;
    let hooks = Hooks::in_folder(folder.path())?;
    let (mut ours, mut bare, mut hooked) = (Duration::MAX, Duration::MAX, Duration::MAX);
    for round in 0..rounds {
        let subject = Subject::of_files([("a.txt", b"good\n".to_vec())]);
        let started = Instant::now();
        let report = runtime.block_on(engine.execute_on(&subject, today()));
        // The first round finds the tool and lets it prove itself.
        if round > 0 {
            ours = ours.min(started.elapsed());
        }
        ensure!(report.overall_passed, "{report}");
        let mut command = Command::new("grep");
        command.args(["-n", "bad", "--", "a.txt"]).current_dir(folder.path()).stdin(Stdio::null());
        bare = bare.min(timed(&mut command, 1)?);
        if let Some(hooks) = &hooks {
            hooked = hooked.min(timed(&mut hooks.command(folder.path()), 0)?);
        }
    }
    let over = ours.saturating_sub(bare);
    row("overhead of the engine for one gate", milliseconds(over), "ms", 5.0, 1.0);
    note(&format!(
        "{:.2} x the bare program: {ours:.1?} against {bare:.1?}",
        ours.as_secs_f64() / bare.as_secs_f64()
    ));
    if hooks.is_none() {
        note("prek is not there: `cargo xtask setup` installs it");
        return Ok(());
    }
    let hook = hooked.saturating_sub(bare);
    row(
        "the same, by a process of prek with one hook",
        over.as_secs_f64() / hook.as_secs_f64(),
        "x",
        1.0,
        0.5,
    );
    note(&format!(
        "prek: {hooked:.1?} for its process with one hook, {hook:.1?} above the bare program"
    ));
    Ok(())
}

fn timed(command: &mut Command, status: i32) -> Result<Duration> {
    let started = Instant::now();
    let output = command.output()?;
    let time = started.elapsed();
    ensure!(output.status.code() == Some(status), "{command:?} said something else: {output:?}");
    Ok(time)
}

/// `prek` and where it is found.
struct Hooks {
    program: std::path::PathBuf,
    home: tempfile::TempDir,
}

impl Hooks {
    /// Makes the folder a repository with one hook; nothing without `prek`.
    fn in_folder(folder: &Path) -> Result<Option<Self>> {
        let path = super::warm::search_path()?;
        let program =
            std::env::split_paths(&path).map(|it| it.join("prek")).find(|it| it.is_file());
        let Some(program) = program else { return Ok(None) };
        let git = |arguments: &[&str]| {
            let arguments = arguments.iter().map(OsStr::new);
            timed(Command::new("git").args(arguments).current_dir(folder), 0)
        };
        let hook = "repos:\n- repo: local\n  hooks:\n  - id: grep\n    name: grep\n    language: \
                    system\n    entry: sh -c '! grep -n bad -- \"$@\"' --\n    files: txt$\n";
        std::fs::write(folder.join(".pre-commit-config.yaml"), hook)?;
        git(&["init", "--quiet"])?;
        git(&["add", "."])?;
        Ok(Some(Self { program, home: tempfile::tempdir().context("making a folder for prek")? }))
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["run", "--files", "a.txt"]).current_dir(folder).stdin(Stdio::null());
        command.env("PREK_HOME", self.home.path());
        command
    }
}
