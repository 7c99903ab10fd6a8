use evergen_artifact::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{GateReport, GateResult, Looker};

/// The version of the records' form.
pub(super) const VERSION: u32 = 1;

/// What is kept of one run of the gates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunRecord {
    /// The version of this form.
    pub version: u32,
    /// When it was.
    pub at: Timestamp,
    /// Differs where the settings of the gates do; empty where nobody says.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub context: String,
    /// The overall score, from 0 to 1.
    pub score: f64,
    /// Whether all passed.
    pub passed: bool,
    /// Each gate.
    pub gates: Vec<GateRecord>,
}

/// What is kept of one gate's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GateRecord {
    /// The gate.
    pub gate: String,
    /// The digest of what it judged.
    pub subject: String,
    /// Who looked, with versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tools: String,
    /// The outcome's word, as [`Outcome::word`](crate::Outcome::word) gives it.
    pub outcome: String,
    /// Whether the policy let it pass.
    pub passed: bool,
    /// The score, from 0 to 1, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// How many findings there were, whether they count or not.
    pub findings: u64,
    /// How long it took, in microseconds.
    pub duration_us: u64,
}

impl RunRecord {
    /// What a report says of a subject with this digest, at that time.
    pub fn of(report: &GateReport, subject: &Digest, at: Timestamp) -> Self {
        let subject = subject.to_string();
        Self {
            version: VERSION,
            at,
            context: String::new(),
            score: report.overall_score,
            passed: report.overall_passed,
            gates: report.gates.iter().map(|result| GateRecord::of(result, &subject)).collect(),
        }
    }

    /// Anything that differs where the gates' settings do, so that a gate is not called flaky
    /// for being set otherwise.
    #[must_use]
    pub fn in_context(mut self, settings: &str) -> Self {
        self.context = Digest::of(settings.as_bytes()).to_string();
        self.context.truncate(16);
        self
    }
}

impl GateRecord {
    fn of(result: &GateResult, subject: &str) -> Self {
        let lookers = result.outcome.coverage().map_or(&[][..], |coverage| &coverage.by);
        let tool = |looker: &Looker| format!("{} {}", looker.name, looker.version);
        Self {
            gate: result.gate.clone(),
            subject: subject.to_owned(),
            tools: lookers.iter().map(tool).collect::<Vec<_>>().join(", "),
            outcome: result.outcome.word().to_owned(),
            passed: result.passed,
            score: result.score,
            findings: result.outcome.findings().len() as u64,
            duration_us: result.duration_us,
        }
    }
}
