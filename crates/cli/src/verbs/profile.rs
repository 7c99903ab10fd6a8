//! `evergen profile`.

use std::collections::VecDeque;

use evergen_telemetry::{History, Profile, Record};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::ProfileArguments;
use crate::console::Console;
use crate::diary::Diary;
use crate::failure::{Failure, Verdict};
use crate::project::Chosen;

/// What `evergen profile --json` prints.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct ProfileReport {
    /// How many records it is taken from.
    records: u64,
    /// Where the time went, the most expensive first.
    rows: Vec<ProfileLine>,
}

/// What one kind of work took.
#[derive(Serialize, Deserialize, JsonSchema)]
struct ProfileLine {
    /// What was done, like `render` or `query`.
    kind: String,
    /// To what: a generator or a query.
    subject: Option<String>,
    /// How often.
    count: u64,
    /// The time from begin to end, in milliseconds.
    total_ms: f64,
    /// The same without the work inside that has lines of its own.
    own_ms: f64,
}

/// More records than these are not looked at.
const MOST: usize = 1_000_000;

pub(super) fn profile(
    arguments: &ProfileArguments,
    console: &mut Console,
) -> Result<Verdict, Failure> {
    let chosen = Chosen::find_here(&arguments.selection, console)?;
    let diary = Diary::of(&chosen.project().state_dir());
    let records = read(&diary, arguments.cycles)?;
    let profile = Profile::from_records(&records);
    if let Some(path) = &arguments.trace {
        let text = match path.extension().and_then(|extension| extension.to_str()) {
            Some("folded" | "collapsed") => profile.to_collapsed(),
            _ => profile.to_chrome_trace(),
        };
        std::fs::write(path, text)
            .map_err(|error| Failure::storage(format!("writing `{}`", path.display()), &error))?;
        console.remark(format!(
            "the trace is in {}; ui.perfetto.dev and speedscope.app open it",
            path.display()
        ));
    }
    let rows = profile.table();
    if console.is_json() {
        let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
        let rows = rows.iter().map(|row| ProfileLine {
            kind: row.kind.to_string(),
            subject: row.subject.clone(),
            count: row.count,
            total_ms: ms(row.total),
            own_ms: ms(row.own),
        });
        console.object(&ProfileReport { records: records.len() as u64, rows: rows.collect() });
    } else if rows.is_empty() {
        console.line("nothing was recorded yet; `evergen watch` records its cycles");
    } else {
        console.write(&profile.to_text());
    }
    Ok(Verdict::Yes)
}

/// The records of the last cycles.
fn read(diary: &Diary, cycles: usize) -> Result<Vec<Record>, Failure> {
    let path = diary.records();
    if !path.exists() {
        return Err(Failure::usage(
            "no loop has run in this project",
            "`evergen watch` starts one, and records where its time goes",
        ));
    }
    let failed = |error: &dyn std::error::Error| Failure::storage("reading the records", error);
    let mut records = VecDeque::new();
    for record in History::open(&path).map_err(|error| failed(&error))? {
        // A damaged line has lost itself; the others count.
        if let Ok(record) = record {
            records.push_back(record);
        }
        if records.len() > MOST {
            records.pop_front();
        }
    }
    let mut wanted = std::collections::BTreeSet::new();
    for record in records.iter().rev() {
        if wanted.len() == cycles {
            break;
        }
        wanted.extend(record.cycle);
    }
    records.retain(|record| record.cycle.is_some_and(|cycle| wanted.contains(&cycle)));
    if records.is_empty() {
        tracing::debug!(path = %path.display(), "no record belongs to a cycle");
    }
    Ok(records.into())
}
