use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::{Coverage, Crash, Fault, Finding, Findings, Flakiness, GateKind, Outcome, Severity};

const TODAY: Date = date(2026, 11, 28);
const PRINT: &str = "0123456789abcdef0123456789abcdef";

fn finding(severity: Severity, fingerprint: &str) -> Finding {
    let mut finding = Finding::new(severity, "rule", "text").in_file("a.py").at_line(1);
    fingerprint.clone_into(&mut finding.fingerprint);
    finding
}

fn failed(severity: Severity, count: usize, coverage: Coverage) -> Outcome {
    let findings = (0..count).map(|at| finding(severity, &format!("{at:032x}"))).collect();
    Outcome::Fail(Findings::new(findings, coverage))
}

fn judge_with(policy: &Policy, kind: GateKind, outcome: Outcome) -> GateReport {
    let results = vec![GateResult::new("gate", kind, outcome, 1)];
    policy.judge(results, Circumstances::new(TODAY, Extent::Whole))
}

/// The first reason, or that it passed, and the score.
fn check(kind: GateKind, outcome: Outcome, expected: &str) {
    let report = judge_with(&Policy::default(), kind, outcome);
    let result = &report.gates[0];
    let score = result.score.map_or("none".to_owned(), |score| format!("{score:.3}"));
    let said = if result.passed { "passed".to_owned() } else { result.reasons.join("; ") };
    assert_eq!(format!("{said}, score {score}"), expected);
    assert_eq!(report.overall_passed, result.passed);
}

fn tests(count: u64) -> Coverage {
    Coverage::default().with_tests(count)
}

#[test]
fn coverage_of_tests_is_held_against_its_threshold() {
    let covered = |per_cent| Outcome::Pass(tests(10).measured(Coverage::LINE_COVERAGE, per_cent));
    check(GateKind::Tests, covered(80.0), "passed, score 1.000");
    let below = "tests reach 79.9 % of lines, below 80.0 %, score 1.000";
    check(GateKind::Tests, covered(79.999), below);
    check(GateKind::Tests, covered(40.0), "tests reach 40.0 % of lines, below 80.0 %, score 0.500");
    check(GateKind::Tests, Outcome::Pass(tests(10)), "passed, score 1.000");
    check(GateKind::Tests, failed(Severity::Error, 2, tests(10)), "2 findings, score 0.800");
    check(GateKind::Tests, Outcome::Pass(Coverage::of_files(3)), "no test ran, score 0.000");
}

#[test]
fn coverage_that_nobody_measured_is_said_or_fails() {
    let report = judge_with(&Policy::default(), GateKind::Tests, Outcome::Pass(tests(1)));
    assert_eq!(report.gates[0].notes, ["line coverage was not measured"]);
    let thresholds = Thresholds { test_coverage_required: true, ..Thresholds::default() };
    let report = judge_with(&Policy::new(thresholds), GateKind::Tests, Outcome::Pass(tests(1)));
    assert!(!report.overall_passed);
}

#[test]
fn response_times_are_held_against_their_threshold() {
    let took = |ms| Outcome::Pass(Coverage::default().measured(Coverage::RESPONSE_TIME, ms));
    check(GateKind::Performance, took(200.0), "passed, score 1.000");
    let slow = "answers take 250.0 ms, more than 200.0 ms, score 0.800";
    check(GateKind::Performance, took(250.0), slow);
    let unmeasured = Outcome::Pass(Coverage::of_files(1));
    check(GateKind::Performance, unmeasured, "no response time was measured, score 0.000");
}

#[test]
fn a_throughput_is_judged_where_one_is_wanted() {
    let thresholds = Thresholds { performance_min_throughput: 50.0, ..Thresholds::default() };
    let policy = Policy::new(thresholds);
    let measured = |rate: Option<f64>| {
        let coverage = Coverage::default().measured(Coverage::RESPONSE_TIME, 5.0);
        let coverage = match rate {
            Some(rate) => coverage.measured(Coverage::THROUGHPUT, rate),
            None => coverage,
        };
        judge_with(&policy, GateKind::Performance, Outcome::Pass(coverage)).overall_passed
    };
    assert!(measured(Some(50.0)));
    assert!(!measured(Some(49.9)));
    assert!(!measured(None));
}

#[test]
fn quality_is_what_lint_and_types_are_judged_by() {
    let lines = |lines| Coverage::of_files(1).with_lines(lines);
    check(GateKind::Lint, failed(Severity::Warning, 2, lines(10)), "passed, score 0.800");
    let poor = "the code's quality is 7.0 of 10, below 8.0, score 0.700";
    check(GateKind::Lint, failed(Severity::Warning, 3, lines(10)), poor);
    check(GateKind::Types, failed(Severity::Error, 1, lines(1000)), "1 finding, score 0.995");
    check(GateKind::Format, failed(Severity::Note, 1, lines(1000)), "1 finding, score 1.000");
    let unknown = "the code's quality is 0.0 of 10, below 8.0, score 0.000";
    check(GateKind::Lint, failed(Severity::Warning, 1, Coverage::default()), unknown);
}

#[test]
fn other_kinds_bear_notes_only() {
    let one = Coverage::of_files(1);
    check(GateKind::Syntax, failed(Severity::Note, 9, one.clone()), "passed, score 1.000");
    check(GateKind::Imports, failed(Severity::Warning, 1, one.clone()), "1 finding, score 0.000");
    let issue = "1 security issue(s), 0 are borne, score 0.000";
    check(GateKind::Security, failed(Severity::Note, 1, one), issue);
}

#[test]
fn what_did_not_look_never_passes() {
    let fault = Fault::Crash { how: Crash::Signal { number: 11 }, said: String::new() };
    check(GateKind::Lint, Outcome::Error(fault), "could not look: signal 11 ended it, score none");
    let flaky = Outcome::Flaky(Flakiness::new(4, 3, Vec::new()));
    check(GateKind::Tests, flaky, "flaky: passed 3 of 4 times, score 0.750");
    let nothing = Outcome::Pass(Coverage::default());
    check(GateKind::Lint, nothing, "it passed and looked at nothing, score 0.000");
    let empty = Outcome::fail(Vec::new());
    check(GateKind::Lint, empty, "it failed and named no finding, score 0.000");
    check(GateKind::Lint, Outcome::NotApplicable, "passed, score none");
}

/// What a file of waivers makes of one finding.
fn waive(toml: &str, extent: Extent) -> (bool, Vec<String>) {
    let policy = Policy::default().with_waivers(Waivers::parse(toml).unwrap());
    let outcome =
        Outcome::Fail(Findings::new(vec![finding(Severity::Error, PRINT)], Coverage::of_files(1)));
    let results = vec![GateResult::new("bandit", GateKind::Security, outcome, 1)];
    let report = policy.judge(results, Circumstances::new(TODAY, extent));
    let kinds = report.problems.iter().map(|problem| problem.kind().to_owned()).collect();
    (report.overall_passed, kinds)
}

const WAIVER: &str = r#"[[waiver]]
fingerprint = "0123456789abcdef0123456789abcdef"
owner = "ana"
reason = "goes away"
expires = 2026-12-31
"#;

#[test]
fn a_whole_waiver_waives_and_says_who_answers() {
    assert_eq!(waive(WAIVER, Extent::Whole), (true, vec![]));
    assert_eq!(waive(&format!("{WAIVER}gate = \"bandit\"\n"), Extent::Whole), (true, vec![]));
    let text = WAIVER.replace("2026-12-31", "\"2026-12-31\"");
    assert_eq!(waive(&text, Extent::Whole), (true, vec![]));
}

#[test]
fn a_waiver_that_lacks_something_waives_nothing_and_fails() {
    for field in ["fingerprint", "owner", "reason", "expires"] {
        let without = WAIVER.lines().filter(|line| !line.starts_with(field));
        let text = without.collect::<Vec<_>>().join("\n");
        let (passed, problems) = waive(&text, Extent::Changes);
        assert!(!passed, "{field}");
        assert_eq!(problems, ["waiver_incomplete"], "{field}");
    }
    let blank = WAIVER.replace("\"ana\"", "\"  \"");
    assert_eq!(waive(&blank, Extent::Changes).1, ["waiver_incomplete"]);
}

#[test]
fn a_waivers_days_are_counted() {
    let until = |day: &str| waive(&WAIVER.replace("2026-12-31", day), Extent::Changes);
    assert_eq!(until("2026-11-28"), (true, vec![]), "the last day is one of its days");
    assert_eq!(until("2026-11-27").1, ["waiver_expired"]);
    assert_eq!(until("2027-02-26"), (true, vec![]), "ninety days");
    assert_eq!(until("2027-02-27").1, ["waiver_too_long"]);
    assert_eq!(until("\"soon\"").1, ["waiver_no_date"]);
}

#[test]
fn waivers_name_one_finding_and_no_more() {
    for fingerprint in ["*", "0123", "0123456789ABCDEF0123456789ABCDEF", ".{32}"] {
        let text = WAIVER.replace("0123456789abcdef0123456789abcdef", fingerprint);
        assert_eq!(waive(&text, Extent::Changes).1, ["waiver_no_fingerprint"], "{fingerprint}");
    }
    assert_eq!(waive(&WAIVER.repeat(2), Extent::Whole).1, ["waiver_twice"]);
    let other_gate = format!("{WAIVER}gate = \"ruff\"\n");
    assert_eq!(waive(&other_gate, Extent::Whole), (false, vec!["waiver_unused".to_owned()]));
    assert_eq!(waive(&other_gate, Extent::Changes), (false, vec![]));
    assert!(Waivers::parse(&WAIVER.replace("reason", "raeson")).is_err());
}

#[test]
fn a_waiver_is_not_called_unused_where_its_gate_could_not_look() {
    let policy = Policy::default().with_waivers(Waivers::parse(WAIVER).unwrap());
    let report = judge_with(&policy, GateKind::Lint, Outcome::Error(Fault::infra("a", "b")));
    assert!(report.problems.is_empty() && !report.overall_passed);
    let report = judge_with(&policy, GateKind::Lint, Outcome::Pass(Coverage::of_files(1)));
    assert_eq!(report.problems.len(), 1);
    assert!(!report.overall_passed, "{report}");
    assert!(report.gates[0].passed);
}

#[test]
fn an_error_cannot_be_waived_nor_known() {
    let waivers = Waivers::parse(WAIVER).unwrap();
    let known =
        judge_with(&Policy::default(), GateKind::Lint, failed(Severity::Error, 1, tests(1)));
    let policy = Policy::default().with_waivers(waivers).with_baseline(Baseline::of(&known));
    let report = judge_with(&policy, GateKind::Lint, Outcome::Error(Fault::infra("a", "b")));
    assert!(!report.overall_passed);
}

#[test]
fn only_findings_that_are_new_count() {
    let one = Coverage::of_files(1);
    let old =
        judge_with(&Policy::default(), GateKind::Security, failed(Severity::Error, 2, one.clone()));
    assert!(!old.overall_passed);
    let baseline = Baseline::parse(&Baseline::of(&old).to_json()).unwrap();
    assert_eq!(baseline.len(), 2);
    let policy = Policy::default().with_baseline(baseline.clone());
    let judged = |count| {
        judge_with(&policy, GateKind::Security, failed(Severity::Error, count, one.clone()))
    };
    assert!(judged(2).overall_passed);
    assert!(!judged(3).overall_passed);
    assert_eq!(baseline.gone(&judged(1)).len(), 1);
    let elsewhere =
        vec![GateResult::new("other", GateKind::Lint, failed(Severity::Error, 2, one), 1)];
    let report = policy.judge(elsewhere, Circumstances::new(TODAY, Extent::Whole));
    assert!(!report.overall_passed, "a baseline is of a gate");
}

#[test]
fn what_was_found_where_nobody_asked_is_not_taken_as_known() {
    let found = |files: [&str; 2]| {
        let findings = files.iter().enumerate().map(|(at, file)| {
            let mut finding = finding(Severity::Error, &format!("{at:032x}"));
            finding.file = Some((*file).to_owned());
            finding
        });
        let outcome = Outcome::Fail(Findings::new(findings.collect(), Coverage::of_files(2)));
        judge_with(&Policy::default(), GateKind::Types, outcome)
    };
    let report = found(["a.ts", "b.ts"]);
    let renewed = Baseline::default().renewed(&report, |file| file == "a.ts");
    assert_eq!(renewed.len(), 1);
    assert!(renewed.to_json().contains("a.ts"));
    assert_eq!(Baseline::of(&report).without(&renewed).len(), 1);
    // What was known there before stays.
    let known = Baseline::of(&report).renewed(&report, |file| file == "a.ts");
    assert_eq!(known, Baseline::of(&report));
}

#[test]
fn a_damaged_baseline_is_no_baseline() {
    for text in ["", "{", "[]", r#"{"version":1}"#, r#"{"version":2,"findings":[]}"#] {
        assert!(Baseline::parse(text).is_err(), "{text}");
    }
    let wild = r#"{"version":1,"findings":[{"gate":"a","fingerprint":"*"}]}"#;
    assert!(matches!(Baseline::parse(wild), Err(BaselineError::NoFingerprint { .. })));
    assert_eq!(Baseline::parse(&Baseline::default().to_json()), Ok(Baseline::default()));
}

#[test]
fn thresholds_have_ranges() {
    let wrong = |text: &str| {
        let thresholds: Thresholds = toml::from_str(text).unwrap();
        thresholds.validate().map_err(|error| error.to_string())
    };
    assert_eq!(wrong(""), Ok(()));
    let said = "gates.code_quality_min_score is 11, and must be from 0 to 10";
    assert_eq!(wrong("code_quality_min_score = 11.0"), Err(said.to_owned()));
    for text in [
        "test_coverage_min = 100.1",
        "test_coverage_min = nan",
        "performance_max_response_time = 0.0",
        "performance_min_throughput = -1.0",
    ] {
        assert!(wrong(text).is_err(), "{text}");
    }
}

#[test]
fn the_overall_score_is_the_mean_and_errors_add_nothing() {
    let results = vec![
        GateResult::new("a", GateKind::Lint, Outcome::Pass(Coverage::of_files(1)), 1),
        GateResult::new("b", GateKind::Lint, Outcome::Error(Fault::infra("x", "y")), 1),
        GateResult::new("c", GateKind::Lint, Outcome::NotApplicable, 1),
    ];
    let report = GateReport::new(results);
    assert!((report.overall_score - 0.5).abs() < f64::EPSILON);
    assert!((GateReport::new(Vec::new()).overall_score - 1.0).abs() < f64::EPSILON);
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let coverage = (0u64..3, 0u64..3, 0u64..100, proptest::option::of(0.0..100.0)).prop_map(
        |(files, tests, lines, covered)| {
            let coverage = Coverage::of_files(files).with_tests(tests).with_lines(lines);
            match covered {
                Some(covered) => coverage.measured(Coverage::LINE_COVERAGE, covered),
                None => coverage,
            }
        },
    );
    let severity =
        prop_oneof![Just(Severity::Note), Just(Severity::Warning), Just(Severity::Error)];
    prop_oneof![
        coverage.clone().prop_map(Outcome::Pass),
        (severity, 0usize..5, coverage)
            .prop_map(|(severity, count, coverage)| failed(severity, count, coverage)),
        Just(Outcome::Error(Fault::infra("a", "b"))),
        Just(Outcome::NotApplicable),
        (0u32..4, 0u32..4).prop_map(|(runs, passed)| Outcome::Flaky(Flakiness::new(
            runs,
            passed.min(runs),
            vec![]
        ))),
    ]
}

fn kinds() -> impl Strategy<Value = GateKind> {
    proptest::sample::select(vec![
        GateKind::Syntax,
        GateKind::Format,
        GateKind::Lint,
        GateKind::Types,
        GateKind::Security,
        GateKind::Tests,
        GateKind::Performance,
        GateKind::Custom,
    ])
}

proptest! {
    #[test]
    fn the_policy_keeps_its_laws(
        asked in proptest::collection::vec((kinds(), outcomes()), 0..6),
        waived in 0usize..3,
        whole: bool,
    ) {
        let results: Vec<GateResult> = asked
            .into_iter()
            .enumerate()
            .map(|(at, (kind, outcome))| GateResult::new(format!("gate {at}"), kind, outcome, 7))
            .collect();
        let waivers = (0..waived)
            .map(|at| Waiver::new(format!("{at:032x}"), "ana", "why", date(2026, 12, 1)));
        let policy = Policy::default().with_waivers(Waivers::new(waivers.collect()));
        let extent = if whole { Extent::Whole } else { Extent::Changes };
        crate::policy_conformance::check(&policy, &results, Circumstances::new(TODAY, extent));
    }
}
