//! What is said where nobody looked.

use evergen_quality_gates::{GateReport, Outcome, PolicyProblem};

use super::Target;
use crate::arguments::GateChoice;
use crate::origin::from_here;

impl Target {
    /// Why nothing was judged, or nothing by a gate that was named; nothing where somebody looked.
    /// Nobody is served by a pass of nothing. Files that were named one by one, as a hook does,
    /// may be nobody's business.
    pub(crate) fn idle(&self, report: &GateReport, choice: &GateChoice) -> Option<PolicyProblem> {
        if report.gates.is_empty() {
            return Some(unasked(!report.left_out.is_empty()));
        }
        let idle = report.gates.iter().filter(|result| result.outcome == Outcome::NotApplicable);
        let idle: Vec<&str> = idle.map(|result| result.gate.as_str()).collect();
        let misses_one = !choice.gates.is_empty() && !idle.is_empty();
        if self.of_files || (!misses_one && report.is_judged()) {
            return None;
        }
        let folder = from_here(&self.folder, &self.chosen.here);
        let why = format!("there was nothing to look at in `{folder}` for {}", idle.join(", "));
        let leaves_out = match self.gates.settings.exclude.as_slice() {
            [] => "`.gitignore` leaves out",
            _ => "`.gitignore` and `gates.exclude` leave out",
        };
        let advice = format!("name a folder with such files, or look at what {leaves_out}");
        Some(PolicyProblem::NothingJudged { why, advice })
    }
}

fn unasked(is_left_out: bool) -> PolicyProblem {
    let why = if is_left_out { "every gate was left out" } else { "no gate was asked" };
    let advice = "name one that is installed with `--gate`; `evergen gates list` says which are";
    PolicyProblem::NothingJudged { why: why.to_owned(), advice: advice.to_owned() }
}
