//! Records what real pieces of work take of the processors and of waiting, for the loads on
//! which limits are compared: `cargo xtask bench orchestrator -- --record FILE`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use evergen_deployment::{
    DeployOptions, DeploymentAutomation, DeploymentConfig, DeploymentEnvironment, Outcome, Version,
};
use evergen_regeneration::{Access, Project, RegenerationEngine, Settings};
use evergen_tests::synthetic::Ontology;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;

/// How many pieces of each kind are recorded.
const PIECES: usize = 200;

/// Records all kinds into a file of lines: kind, microseconds of computing, and of waiting.
pub(crate) fn record(runtime: &Runtime, file: &Path) -> Result<()> {
    let mut text = "kind,compute_us,wait_us\n".to_owned();
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(&place)?;
    let scratch = tempfile::tempdir_in(&place)?;
    let below = |kind: &str| scratch.path().join(kind);
    for (kind, mut piece) in [
        ("regenerate", regenerate(&below("regenerate"))?),
        ("deploy", deploy(runtime, &below("deploy"))?),
        ("generate", generate(&below("generate"))),
    ] {
        // The first ones warm up what the others find warm.
        for number in 0..PIECES + 10 {
            let (compute, wait) = taken(|| piece(number))?;
            if number >= 10 {
                writeln!(text, "{kind},{},{}", compute.as_micros(), wait.as_micros())?;
            }
        }
        println!("{PIECES} pieces of `{kind}` are recorded");
    }
    std::fs::write(file, text)?;
    Ok(())
}

/// How long a piece of work computes, on all threads of this process, and how long it waits.
fn taken(piece: impl FnOnce() -> Result<()>) -> Result<(Duration, Duration)> {
    let (wall, processors) = (Instant::now(), on_processors());
    piece()?;
    let compute = on_processors().saturating_sub(processors);
    Ok((compute, wall.elapsed().saturating_sub(compute)))
}

fn on_processors() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanoseconds) = (time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs());
    Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds)
}

type Piece<'a> = Box<dyn FnMut(usize) -> Result<()> + 'a>;

fn project(folder: &Path, classes: usize) -> Result<(Project, Ontology)> {
    let ontology = Ontology { classes, properties: 6 };
    std::fs::create_dir_all(folder.join("model"))?;
    std::fs::create_dir_all(folder.join("templates"))?;
    std::fs::write(folder.join("model/all.ttl"), ontology.turtle(0..classes))?;
    std::fs::write(
        folder.join("templates/class.txt.j2"),
        "+++\nfor_each = \"SELECT ?class WHERE { ?class a owl:Class }\"\n\
         to = \"{{ class | local_name }}.txt\"\n+++\n\
         {{ class.out(\"rdfs:label\") | first }}\n\
         {% for p in class.in(\"rdfs:domain\") %}{{ p.out(\"rdfs:label\") | first }}\n{% endfor %}",
    )?;
    let mut settings = Settings::default();
    settings.model.sources = vec!["model".to_owned()];
    settings.regeneration.parallel_workers = 1;
    Ok((Project::new(folder, settings), ontology))
}

/// One label changed, by an engine that stays: read, found, rendered and committed, durably.
fn regenerate(folder: &Path) -> Result<Piece<'static>> {
    let (project, ontology) = project(folder, 300)?;
    let model = folder.join("model/all.ttl");
    let mut engine = RegenerationEngine::open(project, Access::Write { wait: None })?;
    engine.run(&mut |_| {})?;
    let text = ontology.turtle(0..300);
    Ok(Box::new(move |number| {
        let label = ontology.label(number % 300);
        std::fs::write(
            &model,
            text.replacen(&format!("{label}\""), &format!("{label} {number}\""), 1),
        )?;
        let report = engine.run(&mut |_| {})?;
        ensure!(report.artifacts.written > 0, "nothing was written: {report:?}");
        Ok(())
    }))
}

/// A project of 300 classes generated from nothing.
fn generate(folder: &Path) -> Piece<'static> {
    let folder = folder.to_owned();
    Box::new(move |number| {
        let folder = folder.join(number.to_string());
        let (project, _) = project(&folder, 300)?;
        let report =
            RegenerationEngine::open(project, Access::Write { wait: None })?.run(&mut |_| {})?;
        ensure!(report.artifacts.written == 300, "{report:?}");
        Ok(())
    })
}

/// A release of 50 files brought into use in a folder.
fn deploy<'a>(runtime: &'a Runtime, folder: &Path) -> Result<Piece<'a>> {
    let (source, target) = (folder.join("source"), folder.join("target"));
    std::fs::create_dir_all(&source)?;
    let environment = DeploymentEnvironment::new("staging", &target);
    let automation = DeploymentAutomation::new(&DeploymentConfig::new(vec![environment])?)?;
    Ok(Box::new(move |number| {
        for file in 0..50 {
            let text = format!("release {number}, file {file}\n").repeat(50);
            std::fs::write(source.join(format!("{file}.txt")), text)?;
        }
        let version = Version::parse(&number.to_string())?;
        let done = automation.deploy("staging", &source, &version, DeployOptions::default());
        let done = runtime.block_on(done)?;
        ensure!(done.outcome == Outcome::Succeeded, "{done:?}");
        Ok(())
    }))
}
