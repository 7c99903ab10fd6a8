//! A gate made of a tool from outside, with a small script as the tool.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use evergen_quality_gates::{
    AdapterGate, Canary, Coverage, Examination, ExitContract, Fault, Finding, Gate, GateInfo,
    GateKind, Invocation, Job, Outcome, Reading, Scope, Subject, ToolAdapter, ToolOutput, ToolSpec,
    VersionRange,
};

/// Names files that hold BAD, as `file:line`, and ends with how many files it read.
const WHOLE: &str = r#"#!/bin/sh
if [ "$1" = --version ]; then echo "badfinder 1.4.2"; exit 0; fi
code=0; count=0
for file in "$@"; do
  count=$((count + 1))
  grep -Hn BAD "$file" && code=1
done
echo "read $count"
exit $code
"#;

struct BadFinder {
    info: GateInfo,
    tool: ToolSpec,
}

impl ToolAdapter for BadFinder {
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
        ExitContract::default()
    }

    fn read(&self, _: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
        let text = String::from_utf8_lossy(&output.stdout);
        let mut findings = Vec::new();
        let mut count = None;
        for line in text.lines() {
            if let Some(number) = line.strip_prefix("read ") {
                count = number.parse().ok();
                continue;
            }
            let mut parts = line.split(':');
            let (file, number) = (parts.next(), parts.next().and_then(|it| it.parse().ok()));
            let (Some(file), Some(number)) = (file, number) else {
                return Err(Fault::unparsable("its output", line));
            };
            findings.push(Finding::error("bad", "BAD").in_file(file).at_line(number));
        }
        let count = count.ok_or_else(|| Fault::unparsable("its output", "it breaks off"))?;
        Ok(Reading::new(findings, Coverage::of_files(count)))
    }

    fn canaries(&self) -> Vec<Canary> {
        vec![Canary::red("c.txt", "BAD\n").by_rule("bad"), Canary::green("c.txt", "fine\n")]
    }
}

fn gate(script: Option<&str>, folder: &Path) -> AdapterGate<BadFinder> {
    if let Some(script) = script {
        let file = folder.join("badfinder");
        fs::write(&file, script).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let info = GateInfo::new("bad", GateKind::Lint).with_scope(Scope::extensions(["txt"]));
    let versions = VersionRange::at_least("1.2").unwrap().below("2").unwrap();
    let tool = ToolSpec::new("badfinder", "Install badfinder 1.4.").with_versions(versions);
    let path = format!("{}:/usr/bin:/bin", folder.display());
    AdapterGate::new(BadFinder { info, tool }).with_search_path(path)
}

async fn ask(gate: &AdapterGate<BadFinder>) -> Outcome {
    let files = [("-a.txt", "fine\nBAD\n"), ("b.txt", "fine\n"), ("c.md", "BAD\n")];
    let subject = Subject::of_files(files.map(|(path, text)| (path, text.as_bytes())));
    gate.examine(Examination::of(&subject, gate.info()).unwrap()).await
}

/// What the gate says when the tool is this script.
async fn check(script: &str, kind: &str, said: &str) {
    let folder = tempfile::tempdir().unwrap();
    let outcome = ask(&gate(Some(script), folder.path())).await;
    let Outcome::Error(fault) = &outcome else { panic!("{kind}: {outcome:?}") };
    assert_eq!(fault.kind(), kind, "{fault}");
    assert!(fault.to_string().contains(said), "{fault}");
    assert!(!fault.advice().is_empty());
}

#[tokio::test]
async fn a_tool_is_asked_once_for_all_files_and_says_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let gate = gate(Some(WHOLE), folder.path());
    let outcome = ask(&gate).await;
    let said: Vec<String> = outcome.findings().iter().map(ToString::to_string).collect();
    assert_eq!(said, ["error[bad] -a.txt:2: BAD"], "{outcome:?}");
    let coverage = outcome.coverage().unwrap();
    assert_eq!((coverage.files, coverage.by[0].version.as_str()), (2, "1.4.2"));
    let before = gate.identity().await.unwrap();
    fs::write(folder.path().join("badfinder"), WHOLE.replace("1.4.2", "1.4.3")).unwrap();
    assert_ne!(gate.identity().await.unwrap(), before, "another tool has another identity");
}

#[tokio::test]
async fn a_tool_that_is_not_there_or_another_one_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = ask(&gate(None, folder.path())).await;
    assert!(matches!(outcome, Outcome::Error(Fault::ToolMissing { .. })), "{outcome:?}");
    check(&WHOLE.replace("1.4.2", "2.0"), "wrong_version", "1.2 or later, before 2").await;
    check(&WHOLE.replace("1.4.2", "unknown"), "wrong_version", "can't be read").await;
    check("#!/bin/sh\nexit 3\n", "tool_missing", "asked for its version").await;
    check("#!/no/such/shell\n", "tool_missing", "No such file").await;
}

#[tokio::test]
async fn a_tool_that_does_not_see_its_canaries_has_no_say() {
    check(&WHOLE.replace("grep -Hn BAD", "grep -Hn NEVER"), "canary_missed", "wanted bad").await;
    check(&WHOLE.replace("grep -Hn BAD", "grep -Hn ."), "canary_missed", "found bad").await;
}

#[tokio::test]
async fn a_tool_that_contradicts_itself_or_leaves_something_out_is_an_error() {
    check(&WHOLE.replace("exit $code", "exit 0"), "findings_with_zero_exit", "which means none")
        .await;
    check(&WHOLE.replace("exit $code", "exit 1"), "non_zero_no_findings", "named no finding").await;
    check(&WHOLE.replace("exit $code", "exit 101"), "crash", "code 101").await;
    check(&WHOLE.replace("exit $code", "kill -SEGV $$"), "crash", "signal 11").await;
    check(&WHOLE.replace("read $count", "rea"), "unparsable", "rea").await;
    check(&WHOLE.replace("echo \"read", "# \"read"), "unparsable", "breaks off").await;
    check(&WHOLE.replace("read $count", "read 0"), "empty_scope", "none of 1").await;
    check(&WHOLE.replace("read $count", "read 1"), "partial", "1 of 2 files").await;
}

#[tokio::test]
async fn a_proof_is_remembered_for_this_tool_only() {
    let (folder, proofs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = folder.path().join("log");
    let noted = WHOLE.replace("code=0;", &format!("echo run >> {}; code=0;", log.display()));
    let runs = || fs::read_to_string(&log).unwrap_or_default().lines().count();
    let newer = noted.replace("1.4.2", "1.4.3");
    for (expected, script) in [(3, Some(noted.as_str())), (4, None), (7, Some(newer.as_str()))] {
        let gate = gate(script, folder.path()).remembering_proofs_in(proofs.path());
        assert!(matches!(ask(&gate).await, Outcome::Fail(_)));
        assert_eq!(runs(), expected);
    }
}
