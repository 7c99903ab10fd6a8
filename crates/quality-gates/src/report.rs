use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    Circumstances, Extent, Finding, GateKind, GatePolicy, Outcome, Policy, PolicyProblem, Standing,
    Subject,
};

/// What all gates together say of a change set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GateReport {
    /// From 0 to 1: the mean of the gates' scores, of those to which the changes meant
    /// something; 1 where there was none.
    pub overall_score: f64,
    /// Whether the changes may become visible.
    pub overall_passed: bool,
    /// Each gate's own answer, in the order in which the gates were added.
    pub gates: Vec<GateResult>,
    /// What is wrong with the policy itself or with what was asked, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<PolicyProblem>,
    /// Gates that would have been asked and were left out on somebody's word. None of them passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// A gate that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// The gate.
    pub gate: String,
    /// Why.
    pub why: String,
}

impl LeftOut {
    /// This gate was left out, for this reason.
    pub fn new(gate: impl Into<String>, why: impl Into<String>) -> Self {
        Self { gate: gate.into(), why: why.into() }
    }
}

/// One gate's answer, and how the policy takes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GateResult {
    /// The gate.
    pub gate: String,
    /// What it judges.
    pub kind: GateKind,
    /// What it said.
    pub outcome: Outcome,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// Whether the answer was known before. Not written, since it differs from run to run.
    #[serde(default, skip_serializing)]
    pub cached: bool,
    /// Whether the policy lets it pass; what means nothing to a gate passes.
    pub passed: bool,
    /// From 0 to 1; nothing for an error, and where nothing was the gate's business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// How each of the outcome's findings stands, in their order; empty where all count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standings: Vec<Standing>,
    /// Why it did not pass; empty where it did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// What else should be known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl GateResult {
    /// What a gate said, and how long it took; a policy has yet to judge it.
    pub fn new(
        gate: impl Into<String>,
        kind: GateKind,
        outcome: Outcome,
        duration_us: u64,
    ) -> Self {
        Self {
            gate: gate.into(),
            kind,
            outcome,
            duration_us,
            cached: false,
            passed: false,
            score: None,
            standings: Vec::new(),
            reasons: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The findings, and how each stands.
    pub fn judged(&self) -> impl Iterator<Item = (&Finding, &Standing)> {
        let standings = self.standings.iter().chain(std::iter::repeat(&Standing::Counts));
        self.outcome.findings().iter().zip(standings)
    }
}

impl GateReport {
    /// Says which gates were left out.
    #[must_use]
    pub fn without(mut self, left_out: Vec<LeftOut>) -> Self {
        self.left_out = left_out;
        self
    }

    /// Says what else is wrong, which is no pass, whatever the gates say. Where nobody looked,
    /// that has no score either.
    #[must_use]
    pub fn with_problem(mut self, problem: PolicyProblem) -> Self {
        self.problems.push(problem);
        self.problems.sort();
        self.overall_passed = false;
        if !self.is_judged() {
            self.overall_score = 0.0;
        }
        self
    }

    /// Whether any gate looked, or should have and could not.
    pub fn is_judged(&self) -> bool {
        self.gates.iter().any(|result| result.outcome != Outcome::NotApplicable)
    }

    /// Draws the verdict by the default thresholds, with nothing waived and nothing known.
    pub fn new(gates: Vec<GateResult>) -> Self {
        // Without waivers, the day does not matter.
        let circumstances = Circumstances::new(Date::constant(1970, 1, 1), Extent::Changes);
        Policy::default().judge(gates, circumstances)
    }
}

impl GateReport {
    /// The same report with the files named as [`Subject::named`] has them.
    #[must_use]
    pub fn named_by(&self, subject: &Subject) -> Self {
        let mut named = self.clone();
        if !subject.place().is_empty() {
            for finding in named.gates.iter_mut().flat_map(|result| result.outcome.findings_mut()) {
                finding.rename(|file| subject.named(file));
            }
        }
        named
    }
}

/// One line for each gate that did not pass and for each problem of the policy; else that all
/// passed, or that there was no gate.
impl fmt::Display for GateReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<String> = Vec::new();
        for result in self.gates.iter().filter(|result| !result.passed) {
            let mut first = result.judged().filter(|(_, standing)| standing.counts());
            let first = first.next().map_or_else(String::new, |(found, _)| format!(": {found}"));
            lines.push(format!("{}: {}{first}", result.gate, result.reasons.join("; ")));
        }
        lines.extend(self.problems.iter().map(|problem| format!("policy: {problem}")));
        if lines.is_empty() {
            let said = if self.gates.is_empty() { "no gate was asked" } else { "all gates passed" };
            lines.push(said.to_owned());
        }
        f.write_str(&lines.join("\n"))
    }
}
