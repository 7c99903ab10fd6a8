//! Everything that CI checks, in order, with the time of each step.

mod steps;

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Args;

use crate::counts::Counts;
use crate::shell::Shell;

/// What `ci` may be told.
#[derive(Args)]
pub(crate) struct Options {
    /// Run the later steps also when one has failed
    #[arg(long)]
    keep_going: bool,
    /// Run this step only (may be given several times)
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
}

/// One thing that is checked.
struct Step {
    name: &'static str,
    check: fn(&Shell) -> Result<Report>,
}

/// What a step that could be carried out says.
struct Report {
    verdict: Verdict,
    note: String,
    counts: Counts,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    Skipped,
    NotRun,
}

impl Report {
    fn passed(note: impl Into<String>) -> Self {
        Self { verdict: Verdict::Passed, note: note.into(), counts: Counts::default() }
    }

    fn skipped(note: impl Into<String>) -> Self {
        Self { verdict: Verdict::Skipped, ..Self::passed(note) }
    }

    fn failed(note: impl Into<String>) -> Self {
        Self { verdict: Verdict::Failed, ..Self::passed(note) }
    }
}

/// Runs the steps and prints a table of how they ended.
pub(crate) fn run(shell: &Shell, options: &Options) -> Result<()> {
    let names: Vec<&str> = steps::STEPS.iter().map(|step| step.name).collect();
    for name in &options.only {
        ensure!(names.contains(&name.as_str()), "no step {name}; there are {}", names.join(", "));
    }
    let chosen =
        |step: &&Step| options.only.is_empty() || options.only.iter().any(|name| name == step.name);
    let mut results = Vec::new();
    let mut stopped = false;
    for step in steps::STEPS.iter().filter(chosen) {
        let (report, time) = if stopped {
            (Report { verdict: Verdict::NotRun, ..Report::passed("") }, Duration::ZERO)
        } else {
            run_step(shell, step)
        };
        stopped |= report.verdict == Verdict::Failed && !options.keep_going;
        results.push((step.name, report, time));
    }
    summarise(&results)
}

fn run_step(shell: &Shell, step: &Step) -> (Report, Duration) {
    println!("\n=== {} ===", step.name);
    let start = Instant::now();
    let report = (step.check)(shell).unwrap_or_else(|error| Report::failed(format!("{error:#}")));
    let time = start.elapsed();
    let Report { verdict, note, .. } = &report;
    println!(
        "=== {} {} in {:.1} s{} ===",
        step.name,
        word(*verdict),
        time.as_secs_f64(),
        after(note)
    );
    (report, time)
}

fn summarise(results: &[(&str, Report, Duration)]) -> Result<()> {
    println!("\n{:<12} {:<8} {:>8}  note", "step", "result", "seconds");
    for (name, report, time) in results {
        let note = report.note.lines().next().unwrap_or_default();
        let row =
            format!("{name:<12} {:<8} {:>8.1}  {note}", word(report.verdict), time.as_secs_f64());
        println!("{}", row.trim_end());
    }
    let total: Duration = results.iter().map(|(_, _, time)| *time).sum();
    println!("{:<12} {:<8} {:>8.1}", "all", "", total.as_secs_f64());
    let counts = results.iter().fold(Counts::default(), |sum, (_, report, _)| sum + report.counts);
    if !counts.is_empty() {
        println!("\ntests: {counts}");
    }
    let failed: Vec<&str> = results
        .iter()
        .filter(|(_, report, _)| report.verdict == Verdict::Failed)
        .map(|(name, _, _)| *name)
        .collect();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "FAILED",
        Verdict::Skipped => "SKIPPED",
        Verdict::NotRun => "not run",
    }
}

fn after(note: &str) -> String {
    if note.is_empty() { String::new() } else { format!(": {note}") }
}
