use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use evergen_orchestrator::{CycleOutcome, CycleSummary};
use evergen_regeneration::{Diagnostic, Reason};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::short::ShortNames;
use crate::words;

/// A cycle of the loop: a line of its history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CycleRecord {
    /// The cycle's id (UUID version 7).
    pub(crate) cycle_id: String,
    /// When it began (RFC 3339).
    pub(crate) started_at: String,
    /// How long it took, in milliseconds.
    pub(crate) duration_ms: f64,
    /// How it ended: `succeeded`, `partial`, `failed` or `empty`.
    pub(crate) outcome: String,
    /// How many events it took.
    pub(crate) events: u64,
    /// What some of them were about.
    pub(crate) causes: Vec<String>,
    /// How many artifacts were written.
    pub(crate) written: u64,
    /// How many artifacts were removed.
    pub(crate) deleted: u64,
    /// Some of the artifacts that changed, and why.
    pub(crate) changes: Vec<CycleArtifact>,
    /// How long each phase took, in milliseconds.
    pub(crate) phases_ms: BTreeMap<String, f64>,
    /// What went wrong.
    pub(crate) errors: Vec<String>,
    /// What it left for a person to mend, though it did the rest.
    #[serde(default)]
    pub(crate) left: Vec<String>,
    /// What was found, with its place.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// An artifact that changed in a cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CycleArtifact {
    /// The path in the output folder.
    pub(crate) path: String,
    /// What happened to it.
    pub(crate) action: String,
    /// Why.
    pub(crate) reason: String,
}

impl CycleRecord {
    pub(crate) fn new(
        summary: &CycleSummary,
        diagnostics: Vec<Diagnostic>,
        short: &ShortNames,
    ) -> Self {
        let changes = summary.changes.iter().map(|change| CycleArtifact {
            path: change.path.clone(),
            action: change.action.clone(),
            // The engine's reasons come as data; those of others are words already.
            reason: match serde_json::from_str::<Reason>(&change.reason) {
                Ok(reason) => words::reason(&reason, short),
                Err(_) => change.reason.clone(),
            },
        });
        Self {
            cycle_id: summary.id.to_string(),
            started_at: summary.started_at.to_string(),
            duration_ms: summary.duration_ms,
            outcome: outcome(summary.outcome).to_owned(),
            events: summary.events as u64,
            causes: summary.causes.clone(),
            written: summary.written,
            deleted: summary.deleted,
            changes: changes.collect(),
            phases_ms: phases(summary),
            errors: summary.errors.clone(),
            left: summary.left.clone(),
            diagnostics,
        }
    }

    /// What has to be mended before all is well again.
    pub(crate) fn to_mend(&self) -> impl Iterator<Item = &String> {
        let errors: &[String] = if self.is_good() { &[] } else { &self.errors };
        errors.iter().chain(&self.left)
    }

    pub(crate) fn is_good(&self) -> bool {
        matches!(self.outcome.as_str(), "succeeded" | "empty")
    }
}

/// The phases, without the one that has those of the engine inside.
fn phases(summary: &CycleSummary) -> BTreeMap<String, f64> {
    let mut phases = summary.phases_ms.clone();
    if phases.contains_key("load") {
        phases.remove("prepare");
    }
    phases
}

fn outcome(outcome: CycleOutcome) -> &'static str {
    match outcome {
        CycleOutcome::Succeeded => "succeeded",
        CycleOutcome::Partial => "partial",
        CycleOutcome::Empty => "empty",
        _ => "failed",
    }
}

/// The last cycles of a loop, as lines of JSON in a file and its predecessor.
#[derive(Clone, Debug)]
pub(crate) struct CycleLog {
    path: PathBuf,
}

/// A file that is larger becomes the predecessor.
const LARGEST: u64 = 4 << 20;

impl CycleLog {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Adds a cycle. What a kill may have left of a line before is ended first.
    pub(crate) fn append(&self, record: &CycleRecord) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let options = || OpenOptions::new().read(true).append(true).create(true).open(&self.path);
        let mut file = options()?;
        if file.metadata()?.len() > LARGEST {
            drop(file);
            std::fs::rename(&self.path, self.predecessor())?;
            file = options()?;
        }
        let mut line = Vec::new();
        if !ends_a_line(&mut file)? {
            line.push(b'\n');
        }
        serde_json::to_writer(&mut line, record)?;
        line.push(b'\n');
        file.write_all(&line)
    }

    /// At most `most` of the last cycles, oldest first, and how many lines can't be read.
    pub(crate) fn last(&self, most: usize) -> io::Result<(Vec<CycleRecord>, usize)> {
        let mut records = std::collections::VecDeque::new();
        let mut damaged = 0;
        for path in [self.predecessor(), self.path.clone()] {
            let file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for line in BufReader::new(file).split(b'\n') {
                let line = line?;
                match serde_json::from_slice(&line) {
                    Ok(record) => records.push_back(record),
                    Err(_) => damaged += usize::from(!line.is_empty()),
                }
                if records.len() > most {
                    records.pop_front();
                }
            }
        }
        Ok((records.into(), damaged))
    }

    fn predecessor(&self) -> PathBuf {
        self.path.with_extension("1.jsonl")
    }
}

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    use std::io::Read as _;
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str) -> CycleRecord {
        CycleRecord { cycle_id: id.to_owned(), ..CycleRecord::default() }
    }

    #[test]
    fn a_torn_line_costs_itself_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let log = CycleLog::at(folder.path().join("cycles.jsonl"));
        assert_eq!(log.last(9).unwrap(), (Vec::new(), 0));
        log.append(&record("a")).unwrap();
        let mut file = OpenOptions::new().append(true).open(&log.path).unwrap();
        file.write_all(b"{\"cycle_id\":\"ha").unwrap();
        log.append(&record("b")).unwrap();
        log.append(&record("c")).unwrap();
        assert_eq!(log.last(9).unwrap(), (vec![record("a"), record("b"), record("c")], 1));
        assert_eq!(log.last(1).unwrap().0, [record("c")]);
    }

    #[test]
    fn the_file_before_is_read_too() {
        let folder = tempfile::tempdir().unwrap();
        let log = CycleLog::at(folder.path().join("cycles.jsonl"));
        log.append(&record("a")).unwrap();
        std::fs::rename(&log.path, log.predecessor()).unwrap();
        log.append(&record("b")).unwrap();
        assert_eq!(log.last(9).unwrap().0, [record("a"), record("b")]);
    }
}
