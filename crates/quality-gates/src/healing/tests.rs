use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::{BoxFuture, FutureExt};
use proptest::prelude::*;

use super::*;
use crate::{
    Circumstances, Coverage, Edit, Examination, Extent, Findings, Fix, Flakiness, FnGate, Folder,
    GateKind, GateReport, GateResult, Looker, Outcome, Policy, Position, QualityGateEngine, seal,
};
use evergen_artifact::{ArtifactPath, ProposedChange, ProposedChanges};

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

#[test]
fn a_repair_that_only_mends_is_taken() {
    let change = change("src/a.py", "import os\nx = 1\n", "x = 1\n");
    assert_eq!(verdict(change, &good_after(), &[]), "taken");
}

/// Ways to make a gate green that mend nothing: each is a test of its own.
macro_rules! weakenings {
    ($($name:ident: $path:literal, $before:literal => $after:literal, $refusal:literal;)*) => {
        $(#[test]
        fn $name() {
            let said = verdict(change($path, $before, $after), &good_after(), &[]);
            assert!(said.split(' ').any(|name| name == $refusal), "{said}");
        })*
    };
}

weakenings! {
    noqa: "src/a.py", "import os\n" => "import os  # NOQA\n", "suppression";
    noqa_of_one_rule: "src/a.py", "import os\n" => "import os  # noqa: F401\n", "suppression";
    noqa_for_a_whole_file: "src/a.py", "import os\n" => "# ruff: noqa\nimport os\n", "suppression";
    type_ignore: "src/a.py", "x: int = 's'\n" => "x: int = 's'  #type:ignore\n", "suppression";
    pylint_disable: "src/a.py", "f()\n" => "f()  # pylint: disable=all\n", "suppression";
    nosec: "src/a.py", "eval(x)\n" => "eval(x)  # nosec\n", "suppression";
    no_cover: "src/a.py", "f()\n" => "f()  # pragma: no cover\n", "suppression";
    fmt_off: "src/a.py", "x=1\n" => "# fmt: off\nx=1\n", "suppression";
    cast_to_any: "src/a.py", "x = f()\n" => "x = cast(Any, f())\n", "suppression";
    annotated_as_any: "src/a.py", "def f(x: int): ...\n" => "def f(x: Any): ...\n", "suppression";
    no_type_check: "src/a.py", "def f(): ...\n" => "@no_type_check\ndef f(): ...\n", "suppression";
    skipped_test_in_source: "src/a.py", "def check(): ...\n" => "@pytest.mark.skip\ndef check(): ...\n", "suppression";
    expected_failure: "src/a.py", "def check(): ...\n" => "@pytest.mark.xfail\ndef check(): ...\n", "suppression";
    allow_attribute: "src/a.rs", "fn f() {}\n" => "#[allow(dead_code)]\nfn f() {}\n", "suppression";
    allow_attribute_for_a_crate: "src/lib.rs", "fn f() {}\n" => "#![allow(warnings)]\nfn f() {}\n", "suppression";
    expect_attribute: "src/a.rs", "fn f() {}\n" => "#[expect(clippy::all)]\nfn f() {}\n", "suppression";
    allow_behind_a_condition: "src/a.rs", "fn f() {}\n" => "#[cfg_attr(all(), allow(unused))]\nfn f() {}\n", "suppression";
    rustfmt_skip: "src/a.rs", "fn f() {}\n" => "#[rustfmt::skip]\nfn f() {}\n", "suppression";
    ignored_test: "src/a.rs", "#[test]\nfn t() {}\n" => "#[test]\n#[ignore]\nfn t() {}\n", "suppression";
    test_that_should_panic: "src/a.rs", "#[test]\nfn t() {}\n" => "#[test]\n#[should_panic]\nfn t() {}\n", "suppression";
    code_behind_a_false_condition: "src/a.rs", "fn f() {}\n" => "#[cfg(any())]\nfn f() {}\n", "suppression";
    ts_ignore: "src/a.ts", "f()\n" => "// @ts-ignore\nf()\n", "suppression";
    ts_expect_error: "src/a.ts", "f()\n" => "// @ts-expect-error\nf()\n", "suppression";
    ts_nocheck: "src/a.ts", "f()\n" => "// @ts-nocheck\nf()\n", "suppression";
    as_any: "src/a.ts", "f(x)\n" => "f(x as any)\n", "suppression";
    as_unknown_as: "src/a.ts", "f(x)\n" => "f(x as unknown as T)\n", "suppression";
    eslint_disable: "src/a.ts", "f()\n" => "/* eslint-disable */\nf()\n", "suppression";
    biome_ignore: "src/a.ts", "f()\n" => "// biome-ignore lint: no\nf()\n", "suppression";
    skip_in_javascript: "src/a.ts", "it('a', f)\n" => "it.skip('a', f)\n", "suppression";
    only_one_test: "src/a.ts", "it('a', f)\n" => "it.only('a', f)\n", "suppression";
    nolint: "a.go", "f()\n" => "f() //nolint\n", "suppression";
    skip_in_go: "a.go", "func f() {}\n" => "func f() { t.Skip() }\n", "suppression";
    build_tag: "a.go", "package a\n" => "//go:build never\n\npackage a\n", "suppression";
    suppress_warnings: "A.java", "class A {}\n" => "@SuppressWarnings(\"all\")\nclass A {}\n", "suppression";
    nosemgrep: "src/a.py", "eval(x)\n" => "eval(x)  # nosemgrep\n", "suppression";
    said_to_be_generated: "a.go", "package a\n" => "// Code generated by x. DO NOT EDIT.\npackage a\n", "suppression";
    errors_swallowed_in_a_script: "a.sh", "f\n" => "f || true\n", "suppression";
    deleted_assertion: "src/a.py", "assert x\ny = 1\n" => "y = 1\n", "fewer_claims";
    deleted_test: "src/a.rs", "fn f() {}\n#[test]\nfn t() {}\n" => "fn f() {}\n", "fewer_claims";
    deleted_error: "src/a.py", "if x:\n    raise E\n" => "if x:\n    pass\n", "fewer_claims";
    emptied_file: "src/a.py", "import os\n" => "", "emptied";
    file_of_comments_only: "src/a.py", "import os\n" => "# nothing\n", "emptied";
    most_of_a_file_gone: "src/a.py", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n" => "a\nb\n", "emptied";
    commented_out: "src/a.py", "import os\nx = 1\n" => "# import os\nx = 1\n", "commented_out";
    commented_out_in_rust: "src/a.rs", "f();\ng();\n" => "// f();\ng();\n", "commented_out";
    changed_test: "tests/test_a.py", "x\n" => "y\n", "touches_test";
    changed_test_beside_the_source: "src/a.spec.ts", "x\n" => "y\n", "touches_test";
    changed_test_in_go: "a_test.go", "x\n" => "y\n", "touches_test";
    changed_snapshot: "src/snapshots/a.snap", "x\n" => "y\n", "touches_test";
    lower_threshold: "evergen.toml", "test_coverage_min = 80\n" => "test_coverage_min = 10\n", "touches_policy";
    new_waiver: "evergen.waivers.toml", "a\n" => "b\n", "touches_policy";
    larger_baseline: "evergen.baseline.json", "{}\n" => "[]\n", "touches_policy";
    excluded_path: "pyproject.toml", "exclude = []\n" => "exclude = ['src']\n", "touches_configuration";
    ignored_rule: "ruff.toml", "ignore = []\n" => "ignore = ['F401']\n", "touches_configuration";
    ignored_file: ".eslintignore", "a\n" => "src\n", "touches_configuration";
    gitignored: ".gitignore", "a\n" => "src\n", "touches_configuration";
    looser_compiler: "tsconfig.json", "{\"strict\":true}\n" => "{\"strict\":false}\n", "touches_configuration";
    looser_lints: "Cargo.toml", "[lints]\n" => "[lins]\n", "touches_configuration";
    coverage_left_out: ".coveragerc", "a\n" => "omit = *\n", "touches_configuration";
    conftest: "conftest.py", "a\n" => "collect_ignore = ['a']\n", "touches_test";
    script_of_a_package: "package.json", "{}\n" => "{\"scripts\":{}}\n", "touches_configuration";
    changed_pipeline: ".github/workflows/ci.yml", "a\n" => "b\n", "touches_configuration";
    build_script: "build.rs", "fn main() {}\n" => "fn main() { p(); }\n", "touches_configuration";
    mypy_for_a_file: "src/a.py", "f()\n" => "# mypy: ignore-errors\nf()\n", "suppression";
    pyright_ignore: "src/a.py", "f()\n" => "f()  # pyright: ignore\n", "suppression";
    pyright_off: "src/a.py", "f()\n" => "# pyright: standard\nf()\n", "suppression";
    ty_ignore: "src/a.py", "f()\n" => "f()  # ty: ignore[x]\n", "suppression";
    doctest_skip: "src/a.py", ">>> f()\n" => ">>> f()  # doctest: +SKIP\n", "suppression";
    not_a_test_class: "src/a.py", "class A: ...\n" => "class A:\n    __test__ = False\n", "suppression";
    unittest_skip: "src/a.py", "def check(): ...\n" => "@unittest.skip('a')\ndef check(): ...\n", "suppression";
    skipped_by_name: "src/a.py", "def check(): ...\n" => "@getattr(pytest.mark, 'skip')\ndef check(): ...\n", "suppression";
    skip_from_within: "src/a.py", "def check(self): f()\n" => "def check(self): self.skipTest('a')\n", "suppression";
    collected_no_more: "src/a.py", "def test_a(): ...\n" => "def check_a(): ...\n", "fewer_claims";
    options_by_environment: "src/a.py", "import os\n" => "import os\nos.environ['PYTEST_ADDOPTS'] = '-k none'\n", "suppression";
    warnings_ignored: "src/a.py", "import warnings\n" => "import warnings\nwarnings.simplefilter('ignore')\n", "suppression";
    left_with_success: "src/a.py", "f()\n" => "f()\nsys.exit(0)\n", "suppression";
    false_condition: "src/a.py", "assert f()\n" => "if False:\n    assert f()\n", "suppression";
    zero_condition: "src/a.py", "assert f()\n" => "if 0:\n    assert f()\n", "suppression";
    false_condition_in_javascript: "src/a.ts", "f();\n" => "if (false) { f(); }\n", "suppression";
    claim_of_nothing: "src/a.py", "assert f() == 1\n" => "assert True\n", "suppression";
    looser_claim: "src/a.py", "assert f() == 1\n" => "assert f()\n", "changed_claim";
    other_claim: "src/a.rs", "assert_eq!(f(), 1);\n" => "assert_eq!(f(), 2);\n", "changed_claim";
    looser_claim_in_javascript: "src/a.ts", "expect(f()).toBe(1);\n" => "expect(f()).toBeDefined();\n", "changed_claim";
    claim_of_debug_builds_only: "src/a.rs", "assert_eq!(f(), 1);\n" => "debug_assert_eq!(f(), 1);\n", "suppression";
    return_before_the_claim: "src/a.py", "f()\nassert g()\n" => "f()\nreturn\nassert g()\n", "suppression";
    swallowed_exception: "src/a.py", "f()\n" => "try:\n    f()\nexcept Exception: pass\n", "suppression";
    suppressed_exception: "src/a.py", "f()\n" => "with contextlib.suppress(E):\n    f()\n", "suppression";
    swallowed_in_javascript: "src/a.ts", "f()\n" => "try { f() } catch {}\n", "suppression";
    exported_to_be_used: "src/a.py", "import os\n" => "import os\n__all__ = ['os']\nimport os as os\n", "suppression";
    aliased_to_itself: "src/a.py", "from a import b\n" => "from a import b as b\n", "suppression";
    renamed_to_unused: "src/a.rs", "let value = f();\n" => "let _value = f();\n", "suppression";
    assigned_to_nobody: "a.go", "x := f()\n" => "x := f()\n_ = x\n", "suppression";
    result_dropped: "src/a.rs", "f();\n" => "let _ = f();\n", "suppression";
    untyped_signature: "src/a.py", "def f(x: int) -> int:\n    return x\n" => "def f(x):\n    return x\n", "suppression";
    no_null_by_decree: "src/a.ts", "f(x.y)\n" => "f(x!.y)\n", "suppression";
    as_unknown: "src/a.ts", "f(x)\n" => "f(x as unknown)\n", "suppression";
    behind_a_feature: "src/a.rs", "fn f() {}\n" => "#[cfg(feature = \"none\")]\nfn f() {}\n", "suppression";
    allow_for_a_crate_by_condition: "src/lib.rs", "fn f() {}\n" => "#![cfg_attr(all(), allow(dead_code))]\nfn f() {}\n", "suppression";
    said_to_be_derived: "src/a.rs", "impl A {}\n" => "#[automatically_derived]\nimpl A {}\n", "suppression";
    denial_taken_back: "src/lib.rs", "#![deny(warnings)]\nfn f() {}\n" => "fn f() {}\n", "fewer_claims";
    denial_to_warning: "src/lib.rs", "#![deny(warnings)]\nfn f() {}\n" => "#![warn(warnings)]\nfn f() {}\n", "suppression";
    must_use_taken_back: "src/a.rs", "#[must_use]\nfn f() {}\n" => "fn f() {}\n", "fewer_claims";
    module_left_out: "src/lib.rs", "mod a;\nmod b;\n" => "mod b;\n", "suppression";
    elsewhere_by_include: "src/a.rs", "fn f() {}\n" => "include!(\"b.txt\");\nfn f() {}\n", "suppression";
    eslint_in_another_way: "src/a.js", "f()\n" => "/* eslint no-undef: 0 */\nf()\n", "suppression";
    skip_by_brackets: "src/a.ts", "it('a', f)\n" => "it['skip']('a', f)\n", "suppression";
    coverage_of_node: "src/a.js", "f()\n" => "/* node:coverage disable */\nf()\n", "suppression";
    go_test_in_small_letters: "a.go", "func TestA(t *testing.T) {}\n" => "func testA(t *testing.T) {}\n", "suppression";
    go_skip_with_words: "a.go", "f()\n" => "t.Skipf(\"a\")\n", "suppression";
    old_build_tag: "a.go", "package a\n" => "// +build never\n\npackage a\n", "suppression";
    escaped_annotation: "A.java", "class A {}\n" => "\\u0040SuppressWarnings(\"all\")\nclass A {}\n", "suppression";
    base_of_the_compiler_settings: "tsconfig.base.json", "{}\n" => "{\"a\":1}\n", "touches_configuration";
    tox: "tox.ini", "a\n" => "b\n", "touches_configuration";
    more_requirements: "requirements-dev.txt", "a==1.0\n" => "b==1.0\n", "touches_configuration";
    pylintrc_without_a_dot: "pylintrc", "a\n" => "b\n", "touches_configuration";
    workspace_of_vitest: "vitest.workspace.ts", "a\n" => "b\n", "touches_configuration";
    karma: "karma.conf.js", "a\n" => "b\n", "touches_configuration";
    properties_of_msbuild: "Directory.Build.props", "a\n" => "b\n", "touches_configuration";
    environment_file: "prod.env", "a\n" => "b\n", "touches_configuration";
    other_configuration: "vite.config.ts", "a\n" => "b\n", "touches_configuration";
}

#[test]
fn other_layout_is_no_weakening() {
    let fine = [
        (
            "src/a.py",
            "assert f(1,2)==3, 'no'\n",
            "assert f(\n    1,\n    2,\n) == 3, (\n    \"no\"\n)\n",
        ),
        ("src/a.rs", "fn f(){assert_eq!(g(1),2,)}\n", "fn f() {\n    assert_eq!(g(1), 2)\n}\n"),
        ("src/a.ts", "expect(f( 1 )).toBe(2)\n", "expect(f(1)).toBe(2);\n"),
        (
            "src/a.py",
            "def f( x:int )->int:\n    return x\n",
            "def f(x: int) -> int:\n    return x\n",
        ),
        ("src/a.go", "package a\nfunc  F( ) { }\n", "package a\n\nfunc F() {}\n"),
        ("src/a.rs", "mod a ;\nuse b::c ;\n", "mod a;\nuse b::c;\n"),
    ];
    for (path, before, after) in fine {
        assert_eq!(verdict(change(path, before, after), &good_after(), &[]), "taken", "{before}");
    }
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
        assert_eq!(check("pyproject.toml", before, after), "touches_configuration", "{before}");
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

/// A judge that finds each `bad` and proposes to put `good` there; `worse` is found by another
/// gate.
struct Words;

impl Judge for Words {
    fn judge<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, GateReport> {
        async move {
            let files = subject.files().unwrap();
            let find = |word: &str, put: &str| {
                let mut findings = Vec::new();
                for file in files {
                    let text = file.text().unwrap().unwrap();
                    for (line, text) in text.lines().enumerate() {
                        for (at, _) in text.match_indices(word) {
                            let line = u32::try_from(line + 1).unwrap();
                            let at = u32::try_from(text[..at].chars().count() + 1).unwrap();
                            let long = u32::try_from(word.len()).unwrap();
                            let (start, end) =
                                (Position::new(line, at), Position::new(line, at + long));
                            let edit = Edit::new(file.path(), start, end, put);
                            findings.push(
                                Finding::warning(word, "a word")
                                    .in_file(file.path())
                                    .at(Region::between(start, end))
                                    .with_fix(Fix::new("put", word != "unsafe", vec![edit])),
                            );
                        }
                    }
                }
                seal(&mut findings, subject);
                Outcome::of(findings, Coverage::of_files(files.len() as u64))
            };
            let gate = |name: &str, outcome| GateResult::new(name, GateKind::Custom, outcome, 1);
            GateReport::new(vec![
                gate("bad", find("bad", "good")),
                gate("trap", find("trap", "worse")),
                gate("worse", find("worse", "")),
                gate("ping", find("ping", "pong")),
                gate("pong", find("pong", "ping")),
                gate("unsafe", find("unsafe", "fine")),
                gate("silent", find("silent", "noqa")),
            ])
        }
        .boxed()
    }
}

async fn heal_text(text: &str, options: HealOptions) -> (String, HealReport) {
    let subject = Subject::of_files([("src/a.txt", text.as_bytes())]);
    let healers: Vec<Box<dyn Healer>> =
        vec![Box::new(FindingFixes::safe()), Box::new(FindingFixes::all())];
    let report = heal(&subject, &Words, &healers, options).await;
    let healed = report
        .files
        .first()
        .map_or(text.to_owned(), |(_, bytes)| String::from_utf8(bytes.to_vec()).unwrap());
    (healed, report)
}

#[tokio::test]
async fn what_can_be_mended_is_and_has_a_receipt() {
    let (healed, report) = heal_text("one bad\ntwo\nbad three\n", HealOptions::default()).await;
    assert_eq!(healed, "one good\ntwo\ngood three\n");
    assert_eq!(report.stopped, Stop::Done);
    assert!(report.after.overall_passed && !report.before.overall_passed);
    let diff = "--- a/src/a.txt\n+++ b/src/a.txt\n@@ -1,3 +1,3 @@\n-one bad\n+one good\n two\n\
                -bad three\n+good three\n";
    assert_eq!(report.receipts[0].diff, diff);
    assert_eq!((report.receipts.len(), report.receipts[0].healed.len()), (1, 2));
}

#[tokio::test]
async fn healing_twice_is_healing_once() {
    let (once, _) = heal_text("bad\ntrap\nsilent\nunsafe\n", HealOptions::default()).await;
    let (twice, report) = heal_text(&once, HealOptions::default()).await;
    assert_eq!(once, twice);
    assert!(report.receipts.is_empty());
}

#[tokio::test]
async fn a_fix_that_breaks_or_silences_is_refused_and_others_go_on() {
    let (healed, report) = heal_text("trap\nbad\nsilent\n", HealOptions::default()).await;
    assert_eq!(healed, "trap\ngood\nsilent\n");
    let refused: Vec<String> = report
        .refused
        .iter()
        .map(|it| format!("{}: {}", it.rule, names(Err(it.refusals.clone()))))
        .collect();
    assert_eq!(refused, ["silent: suppression", "trap: new_finding worse"]);
    assert_eq!(report.stopped, Stop::NoProgress);
}

#[tokio::test]
async fn unsafe_fixes_are_a_choice() {
    let (healed, _) = heal_text("unsafe\n", HealOptions::default()).await;
    assert_eq!(healed, "unsafe\n");
    let (healed, report) = heal_text("unsafe\n", HealOptions::default().with_unsafe()).await;
    assert_eq!(healed, "fine\n");
    assert!(!report.receipts[0].safe);
}

#[tokio::test]
async fn fixes_that_overlap_wait_for_the_next_round() {
    let (healed, report) = heal_text("badbad bad\n", HealOptions::default()).await;
    assert_eq!(healed, "goodgood good\n");
    assert_eq!((report.receipts.len(), report.stopped), (2, Stop::Done));
}

#[tokio::test]
async fn rounds_are_counted() {
    let (healed, report) = heal_text("badbad\n", HealOptions::default().with_rounds(1)).await;
    assert_eq!((healed.as_str(), report.stopped), ("goodbad\n", Stop::Rounds));
    assert_eq!(HealOptions::default().with_rounds(9).rounds, 3, "three at most");
}

/// A healer that turns between two texts, with a judge that lets it.
struct Pendulum(HealerInfo, AtomicU32);

impl Healer for Pendulum {
    fn info(&self) -> &HealerInfo {
        &self.0
    }

    fn heals(&self, _: &str, _: &Finding) -> bool {
        true
    }

    fn propose<'a>(
        &'a self,
        subject: &'a Subject,
        findings: &'a [Finding],
    ) -> BoxFuture<'a, Result<Proposal, Fault>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        async move {
            let text = subject.get("src/a.txt")?.unwrap().text()?.unwrap();
            // It behaves when it is looked at a second time.
            let is_second = findings.iter().all(|it| it.fix.is_none());
            let next = match (is_second, text.as_str()) {
                (true, text) => text.to_owned(),
                (false, "left\n") => "right\n".to_owned(),
                (false, _) => "left\n".to_owned(),
            };
            let heals = findings.iter().take(1).map(|it| it.fingerprint.clone()).collect();
            let file = "src/a.txt".to_owned();
            let files = vec![(file.clone(), Arc::from(next.into_bytes()))];
            Ok(Proposal::new(files, vec![Declared::File(file)], heals))
        }
        .boxed()
    }
}

/// A judge that finds less each time, whatever it is shown.
struct Lenient(AtomicU32);

impl Judge for Lenient {
    fn judge<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, GateReport> {
        let calls = self.0.fetch_add(1, Ordering::Relaxed);
        async move {
            let edit = Edit::new("src/a.txt", Position::new(1, 1), Position::new(1, 1), "");
            let fix = Fix::new("turn", true, vec![edit]);
            let finding = Finding::warning("a", "b").in_file("src/a.txt").with_fix(fix);
            let mut findings = vec![finding; 9 - calls as usize];
            seal(&mut findings, subject);
            let outcome = Outcome::of(findings, Coverage::of_files(1));
            GateReport::new(vec![GateResult::new("g", GateKind::Custom, outcome, 1)])
        }
        .boxed()
    }
}

async fn swing(scope: Scope) -> HealReport {
    let subject = Subject::of_files([("src/a.txt", b"left\n".to_vec())]);
    let info = HealerInfo::new("pendulum", FixClass::Format).with_scope(scope);
    let healers: Vec<Box<dyn Healer>> = vec![Box::new(Pendulum(info, AtomicU32::new(0)))];
    let judge = Lenient(AtomicU32::new(0));
    heal(&subject, &judge, &healers, HealOptions::default()).await
}

#[tokio::test]
async fn a_healer_that_goes_round_in_circles_is_stopped() {
    let report = swing(Scope::all()).await;
    assert_eq!((report.receipts.len(), report.stopped), (1, Stop::Repeated));
    assert_eq!(&*report.files[0].1, b"right\n");
}

#[tokio::test]
async fn a_healer_is_held_to_its_scope() {
    let report = swing(Scope::extensions(["py"])).await;
    assert!(report.files.is_empty());
    assert_eq!(names(Err(report.refused[0].refusals.clone())), "foreign");
}

#[tokio::test]
async fn files_that_did_not_change_are_not_mended() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("old.txt"), "bad\n").unwrap();
    let path = ArtifactPath::parse("new.txt").unwrap();
    let changes = ProposedChanges::new(vec![ProposedChange::write(path, "g", *b"bad\n", false)]);
    let subject = Subject::of_changes_over(Folder::new(folder.path()), "", &changes);
    let healers: Vec<Box<dyn Healer>> = vec![Box::new(FindingFixes::safe())];
    let report = heal(&subject, &Words, &healers, HealOptions::default()).await;
    let paths: Vec<&str> = report.files.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["new.txt"]);
    assert_eq!((report.refused.len(), report.stopped), (0, Stop::Done));
}

#[tokio::test]
async fn the_engine_heals_what_its_gates_find() {
    let gate = FnGate::new("tabs", |examination: &Examination| {
        let mut findings = Vec::new();
        for file in examination.files() {
            let text = file.text().unwrap().unwrap();
            if let Some(line) = text.lines().position(|line| line.starts_with('\t')) {
                let line = u32::try_from(line + 1).unwrap();
                let (start, end) = (Position::new(line, 1), Position::new(line, 2));
                let edit = Edit::new(file.path(), start, end, "    ");
                let finding = Finding::error("tab", "a tab").in_file(file.path()).at_line(line);
                findings.push(finding.with_fix(Fix::new("use blanks", true, vec![edit])));
            }
        }
        Outcome::of(findings, Coverage::of_files(examination.files().len() as u64))
    });
    let engine = QualityGateEngine::new(Policy::default()).with_gate(gate);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.py"), "if x:\n\ty()\n").unwrap();
    let subject = Subject::of_folder(Folder::new(folder.path())).unwrap();
    let healers: Vec<Box<dyn Healer>> = vec![Box::new(FindingFixes::safe())];
    let today = Circumstances::new(jiff::civil::date(2026, 11, 28), Extent::Whole);
    let report = engine.auto_heal(&subject, &healers, today, HealOptions::default()).await;
    assert_eq!(&*report.files[0].1, b"if x:\n    y()\n");
    assert!(report.after.overall_passed);
    assert_eq!(std::fs::read(folder.path().join("a.py")).unwrap(), b"if x:\n\ty()\n");
}

proptest! {
    #[test]
    fn healing_ends_and_never_makes_it_worse(
        words in proptest::collection::vec(
            proptest::sample::select(vec!["bad", "trap", "ping", "silent", "unsafe", "ok", "\n"]), 0..12),
        allow: bool,
    ) {
        let text = words.join(" ") + "\n";
        let options = if allow { HealOptions::default().with_unsafe() } else { HealOptions::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (_, report) = runtime.block_on(heal_text(&text, options));
        let count = |report: &GateReport| {
            report.gates.iter().map(|gate| gate.outcome.findings().len()).sum::<usize>()
        };
        prop_assert!(count(&report.after) <= count(&report.before));
        prop_assert!(report.after.overall_score >= report.before.overall_score);
        prop_assert_eq!(report.receipts.is_empty(), report.files.is_empty());
    }
}
