use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

mod history;
mod record;

#[cfg(test)]
mod tests;

pub use self::history::{History, HistoryError, Kept};
pub use self::record::{GateRecord, RunRecord};

/// How many scores a line of a trend shows.
const SHOWN: usize = 30;

/// How results went over time. A function of the records, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Trends {
    /// How many runs there were.
    pub runs: u64,
    /// How many of them passed.
    pub passed: u64,
    /// The overall scores, oldest first.
    pub scores: Vec<f64>,
    /// Each gate that was ever asked, by name.
    pub gates: Vec<GateTrend>,
}

/// How one gate went over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GateTrend {
    /// The gate.
    pub gate: String,
    /// How often it was asked and the question was its business.
    pub runs: u64,
    /// How often it passed.
    pub passed: u64,
    /// How often it could not look.
    pub errors: u64,
    /// Its scores, oldest first; none for a run in which it had none.
    pub scores: Vec<f64>,
    /// The middle one of its durations, in microseconds.
    pub median_us: u64,
    /// The duration that 95 of 100 runs did not exceed, in microseconds.
    pub p95_us: u64,
    /// Contents to which it gave different answers, by digest.
    pub flaky: Vec<FlakyContent>,
}

/// A content that got different answers from the same tools.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FlakyContent {
    /// The digest of what was judged.
    pub subject: String,
    /// How often it passed.
    pub passed: u64,
    /// How often something was found.
    pub failed: u64,
    /// How often the gate itself said that it is flaky.
    pub flaky: u64,
}

impl Trends {
    /// Looks at records, oldest first.
    pub fn of(records: &[RunRecord]) -> Self {
        let mut gates: BTreeMap<&str, Vec<(&RunRecord, &GateRecord)>> = BTreeMap::new();
        for record in records {
            for gate in record.gates.iter().filter(|gate| gate.outcome != "not_applicable") {
                gates.entry(&gate.gate).or_default().push((record, gate));
            }
        }
        Self {
            runs: records.len() as u64,
            passed: records.iter().filter(|record| record.passed).count() as u64,
            scores: records.iter().map(|record| record.score).collect(),
            gates: gates.into_iter().map(|(name, runs)| GateTrend::of(name, &runs)).collect(),
        }
    }

    /// The gates that gave different answers to the same content.
    pub fn flaky(&self) -> impl Iterator<Item = &GateTrend> {
        self.gates.iter().filter(|gate| !gate.flaky.is_empty())
    }
}

impl GateTrend {
    fn of(gate: &str, runs: &[(&RunRecord, &GateRecord)]) -> Self {
        let count = |word: &str| runs.iter().filter(|(_, it)| it.outcome == word).count() as u64;
        let mut durations: Vec<u64> = runs.iter().map(|(_, it)| it.duration_us).collect();
        durations.sort_unstable();
        Self {
            gate: gate.to_owned(),
            runs: runs.len() as u64,
            passed: runs.iter().filter(|(_, it)| it.passed).count() as u64,
            errors: count("error"),
            scores: runs.iter().filter_map(|(_, it)| it.score).collect(),
            median_us: quantile(&durations, 50),
            p95_us: quantile(&durations, 95),
            flaky: flaky(runs),
        }
    }
}

/// Contents with different answers, where neither the tools nor the settings differ.
fn flaky(runs: &[(&RunRecord, &GateRecord)]) -> Vec<FlakyContent> {
    let mut contents: BTreeMap<(&str, &str, &str), FlakyContent> = BTreeMap::new();
    for (run, gate) in runs {
        let key = (gate.subject.as_str(), gate.tools.as_str(), run.context.as_str());
        let content = contents.entry(key).or_insert_with(|| FlakyContent {
            subject: gate.subject.clone(),
            ..FlakyContent::default()
        });
        match gate.outcome.as_str() {
            "pass" => content.passed += 1,
            "fail" => content.failed += 1,
            "flaky" => content.flaky += 1,
            // What could not look has not answered.
            _ => {}
        }
    }
    let differs = |it: &FlakyContent| it.flaky > 0 || (it.passed > 0 && it.failed > 0);
    contents.into_values().filter(differs).collect()
}

/// The smallest value that so many of a hundred do not exceed; 0 of none.
fn quantile(sorted: &[u64], per_cent: usize) -> u64 {
    let rank = (sorted.len() * per_cent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

/// A table: a line for all, one for each gate, and one for each that is flaky.
impl fmt::Display for Trends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.runs == 0 {
            return f.write_str("no run is on record");
        }
        let width = self.gates.iter().map(|gate| gate.gate.chars().count()).max().unwrap_or(0);
        let width = width.max("all gates".len());
        let (runs, passed) = (self.runs, self.passed);
        write!(f, "{:width$}  {passed} of {runs} passed", "all gates")?;
        write!(f, "  {}", spark(&self.scores))?;
        for gate in &self.gates {
            let (name, runs, passed) = (&gate.gate, gate.runs, gate.passed);
            write!(f, "\n{name:width$}  {passed} of {runs} passed  {}", spark(&gate.scores))?;
            let [median, p95] = [gate.median_us, gate.p95_us].map(milliseconds);
            write!(f, "  {median} ms, p95 {p95} ms")?;
            if gate.errors > 0 {
                write!(f, ", {} could not look", gate.errors)?;
            }
        }
        for gate in self.flaky() {
            for content in &gate.flaky {
                let subject: String = content.subject.chars().take(12).collect();
                write!(f, "\nflaky: {} on {subject}: ", gate.gate)?;
                write!(f, "passed {}, failed {}", content.passed, content.failed)?;
                if content.flaky > 0 {
                    write!(f, ", {} times both", content.flaky)?;
                }
            }
        }
        Ok(())
    }
}

/// The newest scores as a row of bars, and the last as a number.
fn spark(scores: &[f64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let Some(last) = scores.last() else { return "-".to_owned() };
    let newest = &scores[scores.len().saturating_sub(SHOWN)..];
    let bar = |score: &f64| {
        // The greatest eighth that the score reaches.
        let reached = (1..8u32).filter(|eighth| *score * 8.0 >= f64::from(*eighth)).count();
        BARS[reached]
    };
    format!("{} {:.2}", newest.iter().map(bar).collect::<String>(), (last * 100.0).floor() / 100.0)
}

fn milliseconds(us: u64) -> String {
    format!("{}.{}", us / 1_000, us % 1_000 / 100)
}
