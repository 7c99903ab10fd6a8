//! Kills a commit at every system call that changes something, lets each of them
//! fail, and looks at the tree after the next run: the old one or the new one.
//!
//! The commit is made by this program itself, started anew under `strace`'s fault
//! injection to run nothing but [`commit_once`].
#![expect(clippy::unwrap_used, reason = "helpers of a test")]

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use evergen_artifact::{
    ArtifactPath, ArtifactStore, DirectoryOptions, DirectoryStore, Durability, PathError, Place,
    Recovery, WriterLock,
};
use tempfile::TempDir;

/// The variables by which a started program learns that it is to commit: the three
/// folders, the change and the durability.
const VARIABLES: [&str; 5] =
    ["CRASH_PROJECT", "CRASH_OUTPUT", "CRASH_STATE", "CRASH_CHANGE", "CRASH_DURABILITY"];

/// The calls that may change a file, by their names on any architecture.
const CHANGING: &str = "?open,?openat,?creat,?write,?pwrite64,?writev,?rename,?renameat,?renameat2,\
    ?unlink,?unlinkat,?rmdir,?mkdir,?mkdirat,?link,?linkat,?symlink,?symlinkat,?truncate,?ftruncate,\
    ?fsync,?fdatasync,?chmod,?fchmod,?fchmodat,?utimensat";

/// A project before a change, and the change.
struct Scenario {
    /// Files and their contents; `@` stands for the project folder, `!` for the state folder.
    before: &'static [(&'static str, &'static str)],
    /// Lines `+path=content` and `-path`; a path may begin as above.
    change: &'static str,
    /// The output folder, relative to the project.
    output: &'static str,
    /// Whether the output lies on another volume.
    far: bool,
    durability: &'static str,
}

const UPDATE: Scenario = Scenario {
    before: &[
        ("a/same.rs", "same"),
        ("a/old.rs", "old"),
        ("a/gone/x.rs", "gone"),
        ("f", "a file that becomes a folder"),
        ("d/in.rs", "a folder that becomes a file"),
        ("users/own.txt", "unrelated"),
        ("@evergen.toml", "settings"),
        ("@evergen.lock", "old lock"),
        ("!base", "old base"),
        ("!segment-1", "old segment"),
    ],
    change: "+a/old.rs=new\n+a/added.rs=new\n+fresh/deep/one.rs=1\n+fresh/deep/two.rs=2\n+f/inner.rs=3\n-f\n\
        +d=4\n-d/in.rs\n-a/gone/x.rs\n+@evergen.lock=new lock\n+!base=new base\n-!segment-1",
    output: "gen",
    far: false,
    durability: "process",
};

const FIRST: Scenario = Scenario {
    before: &[("@evergen.toml", "settings")],
    change: "+rust/lib.rs=1\n+rust/models/a.rs=2\n+top.txt=3\n+@evergen.lock=lock\n+!base=base",
    output: "build/gen",
    ..UPDATE
};

const POWER: Scenario = Scenario { durability: "power", ..UPDATE };

const FAR: Scenario = Scenario { far: true, ..UPDATE };

/// All files (and folders, with a slash) of a project, without the store's own.
type Tree = BTreeMap<String, String>;

/// A project made for one run.
struct Project {
    _folders: Vec<TempDir>,
    root: PathBuf,
    output: PathBuf,
    durability: &'static str,
}

impl Scenario {
    fn make(&self) -> Project {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_path_buf();
        let mut folders = vec![folder];
        let output = if self.far {
            let other = tempfile::tempdir_in("/dev/shm").unwrap();
            let output = other.path().join(self.output);
            folders.push(other);
            output
        } else {
            root.join(self.output)
        };
        let project = Project { _folders: folders, root, output, durability: self.durability };
        fs::create_dir(project.state()).unwrap();
        for (path, content) in self.before {
            let path = project.place(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        project
    }

    /// The trees before and after the change.
    fn trees(&self) -> [Tree; 2] {
        let project = self.make();
        let before = project.tree();
        assert!(project.command(self.change).status().unwrap().success());
        [before, project.tree()]
    }

    /// The changing calls of a run on `project`: the name of each, and its number among
    /// those of its name.
    fn calls(project: &Project, change: &str) -> Vec<(String, usize)> {
        let log = project.state().join("trace");
        assert!(project.traced(change, &log, CHANGING, None).status().unwrap().success());
        let text = fs::read_to_string(&log).unwrap();
        fs::remove_file(&log).unwrap();
        let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
        let mut calls = Vec::new();
        for line in text.lines() {
            let Some((thread, line)) = line.split_once(' ') else { continue };
            let Some((name, arguments)) = line.trim_start().split_once('(') else { continue };
            let count = counts.entry((thread, name)).or_default();
            *count += 1;
            let reads = name.starts_with("open") && !arguments.contains("O_CREAT");
            let counted_only = name == "write" && arguments.contains(", 0)");
            let is_ours = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if is_ours && !reads && !counted_only {
                calls.push((thread, name, *count));
            }
        }
        // Any thread can be the first to reach a number, so it has to be beyond the others' reach.
        let others = |thread, name| {
            let counts = counts.iter().filter(|((other, _), _)| *other != thread);
            counts
                .filter(|((_, other), _)| *other == name)
                .map(|(_, count)| *count)
                .max()
                .unwrap_or(0)
        };
        calls.retain(|&(thread, name, number)| number > others(thread, name));
        calls.into_iter().map(|(_, name, number)| (name.to_owned(), number)).collect()
    }
}

/// Makes calls without effect, so that those that follow in this thread have numbers which the
/// harness does not reach: `strace` counts in each thread by itself.
fn raise_numbers() -> Result<(), Box<dyn Error>> {
    for _ in 0..50 {
        let written = fs::OpenOptions::new().write(true).open("/dev/null")?.write(&[])?;
        assert_eq!(written, 0);
    }
    Ok(())
}

impl Project {
    fn state(&self) -> PathBuf {
        self.root.join(".evergen")
    }

    fn place(&self, path: &str) -> PathBuf {
        match (path.strip_prefix('@'), path.strip_prefix('!')) {
            (Some(name), _) => self.root.join(name),
            (_, Some(name)) => self.state().join(name),
            _ => self.output.join(path),
        }
    }

    fn command(&self, change: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        self.tell(&mut command, change);
        command
    }

    fn traced(&self, change: &str, log: &Path, calls: &str, inject: Option<&str>) -> Command {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-s", "0", "-e", "signal=none", "-o"]).arg(log);
        command.args(["-e", &format!("trace={calls}")]);
        if let Some(inject) = inject {
            command.args(["-e", inject]);
        }
        command.arg(std::env::current_exe().unwrap());
        self.tell(&mut command, change);
        command
    }

    fn tell(&self, command: &mut Command, change: &str) {
        let folders =
            [&self.root, &self.output, &self.state()].map(|path| path.to_str().unwrap().to_owned());
        let values = folders.into_iter().chain([change.to_owned(), self.durability.to_owned()]);
        // The path of the linker would only add calls.
        command.env_remove("LD_LIBRARY_PATH").envs(VARIABLES.into_iter().zip(values));
        command.args(["--exact", "commit_once", "--test-threads=1"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
    }

    /// Runs with a fault at one call, and makes sure that the fault happened.
    fn run_with(
        &self,
        change: &str,
        call: &(String, usize),
        fault: &str,
    ) -> std::process::ExitStatus {
        let (name, number) = call;
        // The log lies outside of all that is looked at.
        let log = tempfile::NamedTempFile::new().unwrap();
        let inject = format!("inject={name}:{fault}:when={number}");
        let status = self.traced(change, log.path(), name, Some(&inject)).status().unwrap();
        let text = fs::read_to_string(log.path()).unwrap();
        let fired = text.contains("INJECTED") || status.signal() == Some(9);
        assert!(fired, "{fault} at {call:?} never happened: {text}");
        status
    }

    fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        collect(&self.root, "project", &mut tree);
        collect(&self.output, "output", &mut tree);
        for own in ["lock", "journal"] {
            tree.remove(&format!("project/.evergen/{own}"));
        }
        tree.retain(|path, _| !path.contains("/stage/") && !path.contains(".evergen-stage"));
        tree
    }

    fn has_journal(&self) -> bool {
        self.state().join("journal").exists()
    }

    fn recover(&self) -> Recovery {
        let options = DirectoryOptions::default();
        let store = DirectoryStore::open(&self.output, &self.root, &self.state(), options).unwrap();
        let recovery = store.recover().unwrap();
        assert_eq!(store.recover().unwrap(), Recovery::Clean, "recovery is done once");
        assert!(!self.has_journal() && !self.state().join("stage").exists());
        for folder in [&self.output, self.output.parent().unwrap()] {
            let names =
                fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().file_name());
            assert!(!names.into_iter().any(|name| name.to_string_lossy().starts_with(".evergen-")));
        }
        recovery
    }
}

fn collect(folder: &Path, prefix: &str, tree: &mut Tree) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(Result::unwrap) {
        let name = format!("{prefix}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &name, tree);
            tree.insert(format!("{name}/"), String::new());
        } else {
            tree.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

/// Whether faults can be injected here at all.
fn can_trace() -> bool {
    let run = Command::new("strace").args(["-f", "-qq", "-o", "/dev/null", "true"]).output();
    let can = run.is_ok_and(|output| output.status.success());
    if !can {
        println!("skipped: strace is not installed, or may not trace");
    }
    can
}

/// Kills at each changing call of the change; returns how often.
fn check_kills(scenario: &Scenario, least: usize) {
    if !can_trace() {
        return;
    }
    let [old, new] = scenario.trees();
    assert_ne!(old, new);
    let calls = Scenario::calls(&scenario.make(), scenario.change);
    let mut outcomes: HashMap<Recovery, usize> = HashMap::new();
    for call in &calls {
        let project = scenario.make();
        let status = project.run_with(scenario.change, call, "signal=KILL");
        assert_eq!(status.signal(), Some(9), "{call:?}");
        let seen = project.tree();
        let decided = project.has_journal();
        assert!(decided || seen == old || seen == new, "{call:?}: changed without a journal");
        let recovery = project.recover();
        let recovered = project.tree();
        let expected = if decided || seen == new { &new } else { &old };
        assert_eq!(&recovered, expected, "{call:?} {recovery:?}");
        *outcomes.entry(recovery).or_default() += 1;
        assert!(
            project.command(scenario.change).status().unwrap().success(),
            "{call:?}: the next run"
        );
        assert_eq!(project.tree(), new, "{call:?}: the next run");
    }
    println!("{} kills: {outcomes:?}", calls.len());
    assert!(calls.len() >= least, "only {} calls were found", calls.len());
    for recovery in [Recovery::Discarded, Recovery::Completed { damaged: 0 }] {
        assert!(outcomes.contains_key(&recovery), "{outcomes:?}");
    }
}

/// Lets each changing call of the change fail; returns how often.
fn check_errors(scenario: &Scenario, error: &str, least: usize) {
    if !can_trace() {
        return;
    }
    let [old, new] = scenario.trees();
    let calls = Scenario::calls(&scenario.make(), scenario.change);
    for call in &calls {
        let project = scenario.make();
        let status = project.run_with(scenario.change, call, &format!("error={error}"));
        let seen = project.tree();
        assert!(!status.success() || seen == new, "{call:?}: reported as done, but is not");
        assert!(
            project.has_journal() || seen == old || seen == new,
            "{call:?}: changed without a journal"
        );
        let decided = project.has_journal() || seen == new;
        let recovery = project.recover();
        let expected = if decided { &new } else { &old };
        assert_eq!(&project.tree(), expected, "{call:?} {recovery:?}");
    }
    println!("{} times {error}", calls.len());
    assert!(calls.len() >= least, "only {} calls were found", calls.len());
}

/// Started by the other tests, this commits what it is told to; by itself it does nothing.
#[test]
fn commit_once() -> Result<(), Box<dyn Error>> {
    let told: Vec<String> = VARIABLES.into_iter().flat_map(std::env::var).collect();
    let [project, output, state, change, durability] = &told[..] else { return Ok(()) };
    let durability = if durability == "power" { Durability::Power } else { Durability::Process };
    let [project, output, state] = [project, output, state].map(Path::new);
    raise_numbers()?;
    let _lock = WriterLock::acquire(state, None)?;
    let store = DirectoryStore::open(output, project, state, DirectoryOptions { durability })?;
    let _ = store.recover()?;
    if change.is_empty() {
        return Ok(());
    }
    let transaction = store.begin()?;
    for line in change.lines() {
        if let Some(path) = line.strip_prefix('-') {
            transaction.remove(place(path)?);
        } else if let Some((path, content)) = line[1..].split_once('=') {
            transaction.stage(place(path)?, content.as_bytes())?;
        }
    }
    transaction.commit()?;
    Ok(())
}

fn place(path: &str) -> Result<Place, PathError> {
    match (path.strip_prefix('@'), path.strip_prefix('!')) {
        (Some(name), _) => Place::project(name),
        (_, Some(name)) => Place::state(name),
        _ => ArtifactPath::parse(path).map(Place::Output),
    }
}

#[test]
fn an_update_survives_a_kill_anywhere() {
    check_kills(&UPDATE, 45);
}

#[test]
fn a_first_generation_survives_a_kill_anywhere() {
    check_kills(&FIRST, 20);
}

#[test]
fn an_update_forced_to_the_disk_survives_a_kill_anywhere() {
    check_kills(&POWER, 60);
}

#[test]
fn an_update_across_volumes_survives_a_kill_anywhere() {
    if tempfile::tempdir_in("/dev/shm").is_err() {
        return println!("skipped: there is no second volume");
    }
    check_kills(&FAR, 45);
}

#[test]
fn a_full_disk_leaves_the_old_tree_or_the_new_one() {
    check_errors(&UPDATE, "ENOSPC", 45);
}

#[test]
fn a_failing_disk_leaves_the_old_tree_or_the_new_one() {
    check_errors(&POWER, "EIO", 60);
}

#[test]
fn recovery_survives_a_kill_anywhere() {
    if !can_trace() {
        return;
    }
    let [_, new] = UPDATE.trees();
    let calls = Scenario::calls(&UPDATE.make(), UPDATE.change);
    let commit = calls.iter().rposition(|(name, _)| name.starts_with("rename"));
    // Those after the journal was put in place; the first, one in between and the last.
    let decided: Vec<_> = calls.iter().filter(|call| killed_at(call).has_journal()).collect();
    assert!(commit.is_some() && decided.len() > 10, "{calls:?}");
    let mut kills = 0;
    for first in [decided[0], decided[decided.len() / 2], decided[decided.len() - 1]] {
        for second in Scenario::calls(&killed_at(first), "") {
            let project = killed_at(first);
            let status = project.run_with("", &second, "signal=KILL");
            assert_eq!(status.signal(), Some(9), "{second:?}");
            let _ = project.recover();
            assert_eq!(project.tree(), new, "{first:?}, then {second:?}");
            kills += 1;
        }
    }
    println!("{kills} kills");
    assert!(kills >= 25, "only {kills} calls were found");
}

fn killed_at(call: &(String, usize)) -> Project {
    let project = UPDATE.make();
    project.run_with(UPDATE.change, call, "signal=KILL");
    project
}
