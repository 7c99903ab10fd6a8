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

/// The files with findings.
fn places(outcome: &Outcome) -> BTreeSet<String> {
    assert!(!matches!(outcome, Outcome::Error(_)), "{outcome:?}");
    outcome.findings().iter().filter_map(|finding| finding.file.clone()).collect()
}

/// What is warned of, so that the packages that need this one are looked at as well.
const RETURN: &str = "pub fn f() -> u8 {\n    return 1;\n}\n";

fn package(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{rest}")
}

#[tokio::test]
async fn a_package_that_no_workspace_claims_is_looked_at_too() {
    let root = package(
        "root",
        "[dependencies]\nlinked = { path = \"linked\" }\nshared.workspace = true\n[workspace]\n\
         members = [\"crates/*\"]\nexclude = [\"apart\"]\n[workspace.dependencies]\n\
         shared = { path = \"deep/shared\" }\n",
    );
    let manifests = [
        ("Cargo.toml", root),
        // Members, by a glob and by paths.
        ("crates/listed/Cargo.toml", package("listed", "")),
        ("linked/Cargo.toml", package("linked", "")),
        ("deep/shared/Cargo.toml", package("shared", "")),
        // Nobody's, and their own.
        ("apart/Cargo.toml", package("apart", "")),
        ("own/Cargo.toml", package("own", "[workspace]\n")),
        // A package below a package that is no workspace.
        ("apart/below/Cargo.toml", package("below", "")),
        // Without code, nobody looks.
        ("empty/Cargo.toml", "[package\n".to_owned()),
    ];
    let sources: Vec<String> = manifests[..7]
        .iter()
        .map(|(manifest, _)| manifest.replace("Cargo.toml", "src/lib.rs"))
        .collect();
    let texts = manifests.iter().map(|(path, text)| (*path, text.as_str()));
    let files: Vec<(&str, &str)> =
        texts.chain(sources.iter().map(|path| (path.as_str(), RETURN))).collect();
    let Some(outcome) = judge(adapters::clippy(), &files).await else { return };
    assert_eq!(places(&outcome), sources.iter().cloned().collect(), "{outcome:?}");
    let lints = outcome.findings().iter().filter(|it| it.rule == "clippy::needless_return").count();
    assert_eq!(lints, 7, "nothing is looked at twice: {outcome:?}");
    assert_eq!(outcome.coverage().map(|coverage| coverage.files), Some(7), "{outcome:?}");
}

#[tokio::test]
async fn tests_are_run_wherever_packages_lie_and_strays_are_said() {
    let (one, two) = (package("one", "[workspace]\n"), package("two", "[workspace]\n"));
    let test = "#[test]\nfn t() {}\n";
    let mut files = vec![
        ("Cargo.toml", one.as_str()),
        ("src/lib.rs", test),
        ("two/Cargo.toml", two.as_str()),
        ("two/src/lib.rs", test),
    ];
    for adapter in [adapters::cargo_test(), adapters::cargo_llvm_cov()] {
        let Some(outcome) = judge(adapter, &files).await else { continue };
        assert_eq!(outcome.coverage().map(|coverage| coverage.tests), Some(2), "{outcome:?}");
    }
    files[0] = ("Cargo.toml", "[workspace]\nmembers = []\n");
    for adapter in [adapters::cargo_test(), adapters::cargo_llvm_cov()] {
        let Some(outcome) = judge(adapter, &files).await else { continue };
        let Outcome::Error(fault @ Fault::NoProject { .. }) = &outcome else {
            panic!("{outcome:?}")
        };
        assert!(fault.to_string().contains("no Cargo.toml around `src/lib.rs`"), "{fault}");
    }
}

/// Else the one that is known, or mended, would hide the other.
#[tokio::test]
async fn tests_of_one_name_in_two_packages_are_two_findings() {
    let one = package("one", "[workspace]\nmembers = [\"two\"]\n");
    let two = package("two", "");
    let (bad, good) = ("#[test]\nfn t() {\n    panic!();\n}\n", "#[test]\nfn t() {}\n");
    let said = async |texts: [&str; 4]| {
        let files = [
            ("a/Cargo.toml", one.as_str()),
            ("a/src/lib.rs", texts[0]),
            ("a/tests/it.rs", texts[1]),
            ("a/two/Cargo.toml", two.as_str()),
            ("a/two/src/lib.rs", texts[2]),
            ("a/two/tests/it.rs", texts[3]),
        ];
        let outcome = judge(adapters::cargo_test().with_info(|it| it.with_retries(0)), &files);
        let mut found = outcome.await?.findings().to_vec();
        evergen_quality_gates::seal(&mut found, &subject(&files));
        Some(found)
    };
    let Some(all) = said([bad, bad, bad, bad]).await else { return };
    let prints: BTreeSet<String> = all.iter().map(|it| it.fingerprint.clone()).collect();
    assert_eq!(prints.len(), 4, "{all:?}");
    for number in 0..4 {
        let mut texts = [good; 4];
        texts[number] = bad;
        let one = said(texts).await.unwrap();
        assert_eq!(one.len(), 1, "{one:?}");
        let file = if number < 2 { "a/Cargo.toml" } else { "a/two/Cargo.toml" };
        assert_eq!(one[0].file.as_deref(), Some(file), "{one:?}");
        let target = if number % 2 == 0 { "`--lib`" } else { "`--test it`" };
        assert!(one[0].message.contains(target), "{one:?}");
        assert!(prints.contains(&one[0].fingerprint), "{one:?} in {all:?}");
    }
}

#[tokio::test]
async fn what_go_does_not_look_at_is_no_pass() {
    let module = ("go.mod", "module a\n\ngo 1.18\n");
    let wrong = "package a\n\nimport \"fmt\"\n\nfunc G() { fmt.Printf(\"%d\", \"x\") }\n";
    let mut files = vec![
        module,
        ("a.go", "package a\n"),
        ("a_test.go", "package a_test\n"),
        ("testdata/t.go", wrong),
        ("_x/x.go", wrong),
        (".y/y.go", wrong),
        ("_z.go", wrong),
        ("b/vendor/v/v.go", wrong),
        ("w_plan9.go", wrong),
        ("other/x_plan9.go", wrong),
        // A module in which nothing is.
        ("docs/go.mod", "module docs\n"),
    ];
    let Some(outcome) = judge(adapters::go_vet(), &files).await else { return };
    let Outcome::Pass(coverage) = &outcome else { panic!("{outcome:?}") };
    assert_eq!(coverage.files, 2, "{outcome:?}");
    let blind: Vec<&str> = coverage.by.iter().map(|it| it.blind_to.as_str()).collect();
    assert_eq!(blind, ["does not see what is for other builds: other/x_plan9.go, w_plan9.go"]);
    files.retain(|(path, _)| ["go.mod", "w_plan9.go"].contains(path));
    let none = judge(adapters::go_vet(), &files).await.unwrap();
    assert!(matches!(none, Outcome::Error(_)), "{none:?}");
}

#[tokio::test]
async fn modules_of_a_workspace_of_go_find_each_other() {
    let user = "package b\n\nimport \"example.org/a\"\n\nvar X = a.X\n";
    let mut files = vec![
        ("go.work", "go 1.18\n\nuse (\n\t./a // one\n\t./b\n)\n"),
        ("a/go.mod", "module example.org/a\n\ngo 1.18\n"),
        ("a/a.go", "package a\n\nvar X = 1\n"),
        ("b/go.mod", "module example.org/b\n\ngo 1.18\n"),
        ("b/b.go", user),
    ];
    let Some(outcome) = judge(adapters::go_vet(), &files).await else { return };
    assert!(matches!(outcome, Outcome::Pass(_)), "{outcome:?}");
    // One that is not of the workspace is looked at all the same.
    files.extend([("c/go.mod", "module c\n\ngo 1.18\n"), ("c/c.go", "package c\n")]);
    let more = judge(adapters::go_vet(), &files).await.unwrap();
    assert_eq!(more.coverage().map(|coverage| coverage.files), Some(3), "{more:?}");
}

#[tokio::test]
async fn tsc_takes_projects_as_they_are() {
    let good = "export const x = 1;\n";
    // Each is valid, and looked at as a whole.
    for (options, more, text) in [
        ("\"composite\": true, \"declarationMap\": true, \"emitDeclarationOnly\": true", "", good),
        ("\"composite\": true, \"isolatedDeclarations\": true", "", good),
        ("\"declaration\": true, \"declarationDir\": \"types\"", "", good),
        (
            "\"paths\": {\"@/*\": [\"${configDir}/src/*\"], \"#/*\": [\"./src/*\"]}",
            "",
            "import { y } from \"@/y\";\nimport { y as z } from \"#/y\";\n\
             export const x = y + z;\n",
        ),
    ] {
        let settings = format!(
            "{{\"compilerOptions\": {{\"module\": \"esnext\", \"moduleResolution\": \"bundler\", \
             {options}}}{more}}}\n"
        );
        let files = [
            ("p/tsconfig.json", settings.as_str()),
            ("p/a.ts", text),
            ("p/src/y.ts", "export const y = 1;\n"),
            // Not to be taken for `a.ts`, nor for each other.
            ("a.ts", good),
            ("lib/a.ts", good),
        ];
        let Some(outcome) = judge(adapters::tsc(), &files).await else { return };
        let Outcome::Pass(coverage) = &outcome else { panic!("{options}: {outcome:?}") };
        assert_eq!(coverage.files, 4, "{options}: {coverage:?}");
    }
}

#[tokio::test]
async fn tsc_asks_for_all_that_strict_is() {
    let loose = "{\"compilerOptions\": {\"strict\": true, \"useUnknownInCatchVariables\": false, \
                  \"strictBuiltinIteratorReturn\": false}}\n";
    let files = [
        ("tsconfig.json", loose),
        (
            "a.ts",
            "export function f(): string {\n  try {\n    return \"\";\n  } catch (e) {\n    return e.message;\n  }\n}\n",
        ),
        ("b.ts", "export const n: number = new Map<string, number>().values().next().value;\n"),
    ];
    let Some(outcome) = judge(adapters::tsc(), &files).await else { return };
    assert_eq!(places(&outcome), BTreeSet::from(["a.ts".to_owned(), "b.ts".to_owned()]));
}

#[tokio::test]
async fn failed_tests_are_placed_in_their_files() {
    let red = "def test_a():\n    assert 1 == 2\n";
    let files = [("x/test_a.py", red), ("y/test_b.py", red)];
    if let Some(outcome) = judge(adapters::pytest(), &files).await {
        let expected = ["x/test_a.py", "y/test_b.py"].map(str::to_owned);
        assert_eq!(places(&outcome), BTreeSet::from(expected), "{outcome:?}");
    }
    let red = "test(\"a\", () => { expect(1).toBe(2); });\n";
    let files = [("x/a.test.js", red), ("y/a.test.js", red)];
    if let Some(outcome) = judge(adapters::vitest(), &files).await {
        let expected = ["x/a.test.js", "y/a.test.js"].map(str::to_owned);
        assert_eq!(places(&outcome), BTreeSet::from(expected), "{outcome:?}");
    }
}

#[tokio::test]
async fn the_dependencies_of_each_package_are_looked_at_once() {
    let licensed = |name: &str, licence: &str, rest: &str| {
        let fields = format!("license = \"{licence}\"\n{rest}");
        package(name, &fields)
    };
    let files = [
        ("deny.toml", "[licenses]\nallow = [\"MIT\"]\n".to_owned()),
        ("Cargo.toml", licensed("root", "MIT", "[workspace]\nmembers = [\"inner\"]\n")),
        ("src/lib.rs", String::new()),
        ("inner/Cargo.toml", licensed("inner", "GPL-3.0", "")),
        ("inner/src/lib.rs", String::new()),
        ("own/Cargo.toml", licensed("own", "GPL-2.0", "[workspace]\n")),
        ("own/src/lib.rs", String::new()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, &**text)).collect();
    let Some(outcome) = judge(adapters::cargo_deny(), &files).await else { return };
    let found: Vec<_> = outcome.findings().iter().filter_map(|it| it.file.as_deref()).collect();
    assert_eq!(found, ["Cargo.toml", "own/Cargo.toml"], "{outcome:?}");
}
