use super::*;
use crate::{Coverage, GateKind, GateReport, GateResult, Looker, Outcome};

mod repairs;
mod rounds;
mod weakenings;

fn finding() -> Finding {
    Finding::warning("F401", "unused").in_file("src/a.py").at_line(1)
}

fn lint(findings: usize) -> GateResult {
    let coverage = Coverage::of_files(3).with_lines(100).by(Looker::new("ruff", "1"));
    let outcome = Outcome::of(vec![finding(); findings], coverage);
    GateResult::new("ruff", GateKind::Lint, outcome, 1)
}

fn tests_of(count: u64, covered: f64) -> GateResult {
    let coverage = Coverage::default().with_tests(count).measured(Coverage::LINE_COVERAGE, covered);
    GateResult::new("pytest", GateKind::Tests, Outcome::Pass(coverage), 1)
}

fn report(gates: Vec<GateResult>) -> GateReport {
    GateReport::new(gates)
}

fn good_before() -> GateReport {
    report(vec![lint(1), tests_of(10, 90.0)])
}

fn good_after() -> GateReport {
    report(vec![lint(0), tests_of(10, 90.0)])
}

/// The refusals' names, sorted, or "taken".
fn verdict(change: FileChange, after: &GateReport, second_pass: &[FileChange]) -> String {
    let declared = [Declared::File(change.path.clone())];
    let repair = Repair {
        class: FixClass::Lint,
        gate: "ruff",
        targets: &[finding()],
        declared: &declared,
        changes: &[change],
        second_pass,
        before: &good_before(),
        after,
    };
    names(judge_repair(&repair))
}

fn names(verdict: Result<(), Vec<Refusal>>) -> String {
    let Err(refusals) = verdict else { return "taken".to_owned() };
    let name = |refusal: &Refusal| {
        let value = serde_json::to_value(refusal).unwrap();
        value["refusal"].as_str().unwrap().to_owned()
    };
    let mut names: Vec<String> = refusals.iter().map(name).collect();
    names.dedup();
    names.join(" ")
}

fn change(path: &str, before: &str, after: &str) -> FileChange {
    FileChange::new(path, Some(before.into()), Some(after.into()))
}
