//! The twelve faults, for each tool that is ready to be used.

use std::ffi::OsString;
use std::path::Path;

use super::*;
use crate::conformance::Specimen;
use crate::{
    AdapterGate, Examination, Fault, FoundTool, Gate as _, Job, Looker, Outcome, Subject,
    ToolAdapter, ToolOutput, ToolVersion,
};

/// What `cargo xtask setup` installs, and what the machine has.
pub(super) fn search_path() -> OsString {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    let tools = tools.canonicalize().unwrap_or(tools);
    let mut folders = vec![tools.join("python/bin"), tools.join("node_modules/.bin")];
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    std::env::join_paths(folders).unwrap()
}

/// Settings by which a tool looks at nothing, where it has such.
fn blinding(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "ruff check" | "ruff format" => {
            ("ruff.toml", "extend-exclude = [\"*\"]\nforce-exclude = true\n")
        }
        "black" => ("pyproject.toml", "[tool.black]\nforce-exclude = '.*'\n"),
        "pytest" => ("pyproject.toml", "[tool.pytest.ini_options]\npython_files = ['none.py']\n"),
        "biome" | "biome format" => ("biome.json", "{\"files\": {\"includes\": [\"!**\"]}}"),
        "oxlint" => (".oxlintrc.json", "{\"ignorePatterns\": [\"**\"]}"),
        "rustfmt" => ("rustfmt.toml", "ignore = [\"/\"]\ndisable_all_formatting = true\n"),
        "vitest" => ("vitest.config.js", "export default { test: { include: [\"none.js\"] } };\n"),
        _ => return None,
    })
}

/// Tools that take seconds for a file.
const SLOW: [&str; 11] = [
    "semgrep",
    "mypy",
    "pyright",
    "vitest",
    "bandit",
    "black",
    "pytest",
    "go vet",
    "cargo deny",
    "cargo test",
    "cargo llvm-cov",
];

/// All of it only where `EVERGEN_FAULTS=all` asks for it: that takes a quarter of an hour.
async fn survives(adapter: ReadyAdapter) {
    let name = adapter.info().name.clone();
    let is_whole = std::env::var("EVERGEN_FAULTS").is_ok_and(|text| text == "all");
    if SLOW.contains(&&*name) && !is_whole {
        println!("skipped: {name} is slow. Set EVERGEN_FAULTS=all.");
        return;
    }
    let mut specimen = Specimen::new(adapter).with_search_path(search_path());
    if !is_whole {
        specimen = specimen.quickly();
    }
    if let Some((path, text)) = blinding(&name) {
        specimen = specimen.excluding(path, text);
    }
    match specimen.is_there().await {
        Ok(()) => specimen.check_faults().await,
        Err(fault @ (Fault::ToolMissing { .. } | Fault::WrongVersion { .. })) => {
            println!("skipped: {name}: {fault}. {}", fault.advice());
        }
        Err(fault) => panic!("{name}: {fault}"),
    }
}

#[tokio::test]
async fn settings_of_a_folder_that_switch_rustfmt_off_are_no_pass() {
    let gate = AdapterGate::new(rustfmt()).with_search_path(search_path());
    if let Err(fault) = gate.identity().await {
        println!("skipped: rustfmt: {fault}");
        return;
    }
    let ask = async |settings: &'static str| {
        let files = [
            ("src/a.rs", "fn f() {}\n"),
            ("inner/rustfmt.toml", settings),
            ("inner/b.rs", "fn f( ) {}\n"),
        ];
        let subject = Subject::of_files(files.map(|(path, text)| (path, text.as_bytes())));
        gate.examine(Examination::of(&subject, gate.info()).unwrap()).await
    };
    let off = ask("disable_all_formatting = true\n").await;
    assert!(matches!(&off, Outcome::Error(Fault::EmptyScope { .. })), "{off:?}");
    let on = ask("max_width = 80\n").await;
    assert_eq!(on.findings().len(), 1, "{on:?}");
}

/// What each run's answer is read by is thought out once, and not again for each run: with two
/// thousand projects that would take a quarter of an hour.
#[test]
fn many_projects_are_read_in_a_moment() {
    let found = FoundTool {
        path: "/bin/tool".into(),
        version: ToolVersion::find("9.0").unwrap(),
        looker: Looker::new("tool", "9.0"),
    };
    let settings = "{\"include\": [\"**/*\"], \"references\": []}";
    let package = "[package]\nname = \"a\"\nversion = \"0.1.0\"\n";
    let built = "{\"reason\": \"build-finished\", \"success\": true}";
    for (adapter, manifest, text, file) in [
        (tsc(), "tsconfig.json", settings, "a.ts"),
        (clippy(), "Cargo.toml", package, "a.rs"),
        (go_vet(), "go.mod", "module a\n", "a.go"),
    ] {
        let folders = (0..2000).map(|number| format!("p{number}"));
        let files = folders.flat_map(|folder| {
            let file = (format!("{folder}/{file}"), Vec::new());
            [(format!("{folder}/{manifest}"), text.as_bytes().to_vec()), file]
        });
        let subject = Subject::of_files(files);
        let tree = subject.files().unwrap();
        let scope = &adapter.info().scope;
        let judged: Vec<_> = tree.iter().filter(|it| scope.judges(it.path())).cloned().collect();
        let read = tree.iter().filter(|it| scope.reads(it.path()));
        let read = read.map(|it| (it.path().to_owned(), it.bytes().unwrap())).collect();
        let job = Job::new(Path::new("/tree"), Path::new("/cache"), &judged, &found);
        let job = job.within(tree).reading(read);
        let runs = adapter.invocations(&job).unwrap();
        let mut looked = 0;
        for number in 0..runs.len() {
            let place = judged[if manifest == "go.mod" { number / 2 } else { number }].path();
            let (folder, _) = place.rsplit_once('/').unwrap();
            let said = match manifest {
                "tsconfig.json" => format!("/tree/{place}\n"),
                "Cargo.toml" => built.to_owned(),
                _ => format!("{{\"Dir\": \"/tree/{folder}\", \"GoFiles\": [\"a.go\"]}}"),
            };
            let told = if number % 2 == 1 { "# a\n{}\n" } else { "" };
            let output = ToolOutput { invocation: number, ..ToolOutput::new(0, said, told) };
            looked += adapter.read(&job, &output).unwrap().coverage.files;
        }
        assert_eq!(looked, 2000, "{manifest}");
    }
}

macro_rules! survivors {
    ($($test:ident: $adapter:ident;)*) => {
        $(#[tokio::test]
        async fn $test() {
            survives($adapter()).await;
        })*

        #[test]
        fn every_ready_adapter_is_put_through_the_faults() {
            let mut tested = [$($adapter().info().name.clone()),*];
            let mut ready: Vec<String> =
                ready_adapters().iter().map(|one| one.info().name.clone()).collect();
            tested.sort();
            ready.sort();
            assert_eq!(ready, tested);
        }
    };
}

survivors! {
    rustfmt_survives: rustfmt;
    ruff_format_survives: ruff_format;
    ruff_check_survives: ruff_check;
    gofmt_survives: gofmt;
    biome_survives: biome;
    black_survives: black;
    bandit_survives: bandit;
    mypy_survives: mypy;
    tsc_survives: tsc;
    go_vet_survives: go_vet;
    cargo_deny_survives: cargo_deny;
    cargo_check_survives: cargo_check;
    clippy_survives: clippy;
    pytest_survives: pytest;
    vitest_survives: vitest;
    cargo_test_survives: cargo_test;
    biome_format_survives: biome_format;
    oxlint_survives: oxlint;
    ty_survives: ty;
    pyright_survives: pyright;
    semgrep_survives: semgrep;
    cargo_audit_survives: cargo_audit;
    cargo_llvm_cov_survives: cargo_llvm_cov;
}
