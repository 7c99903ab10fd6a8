//! Deployments by a loop: what its cycles make, whole, in the environments that ask for it.

use std::os::unix::fs::PermissionsExt as _;

use crate::deploy::{Running, until};
use crate::support::Folder;
use crate::watch::Loop;

#[test]
fn what_a_cycle_of_watch_makes_is_deployed_where_the_settings_say_so() {
    let folder = Folder::project();
    let staging = "
[[environments]]
name = \"staging\"
target_dir = \"deploy/staging\"
auto_deploy = true

[[environments]]
name = \"production\"
target_dir = \"deploy/production\"
";
    folder.file("evergen.deploy.toml", staging);
    let watching = Running::start(&folder, "watch --json");
    let shows = |text: &str| {
        let live = folder.path().join("deploy/staging/current/order.txt");
        std::fs::read_to_string(live).is_ok_and(|live| live.contains(text))
    };
    until("what there is, is live", || shows("What is bought."));
    folder.replace("model/shop.ttl", "What is bought.", "What was ordered.");
    until("the change is live", || shows("What was ordered."));
    folder.replace("model/shop.ttl", "What was ordered.", "What came.");
    until("the next change is live", || shows("What came."));
    watching.end();
    let history = folder.done("history --environment staging --json").json();
    assert!(history.as_array().unwrap().iter().all(|one| one["outcome"] == "succeeded"));
    assert!(!folder.exists("deploy/production"), "it does not say `auto_deploy`");
}

#[test]
fn what_a_loop_could_not_deploy_comes_with_the_next_deployment() {
    let folder = Folder::project();
    // All is generated before anybody deploys.
    folder.done("run");
    let staging = "
[[environments]]
name = \"staging\"
target_dir = \"deploy/staging\"
auto_deploy = true

[[environments.health_checks]]
name = \"is allowed\"
kind = \"command\"
argv = [\"grep\", \"-q\", \"bought\", \"order.txt\"]
";
    let production = "target_dir: deploy/production\nauto_deploy: true\npromotes_from: staging\n";
    folder.file("evergen.deploy.toml", staging);
    let watching = Loop::start_with(&folder, "watch --json");
    let live = |name: &str, file: &str| {
        let live = folder.path().join("deploy").join(name).join("current").join(file);
        std::fs::read_to_string(live).unwrap_or_default()
    };
    until("all is live, though no cycle changed it", || {
        live("staging", "order.txt").contains("bought")
            && !live("staging", "customer.txt").is_empty()
    });
    // A release that is refused: the check wants another word.
    folder.replace("model/shop.ttl", "What is bought.", "What was ordered.");
    let ended = |outcome: &str| {
        let history = folder.say("history --environment staging --json").json();
        history.as_array().is_some_and(|all| all.iter().any(|one| one["outcome"] == outcome))
    };
    until("it was tried", || ended("failed"));
    assert!(live("staging", "order.txt").contains("bought"));
    // What was refused is not tried again by whoever saves a file that says the same.
    let tries =
        || folder.say("history --environment staging --json").json().as_array().unwrap().len();
    let before = tries();
    folder.file("model/shop.ttl", format!("{}\n# A remark.\n", folder.read("model/shop.ttl")));
    watching.cycle();
    assert_eq!(tries(), before);
    // Somebody mends the settings, and adds an environment: all that is generated goes there.
    folder.file("evergen.deploy/production.yaml", production);
    folder.replace("evergen.deploy.toml", "\"bought\"", "\"ordered\"");
    for name in ["staging", "production"] {
        until("what was refused is live", || live(name, "order.txt").contains("ordered"));
        assert_eq!(live(name, "customer.txt"), folder.read("gen/customer.txt"));
    }
    // Wrong settings change nothing.
    folder.replace("evergen.deploy.toml", "auto_deploy", "auto_deplyo");
    watching.remark("the environments stay as they were: unknown field `auto_deplyo`");
    folder.replace("model/shop.ttl", "What was ordered.", "What was ordered then.");
    until("the settings from before hold", || live("staging", "order.txt").contains("then"));
    assert_eq!(watching.end().0, Some(0));
}

#[test]
fn what_comes_with_all_its_files_is_deployed_and_a_step_back_stays() {
    let (folder, elsewhere) = (Folder::project(), Folder::project());
    folder.done("run");
    folder.file("evergen.deploy/staging.yaml", "target_dir: deploy/staging\nauto_deploy: true\n");
    folder.file("gen/start.sh", "#!/bin/sh\n");
    let program = folder.path().join("gen/start.sh");
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder.done("deploy staging --version 1.0.0");
    let current = folder.path().join("deploy/staging/current");
    let shows = |text: &str| {
        std::fs::read_to_string(current.join("order.txt")).is_ok_and(|live| live.contains(text))
    };
    let watching = Loop::start(&folder);
    // As by a checkout: no artifact is another one for the loop, and all are for the environment.
    elsewhere.replace("model/shop.ttl", "What is bought.", "What was checked out.");
    elsewhere.done("run");
    for file in ["gen/order.txt", "evergen.lock", "model/shop.ttl"] {
        folder.file(file, elsewhere.read(file));
    }
    until("the checkout is live", || shows("What was checked out."));
    let mode = std::fs::metadata(current.join("start.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "a file of ours stays, and stays a program");
    folder.done("rollback staging");
    assert!(shows("What is bought."));
    assert_eq!(watching.end().0, Some(0));
    // A loop that starts anew does not undo what a person did.
    let watching = Loop::start_with(&folder, "watch --json");
    let told = watching.cycle()["errors"].to_string();
    assert!(told.contains("went back from it"), "{told}");
    assert!(shows("What is bought."));
    folder.replace("model/shop.ttl", "What was checked out.", "What came next.");
    until("the next change is live", || shows("What came next."));
    assert_eq!(watching.end().0, Some(0));
}

#[test]
fn what_can_not_be_had_for_a_moment_is_tried_again_by_itself() {
    let folder = Folder::project();
    folder.done("run");
    folder.file("other/a.txt", "a");
    folder.file(
        "evergen.deploy.toml",
        "[[environments]]\nname = \"staging\"\ntarget_dir = \"deploy/staging\"\nauto_deploy = true\n\
         [[environments]]\nname = \"production\"\ntarget_dir = \"deploy/production\"\n\
         auto_deploy = true\npromotes_from = \"staging\"\n\
         [[environments]]\nname = \"never\"\ntarget_dir = \"deploy/never\"\nauto_deploy = true\n\
         health_checks = [{ name = \"no\", kind = \"command\", argv = [\"false\"] }]\n\
         deadlines = { health_seconds = 1 }\n\
         [[pre_deploy_commands]]\nname = \"slow\"\ncommand = [\"sh\", \"-c\", \"test -e order.txt || sleep 4\"]\n",
    );
    let holding = Running::start(&folder, "deploy staging --version 1 --from other");
    until("staging is held", || folder.say("status").out.contains("in progress"));
    let watching = Loop::start_with(&folder, "watch --json");
    let told = watching.cycle()["errors"].to_string();
    assert!(told.contains("held by") && told.contains("not live in `staging`"), "{told}");
    for name in ["staging", "production"] {
        until("it is live in both, and nothing has happened", || {
            folder.exists(&format!("deploy/{name}/current/order.txt"))
        });
    }
    assert_eq!(watching.end().0, Some(0));
    let refused = folder.done("history --environment never --json").json();
    assert_eq!(refused.as_array().unwrap().len(), 1, "tried again for others: {refused}");
    drop(holding);
    let dead = folder.done("events dead --json").out;
    assert!(!dead.contains("deployment"), "no event is kept for it: {dead}");
}
