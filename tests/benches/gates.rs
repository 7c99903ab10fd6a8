//! What gates cost beside what they ask: `cargo xtask bench gates`.
//!
//! Baselines run in the same process, in turns with our work, and the best rounds are compared:
//! what another process takes from the machine only ever adds. A bar that is missed is said,
//! and is no failure.

#[path = "gates/overhead.rs"]
mod overhead;
#[path = "gates/warm.rs"]
mod warm;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use evergen_quality_gates::{
    Circumstances, Coverage, Edit, Examination, Extent, FileMemory, Finding, FindingFixes, Fix,
    FnGate, Folder, HealOptions, Healer, Outcome, Policy, Position, QualityGateEngine, Subject,
    SyntaxGate, VerdictCache,
};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;

fn main() -> Result<()> {
    let mut quick = false;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--quick" => quick = true,
            // What cargo says to every benchmark.
            "--bench" => {}
            unknown => bail!("there is no option `{unknown}`; there is --quick"),
        }
    }
    let (files, rounds) = if quick { (500, 3) } else { (10_000, 15) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    println!("best of {rounds} rounds; {files} files");
    println!("{:<52} {:>10} {:>10} {:>10}  verdict", "work", "measured", "bar", "reach for");
    println!("{}", "-".repeat(100));
    syntax(&runtime, files, rounds)?;
    nothing_changed(&runtime, files, rounds)?;
    overhead::overhead(&runtime, 4 * rounds)?;
    healing(&runtime, rounds)?;
    warm::warm(&runtime, if quick { 10 } else { 100 })
}

/// A small file of each of three languages, in turns.
fn text(number: usize) -> (String, String) {
    match number % 3 {
        0 => (
            format!("src/m{number}.rs"),
            format!(
                "pub struct S{number} {{\n    pub id: u64,\n}}\n\nimpl S{number} {{\n    pub fn id(&self) -> u64 {{\n        self.id + {number}\n    }}\n}}\n"
            ),
        ),
        1 => (
            format!("py/m{number}.py"),
            format!(
                "class S{number}:\n    def __init__(self, id: int) -> None:\n        self.id = id\n\n    def next(self) -> int:\n        return self.id + {number}\n"
            ),
        ),
        _ => (
            format!("ts/m{number}.ts"),
            format!(
                "export interface S{number} {{\n  id: number;\n}}\n\nexport function next(s: S{number}): number {{\n  return s.id + {number};\n}}\n"
            ),
        ),
    }
}

fn today() -> Circumstances {
    Circumstances::new(jiff::civil::date(2026, 11, 28), Extent::Whole)
}

/// The engine with its gate, beside the judges alone, which `evergen-syntax`'s own example
/// `speed` compares with the bare parsers.
fn syntax(runtime: &Runtime, files: usize, rounds: usize) -> Result<()> {
    let texts: Vec<(String, Vec<u8>)> =
        (0..files).map(text).map(|(path, text)| (path, text.into_bytes())).collect();
    let engine = QualityGateEngine::new(Policy::default()).with_gate(SyntaxGate::new());
    let (mut ours, mut bare) = (Duration::MAX, Duration::MAX);
    for _ in 0..rounds {
        let subject = Subject::of_files(texts.iter().map(|(path, text)| (path.clone(), &text[..])));
        let (report, time) = processor(|| runtime.block_on(engine.execute_on(&subject, today())));
        ensure!(report.overall_passed, "{report}");
        ours = ours.min(time);
        let (all, time) = processor(|| {
            texts.iter().all(|(path, text)| {
                let language = evergen_syntax::Language::of_path(path);
                language.is_some_and(|it| {
                    evergen_syntax::check(it, text).is_ok_and(|it| it.is_well_formed())
                })
            })
        });
        ensure!(all, "a file is broken");
        bare = bare.min(time);
    }
    row(
        "syntax by the engine, by the judges alone",
        ours.as_secs_f64() / bare.as_secs_f64(),
        "x",
        1.3,
        1.1,
    );
    note(&format!("{ours:.1?} against {bare:.1?} of processor time"));
    Ok(())
}

/// A fresh engine, cache and memory of files for each round, as a fresh process has.
fn nothing_changed(runtime: &Runtime, files: usize, rounds: usize) -> Result<()> {
    let (root, state) = (tempfile::tempdir()?, tempfile::tempdir()?);
    for (path, text) in (0..files).map(text) {
        let file = root.path().join(path);
        std::fs::create_dir_all(file.parent().context("a file has a folder")?)?;
        std::fs::write(file, text)?;
    }
    // Younger files are read again, since their stamps say too little.
    std::thread::sleep(Duration::from_secs(4));
    look(runtime, root.path(), state.path())?;
    let (mut best, mut walk) = (Duration::MAX, Duration::MAX);
    for _ in 0..rounds {
        let (cached, time) = processor(|| look(runtime, root.path(), state.path()));
        ensure!(cached?, "the answer was not known");
        best = best.min(time);
        let (subject, time) = processor(|| Subject::of_folder(Folder::new(root.path())));
        ensure!(subject?.changed().len() == files, "files are missing");
        walk = walk.min(time);
    }
    row("nothing changed, processor time", milliseconds(best), "ms", 60.0, 25.0);
    note(&format!("{:.1} ms of it for the walk", milliseconds(walk)));
    Ok(())
}

fn look(runtime: &Runtime, root: &Path, state: &Path) -> Result<bool> {
    let folder = Folder::new(root).remembering(FileMemory::open(state, root));
    let engine = QualityGateEngine::new(Policy::default())
        .with_gate(SyntaxGate::new())
        .with_cache(VerdictCache::open(state)?);
    let subject = Subject::of_folder(folder)?;
    let report = runtime.block_on(engine.execute_on(&subject, today()));
    ensure!(report.overall_passed, "{report}");
    Ok(report.gates.iter().all(|gate| gate.cached))
}

/// A hundred files with a tab each, and a fix beside each finding.
fn healing(runtime: &Runtime, rounds: usize) -> Result<()> {
    let gate = FnGate::new("tabs", |examination: &Examination| {
        let mut findings = Vec::new();
        for file in examination.files() {
            match file.bytes() {
                Ok(bytes) if bytes.starts_with(b"\t") => {
                    let (start, end) = (Position::new(1, 1), Position::new(1, 2));
                    let edit = Edit::new(file.path(), start, end, "    ");
                    let finding = Finding::error("tab", "a tab").in_file(file.path()).at_line(1);
                    findings.push(finding.with_fix(Fix::new("use blanks", true, vec![edit])));
                }
                Ok(_) => {}
                Err(fault) => return Outcome::Error(fault.into()),
            }
        }
        Outcome::of(findings, Coverage::of_files(examination.files().len() as u64))
    });
    let engine = QualityGateEngine::new(Policy::default()).with_gate(gate);
    let subject =
        Subject::of_files((0..100).map(|number| (format!("m{number}.txt"), b"\tx\n".to_vec())));
    let mut best = Duration::MAX;
    for _ in 0..rounds {
        let healers: Vec<Box<dyn Healer>> = vec![Box::new(FindingFixes::safe())];
        let healing = engine.auto_heal(&subject, &healers, today(), HealOptions::default());
        let (report, time) = processor(|| runtime.block_on(healing));
        ensure!(report.files.len() == 100, "not all of them were healed");
        best = best.min(time);
    }
    println!("{:<52} {:>7.2} ms", "healing a hundred files", milliseconds(best));
    Ok(())
}

/// What the work gives, and how long all of our threads were on a processor for it.
fn processor<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let now = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
    };
    let started = now();
    let value = work();
    (value, now().saturating_sub(started))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn row(work: &str, measured: f64, unit: &str, bar: f64, reach: f64) {
    let verdict = match measured {
        measured if measured <= reach => "reached",
        measured if measured <= bar => "kept",
        _ => "MISSED",
    };
    println!(
        "{work:<52} {measured:>7.2} {unit:<2} {bar:>7.1} {unit:<2} {reach:>7.1} {unit:<2}  {verdict}"
    );
}

fn note(text: &str) {
    println!("    {text}");
}
