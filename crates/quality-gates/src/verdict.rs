use crate::{GateInfo, GateReport, GateResult, Outcome};

/// Draws a verdict from what gates said.
///
/// Laws for implementors:
/// - It is a pure function of its arguments and of its own settings, the time of judgement
///   among them.
/// - An [`Outcome::Error`] never counts as passed.
/// - It changes no answer: findings that do not count are still told.
pub trait GatePolicy: Send + Sync {
    /// Whether the gates that come [after](GateInfo::after) this one may be asked.
    fn admits(&self, info: &GateInfo, outcome: &Outcome) -> bool;

    /// The verdict over all answers, which come in the order in which the gates were added.
    fn judge(&self, answers: Vec<GateResult>) -> GateReport;
}

impl<P: GatePolicy + ?Sized> GatePolicy for std::sync::Arc<P> {
    fn admits(&self, info: &GateInfo, outcome: &Outcome) -> bool {
        (**self).admits(info, outcome)
    }

    fn judge(&self, answers: Vec<GateResult>) -> GateReport {
        (**self).judge(answers)
    }
}

impl<P: GatePolicy + ?Sized> GatePolicy for Box<P> {
    fn admits(&self, info: &GateInfo, outcome: &Outcome) -> bool {
        (**self).admits(info, outcome)
    }

    fn judge(&self, answers: Vec<GateResult>) -> GateReport {
        (**self).judge(answers)
    }
}

/// No finding is tolerated: every gate to which the changes mean something must pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it has no settings, and another policy has")]
pub struct Strict;

impl GatePolicy for Strict {
    fn admits(&self, _: &GateInfo, outcome: &Outcome) -> bool {
        matches!(outcome, Outcome::Pass(_) | Outcome::NotApplicable)
    }

    fn judge(&self, answers: Vec<GateResult>) -> GateReport {
        GateReport::new(answers)
    }
}
