use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Outcome;

/// What all gates together say of a change set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GateReport {
    /// The share of gates that passed, from 0 to 1, of those to which the changes meant
    /// something; 1 where there was none.
    pub overall_score: f64,
    /// Whether the changes may become visible.
    pub overall_passed: bool,
    /// Each gate's own answer, in the order in which the gates were added.
    pub gates: Vec<GateResult>,
}

/// One gate's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GateResult {
    /// The gate.
    pub gate: String,
    /// What it said.
    pub outcome: Outcome,
    /// How long it took, in microseconds.
    pub duration_us: u64,
}

impl GateReport {
    /// Draws the verdict: every gate to which the changes mean something must pass.
    pub fn new(gates: Vec<GateResult>) -> Self {
        let concerned: Vec<&GateResult> =
            gates.iter().filter(|result| result.outcome != Outcome::NotApplicable).collect();
        let good =
            concerned.iter().filter(|result| matches!(result.outcome, Outcome::Pass(_))).count();
        let share = |part: usize, all: usize| {
            let [part, all] =
                [part, all].map(|count| f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
            part / all
        };
        Self {
            overall_score: if concerned.is_empty() { 1.0 } else { share(good, concerned.len()) },
            overall_passed: good == concerned.len(),
            gates,
        }
    }
}

/// One line for each gate that did not pass; else that all did, or that there was none.
impl fmt::Display for GateReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = 0;
        for result in &self.gates {
            let said = match &result.outcome {
                Outcome::Pass(_) | Outcome::NotApplicable => continue,
                Outcome::Error(fault) => format!("could not look: {fault}"),
                Outcome::Flaky(flaky) => {
                    format!("flaky: passed {} of {} times", flaky.passed, flaky.runs)
                }
                Outcome::Fail(found) => {
                    let findings = &found.findings;
                    let plural = if findings.len() == 1 { "" } else { "s" };
                    let first =
                        findings.first().map_or_else(String::new, |first| format!(": {first}"));
                    format!("{} finding{plural}{first}", findings.len())
                }
            };
            let lead = if lines == 0 { "" } else { "\n" };
            write!(f, "{lead}{}: {said}", result.gate)?;
            lines += 1;
        }
        match lines {
            0 if self.gates.is_empty() => f.write_str("no gate was asked"),
            0 => f.write_str("all gates passed"),
            _ => Ok(()),
        }
    }
}
