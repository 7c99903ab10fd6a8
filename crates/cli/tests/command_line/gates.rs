//! Quality gates and healing from the command line.

use crate::support::Folder;

/// A tool of the settings that finds `BAD` and proposes nothing, made of a shell script.
const SETTINGS: &str = r#"
[gates]
on_request = ["no bad words"]

[[gates.tools]]
name = "no bad words"
kind = "lint"
command = ["words.sh", "{files}"]
also_in = ["."]
install = "It is part of the project."
files = ["**/*.txt"]
version_arguments = ["--version"]
reports = [{ from = "stdout", format = { lines = { regex = '^(?<file>[^:]+):(?<line>\d+): ?(?<message>.*)$' } } }]
canaries = [
  { expect = "red", path = "a.txt", text = "BAD\n" },
  { expect = "green", path = "a.txt", text = "good\n" },
]
"#;

fn project() -> Folder {
    let folder = Folder::new();
    folder
        .file("model.ttl", "@prefix ex: <http://example.org/> . ex:a a ex:Thing ; ex:n \"1\" .\n")
        .file("evergen.toml", "[model]\nsources = [\"model.ttl\"]\n")
        .file(
            "templates/thing.json.j2",
            "+++\nfor_each = \"SELECT ?n WHERE { ?x <http://example.org/n> ?n }\"\n\
             to = \"thing.json\"\n+++\n{ \"n\": {{ n }} }\n",
        );
    folder
}

#[test]
fn a_change_that_breaks_the_syntax_leaves_the_last_good_output() {
    let folder = project();
    folder.done("run");
    let good = folder.read("gen/thing.json");
    let model = folder.read("model.ttl").replace("\"1\"", "\"1,\"");
    folder.file("model.ttl", &model);
    let refused = folder.say("run");
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.err.contains("gen/thing.json"), "{refused}");
    assert!(refused.err.contains("the output folder is as it was"), "{refused}");
    assert_eq!(folder.read("gen/thing.json"), good);
    let json = folder.say("run --json").json();
    assert_eq!(json["error"]["kind"], "refused");
    assert_eq!(json["error"]["diagnostics"][0]["code"], "gates::finding");
    // Nothing was lost: with the model mended, the next run is as any.
    folder.file("model.ttl", model.replace("\"1,\"", "\"2\""));
    folder.done("run");
    assert_eq!(folder.read("gen/thing.json"), good.replace('1', "2"));
    // A run that changes nothing opens nothing for the gates.
    std::fs::remove_dir_all(folder.path().join(".evergen/gates")).unwrap();
    folder.done("run");
    assert!(!folder.exists(".evergen/gates"));
    let off = folder.file("model.ttl", &model).say("run --set gates.before_commit=");
    assert_eq!(off.code, Some(0), "{off}");
}

#[test]
fn any_folder_can_be_judged_in_every_form() {
    let folder = Folder::new();
    folder.file("src/good.py", "x = 1\n").file("src/bad.py", "def f(:\n    pass\n");
    let text = folder.say("gates src --no-timings");
    assert_eq!(text.code, Some(1), "{text}");
    assert!(text.out.contains("bad.py:1"), "{text}");
    assert!(text.err.contains("not asked: "), "other gates would fit: {text}");
    let long = folder.say("gates src --no-timings -v");
    assert!(long.out.contains("looked at"), "{long}");
    assert!(!text.out.contains("looked at"), "one line for each gate: {text}");
    assert!(!folder.exists(".evergen") && !folder.exists("src/.evergen"), "it is only looked at");
    let sarif = folder.say("gates src --format sarif --no-timings");
    assert_eq!(sarif.json()["version"], "2.1.0");
    let again = folder.say("gates src --format sarif --no-timings --no-cache");
    assert_eq!(sarif.out, again.out, "equal answers are equal texts");
    for (form, word) in
        [("json", "\"overall_passed\": false"), ("junit", "<testsuites"), ("github", "::error")]
    {
        let report = folder.say(&format!("gates src --format {form}"));
        assert_eq!(report.code, Some(1), "{report}");
        assert!(report.out.contains(word), "{form}: {report}");
    }
    folder.done("gates src/good.py --gate syntax");
    folder.say("gates src --format sarif -o report.sarif");
    assert!(folder.read("report.sarif").contains("syntax/python"));
}

#[test]
fn what_can_not_be_meant_is_told() {
    let folder = Folder::new();
    folder.file("a.py", "x = 1\n").file("b/c.py", "x = 1\n");
    for (words, said) in [
        ("gates nowhere", "there is no `nowhere`"),
        ("gates . --gate syntacks", "did you mean `syntax`?"),
        ("gates . --gate syntax --all", "cannot be used with"),
    ] {
        let refused = folder.say(words);
        assert_eq!(refused.code, Some(2), "{words}: {refused}");
        assert!(refused.err.contains(said), "{words}: {refused}");
    }
    for (settings, said) in [
        ("[gates]\nbefore_commit = [\"ruf check\"]\n", "did you mean `ruff check`?"),
        ("[gates]\nfail_on = \"warnings\"\n", "did you mean `warning`?"),
        ("[gates]\ntest_coverage_min = 101\n", "must be from 0 to 100"),
        ("[[gates.tools]]\nname = \"x\"\n", "missing field"),
        ("[[gates.performance]]\nname = \"x\"\n", "either `url` or `command`"),
    ] {
        let refused = folder.file("evergen.toml", settings).say("gates .");
        assert_eq!(refused.code, Some(2), "{settings}: {refused}");
        assert!(refused.err.contains(said), "{settings}: {refused}");
    }
}

#[test]
fn a_tool_of_the_settings_is_a_gate_and_a_broken_one_is_no_pass() {
    let folder = Folder::new();
    folder.file("evergen.toml", SETTINGS).file("gen/a.txt", "good\nBAD\n");
    folder.program(
        "words.sh",
        "#!/bin/sh\n[ \"$1\" = --version ] && { echo words 1.0; exit 0; }\n\
         grep -Hn BAD \"$@\" | sed 's/BAD/a bad word/' ; grep -q BAD \"$@\" && exit 1; exit 0\n",
    );
    let found = folder.say("gates");
    assert_eq!(found.code, Some(1), "{found}");
    assert!(found.out.contains("a.txt:2"), "{found}");
    // A tool that says nothing any more does not find the planted mistake.
    folder.program("words.sh", "#!/bin/sh\n[ \"$1\" = --version ] && echo words 1.0\nexit 0\n");
    let blind = folder.say("gates");
    assert_eq!(blind.code, Some(1), "{blind}");
    assert!(blind.out.contains("failed its own proof"), "{blind}");
    folder.remove("words.sh");
    let missing = folder.say("gates");
    assert_eq!(missing.code, Some(1), "{missing}");
    assert!(missing.out.contains("It is part of the project."), "{missing}");
}

#[test]
fn waivers_and_a_baseline_decide_what_counts() {
    let folder = Folder::new();
    folder.file("evergen.toml", "[gates]\non_request = []\n");
    folder.file("gen/bad.py", "x = 1 +\n");
    let report = folder.say("gates --format json").json();
    let print = report["gates"][0]["outcome"]["detail"]["findings"][0]["fingerprint"]
        .as_str()
        .unwrap()
        .to_owned();
    let today = jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date();
    let tomorrow = today.tomorrow().unwrap();
    let waiver = |expires: &str| {
        format!(
            "[[waiver]]\nfingerprint = \"{print}\"\nowner = \"ana\"\nreason = \"known\"\n\
             expires = \"{expires}\"\n"
        )
    };
    folder.file("evergen.waivers.toml", waiver(&tomorrow.to_string())).done("gates");
    let expired = folder.file("evergen.waivers.toml", waiver("2020-01-01")).say("gates");
    assert_eq!(expired.code, Some(1), "{expired}");
    assert!(expired.out.contains("expired on 2020-01-01"), "{expired}");
    folder.file("evergen.waivers.toml", waiver(&tomorrow.to_string()));
    folder.file("gen/bad.py", "x = 1\n");
    let unused = folder.say("gates");
    assert_eq!(unused.code, Some(1), "{unused}");
    folder.remove("evergen.waivers.toml");
    folder.file("gen/bad.py", "x = 1 +\n");
    let taken = folder.say("gates --write-baseline");
    assert!(taken.err.contains("1 finding written to `evergen.baseline.json`"), "{taken}");
    folder.done("gates");
    folder.file("gen/other.py", "def g(:\n    pass\n");
    assert_eq!(folder.say("gates").code, Some(1), "what is new counts");
}

#[test]
fn results_are_kept_and_shown_over_time() {
    let folder = Folder::new();
    folder.file("evergen.toml", "").file("gen/a.py", "x = 1\n");
    folder.done("gates");
    folder.file("gen/a.py", "x = = 1\n").say("gates");
    let history = folder.done("gates history");
    assert!(history.out.contains("1 of 2 passed"), "{history}");
    let json = folder.done("gates history --json").json();
    assert_eq!(json["trends"]["runs"], 2);
    let list = folder.done("gates list");
    assert!(list.out.contains("asked before each commit"), "{list}");
    assert!(list.out.contains("ruff check"), "{list}");
}

#[test]
fn heal_writes_what_it_mends_and_leaves_generated_files_alone() {
    let folder = Folder::new();
    folder.file("evergen.toml", "[gates]\non_request = [\"ruff check\"]\n");
    folder.file("src/a.py", "import os\nx = 1\n");
    let healed = folder.say("heal src");
    if healed.out.contains("`ruff` was not found") {
        eprintln!("skipped: ruff is not installed; `cargo xtask setup` installs it");
        return;
    }
    assert_eq!(healed.code, Some(0), "{healed}");
    assert_eq!(folder.read("src/a.py"), "x = 1\n");
    let dry = folder.file("src/a.py", "import os\nx = 1\n").say("heal src --dry-run");
    assert!(dry.out.contains("1 file would be written"), "{dry}");
    assert_eq!(folder.read("src/a.py"), "import os\nx = 1\n");
}
