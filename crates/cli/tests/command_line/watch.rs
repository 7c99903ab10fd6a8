//! `evergen watch` as its user has it: editors save, signals come, others ask.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::Value;

use crate::support::Folder;

/// How long anything may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// A loop at work, and what it says.
pub(crate) struct Loop {
    child: Child,
    lines: Receiver<Value>,
}

impl Loop {
    /// Starts the loop, and waits for its first cycle.
    pub(crate) fn start(folder: &Folder) -> Self {
        let begun = Self::start_with(folder, "watch --json");
        assert_eq!(begun.cycle()["outcome"], "succeeded");
        begun
    }

    pub(crate) fn start_with(folder: &Folder, arguments: &str) -> Self {
        let mut command = folder.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let Ok(line) = serde_json::from_str(&line) else { continue };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// The next line of this kind.
    fn next(&self, event: &str) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap();
            if line["event"] == event {
                return line;
            }
        }
    }

    /// Waits until something is said.
    pub(crate) fn remark(&self, text: &str) {
        while !self.next("remark")["text"].as_str().is_some_and(|said| said.contains(text)) {}
    }

    /// The next cycle.
    pub(crate) fn cycle(&self) -> Value {
        self.next("cycle")
    }

    /// The cycles up to the one that writes or removes this file.
    fn until(&self, path: &str) -> Vec<Value> {
        let mut cycles = vec![self.cycle()];
        let tells = |cycle: &Value| {
            let changes = cycle["changes"].as_array().unwrap();
            changes.iter().any(|change| change["path"] == path)
        };
        while !tells(cycles.last().unwrap()) {
            cycles.push(self.cycle());
        }
        cycles
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = std::process::Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Ends the loop as a system does, and gives its exit code and what it said meanwhile.
    pub(crate) fn end(mut self) -> (Option<i32>, Vec<Value>) {
        self.signal("-TERM");
        let mut rest = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => rest.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the loop does not end"),
            }
        }
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn class(name: &str) -> String {
    format!("ex:{name} a owl:Class .\n")
}

const PREFIXES: &str = "@prefix ex: <http://example.org/> . \
    @prefix owl: <http://www.w3.org/2002/07/owl#> .\n";

/// A project whose model is one file of few classes.
fn project(classes: &[&str]) -> Folder {
    let folder = Folder::new();
    folder.file("evergen.toml", "[model]\nsources = [\"model\"]\n");
    folder.file(
        "templates/class.txt.j2",
        "+++\nfor_each = 'SELECT ?class WHERE { ?class a owl:Class }'\n\
         to = '{{ class | local_name }}.txt'\n+++\n{{ class | local_name }}\n",
    );
    folder.file("model/shop.ttl", model(classes));
    folder
}

fn model(classes: &[&str]) -> String {
    PREFIXES.to_owned() + &classes.iter().map(|name| class(name)).collect::<String>()
}

#[test]
fn every_way_to_save_makes_one_cycle_and_own_output_makes_none() {
    let folder = project(&["A"]);
    let watching = Loop::start(&folder);
    let path = folder.path().join("model/shop.ttl");

    // Truncate and write.
    folder.file("model/shop.ttl", model(&["A", "B"]));
    assert_eq!(watching.until("B.txt").len(), 1);
    // Write another file and rename it over.
    let beside = folder.path().join("model/.shop.ttl.tmp1234");
    std::fs::write(&beside, model(&["A", "B", "C"])).unwrap();
    std::fs::rename(&beside, &path).unwrap();
    assert_eq!(watching.until("C.txt").len(), 1);
    // Move the old one aside, write a new one, remove the old one.
    let backup = folder.path().join("model/shop.ttl~");
    std::fs::rename(&path, &backup).unwrap();
    std::fs::write(&path, model(&["A", "B", "C", "D"])).unwrap();
    std::fs::remove_file(&backup).unwrap();
    assert_eq!(watching.until("D.txt").len(), 1);
    // What editors leave lying around is nothing; neither is what evergen wrote so far.
    for name in ["model/.shop.ttl.swp", "model/4913", "model/#shop.ttl#", "notes.txt"] {
        folder.file(name, "x");
    }
    folder.replace(
        "templates/class.txt.j2",
        "{{ class | local_name }}\n",
        "{{ class | local_name }}!\n",
    );
    let cycles = watching.until("D.txt");
    assert_eq!(cycles.len(), 1, "{cycles:?}");
    assert_eq!(cycles[0]["written"], 4);

    let (code, rest) = watching.end();
    assert_eq!(code, Some(0));
    assert!(rest.iter().all(|line| line["event"] != "cycle"), "{rest:?}");
}

#[test]
fn a_thousand_saves_are_few_cycles() {
    let folder = project(&["A"]);
    let watching = Loop::start(&folder);
    for number in 0..1000 {
        folder.file("model/more.ttl", model(&[format!("N{number}").as_str()]));
    }
    folder.file("model/more.ttl", model(&["Last"]));
    let cycles = watching.until("Last.txt");
    assert!(cycles.len() <= 20, "{} cycles", cycles.len());
    let made: Vec<_> = std::fs::read_dir(folder.path().join("gen")).unwrap().collect();
    assert_eq!(made.len(), 2);
}

#[test]
fn a_model_or_settings_with_errors_leave_the_last_good_output_in_place() {
    let folder = project(&["A"]);
    let watching = Loop::start(&folder);
    folder.file("model/shop.ttl", "@prefix ex: <http://example.org/> .\nex:A a ;\n");
    let cycle = watching.cycle();
    assert_eq!(cycle["outcome"], "failed");
    assert_eq!(cycle["diagnostics"][0]["code"], "model::syntax");
    assert_eq!(cycle["diagnostics"][0]["line"], 2);
    assert_eq!(folder.read("gen/A.txt"), "A\n");
    let status = folder.say("status");
    assert_eq!(status.code, Some(1), "{status}");
    assert!(status.out.contains("to be mended"), "{status}");
    assert_eq!(folder.say("status --json").json()["state"], "running");

    folder.file("evergen.toml", "[model]\nsorces = [\"model\"]\n");
    let cycle = watching.cycle();
    assert_eq!(cycle["diagnostics"][0]["code"], "config::unknown_key", "{cycle}");

    folder.file(
        "evergen.toml",
        "[model]\nsources = [\"model\"]\n[regeneration]\noutput_dir = \"other\"\n",
    );
    folder.file("model/shop.ttl", model(&["B"]));
    watching.until("B.txt");
    assert_eq!(folder.read("other/B.txt"), "B\n");
    assert_eq!(folder.say("status").code, Some(0));
    let history = folder.done("history --json").json();
    let outcomes: Vec<_> =
        history["cycles"].as_array().unwrap().iter().map(|cycle| &cycle["outcome"]).collect();
    assert!(outcomes.iter().any(|outcome| *outcome == "failed"));
    assert_eq!(outcomes.last().unwrap(), &"succeeded");
    assert!(folder.done("history --failed").out.lines().count() >= 2);
}

#[test]
fn who_comes_second_is_told_who_was_first() {
    let folder = project(&["A"]);
    let watching = Loop::start(&folder);
    let pid = watching.child.id().to_string();
    let second = folder.say("run --wait 0");
    assert_eq!(second.code, Some(4), "{second}");
    assert!(second.err.contains(&pid) && second.err.contains("watch"), "{second}");
    assert_eq!(folder.say("check").code, Some(0));
}

#[test]
fn a_loop_that_was_killed_goes_on_where_it_was() {
    let folder = project(&["A"]);
    let watching = Loop::start(&folder);
    watching.signal("-KILL");
    drop(watching);
    let status = folder.say("status --json");
    assert_eq!((status.code, status.json()["state"].clone()), (Some(1), "gone".into()));
    folder.file("model/shop.ttl", model(&["A", "B"]));
    let watching = Loop::start(&folder);
    assert_eq!(folder.read("gen/B.txt"), "B\n");
    assert_eq!(watching.end().0, Some(0));
    let status = folder.done("status --json").json();
    assert_eq!(status["state"], "stopped");
}

#[test]
fn events_are_listed_and_replayed_with_and_without_a_loop() {
    let folder = project(&["A"]);
    assert_eq!(folder.say("events list").code, Some(2));
    let watching = Loop::start(&folder);
    folder.file("model/shop.ttl", model(&["A", "B"]));
    watching.until("B.txt");
    assert!(folder.done("events replay 0").out.contains("asked"));
    let remark = watching.next("remark");
    assert!(remark["text"].as_str().unwrap().contains("published anew"), "{remark}");
    assert_eq!(watching.cycle()["written"], 0);
    assert_eq!(watching.end().0, Some(0));

    let list = folder.done("events list --json").json();
    let events = list["events"].as_array().unwrap();
    assert_eq!(events.len(), 3, "{list}");
    assert!(events.iter().all(|event| event["done"] == true), "{list}");
    assert_eq!(events[1]["event"]["subject"], "file:model/shop.ttl");
    assert!(folder.done("events replay 1..3").out.contains("2 events published anew as 3..5"));
    assert!(folder.done("events list").out.contains("open"));
    assert_eq!(folder.done("events dead").out, "no dead letters\n");
    let unknown = folder.say("events drop abcdef");
    assert_eq!(unknown.code, Some(2), "{unknown}");
    assert!(unknown.err.contains("there is no dead letter `abcdef`"), "{unknown}");
}

#[test]
fn a_profile_tells_where_the_time_went() {
    let folder = project(&["A"]);
    assert_eq!(folder.say("profile").code, Some(2));
    assert_eq!(Loop::start(&folder).end().0, Some(0));
    let profile = folder.done("profile --json").json();
    let rows = profile["rows"].as_array().unwrap();
    let renders = rows.iter().any(|row| row["subject"] == "class.txt.j2");
    assert!(renders, "{profile}");
    folder.done("profile --trace trace.json");
    let trace: Value = serde_json::from_str(&folder.read("trace.json")).unwrap();
    assert!(trace["traceEvents"].as_array().is_some_and(|events| !events.is_empty()), "{trace}");
    folder.done("profile --trace stacks.folded");
    assert!(folder.read("stacks.folded").contains("class.txt.j2"));
}

/// The time of a cycle is told once, however it is divided.
#[test]
fn the_times_of_a_profile_add_up_to_that_of_the_cycles() {
    let folder = project(&["A"]);
    assert_eq!(Loop::start(&folder).end().0, Some(0));
    let profile = folder.done("profile --cycles 1 --json").json();
    let rows = profile["rows"].as_array().unwrap();
    let own: f64 = rows.iter().map(|row| row["own_ms"].as_f64().unwrap()).sum();
    let whole = |kind: &str| {
        let row = rows.iter().find(|row| row["kind"] == kind);
        row.unwrap_or_else(|| panic!("{kind} is not in {profile}"))["total_ms"].as_f64().unwrap()
    };
    let cycle = whole("cycle_completed");
    assert!(whole("regeneration_completed") <= cycle, "{profile}");
    assert!((own - cycle).abs() < cycle / 1000.0, "{own} ms in a cycle of {cycle} ms: {profile}");
    let text = folder.done("profile").out;
    assert!(text.contains("rest of cycle_completed"), "{text}");
}

#[test]
fn an_edited_file_is_told_until_it_is_mended_and_fails_nothing() {
    let folder = project(&["A"]);
    let watching = Loop::start(&folder);
    folder.file("gen/A.txt", "mine\n");
    folder.file("model/shop.ttl", model(&["A", "B"]));
    let cycles = watching.until("B.txt");
    let cycle = cycles.last().unwrap();
    assert_eq!((&cycle["outcome"], &cycle["written"]), (&"succeeded".into(), &1.into()), "{cycle}");
    assert!(cycle["left"][0].as_str().unwrap().starts_with("A.txt: it was edited"), "{cycle}");
    assert_eq!(folder.read("gen/A.txt"), "mine\n");
    let status = folder.say("status");
    assert_eq!(status.code, Some(1), "{status}");
    assert!(status.out.contains("to be mended: A.txt"), "{status}");
    assert_eq!(folder.done("events dead").out, "no dead letters\n");

    // It lies in the output folder; that it is mended is seen all the same.
    folder.file("gen/A.txt", "A\n");
    let mut mended = watching.cycle();
    assert_eq!(mended["causes"][0], "file:gen/A.txt", "{mended}");
    // It may have been looked at while it was written.
    while !mended["left"].as_array().unwrap().is_empty() {
        mended = watching.cycle();
    }
    assert_eq!(watching.end().0, Some(0));
    assert_eq!(folder.say("status").code, Some(0));
}

#[test]
fn a_file_that_a_template_declares_is_watched() {
    let folder = project(&["A"]);
    folder.replace("templates/class.txt.j2", "+++\nfor", "+++\ndepends_on = ['notes.txt']\nfor");
    folder.file("notes.txt", "one");
    let watching = Loop::start(&folder);
    // It became known in the first cycle, so that there is a second one.
    watching.cycle();
    folder.file("notes.txt", "two");
    assert_eq!(watching.cycle()["causes"][0], "file:notes.txt");
    assert_eq!(watching.end().0, Some(0));
    // The next loop knows of it from the start.
    let watching = Loop::start(&folder);
    folder.file("notes.txt", "three");
    assert_eq!(watching.cycle()["causes"][0], "file:notes.txt");
}

#[test]
fn a_wrong_configuration_is_shown_until_it_is_mended() {
    let folder = project(&["A"]);
    let watching = Loop::start(&folder);
    folder.file("evergen.toml", "[model]\nsorces = [\"model\"]\n");
    assert_eq!(watching.cycle()["outcome"], "failed");
    folder.file("model/shop.ttl", model(&["A", "B"]));
    let cycle = watching.cycle();
    assert_eq!(cycle["diagnostics"][0]["code"], "config::unknown_key", "{cycle}");
    // Where the project can't be read, that is what is said.
    assert_eq!(folder.say("status").code, Some(2));
    folder.file("evergen.toml", "[model]\nsources = [\"model\"]\n");
    watching.until("B.txt");
    assert_eq!(folder.say("status").code, Some(0));
}

#[test]
fn absurd_settings_are_refused_with_what_is_allowed() {
    let folder = project(&["A"]);
    for value in ["0", "-5", "999999999999"] {
        let said = folder.say(&format!("watch --task-timeout={value}"));
        assert_eq!(said.code, Some(2), "{said}");
        assert!(said.err.contains("task_timeout_ms"), "{said}");
    }
}

#[test]
fn lines_are_for_people() {
    let folder = project(&["A"]);
    let mut command = folder.command("watch --plain");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = out.next().unwrap().unwrap();
    assert!(first.contains("1 written, 0 removed in"), "{first}");
    assert!(out.next().unwrap().unwrap().contains("A.txt"));
    // Whoever stops reading ends it.
    drop(out);
    folder.file("model/shop.ttl", model(&["A", "B"]));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// The servers that a process keeps, by their numbers.
fn servers_of(process: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let is_child = fields.nth(1).and_then(|parent| parent.parse().ok()) == Some(process);
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if is_child && line.ends_with(b"\0server\0") {
            found.push(pid);
        }
    }
    found
}

#[test]
fn a_tool_stays_warm_for_the_loop_and_ends_with_it() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|folder| folder.join("ruff").is_file()) {
        eprintln!("skipped: ruff is not installed; `cargo xtask setup` installs it");
        return;
    }
    let folder = project(&["A"]);
    folder.remove("templates/class.txt.j2");
    let template = "templates/class.py.j2";
    folder.file(
        template,
        "+++\nfor_each = 'SELECT ?class WHERE { ?class a owl:Class }'\n\
         to = '{{ class | local_name }}.py'\n+++\n{{ class | local_name }} = 1\n",
    );
    let settings = "[model]\nsources = [\"model\"]\n[gates]\nbefore_commit = [\"ruff check\"]\n";
    folder.file("evergen.toml", settings);
    let watching = Loop::start(&folder);
    let servers = servers_of(watching.child.id());
    assert_eq!(servers.len(), 1, "one server, and none left of its proof");
    folder.replace(template, " = 1\n", " = nothing\n");
    let refused = watching.cycle();
    assert_ne!(refused["outcome"], "succeeded", "{refused}");
    assert!(refused.to_string().contains("F821"), "{refused}");
    assert_eq!(folder.read("gen/A.py"), "A = 1\n");
    folder.replace(template, " = nothing\n", " = 2\n");
    watching.until("A.py");
    assert_eq!(servers_of(watching.child.id()), servers, "it is the same one");
    let (code, _) = watching.end();
    assert_eq!(code, Some(0));
    for server in servers {
        let line = std::fs::read(format!("/proc/{server}/cmdline")).unwrap_or_default();
        assert!(!line.ends_with(b"\0server\0"), "a server outlives its loop");
    }

    folder.file("evergen.toml", settings.to_owned() + "warm = false\n");
    folder.file("model/more.ttl", model(&["B"]));
    let watching = Loop::start(&folder);
    assert_eq!(servers_of(watching.child.id()), [0; 0]);
    assert_eq!(watching.end().0, Some(0));
}
