//! Kills at every system call that changes something, lets each of them fail, and looks at
//! the target after the next start: exactly old or exactly new.
//!
//! The verb is run by this program itself, started anew under `strace`'s fault injection
//! to run nothing but [`act_once`].

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Write as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use evergen_deployment::{
    DeploymentLedger, DirectoryLedger, DirectoryReleases, ReleaseName, ReleaseStore, Version,
};

use crate::world::{World, block_on, deploy};

/// How a started program learns what it is to do: verb, target, source, version.
const VARIABLES: [&str; 4] = ["FAULT_VERB", "FAULT_FOLDER", "FAULT_SOURCE", "FAULT_VERSION"];

/// The calls that may change a file, by their names on any architecture.
const CHANGING: &str = "?open,?openat,?creat,?write,?pwrite64,?writev,?rename,?renameat,?renameat2,\
    ?unlink,?unlinkat,?rmdir,?mkdir,?mkdirat,?link,?linkat,?symlink,?symlinkat,?truncate,?ftruncate,\
    ?fsync,?fdatasync,?syncfs,?chmod,?fchmod,?fchmodat";

/// How long a verb may take, with a fault in it.
const LONGEST: Duration = Duration::from_mins(2);

/// Every how many-th call is looked at; all with `EVERGEN_FAULTS=full`.
fn stride(usual: usize) -> usize {
    if std::env::var("EVERGEN_FAULTS").is_ok_and(|value| value == "full") { 1 } else { usual }
}

/// Whether faults can be injected here at all.
pub(crate) fn can_trace() -> bool {
    let run = Command::new("strace").args(["-f", "-qq", "-o", "/dev/null", "true"]).output();
    let can = run.is_ok_and(|output| output.status.success());
    if !can {
        println!("skipped: strace is not installed, or may not trace");
    }
    can
}

/// Started by the other tests, this does what it is told to; by itself it does nothing.
#[test]
fn act_once() {
    let told: Vec<String> = VARIABLES.into_iter().flat_map(std::env::var).collect();
    let [verb, target, source, version] = &told[..] else { return };
    // One thread does all that blocks, so that calls have the same numbers each time.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .thread_keep_alive(Duration::from_mins(1))
        .build()
        .unwrap();
    let environment =
        evergen_deployment::DeploymentEnvironment::new("staging", target).with_kept_releases(1);
    let config = evergen_deployment::DeploymentConfig::new(vec![environment]).unwrap();
    let automation = evergen_deployment::DeploymentAutomation::new(&config).unwrap();
    let done = runtime.block_on(async {
        tokio::task::spawn_blocking(raise_numbers).await.unwrap();
        match verb.as_str() {
            "deploy" => deploy(&automation, Path::new(source), version).await.map(Some),
            "rollback" => automation.rollback("staging", None).await.map(Some),
            _ => automation.recover("staging").await,
        }
    });
    let done = done.unwrap();
    let good = done.is_none_or(|done| done.outcome == evergen_deployment::Outcome::Succeeded);
    assert!(good || verb == "recover");
}

/// Makes calls without effect, so that those that follow in this thread have numbers which no
/// other thread reaches: `strace` counts in each thread by itself.
fn raise_numbers() {
    for _ in 0..50 {
        let mut null = fs::OpenOptions::new().write(true).open("/dev/null").unwrap();
        assert_eq!(null.write(&[]).unwrap(), 0);
    }
}

fn tell(command: &mut Command, world: &World, verb: &str, source: &Path, version: &str) {
    let target = world.target();
    let values = [verb.to_owned(), target.display().to_string(), source.display().to_string()];
    let values = values.into_iter().chain([version.to_owned()]);
    command.env_remove("LD_LIBRARY_PATH").env_remove("RUST_BACKTRACE");
    command.envs(VARIABLES.into_iter().zip(values));
    command.args(["--exact", "faults::act_once", "--test-threads=1"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
}

fn traced(log: &Path, calls: &str, inject: Option<&str>) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-s", "64", "-e", "signal=none", "-o"]).arg(log);
    command.args(["-e", &format!("trace={calls}")]);
    if let Some(inject) = inject {
        command.args(["-e", inject]);
    }
    command.arg(std::env::current_exe().unwrap());
    command
}

/// One changing call: its name, and its number among those of its name in its thread.
type Call = (String, usize);

/// The changing calls of a verb on a world, and all names of them.
fn calls(world: &World, verb: &str, source: &Path, version: &str) -> (Vec<Call>, Vec<String>) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = traced(log.path(), CHANGING, None);
    tell(&mut command, world, verb, source, version);
    assert!(command.status().unwrap().success(), "{verb} without a fault");
    let text = fs::read_to_string(log.path()).unwrap();
    let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
    let mut found = Vec::new();
    for line in text.lines() {
        let Some((thread, line)) = line.split_once(' ') else { continue };
        let Some((name, arguments)) = line.trim_start().split_once('(') else { continue };
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            continue;
        }
        let count = counts.entry((thread, name)).or_default();
        *count += 1;
        let reads = name.starts_with("open") && !arguments.contains("O_CREAT");
        if !reads && !wakes(name, arguments) {
            found.push((thread, name, *count));
        }
    }
    if std::env::var_os("EVERGEN_SHOW_CALLS").is_some() {
        println!("{found:?}");
    }
    let names = found.iter().map(|(_, name, _)| (*name).to_owned()).collect();
    // Any thread can be the first to reach a number: it has to be beyond the others' reach.
    let others = |thread, name| {
        let counts = counts.iter().filter(|((other, _), _)| *other != thread);
        counts.filter(|((_, other), _)| *other == name).map(|(_, count)| *count).max().unwrap_or(0)
    };
    found.retain(|&(thread, name, number)| number > others(thread, name));
    let calls = found.into_iter().map(|(_, name, number)| (name.to_owned(), number)).collect();
    (calls, names)
}

/// Whether a call touches no file: eventfds and pipes of the runtime don't count.
fn wakes(name: &str, arguments: &str) -> bool {
    let ends = [", 8)", ", 0)", ", 8 <unfinished", ", 0 <unfinished"];
    name == "write" && ends.iter().any(|end| arguments.contains(end))
}

/// Whether a fault struck what wakes another thread, which no disk does.
fn struck_a_wake(log: &str) -> bool {
    let lines: Vec<(&str, &str)> = log.lines().filter_map(|line| line.split_once(' ')).collect();
    let Some(at) = lines.iter().position(|(_, line)| line.contains("INJECTED")) else {
        return false;
    };
    let (thread, line) = lines[at];
    // Where threads take turns, a call begins on one line and ends on another.
    let begun = lines[..at].iter().rev().filter(|(other, _)| *other == thread);
    let resumed = line.contains("resumed>");
    let begun = begun.map(|(_, line)| *line).next().filter(|_| resumed);
    let line = begun.unwrap_or(line);
    let call = line.trim_start().split_once('(');
    call.is_some_and(|(name, arguments)| wakes(name, arguments))
}

/// The names of the changing calls of a deployment.
pub(crate) fn traced_calls(world: &World, source: &Path, version: &str) -> Vec<String> {
    calls(world, "deploy", source, version).1
}

/// Runs a verb with a fault at one call; whether the fault happened, and how it ended.
fn run_with(
    world: &World,
    verb: &str,
    version: &str,
    call: &Call,
    fault: &str,
) -> (bool, ExitStatus) {
    let (name, number) = call;
    let log = tempfile::NamedTempFile::new().unwrap();
    let inject = format!("inject={name}:{fault}:when={number}");
    let mut command = traced(log.path(), name, Some(&inject));
    let source = world.folder.path().join(format!("source-{version}"));
    tell(&mut command, world, verb, &source, version);
    let mut child = command.process_group(0).spawn().unwrap();
    let end = Instant::now() + LONGEST;
    let read = || fs::read_to_string(log.path()).unwrap();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            let text = read();
            let fired = text.contains("INJECTED") && !struck_a_wake(&text);
            return (fired || status.signal() == Some(9), status);
        }
        // A thread that is not woken waits for good. Another one reached the number, for once.
        let lost = struck_a_wake(&read());
        if lost || Instant::now() > end {
            let group = rustix::process::Pid::from_child(&child);
            let _gone = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            let status = child.wait().unwrap();
            assert!(lost, "{verb} hangs after a fault at {call:?}: {}", read());
            return (false, status);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A verb, and what is there before it.
struct Scenario {
    verb: &'static str,
    before: &'static [&'static str],
    version: &'static str,
    old: Option<&'static str>,
    new: &'static str,
}

const SCENARIOS: [Scenario; 3] = [
    Scenario { verb: "deploy", before: &[], version: "1.0", old: None, new: "1.0" },
    // The third release makes the first one collected.
    Scenario {
        verb: "deploy",
        before: &["1.0", "2.0"],
        version: "3.0",
        old: Some("2.0"),
        new: "3.0",
    },
    Scenario {
        verb: "rollback",
        before: &["1.0", "2.0"],
        version: "1.0",
        old: Some("2.0"),
        new: "1.0",
    },
];

impl Scenario {
    fn make(&self) -> World {
        let world = World::new();
        for version in self.before {
            world.deploy(version).unwrap();
        }
        world.source(self.version, 5);
        world
    }

    fn calls(&self) -> Vec<Call> {
        let world = self.make();
        let source = world.folder.path().join(format!("source-{}", self.version));
        calls(&world, self.verb, &source, self.version).0
    }

    /// What is left after a fault at a call. Calls are counted for each thread, and which thread of
    /// the runtime does what is another in each run: one that is not reached is tried again, and
    /// after some tries there is nothing to see.
    fn strike(&self, call: &Call, fault: &str) -> Option<(World, ExitStatus)> {
        (0..3).find_map(|_| {
            let world = self.make();
            let (fired, status) = run_with(&world, self.verb, self.version, call, fault);
            fired.then_some((world, status))
        })
    }

    /// Right after the fault a reader sees old or new; after the next start the ledger, the
    /// link and the store agree, and the next verb works.
    fn check(&self, world: &World, what: &str) -> &'static str {
        let seen = world.live();
        let known = [self.old, Some(self.new)];
        assert!(known.contains(&seen.as_deref()), "{what}: {seen:?}");
        block_on(world.automation().recover("staging"))
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let settled = world.live();
        assert!(known.contains(&settled.as_deref()), "{what}: {settled:?}");
        self.check_agreement(world, settled.as_deref(), what);
        let next = world.deploy("9.0").unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(
            (next.version.as_str(), world.live().as_deref()),
            ("9.0", Some("9.0")),
            "{what}"
        );
        if settled.as_deref() == Some(self.new) { "new" } else { "old" }
    }

    fn check_agreement(&self, world: &World, settled: Option<&str>, what: &str) {
        let view = DirectoryLedger::new(world.target(), "staging").read().unwrap();
        let state = view.state();
        assert!(state.open.is_none() && view.warnings.is_empty(), "{what}: {state:?}");
        let live = state.live.as_ref().map(|live| live.version.as_str());
        assert_eq!(live, settled, "{what}: the ledger and the link disagree");
        let store = DirectoryReleases::new(world.target(), "staging");
        let kept = self.old.into_iter().chain(settled);
        for version in kept {
            let name = ReleaseName::Version(Version::parse(version).unwrap());
            let staged = store.find(&name).unwrap();
            let staged = staged.unwrap_or_else(|| panic!("{what}: {version} was lost"));
            assert!(store.verify(staged.id).unwrap().is_empty(), "{what}: {version} was spoilt");
        }
        let leftovers = fs::read_dir(world.target().join("staging")).into_iter().flatten();
        // What is left of making or removing something is cleared by the next deployment.
        assert!(leftovers.count() <= 2, "{what}");
    }
}

fn sweep(fault: &str, usual: usize) {
    if !can_trace() {
        return;
    }
    for (index, scenario) in SCENARIOS.iter().enumerate() {
        let all = scenario.calls();
        let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
        for call in all.iter().skip(index).step_by(stride(usual)) {
            let Some((world, status)) = scenario.strike(call, fault) else {
                *outcomes.entry("passed by").or_default() += 1;
                continue;
            };
            let what = format!("{} {fault} at {call:?}", scenario.verb);
            assert!(
                !status.success() || world.live().as_deref() == Some(scenario.new),
                "{what}: said to be done, and is not"
            );
            *outcomes.entry(scenario.check(&world, &what)).or_default() += 1;
        }
        println!("{} over {:?}: {} calls, {outcomes:?}", scenario.verb, scenario.before, all.len());
        assert!(all.len() >= 12, "only {} calls were found", all.len());
        let passed_by = outcomes.get("passed by").copied().unwrap_or(0);
        let tried: usize = outcomes.values().sum();
        assert!(passed_by * 4 <= tried, "{fault} struck too seldom: {outcomes:?}");
    }
}

#[test]
fn a_kill_anywhere_ends_in_the_old_or_the_new_release() {
    sweep("signal=KILL", 7);
}

#[test]
fn a_full_disk_anywhere_ends_in_the_old_or_the_new_release() {
    sweep("error=ENOSPC", 10);
}

#[test]
fn a_failing_disk_anywhere_ends_in_the_old_or_the_new_release() {
    sweep("error=EIO", 9);
}

/// How many pairs are killed; 1,000 with `EVERGEN_DOUBLE_KILLS=1000`.
fn pairs() -> usize {
    std::env::var("EVERGEN_DOUBLE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(8)
}

#[test]
fn a_kill_of_the_recovery_too_ends_in_the_old_or_the_new_release() {
    if !can_trace() {
        return;
    }
    let scenario = &SCENARIOS[1];
    let all = scenario.calls();
    let mut random = fastrand::Rng::with_seed(7);
    let (mut twice, mut outcomes) = (0, BTreeMap::<&str, usize>::new());
    for _ in 0..pairs() {
        let world = scenario.make();
        let first = &all[random.usize(..all.len())];
        run_with(&world, scenario.verb, scenario.version, first, "signal=KILL");
        // What the recovery of such a world does is known from another one.
        let model = scenario.make();
        run_with(&model, scenario.verb, scenario.version, first, "signal=KILL");
        let (recovering, _) = calls(&model, "recover", model.folder.path(), scenario.version);
        let Some(second) = random.choice(&recovering) else { continue };
        let (fired, _) = run_with(&world, "recover", scenario.version, second, "signal=KILL");
        twice += usize::from(fired);
        let what = format!("kills at {first:?} and {second:?}");
        *outcomes.entry(scenario.check(&world, &what)).or_default() += 1;
    }
    println!("{} pairs, {twice} of them killed twice: {outcomes:?}", pairs());
}
