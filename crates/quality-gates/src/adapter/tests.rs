use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use super::*;
use crate::{Coverage, ExitContract, Limits, Scope, ToolSpec, VersionRange};

/// A tool that is a script of the test's own; it finds what the script writes, as `file:line`.
#[derive(Debug)]
struct Scripted {
    info: GateInfo,
    tool: ToolSpec,
    canaries: Vec<Canary>,
}

const GREP: &str = "#!/bin/sh
if [ \"$1\" = --version ]; then echo grep 3.1; exit 0; fi
echo run >>\"$COUNT\"
for file in \"$@\"; do grep -n bad \"$file\" | sed \"s|^|$PWD/$file:|\"; done >out
cat out
if [ -s out ]; then exit 1; fi
";

impl Scripted {
    fn new(folder: &Path, text: &str) -> Self {
        let program = folder.join("grep-tool");
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let info = GateInfo::new("grep", GateKind::Lint).with_scope(Scope::extensions(["txt"]));
        let tool = ToolSpec::new(program.to_string_lossy(), "Install it.");
        let canaries = vec![Canary::red("c.txt", "bad\n"), Canary::green("c.txt", "good\n")];
        Self { info, tool, canaries }
    }
}

impl ToolAdapter for Scripted {
    fn info(&self) -> &GateInfo {
        &self.info
    }

    fn tool(&self) -> &ToolSpec {
        &self.tool
    }

    fn invocations(&self, job: &Job<'_>) -> Result<Vec<Invocation>, Fault> {
        let count = job.tool.path.with_file_name("count");
        Ok(vec![Invocation::new(job.paths()).with_variable("COUNT", count.to_string_lossy())])
    }

    fn contract(&self) -> ExitContract {
        ExitContract::default()
    }

    fn read(&self, job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let finding = |line: &str| {
            let mut parts = line.split(':');
            let (file, line) = (parts.next()?, parts.next()?.parse().ok()?);
            Some(Finding::error("bad", "a bad word").in_file(file).at_line(line))
        };
        let findings: Option<Vec<Finding>> = text.lines().map(finding).collect();
        let findings = findings.ok_or_else(|| Fault::unparsable("its output", &text))?;
        Ok(Reading::new(findings, Coverage::of_files(job.files.len() as u64)))
    }

    fn canaries(&self) -> Vec<Canary> {
        self.canaries.clone()
    }

    fn limits(&self) -> Limits {
        Limits::default().with_time(std::time::Duration::from_secs(5))
    }
}

async fn ask<A: ToolAdapter>(gate: &AdapterGate<A>, files: &[(&str, &str)]) -> Outcome {
    let files = files.iter().map(|(path, text)| (*path, text.as_bytes()));
    let subject = Subject::of_files(files);
    gate.examine(Examination::of(&subject, gate.info()).unwrap()).await
}

fn runs(folder: &Path) -> usize {
    fs::read_to_string(folder.join("count")).unwrap_or_default().lines().count()
}

#[tokio::test]
async fn a_tool_is_proved_once_and_then_run_once_for_all_files() {
    let folder = tempfile::tempdir().unwrap();
    let proofs = folder.path().join("proofs");
    let gate =
        || AdapterGate::new(Scripted::new(folder.path(), GREP)).remembering_proofs_in(&proofs);
    let first = gate();
    let outcome = ask(&first, &[("a.txt", "good\n"), ("b.txt", "good\n"), ("c.md", "bad\n")]).await;
    let Outcome::Pass(coverage) = outcome else { panic!("{outcome:?}") };
    assert_eq!(
        (coverage.files, coverage.by[0].name.as_str(), coverage.by[0].version.as_str()),
        (2, "grep-tool", "3.1")
    );
    assert_eq!(runs(folder.path()), 3, "two canaries and one run for two files");
    let outcome = ask(&first, &[("x/b.txt", "good\nbad\n")]).await;
    assert_eq!(outcome.findings()[0].to_string(), "error[bad] x/b.txt:2: a bad word");
    assert_eq!(runs(folder.path()), 4);
    // The script was written anew, so it is another file: its proof is not taken over.
    ask(&gate(), &[("a.txt", "good\n")]).await;
    assert_eq!(runs(folder.path()), 7);
}

/// The same, with a control that looks at the settings.
struct Controlled(Scripted);

impl ToolAdapter for Controlled {
    fn info(&self) -> &GateInfo {
        self.0.info()
    }

    fn tool(&self) -> &ToolSpec {
        self.0.tool()
    }

    fn invocations(&self, job: &Job<'_>) -> Result<Vec<Invocation>, Fault> {
        let mut runs = self.0.invocations(job)?;
        let mut control = Invocation { is_control: true, ..runs[0].clone() };
        control.arguments = vec!["a.cfg".into()];
        runs.push(control);
        Ok(runs)
    }

    fn contract(&self) -> ExitContract {
        self.0.contract()
    }

    fn read(&self, job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
        self.0.read(job, output)
    }

    fn canaries(&self) -> Vec<Canary> {
        self.0.canaries()
    }
}

#[tokio::test]
async fn a_control_is_not_repeated_unless_its_settings_change_or_it_finds_something() {
    let folder = tempfile::tempdir().unwrap();
    let mut adapter = Scripted::new(folder.path(), GREP);
    adapter.info.scope = Scope::extensions(["txt"]).reading(["*.cfg"]).unwrap();
    let gate = AdapterGate::new(Controlled(adapter));
    let mut before = 0;
    for (settings, text, more, findings) in [
        // The canaries, which have no settings: two runs, and their control.
        ("one", "good\n", 5, 0),
        ("one", "good or better\n", 1, 0),
        ("two", "good\n", 2, 0),
        ("bad", "good\n", 2, 1),
        ("bad", "good\n", 2, 1),
        ("one", "good\n", 1, 0),
    ] {
        let outcome = ask(&gate, &[("a.txt", text), ("a.cfg", settings)]).await;
        assert_eq!(outcome.findings().len(), findings, "{settings}: {outcome:?}");
        let now = runs(folder.path());
        assert_eq!(now - before, more, "{settings} {text}");
        before = now;
    }
}

#[tokio::test]
async fn the_next_process_remembers_a_proof() {
    let folder = tempfile::tempdir().unwrap();
    let adapter = Arc::new(Scripted::new(folder.path(), GREP));
    for runs_until_then in [3, 4, 5] {
        let gate = AdapterGate::new(adapter.clone()).remembering_proofs_in(folder.path());
        ask(&gate, &[("a.txt", "good\n")]).await;
        assert_eq!(runs(folder.path()), runs_until_then);
    }
}

#[tokio::test]
async fn a_tool_that_sees_nothing_or_too_much_gives_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let says = |fault: &str, change: &dyn Fn(&mut Scripted)| {
        let mut adapter = Scripted::new(folder.path(), GREP);
        change(&mut adapter);
        let (gate, fault) = (AdapterGate::new(adapter), fault.to_owned());
        async move {
            let outcome = ask(&gate, &[("a.txt", "good\n")]).await;
            let Outcome::Error(said) = outcome else { panic!("{outcome:?}") };
            assert_eq!(said.to_string(), fault);
        }
    };
    let blind = |adapter: &mut Scripted| {
        adapter.canaries[0] = Canary::red("red.txt", "good\n");
    };
    says("it failed its own proof: red.txt: wanted anything, found nothing", &blind).await;
    let other = |adapter: &mut Scripted| {
        adapter.canaries[0] = Canary::red("red.txt", "bad\n").by_rule("worse");
    };
    says("it failed its own proof: red.txt: wanted worse, found bad", &other).await;
    let nervous = |adapter: &mut Scripted| {
        adapter.canaries[1] = Canary::green("green.txt", "bad\n");
    };
    says("it failed its own proof: green.txt: found bad", &nervous).await;
    let one_sided = |adapter: &mut Scripted| {
        adapter.canaries.pop();
    };
    says("it failed its own proof: it needs a red and a green canary", &one_sided).await;
    let elsewhere = |adapter: &mut Scripted| {
        adapter.canaries[1] = Canary::green("green.md", "good");
    };
    says(
        "it failed its own proof: green.md: no file of the canary is in the gate's scope",
        &elsewhere,
    )
    .await;
}

#[tokio::test]
async fn another_binary_is_another_identity() {
    let folder = tempfile::tempdir().unwrap();
    let gate = AdapterGate::new(Scripted::new(folder.path(), GREP));
    let before = gate.identity().await.unwrap();
    assert_eq!(before, gate.identity().await.unwrap());
    fs::write(folder.path().join("grep-tool"), GREP.replace("3.1", "3.2")).unwrap();
    let after = gate.identity().await.unwrap();
    assert_ne!(before.digest, after.digest);
    assert_eq!(after.lookers[0].version, "3.2");
    let mut old = Scripted::new(folder.path(), GREP);
    old.tool.versions = VersionRange::at_least("4").unwrap();
    let fault = AdapterGate::new(old).identity().await.unwrap_err();
    let said = fault.to_string();
    assert!(said.ends_with("has version 3.1, and 4 or later is wanted"), "{said}");
    assert_eq!(fault.advice(), "Install it.");
}

/// Files from outside, with names that a shell or a careless tool would take for something else.
#[tokio::test]
async fn names_are_only_names() {
    let folder = tempfile::tempdir().unwrap();
    let gate = AdapterGate::new(Scripted::new(folder.path(), GREP));
    let outcome =
        ask(&gate, &[("--help.txt", "bad"), ("$(touch x).txt", "bad"), ("a b.txt", "bad")]).await;
    let files: Vec<_> =
        outcome.findings().iter().filter_map(|finding| finding.file.clone()).collect();
    assert_eq!(files, ["$(touch x).txt", "--help.txt", "a b.txt"]);
}
