//! What a deployment costs: `cargo xtask bench deployment`.
//!
//! Each row runs its baseline in the same run, in turns with our work, and compares the
//! medians. A bar that is missed is said, and is no failure. What each row means stands in
//! `docs/benchmarks.md`.

#[expect(dead_code, reason = "the other benchmark uses all of it")]
#[path = "engine/measure.rs"]
mod measure;
#[expect(dead_code, reason = "the other benchmark uses all of it")]
#[path = "engine/table.rs"]
mod table;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail, ensure};
use evergen_deployment::{
    DeployOptions, DeploymentAutomation, DeploymentConfig, DeploymentEnvironment, DirectoryLedger,
    Outcome, Summary, Version,
};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::measure::{Timing, in_turns, spell, time, wall};
use crate::table::{Goal, Row};

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
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    println!("{:.2} of 2 processors are free", measure::free_processors()?);
    table::print_head();
    deploy(&runtime, if quick { 100 } else { 1000 }, if quick { 1 } else { 9 })?.print();
    analytics(&runtime, if quick { 1_000 } else { 100_000 }, if quick { 1 } else { 5 })?.print();
    Ok(())
}

/// Where files are made, see `docs/benchmarks.md`.
fn folder() -> Result<tempfile::TempDir> {
    let place = std::env::var_os("EVERGEN_BENCH_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    std::fs::create_dir_all(&place)?;
    Ok(tempfile::tempdir_in(place)?)
}

/// Files of 100 to 8,000 bytes in 40 folders, all other than in other rounds.
fn write_source(source: &Path, files: usize, round: usize) -> Result<()> {
    for number in 0..files {
        let folder = source.join(format!("part-{}/inner", number % 40));
        std::fs::create_dir_all(&folder)?;
        let text = format!("round {round}, file {number}\n").repeat(5 + number * 37 % 350);
        std::fs::write(folder.join(format!("{number}.txt")), text)?;
    }
    Ok(())
}

fn automation(target: &Path) -> Result<DeploymentAutomation> {
    // A copy removes nothing either, and what a removal costs depends on how a disk is mounted.
    let environment = DeploymentEnvironment::new("bench", target).with_kept_releases(1000);
    Ok(DeploymentAutomation::new(&DeploymentConfig::new(vec![environment])?)?)
}

fn deploy(runtime: &Runtime, files: usize, rounds: usize) -> Result<Row> {
    let folder = folder()?;
    let automation = automation(&folder.path().join("target"))?;
    let (mut deployed, mut copied) = (0, 0);
    let ours = || {
        deployed += 1;
        let source = folder.path().join("source-ours");
        write_source(&source, files, deployed)?;
        let version = Version::parse(&format!("1.{deployed}"))?;
        ensure!(Command::new("sync").status()?.success(), "sync");
        let (summary, timing) = time(|| {
            let done = automation.deploy("bench", &source, &version, DeployOptions::default());
            Ok(runtime.block_on(done)?)
        })?;
        ensure!(summary.outcome == Outcome::Succeeded, "{summary:?}");
        Ok(timing)
    };
    let baseline = || -> Result<Timing> {
        copied += 1;
        let source = folder.path().join("source-copied");
        write_source(&source, files, copied)?;
        ensure!(Command::new("sync").status()?.success(), "sync");
        let copy = folder.path().join(format!("copy-{copied}"));
        let ((), timing) = time(|| {
            let copy = Command::new("cp").arg("-r").arg(&source).arg(&copy).status()?;
            ensure!(copy.success() && Command::new("sync").status()?.success(), "cp and sync");
            Ok(())
        })?;
        Ok(timing)
    };
    let pair = in_turns(rounds, ours, baseline)?;
    Ok(Row {
        name: format!("deploy {files} files to a folder"),
        ours: spell(wall(&pair.ours)),
        baseline: format!("cp -r, sync {}", spell(wall(&pair.baseline))),
        measured: pair.ratio(),
        goal: Goal::at_most(4.0, 2.0, "×"),
        note: format!("best by best {:.2} ×", pair.best_ratio()),
    })
}

/// What became of a deployment, as it is recorded.
fn summary(number: u64) -> Result<Summary> {
    let minute = |offset: u64| {
        let minutes = number * 7 + offset;
        let (day, hour) = (minutes / 1440, minutes / 60 % 24);
        format!(
            "{}-{:02}-{:02}T{hour:02}:{:02}:00Z",
            2020 + day / 336,
            1 + day / 28 % 12,
            1 + day % 28,
            minutes % 60
        )
    };
    let outcome = ["succeeded", "succeeded", "succeeded", "rolled_back", "failed"];
    let outcome = outcome[usize::try_from(number % 5)?];
    let bad = outcome != "succeeded";
    Ok(serde_json::from_value(json!({
        "number": number,
        "kind": if number.is_multiple_of(17) { "rollback" } else { "deploy" },
        "release": format!("{number:064x}"),
        "version": format!("1.{number}.0"),
        "from": format!("1.{}.0", number - 1),
        "outcome": outcome,
        "cause": bad.then(|| json!({"kind": "health", "why": "`up` fails: status 500 in place of 200"})),
        "began_at": minute(0),
        "traffic_at": minute(1),
        "committed_at": (!bad).then(|| minute(3)),
        "ended_at": minute(4),
    }))?)
}

fn analytics(runtime: &Runtime, count: u64, rounds: usize) -> Result<Row> {
    let folder = folder()?;
    let target = folder.path().join("target");
    let all = (1..=count).map(summary).collect::<Result<Vec<_>>>()?;
    DirectoryLedger::new(&target, "bench").import(&all)?;
    let automation = automation(&target)?;
    let ours = || {
        let (figures, timing) =
            time(|| Ok(runtime.block_on(automation.analytics(None, None, None))?))?;
        ensure!(figures.iter().any(|it| it.deployments > count / 2), "all are counted");
        Ok(timing)
    };
    let history = target.join(".evergen/history");
    let baseline = || {
        let (lines, timing) = time(|| Ok(std::fs::read_to_string(&history)?.lines().count()))?;
        ensure!(lines as u64 == count, "each has a line");
        Ok(timing)
    };
    let pair = in_turns(rounds, ours, baseline)?;
    Ok(Row {
        name: format!("analytics of {count} deployments"),
        ours: spell(wall(&pair.ours)),
        baseline: format!("read and count lines {}", spell(wall(&pair.baseline))),
        measured: wall(&pair.ours) * 1e3,
        goal: Goal::at_most(300.0, 100.0, "ms"),
        note: "every record is checked against its hash".to_owned(),
    })
}
