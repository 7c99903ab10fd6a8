//! Tools that look at projects: where those lie, what is missing where there is none, and of which
//! version the tools are.
//!
//! Tools are taken from `target/tools`, where `cargo xtask setup` puts them, and from the search
//! path. A tool that is not there skips its tests.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::path::Path;

use evergen_quality_gates::adapters::{self, ReadyAdapter};
use evergen_quality_gates::{AdapterGate, Examination, Fault, Gate, Outcome, Subject, ToolAdapter};

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

/// A tool that is a script which says its version.
fn program(folder: &Path, name: &str, says: &str) {
    use std::os::unix::fs::PermissionsExt;
    let file = folder.join(name);
    std::fs::write(&file, format!("#!/bin/sh\n{says}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_tool_without_a_version_of_its_own_has_that_of_its_toolchain() {
    let folder = tempfile::tempdir().unwrap();
    let said = async |adapter: ReadyAdapter| {
        let gate = AdapterGate::new(adapter).with_search_path(folder.path());
        let identity = gate.identity().await;
        identity.map(|it| format!("{} {}", it.lookers[0].name, it.lookers[0].version))
    };
    program(folder.path(), "gofmt", "echo '10 is the number of a flag'");
    assert_eq!(said(adapters::gofmt()).await.unwrap(), "gofmt ", "nobody knows it");
    program(folder.path(), "go", "echo go version go1.21.3 linux/amd64");
    assert_eq!(said(adapters::gofmt()).await.unwrap(), "gofmt 1.21.3");
    let cargo = "[ \"$1\" = clippy ] && echo 'clippy 0.1.95 (1 2026-04-14)' || echo cargo 1.95.0";
    program(folder.path(), "cargo", cargo);
    assert_eq!(said(adapters::clippy()).await.unwrap(), "clippy 1.95.0");
    program(folder.path(), "cargo", "[ \"$1\" = clippy ] && exit 101 || echo cargo 1.95.0");
    let missing = said(adapters::clippy()).await.unwrap_err();
    assert!(matches!(missing, Fault::ToolMissing { .. }), "{missing}");
    program(folder.path(), "cargo", "echo cargo 1.50.0");
    let old = said(adapters::clippy()).await.unwrap_err();
    assert!(matches!(old, Fault::WrongVersion { .. }), "{old}");
}

/// Files that no project has, for each tool that looks at projects only.
#[tokio::test]
async fn without_a_project_it_is_said_what_is_missing() {
    let rust: &[(&str, &str)] = &[("src/lib.rs", "pub fn f() {}\n")];
    let package = ("Cargo.toml", "[package]\nname = \"a\"\nversion = \"0.1.0\"\n");
    for (adapter, files, wanted) in [
        (adapters::cargo_check(), rust, "Cargo.toml"),
        (adapters::clippy(), rust, "Cargo.toml"),
        (adapters::cargo_test(), rust, "Cargo.toml"),
        (adapters::cargo_llvm_cov(), rust, "Cargo.toml"),
        (adapters::cargo_deny(), &[package], "deny.toml"),
        (adapters::go_vet(), &[("a.go", "package a\n")], "go.mod"),
        (adapters::semgrep(), &[("a.py", "x = 1\n")], ".semgrep.yml"),
        (adapters::pytest(), &[("a.py", "x = 1\n")], "test_*.py"),
        (adapters::vitest(), &[("a.ts", "export {};\n")], "*.test.*"),
    ] {
        // What is missing is said before anybody looks for the tool.
        let gate = AdapterGate::new(adapter).with_search_path("/nowhere");
        let outcome = ask(&gate, files).await;
        let Outcome::Error(fault @ Fault::NoProject { .. }) = &outcome else {
            panic!("{}: {outcome:?}", gate.info().name)
        };
        assert!(fault.to_string().contains(wanted), "{fault}");
        assert!(fault.advice().contains("leave the gate out"), "{fault}");
    }
}

#[tokio::test]
async fn a_project_is_looked_at_wherever_it_lies_in_the_tree() {
    let manifest = |name: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n")
    };
    let (one, two) = (manifest("one") + "\n[workspace]\nmembers = [\"inner\"]\n", manifest("two"));
    let inner = manifest("inner");
    let same = "pub fn f(x: u32) -> bool {\n    x == x\n}\n";
    let mut files = vec![
        ("a/Cargo.toml", one.as_str()),
        ("a/src/lib.rs", "pub fn f() {}\n"),
        ("a/inner/Cargo.toml", inner.as_str()),
        ("a/inner/src/lib.rs", same),
        ("b/c/Cargo.toml", two.as_str()),
        ("b/c/src/lib.rs", same),
    ];
    let Some(outcome) = judge(adapters::clippy(), &files).await else { return };
    let found: BTreeSet<&str> =
        outcome.findings().iter().filter_map(|finding| finding.file.as_deref()).collect();
    assert_eq!(found, BTreeSet::from(["a/inner/src/lib.rs", "b/c/src/lib.rs"]), "{outcome:?}");
    assert_eq!(outcome.coverage().map(|coverage| coverage.files), Some(3), "{outcome:?}");
    // What lies in no package is looked at by nobody.
    files.push(("d/stray.rs", "fn f() {}\n"));
    let stray = judge(adapters::clippy(), &files).await;
    let Some(Outcome::Error(fault @ Fault::NoProject { .. })) = stray else { panic!("{stray:?}") };
    assert!(fault.to_string().contains("no Cargo.toml around `d/stray.rs`"), "{fault}");
    // A manifest that can't be read is told by what is wrong with it.
    let broken = [("a/Cargo.toml", "[package\n"), ("a/src/lib.rs", "")];
    let broken = judge(adapters::clippy(), &broken).await;
    let Some(Outcome::Error(fault @ Fault::NonZeroNoFindings { .. })) = broken else {
        panic!("{broken:?}")
    };
    assert!(fault.to_string().contains("unclosed table"), "{fault}");
}

#[tokio::test]
async fn each_module_of_go_is_looked_at() {
    let wrong = "package a\n\nimport \"fmt\"\n\nfunc F() { fmt.Printf(\"%d\", \"x\") }\n";
    let files = [
        ("a/go.mod", "module a\n\ngo 1.19\n"),
        ("a/a.go", "package a\n"),
        ("a/b/go.mod", "module b\n\ngo 1.19\n"),
        ("a/b/b.go", wrong),
    ];
    let Some(outcome) = judge(adapters::go_vet(), &files).await else { return };
    let found: Vec<_> = outcome.findings().iter().map(|finding| finding.file.clone()).collect();
    assert_eq!(found, [Some("a/b/b.go".to_owned())], "{outcome:?}");
    assert_eq!(outcome.coverage().map(|coverage| coverage.files), Some(2), "{outcome:?}");
}

#[tokio::test]
async fn tsc_judges_a_file_as_the_project_does_that_takes_it() {
    let solution = "{\"files\": [], \"references\": [{\"path\": \"./tsconfig.app.json\"}]}\n";
    let app = "{\"compilerOptions\": {\"composite\": true, \"noUnusedLocals\": true, \
                \"lib\": [\"es2022\", \"dom\"]}, \"include\": [\"src\"]}\n";
    let unused = "export const x: string = document.title;\nconst y = 1;\n";
    let mut files =
        vec![("tsconfig.json", solution), ("tsconfig.app.json", app), ("src/a.ts", unused)];
    let Some(outcome) = judge(adapters::tsc(), &files).await else { return };
    assert_eq!(rules(&outcome), BTreeSet::from(["TS6133".to_owned()]));
    // Of a project that is not there nobody knows what it asks.
    files.remove(1);
    let missing = judge(adapters::tsc(), &files).await.unwrap();
    let said = missing.findings()[0].to_string();
    assert!(said.contains("'tsconfig.app.json'"), "{said}");
    // Settings that look at nothing keep nobody from looking.
    files[0].1 = "{\"files\": []}\n";
    let bare = judge(adapters::tsc(), &files).await.unwrap();
    assert_eq!(bare.coverage().map(|coverage| coverage.files), Some(1), "{bare:?}");
}
