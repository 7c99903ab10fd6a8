use std::sync::Arc;

use jiff::civil::Date;

use crate::{GateReport, GateResult};

mod baseline;
mod problem;
mod thresholds;
mod verdict;
mod waivers;

#[cfg(test)]
mod tests;

pub use self::baseline::{Baseline, BaselineEntry, BaselineError};
pub use self::problem::PolicyProblem;
pub use self::thresholds::{SettingsError, Thresholds};
pub use self::verdict::{Standing, code_quality};
pub use self::waivers::{Waiver, Waivers, WaiversError};

/// Draws one verdict from what gates said.
///
/// Laws for implementors:
/// - It is a function of its arguments and its own settings: no clock, no file.
/// - The report has the results in the order in which they were given, each with its own
///   outcome, gate and duration unchanged.
/// - [`Outcome::Error`](crate::Outcome::Error) and [`Outcome::Flaky`](crate::Outcome::Flaky) are
///   never passed, and an error has no score.
/// - The whole passes only where each gate does and there is no problem with the policy itself.
/// - Scores are from 0 to 1.
pub trait GatePolicy: Send + Sync {
    /// Judges the results.
    fn judge(&self, results: Vec<GateResult>, circumstances: Circumstances) -> GateReport;
}

impl<P: GatePolicy + ?Sized> GatePolicy for Arc<P> {
    fn judge(&self, results: Vec<GateResult>, circumstances: Circumstances) -> GateReport {
        (**self).judge(results, circumstances)
    }
}

impl<P: GatePolicy + ?Sized> GatePolicy for Box<P> {
    fn judge(&self, results: Vec<GateResult>, circumstances: Circumstances) -> GateReport {
        (**self).judge(results, circumstances)
    }
}

/// When something is judged, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Circumstances {
    /// The day, in UTC.
    pub today: Date,
    /// How much was looked at.
    pub extent: Extent,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Extent {
    /// Only what changed, or only some of the gates. A waiver that nothing needed may be for
    /// something that nobody looked at.
    #[default]
    Changes,
    /// Everything, by every gate: a waiver that nothing needed is not needed.
    Whole,
}

impl Circumstances {
    /// On this day, of so much.
    pub fn new(today: Date, extent: Extent) -> Self {
        Self { today, extent }
    }
}

/// The policy of the settings: thresholds, waivers and a baseline.
///
/// | kind of gate | passes if |
/// |---|---|
/// | syntax, imports, completeness, model, custom | nothing counts that is worse than a note |
/// | format | nothing counts |
/// | lint, types | nothing counts from `fail_on` up, and the code's quality is at least `code_quality_min_score` |
/// | security | no more findings count than `security_max_issues` |
/// | tests | at least one test ran, no finding counts, and measured line coverage is at least `test_coverage_min` |
/// | performance | the response time was measured and is at most `performance_max_response_time`, and nothing else counts |
///
/// A finding counts unless it is waived or is in the baseline. Whatever the kind, an error, a
/// flaky gate, a failure that names no finding and a pass that looked at nothing do not pass.
///
/// The overall score is the mean of the scores of the gates to which the changes meant
/// something; one that could not look adds nothing to it. It is 1 where there was none.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Policy {
    thresholds: Thresholds,
    waivers: Waivers,
    baseline: Baseline,
}

impl Policy {
    /// These thresholds, nothing waived, nothing known.
    pub fn new(thresholds: Thresholds) -> Self {
        Self { thresholds, ..Self::default() }
    }

    /// What somebody answers for.
    pub fn with_waivers(mut self, waivers: Waivers) -> Self {
        self.waivers = waivers;
        self
    }

    /// What was there before and does not count.
    pub fn with_baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = baseline;
        self
    }

    /// The thresholds.
    pub fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// Judges one gate's result; what was waived is noted in `used`.
    fn judge_one(&self, mut result: GateResult, used: &mut waivers::Used<'_>) -> GateResult {
        let gate = result.gate.as_str();
        let stands = |finding: &crate::Finding| match used.waive(gate, finding) {
            Some(waived) => waived,
            None if self.baseline.has(gate, &finding.fingerprint) => Standing::Known,
            None => Standing::Counts,
        };
        result.standings = result.outcome.findings().iter().map(stands).collect();
        verdict::judge(&self.thresholds, &mut result);
        result
    }
}

impl GatePolicy for Policy {
    fn judge(&self, results: Vec<GateResult>, circumstances: Circumstances) -> GateReport {
        let (mut used, mut problems) = self.waivers.sift(circumstances.today);
        let gates: Vec<GateResult> =
            results.into_iter().map(|result| self.judge_one(result, &mut used)).collect();
        if circumstances.extent == Extent::Whole {
            problems.extend(used.unused(&gates));
        }
        problems.sort();
        GateReport {
            overall_score: verdict::overall_score(&gates),
            overall_passed: problems.is_empty() && gates.iter().all(|result| result.passed),
            gates,
            problems,
            left_out: Vec::new(),
        }
    }
}
