//! Real tools as warm servers: what they find, and that they say what the tool itself says.
//!
//! Tools are taken from `target/tools`, where `cargo xtask setup` puts them, and from the search
//! path. A tool that is not there skips its tests, and the tests count how many did not.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::env;
use std::ffi::OsString;
use std::path::Path;

use evergen_quality_gates::adapters::{self, ReadyAdapter};
use evergen_quality_gates::{
    AdapterGate, Examination, Fault, Gate, Needs, Outcome, Scratch, ServerGate, Subject,
    ToolAdapter, Workspace, seal, warm_form,
};

fn search_path() -> OsString {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    let tools = tools.canonicalize().unwrap_or(tools);
    let mut folders = vec![tools.join("python/bin"), tools.join("node_modules/.bin")];
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    env::join_paths(folders).unwrap()
}

/// A tool warm and cold, over one folder each.
struct Pair {
    name: String,
    warm: ServerGate<ReadyAdapter>,
    cold: AdapterGate<ReadyAdapter>,
    scratch: [Scratch; 2],
}

impl Pair {
    /// Nothing where the tool is not there.
    async fn of(adapter: ReadyAdapter) -> Option<Self> {
        let name = adapter.info().name.clone();
        let cold = || AdapterGate::new(adapter.clone()).with_search_path(search_path());
        match cold().identity().await {
            Ok(_) => println!("asked: {name}"),
            Err(Fault::ToolMissing { install, .. } | Fault::WrongVersion { install, .. }) => {
                println!("skipped: {name} is not there. {install}");
                return None;
            }
            Err(fault) => panic!("{name}: {fault}"),
        }
        let warm = ServerGate::new(cold(), warm_form(&name)?).without_the_tool_itself();
        let scratch = [Scratch::temporary().unwrap(), Scratch::temporary().unwrap()];
        Some(Self { name, warm, cold: cold(), scratch })
    }

    /// What both say, as far as it must be the same: everything but the ends of regions, repairs
    /// and addresses of explanations.
    async fn ask(&self, files: &[(&str, &str)]) -> Vec<String> {
        let warm = said(&self.warm, files, &self.scratch[0]).await;
        let cold = said(&self.cold, files, &self.scratch[1]).await;
        assert_eq!(warm, cold, "{}: warm and cold differ", self.name);
        warm
    }
}

async fn said(gate: &impl Gate, files: &[(&str, &str)], scratch: &Scratch) -> Vec<String> {
    let subject = Subject::of_files(files.iter().map(|(path, text)| (*path, text.as_bytes())));
    let workspace = Workspace::new(subject.clone(), Some(scratch.clone()));
    let scope = &gate.info().scope;
    let judged = subject.changed().iter().filter(|file| scope.judges(file.path()));
    let judged = judged.cloned().collect();
    let outcome = gate.examine(Examination::new(subject.clone(), judged, workspace)).await;
    match outcome {
        Outcome::Pass(_) => Vec::new(),
        Outcome::Fail(found) => {
            let mut findings = found.findings;
            seal(&mut findings, &subject);
            let shown = findings.iter().map(|one| format!("{one} #{}", one.fingerprint));
            shown.collect()
        }
        Outcome::Error(fault) => panic!("{}: {}: {fault}", gate.info().name, fault.kind()),
        other => panic!("{}: {other:?}", gate.info().name),
    }
}

/// What stands in a text, the rule that must name it, and the text without it.
async fn finds_and_forgets(adapter: ReadyAdapter, ending: &str, defects: &[(&str, &str, &str)]) {
    let Some(pair) = Pair::of(adapter).await else { return };
    let paths: Vec<String> =
        (0..defects.len()).map(|index| format!("src/defect {index}.{ending}")).collect();
    let broken: Vec<(&str, &str)> =
        paths.iter().map(String::as_str).zip(defects.iter().map(|(text, ..)| *text)).collect();
    let mended: Vec<(&str, &str)> =
        paths.iter().map(String::as_str).zip(defects.iter().map(|(.., text)| *text)).collect();
    let found = pair.ask(&broken).await;
    for (path, (text, rule, _)) in paths.iter().zip(defects) {
        let names = |line: &String| line.contains(path.as_str()) && line.contains(rule);
        assert!(found.iter().any(names), "{}: no {rule} in {text:?}: {found:#?}", pair.name);
    }
    assert_eq!(pair.ask(&mended).await, [""; 0], "{}", pair.name);
    assert!(!pair.ask(&broken).await.is_empty(), "{}", pair.name);
    assert_eq!(pair.ask(&mended[..1]).await, [""; 0], "{}: others are gone", pair.name);
    pair.warm.close().await;
}

#[tokio::test]
async fn ruff_lints() {
    let defects = [
        ("import os\n", "F401", "x = 1\n"),
        ("x = y\n", "F821", "y = 1\nx = y\n"),
        ("print(\"é😀\", z)\n", "F821", "print(\"é😀\")\n"),
        ("def f(:\n", "invalid-syntax", "def f():\n    pass\n"),
        ("assert (1, 2)\n", "F631", "assert 1\n"),
    ];
    finds_and_forgets(adapters::ruff_check(), "py", &defects).await;
}

#[tokio::test]
async fn ruff_lays_out() {
    let defects = [
        ("x   =  1\n", "unformatted", "x = 1\n"),
        ("def f( ):\n  return 1\n\n\n\n\ny  = 2", "unformatted", "y = 2\n"),
        ("é  = '😀'\n\n\n\n", "unformatted", "é = \"😀\"\n"),
        ("x = 1\r\ny =  2\r\n", "unformatted", "x = 1\r\n"),
    ];
    finds_and_forgets(adapters::ruff_format(), "py", &defects).await;
}

const PYTHON: [(&str, &str, &str); 3] = [
    ("x: int = \"é😀\"\n", "ssign", "x: int = 1\n"),
    (
        "def f(a: int) -> str:\n    return (\n        a\n    )\n",
        "eturn",
        "def f() -> int:\n    return 1\n",
    ),
    ("print(\"é\", nothing)\n", "", "print(\"é\")\n"),
];

#[tokio::test]
async fn ty_checks_types() {
    finds_and_forgets(adapters::ty(), "py", &PYTHON).await;
}

#[tokio::test]
async fn pyright_checks_types() {
    finds_and_forgets(adapters::pyright(), "py", &PYTHON).await;
}

/// The tool itself counts a sign beyond the basic plane as two columns; the server's are right.
#[tokio::test]
async fn tsc_checks_types() {
    let defects = [
        ("export const x: string = 1;\n", "TS2322", "export const x: string = \"a\";\n"),
        (
            "export const f: (a: { q: number }) => void = (a: { q: string }) => {};\n",
            "TS2322",
            "export const f = 1;\n",
        ),
        ("export function g(a) { return a; }\n", "TS7006", "export const g = 1;\n"),
        ("export const s: number = \"é\", t: string = 2;\n", "TS2322", "export {};\n"),
        ("export const o = { a: 1 };\no.b;\n", "TS2339", "let unused = 1;\nexport {};\n"),
    ];
    finds_and_forgets(adapters::tsc(), "ts", &defects).await;
}

/// Of a text that can't be parsed the tools themselves say less: `tsc` nothing of other files, and
/// `ruff format` ends as if it had broken down. Neither passes, and the server says what is wrong.
#[tokio::test]
async fn what_cannot_be_parsed_passes_neither_way() {
    let cases = [
        (adapters::tsc(), "a.ts", "export const x = ;\n", "TS1109"),
        (adapters::ruff_format(), "a.py", "x = (\n", "invalid-syntax"),
        (adapters::ruff_check(), "a.py", "x = (\n", "invalid-syntax"),
        (adapters::ty(), "a.py", "x = (\n", "invalid-syntax"),
    ];
    for (adapter, path, text, rule) in cases {
        let Some(pair) = Pair::of(adapter).await else { continue };
        let subject = Subject::of_files([(path, text.as_bytes())]);
        let look = || Examination::of(&subject, pair.warm.info()).unwrap();
        let warm = pair.warm.examine(look()).await;
        assert!(warm.findings().iter().any(|one| one.rule == rule), "{warm:?}");
        let cold = pair.cold.examine(look()).await;
        assert!(matches!(cold, Outcome::Fail(_) | Outcome::Error(_)), "{cold:?}");
    }
}

/// A change of one file that breaks another one, and of files that are not there before.
async fn sees_what_depends(adapter: ReadyAdapter, texts: [(&str, &str); 3]) {
    assert_eq!(adapter.info().needs, Needs::Tree);
    let Some(pair) = Pair::of(adapter).await else { return };
    let [base, user, other] = texts;
    assert_eq!(pair.ask(&[base, user]).await, [""; 0]);
    let found = pair.ask(&[other, user]).await;
    assert!(!found.is_empty() && found.iter().all(|line| line.contains(user.0)), "{found:?}");
    assert_eq!(pair.ask(&[base, user]).await, [""; 0], "{}: mended", pair.name);
    let found = pair.ask(&[user]).await;
    assert!(!found.is_empty(), "{}: what it imports is gone", pair.name);
    assert_eq!(pair.ask(&[base, user]).await, [""; 0], "{}: it is back", pair.name);
    pair.warm.close().await;
}

const PYTHON_TREE: [(&str, &str); 3] = [
    ("base.py", "def f(x: int) -> int:\n    return x\n"),
    ("user.py", "from base import f\n\ny: int = f(1)\n"),
    ("base.py", "def f(x: str) -> str:\n    return x\n"),
];

#[tokio::test]
async fn ty_sees_what_depends() {
    sees_what_depends(adapters::ty(), PYTHON_TREE).await;
}

#[tokio::test]
async fn pyright_sees_what_depends() {
    sees_what_depends(adapters::pyright(), PYTHON_TREE).await;
}

#[tokio::test]
async fn tsc_sees_what_depends() {
    let texts = [
        ("base.ts", "export const f = (x: number): number => x;\n"),
        ("user.ts", "import { f } from \"./base.js\";\nexport const y: number = f(1);\n"),
        ("base.ts", "export const f = (x: string): string => x;\n"),
    ];
    sees_what_depends(adapters::tsc(), texts).await;
}

/// The tree's own settings count as much as for the tool itself.
#[tokio::test]
async fn settings_in_the_tree_count_as_for_the_tool() {
    if let Some(pair) = Pair::of(adapters::ruff_check()).await {
        let text = ("a.py", "import os\n");
        assert_eq!(pair.ask(&[text]).await.len(), 1);
        let ignoring = ("ruff.toml", "lint.ignore = [\"F401\"]\n");
        assert_eq!(pair.ask(&[text, ignoring]).await, [""; 0]);
        assert_eq!(pair.ask(&[text]).await.len(), 1, "they are gone again");
        // A file that they exclude is asked about in vain, and so is the tool's.
        let excluding = ("ruff.toml", "exclude = [\"a.py\"]\n");
        let subject = [text, excluding].map(|(path, text)| (path, text.as_bytes()));
        let subject = Subject::of_files(subject);
        let examination = Examination::of(&subject, pair.warm.info()).unwrap();
        let outcome = pair.warm.examine(examination).await;
        let Outcome::Error(Fault::CanaryMissed { what }) = outcome else { panic!("{outcome:?}") };
        assert!(what.starts_with("a.py: the server did not see"), "{what}");
    }
    if let Some(pair) = Pair::of(adapters::ty()).await {
        let text = ("a.py", "x: int = \"a\"\n");
        let ignoring = ("ty.toml", "[rules]\ninvalid-assignment = \"ignore\"\n");
        assert_eq!(pair.ask(&[text, ignoring]).await, [""; 0]);
        assert_eq!(pair.ask(&[text]).await.len(), 1);
    }
    if let Some(pair) = Pair::of(adapters::tsc()).await {
        let text = ("sub/a.ts", "export function g(a) { return a; }\n");
        let loose = ("tsconfig.json", "{\"compilerOptions\": {\"strict\": false}}\n");
        assert_eq!(pair.ask(&[text]).await.len(), 1);
        // Under the project's settings the tool itself is asked.
        let subject = [text, loose].map(|(path, text)| (path, text.as_bytes()));
        let subject = Subject::of_files(subject);
        let examination = Examination::of(&subject, pair.warm.info()).unwrap();
        let outcome = pair.warm.examine(examination).await;
        let Outcome::Error(fault) = outcome else { panic!("{outcome:?}") };
        assert!(fault.to_string().contains("tsconfig.json has settings of its own"), "{fault}");
    }
}
