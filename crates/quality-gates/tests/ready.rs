//! The ready adapters and the gates of the syntax crate, with real tools and seeded defects.
//!
//! Tools are taken from `target/tools`, where `cargo xtask setup` puts them, and from the search
//! path. A tool that is not there skips its tests.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::path::Path;

use evergen_quality_gates::adapters::{self, ReadyAdapter};
use evergen_quality_gates::{
    AdapterGate, Circumstances, Examination, Expected, Extent, Fault, Gate, GateKind, ImportGate,
    Outcome, Policy, QualityGateEngine, Subject, SyntaxGate, ToolAdapter,
};

fn search_path() -> OsString {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    let tools = tools.canonicalize().unwrap_or(tools);
    let mut folders = vec![tools.join("python/bin"), tools.join("node_modules/.bin")];
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    env::join_paths(folders).unwrap()
}

fn subject(files: &[(&str, &str)]) -> Subject {
    Subject::of_files(files.iter().map(|(path, text)| (*path, text.as_bytes())))
}

async fn ask(gate: &impl Gate, files: &[(&str, &str)]) -> Outcome {
    let subject = subject(files);
    gate.examine(Examination::of(&subject, gate.info()).unwrap()).await
}

/// What the gate of a tool says; nothing where the tool is not there.
async fn judge(adapter: ReadyAdapter, files: &[(&str, &str)]) -> Option<Outcome> {
    let name = adapter.info().name.clone();
    let gate = AdapterGate::new(adapter).with_search_path(search_path());
    let outcome = ask(&gate, files).await;
    if let Outcome::Error(Fault::ToolMissing { install, .. }) = &outcome {
        println!("skipped: {name} is not there. {install}");
        return None;
    }
    Some(outcome)
}

fn rules(outcome: &Outcome) -> BTreeSet<String> {
    assert!(!matches!(outcome, Outcome::Error(_)), "{outcome:?}");
    outcome.findings().iter().map(|finding| finding.rule.clone()).collect()
}

/// Each defect is a text and the rule that must name it; all are judged in one batch.
async fn finds(adapter: ReadyAdapter, ending: &str, defects: &[(&str, &str)]) {
    let name = adapter.info().name.clone();
    let paths: Vec<String> =
        (0..defects.len()).map(|index| format!("defect_{index}.{ending}")).collect();
    let files: Vec<(&str, &str)> =
        paths.iter().map(String::as_str).zip(defects.iter().map(|(text, _)| *text)).collect();
    let Some(outcome) = judge(adapter, &files).await else { return };
    assert!(!matches!(outcome, Outcome::Error(_)), "{name}: {outcome:?}");
    for (path, (text, rule)) in paths.iter().zip(defects) {
        let in_file = || outcome.findings().iter().filter(|one| one.file.as_deref() == Some(path));
        assert!(
            in_file().any(|finding| finding.rule.contains(rule)),
            "{name} does not find {rule} in {text:?}: {:?}",
            in_file().map(ToString::to_string).collect::<Vec<_>>()
        );
    }
}

/// Both canaries as the gate's own subject: red fails, green passes and says what was looked at.
async fn proves_itself(adapter: ReadyAdapter) {
    let name = adapter.info().name.clone();
    for canary in adapter.canaries() {
        let files: Vec<(&str, &str)> =
            canary.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let Some(outcome) = judge(adapter.clone(), &files).await else { return };
        match (&canary.expected, &outcome) {
            (Expected::Red { .. }, Outcome::Fail(_)) => {}
            (Expected::Green, Outcome::Pass(coverage)) => {
                assert!(coverage.files > 0 || coverage.tests > 0, "{name}");
                assert_eq!(coverage.tests > 0, adapter.info().kind == GateKind::Tests, "{name}");
                assert!(!coverage.by.is_empty(), "{name}");
            }
            _ => panic!("{name}: {:?} gave {outcome:?}", canary.expected),
        }
    }
}

#[test]
fn names_are_distinct_and_scopes_hold() {
    let all = adapters::ready_adapters();
    let names: BTreeSet<&str> = all.iter().map(|one| one.info().name.as_str()).collect();
    assert_eq!(names.len(), all.len());
    let reads = |adapter: &ReadyAdapter, path: &str| adapter.info().scope.reads(path);
    assert!(reads(&adapters::ruff_check(), "sub/pyproject.toml"));
    assert!(reads(&adapters::clippy(), "Cargo.toml"));
    assert!(reads(&adapters::tsc(), "tsconfig.json"));
    assert!(reads(&adapters::go_vet(), "go.mod"));
    assert!(adapters::cargo_deny().info().scope.judges("Cargo.toml"));
}

/// Settings that decide, wherever they lie: another content of them makes old verdicts worthless.
#[test]
fn what_decides_is_read() {
    let all = adapters::ready_adapters();
    for (gates, paths) in [
        (
            &["rustfmt", "clippy", "cargo check", "cargo test", "cargo llvm-cov", "cargo deny"][..],
            "Cargo.toml a/Cargo.toml Cargo.lock a/Cargo.lock a/rust-toolchain \
             a/rust-toolchain.toml a/.cargo/config.toml a/clippy.toml a/rustfmt.toml deny.toml \
             a/deny.toml a/.deny.toml",
        ),
        (&["tsc"], "tsconfig.json a/base.json a/tsconfig.app.json package.json a/data.json a/b.js"),
        (
            &["vitest"],
            "vitest.config.ts a/vite.config.mts a/vitest.workspace.ts package.json a/b.test.ts",
        ),
        (&["biome", "biome format"], "biome.json a/biome.jsonc"),
        (
            &["pytest"],
            "pytest.ini a/.pytest.ini tox.ini a/pytest.toml .pytest.toml a/setup.cfg \
             pyproject.toml conftest.py test_a.py",
        ),
        (&["mypy"], "mypy.ini .mypy.ini setup.cfg pyproject.toml"),
        (&["go vet"], "go.mod a/go.mod a/go.sum go.work go.work.sum vendor/modules.txt"),
        (&["semgrep"], ".semgrep.yml"),
    ] {
        let of_these = |one: &&ReadyAdapter| gates.contains(&one.info().name.as_str());
        let found: Vec<&ReadyAdapter> = all.iter().filter(of_these).collect();
        assert_eq!(found.len(), gates.len(), "{gates:?}");
        for (one, path) in found.iter().flat_map(|one| paths.split(' ').map(move |it| (one, it))) {
            let scope = &one.info().scope;
            assert!(scope.reads(path) || scope.judges(path), "{}: {path}", one.info().name);
        }
    }
}

#[tokio::test]
async fn rustfmt_proves_itself() {
    proves_itself(adapters::rustfmt()).await;
}

#[tokio::test]
async fn cargo_check_proves_itself() {
    proves_itself(adapters::cargo_check()).await;
}

#[tokio::test]
async fn clippy_proves_itself() {
    proves_itself(adapters::clippy()).await;
}

#[tokio::test]
async fn cargo_test_proves_itself() {
    proves_itself(adapters::cargo_test()).await;
}

#[tokio::test]
async fn cargo_deny_proves_itself() {
    proves_itself(adapters::cargo_deny()).await;
}

#[tokio::test]
async fn ruff_proves_itself() {
    proves_itself(adapters::ruff_check()).await;
    proves_itself(adapters::ruff_format()).await;
}

#[tokio::test]
async fn black_proves_itself() {
    proves_itself(adapters::black()).await;
}

#[tokio::test]
async fn mypy_proves_itself() {
    proves_itself(adapters::mypy()).await;
}

#[tokio::test]
async fn bandit_proves_itself() {
    proves_itself(adapters::bandit()).await;
}

#[tokio::test]
async fn pytest_proves_itself() {
    proves_itself(adapters::pytest()).await;
}

#[tokio::test]
async fn tsc_proves_itself() {
    proves_itself(adapters::tsc()).await;
}

#[tokio::test]
async fn tsc_takes_the_projects_settings_and_none_that_loosen_it() {
    let alias = "{\"compilerOptions\": {\"module\": \"esnext\", \"moduleResolution\": \"bundler\", \
                 \"paths\": {\"@/*\": [\"./src/*\"]}, \"noUncheckedIndexedAccess\": true, \
                 \"strict\": false, \"strictNullChecks\": false, \"noCheck\": true}, \
                 \"include\": [\"elsewhere\"]}\n";
    let files = [
        ("web/tsconfig.json", alias),
        ("web/src/a.ts", "export const a: string[] = [];\n"),
        ("web/src/b.ts", "import { a } from \"@/a\";\nexport const b: string = a[0];\n"),
        ("web/src/c.ts", "export const c: string = null;\n"),
        ("alone.ts", "export const d: number = 1;\n"),
    ];
    let Some(outcome) = judge(adapters::tsc(), &files).await else { return };
    let said: Vec<(&str, &str)> = outcome
        .findings()
        .iter()
        .map(|finding| (finding.file.as_deref().unwrap_or_default(), finding.rule.as_str()))
        .collect();
    // The import is found by the project's paths; what it asks besides counts; what it takes back
    // does not.
    assert_eq!(said, [("web/src/b.ts", "TS2322"), ("web/src/c.ts", "TS2322")], "{outcome:?}");
    assert_eq!(outcome.coverage().unwrap().files, 4);
}

#[tokio::test]
async fn biome_proves_itself() {
    proves_itself(adapters::biome()).await;
}

#[tokio::test]
async fn vitest_proves_itself() {
    proves_itself(adapters::vitest()).await;
}

#[tokio::test]
async fn gofmt_proves_itself() {
    proves_itself(adapters::gofmt()).await;
}

#[tokio::test]
async fn go_vet_proves_itself() {
    proves_itself(adapters::go_vet()).await;
}

#[tokio::test]
async fn defects_of_python_are_found() {
    finds(
        adapters::ruff_check(),
        "py",
        &[
            ("import os\n", "F401"),
            ("print(undefined)\n", "F821"),
            ("def f():\n    x = 1\n", "F841"),
            ("x = 1 if 1 is 1 else 2\n", "F632"),
            ("print('{} {}'.format(1))\n", "F524"),
            ("try:\n    pass\nexcept:\n    pass\n", "E722"),
            ("x = {1: 2, 1: 3}\n", "F601"),
            ("raise NotImplemented\n", "F901"),
            ("def f(:\n", "syntax"),
            ("assert (1, 'always')\n", "F631"),
        ],
    )
    .await;
    finds(
        adapters::mypy(),
        "py",
        &[
            ("x: int = 'a'\n", "assignment"),
            ("def f() -> int:\n    return 'a'\n", "return-value"),
            ("def f(x: int) -> None: ...\nf('a')\n", "arg-type"),
            ("def f(x: int) -> None: ...\nf()\n", "call-arg"),
            ("'a'.nothing()\n", "attr-defined"),
            ("import nothing_of_this_name\n", "import-not-found"),
            ("print(undefined)\n", "name-defined"),
            ("x = 1 + 'a'\n", "operator"),
            ("from typing import Optional\ndef f(x: Optional[str]) -> int:\n    return x.count('a')\n", "union-attr"),
            ("def f() -> int:\n    pass\n", "empty-body"),
        ],
    )
    .await;
    finds(
        adapters::bandit(),
        "py",
        &[
            ("exec(input())\n", "B102"),
            ("import subprocess\nsubprocess.call('ls', shell=True)\n", "B602"),
            ("import pickle\npickle.loads(b'')\n", "B301"),
            ("password = 'secret'\n", "B105"),
            ("import hashlib\nhashlib.md5(b'')\n", "B324"),
            ("import yaml\nyaml.load('')\n", "B506"),
            ("open('/tmp/x', 'w')\n", "B108"),
            ("import random\nrandom.random()\n", "B311"),
            ("assert True\n", "B101"),
            ("eval('1')\n", "B307"),
        ],
    )
    .await;
}

#[tokio::test]
async fn defects_of_typescript_are_found() {
    finds(
        adapters::tsc(),
        "ts",
        &[
            ("export const x: string = 1;\n", "TS2322"),
            ("export function f(x: number) { return x; }\nf(\"a\");\n", "TS2345"),
            ("export const a = missing;\n", "TS2304"),
            ("import { x } from \"./nothing.js\";\nexport const y = x;\n", "TS2307"),
            ("export const n = { a: 1 }.b;\n", "TS2339"),
            ("export function f(x): number { return x; }\n", "TS7006"),
            ("export function f(x?: string) { return x.length; }\n", "TS18048"),
            ("export const c = 1;\nc = 2;\n", "TS2588"),
            ("export interface A { a: number }\nexport const x: A = {};\n", "TS2741"),
            ("export function f(): number {}\n", "TS2355"),
        ],
    )
    .await;
    finds(
        adapters::biome(),
        "ts",
        &[
            ("export const x = 1;\ndebugger;\n", "noDebugger"),
            ("export const x = (a: number) => a == 1;\n", "noDoubleEquals"),
            ("export const x = (a: string) => eval(a);\n", "noGlobalEval"),
            ("export const x: any = 1;\n", "noExplicitAny"),
            ("const unused = 1;\nexport {};\n", "noUnusedVariables"),
            ("export const x = Number.NaN === 1;\nexport const y = x === NaN;\n", "useIsNan"),
            ("export const f = (a: number) => { if (a) { return 1; a = 2; } };\n", "noUnreachable"),
            ("export const x = { a: 1, a: 2 };\n", "noDuplicateObjectKeys"),
            ("export const f = (a: number) => { a = a; };\n", "noSelfAssign"),
            (
                "export let x = 1;\nswitch (x) { case 1: x = 2; break; case 1: x = 3; break; }\n",
                "noDuplicateCase",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn defects_of_rust_are_found() {
    let manifest =
        "[package]\nname = \"defects\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n";
    let lints = [
        ("pub fn a(x: u32) -> bool { x == x }\n", "clippy::eq_op"),
        ("pub fn b(x: &Vec<u8>) -> usize { x.len() }\n", "clippy::ptr_arg"),
        ("pub fn c(x: u8) -> u8 { return x; }\n", "clippy::needless_return"),
        (
            "pub fn d(x: Option<u8>) -> u8 { if x.is_some() { x.unwrap() } else { 0 } }\n",
            "clippy::unnecessary_unwrap",
        ),
        ("pub fn e(x: &[u8]) -> bool { x.len() == 0 }\n", "clippy::len_zero"),
        ("fn dead() {}\n", "dead_code"),
        ("pub fn f() { let unused = 1; }\n", "unused_variables"),
        ("pub fn g(x: u8) -> u8 { x.clone() }\n", "clippy::clone_on_copy"),
        ("pub fn h(x: bool) -> bool { x == true }\n", "clippy::bool_comparison"),
        ("pub fn i() { loop { break; } }\n", "clippy::never_loop"),
    ];
    let text: String = lints.iter().map(|(text, _)| *text).collect();
    if let Some(outcome) =
        judge(adapters::clippy(), &[("src/lib.rs", &text), ("Cargo.toml", manifest)]).await
    {
        let found = rules(&outcome);
        for (text, rule) in lints {
            assert!(found.contains(rule), "{rule} of {text:?} in {found:?}");
        }
    }
    let errors = [
        ("pub fn a() -> u8 { \"a\" }\n", "E0308"),
        ("pub fn b() { missing(); }\n", "E0425"),
        ("use crate::none;\n", "E0432"),
    ];
    for (text, rule) in errors {
        let outcome =
            judge(adapters::cargo_check(), &[("src/lib.rs", text), ("Cargo.toml", manifest)]).await;
        assert!(outcome.is_none_or(|outcome| rules(&outcome).contains(rule)), "{text}");
    }
}

#[tokio::test]
async fn no_test_is_no_pass() {
    let manifest =
        "[package]\nname = \"none\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[workspace]\n";
    let none: [(ReadyAdapter, &[(&str, &str)]); 3] = [
        (adapters::pytest(), &[("a.py", "x = 1\n")]),
        (adapters::cargo_test(), &[("src/lib.rs", "pub fn f() {}\n"), ("Cargo.toml", manifest)]),
        (adapters::vitest(), &[("a.js", "export const x = 1;\n")]),
    ];
    for (adapter, files) in none {
        let name = adapter.info().name.clone();
        let Some(outcome) = judge(adapter, files).await else { continue };
        assert!(matches!(outcome, Outcome::Error(_)), "{name}: {outcome:?}");
    }
}

#[tokio::test]
async fn bandit_does_not_pass_what_it_could_not_parse() {
    let files = [("a.py", "x = 1\n"), ("b.py", "def f(:\n")];
    let Some(outcome) = judge(adapters::bandit(), &files).await else { return };
    let Outcome::Error(Fault::Partial { looked, asked, .. }) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((looked, asked), (1, 2));
}

#[tokio::test]
async fn coverage_of_pytest_is_measured() {
    let files = [
        ("a.py", "def f(x):\n    if x:\n        return 1\n    return 2\n"),
        ("test_a.py", "from a import f\n\n\ndef test_f():\n    assert f(True) == 1\n"),
    ];
    let Some(outcome) = judge(adapters::pytest(), &files).await else { return };
    let coverage = outcome.coverage().unwrap();
    let percent = coverage.measures.get("line_coverage_percent").copied().unwrap();
    assert!(coverage.tests == 1 && percent > 50.0 && percent < 100.0, "{coverage:?}");
}

#[tokio::test]
async fn the_syntax_gate_names_the_place_and_its_judges() {
    let files = [
        ("a.rs", "fn f() {}\n"),
        ("b.py", "def f():\nreturn 1\n"),
        ("c.go", "package c\n"),
        ("notes.txt", "((("),
        ("tsconfig.json", "{ /* comment */ }"),
    ];
    let outcome = ask(&SyntaxGate::new(), &files).await;
    let said: Vec<String> = outcome.findings().iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("error[syntax/python] b.py:2"), "{said:?}");
    let coverage = outcome.coverage().unwrap();
    assert_eq!(coverage.files, 3);
    assert!(
        coverage.by.iter().any(|looker| looker.blind_to.starts_with("tree-sitter: ")),
        "{coverage:?}"
    );
    let none = ask(&SyntaxGate::new(), &[("tsconfig.json", "{ /* comment */ }")]).await;
    assert_eq!(none, Outcome::NotApplicable);
}

#[tokio::test]
async fn files_of_no_language_are_not_missed_by_the_engine() {
    let files = [("tsconfig.json", "{ /* comment */ }"), ("go.mod", "module a\n"), ("a.rs", "")];
    let engine = QualityGateEngine::new(Policy::default())
        .with_gate(SyntaxGate::new())
        .with_gate(ImportGate::new());
    let today = Circumstances::new(jiff::civil::date(2026, 1, 1), Extent::Whole);
    let report = engine.execute_on(&subject(&files), today).await;
    assert!(report.overall_passed, "{report}");
}

#[tokio::test]
async fn a_file_that_nobody_can_judge_is_an_error() {
    let outcome =
        ask(&SyntaxGate::new(), &[("a.py", "# coding: latin-1\n"), ("b.py", "x = 1\n")]).await;
    assert!(matches!(outcome, Outcome::Error(Fault::Infra { .. })), "{outcome:?}");
}

#[test]
fn the_syntax_gate_takes_every_ending_that_has_a_language() {
    let gate = SyntaxGate::new();
    for name in [
        "a.rs", "a.d.ts", "a.tsx", "a.mjs", "a.pyi", "a.jsonld", "a.toml", "a.yml", "a.sql",
        "a.gql", "a.proto", "a.go", "a.java", "a.cs",
    ] {
        assert!(
            evergen_syntax::Language::of_path(name).is_some() && gate.info().scope.judges(name),
            "{name}"
        );
    }
}

#[tokio::test]
async fn the_import_gate_finds_what_is_not_there() {
    let files = [
        ("src/lib.rs", "mod a;\nmod gone;\n"),
        ("src/a.rs", ""),
        ("web/a.ts", "import { x } from './b';\n"),
        ("web/b.ts", "export const y = 1;\n"),
        ("go.mod", "module example.com/a\n"),
        ("main.go", "package main\n\nimport \"example.com/a/none\"\n"),
    ];
    let outcome = ask(&ImportGate::new(), &files).await;
    let said: Vec<String> = outcome.findings().iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    let broken = ask(&ImportGate::new(), &[("a.py", "def f(:\n"), ("b.py", "")]).await;
    assert!(matches!(broken, Outcome::Error(Fault::Infra { .. })), "{broken:?}");
}
