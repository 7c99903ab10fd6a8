//! Kills the program at every system call that changes something, and lets such calls
//! fail: there is the old tree or the new one, and the next run goes on.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};

use evergen_regeneration::{Access, RegenerationEngine};
use evergen_tests::project::{Fixture, Tree, folder, tree};

/// The calls that may change a file, by their names on any architecture.
const CHANGING: &str = "?open,?openat,?creat,?write,?pwrite64,?writev,?rename,?renameat,?renameat2,\
    ?unlink,?unlinkat,?rmdir,?mkdir,?mkdirat,?link,?linkat,?symlink,?symlinkat,?truncate,?ftruncate,\
    ?fallocate,?copy_file_range,?sendfile,?fsync,?fdatasync,?chmod,?fchmod,?fchmodat,?utimensat";

const SETTINGS: &str = r#"[model]
sources = ["model"]
[regeneration]
parallel_workers = 1
"#;

const TEMPLATE: &str = r#"+++
for_each = "SELECT ?class WHERE { ?class a owl:Class }"
to = "{{ class | local_name }}/class.txt"
+++
{{ class.label("en") }}
"#;

fn model(classes: &[(&str, &str)]) -> String {
    let line = |(class, label): &(&str, &str)| {
        format!(
            "<http://example.org/{class}> a <http://www.w3.org/2002/07/owl#Class> ; \
             <http://www.w3.org/2000/01/rdf-schema#label> \"{label}\" .\n"
        )
    };
    classes.iter().map(line).collect()
}

const OLD: [(&str, &str); 4] = [("A", "one"), ("B", "two"), ("C", "three"), ("D", "four")];

/// What is run: a change to the project, and the arguments.
struct Scenario {
    /// The model before; without one nothing was generated before.
    before: Option<&'static [(&'static str, &'static str)]>,
    after: &'static [(&'static str, &'static str)],
    is_full: bool,
    /// Whether the version is kept.
    is_versioned: bool,
}

/// One file changed, one added, one removed.
const UPDATE: Scenario = Scenario {
    before: Some(&OLD),
    after: &[("A", "one"), ("B", "two, changed"), ("C", "three"), ("E", "five")],
    is_full: false,
    is_versioned: false,
};

/// The same with a version that goes up, and a changelog.
const VERSIONED: Scenario = Scenario { is_versioned: true, ..UPDATE };

const FIRST: Scenario = Scenario { before: None, after: &OLD, ..UPDATE };

const FULL: Scenario = Scenario { is_full: true, ..UPDATE };

const DELETION: Scenario = Scenario { after: &[("B", "two")], ..UPDATE };

/// What a run made, without its state.
type Made = (Tree, [Option<String>; 2]);

fn made(root: &Path) -> Made {
    let own = ["evergen.lock", "evergen.version.ttl"];
    (tree(&root.join("gen")), own.map(|name| fs::read_to_string(root.join(name)).ok()))
}

/// The shipped program with a project and further arguments.
fn program(root: &Path, words: &str, through: &[String]) -> Command {
    let own = env!("CARGO_BIN_EXE_evergen-under-test").to_owned();
    let line: Vec<String> = through.iter().cloned().chain([own]).collect();
    let mut command = Command::new(&line[0]);
    command.args(&line[1..]).arg("run").arg(root).args(words.split_whitespace());
    // The search path of the linker would only add calls.
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.current_dir(root).stdin(Stdio::null());
    command
}

impl Scenario {
    /// A project that is about to be run.
    fn make(&self) -> Fixture {
        let fixture = Fixture::new();
        let version = if self.is_versioned { "auto_version = true\n" } else { "" };
        fixture
            .write("evergen.toml", format!("{SETTINGS}{version}"))
            .write("templates/class.j2", TEMPLATE);
        if let Some(before) = self.before {
            fixture.write("model/shop.ttl", model(before));
            succeed(&fixture);
        }
        fixture.write("model/shop.ttl", model(self.after));
        fixture
    }

    fn words(&self) -> &'static str {
        if self.is_full { "--quiet --full" } else { "--quiet" }
    }

    /// What there is before and after.
    fn trees(&self) -> [Made; 2] {
        let fixture = self.make();
        let before = made(fixture.path());
        succeed(&fixture);
        if self.is_versioned {
            // From scratch there are no older entries in the changelog.
            let log = fs::read_to_string(fixture.path().join("gen/CHANGELOG.md")).unwrap();
            assert!(log.contains("## [0.2.0]") && log.contains("## [0.1.0]"), "{log}");
        } else {
            fixture.equals_scratch();
        }
        [before, made(fixture.path())]
    }

    /// Runs under `strace`.
    fn traced(&self, fixture: &Fixture, log: &Path, calls: &str, inject: Option<&str>) -> Output {
        let mut words = ["strace", "-f", "-qq", "-s", "0", "-e", "signal=none", "-o"]
            .map(str::to_owned)
            .to_vec();
        words.extend([log.display().to_string(), "-e".to_owned(), format!("trace={calls}")]);
        if let Some(inject) = inject {
            words.extend(["-e".to_owned(), inject.to_owned()]);
        }
        program(fixture.path(), self.words(), &words).output().unwrap()
    }

    /// The calls that change something: the name of each, and its number among those of
    /// its name in its thread. `strace` counts in each thread by itself, so that only
    /// numbers are taken that no other thread reaches before.
    fn calls(&self) -> Vec<(String, usize)> {
        let (fixture, logs) = (self.make(), folder());
        let log = logs.path().join("log");
        let output = self.traced(&fixture, &log, CHANGING, None);
        assert!(output.status.success(), "{output:?}");
        let mut counts: HashMap<(String, String), usize> = HashMap::new();
        let mut calls = Vec::new();
        for line in fs::read_to_string(&log).unwrap().lines() {
            let Some((thread, line)) = line.split_once(' ') else { continue };
            let Some((name, arguments)) = line.trim_start().split_once('(') else { continue };
            if !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                continue;
            }
            let count = counts.entry((thread.to_owned(), name.to_owned())).or_default();
            *count += 1;
            if !name.starts_with("open") || arguments.contains("O_CREAT") {
                calls.push((thread.to_owned(), name.to_owned(), *count));
            }
        }
        let is_first = |thread: &str, name: &str, number: usize| {
            !counts.iter().any(|((other, called), count)| {
                other != thread && called == name && *count >= number
            })
        };
        calls.retain(|(thread, name, number)| is_first(thread, name, *number));
        calls.into_iter().map(|(_, name, number)| (name, number)).collect()
    }

    /// Runs with a fault at one call; how the run ended, and whether the fault happened.
    fn faulty(&self, fixture: &Fixture, call: &(String, usize), fault: &str) -> (ExitStatus, bool) {
        let logs = folder();
        let log = logs.path().join("log");
        let inject = format!("inject={}:{fault}:when={}", call.0, call.1);
        let status = self.traced(fixture, &log, &call.0, Some(&inject)).status;
        let text = fs::read_to_string(&log).unwrap();
        (status, status.signal() == Some(9) || text.contains("INJECTED"))
    }

    /// Kills at each call in turn.
    fn check_kills(&self, least: usize) {
        if !can_trace() {
            return;
        }
        let [old, new] = self.trees();
        let calls = self.calls();
        let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
        for call in &calls {
            let fixture = self.make();
            let (status, happened) = self.faulty(&fixture, call, "signal=KILL");
            let end = match (happened, recovered(&fixture, call)) {
                (false, found) => {
                    assert!(status.success() && found == new, "{call:?}: {status}");
                    "not reached"
                }
                (true, found) if found == new => "new",
                (true, found) => {
                    assert_eq!(found, old, "{call:?}: neither old nor new");
                    "old"
                }
            };
            *ends.entry(end).or_default() += 1;
            goes_on(&fixture, &new, call);
        }
        println!("{} kills: {ends:?}", calls.len());
        let missed = ends.get("not reached").copied().unwrap_or_default();
        assert!(calls.len() >= least && missed * 10 <= calls.len(), "{ends:?}");
        assert!(old == new || (ends.contains_key("old") && ends.contains_key("new")), "{ends:?}");
    }

    /// Lets every call of so many fail.
    fn check_errors(&self, error: &str, every: usize) {
        if !can_trace() {
            return;
        }
        let [old, new] = self.trees();
        let calls: Vec<_> = self.calls().into_iter().step_by(every).collect();
        let mut ends: BTreeMap<String, usize> = BTreeMap::new();
        for call in &calls {
            let fixture = self.make();
            let (status, _) = self.faulty(&fixture, call, &format!("error={error}"));
            let is_decided = fixture.path().join(".evergen/journal").exists();
            let at_once = made(fixture.path());
            match status.code() {
                Some(0) => assert_eq!(at_once, new, "{call:?}: reported as done, but is not"),
                Some(4) => assert!(
                    is_decided || at_once == old || at_once == new,
                    "{call:?}: changed without a journal"
                ),
                other => panic!("{call:?}: the exit code is {other:?}"),
            }
            let found = recovered(&fixture, call);
            let expected = if is_decided || at_once == new { &new } else { &old };
            assert_eq!(&found, expected, "{call:?}: neither old nor new");
            *ends.entry(format!("exit code {:?}", status.code())).or_default() += 1;
            goes_on(&fixture, &new, call);
        }
        println!("{} times {error}: {ends:?}", calls.len());
        assert!(ends.contains_key("exit code Some(4)"), "{ends:?}");
    }
}

fn succeed(fixture: &Fixture) {
    let output = program(fixture.path(), "--quiet", &[]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// What there is after nothing but the recovery; nothing of ours is left behind.
fn recovered(fixture: &Fixture, call: &(String, usize)) -> Made {
    let opened = RegenerationEngine::open(fixture.project(), Access::Write { wait: None });
    drop(opened.unwrap_or_else(|error| panic!("{call:?}: {error:?}")));
    let rest: Vec<String> = tree(fixture.path())
        .into_keys()
        .filter(|path| {
            path.contains("/stage/") || path.contains("journal") || path.contains(".evergen-")
        })
        .collect();
    assert!(rest.is_empty(), "{call:?} left {rest:?}");
    assert!(!fixture.path().join(".evergen/stage").exists(), "{call:?} left its staging folder");
    made(fixture.path())
}

/// The next run makes the new tree, and the one after that does nothing.
fn goes_on(fixture: &Fixture, new: &Made, call: &(String, usize)) {
    succeed(fixture);
    assert_eq!(&made(fixture.path()), new, "{call:?}: the next run");
    let output = program(fixture.path(), "--json", &[]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for count in ["evaluated", "rendered", "written", "deleted"] {
        assert_eq!(report["artifacts"][count], 0, "{call:?}: the run after that: {report}");
    }
    assert_eq!(&made(fixture.path()), new, "{call:?}: the run after that");
}

/// Whether faults can be injected here at all.
fn can_trace() -> bool {
    let run = Command::new("strace").args(["-f", "-qq", "-o", "/dev/null", "true"]).output();
    let can = run.is_ok_and(|output| output.status.success());
    if !can {
        println!("skipped: 1 test of crashes: strace is not installed, or may not trace");
    }
    can
}

#[test]
fn an_incremental_run_survives_a_kill_anywhere() {
    UPDATE.check_kills(28);
}

#[test]
fn a_version_and_its_changelog_survive_a_kill_anywhere() {
    VERSIONED.check_kills(28);
}

#[test]
fn a_first_run_survives_a_kill_anywhere() {
    FIRST.check_kills(40);
}

#[test]
fn a_full_run_survives_a_kill_anywhere() {
    FULL.check_kills(28);
}

#[test]
fn a_run_that_deletes_survives_a_kill_anywhere() {
    DELETION.check_kills(24);
}

#[test]
fn a_full_disk_leaves_the_old_tree_or_the_new_one() {
    UPDATE.check_errors("ENOSPC", 1);
}

#[test]
fn a_failing_disk_leaves_the_old_tree_or_the_new_one() {
    DELETION.check_errors("EIO", 1);
}

#[test]
fn a_folder_that_may_not_be_written_leaves_the_old_tree_or_the_new_one() {
    FIRST.check_errors("EACCES", 1);
}
