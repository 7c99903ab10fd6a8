use serde_json::Value;

use super::*;
use crate::{Coverage, Finding, GateKind, Region, Scope, VersionRange};

/// A small program that finds lines with a certain word, says so as lines of JSON, and says at
/// the end how many files it read.
const TIDY: &str = r#"#!/bin/sh
if [ "$1" = --version ]; then echo "tidy 1.2.3"; exit 0; fi
if [ -e tidy.ignore ]; then set --; fi
exec awk 'FNR == 1 { files++ }
/bad/ { printf "{\"file\":\"%s\",\"line\":%d}\n", FILENAME, FNR; found++ }
END { printf "{\"done\":%d}\n", files; exit found ? 1 : 0 }' "$@" </dev/null
"#;

/// How the adapter is wrong, where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    None,
    TakesAnyCode,
    BelievesEmptyOutput,
    TakesAnythingAsOutput,
    DoesNotCount,
}

#[derive(Debug)]
struct Tidy {
    info: GateInfo,
    tool: ToolSpec,
    flaw: Flaw,
}

impl Tidy {
    fn new(folder: &Path, flaw: Flaw) -> Self {
        let program = folder.join("tidy");
        fs::write(&program, TIDY).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let scope = Scope::extensions(["txt"]).reading(["tidy.ignore"]).unwrap();
        let versions = VersionRange::at_least("1").unwrap();
        let tool = ToolSpec::new(program.to_string_lossy(), "Write it anew from this test.");
        let info = GateInfo::new("tidy", GateKind::Lint).with_scope(scope);
        Self { info, tool: tool.with_versions(versions), flaw }
    }
}

impl ToolAdapter for Tidy {
    fn info(&self) -> &GateInfo {
        &self.info
    }

    fn tool(&self) -> &ToolSpec {
        &self.tool
    }

    fn invocations(&self, job: &Job<'_>) -> Result<Vec<Invocation>, Fault> {
        Ok(vec![Invocation::new(job.paths())])
    }

    fn contract(&self) -> ExitContract {
        match self.flaw {
            Flaw::TakesAnyCode => ExitContract::new(0..256, 0..256),
            _ => ExitContract::default(),
        }
    }

    fn read(&self, job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
        let text = String::from_utf8_lossy(&output.stdout);
        let mut findings = Vec::new();
        let mut done = None;
        for line in text.lines() {
            let value: Value = match serde_json::from_str(line) {
                Ok(value) => value,
                Err(_) if self.flaw == Flaw::TakesAnythingAsOutput => continue,
                Err(error) => return Err(Fault::unparsable("a line", error)),
            };
            if let Some(file) = value["file"].as_str() {
                let line = u32::try_from(value["line"].as_u64().unwrap_or(1)).unwrap();
                findings
                    .push(Finding::error("bad", "a bad word").in_file(file).at(Region::line(line)));
            }
            done = done.or(value["done"].as_u64());
        }
        let believes = [Flaw::BelievesEmptyOutput, Flaw::TakesAnythingAsOutput, Flaw::TakesAnyCode];
        let done = match done {
            _ if self.flaw == Flaw::DoesNotCount => job.files.len() as u64,
            Some(done) => done,
            None if believes.contains(&self.flaw) => job.files.len() as u64,
            None => return Err(Fault::unparsable("its output", "the end is missing")),
        };
        Ok(Reading::new(findings, Coverage::of_files(done)))
    }

    fn canaries(&self) -> Vec<Canary> {
        vec![Canary::red("a.txt", "good\nbad\n").by_rule("bad"), Canary::green("a.txt", "good\n")]
    }
}

fn specimen(folder: &Path, flaw: Flaw) -> Specimen<Tidy> {
    Specimen::new(Tidy::new(folder, flaw)).excluding("tidy.ignore", "")
}

#[tokio::test]
async fn no_fault_of_a_tool_becomes_a_pass() {
    let folder = tempfile::tempdir().unwrap();
    let specimen = specimen(folder.path(), Flaw::None);
    specimen.is_there().await.unwrap();
    specimen.check_faults().await;
}

#[tokio::test]
async fn the_suite_sees_what_is_wrong_with_an_adapter() {
    let flaws = [
        (Flaw::TakesAnyCode, Some("non-zero exit with no findings: came out as Pass")),
        (Flaw::TakesAnythingAsOutput, Some("unreadable output: came out as Pass")),
        (Flaw::DoesNotCount, Some("empty scope")),
        // Each other fault has another sign, so this flaw alone does no harm.
        (Flaw::BelievesEmptyOutput, None),
    ];
    let checking = flaws.map(|(flaw, said)| async move {
        let folder = tempfile::tempdir().unwrap();
        let specimen = specimen(folder.path(), flaw);
        let outcome = tokio::spawn(async move { specimen.check_faults().await }).await;
        let text = outcome.map_err(|error| *error.into_panic().downcast::<String>().unwrap());
        let text = text.err();
        let fits = |said| text.as_ref().is_some_and(|text| text.starts_with(said));
        assert!(said.map_or(text.is_none(), fits), "{flaw:?}: {text:?}");
    });
    futures::future::join_all(checking).await;
}

/// The real linter of Python, which says which files it would look at only when asked.
#[derive(Debug)]
struct Ruff {
    info: GateInfo,
    tool: ToolSpec,
}

impl Ruff {
    fn new() -> Self {
        let scope = Scope::extensions(["py"]).reading(["**/ruff.toml"]).unwrap();
        let versions = VersionRange::at_least("0.5").unwrap();
        let tool = ToolSpec::new("ruff", "Install it with `pip install ruff`.");
        let info = GateInfo::new("ruff", GateKind::Lint).with_scope(scope);
        Self { info, tool: tool.with_versions(versions) }
    }
}

impl ToolAdapter for Ruff {
    fn info(&self) -> &GateInfo {
        &self.info
    }

    fn tool(&self) -> &ToolSpec {
        &self.tool
    }

    fn invocations(&self, job: &Job<'_>) -> Result<Vec<Invocation>, Fault> {
        let check = |more: &[&str]| {
            Invocation::new(["check", "--force-exclude", "--no-cache"])
                .with(more)
                .with(["--"])
                .with(job.paths())
        };
        Ok(vec![check(&["--show-files"]), check(&["--output-format=json"])])
    }

    fn contract(&self) -> ExitContract {
        ExitContract::default()
    }

    fn read(&self, job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
        let text = str::from_utf8(&output.stdout);
        let text = text.map_err(|error| Fault::unparsable("its output", error))?;
        if output.invocation == 0 {
            let known = |line: &str| job.files.iter().any(|file| line.ends_with(file.path()));
            if let Some(line) = text.lines().find(|line| !known(line)) {
                return Err(Fault::unparsable("its list of files", line));
            }
            let files = text.lines().count() as u64;
            return Ok(Reading::new(Vec::new(), Coverage::of_files(files)));
        }
        let found: Vec<Value> = serde_json::from_str(text)
            .map_err(|error| Fault::unparsable("its list of findings", error))?;
        let findings = found.iter().map(|value| {
            let word = |name: &str| value[name].as_str().unwrap_or("unknown").to_owned();
            let line = value["location"]["row"].as_u64().and_then(|row| u32::try_from(row).ok());
            Finding::error(word("code"), word("message"))
                .in_file(word("filename"))
                .at_line(line.unwrap_or(1))
        });
        Ok(Reading::new(findings.collect(), Coverage::default()))
    }

    fn canaries(&self) -> Vec<Canary> {
        vec![
            Canary::red("a.py", "import os\n").by_rule("F401"),
            Canary::green("a.py", "print(1)\n"),
        ]
    }
}

#[tokio::test]
async fn a_real_linter_behind_an_adapter_survives_all_faults() {
    let specimen = Specimen::new(Ruff::new()).excluding("ruff.toml", "exclude = [\"*\"]\n");
    if let Err(fault) = specimen.is_there().await {
        println!("skipped: {fault}; {}", fault.advice());
        return;
    }
    specimen.check_faults().await;
}
