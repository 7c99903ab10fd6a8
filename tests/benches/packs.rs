//! All packs on schema.org 30.0: `cargo xtask bench packs`.
//!
//! A cold process makes everything in all languages; the baseline, in the same run and in
//! turns with it, parses the same file and writes the same bytes to as many files. Then, in one
//! engine that stays in memory, the comment of one class is changed again and again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use evergen_regeneration::{Access, Project, RegenerationEngine, Settings};
use evergen_tests::data;

/// Memory comes from where the program takes it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LANGUAGES: &str =
    "csharp,go,graphql,java,jsonschema,kotlin,openapi,protobuf,python,rust,sql,typescript";
fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let files = ["schemaorg/schemaorg-30.0.ttl"];
    let Some(paths) = data::files("all packs on schema.org", &files) else { return Ok(()) };
    let chosen = |group: &str| {
        !std::env::args().any(|argument| ["cold", "warm"].contains(&argument.as_str()))
            || std::env::args().any(|argument| argument == group)
    };
    if chosen("cold") {
        cold(&paths[0], if quick { 1 } else { 5 })?;
    }
    if chosen("warm") {
        warm(&paths[0], if quick { 4 } else { 40 })?;
    }
    Ok(())
}

/// A cold process by the bare parse and the bare writing.
fn cold(model: &Path, rounds: usize) -> Result<()> {
    let mut ours = Vec::new();
    let mut bare = Vec::new();
    let mut count = 0;
    for _ in 0..rounds {
        let folder = tempfile::Builder::new().prefix("evergen-packs").tempdir()?;
        let begin = Instant::now();
        let status = Command::new(env!("CARGO_BIN_EXE_evergen-under-test"))
            .args(["run", "--quiet", "--lang", LANGUAGES, "--out", "gen"])
            .arg(model)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .status()?;
        ours.push(begin.elapsed());
        ensure!(status.success(), "the generation failed");
        let made = read(&folder.path().join("gen"))?;
        count = made.len();
        let place = tempfile::Builder::new().prefix("evergen-bare").tempdir()?;
        let begin = Instant::now();
        for triple in oxttl::TurtleParser::new().for_slice(&fs::read(model)?) {
            std::hint::black_box(triple?);
        }
        for (path, bytes) in &made {
            let path = place.path().join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, bytes)?;
        }
        bare.push(begin.elapsed());
    }
    let (ours, bare) = (median(&mut ours), median(&mut bare));
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    println!("schema.org 30.0 to twelve languages, cold process, {count} files");
    println!("  ours {ours:.2?}, bare parse and write {bare:.2?}: {ratio:.2} ×");
    println!("  bar: <= 3 ×: {}", if ratio <= 3.0 { "met" } else { "MISSED" });
    Ok(())
}

/// One changed comment in an engine that stays in memory.
fn warm(model: &Path, rounds: usize) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("evergen-packs").tempdir()?;
    let text = fs::read_to_string(model)?;
    let before = "rdfs:comment \"";
    let mut places = text.match_indices(before).map(|(at, _)| at + before.len());
    // Not between the quotes of one that has three of them.
    let position = places.find(|at| !text[*at..].starts_with('"'));
    let position = position.context("the model has no comment")?;
    let source = folder.path().join("model.ttl");
    fs::write(&source, &text)?;
    let mut settings = Settings::default();
    settings.model.sources = vec!["model.ttl".to_owned()];
    settings.regeneration.target_languages = LANGUAGES.split(',').map(str::to_owned).collect();
    let project = Project::new(folder.path(), settings)
        .with_packs(evergen_packs::packs())
        .with_languages(evergen_packs::languages())
        .with_views(evergen_packs::views())
        .with_name_keeper(evergen_packs::name_keeper());
    let mut engine = RegenerationEngine::open(project, Access::Write { wait: None })?;
    engine.run(&mut |_| {})?;
    let mut times = Vec::new();
    let mut inner = Vec::new();
    let mut evaluated = 0;
    for round in 0..rounds {
        let mut changed = text.clone();
        changed.insert_str(position, &format!("{round} "));
        fs::write(&source, changed)?;
        let begin = Instant::now();
        let report = engine.run(&mut |_| {})?;
        times.push(begin.elapsed());
        evaluated = report.artifacts.evaluated;
        let phases = &report.phases_ms;
        inner.push(Duration::from_secs_f64(
            (phases.invalidate + phases.query + phases.render) / 1e3,
        ));
    }
    let (all, inner) = (median(&mut times), median(&mut inner));
    println!("one comment changed, warm, twelve languages: {evaluated} artifacts evaluated");
    println!(
        "  {inner:.2?} from the change of the model to all texts; {all:.2?} with reading and committing"
    );
    let met = if inner <= Duration::from_millis(2) { "met" } else { "MISSED" };
    println!("  bar: <= 2 ms: {met}");
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// All files below a folder, with their bytes.
fn read(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push((path.strip_prefix(folder)?.to_owned(), fs::read(&path)?));
            }
        }
    }
    found.sort();
    Ok(found)
}
