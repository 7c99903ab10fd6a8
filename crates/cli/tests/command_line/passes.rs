//! Passes: programs that rewrite rendered texts, and repairs that become passes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::Folder;

const MODEL: &str = "@prefix ex: <http://example.org/> . ex:a a ex:Thing ; ex:n 1 .\n";

/// A project that makes one file of this text for each thing.
fn project(ending: &str, text: &str) -> Folder {
    let folder = Folder::new();
    let front = "for_each = \"SELECT ?n WHERE { ?x <http://example.org/n> ?n }\"";
    folder
        .file("model.ttl", MODEL)
        .file("evergen.toml", "[model]\nsources = [\"model.ttl\"]\n")
        .file(
            "templates/thing.j2",
            format!("+++\n{front}\nto = \"thing{{{{ n }}}}.{ending}\"\n+++\n{text}"),
        );
    folder
}

fn with_pass(folder: &Folder, version: &str, script: &str) {
    let program =
        format!("#!/bin/sh\n[ \"$1\" = --version ] && echo tool {version} && exit\n{script}\n");
    folder.file("bin/tool.sh", &program);
    let path = folder.path().join("bin/tool.sh");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    let settings = "[model]\nsources = [\"model.ttl\"]\n[[passes]]\nname = \"upper\"\n\
        files = [\"*.txt\"]\ncommand = [\"bin/tool.sh\", \"{file}\"]\nversion = \"tool 1.2.3\"\n";
    folder.file("evergen.toml", settings);
}

#[test]
fn a_rendered_text_goes_through_a_program_before_it_is_written() {
    let folder = project("txt", "thing {{ n }}\nthe end\n");
    with_pass(&folder, "1.2.3", "echo \"$1\"; tr a-z A-Z");
    folder.done("run");
    assert_eq!(folder.read("gen/thing1.txt"), "thing1.txt\nTHING 1\nTHE END\n");
    assert_eq!(folder.done("run --json").json()["artifacts"]["evaluated"], 0);
    folder.done("check");
    folder.done("verify");
    let explained = folder.done("explain gen/thing1.txt:2");
    assert!(explained.out.contains("2 │ THING 1"), "{explained}");
    assert!(explained.out.contains("templates/thing.j2:5"), "{explained}");
    assert!(explained.out.contains("Passes\n  upper"), "{explained}");

    // It belongs to the project: what it does counts, whatever version it claims.
    with_pass(&folder, "1.2.3", "tr a-z A-Z");
    folder.done("run");
    assert_eq!(folder.read("gen/thing1.txt"), "THING 1\nTHE END\n");

    // Another program makes other files, so it is told, and nothing is written.
    with_pass(&folder, "1.3.0", "cat");
    folder.file("model.ttl", MODEL.replace("n 1", "n 2"));
    let refused = folder.say("run");
    assert_eq!(refused.code, Some(3), "{refused}");
    assert!(refused.err.contains("the pass `upper` failed"), "{refused}");
    assert!(refused.err.contains("has version 1.3.0, and 1.2.3"), "{refused}");
    assert!(folder.exists("gen/thing1.txt") && !folder.exists("gen/thing2.txt"));

    // One that breaks down is told, too.
    with_pass(&folder, "1.2.3", "echo no good >&2; exit 7");
    let broken = folder.say("run");
    assert_eq!(broken.code, Some(3), "{broken}");
    assert!(broken.err.contains("no good"), "{broken}");
}

#[test]
fn healing_a_generated_file_records_a_pass_that_gives_the_same_bytes() {
    let folder = project("py", "import os\n\nx = {{ n }}\n");
    let settings = folder.read("evergen.toml") + "[gates]\non_request = [\"ruff check\"]\n";
    folder.file("evergen.toml", &settings);
    folder.done("run");
    let dry = folder.say("heal --dry-run");
    if dry.out.contains("`ruff` was not found") {
        eprintln!("skipped: ruff is not installed; `cargo xtask setup` installs it");
        return;
    }
    assert_eq!(dry.code, Some(0), "{dry}");
    assert!(dry.out.contains("would be recorded in evergen.toml"), "{dry}");
    assert_eq!(folder.read("evergen.toml"), settings);

    let healed = folder.say("heal");
    assert_eq!(healed.code, Some(0), "{healed}");
    assert!(healed.out.contains("for generated files: pass `ruff check`"), "{healed}");
    assert_eq!(folder.read("gen/thing1.py"), "import os\n\nx = 1\n", "the next run writes it");
    let settings = folder.read("evergen.toml");
    assert!(settings.contains("\n[[passes]]\nname = \"ruff check\"\n"), "{settings}");

    folder.done("run");
    assert_eq!(folder.read("gen/thing1.py"), "\nx = 1\n");
    // It stays mended, and what is new is mended, too.
    folder.file("model.ttl", MODEL.replace("n 1", "n 2"));
    folder.done("run");
    assert_eq!(folder.read("gen/thing2.py"), "\nx = 2\n");
    folder.done("verify");
    folder.done("gates");
    assert_eq!(folder.read("evergen.toml"), settings);
}

#[test]
fn a_repair_that_no_pass_gives_again_is_left_to_the_template() {
    let folder = project("py", "x = [{{ n }}, 1111111111, 2222222222, 3333333333]\n");
    // The formatter reads settings in the output folder, which a pass does not see.
    folder.file("templates/ruff.j2", "+++\nto = \"ruff.toml\"\n+++\nline-length = 40\n");
    let settings = folder.read("evergen.toml") + "[gates]\non_request = [\"ruff format\"]\n";
    folder.file("evergen.toml", &settings);
    folder.done("run");
    let healed = folder.say("heal");
    if healed.out.contains("`ruff` was not found") {
        eprintln!("skipped: ruff is not installed; `cargo xtask setup` installs it");
        return;
    }
    assert_eq!(healed.code, Some(1), "{healed}");
    assert!(healed.out.contains("gives another `thing1.py`"), "{healed}");
    assert_eq!(folder.read("evergen.toml"), settings);
}
