//! A server that breaks in every way that we could think of.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::form::{Asks, Form};
use super::gate::ServerGate;
use super::ready;
use crate::{
    AdapterGate, Canary, Coverage, Examination, ExitContract, Fault, Finding, Gate, GateInfo,
    GateKind, Invocation, Job, Limits, Needs, Outcome, Reading, Scope, Scratch, Subject,
    ToolAdapter, ToolOutput, ToolSpec, VersionRange, Workspace,
};

const FAKE: &str = include_str!("tests/fake.py");

struct Fake {
    info: GateInfo,
    tool: ToolSpec,
    canaries: Vec<Canary>,
}

impl ToolAdapter for Fake {
    fn info(&self) -> &GateInfo {
        &self.info
    }

    fn tool(&self) -> &ToolSpec {
        &self.tool
    }

    fn invocations(&self, job: &Job<'_>) -> Result<Vec<Invocation>, Fault> {
        Ok(vec![Invocation::new(["check"]).with(job.paths())])
    }

    fn contract(&self) -> ExitContract {
        ExitContract::default()
    }

    fn read(&self, job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
        let text = String::from_utf8_lossy(&output.stdout);
        let finding = |line: &str| {
            let (file, line) = line.split_once(':')?;
            Some(Finding::error("bad", "a bad line").in_file(file).at_line(line.parse().ok()?))
        };
        let found: Option<Vec<Finding>> = text.lines().map(finding).collect();
        let found = found.ok_or_else(|| Fault::unparsable("its output", &text))?;
        Ok(Reading::new(found, Coverage::of_files(job.files.len() as u64)))
    }

    fn canaries(&self) -> Vec<Canary> {
        self.canaries.clone()
    }

    fn limits(&self) -> Limits {
        Limits::default().with_memory(200 << 20).with_output(1 << 20)
    }
}

/// A fake tool in a folder of its own, and the tree that its gate judges.
struct Stand {
    folder: tempfile::TempDir,
    scratch: Scratch,
    gate: ServerGate<Fake>,
}

impl Stand {
    /// Nothing if there is no Python.
    fn new(arguments: &[&str]) -> Option<Self> {
        Self::with(arguments, |_, form| form)
    }

    fn with(arguments: &[&str], change: impl FnOnce(&mut Fake, Form) -> Form) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|folder| folder.join("python3").is_file()) {
            println!("skipped: python3 is missing; install it with `cargo xtask setup`");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("fake");
        fs::write(&program, FAKE).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let scope = Scope::extensions(["txt"]);
        let mut fake = Fake {
            info: GateInfo::new("fake", GateKind::Lint).with_scope(scope).needing(Needs::Tree),
            tool: ToolSpec::new(program.to_string_lossy(), "Install it."),
            canaries: vec![
                Canary::red("c.txt", "bad\n").by_rule("bad"),
                Canary::green("c.txt", "good\n"),
            ],
        };
        let form = Form {
            settings: json!({ "fake": { "deep": 1 } }),
            mistake: "bad\n",
            ..ready::form(arguments, "1")
        };
        let form = form.with_patience(Duration::from_secs(5), Duration::from_secs(3));
        let form = change(&mut fake, form);
        let gate = ServerGate::new(AdapterGate::new(fake), form).without_the_tool_itself();
        Some(Self { folder, scratch: Scratch::temporary().unwrap(), gate })
    }

    fn with_the_tool_itself(mut self) -> Self {
        self.gate.alone = false;
        self
    }

    async fn ask(&self, files: &[(&str, &str)]) -> Outcome {
        let files = files.iter().map(|(path, text)| (*path, text.as_bytes()));
        let subject = Subject::of_files(files);
        let workspace = Workspace::new(subject.clone(), Some(self.scratch.clone()));
        let scope = &self.gate.info().scope;
        let judged = subject.changed().iter().filter(|file| scope.judges(file.path()));
        let judged = judged.cloned().collect();
        self.gate.examine(Examination::new(subject.clone(), judged, workspace)).await
    }

    /// The numbers that the fake wrote to a file of its own.
    fn noted(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// How many of the processes that there ever were are left.
    fn living(&self) -> usize {
        self.noted("pids").iter().filter(|pid| lives(pid)).count()
    }
}

fn lives(pid: &str) -> bool {
    fs::read_to_string(Path::new("/proc").join(pid).join("stat"))
        .is_ok_and(|text| !text.rsplit(')').next().unwrap_or_default().trim().starts_with('Z'))
}

fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Pass(coverage) => format!("pass: {} file(s)", coverage.files),
        Outcome::Fail(found) => {
            found.findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        }
        Outcome::Error(fault) => format!("{}: {fault}", fault.kind()),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_is_started_once_and_follows_the_tree() {
    for mode in ["pull", "push", "register"] {
        let registers = |_: &mut Fake, form: Form| Form { registers: mode == "register", ..form };
        let Some(stand) = Stand::with(&["serve", mode], registers) else { return };
        let first = stand.ask(&[("a.txt", "use b.txt\n"), ("b.txt", "good\n")]).await;
        assert_eq!(shown(&first), "pass: 2 file(s)");
        let Outcome::Pass(coverage) = first else { panic!("no pass") };
        let by = &coverage.by[0];
        assert_eq!((by.name.as_str(), by.version.as_str()), ("fake server", "1.5"));
        let second = stand.ask(&[("a.txt", "use b.txt\n"), ("b.txt", "good\nbad é\n")]).await;
        assert_eq!(shown(&second), "error[bad] b.txt:2:1: a bad line");
        let third = stand.ask(&[("a.txt", "use b.txt\n")]).await;
        assert_eq!(shown(&third), "error[missing] a.txt:1:1: a bad line", "b.txt is gone");
        let fourth = stand.ask(&[("a.txt", "use b.md\n"), ("b.md", "any")]).await;
        assert_eq!(shown(&fourth), "pass: 1 file(s)", "files that are not judged are told, too");
        assert_eq!(stand.noted("pids").len(), 2, "one for the proof, and one for all verdicts");
        assert_eq!(stand.living(), 1);
        stand.gate.close().await;
        assert_eq!(stand.living(), 0);
        assert_eq!(stand.noted("farewells").len(), 1, "it was asked to end");
        assert_eq!(stand.noted("colds").len(), 0);
    }
}

/// Every way to break down is an error of the right kind, leaves no process behind, and the next
/// verdict is as good as ever.
async fn breaks(mode: &str, text: &str, wanted: &str) {
    let Some(stand) = Stand::new(&["serve", mode]) else { return };
    assert_eq!(shown(&stand.ask(&[("a.txt", "good\n")]).await), "pass: 1 file(s)", "{text}");
    let outcome = shown(&stand.ask(&[("a.txt", text), ("b.txt", "good\n")]).await);
    assert!(outcome.starts_with(wanted), "{text}: {outcome}");
    assert_eq!(stand.living(), 0, "{text}");
    assert_eq!(shown(&stand.ask(&[("a.txt", "bad\n")]).await), "error[bad] a.txt:1:1: a bad line");
    drop(stand.gate);
    let left = || fs::read_to_string(stand.folder.path().join("pids")).unwrap_or_default();
    assert!(!left().lines().any(lives), "{text}: a server outlives its gate");
}

macro_rules! breakdowns {
    ($($name:ident: $mode:literal $text:literal => $wanted:literal;)*) => {
        $(#[tokio::test]
        async fn $name() {
            breaks($mode, $text, $wanted).await;
        })*
    };
}

breakdowns! {
    a_hang: "pull" "SLEEP" => "timeout: no answer within";
    an_exit: "pull" "EXIT" => "crash: it ended with code 3, which its contract does not know: no more";
    a_signal: "pull" "SIGNAL" => "crash: signal 11 ended it";
    a_closed_pipe: "pull" "CLOSE" => "unparsable: its output could not be read: it closed it";
    a_flood: "pull" "FLOOD" => "flood: it wrote more than 1048576 bytes to standard output";
    a_loud_error_stream: "pull" "SHOUT" => "flood: it wrote more than 1048576 bytes to standard error";
    endless_headers: "pull" "ENDLESS" => "unparsable: a message of the server";
    a_message_without_end: "pull" "LARGE" => "flood: it wrote more than 16777216 bytes to one message";
    print_statements: "pull" "PRINT" => "unparsable: a message of the server";
    no_json: "pull" "NOJSON" => "unparsable: a message of the server";
    an_answer_to_nothing: "pull" "STRAY" => "unparsable: an answer of the server could not be read: nobody asked";
    two_answers: "pull" "TWICE" => "unparsable: an answer of the server could not be read: nobody asked";
    an_empty_answer: "pull" "NEITHER" => "unparsable: an answer of the server";
    an_answer_that_refers_to_another: "pull" "UNCHANGED" => "unparsable: diagnostics of the server";
    an_answer_of_nothing: "pull" "NULL" => "unparsable: diagnostics of the server";
    a_refusal: "pull" "REFUSE" => "infra: the server answered with error -32603: no";
    a_question_put_off_for_ever: "pull" "NEVER" => "infra: the server put the same question off";
    too_much_memory: "pull" "FAT" => "crash: it needed more than 209715200 bytes";
    silence: "push" "SILENT" => "timeout: no answer within";
    answers_for_an_older_text: "push" "LATE" => "timeout: no answer within";
}

#[tokio::test]
async fn what_is_only_slow_or_talkative_breaks_nothing() {
    let Some(stand) = Stand::new(&["serve", "pull"]) else { return };
    assert_eq!(shown(&stand.ask(&[("a.txt", "LATER\nASK\n")]).await), "pass: 1 file(s)");
    assert_eq!(stand.noted("pids").len(), 2);
    let Some(stand) = Stand::new(&["serve", "push"]) else { return };
    let outcome = stand.ask(&[("a.txt", "OLD\nbad\n")]).await;
    assert_eq!(shown(&outcome), "error[bad] a.txt:2:1: a bad line", "old answers count nothing");
}

#[tokio::test]
async fn a_server_that_never_works_is_an_error_or_replaced_by_the_tool() {
    for (arguments, wanted) in [
        (&["serve", "deaf"][..], "timeout: no answer within 5000 ms"),
        (&["nothing"], "crash: it ended with code 7"),
        (&["serve", "blind"], "canary_missed: it failed its own proof: c.txt"),
        (&["serve", "push-without-versions"], "unparsable: diagnostics of the server"),
    ] {
        let Some(stand) = Stand::new(arguments) else { return };
        let outcome = shown(&stand.ask(&[("a.txt", "good\n")]).await);
        assert!(outcome.starts_with(wanted), "{arguments:?}: {outcome}");
        assert_eq!(stand.living(), 0);
        let stand = stand.with_the_tool_itself();
        assert_eq!(shown(&stand.ask(&[("a.txt", "good\n")]).await), "pass: 1 file(s)");
        let note = stand.gate.note().unwrap();
        assert!(outcome.ends_with(&note), "{note}");
        assert_eq!(
            shown(&stand.ask(&[("a.txt", "bad\n")]).await),
            "error[bad] a.txt:1: a bad line"
        );
        assert_eq!(stand.noted("colds").len(), 4, "two canaries and two verdicts");
        assert_eq!(stand.living(), 0);
    }
}

#[tokio::test]
async fn a_file_that_the_server_does_not_look_at_is_no_pass() {
    let Some(stand) = Stand::new(&["serve", "pull"]) else { return };
    let outcome = shown(&stand.ask(&[("a.txt", "good\n"), ("blind.txt", "good\n")]).await);
    let wanted = "canary_missed: it failed its own proof: blind.txt: the server did not see";
    assert!(outcome.starts_with(wanted), "{outcome}");
    assert_eq!(shown(&stand.ask(&[("a.txt", "good\n")]).await), "pass: 1 file(s)");
    assert_eq!(stand.noted("pids").len(), 2, "the server goes on");
    let stand = stand.with_the_tool_itself();
    let outcome = shown(&stand.ask(&[("blind.txt", "bad\n")]).await);
    assert_eq!(outcome, "error[bad] blind.txt:1: a bad line", "the tool itself looked");
}

#[tokio::test]
async fn restarts_are_counted() {
    let Some(stand) = Stand::new(&["serve", "pull"]) else { return };
    for round in 0..5 {
        let outcome = shown(&stand.ask(&[("a.txt", "EXIT\n")]).await);
        assert!(outcome.starts_with("crash: "), "{round}: {outcome}");
    }
    let outcome = shown(&stand.ask(&[("a.txt", "good\n")]).await);
    assert_eq!(outcome, "infra: the server was started 5 times within 10 minutes");
    assert_eq!((stand.noted("pids").len(), stand.living()), (10, 0));
    let stand = stand.with_the_tool_itself();
    assert_eq!(shown(&stand.ask(&[("a.txt", "good\n")]).await), "pass: 1 file(s)");
}

#[tokio::test]
async fn a_verdict_that_is_given_up_ends_the_server() {
    let Some(stand) = Stand::new(&["serve", "pull"]) else { return };
    assert_eq!(shown(&stand.ask(&[("a.txt", "good\n")]).await), "pass: 1 file(s)");
    assert_eq!(stand.living(), 1);
    let hanging = [("a.txt", "SLEEP\n")];
    let given_up = tokio::time::timeout(Duration::from_millis(300), stand.ask(&hanging)).await;
    assert!(given_up.is_err());
    assert_eq!(stand.living(), 0, "also what it started in a session of its own");
    assert_eq!(shown(&stand.ask(&[("a.txt", "bad\n")]).await), "error[bad] a.txt:1:1: a bad line");
}

#[tokio::test]
async fn a_server_that_died_in_between_is_started_again() {
    let Some(stand) = Stand::new(&["serve", "pull"]) else { return };
    assert_eq!(shown(&stand.ask(&[("a.txt", "good\n")]).await), "pass: 1 file(s)");
    let pid = stand.noted("pids").pop().unwrap().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    while stand.living() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(shown(&stand.ask(&[("a.txt", "bad\n")]).await), "error[bad] a.txt:1:1: a bad line");
}

#[tokio::test]
async fn what_is_not_for_a_server_is_for_the_tool() {
    let few = |_: &mut Fake, form: Form| form.with_most_files(1);
    let Some(stand) = Stand::with(&["serve", "pull"], few) else { return };
    let outcome = shown(&stand.ask(&[("a.txt", "good\n"), ("b.txt", "good\n")]).await);
    assert_eq!(outcome, "infra: 2 files are more than the 1 that a server is asked about");
    let old = |_: &mut Fake, mut form: Form| {
        form.versions = VersionRange::at_least("2").unwrap();
        form
    };
    let Some(stand) = Stand::with(&["serve", "pull"], old) else { return };
    let outcome = shown(&stand.ask(&[("a.txt", "good\n")]).await);
    assert!(outcome.starts_with("wrong_version: "), "{outcome}");
    let Some(stand) = Stand::new(&["serve", "pull"]) else { return };
    let outcome = shown(&stand.ask(&[("a.md", "good\n")]).await);
    assert_eq!(
        outcome,
        "empty_scope: there was nothing to look at: no file is left in the gate's scope"
    );
    assert_eq!(stand.noted("pids").len(), 0, "nothing was started for it");
}

#[test]
fn only_what_has_a_server_has_a_warm_form() {
    let names: Vec<String> = crate::adapters::ready_adapters()
        .iter()
        .map(|adapter| adapter.info().name.clone())
        .filter(|name| super::warm_form(name).is_some())
        .collect();
    assert_eq!(names, ["ruff format", "ruff check", "ty", "pyright", "tsc"]);
    let layout = super::warm_form("ruff format").unwrap();
    assert_eq!(layout.asks, Asks::Layout);
}
