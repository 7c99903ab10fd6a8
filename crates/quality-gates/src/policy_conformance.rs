//! The laws of [`GatePolicy`], for whoever brings another one.

use crate::{Circumstances, GatePolicy, GateResult, Outcome};

/// Judges the results and holds the report against the laws.
///
/// # Panics
/// A law is broken.
pub fn check(policy: &dyn GatePolicy, results: &[GateResult], circumstances: Circumstances) {
    let report = policy.judge(results.to_vec(), circumstances);
    assert_eq!(
        report,
        policy.judge(results.to_vec(), circumstances),
        "a function of its arguments"
    );
    assert_eq!(report.gates.len(), results.len(), "every result is reported");
    for (judged, result) in report.gates.iter().zip(results) {
        let name = &result.gate;
        assert_eq!((&judged.gate, judged.kind), (name, result.kind), "the order is kept");
        assert_eq!(judged.outcome, result.outcome, "{name}: the outcome is unchanged");
        assert_eq!(judged.duration_us, result.duration_us, "{name}: the duration is unchanged");
        assert_eq!(judged.passed, judged.reasons.is_empty(), "{name}: what fails has a reason");
        let is_error = matches!(judged.outcome, Outcome::Error(_));
        let is_flaky = matches!(judged.outcome, Outcome::Flaky(_));
        assert!(!(judged.passed && (is_error || is_flaky)), "{name}: no pass without looking");
        assert!(!(is_error && judged.score.is_some()), "{name}: an error has no score");
        let in_range = judged.score.is_none_or(|score| (0.0..=1.0).contains(&score));
        assert!(in_range, "{name}: a score is from 0 to 1");
    }
    let all_passed = report.gates.iter().all(|judged| judged.passed);
    assert_eq!(report.overall_passed, all_passed && report.problems.is_empty(), "the whole");
    assert!((0.0..=1.0).contains(&report.overall_score), "the overall score is from 0 to 1");
}
