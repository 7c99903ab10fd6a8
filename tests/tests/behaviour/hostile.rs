//! Models, folders and files that mean no good.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::time::Duration;

use evergen_regeneration::{
    Access, CycleError, LanguageProfile, Languages, NameKind, RegenerationEngine,
};
use evergen_tests::project::{Fixture, Tree, counts, folder, tree};

const NAMES: &str = r#"+++
for_each = "SELECT ?name WHERE { ?thing ex:name ?name }"
to = "{{ name }}"
+++
{{ name }}
"#;

/// A project that makes a file for each name.
fn naming(names: &[&str]) -> Fixture {
    let fixture = Fixture::new();
    let lines = names.iter().enumerate().map(|(number, name)| {
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        let name = name.replace('\n', "\\n").replace('\r', "\\r");
        format!("<http://example.org/t{number}> <http://example.org/name> \"{name}\" .\n")
    });
    fixture.write("model/names.nt", lines.collect::<String>()).write("templates/x.j2", NAMES);
    fixture
}

/// The model's path is refused, and nothing is written anywhere.
fn refused(name: &str) {
    let fixture = naming(&["fine.txt", name]);
    let before = tree(fixture.path());
    let problems = fixture.rejected();
    assert_eq!(problems.len(), 1, "{name:?}: {problems:?}");
    assert_eq!(problems[0].code, "output::path", "{name:?}");
    assert_eq!(problems[0].file.as_deref(), Some("templates/x.j2"), "{name:?}");
    assert!(problems[0].help.is_some(), "{name:?}");
    let mut after = tree(fixture.path());
    after.retain(|path, _| !path.starts_with(".evergen/"));
    assert_eq!(after, before, "{name:?}");
}

#[test]
fn paths_that_lead_out_of_the_output_folder_are_refused() {
    for name in [
        "../x",
        "a/../../x",
        "a/..",
        "..",
        ".",
        "",
        "/etc/x",
        "a//b",
        "a/",
        "//x",
        "a\\..\\x",
        "C:x",
    ] {
        refused(name);
    }
}

#[test]
fn names_that_other_systems_take_for_something_else_are_refused() {
    for name in
        ["con", "NUL.txt", "a/aux.rs", "com1", "LPT9.txt", "x.", "x ", "a/b ./c", "a:b", "conin$"]
    {
        refused(name);
    }
}

#[test]
fn folders_of_tools_are_refused() {
    for name in [
        ".evergen/x",
        ".git/config",
        ".GIT/config",
        "a/.git/hooks/x",
        "git~1/x",
        ".evergen-stage/x",
    ] {
        refused(name);
    }
}

#[test]
fn characters_that_deceive_are_refused() {
    let names = [
        "a\u{202e}b.txt",
        "a\u{200b}b.txt",
        "a\u{ff0f}b",
        "\u{ff0e}\u{ff0e}/x",
        "a\u{2215}b",
        "a\nb",
        "e\u{301}.txt",
        ".g\u{200c}it/config",
        "\u{feff}x",
    ];
    for name in names {
        refused(name);
    }
}

/// Two names for what can be one file: an error that names both, and nothing is written.
fn twins(left: &str, right: &str) {
    let fixture = naming(&[left, right]);
    let problems = fixture.rejected();
    assert_eq!(problems.len(), 1, "{left:?} and {right:?}: {problems:?}");
    let message = &problems[0].message;
    assert!(message.contains(left) && message.contains(right), "{message}");
    assert!(!fixture.output().exists());
}

#[test]
fn two_names_for_one_file_are_an_error() {
    twins("Order.txt", "order.txt");
    twins("stra\u{df}e.txt", "STRASSE.txt");
    twins("a/\u{e9}.txt", "a/\u{c9}.txt");
    twins("\u{3c3}.txt", "\u{3c2}.txt");
}

#[test]
fn a_file_can_be_no_folder() {
    let fixture = naming(&["a", "a/b"]);
    let problems = fixture.rejected();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(!fixture.output().exists());
}

/// A folder that is not the project's, with a file in it.
fn outside() -> (tempfile::TempDir, Tree) {
    let outside = folder();
    fs::write(outside.path().join("x.txt"), "mine\n").unwrap();
    let before = tree(outside.path());
    (outside, before)
}

#[test]
fn a_folder_in_the_output_that_is_a_link_is_not_followed() {
    let (outside, before) = outside();
    let fixture = naming(&["sub/x.txt", "sub/new.txt", "fine.txt"]);
    fs::create_dir(fixture.output()).unwrap();
    symlink(outside.path(), fixture.output().join("sub")).unwrap();
    let report = fixture.run();
    assert_eq!(counts(&report), [3, 3, 3, 1, 0, 0, 2]);
    assert!(!report.succeeded());
    assert_eq!(tree(outside.path()), before);
    assert_eq!(fixture.read("gen/fine.txt"), "fine.txt\n");
}

#[test]
fn a_folder_that_becomes_a_link_is_not_followed_either() {
    let (outside, before) = outside();
    let fixture = naming(&["sub/x.txt", "fine.txt"]);
    fixture.run();
    fs::remove_dir_all(fixture.output().join("sub")).unwrap();
    symlink(outside.path(), fixture.output().join("sub")).unwrap();
    fixture.change("templates/x.j2", "{{ name }}\n", "{{ name }}!\n");
    let refused = fixture.run();
    assert_eq!(refused.artifacts.refused, 1, "{:?}", refused.changes);
    // Nor is it when the row is gone, and the file would have to go.
    fixture.write(
        "model/names.nt",
        "<http://example.org/t> <http://example.org/name> \"fine.txt\" .\n",
    );
    let _ = fixture.run();
    assert_eq!(tree(outside.path()), before);
}

#[test]
fn a_file_in_the_output_that_is_a_link_is_not_written_through() {
    let (outside, before) = outside();
    let fixture = naming(&["x.txt"]);
    fs::create_dir(fixture.output()).unwrap();
    symlink(outside.path().join("x.txt"), fixture.output().join("x.txt")).unwrap();
    assert_eq!(fixture.run().artifacts.refused, 1);
    assert_eq!(tree(outside.path()), before);
}

#[test]
fn the_lock_file_is_not_written_through_a_link() {
    let (outside, before) = outside();
    let fixture = naming(&["fine.txt"]);
    symlink(outside.path().join("x.txt"), fixture.path().join("evergen.lock")).unwrap();
    let _ = fixture.engine().run(&mut |_| {});
    assert_eq!(tree(outside.path()), before);
}

#[test]
fn files_in_a_state_folder_that_are_links_are_not_written_through() {
    let (outside, before) = outside();
    let fixture = naming(&["fine.txt"]);
    fixture.run();
    let state = fixture.path().join(".evergen");
    for name in tree(&state).into_keys().filter(|name| name != "lock") {
        fs::remove_file(state.join(&name)).unwrap();
        symlink(outside.path().join("x.txt"), state.join(&name)).unwrap();
    }
    fixture.write("templates/x.j2", NAMES.replace("{{ name }}\n", "{{ name }}!\n"));
    let _ = fixture.engine().run(&mut |_| {});
    assert_eq!(tree(outside.path()), before);
}

#[test]
fn a_state_folder_that_is_a_link_is_refused_or_used_and_holds_only_state() {
    let (outside, before) = outside();
    let fixture = naming(&["fine.txt"]);
    symlink(outside.path(), fixture.path().join(".evergen")).unwrap();
    let opened = RegenerationEngine::open(fixture.project(), Access::Write { wait: None });
    if let Ok(mut engine) = opened {
        let _ = engine.run(&mut |_| {});
    }
    let after = tree(outside.path());
    assert_eq!(after.get("x.txt"), before.get("x.txt"));
    assert!(!after.contains_key("fine.txt"));
}

/// A language of brackets: enough to see what a filter is given.
struct Brackets;

impl LanguageProfile for Brackets {
    fn name(&self) -> &'static str {
        "brackets"
    }

    fn ident(&self, name: &str) -> String {
        name.chars().filter(char::is_ascii_alphanumeric).collect()
    }

    fn name_for(&self, _kind: NameKind, words: &str) -> String {
        self.ident(words)
    }

    fn string(&self, text: &str) -> String {
        format!("\"{}\"", text.escape_unicode())
    }

    fn doc(&self, text: &str) -> String {
        text.lines().collect::<Vec<_>>().join("\n# ")
    }

    fn comment(&self, text: &str, indent: usize, _width: usize) -> String {
        let indent = " ".repeat(indent);
        text.lines().flat_map(|line| [&*indent, "# ", line, "\n"]).collect()
    }

    fn native_type(&self, _datatype: &str) -> String {
        "any".to_owned()
    }
}

const HOSTILE: [&str; 6] = [
    "quote \" and \"\"\" and ' and `",
    "two\nlines\r\nand */ more #} {{ 7 * 7 }} {% raw %}",
    "right \u{202e}to left",
    "\u{2028}\u{2029}\u{85}",
    "back\\slash $(rm) ${x} <?php",
    "\u{feff}\u{200d}\u{e000}\u{10ffff}",
];

#[test]
fn literals_reach_a_language_as_they_are() {
    let mut fixture = naming(&HOSTILE);
    fixture.write(
        "templates/x.j2",
        "+++\nto = \"all.txt\"\nlanguage = \"brackets\"\n[queries]\nrows = \"SELECT ?name WHERE { ?thing ex:name ?name }\"\n+++\n{% for row in rows %}{{ row.name | string }}\n{% endfor %}",
    );
    fixture.languages = Languages::new().with(Arc::new(Brackets));
    fixture.run();
    let mut expected = HOSTILE.map(|text| Brackets.string(text));
    expected.sort();
    let text = fixture.read("gen/all.txt");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, expected);
}

#[test]
fn names_and_comments_are_those_of_a_language() {
    let mut fixture = naming(&[]);
    fixture.write(
        "templates/x.j2",
        "+++\nto = \"all.txt\"\nlanguage = \"rust\"\n+++\n\
         {% set words = \"the type\" %}\
         {{ words | type_name }} {{ words | property_name }} {{ words | method_name }}\n\
         {{ words | member_name(\"java\") }} {{ words | module_name(\"typescript\") }} {{ words | package_name }}\n\
         {{ words | comment }}{{ \"\" | comment(4) }}{{ words | comment(4) }}\
         {{ words | comment(2, \"python\") }}{{ (\"many words \" * 5) | comment(0, \"sql\", width=40) }}",
    );
    fixture.languages = evergen_packs::languages();
    fixture.run();
    let expected = "TheType the_type the_type\nTHE_TYPE the-type the-type\n/// the type\n    /// the type\n  \"\"\"the type\"\"\"\n-- many words many words many words many\n-- words many words\n";
    assert_eq!(fixture.read("gen/all.txt"), expected);
}

#[test]
fn literals_can_not_leave_the_literals_and_comments_of_a_language() {
    for language in evergen_packs::languages().names() {
        let languages = evergen_packs::languages();
        let profile = languages.get(language).unwrap();
        for text in HOSTILE {
            let literal = profile.string(text);
            let bad = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\r' | '\n' | '\u{2028}' | '\u{2029}');
            assert!(!literal.contains(bad), "{language}: {literal:?}");
            let doc = profile.doc(text);
            let deceives =
                |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\r');
            // Either each line begins as a comment, or nothing ends the comment.
            let begins = |line: &str| {
                ["//", "#", "--"].iter().any(|mark| line.trim_start().starts_with(mark))
            };
            let is_of_lines = profile.doc("a\nb").lines().skip(1).all(begins);
            let stays = doc.lines().skip(1).all(begins);
            let end = if matches!(profile.name(), "python" | "graphql") { "\"\"\"" } else { "*/" };
            let ends = doc.replace("\\\"\"\"", "").contains(end);
            assert!(!doc.contains(deceives), "{language}: {doc:?}");
            assert!(is_of_lines && stays || !is_of_lines && !ends, "{language}: {doc:?}");
        }
    }
}

#[test]
fn a_second_engine_is_told_who_holds_the_lock() {
    let fixture = naming(&["fine.txt"]);
    let first = fixture.engine();
    let wait = Some(Duration::ZERO);
    let second = RegenerationEngine::open(fixture.project(), Access::Write { wait });
    let Err(CycleError::Locked(holder)) = second else { panic!("there are two writers") };
    assert!(holder.to_string().contains(&format!("process {}", std::process::id())), "{holder}");
    // Who only looks need not wait.
    let mut reader = RegenerationEngine::open(fixture.project(), Access::Read).unwrap();
    assert_eq!(reader.plan().unwrap().artifacts.total, 1);
    drop(first);
    RegenerationEngine::open(fixture.project(), Access::Write { wait }).unwrap();
}

#[test]
fn a_second_engine_waits_until_the_first_is_done() {
    let fixture = naming(&["fine.txt"]);
    let mut first = fixture.engine();
    let project = fixture.project();
    let waiting = std::thread::spawn(move || {
        let wait = Some(Duration::from_mins(1));
        let mut second = RegenerationEngine::open(project, Access::Write { wait }).unwrap();
        second.run(&mut |_| {}).unwrap()
    });
    assert_eq!(counts(&first.run(&mut |_| {}).unwrap())[3], 1);
    drop(first);
    assert_eq!(waiting.join().unwrap().artifacts.evaluated, 0, "it goes on from the first");
}

#[test]
fn a_reader_does_not_write() {
    let fixture = naming(&["fine.txt"]);
    let before = tree(fixture.path());
    let mut reader = RegenerationEngine::open(fixture.project(), Access::Read).unwrap();
    reader.plan().unwrap();
    reader.diff().unwrap();
    reader.check().unwrap();
    assert!(reader.run(&mut |_| {}).is_err());
    assert_eq!(tree(fixture.path()), before);
}
