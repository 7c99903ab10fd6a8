//! Where a project describes its environments: one file or one for each, in TOML or YAML.

use std::fmt::Write as _;

use crate::support::Folder;

const STAGING: &str = "\
target_dir: deploy/staging
health_checks:
  - name: has an order
    kind: command
    argv: [test, -s, order.rs]
    failures: 2
variables:
  MODE: 'no'
validate:
  - name: gates
    command: [test, -s, order.rs]
";

/// A folder with a release that passes its check.
fn release() -> Folder {
    let folder = Folder::new();
    folder.file("good/order.rs", "struct Order;\n");
    folder
}

/// The names of all environments, as `status` tells them.
fn names(folder: &Folder) -> Vec<String> {
    let status = folder.done("status --json").json();
    let name = |one: &serde_json::Value| one["environment"].as_str().unwrap().to_owned();
    status["environments"].as_array().unwrap().iter().map(name).collect()
}

/// STAGING as one of all environments.
fn among_all() -> String {
    format!("environments:\n- name: staging\n{}", indented(STAGING))
}

#[test]
fn yaml_says_what_toml_says() {
    let folder = release();
    for file in ["evergen.deploy.yaml", "evergen.deploy.yml"] {
        folder.file(file, format!("timeout_seconds: 60\nrollback_strategy: ~\n{}", among_all()));
        let yaml = folder.done("deploy staging --version 1 --from good --dry-run --json").json();
        folder.remove(file);
        let toml = "
timeout_seconds = 60
[[environments]]
name = \"staging\"
target_dir = \"deploy/staging\"
variables = { MODE = \"no\" }
[[environments.health_checks]]
name = \"has an order\"
kind = \"command\"
argv = [\"test\", \"-s\", \"order.rs\"]
failures = 2
[[environments.validate]]
name = \"gates\"
command = [\"test\", \"-s\", \"order.rs\"]
";
        folder.file("evergen.deploy.toml", toml);
        let plan = folder.done("deploy staging --version 1 --from good --dry-run --json").json();
        folder.remove("evergen.deploy.toml");
        assert_eq!(yaml["digest"], plan["digest"], "{yaml}\n{plan}");
        assert!(yaml["digest"].is_string());
    }
}

#[test]
fn each_environment_may_have_a_file_of_its_own() {
    let folder = release();
    folder.file("evergen.deploy/staging.yaml", STAGING);
    folder.file(
        "evergen.deploy/production.toml",
        "name = \"production\"\ntarget_dir = \"deploy/production\"\npromotes_from = \"staging\"\n",
    );
    folder
        .file("evergen.deploy/README.md", "Who may deploy.\n")
        .file("evergen.deploy/.x.toml~", "?")
        .file("evergen.deploy/.yamllint.yaml", "rules: {}");
    assert_eq!(names(&folder), ["staging", "production"]);
    let early = folder.say("deploy production --version 1 --from good --dry-run");
    assert_eq!(early.code, Some(2), "{early}");
    assert!(early.err.contains("is not live in `staging`"), "{early}");
    folder.done("deploy staging --version 1 --from good");
    folder.done("promote production");
    assert_eq!(folder.read("deploy/production/current/order.rs"), "struct Order;\n");

    // What holds for all stands in the file of all, which may describe more of them.
    let all = "pre_deploy_commands:\n- { name: never, command: ['false'], timeout_seconds: 5 }\n\
               environments:\n- { name: development, target_dir: deploy/development }\n";
    folder.file("evergen.deploy.yml", all);
    assert_eq!(names(&folder), ["development", "staging", "production"]);
    folder.file("good/order.rs", "struct Order(u8);\n");
    let refused = folder.say("deploy staging --version 2 --from good");
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.out.contains("never"), "{refused}");
}

#[test]
fn two_files_for_one_thing_are_refused() {
    for (files, said) in [
        (
            ["evergen.deploy.toml", "evergen.deploy.yaml"],
            "`evergen.deploy.toml` and `evergen.deploy.yaml` both describe all environments",
        ),
        (
            ["evergen.deploy/a.toml", "evergen.deploy/a.yml"],
            "`evergen.deploy/a.toml` and `evergen.deploy/a.yml` both describe environment `a`",
        ),
    ] {
        let folder = release();
        for file in files {
            folder.file(file, "");
        }
        let refused = folder.say("status");
        assert_eq!(refused.code, Some(2), "{refused}");
        assert!(refused.err.contains(said), "{refused}");
    }
    let folder = release();
    folder.file("evergen.deploy.yaml", among_all());
    folder.file("evergen.deploy/staging.yaml", STAGING);
    let refused = folder.say("status");
    assert_eq!(refused.code, Some(2), "{refused}");
    assert!(refused.err.contains("`staging` is described in another file, too"), "{refused}");
}

#[test]
fn what_is_wrong_is_shown_in_the_file_and_line_where_it_stands() {
    let own = "evergen.deploy/staging.yaml";
    let all = "evergen.deploy.yaml";
    for (from, to, line, said) in [
        ("target_dir:", "target_dri:", 1, "did you mean `target_dir`?"),
        ("failures: 2", "failures: two", 6, "\"two\", expected a whole number from 0 on"),
        ("failures: 2", "failures: -2", 6, "-2"),
        ("kind: command", "kind: comand", 3, "comand"),
        ("argv: [test,", "argv: ['',", 3, "the program is missing"),
        ("target_dir", "keep: 0\ntarget_dir", 1, "it may be 1 to 1000"),
        ("MODE: 'no'", "MODE: 'no", 8, "yaml.org"),
        ("MODE: 'no'", "MODE: 'no'\n  MODE: 'yes'", 9, "duplicate"),
        ("MODE: 'no'", "MODE: 7", 8, "a variable is a text, or a secret as"),
        ("command: [test", "command: 7 #", 10, "expected a list"),
        ("target_dir", "replicas: x\ntarget_dir", 1, "a whole number from 0 to 65535"),
        ("target_dir", "auto_deploy: 'on'\ntarget_dir", 1, "expected `true` or `false`"),
        ("target_dir: deploy", "target_dir: &a [*a]\n#", 1, ""),
    ] {
        let wrong_text = STAGING.replacen(from, to, 1);
        for (file, text, line) in [
            (own, wrong_text.clone(), line),
            (all, format!("environments:\n- name: staging\n{}", indented(&wrong_text)), line + 2),
        ] {
            let folder = release();
            folder.file(file, text);
            let wrong = folder.say("drift staging");
            assert_eq!(wrong.code, Some(2), "{to}: {wrong}");
            let place = format!("{file}:{line}:");
            assert!(wrong.err.contains(&place), "{to}: {place} is not in {wrong}");
            assert!(wrong.err.contains(said), "{to}: {said} is not in {wrong}");
            for ours in ["u16", "u32", "struct ", "enum ", "Policy", "sequence"] {
                assert!(!wrong.err.contains(ours), "{to}: {ours} means nothing to people: {wrong}");
            }
        }
    }
}

#[test]
fn what_can_not_work_is_told_before_anything_is_deployed() {
    let folder = release();
    let check = |kind: &str| format!("health_checks:\n- name: lives\n  {kind}\n");
    for (line, settings, said) in [
        (2, "replicas: 2\n".to_owned(), "nothing runs"),
        (2, "traffic_steps: [10, 100]\n".to_owned(), "has no shares of traffic"),
        (2, "resources: { memory: 1Gi }\n".to_owned(), "only a cluster"),
        (3, "comparison:\n  required: true\n".to_owned(), "nothing runs"),
        (3, check("kind: http\n  url: /healthz"), "or name a whole address"),
        (3, check("kind: tcp"), "or name a whole address"),
    ] {
        folder.file("evergen.deploy/a.yaml", format!("target_dir: deploy/a\n{settings}"));
        let refused = folder.say("deploy a --version 1 --from good");
        assert_eq!(refused.code, Some(2), "{settings}: {refused}");
        assert!(refused.err.contains(said), "{settings}: {refused}");
        let place = format!("evergen.deploy/a.yaml:{line}");
        assert!(refused.err.contains(&place), "{settings}: {place}: {refused}");
        assert!(!folder.exists("deploy"), "{settings}");
    }
    std::os::unix::fs::symlink("gen", folder.path().join("linked")).unwrap();
    folder.file("gen/a.txt", "a");
    for (target, said) in [
        (".", "the project lies in it"),
        ("..", "the project lies in it"),
        ("gen/live", "it lies in the folder that is deployed"),
        ("deploy/../gen/live", "it lies in the folder that is deployed"),
        ("linked/live", "it lies in the folder that is deployed"),
        (".evergen/live", "it lies in `.evergen`"),
    ] {
        folder.file("evergen.deploy/a.yaml", format!("target_dir: {target}\n"));
        let refused = folder.say("deploy a --version 1");
        assert!(refused.err.contains(said), "{target}: {refused}");
        // Whoever has to end something is not held up.
        folder.done("history --environment a");
    }
    folder.file("evergen.deploy/a.yaml", "target_dir: gen/../live\n");
    folder.done("deploy a --version 1");
    assert_eq!(folder.read("live/current/a.txt"), "a");
    let both = "target_dir: both\nauto_deploy: true\napproval: true\n";
    folder.file("evergen.deploy/b.yaml", both);
    let refused = folder.say("deploy b --version 1 --dry-run");
    assert!(refused.err.contains("nobody who approves"), "{refused}");
    folder.remove("evergen.deploy/b.yaml");
    folder.file(
        "evergen.deploy/a.yaml",
        format!("target_dir: a\n{}", check("kind: http\n  url: http://127.0.0.1:1/")),
    );
    assert_eq!(
        folder.say("deploy a --version 1 --from good").code,
        Some(1),
        "it is asked, and fails"
    );
}

fn indented(text: &str) -> String {
    text.split_inclusive('\n').flat_map(|line| ["  ", line]).collect()
}

#[test]
fn a_file_that_describes_no_environment_is_told() {
    for (file, text, said) in [
        ("evergen.deploy/staging.toml", "name = \"live\"\n", "but the file is called"),
        ("evergen.deploy/staging.yaml", "- staging\n", "no settings by name"),
        ("evergen.deploy/staging.yaml", "a: 1\n---\nb: 1\n", "document"),
        ("evergen.deploy/up here.yaml", "target_dir: x\n", "up here"),
        (
            "evergen.deploy/s.yaml",
            "target_dir: x\nkeep: [1, ~]\n",
            "an entry of this list is nothing",
        ),
        ("evergen.deploy.yaml", "environments: staging\n", "expected a list"),
        (
            "evergen.deploy/staging.yaml",
            "target_dir: x\npromotes_from: staging\n",
            "an environment that stands before it",
        ),
    ] {
        let folder = release();
        folder.file(file, text);
        let refused = folder.say("status");
        assert_eq!(refused.code, Some(2), "{file}: {refused}");
        assert!(refused.err.contains(said), "{file}: {refused}");
        assert!(refused.err.contains(file), "{file}: {refused}");
    }
    // The one whose source is nowhere is named, and not one that waits for it.
    let folder = release();
    folder.file("evergen.deploy.toml", "[[environments]]\nname = \"a\"\ntarget_dir = \"a\"\n");
    let from = |name: &str| format!("target_dir: {name}\npromotes_from: {name}\n");
    folder
        .file("evergen.deploy/canary.yaml", from("live"))
        .file("evergen.deploy/live.yml", from("stagin"));
    let refused = folder.say("status");
    assert!(refused.err.contains("evergen.deploy/live.yml:2:"), "{refused}");
    folder.remove("evergen.deploy/canary.yaml").remove("evergen.deploy/live.yml");
    folder.file("evergen.deploy/pro.duction.yaml", "target_dir: x\n");
    let refused = folder.say("status");
    assert!(refused.err.contains("evergen.deploy/pro.duction.yaml:1:"), "{refused}");
    folder.remove("evergen.deploy/pro.duction.yaml");
    std::os::unix::fs::symlink("nowhere", folder.path().join("evergen.deploy/b.yaml")).unwrap();
    let refused = folder.say("status");
    assert!(refused.err.contains("evergen.deploy/b.yaml"), "{refused}");
    assert_eq!(refused.code, Some(4), "{refused}");
    // Aliases that stand for more than anybody writes end as an error, and soon.
    let folder = release();
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let once = format!("*a{}", n - 1);
        writeln!(bomb, "a{n}: &a{n} [{}]", vec![once; 10].join(", ")).unwrap();
    }
    folder.file("evergen.deploy.yaml", bomb);
    assert_eq!(folder.say("status").code, Some(2));
    folder
        .file("evergen.deploy.yaml", format!("a: {}{}\n", "[".repeat(50_000), "]".repeat(50_000)));
    assert_eq!(folder.say("status").code, Some(2));
}
