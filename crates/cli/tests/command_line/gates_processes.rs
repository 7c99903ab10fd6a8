//! Processes that are ended, by whoever.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::support::Folder;

const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until something is so; a test that waits for ever fails.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        std::thread::yield_now();
    }
}

fn ended(child: &mut Child) -> ExitStatus {
    let mut status = None;
    until("it ends", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap()
}

/// Whether a process is alive, and not only a name that nobody asked for.
fn lives(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|text| !text.rsplit(')').next().unwrap_or_default().trim().starts_with('Z'))
}

/// A project whose tool passes its canaries, and then writes the numbers of itself and of two
/// processes that it starts, and waits.
fn with_a_tool_that_stays(pids: &Path) -> Folder {
    let folder = Folder::new();
    folder.file(
        "evergen.toml",
        "[gates]\non_request = [\"slow\"]\n[[gates.tools]]\nname = \"slow\"\nkind = \"lint\"\n\
         command = [\"slow.sh\", \"{files}\"]\nalso_in = [\".\"]\ninstall = \"It is there.\"\n\
         files = [\"**/*.txt\"]\n\
         reports = [{ from = \"stdout\", format = \"gnu\" }]\n\
         canaries = [\n  { expect = \"red\", path = \"a.txt\", text = \"BAD\\n\" },\n  \
         { expect = \"green\", path = \"a.txt\", text = \"good\\n\" },\n]\n",
    );
    folder.program(
        "slow.sh",
        &format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && {{ echo slow 1.0; exit 0; }}\n\
             grep -q BAD \"$1\" && {{ echo \"$1:1:1: error: bad\"; exit 1; }}\n\
             grep -q good \"$1\" && exit 0\n\
             sleep 300 & one=$!\nsetsid sleep 300 & two=$!\n\
             echo $$ $one $two > {0}.new && mv {0}.new {0}\nwait\n",
            pids.display()
        ),
    );
    folder.file("gen/slow.txt", "wait\n");
    folder
}

#[test]
fn nothing_of_a_tool_outlives_an_owner_that_is_killed() {
    let place = tempfile::tempdir().unwrap();
    let pids = place.path().join("pids");
    let folder = with_a_tool_that_stays(&pids);
    let mut gates = folder.command("gates --gate slow").spawn().unwrap();
    until("the tool runs", || pids.exists());
    let text = std::fs::read_to_string(&pids).unwrap();
    let tools: Vec<&str> = text.split_whitespace().collect();
    assert!(tools.len() == 3 && tools.iter().all(|pid| lives(pid)), "{text}");
    // SIGKILL: it can't do anything about it.
    gates.kill().unwrap();
    assert_eq!(gates.wait().unwrap().signal(), Some(9));
    for pid in tools {
        until("a tool is gone", || !lives(pid));
    }
}

#[test]
fn whoever_interrupts_ends_the_tools_and_evergen() {
    let place = tempfile::tempdir().unwrap();
    let pids = place.path().join("pids");
    let folder = with_a_tool_that_stays(&pids);
    let mut gates = folder.command("gates --gate slow").spawn().unwrap();
    until("the tool runs", || pids.exists());
    interrupt(&gates);
    assert_eq!(ended(&mut gates).code(), Some(130));
    let text = std::fs::read_to_string(&pids).unwrap();
    assert!(text.split_whitespace().all(|pid| !lives(pid)), "{text}");
}

#[test]
fn an_interruption_counts_after_the_gates_have_answered_too() {
    let folder = Folder::new();
    folder.file("evergen.toml", "").file("gen/a.py", "x = 1\n");
    let pipe = folder.path().join("report");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Nobody reads the report: what comes after the gates never ends.
    let mut gates = folder.command("gates gen --output report").spawn().unwrap();
    until("the gates have answered", || folder.exists(".evergen/gates/history.jsonl"));
    assert_eq!(gates.try_wait().unwrap(), None);
    interrupt(&gates);
    assert_eq!(ended(&mut gates).signal(), Some(2));
}

fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
}
