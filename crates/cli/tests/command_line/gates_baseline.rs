//! What is taken as known, and what stays as it was.

use crate::support::Folder;

const BAD: &str = "x = 1 +\n";

/// A project with a mistake in each of two folders.
fn project() -> Folder {
    let folder = Folder::new();
    folder.file("evergen.toml", "[gates]\non_request = []\n");
    folder.file("gen/bad.py", BAD).file("src/bad.py", BAD);
    folder
}

/// The files that the baseline has, sorted.
fn known(folder: &Folder) -> Vec<String> {
    let text = folder.read("evergen.baseline.json");
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    let findings = read["findings"].as_array().unwrap();
    let mut files: Vec<String> =
        findings.iter().map(|it| it["file"].as_str().unwrap().to_owned()).collect();
    files.sort();
    files
}

#[test]
fn a_part_is_taken_as_known_and_what_is_elsewhere_stays() {
    let folder = project();
    let first = folder.done("gates gen --write-baseline");
    assert!(first.err.contains("1 finding written to `evergen.baseline.json`\n"), "{first}");
    assert_eq!(known(&folder), ["gen/bad.py"]);
    folder.done("gates gen");
    assert_eq!(folder.say("gates src").code, Some(1), "that is not known yet");
    let second = folder.done("gates src --write-baseline");
    assert!(second.err.contains(", beside 1 finding from elsewhere"), "{second}");
    assert_eq!(known(&folder), ["gen/bad.py", "src/bad.py"]);
    folder.done("gates");
    // What is mended, or gone, is no longer known; of the named folders only.
    folder.file("src/bad.py", "x = 1\n").remove("gen/bad.py").file("gen/other.py", "x = 1\n");
    folder.done("gates src --write-baseline");
    assert_eq!(known(&folder), ["gen/bad.py"]);
    folder.file("src/new.py", BAD);
    folder.done("gates gen src --write-baseline");
    assert_eq!(known(&folder), ["src/new.py"]);
}

#[test]
fn several_folders_and_files_are_taken_at_once() {
    let folder = project();
    folder.file("other/bad.py", BAD).file("other/too.py", BAD);
    folder.done("gates gen src --write-baseline");
    assert_eq!(known(&folder), ["gen/bad.py", "src/bad.py"]);
    folder.done("gates other/bad.py --write-baseline");
    assert_eq!(known(&folder), ["gen/bad.py", "other/bad.py", "src/bad.py"]);
    folder.file("other/bad.py", "x = 1\n").done("gates other/bad.py --write-baseline");
    assert_eq!(known(&folder), ["gen/bad.py", "src/bad.py"]);
    // What is left out of version control was named once, and is not looked at now.
    folder.file("other/.gitignore", "too.py\n").done("gates other/too.py --write-baseline");
    folder.done("gates other --write-baseline");
    assert_eq!(known(&folder), ["gen/bad.py", "other/too.py", "src/bad.py"]);
}

#[test]
fn what_a_gate_of_the_whole_tree_finds_in_other_files_is_not_taken() {
    let folder = project();
    // It complains of each file of the tree, whichever are named.
    folder.file(
        "evergen.toml",
        r#"[gates]
on_request = ["marks"]
[[gates.tools]]
name = "marks"
kind = "lint"
needs = "tree"
command = ["grep", "-rHn", "--include=*.txt", "--exclude-dir=.cache", "TODO", "."]
install = "It is part of every system."
files = ["**/*.txt"]
exit = { clean = [1], findings = [0] }
reports = [{ from = "stdout", format = { lines = { regex = '^(?<file>[^:]+):(?<line>\d+):(?<message>.*)$' } } }]
canaries = [
  { expect = "red", path = "a.txt", text = "TODO\n" },
  { expect = "green", path = "a.txt", text = "done\n" },
]
"#,
    );
    folder.file("a.txt", "TODO a\n").file("b.txt", "TODO b\n");
    let taken = folder.say("gates a.txt --gate marks --write-baseline");
    assert_eq!(taken.code, Some(1), "{taken}");
    assert!(taken.err.contains("1 finding written"), "{taken}");
    assert!(taken.err.contains("1 finding in files that were not named"), "{taken}");
    assert_eq!(known(&folder), ["a.txt"]);
    folder.done("gates b.txt --gate marks --write-baseline");
    assert_eq!(known(&folder), ["a.txt", "b.txt"]);
}

#[test]
fn what_other_gates_found_stays_known() {
    let folder = project();
    folder.file("gen/key.txt", "-----BEGIN RSA PRIVATE KEY-----\n");
    folder.done("gates --gate secrets --write-baseline");
    assert_eq!(known(&folder), ["gen/key.txt"]);
    folder.done("gates --write-baseline --skip secrets");
    assert_eq!(known(&folder), ["gen/bad.py", "gen/key.txt", "src/bad.py"]);
    folder.done("gates --gate secrets,syntax");
}

#[test]
fn nothing_is_taken_where_nobody_looked() {
    let folder = project();
    folder.done("gates --write-baseline");
    let before = folder.read("evergen.baseline.json");
    folder.file("docs/a.rst", "text\n");
    for words in ["gates docs --gate syntax", "gates gen --gate syntax --skip syntax"] {
        let nothing = folder.say(&format!("{words} --write-baseline"));
        assert_eq!(nothing.code, Some(1), "{words}: {nothing}");
        assert_eq!(folder.read("evergen.baseline.json"), before, "{words}");
    }
    let elsewhere = Folder::new();
    elsewhere.file("gen/bad.py", BAD);
    let path = elsewhere.path().display().to_string();
    let foreign = folder.say(&format!("gates {path} --root . --write-baseline"));
    assert_eq!(foreign.code, Some(2), "{foreign}");
    assert!(foreign.err.contains("is for files of the project"), "{foreign}");
    assert_eq!(folder.read("evergen.baseline.json"), before);
}
