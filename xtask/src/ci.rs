//! Everything that CI checks, in order, with the time of each step.

mod steps;

use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Args;

use crate::counts::Counts;
use crate::setup;
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
    /// Install what CI's checks want, as `setup --ci` does, beside the steps that need none of it
    #[arg(long)]
    setup: bool,
}

/// One thing that is checked.
struct Step {
    name: &'static str,
    /// Whether it uses something that `setup` installs.
    wants_tools: bool,
    check: fn(&Shell) -> Result<Report>,
}

/// What a step that could be carried out says.
struct Report {
    verdict: Verdict,
    note: String,
    counts: Counts,
}

/// A step's name, how it ended and how long it took.
type Outcome = (&'static str, Report, Duration);

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
    let steps = steps::STEPS.iter().filter(chosen);
    let results = thread::scope(|scope| {
        let setup = options.setup.then(|| scope.spawn(|| setup::for_ci(shell)));
        run_steps(shell, steps, setup, options.keep_going)
    });
    summarise(&results)
}

/// Runs the steps in order; those that want tools begin when `setup` has ended.
fn run_steps<'a>(
    shell: &Shell,
    steps: impl Iterator<Item = &'a Step>,
    mut setup: Option<ScopedJoinHandle<'_, usize>>,
    keep_going: bool,
) -> Vec<Outcome> {
    let mut results = Vec::new();
    let mut stopped = false;
    for step in steps {
        if step.wants_tools {
            results.extend(setup.take().map(wait_for));
        }
        let (report, time) = if stopped {
            (Report { verdict: Verdict::NotRun, ..Report::passed("") }, Duration::ZERO)
        } else {
            run_step(shell, step)
        };
        stopped |= report.verdict == Verdict::Failed && !keep_going;
        results.push((step.name, report, time));
    }
    results.extend(setup.map(wait_for));
    results
}

/// Its time is what the other steps had to wait.
fn wait_for(setup: ScopedJoinHandle<'_, usize>) -> Outcome {
    println!("\n=== the rest of setup ===");
    let start = Instant::now();
    let report = match setup.join() {
        Ok(0) => Report::passed(""),
        Ok(lacking) => Report::passed(format!("{lacking} tool(s) lacking")),
        // The checks can be carried out with what is there.
        Err(_) => Report::skipped("did not finish"),
    };
    ("setup", report, start.elapsed())
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

fn summarise(results: &[Outcome]) -> Result<()> {
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
