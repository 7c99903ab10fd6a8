//! Seeded defects and real tools: what is found, what is healed, what is refused. No healed tree
//! breaks a test that passed, and healing twice is healing once.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsString;
use std::path::Path;

use evergen_quality_gates::adapters::{self, ReadyAdapter};
use evergen_quality_gates::{
    AdapterGate, Circumstances, Extent, Fault, FindingFixes, Gate as _, HealOptions, HealReport,
    Healer, Outcome, Policy, QualityGateEngine, Scratch, Subject, SyntaxGate, ToolAdapter,
};

fn search_path() -> OsString {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    let tools = tools.canonicalize().unwrap_or(tools);
    let mut folders = vec![tools.join("python/bin"), tools.join("node_modules/.bin")];
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    env::join_paths(folders).unwrap()
}

/// The tools that are there; whether a test can do without the others is for it to say.
async fn present(adapters: Vec<ReadyAdapter>) -> Option<Vec<ReadyAdapter>> {
    for adapter in &adapters {
        let gate = AdapterGate::new(adapter.clone()).with_search_path(search_path());
        if let Err(Fault::ToolMissing { install, .. } | Fault::WrongVersion { install, .. }) =
            gate.identity().await
        {
            println!("skipped: {} is not there. {install}", adapter.info().name);
            return None;
        }
    }
    Some(adapters)
}

fn engine(adapters: &[ReadyAdapter]) -> QualityGateEngine {
    // One folder for all verdicts, so that tools find their caches again.
    let engine = QualityGateEngine::new(Policy::default())
        .with_gate(SyntaxGate::new())
        .with_scratch(Scratch::temporary().unwrap());
    adapters.iter().fold(engine, |engine, adapter| {
        engine.with_gate(AdapterGate::new(adapter.clone()).with_search_path(search_path()))
    })
}

fn healers(adapters: &[ReadyAdapter]) -> Vec<Box<dyn Healer>> {
    let tools = adapters.iter().flat_map(adapters::healers_for);
    let tools = tools.map(|one| Box::new(one.with_search_path(search_path())) as Box<dyn Healer>);
    let fixes: [Box<dyn Healer>; 2] =
        [Box::new(FindingFixes::safe()), Box::new(FindingFixes::all())];
    tools.chain(fixes).collect()
}

async fn heal(adapters: &[ReadyAdapter], subject: &Subject, unsafely: bool) -> HealReport {
    let options = HealOptions::default();
    let options = if unsafely { options.with_unsafe() } else { options };
    let today = Circumstances::new(jiff::civil::date(2026, 11, 28), Extent::Whole);
    engine(adapters).auto_heal(subject, &healers(adapters), today, options).await
}

type Files = BTreeMap<String, Vec<u8>>;

fn files(texts: &[(&str, &str)]) -> Files {
    texts.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
}

fn subject(files: &Files) -> Subject {
    Subject::of_files(files.iter().map(|(path, bytes)| (path.clone(), &bytes[..])))
}

/// Which rules each file is found to break.
fn rules(report: &HealReport, after: bool) -> BTreeMap<String, BTreeSet<String>> {
    let mut rules: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let report = if after { &report.after } else { &report.before };
    for gate in &report.gates {
        assert!(!matches!(gate.outcome, Outcome::Error(_)), "{}: {:?}", gate.gate, gate.outcome);
        for finding in gate.outcome.findings() {
            let file = finding.file.clone().unwrap_or_default();
            rules.entry(file).or_default().insert(finding.rule.clone());
        }
    }
    rules
}

/// What becomes of a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Healed,
    Left,
}
use Fate::{Healed, Left};

/// Heals all defects in one tree, each in a file of its own, and again what came of it. Gives the
/// healed files.
async fn check(
    adapters: Vec<ReadyAdapter>,
    settings: &[(&str, &str)],
    defects: &[(&str, &str, &str, Fate)],
    unsafely: bool,
) -> Option<Files> {
    let adapters = present(adapters).await?;
    let mut tree = files(settings);
    tree.extend(
        defects.iter().map(|(path, text, ..)| ((*path).to_owned(), text.as_bytes().to_vec())),
    );
    let report = heal(&adapters, &subject(&tree), unsafely).await;
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    let (before, after) = (rules(&report, false), rules(&report, true));
    let mut wrong = Vec::new();
    for (path, text, rule, fate) in defects {
        let has = |rules: &BTreeMap<String, BTreeSet<String>>| {
            rules.get(*path).is_some_and(|rules| rules.iter().any(|it| it.contains(rule)))
        };
        let is = if has(&after) { Left } else { Healed };
        if !has(&before) || is != *fate {
            wrong.push(format!("{rule} in {path} {text:?}: found {}, {is:?}", has(&before)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}\nrefused: {:#?}", report.refused);
    for (path, bytes) in &report.files {
        tree.insert(path.clone(), bytes.to_vec());
    }
    let again = heal(&adapters, &subject(&tree), unsafely).await;
    assert!(again.receipts.is_empty(), "a second healing did more: {:#?}", again.receipts);
    Some(tree)
}

const PYTHON: &str = "[lint]\nselect = [\"E\", \"F\", \"I\", \"W\", \"B\", \"SIM\", \"RUF100\"]\n";

#[tokio::test]
async fn defects_of_python() {
    let healed = check(
        vec![adapters::ruff_check(), adapters::ruff_format()],
        &[("ruff.toml", PYTHON)],
        &[
            ("unused_import.py", "import os\nx = 1\n", "F401", Healed),
            ("layout.py", "x   =  {  'a':1 }\n", "unformatted", Healed),
            ("sorting.py", "import sys\nimport os\n\nprint(os, sys)\n", "I001", Healed),
            ("f_string.py", "x = f\"a\"\n", "F541", Healed),
            ("trailing.py", "x = \"\"\"a \nb\"\"\"\n", "W291", Left),
            ("comparison.py", "def f(x):\n    return x == None\n", "E711", Left),
            ("bare.py", "try:\n    x = 1\nexcept:\n    x = 2\n", "E722", Left),
            ("undefined.py", "print(missing)\n", "F821", Left),
            ("mutable.py", "def f(x=[]):\n    return x\n", "B006", Left),
            ("ambiguous.py", "l = 1\n", "E741", Left),
        ],
        false,
    )
    .await;
    let Some(healed) = healed else { return };
    assert_eq!(healed["unused_import.py"], b"x = 1\n");
}

/// Not right: all findings of one rule are mended or none, so that a file whose layout the fix
/// disturbs (here by the blank line that it leaves) keeps its own and the others' findings.
#[tokio::test]
async fn a_fix_that_disturbs_the_layout_is_refused() {
    let defects = [("a.py", "import os\n\nx = 1\n", "F401", Left)];
    check(vec![adapters::ruff_check(), adapters::ruff_format()], &[], &defects, false).await;
}

#[tokio::test]
async fn what_may_change_the_meaning_is_healed_by_choice_only() {
    let broken = [("broken.py", "def f(:\n", "syntax", Left)];
    check(vec![adapters::ruff_check()], &[], &broken, true).await;
    let defects = |fate| [("a.py", "def f(x):\n    return x == None\n", "E711", fate)];
    let ruff = || vec![adapters::ruff_check()];
    check(ruff(), &[("ruff.toml", PYTHON)], &defects(Left), false).await;
    check(ruff(), &[("ruff.toml", PYTHON)], &defects(Healed), true).await;
}

/// `b` is imported for what its import does: to take it away is "safe", and breaks a test.
#[tokio::test]
async fn a_fix_that_breaks_a_test_is_refused() {
    let tree = files(&[
        ("ruff.toml", "[lint]\nselect = [\"F401\"]\n"),
        ("b.py", "import state\n\nstate.ready = True\n"),
        ("state.py", "ready = False\n"),
        (
            "a.py",
            "import state\nimport b\nimport os\n\n\ndef is_ready():\n    return state.ready\n",
        ),
        ("test_a.py", "import a\n\n\ndef test_ready():\n    assert a.is_ready()\n"),
    ]);
    let Some(adapters) = present(vec![adapters::ruff_check(), adapters::pytest()]).await else {
        return;
    };
    let today = Circumstances::new(jiff::civil::date(2026, 11, 28), Extent::Whole);
    let fixes: Vec<Box<dyn Healer>> = vec![Box::new(FindingFixes::safe())];
    let once = HealOptions::default().with_rounds(1);
    let report = engine(&adapters).auto_heal(&subject(&tree), &fixes, today, once).await;
    assert!(report.files.is_empty(), "{:?}", report.receipts);
    assert!(!report.refused.is_empty());
    let tests = report.after.gates.iter().find(|gate| gate.gate == "pytest").unwrap();
    assert!(tests.passed, "{:?}", tests.outcome);
}

#[tokio::test]
async fn defects_of_typescript() {
    let healed = check(
        vec![adapters::biome(), adapters::biome_format(), adapters::tsc()],
        &[("biome.json", "{\"formatter\":{\"indentStyle\":\"space\"}}\n")],
        &[
            ("layout.ts", "export const x   =  {a:1}\n", "unformatted", Healed),
            ("constant.ts", "let x = 1;\nexport { x };\n", "useConst", Healed),
            ("debugger.ts", "export const x = 1;\ndebugger;\n", "noDebugger", Left),
            ("any.ts", "export const x: any = 1;\n", "noExplicitAny", Left),
            ("loose.ts", "export const f = (a: number) => a == 1;\n", "noDoubleEquals", Left),
            ("assigned.ts", "export const x: string = 1;\n", "TS2322", Left),
            ("missing.ts", "export const x = missing;\n", "TS2304", Left),
            ("twice.ts", "export const x = { a: 1, a: 2 };\n", "noDuplicateObjectKeys", Left),
            ("self.ts", "export const f = (a: number) => {\n  a = a;\n};\n", "noSelfAssign", Left),
            ("eval.ts", "export const f = (a: string) => eval(a);\n", "noGlobalEval", Left),
        ],
        false,
    )
    .await;
    let Some(healed) = healed else { return };
    assert_eq!(healed["constant.ts"], b"const x = 1;\nexport { x };\n");
}

#[tokio::test]
async fn defects_of_rust() {
    let manifest =
        "[package]\nname = \"seeded\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
    let root = ('a'..='j')
        .fold(String::new(), |root, name| root + "pub mod " + &String::from(name) + ";\n");
    let healed = check(
        vec![adapters::rustfmt(), adapters::clippy()],
        &[("Cargo.toml", manifest), ("src/lib.rs", &root)],
        &[
            ("src/a.rs", "use std::fmt;\npub fn a() {}\n", "unused_imports", Healed),
            ("src/b.rs", "pub fn b( ) {}\n", "unformatted", Healed),
            ("src/c.rs", "pub fn c(x: u8) -> u8 {\n    return x;\n}\n", "needless_return", Healed),
            ("src/d.rs", "pub fn d(x: &[u8]) -> bool {\n    x.len() == 0\n}\n", "len_zero", Healed),
            (
                "src/e.rs",
                "pub fn e(x: bool) -> bool {\n    x == true\n}\n",
                "bool_comparison",
                Healed,
            ),
            ("src/f.rs", "pub fn f(x: u8) -> u8 {\n    x.clone()\n}\n", "clone_on_copy", Healed),
            ("src/g.rs", "pub fn g(x: u32) -> bool {\n    x == x\n}\n", "eq_op", Left),
            ("src/h.rs", "pub fn h() {\n    let unused = 1;\n}\n", "unused_variables", Left),
            ("src/i.rs", "fn dead() {}\n", "dead_code", Left),
            ("src/j.rs", "pub fn j(x: &Vec<u8>) -> usize {\n    x.len()\n}\n", "ptr_arg", Left),
        ],
        false,
    )
    .await;
    let Some(healed) = healed else { return };
    assert_eq!(healed["src/d.rs"], b"pub fn d(x: &[u8]) -> bool {\n    x.is_empty()\n}\n");
}

#[tokio::test]
async fn defects_of_go() {
    let printf = "package a\n\nimport \"fmt\"\n\nfunc F() { fmt.Printf(\"%d\", \"x\") }\n";
    check(
        vec![adapters::gofmt(), adapters::go_vet()],
        &[("go.mod", "module seeded\n\ngo 1.19\n")],
        &[
            ("layout.go", "package a\nfunc  A( ) { }\n", "unformatted", Healed),
            ("indent.go", "package a\n\nfunc B() {\n  _ = 1\n}\n", "unformatted", Healed),
            ("printf.go", printf, "printf", Left),
            ("assign.go", "package a\n\nfunc C(x int) { x = x }\n", "assign", Left),
            (
                "unreachable.go",
                "package a\n\nfunc D() int {\n\treturn 1\n\tpanic(1)\n}\n",
                "unreachable",
                Left,
            ),
            (
                "bool.go",
                "package a\n\nfunc E(x int) bool { return x == 1 || x == 1 }\n",
                "bools",
                Left,
            ),
            ("tag.go", "package a\n\ntype G struct {\n\tX int `json:x`\n}\n", "structtag", Left),
            ("shift.go", "package a\n\nfunc H(x int8) int8 { return x << 9 }\n", "shift", Left),
            ("nil.go", "package a\n\nfunc I() bool { return I == nil }\n", "nilfunc", Left),
            (
                "copy.go",
                "package a\n\nimport \"sync\"\n\nfunc J(m sync.Mutex) { _ = &m }\n",
                "copylocks",
                Left,
            ),
        ],
        false,
    )
    .await;
}

#[tokio::test]
async fn a_missing_tool_is_a_fault_of_its_healer() {
    let Some(adapters) = present(vec![adapters::ruff_format()]).await else { return };
    let healers: Vec<Box<dyn Healer>> = adapters
        .iter()
        .flat_map(adapters::healers_for)
        .map(|one| Box::new(one.with_search_path("/nowhere")) as Box<dyn Healer>)
        .collect();
    let today = Circumstances::new(jiff::civil::date(2026, 11, 28), Extent::Whole);
    let tree = files(&[("a.py", "x   = 1\n")]);
    let options = HealOptions::default();
    let report = engine(&adapters).auto_heal(&subject(&tree), &healers, today, options).await;
    assert!(matches!(report.faults[0].1, Fault::ToolMissing { .. }), "{:?}", report.faults);
    assert!(report.files.is_empty());
}

/// Against real cargo, and a folder of two versions in place of a registry.
#[tokio::test]
async fn a_vulnerable_dependency_gets_another_version_in_the_lock_file() {
    use evergen_quality_gates::{Coverage, Examination, Finding, FnGate, GateInfo, GateKind};
    let none = "{\"files\":{},\"package\":null}";
    let package = |version: &str| format!("[package]\nname = \"weak\"\nversion = \"{version}\"\n");
    let tree = files(&[
        (
            "Cargo.toml",
            "[package]\nname = \"a\"\nversion = \"0.1.0\"\n\n[dependencies]\nweak = \"1\"\n\n[workspace]\n",
        ),
        ("src/lib.rs", ""),
        (
            "Cargo.lock",
            "# This file is automatically @generated by Cargo.\n# It is not intended for manual editing.\nversion = 4\n\n[[package]]\nname = \"a\"\nversion = \"0.1.0\"\ndependencies = [\n \"weak\",\n]\n\n[[package]]\nname = \"weak\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n",
        ),
        (
            ".cargo/config.toml",
            "[source.crates-io]\nreplace-with = \"own\"\n\n[source.own]\ndirectory = \"vendor\"\n",
        ),
        ("vendor/weak-1.0.0/Cargo.toml", &package("1.0.0")),
        ("vendor/weak-1.0.0/src/lib.rs", ""),
        ("vendor/weak-1.0.0/.cargo-checksum.json", none),
        ("vendor/weak-1.0.1/Cargo.toml", &package("1.0.1")),
        ("vendor/weak-1.0.1/src/lib.rs", ""),
        ("vendor/weak-1.0.1/.cargo-checksum.json", none),
    ]);
    let gate = FnGate::with_info(
        GateInfo::new("cargo audit", GateKind::Security).uncached(),
        |it: &Examination| {
            let lock = it.subject().get("Cargo.lock").unwrap().unwrap().text().unwrap().unwrap();
            let weak = lock.contains("name = \"weak\"\nversion = \"1.0.0\"");
            let said = "`weak` 1.0.0: planted (mended in 1.0.1)";
            let finding = Finding::error("RUSTSEC-2026-0000", said).in_file("Cargo.lock");
            Outcome::of(
                weak.then_some(finding).into_iter().collect(),
                Coverage::of_files(it.files().len() as u64),
            )
        },
    );
    let engine = QualityGateEngine::new(Policy::default()).with_gate(gate);
    let healers: Vec<Box<dyn Healer>> = adapters::healers_for(&adapters::cargo_audit())
        .into_iter()
        .map(|one| Box::new(one) as _)
        .collect();
    let today = Circumstances::new(jiff::civil::date(2026, 11, 28), Extent::Whole);
    let options = HealOptions::default();
    let report = engine.auto_heal(&subject(&tree), &healers, today, options).await;
    assert!(
        report.faults.is_empty() && report.refused.is_empty(),
        "{:?} {:?}",
        report.faults,
        report.refused
    );
    let paths: Vec<&str> = report.files.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["Cargo.lock"]);
    assert!(report.after.overall_passed);
}
