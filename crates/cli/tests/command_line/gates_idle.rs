//! Gates that have nothing to look at, and what is said then.

use crate::support::Folder;

/// Files of Rust that are no package.
fn loose() -> Folder {
    let folder = Folder::new();
    folder.file("gen/a.rs", "fn f() {}\n").file("docs/a.rst", "text\n");
    folder
}

#[test]
fn a_gate_without_a_project_is_left_out_of_all_and_missed_by_name() {
    let folder = loose();
    let all = folder.done("gates gen --all --installed --skip rustfmt");
    let why = "clippy: not asked: there is no Cargo.toml in `gen`";
    assert!(all.out.contains(why), "{all}");
    assert!(!all.out.contains("clippy: passed"), "{all}");
    let json = folder.say("gates gen --all --installed --skip rustfmt --format json").json();
    let left = json["left_out"].as_array().unwrap();
    assert!(left.iter().any(|left| left["gate"] == "cargo test"), "{json}");
    let here = folder.done("gates . --all --installed --skip rustfmt");
    assert!(here.out.contains("clippy: not asked: there is no Cargo.toml in `.`"), "{here}");
    let hint = folder.done("gates gen");
    assert!(!hint.err.contains("clippy"), "nobody is sent to what can't look: {hint}");
    for words in ["gates gen --gate clippy", "gates"] {
        folder.file("evergen.toml", "[gates]\nbefore_commit = [\"clippy\"]\non_request = []\n");
        let named = folder.say(words);
        assert_eq!(named.code, Some(1), "{words}: {named}");
        assert!(
            named.out.contains("there is no Cargo.toml") || named.out.contains("was not found"),
            "{words}: {named}"
        );
    }
}

#[test]
fn settings_that_may_name_tests_otherwise_leave_a_doubt() {
    let folder = Folder::new();
    folder.file("gen/a.py", "x = 1\n").file("gen/pyproject.toml", "[project]\nname = \"a\"\n");
    let all = folder.say("gates gen --all --installed --skip mypy,pyright,ty,bandit,black");
    let why = "pytest: not asked: there is no test file (`test_*.py`, `*_test.py`) in `gen`";
    assert!(all.out.contains(why), "{all}");
    let named = folder.say("gates gen --gate pytest");
    assert_eq!(named.code, Some(1), "{named}");
    assert!(
        named.out.contains("no test ran") || named.out.contains("was not found"),
        "it is asked, and says so itself: {named}"
    );
}

#[test]
fn where_nobody_looked_nothing_passed() {
    let folder = loose();
    for (words, why) in [
        ("gates gen --gate syntax --skip syntax", "every gate was left out"),
        ("gates docs --gate syntax", "there was nothing to look at in `docs` for syntax"),
        ("gates docs", "there was nothing to look at in `docs` for syntax, imports"),
    ] {
        let said = folder.say(words);
        assert_eq!(said.code, Some(1), "{words}: {said}");
        assert!(said.out.ends_with(&format!("nothing was judged: {why}\n")), "{words}: {said}");
        assert!(!said.out.contains("passed"), "{words}: {said}");
        assert!(said.err.contains("help: name "), "{words}: {said}");
        let json = folder.say(&format!("{words} --format json"));
        assert_eq!(json.json()["overall_passed"], false, "{words}: {json}");
        assert_eq!(json.json()["problems"][0]["problem"], "nothing_judged", "{words}: {json}");
        for format in ["sarif", "junit", "github"] {
            let said = folder.say(&format!("{words} --format {format}"));
            assert!(said.out.contains("nothing_judged") || said.out.contains(why), "{said}");
        }
        let healed = folder.say(&words.replace("gates", "heal"));
        assert_eq!(healed.code, Some(1), "{words}: {healed}");
        assert!(healed.out.contains("nothing was judged"), "{words}: {healed}");
    }
    let partly = folder.say("gates gen --gate syntax,completeness");
    assert_eq!(partly.code, Some(1), "{partly}");
    assert!(partly.out.contains("failed: 1 gate, 1 not applicable"), "{partly}");
    assert!(partly.out.contains("nothing to look at in `gen` for completeness"), "{partly}");
    // A hook names files, whatever they are: that somebody has no business there is no failure.
    let hook = folder.done("gates docs/a.rst --gate syntax");
    assert!(hook.out.ends_with("nothing was judged: this means nothing to the gates\n"), "{hook}");
}
