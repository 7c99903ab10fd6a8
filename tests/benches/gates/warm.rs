//! The verdict on one changed file of a hundred, by tools that stay warm and by the same tools
//! started anew.

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use evergen_artifact::{ArtifactPath, ProposedChange, ProposedChanges};
use evergen_quality_gates::adapters::{self, ReadyAdapter};
use evergen_quality_gates::{
    AdapterGate, FileMemory, Folder, Gate as _, Policy, QualityGateEngine, Scratch, ServerGate,
    Subject, SyntaxGate, ToolAdapter as _, warm_form,
};
use tokio::runtime::Runtime;

use super::{milliseconds, note, row, today};

/// How many files the tree has; each uses the one before it.
const FILES: usize = 100;

/// A language, and who judges it.
struct Case {
    name: &'static str,
    ending: &'static str,
    text: fn(usize, usize) -> String,
    tools: Vec<ReadyAdapter>,
    bar: f64,
    reach: f64,
}

pub(super) fn warm(runtime: &Runtime, rounds: usize) -> Result<()> {
    let cases = [
        Case {
            name: "warm verdict, Python (ruff, ty), p95",
            ending: "py",
            text: python,
            tools: vec![adapters::ruff_check(), adapters::ruff_format(), adapters::ty()],
            bar: 40.0,
            reach: 20.0,
        },
        Case {
            name: "warm verdict, TypeScript (tsc), p95",
            ending: "ts",
            text: typescript,
            tools: vec![adapters::tsc()],
            bar: 100.0,
            reach: 50.0,
        },
        Case {
            name: "warm verdict, Rust (syntax, rustfmt), p95",
            ending: "rs",
            text: rust,
            tools: vec![adapters::rustfmt()],
            bar: 50.0,
            reach: 25.0,
        },
    ];
    for case in cases {
        measure(runtime, &case, rounds)?;
    }
    Ok(())
}

fn measure(runtime: &Runtime, case: &Case, rounds: usize) -> Result<()> {
    for adapter in &case.tools {
        let gate = AdapterGate::new(adapter.clone()).with_search_path(search_path()?);
        if let Err(fault) = runtime.block_on(gate.identity()) {
            println!("{:<52} skipped: {fault}", case.name);
            return Ok(());
        }
    }
    let root = tempfile::tempdir()?;
    for number in 0..FILES {
        let text = (case.text)(number, 0);
        std::fs::write(root.path().join(format!("m{number}.{}", case.ending)), text)?;
    }
    let (warm, cold) = (engine(case, true)?, engine(case, false)?);
    let state = tempfile::tempdir()?;
    let memory = FileMemory::open(state.path(), root.path());
    // Younger files are read again, since their stamps say too little.
    std::thread::sleep(Duration::from_secs(4));
    let (mut of_warm, mut of_cold) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let subject = || changed(case, root.path(), &memory, round);
        let time = verdict(runtime, &warm, &subject()?)?;
        // The first round starts the servers, and lets all tools prove themselves.
        if round > 0 {
            of_warm.push(time);
        }
        if round % 10 < 3 {
            let time = verdict(runtime, &cold, &subject()?)?;
            if round > 0 {
                of_cold.push(time);
            }
        }
    }
    row(case.name, milliseconds(quantile(&mut of_warm, 0.95)), "ms", case.bar, case.reach);
    note(&format!(
        "median {:.1} ms of {rounds}; each tool started anew: median {:.1} ms, p95 {:.1} ms of {}",
        milliseconds(quantile(&mut of_warm, 0.5)),
        milliseconds(quantile(&mut of_cold, 0.5)),
        milliseconds(quantile(&mut of_cold, 0.95)),
        of_cold.len()
    ));
    Ok(())
}

fn engine(case: &Case, stays_warm: bool) -> Result<QualityGateEngine> {
    let mut engine = QualityGateEngine::new(Policy::default())
        .with_gate(SyntaxGate::new())
        .with_scratch(Scratch::temporary()?);
    for adapter in &case.tools {
        let cold = AdapterGate::new(adapter.clone()).with_search_path(search_path()?);
        engine = match warm_form(&adapter.info().name).filter(|_| stays_warm) {
            Some(form) => engine.with_gate(ServerGate::new(cold, form).without_the_tool_itself()),
            None => engine.with_gate(cold),
        };
    }
    Ok(engine)
}

/// The tree, in which one file would be another one.
fn changed(case: &Case, root: &Path, memory: &FileMemory, round: usize) -> Result<Subject> {
    let number = FILES / 2;
    let path = ArtifactPath::parse(&format!("m{number}.{}", case.ending))?;
    let text = (case.text)(number, round + 1);
    let change = ProposedChange::write(path, case.ending, text.into_bytes(), true);
    let folder = Folder::new(root).remembering(memory.clone());
    Ok(Subject::of_changes_over(folder, "", &ProposedChanges::new(vec![change])))
}

fn verdict(runtime: &Runtime, engine: &QualityGateEngine, subject: &Subject) -> Result<Duration> {
    let started = Instant::now();
    let report = runtime.block_on(engine.execute_on(subject, today()));
    let time = started.elapsed();
    ensure!(report.overall_passed, "{report}");
    Ok(time)
}

fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of few"
    )]
    let index = ((times.len() as f64 * share).ceil() as usize).saturating_sub(1);
    times.get(index).copied().unwrap_or_default()
}

pub(super) fn search_path() -> Result<OsString> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools");
    let tools = tools.canonicalize().unwrap_or(tools);
    let mut folders = vec![tools.join("python/bin"), tools.join("node_modules/.bin")];
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    std::env::join_paths(folders).context("a folder of tools has a colon in its name")
}

fn python(number: usize, round: usize) -> String {
    let class = format!(
        "class S{number}:\n    def __init__(self, id: int) -> None:\n        self.id = id\n\n    def next(self) -> int:\n        return self.id + {round}\n"
    );
    match number.checked_sub(1) {
        Some(before) => format!(
            "from m{before} import S{before}\n\n\n{class}\n\ndef last(s: S{before}) -> int:\n    return s.next()\n"
        ),
        None => class,
    }
}

fn typescript(number: usize, round: usize) -> String {
    let class = format!(
        "export interface S{number} {{\n  id: number;\n}}\n\nexport function next{number}(s: S{number}): number {{\n  return s.id + {round};\n}}\n"
    );
    match number.checked_sub(1) {
        Some(before) => format!(
            "import {{ S{before}, next{before} }} from \"./m{before}.js\";\n\n{class}\nexport const last = (s: S{before}): number => next{before}(s);\n"
        ),
        None => class,
    }
}

fn rust(number: usize, round: usize) -> String {
    format!(
        "pub struct S{number} {{\n    pub id: u64,\n}}\n\nimpl S{number} {{\n    pub fn next(&self) -> u64 {{\n        self.id + {round}\n    }}\n}}\n"
    )
}
