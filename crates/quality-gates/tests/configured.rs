//! Real tools that are gates by their settings alone.
#![expect(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::path::PathBuf;

use evergen_quality_gates::{
    AdapterGate, Circumstances, ConfiguredTool, Extent, Gate, Policy, Presentation,
    QualityGateEngine, ReportFormat, Subject, ToolSettings,
};
use jiff::civil::date;

/// Whether a program is there; says what to install where it is not.
fn has(program: &str, install: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|it: PathBuf| it.join(program)).any(|it| it.exists());
    if !found {
        println!("skipped: {program} is not installed ({install})");
    }
    found
}

fn gate(toml: &str) -> impl Gate + 'static {
    let settings: ToolSettings = toml::from_str(toml).unwrap();
    AdapterGate::new(ConfiguredTool::new(&settings).unwrap())
}

/// What the report says of these files, as text without durations.
async fn check(toml: &str, files: &[(&str, &str)]) -> String {
    let engine = QualityGateEngine::new(Policy::default()).with_gate(gate(toml));
    let subject = Subject::of_files(files.iter().map(|(path, text)| (*path, text.as_bytes())));
    let today = Circumstances::new(date(2026, 11, 28), Extent::Whole);
    let report = engine.execute_on(&subject, today).await;
    let shown = Presentation::new(&report).with_sources(&subject).without_timings();
    shown.render(ReportFormat::Text)
}

const GCC: &str = r#"
name = "gcc"
kind = "types"
command = ["gcc", "-fsyntax-only", "-Wall", "-fdiagnostics-plain-output", "{files}"]
install = "Install it with `apt-get install gcc`."
files = ["**/*.c"]
exit = { findings = [1], tolerated = "warning" }
reports = [{ from = "stderr", format = "gnu" }]
canaries = [
  { expect = "red", path = "a.c", text = "int f(void) { return }\n" },
  { expect = "green", path = "a.c", text = "int f(void) { return 1; }\n" },
]
"#;

#[tokio::test]
async fn a_compiler_by_lines_as_gnu_has_them() {
    if !has("gcc", "apt-get install gcc") {
        return;
    }
    let bad = "int f(void) {\n    int unused;\n    return missing;\n}\n";
    let said = check(GCC, &[("src/a.c", bad), ("src/b.c", "int g(void) { return 2; }\n")]).await;
    assert!(said.starts_with("gcc: failed: 1 finding ("), "{said}");
    assert!(said.contains("src/a.c:3:12: ") && said.contains("3 |     return missing;"), "{said}");
    assert!(said.contains("warning[-Wunused-variable] src/a.c:2:9: "), "{said}");
    let said = check(GCC, &[("src/b.c", "int g(void) { return 2; }\n")]).await;
    assert!(said.starts_with("gcc: passed"), "{said}");
}

const RUFF: &str = r#"
name = "ruff"
kind = "lint"
command = ["ruff", "check", "--no-cache", "--isolated", "--output-format=FORMAT", "{files}"]
install = "Install it with `pip install ruff`."
files = ["**/*.py"]
reports = [{ format = "NAME" }]
canaries = [
  { expect = "red", path = "a.py", text = "import os\n", rule = "F401" },
  { expect = "green", path = "a.py", text = "x = 1\n" },
]
"#;

#[tokio::test]
async fn a_linter_by_sarif() {
    if !has("ruff", "pip install ruff") {
        return;
    }
    let toml = RUFF.replace("FORMAT", "sarif").replace("NAME", "sarif");
    let said = check(&toml, &[("src/a b.py", "import os\nx = 1\n")]).await;
    assert!(said.contains("[F401] src/a b.py:1:8: "), "{said}");
    assert!(said.contains("= help: https://docs.astral.sh/ruff/rules/unused-import"), "{said}");
    let said = check(&toml, &[("a.py", "x = 1\n")]).await;
    assert!(said.starts_with("ruff: passed"), "{said}");
}

#[tokio::test]
async fn a_tool_that_cannot_do_what_it_should_is_found_out_by_its_canary() {
    if !has("ruff", "pip install ruff") {
        return;
    }
    let toml = RUFF.replace("FORMAT", "sarif").replace("NAME", "sarif");
    let blind = toml.replace("\"--isolated\"", "\"--isolated\", \"--ignore=F401\"");
    let said = check(&blind, &[("a.py", "x = 1\n")]).await;
    assert!(said.contains("could not look: it failed its own proof"), "{said}");
    let other = RUFF.replace("FORMAT", "concise").replace("NAME", "sarif");
    let said = check(&other, &[("a.py", "x = 1\n")]).await;
    assert!(said.contains("could not be read"), "{said}");
}
