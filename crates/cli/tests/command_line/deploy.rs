//! Deployments from the command line.

use crate::support::Folder;

const STAGING: &str = "
[[environments]]
name = \"staging\"
target_dir = \"deploy/staging\"

[[environments.health_checks]]
name = \"has an order\"
kind = \"command\"
argv = [\"test\", \"-s\", \"order.rs\"]
";

/// A folder with two releases: one that passes its check, and one that does not.
fn releases() -> Folder {
    let folder = Folder::new();
    folder.file("evergen.deploy.toml", STAGING);
    folder.file("good/order.rs", "struct Order;\n").file("good/item.rs", "struct Item;\n");
    folder.file("bad/order.rs", "").file("bad/item.rs", "struct Item;\n");
    folder
}

#[test]
fn a_release_that_fails_its_check_is_taken_back() {
    let folder = releases();
    let plan = folder.done("deploy staging --version 1.0.0 --from good --dry-run --json").json();
    assert!(!folder.exists("deploy"), "a dry run writes nothing");
    let digest = plan["digest"].as_str().unwrap().to_owned();
    folder.done(&format!("deploy staging --version 1.0.0 --from good --expect {digest}"));
    assert_eq!(folder.read("deploy/staging/current/order.rs"), "struct Order;\n");

    let bad = folder.say("deploy staging --version 1.0.1 --from bad");
    assert_eq!(bad.code, Some(1), "{bad}");
    assert!(bad.out.contains("`has an order` fails"), "{bad}");
    assert_eq!(folder.read("deploy/staging/current/order.rs"), "struct Order;\n");

    let status = folder.done("status --json").json();
    assert_eq!(status["environments"][0]["state"]["live"]["version"], "1.0.0");
    let history = folder.done("history --environment staging --json").json();
    let outcomes: Vec<&str> =
        history.as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["succeeded", "rolled_back"]);
    let figures = folder.done("analytics staging --prometheus");
    assert!(figures.out.contains("environment=\"staging\""), "{figures}");
}

#[test]
fn what_was_changed_by_hand_is_drift_and_rollback_brings_back_what_was_live() {
    let folder = releases();
    folder.done("deploy staging --version 1 --from good");
    folder.file("good/item.rs", "struct Other;\n");
    folder.done("deploy staging --version 2 --from good");
    folder.done("drift staging");
    folder.done("rollback staging");
    assert_eq!(folder.read("deploy/staging/current/item.rs"), "struct Item;\n");
    let again = folder.say("deploy staging --version 1 --from bad");
    assert_eq!(again.code, Some(2), "{again}");
    assert!(again.err.contains("give the new content a new version"), "{again}");
}

#[test]
fn what_can_not_be_meant_is_told() {
    let folder = Folder::new();
    let nothing = folder.say("deploy staging --version 1");
    assert_eq!(nothing.code, Some(2), "{nothing}");
    assert!(nothing.err.contains("evergen.deploy.toml"), "{nothing}");
    folder.file("evergen.deploy.toml", STAGING);
    for (verb, said) in [
        ("deploy production --version 1", "there is no environment `production`"),
        ("deploy staging --version 1 --from nowhere", "nowhere"),
        ("deploy staging --version 1 --expect abc", "no digest"),
        ("rollback staging", "no release to go back to"),
        ("abort staging", "no deployment is in progress"),
        ("router staging", "needs no router"),
    ] {
        let refused = folder.say(verb);
        assert_eq!(refused.code, Some(2), "{verb}: {refused}");
        assert!(refused.err.contains(said), "{verb}: {refused}");
    }
    folder.file("evergen.deploy.toml", STAGING.replace("name = \"staging\"", "nmae = \"staging\""));
    assert_eq!(folder.say("deploy staging --version 1").code, Some(2));
    let bad = STAGING
        .replace("kind = \"command\"", "kind = \"http\"\nurl = \"htp:/x\"")
        .replace("argv = [\"test\", \"-s\", \"order.rs\"]\n", "");
    folder.file("evergen.deploy.toml", &bad);
    let url = folder.say("status");
    assert!(url.err.contains("htp:/x"), "{url}");
}
