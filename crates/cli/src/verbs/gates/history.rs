//! `evergen gates history`.

use evergen_quality_gates::Trends;
use schemars::JsonSchema;
use serde::Serialize;

use crate::arguments::GatesHistory;
use crate::console::Console;
use crate::failure::{Failure, Verdict};
use crate::gates::Target;
use crate::words;

/// What `evergen gates history --json` prints.
#[derive(Serialize, JsonSchema)]
pub(crate) struct GatesHistoryReport {
    /// How results went over time, oldest first.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    trends: Trends,
    /// How many lines of the history could not be read.
    damaged: u64,
}

pub(super) fn history(arguments: &GatesHistory, console: &mut Console) -> Result<Verdict, Failure> {
    let paths: Vec<_> = arguments.path.iter().cloned().collect();
    let kept = Target::history(&paths, &arguments.selection, console)?.read();
    let kept = kept.map_err(|error| Failure::storage("reading the gates' history", &error))?;
    let first = kept.records.len().saturating_sub(arguments.runs);
    let trends = Trends::of(&kept.records[first..]);
    let damaged = kept.skipped;
    if console.is_json() {
        console.object(&GatesHistoryReport { trends, damaged });
        return Ok(Verdict::Yes);
    }
    if trends.runs == 0 {
        console.line("the gates were never asked here");
    } else {
        console.line(trends.to_string());
    }
    if damaged > 0 {
        console.remark(format!("{} of the history can't be read", words::count(damaged, "line")));
    }
    Ok(Verdict::Yes)
}
