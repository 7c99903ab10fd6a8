//! `evergen history`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::watch::causes;
use crate::arguments::History;
use crate::console::{Console, Ink};
use crate::diary::{CycleRecord, Diary};
use crate::excerpt::shown;
use crate::failure::{Failure, Verdict};
use crate::project::Chosen;
use crate::words;

/// What `evergen history --json` prints.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct HistoryReport {
    /// The last cycles, oldest first.
    cycles: Vec<CycleRecord>,
    /// How many lines of the history could not be read.
    damaged: u64,
}

pub(super) fn history(arguments: &History, console: &mut Console) -> Result<Verdict, Failure> {
    if let Some(environment) = &arguments.environment {
        let chosen = Chosen::with_any_settings(&[], &arguments.selection, console)?;
        return super::deploy::history(&chosen, environment, arguments.limit, console);
    }
    let chosen = Chosen::find_here(&arguments.selection, console)?;
    let log = Diary::of(&chosen.project().state_dir()).cycles();
    let read = log.last(if arguments.failed { usize::MAX } else { arguments.limit });
    let (mut cycles, damaged) =
        read.map_err(|error| Failure::storage("reading the history of cycles", &error))?;
    if arguments.failed {
        cycles.retain(|cycle| !cycle.is_good());
        cycles.drain(..cycles.len().saturating_sub(arguments.limit));
    }
    if console.is_json() {
        console.object(&HistoryReport { cycles, damaged: damaged as u64 });
        return Ok(Verdict::Yes);
    }
    if cycles.is_empty() {
        console.line("no cycles");
    }
    for cycle in &cycles {
        line(cycle, console);
        if console.is_verbose() {
            detail(cycle, &chosen, console);
        }
    }
    if damaged > 0 {
        console.remark(format!(
            "{} of the history can't be read",
            words::count(damaged as u64, "line")
        ));
    }
    Ok(Verdict::Yes)
}

/// A cycle in one line.
pub(super) fn line(cycle: &CycleRecord, console: &mut Console) {
    let at = cycle.started_at.get(..19).unwrap_or(&cycle.started_at).to_owned();
    let at = console.ink(Ink::Dim, at);
    let ink = if cycle.is_good() { Ink::Green } else { Ink::Red };
    let outcome = console.ink(ink, format!("{:<9}", cycle.outcome));
    let took = words::duration(cycle.duration_ms);
    console.line(format!(
        "{at}  {outcome}  {} written, {} removed in {took}  {}",
        cycle.written,
        cycle.deleted,
        shown(&causes(cycle))
    ));
}

fn detail(cycle: &CycleRecord, chosen: &Chosen, console: &mut Console) {
    for error in &cycle.errors {
        console.line(format!("    {}", console.ink(Ink::Red, shown(error))));
    }
    for left in &cycle.left {
        console.line(format!("    {}", console.ink(Ink::Yellow, shown(left))));
    }
    for change in &cycle.changes {
        let why = console.ink(Ink::Dim, shown(&change.reason));
        console.line(format!(
            "    {} {}  {why}",
            change.action,
            shown(&chosen.shown(&change.path))
        ));
    }
    for (phase, took) in &cycle.phases_ms {
        console.line(format!("    {phase}: {}", words::duration(*took)));
    }
}
