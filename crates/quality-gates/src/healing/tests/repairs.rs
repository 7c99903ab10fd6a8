//! What is asked of a single repair.

use super::*;
use crate::{Fault, Findings, Flakiness};

#[test]
fn a_repair_that_only_mends_is_taken() {
    let change = change("src/a.py", "import os\nx = 1\n", "x = 1\n");
    assert_eq!(verdict(change, &good_after(), &[]), "taken");
}

/// Tools count columns from behind a byte order mark.
#[tokio::test]
async fn a_fix_leaves_a_byte_order_mark_where_it_is() {
    use crate::{Edit, FindingFixes, Fix, Healer as _, Position};
    let check = async |[start, end]: [u32; 2], text: &str, expected: &str| {
        let marked = format!("\u{feff}{}", "import sys, os\nos.f()\n");
        let subject = Subject::of_files([("a.py", marked.as_bytes())]);
        let edit = Edit::new("a.py", Position::new(1, start), Position::new(1, end), text);
        let fix = Fix::new("Mend it", true, vec![edit]);
        let finding = Finding::error("F401", "sys").in_file("a.py").with_fix(fix);
        let proposal = FindingFixes::safe().propose(&subject, &[finding]).await.unwrap();
        let text = String::from_utf8(proposal.files[0].1.to_vec()).unwrap();
        assert_eq!(text, format!("\u{feff}{expected}\nos.f()\n"));
    };
    check([8, 13], "", "import os").await;
    check([1, 15], "import os", "import os").await;
}

#[test]
fn files_neither_come_nor_go() {
    let gone = FileChange::new("src/a.py", Some(b"x".to_vec()), None);
    assert_eq!(verdict(gone, &good_after(), &[]), "existence");
    let new = FileChange::new("src/b.py", None, Some(b"x".to_vec()));
    assert_eq!(verdict(new, &good_after(), &[]), "existence");
    let binary = FileChange::new("src/a.py", Some(b"x".to_vec()), Some(vec![0xff, 0xfe]));
    assert_eq!(verdict(binary, &good_after(), &[]), "no_text");
}

/// What is said of a faultless edit after which the gates say this.
fn after(gates: Vec<GateResult>) -> String {
    let change = change("src/a.py", "import os\nx = 1\n", "x = 1\n");
    verdict(change, &report(gates), &[])
}

#[test]
fn the_finding_must_be_gone_and_no_other_come() {
    assert_eq!(after(vec![lint(1), tests_of(10, 90.0)]), "not_gone");
    let mut other = lint(0);
    let odd = Finding::warning("E999", "odd").in_file("src/a.py");
    let coverage = other.outcome.coverage().unwrap().clone();
    other.outcome = Outcome::Fail(Findings::new(vec![odd], coverage));
    assert_eq!(after(vec![other.clone(), tests_of(10, 90.0)]), "new_finding");
    let elsewhere = GateResult { gate: "mypy".to_owned(), ..other };
    assert_eq!(after(vec![lint(0), tests_of(10, 90.0), elsewhere]), "new_finding");
}

#[test]
fn gates_look_at_as_much_as_before_and_still_pass() {
    assert_eq!(after(vec![lint(0), tests_of(9, 90.0)]), "looks_at_less");
    assert_eq!(after(vec![lint(0), tests_of(10, 89.0)]), "covers_less");
    assert_eq!(after(vec![lint(0)]), "gate_missing");
    let said =
        |outcome| after(vec![lint(0), GateResult::new("pytest", GateKind::Tests, outcome, 1)]);
    assert_eq!(said(Outcome::NotApplicable), "worse");
    assert_eq!(said(Outcome::Error(Fault::infra("a", "b"))), "worse");
    assert_eq!(said(Outcome::Flaky(Flakiness::new(2, 1, vec![]))), "worse");
    let failed = Findings::new(vec![Finding::error("t", "m")], Coverage::default().with_tests(10));
    let failed = said(Outcome::Fail(failed));
    assert!(failed.contains("worse") && failed.contains("new_finding"), "{failed}");
    let mut blind = lint(0);
    blind.outcome = Outcome::Pass(Coverage::of_files(3).with_lines(100));
    assert_eq!(after(vec![blind, tests_of(10, 90.0)]), "looks_at_less");
    let mut fewer = lint(0);
    fewer.outcome = Outcome::Pass(Coverage::of_files(2).by(Looker::new("ruff", "1")));
    assert_eq!(after(vec![fewer, tests_of(10, 90.0)]), "looks_at_less");
}

#[test]
fn a_second_pass_changes_nothing() {
    let first = change("src/a.py", "x=1\n", "x = 1\n");
    let again = [change("src/a.py", "x = 1\n", "x  = 1\n")];
    assert_eq!(verdict(first, &good_after(), &again), "unsettled");
}

#[test]
fn edits_stay_in_declared_lines() {
    let check = |declared: Vec<Declared>| {
        let changes = [change("src/a.py", "a\nb\nc\nd\n", "a\nB\nc\nd\nnew\n")];
        names(judge_repair(&Repair {
            class: FixClass::Lint,
            gate: "ruff",
            targets: &[finding()],
            declared: &declared,
            changes: &changes,
            second_pass: &[],
            before: &good_before(),
            after: &good_after(),
        }))
    };
    let lines = |line: u32| Declared::Lines("src/a.py".to_owned(), Region::line(line));
    assert_eq!(check(vec![lines(2), lines(4)]), "taken");
    assert_eq!(check(vec![lines(2)]), "outside_declared");
    assert_eq!(check(vec![lines(4)]), "outside_declared");
    assert_eq!(check(vec![Declared::File("src/b.py".to_owned())]), "outside_declared");
    assert_eq!(check(vec![Declared::File("src/a.py".to_owned())]), "taken");
}

#[test]
fn a_dependency_gets_another_version_and_nothing_else() {
    let check = |path: &str, before: &str, after: &str| {
        names(judge_repair(&Repair {
            class: FixClass::Dependency,
            gate: "ruff",
            targets: &[finding()],
            declared: &[Declared::File(path.to_owned())],
            changes: &[change(path, before, after)],
            second_pass: &[],
            before: &good_before(),
            after: &good_after(),
        }))
    };
    assert_eq!(check("requirements.txt", "a==1.2\nb==3\n", "a==1.10.4\nb==3\n"), "taken");
    assert_eq!(check("Cargo.toml", "a = \"1.2\"\n", "a = \"1.3.0\"\n"), "taken");
    assert_eq!(check("package.json", "{\"a\": \"^1.2\"}\n", "{\"a\": \"^2.0\"}\n"), "taken");
    assert_eq!(check("go.mod", "require a.b/c v1.2.0\n", "require a.b/c v1.2.1\n"), "taken");
    for (before, after) in [
        ("fail_under = 80\n", "fail_under = 10\n"),
        ("fail_under = 80.5\n", "fail_under = 10.5\n"),
        ("addopts = \"--cov-fail-under=80.5\"\n", "addopts = \"--cov-fail-under=1.5\"\n"),
    ] {
        let said = check("pyproject.toml", before, after);
        assert!(said.contains("touches_configuration"), "{before}: {said}");
    }
    for (path, before, after) in [
        ("pyproject.toml", "requires-python = \">=3.8\"\n", "requires-python = \">=3.12\"\n"),
        ("pyproject.toml", "python_version = \"3.8\"\n", "python_version = \"3.12\"\n"),
        ("Cargo.toml", "rust-version = \"1.80\"\n", "rust-version = \"1.90\"\n"),
        (
            "Cargo.lock",
            "source = \"registry+https://github.com/a\"\n",
            "source = \"registry+https://example.org/a\"\n",
        ),
    ] {
        assert_eq!(check(path, before, after), "touches_configuration", "{before}");
    }
    let other = check(
        "Cargo.toml",
        "a = \"1.2\"\n[lints.rust]\nx = \"deny\"\n",
        "a = \"1.3\"\n[lints.rust]\nx = \"warn\"\n",
    );
    assert_eq!(other, "touches_configuration");
    assert_eq!(
        check("ruff.toml", "line-length = 80\n", "line-length = 90\n"),
        "touches_configuration"
    );
}

#[test]
fn a_repair_of_nothing_is_none() {
    let repair = Repair {
        class: FixClass::Lint,
        gate: "ruff",
        targets: &[],
        declared: &[],
        changes: &[],
        second_pass: &[],
        before: &good_before(),
        after: &good_before(),
    };
    assert_eq!(names(judge_repair(&repair)), "nothing");
}
