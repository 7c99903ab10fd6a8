//! Which files and gates are meant, and how files are called.

use crate::support::Folder;

const BAD: &str = "def f(:\n    pass\n";

/// A folder with a mistake in `src/a`, and none in `src/b`.
fn sources() -> Folder {
    let folder = Folder::new();
    folder.file("src/a/bad.py", BAD).file("src/b/good.py", "x = 1\n");
    folder
}

/// The files and fingerprints that are found.
fn found(folder: &Folder, arguments: &str) -> Vec<(String, String)> {
    let report = folder.say(&format!("{arguments} --format json")).json();
    let gates = report["gates"].as_array().unwrap().iter();
    let findings = gates.filter_map(|gate| gate["outcome"]["detail"]["findings"].as_array());
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    findings.flatten().map(|it| (text(&it["file"]), text(&it["fingerprint"]))).collect()
}

#[test]
fn a_file_has_one_name_whichever_folder_is_named() {
    for root in ["evergen.toml", ".git/HEAD"] {
        let folder = sources();
        folder.file(root, "");
        let first = found(&folder, "gates . --gate syntax");
        assert_eq!(first[0].0, "src/a/bad.py", "{root}");
        for paths in ["src", "src/a", "src/a/bad.py", "src/a src/b", "src/a/bad.py src/b"] {
            let again = found(&folder, &format!("gates {paths} --gate syntax"));
            assert_eq!(again, first, "{root}: {paths}");
        }
        let github = folder.say("gates src/a --gate syntax --format github");
        assert!(github.out.contains("file=src/a/bad.py"), "{github}");
        for form in ["text", "sarif", "junit"] {
            let report = folder.say(&format!("gates src/a --gate syntax --format {form}"));
            assert!(report.out.contains("src/a/bad.py"), "{form}: {report}");
        }
        let text = folder.say("gates src/a --gate syntax");
        assert!(text.out.contains("def f(:"), "the excerpt is still found: {text}");
    }
}

#[test]
fn a_waiver_holds_whichever_folder_is_named() {
    let folder = sources();
    folder.file("evergen.toml", "[gates]\non_request = []\n");
    let found = found(&folder, "gates src --gate syntax");
    let today = jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date();
    let tomorrow = today.tomorrow().unwrap();
    let waiver = |(_, print): &(String, String)| {
        format!(
            "[[waiver]]\nfingerprint = \"{print}\"\nowner = \"ana\"\nreason = \"known\"\n\
             expires = \"{tomorrow}\"\n"
        )
    };
    let waivers: String = found.iter().map(waiver).collect();
    folder.file("evergen.waivers.toml", waivers);
    for paths in [".", "src", "src/a", "src/a/bad.py", "src/b src/a"] {
        folder.done(&format!("gates {paths} --gate syntax"));
    }
    folder.remove("evergen.waivers.toml");
    folder.done("gates --write-baseline");
    assert!(folder.read("evergen.baseline.json").contains("\"src/a/bad.py\""));
    folder.done("gates src/a --gate syntax");
}

#[test]
fn what_is_excluded_is_named_from_the_project() {
    let folder = sources();
    folder.file("evergen.toml", "[gates]\nexclude = [\"src/a/**\"]\n");
    folder.done("gates src --gate syntax");
    let nothing = folder.say("gates src/a --gate syntax");
    assert_eq!(nothing.code, Some(1), "{nothing}");
    assert!(nothing.err.contains("nothing to look at"), "{nothing}");
    assert!(nothing.err.contains("`.gitignore` and `gates.exclude` leave out"), "{nothing}");
}

#[test]
fn a_gate_that_is_left_out_is_said_and_has_not_passed() {
    let folder = sources();
    let said = folder.say("gates src/b --gate syntax,imports --skip imports");
    assert_eq!(said.code, Some(0), "{said}");
    assert!(said.out.contains("imports: not asked: left out by `--skip`"), "{said}");
    let json = folder.say("gates src/b --gate syntax,imports --skip imports --format json").json();
    assert_eq!(json["left_out"][0]["gate"], "imports");
    assert_eq!(json["gates"].as_array().unwrap().len(), 1);
    let none = folder.say("gates src/b --gate syntax --skip syntax");
    assert_eq!(none.code, Some(1), "{none}");
    let unknown = folder.say("gates src/b --skip syntacks");
    assert_eq!(unknown.code, Some(2), "{unknown}");
    assert!(unknown.err.contains("did you mean `syntax`?"), "{unknown}");
}

#[test]
fn what_is_not_installed_is_told_and_can_be_left_out() {
    let folder = sources();
    folder.file(
        "evergen.toml",
        "[gates]\non_request = [\"odd\"]\n[[gates.tools]]\nname = \"odd\"\nkind = \"lint\"\n\
         command = [\"evergen-no-such-tool\", \"{files}\"]\ninstall = \"There is none.\"\n\
         files = [\"**/*.py\"]\nreports = [{ from = \"stdout\", format = \"gnu\" }]\n\
         canaries = [\n  { expect = \"red\", path = \"a.py\", text = \"x\\n\" },\n  \
         { expect = \"green\", path = \"a.py\", text = \"y\\n\" },\n]\n",
    );
    let list = folder.done("gates list --json").json();
    let of = |name: &str| {
        let gates = list["gates"].as_array().unwrap();
        gates.iter().find(|gate| gate["name"] == name).unwrap().clone()
    };
    assert_eq!(of("odd")["installed"], false);
    assert!(of("odd")["missing"].as_str().unwrap().contains("There is none."));
    assert!(of("syntax")["installed"].is_null());
    let text = folder.done("gates list");
    assert!(text.out.lines().any(|line| line.starts_with("odd") && line.contains("not usable")));
    let broken = folder.say("gates src/b");
    assert_eq!(broken.code, Some(1), "{broken}");
    let left = folder.say("gates src/b --installed");
    assert_eq!(left.code, Some(0), "{left}");
    assert!(left.out.contains("odd: not asked: "), "{left}");
    let none = folder.say("gates src/b --gate odd --installed");
    assert_eq!(none.code, Some(1), "nobody looked: {none}");
}

#[test]
fn whatever_the_last_run_made_must_be_there() {
    let folder = Folder::project();
    folder.done("run");
    folder.done("gates --gate completeness");
    let all = folder.done("gates --all --installed --skip secrets");
    assert!(all.out.contains("completeness: passed"), "{all}");
    folder.remove("gen/order.txt");
    let missing = folder.say("gates --gate completeness");
    assert_eq!(missing.code, Some(1), "{missing}");
    assert!(missing.out.contains("gen/order.txt"), "{missing}");
    let elsewhere = folder.say("gates templates --gate completeness");
    assert_eq!(elsewhere.code, Some(1), "nothing is known of there: {elsewhere}");
    folder.file("evergen.toml", "[gates]\nbefore_commit = [\"completeness\"]\n");
    let refused = folder.say("gates");
    assert_eq!(refused.code, Some(2), "{refused}");
    assert!(refused.err.contains("can't be asked before a commit"), "{refused}");
}

#[test]
fn what_is_generated_outside_of_the_project_is_left_alone_too() {
    let folder = Folder::new();
    folder.file("shop/model.ttl", "@prefix ex: <http://example.org/> . ex:a ex:n \"os\" .\n");
    folder.file(
        "shop/evergen.toml",
        "[model]\nsources = [\"model.ttl\"]\n[regeneration]\noutput_dir = \"../out\"\n",
    );
    folder.file(
        "shop/templates/thing.py.j2",
        "+++\nfor_each = \"SELECT ?n WHERE { ?x <http://example.org/n> ?n }\"\n\
         to = \"thing.py\"\n+++\nimport {{ n }}\nx = 1\n",
    );
    let run = folder.command("run").current_dir(folder.path().join("shop")).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = folder.read("out/thing.py");
    let mut heal = folder.command("heal ../out --gate");
    let healed = heal.arg("ruff check").current_dir(folder.path().join("shop")).output().unwrap();
    let said = String::from_utf8_lossy(&healed.stdout).into_owned();
    if said.contains("`ruff` was not found") {
        eprintln!("skipped: ruff is not installed; `cargo xtask setup` installs it");
        return;
    }
    assert!(said.contains("is generated, and is left alone"), "{said}");
    assert_eq!(folder.read("out/thing.py"), text);
}

#[test]
fn help_is_a_word_too() {
    let folder = Folder::new();
    let help = folder.done("help");
    assert!(help.out.contains("gates"), "{help}");
    let of_verb = folder.done("help heal");
    assert!(of_verb.out.contains("--dry-run"), "{of_verb}");
    assert!(!help.out.contains("guard-tools"), "{help}");
}
