//! Folders and words that nobody would think of.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use crate::support::Folder;

fn project() -> Folder {
    let folder = Folder::new();
    folder.file("evergen.toml", "[gates]\non_request = []\n").file("src/a.py", "x = 1\n");
    folder
}

#[test]
fn the_past_is_told_whatever_became_of_the_files() {
    let folder = project();
    folder.done("gates src");
    let odd = folder.path().join("src").join(std::ffi::OsStr::from_bytes(b"odd\xff.py"));
    std::fs::write(&odd, "x = 1\n").unwrap();
    let refused = folder.say("gates src");
    assert_eq!(refused.code, Some(2), "{refused}");
    assert!(refused.err.contains("is not UTF-8"), "{refused}");
    assert!(refused.err.contains("help: Rename the file, or name it in .gitignore."), "{refused}");
    let history = folder.done("gates history");
    assert!(history.out.contains("1 of 1 passed"), "{history}");
    let none = folder.say("gates history -n 0");
    assert_eq!(none.code, Some(2), "{none}");
    std::fs::remove_dir_all(folder.path().join("src")).unwrap();
    folder.file("evergen.toml", "[model]\nsources = [\"model.ttl\"]\n").file("model.ttl", "");
    let gone = folder.done("gates history");
    assert!(gone.out.contains("1 of 1 passed"), "{gone}");
}

#[test]
fn what_is_no_file_is_told_as_that() {
    let folder = project();
    symlink("a.py", folder.path().join("src/link.py")).unwrap();
    symlink(".", folder.path().join("src/loop")).unwrap();
    let link = folder.say("gates src/link.py");
    assert_eq!(link.code, Some(2), "{link}");
    assert!(link.err.contains("a link, or no regular file"), "{link}");
    assert!(link.err.contains("help: Name the file itself"), "{link}");
    // In a folder they are neither followed nor judged, and a file that is named twice is one.
    for words in ["gates src", "gates src/a.py ./src/../src/a.py", "gates src src/ src/a.py"] {
        let said = folder.done(&format!("{words} --gate syntax"));
        assert!(said.out.contains("syntax: passed (1 file,"), "{words}: {said}");
    }
}

#[test]
fn a_name_with_a_line_feed_is_told_where_a_tool_can_not_list_it() {
    let folder = project();
    folder.file("src/b\nc.py", "x = 1\n");
    let mut command = folder.command("gates src --gate");
    let output = command.arg("ruff check").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    if said.contains("was not found") {
        eprintln!("skipped: ruff is not installed; `cargo xtask setup` installs it");
        return;
    }
    assert!(said.contains(r#"the name "b\nc.py" has line feeds"#), "{said}");
}

#[test]
fn one_object_is_printed_whatever_is_refused() {
    let folder = project();
    folder.file("src/bad.py", "x = 1 +\n").file("evergen.baseline.json", "{");
    let damaged = folder.say("gates src --write-baseline");
    assert_eq!(damaged.code, Some(2), "{damaged}");
    assert!(damaged.err.contains("mend it, or remove it"), "{damaged}");
    folder.remove("evergen.baseline.json");
    // Where the syntax is wrong, nobody knows what is imported.
    let blind = folder.say("gates src --gate syntax,imports --write-baseline --json");
    assert_eq!(blind.code, Some(1), "{blind}");
    assert_eq!(blind.json()["overall_passed"], false, "{blind}");
    assert!(blind.err.contains("`imports` could not look"), "{blind}");
    assert!(!folder.exists("evergen.baseline.json"));
    folder.done("gates src --gate syntax --write-baseline --json").json();
}

#[test]
fn only_who_looked_is_counted() {
    let folder = project();
    folder.file("evergen.toml", "[gates]\non_request = [\"completeness\"]\n");
    let said = folder.done("gates src --no-timings");
    assert!(said.out.ends_with("\npassed: 1 gate, 1 not applicable, score 1.00\n"), "{said}");
}
