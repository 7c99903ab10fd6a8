use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Thresholds;
use crate::{Coverage, Finding, GateKind, GateResult, Outcome, Severity};

/// How many lines a file is taken to have where nobody counted.
const LINES_OF_A_FILE: u64 = 50;

/// How a finding stands before the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Standing {
    /// It counts.
    #[default]
    Counts,
    /// It is in the baseline.
    Known,
    /// Somebody answers for it.
    Waived {
        /// Who.
        owner: String,
        /// Why.
        reason: String,
        /// Until when.
        expires: Date,
    },
}

impl Standing {
    /// Whether it counts.
    pub fn counts(&self) -> bool {
        *self == Self::Counts
    }

    /// Whether somebody answers for it.
    pub fn is_waived(&self) -> bool {
        matches!(self, Self::Waived { .. })
    }
}

/// The quality of code, from 0 to 10: ten less ten times the weight of the findings for each
/// line. An error weighs 5, a warning 1, a note 0.2; where nobody counted lines, a file is taken
/// to have fifty. Code of no size with findings has quality 0.
pub fn code_quality<'a>(
    findings: impl IntoIterator<Item = &'a Finding>,
    coverage: &Coverage,
) -> f64 {
    let weight = |finding: &Finding| match finding.severity {
        Severity::Error => 5.0,
        Severity::Warning => 1.0,
        Severity::Note => 0.2,
    };
    let sum: f64 = findings.into_iter().map(weight).sum();
    let lines = match coverage.lines {
        0 => coverage.files.saturating_mul(LINES_OF_A_FILE),
        lines => lines,
    };
    match (sum > 0.0, lines) {
        (false, _) => 10.0,
        (true, 0) => 0.0,
        (true, lines) => 10.0 * (1.0 - (sum / real(lines)).min(1.0)),
    }
}

/// Says of one result whether it passed, its score, and why not.
pub(super) fn judge(thresholds: &Thresholds, result: &mut GateResult) {
    let (score, reasons, notes) = {
        let counting: Vec<&Finding> = result
            .judged()
            .filter(|(_, standing)| standing.counts())
            .map(|(found, _)| found)
            .collect();
        let mut bench = Bench { thresholds, counting, reasons: Vec::new(), notes: Vec::new() };
        let score = bench.score(result.kind, &result.outcome);
        (score, bench.reasons, bench.notes)
    };
    result.passed = reasons.is_empty();
    // Rounding must not make 1 of what is less, nor differ from machine to machine.
    result.score = score.map(|score| score.clamp(0.0, 1.0));
    result.reasons = reasons;
    result.notes = notes;
}

pub(super) fn overall_score(gates: &[GateResult]) -> f64 {
    let concerned = gates.iter().filter(|result| result.outcome != Outcome::NotApplicable);
    let scores: Vec<f64> = concerned.map(|result| result.score.unwrap_or(0.0)).collect();
    if scores.is_empty() {
        return 1.0;
    }
    scores.iter().sum::<f64>() / real(scores.len() as u64)
}

struct Bench<'a> {
    thresholds: &'a Thresholds,
    counting: Vec<&'a Finding>,
    reasons: Vec<String>,
    notes: Vec<String>,
}

impl Bench<'_> {
    fn score(&mut self, kind: GateKind, outcome: &Outcome) -> Option<f64> {
        let nothing = Coverage::default();
        match outcome {
            Outcome::NotApplicable => None,
            Outcome::Error(fault) => {
                self.reasons.push(format!("could not look: {fault}"));
                None
            }
            Outcome::Flaky(flaky) => {
                let (passed, runs) = (flaky.passed, flaky.runs);
                self.reasons.push(format!("flaky: passed {passed} of {runs} times"));
                Some(f64::from(passed) / f64::from(runs.max(1)))
            }
            Outcome::Fail(found) if found.findings.is_empty() => {
                self.reasons.push("it failed and named no finding".to_owned());
                Some(0.0)
            }
            Outcome::Pass(coverage) if *coverage == nothing || looked_at_nothing(coverage) => {
                self.reasons.push("it passed and looked at nothing".to_owned());
                Some(0.0)
            }
            Outcome::Pass(coverage) => Some(self.measure(kind, coverage)),
            Outcome::Fail(found) => Some(self.measure(kind, &found.coverage)),
        }
    }

    fn measure(&mut self, kind: GateKind, coverage: &Coverage) -> f64 {
        match kind {
            GateKind::Lint | GateKind::Types => self.quality(coverage, self.thresholds.fail_on),
            GateKind::Format => self.quality(coverage, Severity::Note),
            GateKind::Security => self.security(),
            GateKind::Tests => self.tests(coverage),
            GateKind::Performance => self.performance(coverage),
            _ => self.all_or_nothing(Severity::Warning),
        }
    }

    fn quality(&mut self, coverage: &Coverage, fail_on: Severity) -> f64 {
        self.count(fail_on);
        let quality = code_quality(self.counting.iter().copied(), coverage);
        let least = self.thresholds.code_quality_min_score;
        if quality < least {
            let shown = floor(quality);
            self.reasons.push(format!("the code's quality is {shown:.1} of 10, below {least:.1}"));
        }
        quality / 10.0
    }

    fn security(&mut self) -> f64 {
        let (issues, most) = (self.counting.len() as u64, self.thresholds.security_max_issues);
        if issues <= most {
            return 1.0;
        }
        self.reasons.push(format!("{issues} security issue(s), {most} are borne"));
        0.0
    }

    fn tests(&mut self, coverage: &Coverage) -> f64 {
        if coverage.tests == 0 {
            self.reasons.push("no test ran".to_owned());
            return 0.0;
        }
        self.count(Severity::Note);
        let failed = (self.counting.len() as u64).min(coverage.tests);
        let share = 1.0 - real(failed) / real(coverage.tests);
        share * self.line_coverage(coverage)
    }

    fn line_coverage(&mut self, coverage: &Coverage) -> f64 {
        let least = self.thresholds.test_coverage_min;
        match coverage.measures.get(Coverage::LINE_COVERAGE) {
            Some(&measured) if measured >= least => 1.0,
            Some(&measured) => {
                let shown = floor(measured);
                self.reasons.push(format!("tests reach {shown:.1} % of lines, below {least:.1} %"));
                measured / least
            }
            None if self.thresholds.test_coverage_required => {
                self.reasons.push("line coverage was not measured".to_owned());
                0.0
            }
            None => {
                self.notes.push("line coverage was not measured".to_owned());
                1.0
            }
        }
    }

    fn performance(&mut self, coverage: &Coverage) -> f64 {
        self.count(Severity::Warning);
        let most = self.thresholds.performance_max_response_time;
        let Some(&time) = coverage.measures.get(Coverage::RESPONSE_TIME) else {
            self.reasons.push("no response time was measured".to_owned());
            return 0.0;
        };
        if time > most {
            let reason = format!("answers take {:.1} ms, more than {most:.1} ms", ceil(time));
            self.reasons.push(reason);
        }
        let least = self.thresholds.performance_min_throughput;
        let rate = coverage.measures.get(Coverage::THROUGHPUT).copied();
        if least > 0.0 && rate.is_none_or(|rate| rate < least) {
            let shown =
                rate.map_or("not measured".to_owned(), |rate| format!("{:.1}/s", floor(rate)));
            self.reasons.push(format!("the throughput is {shown}, {least:.1}/s are wanted"));
        }
        let ratio = if time > most { most / time } else { 1.0 };
        if self.reasons.is_empty() || time > most { ratio } else { 0.0 }
    }

    fn all_or_nothing(&mut self, fail_on: Severity) -> f64 {
        self.count(fail_on);
        if self.reasons.is_empty() { 1.0 } else { 0.0 }
    }

    /// Each finding from this severity up is a reason, together.
    fn count(&mut self, fail_on: Severity) {
        let heavy = self.counting.iter().filter(|finding| finding.severity >= fail_on).count();
        if heavy > 0 {
            let plural = if heavy == 1 { "" } else { "s" };
            self.reasons.push(format!("{heavy} finding{plural}"));
        }
    }
}

fn looked_at_nothing(coverage: &Coverage) -> bool {
    coverage.files == 0
        && coverage.tests == 0
        && coverage.lines == 0
        && coverage.measures.is_empty()
}

/// One digit behind the point, never better than it is: 79.99 is not shown as 80.0.
fn floor(value: f64) -> f64 {
    (value * 10.0).floor() / 10.0
}

fn ceil(value: f64) -> f64 {
    (value * 10.0).ceil() / 10.0
}

#[expect(clippy::cast_precision_loss, reason = "counts of findings and lines, far below 2^52")]
fn real(count: u64) -> f64 {
    count as f64
}
