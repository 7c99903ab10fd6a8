//! Deployments from the command line.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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
    let nobody = format!("deploy staging --version 1.0.0 --from good --expect {digest} --approve=");
    assert!(folder.say(&nobody).err.contains("the approval names nobody"));
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
    assert_eq!(outcomes, ["succeeded", "failed"], "it failed before it was in use");
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
    // A link that is gone is made anew by whoever deploys what is live.
    std::fs::remove_file(folder.path().join("deploy/staging/current")).unwrap();
    assert_eq!(folder.say("status").code, Some(1));
    folder.file("good/item.rs", "struct Item;\n");
    folder.done("deploy staging --version 1 --from good");
    assert_eq!(folder.read("deploy/staging/current/item.rs"), "struct Item;\n");
    folder.done("drift staging");
    let again = folder.say("deploy staging --version 1 --from bad");
    assert_eq!(again.code, Some(2), "{again}");
    assert!(again.err.contains("give the new content a new version"), "{again}");
}

#[test]
fn a_bad_release_is_never_current_where_its_files_can_be_judged_before() {
    let folder = releases();
    let seen = folder.path().join("seen");
    let looks = format!(
        "argv = [\"sh\", \"-c\", \"readlink {}/deploy/staging/current >> {}; test -s order.rs\"]",
        folder.path().display(),
        seen.display()
    );
    folder.file(
        "evergen.deploy.toml",
        STAGING.replace("argv = [\"test\", \"-s\", \"order.rs\"]", &looks),
    );
    folder.done("deploy staging --version 1 --from good");
    let live = std::fs::read_link(folder.path().join("deploy/staging/current")).unwrap();
    std::fs::remove_file(&seen).unwrap();
    assert_eq!(folder.say("deploy staging --version 2 --from bad").code, Some(1));
    let seen = std::fs::read_to_string(seen).unwrap();
    assert_eq!(seen.trim(), live.display().to_string(), "it was looked at once, and not in use");
}

/// Staging with a test that takes a minute, and a release that is being deployed.
fn in_progress(folder: &Folder) -> Running {
    folder.done("deploy staging --version 1 --from good");
    let slow = format!(
        "{STAGING}\n[[environments.test_commands]]\nname = \"slow\"\ncommand = [\"sleep\", \"60\"]\n"
    );
    folder.file("evergen.deploy.toml", slow);
    folder.file("good/order.rs", "struct Order(u8);\n");
    let deploying = Running::start(folder, "deploy staging --version 2 --from good");
    until("it is in progress", || {
        let status = folder.say("status --json").json();
        let state = &status["environments"][0]["state"]["open"];
        state["plan"]["version"] == "2" && folder.say("status").code == Some(0)
    });
    deploying
}

#[test]
fn an_interrupt_takes_the_deployment_back() {
    let folder = releases();
    let mut deploying = in_progress(&folder);
    let pid = deploying.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(deploying.0.wait().unwrap().code(), Some(1));
    let status = folder.done("status");
    assert!(status.out.contains("staging: 1 is live"), "{status}");
    let history = folder.done("history --environment staging").out;
    assert!(history.contains("whoever interrupted it aborted it"), "{history}");
}

#[test]
fn what_a_dead_process_left_in_progress_is_told() {
    let folder = releases();
    let mut killed = in_progress(&folder);
    killed.0.kill().unwrap();
    killed.0.wait().unwrap();
    let status = folder.say("status");
    assert_eq!(status.code, Some(1), "{status}");
    assert!(status.out.contains("the process that deployed has ended; abort"), "{status}");
    let aborted = folder.say("abort staging");
    assert!(aborted.out.contains("deploy 2 failed"), "{aborted}");
    folder.done("status");
}

#[test]
fn a_release_that_was_committed_is_live_though_the_process_died() {
    let folder = releases();
    folder.done("deploy staging --version 1 --from good");
    folder.file("good/item.rs", "struct Other;\n");
    let slow = "\n[[environments.post_deploy_commands]]\nname = \"slow\"\n\
                command = [\"sh\", \"-c\", \"test -e ../../../../../quick || exec sleep 60\"]\n";
    folder.file("evergen.deploy.toml", format!("{STAGING}{slow}"));
    let mut deploying = Running::start(&folder, "deploy staging --version 2 --from good");
    let live = || folder.read("deploy/staging/current/item.rs");
    until("the new release is current", || live() == "struct Other;\n");
    // The folder is switched a moment before that is written down.
    until("it is said to be live", || folder.done("status").out.contains("staging: 2 is live"));
    deploying.0.kill().unwrap();
    deploying.0.wait().unwrap();
    let told = folder.say("status");
    assert_eq!(told.code, Some(1), "{told}");
    assert!(told.out.contains("resume finishes it"), "{told}");
    assert_eq!(folder.say("abort staging").code, Some(4));
    assert!(folder.say("pause staging").err.contains("has ended"));
    folder.file("quick", "");
    let resumed = folder.done("resume staging");
    assert!(resumed.out.contains("deploy 2 succeeded"), "{resumed}");
    folder.done("status");
}

#[test]
fn a_release_is_live_by_its_content_only_if_that_was_looked_at() {
    let folder = releases();
    folder.done("deploy staging --version 1 --from good");
    std::fs::remove_dir_all(folder.path().join("deploy/staging/releases")).unwrap();
    let told = folder.say("status");
    assert_eq!(told.code, Some(1), "{told}");
    assert!(told.out.contains("the files of 1 are gone; deploy it again"), "{told}");
    folder.done("deploy staging --version 1 --from good");
    assert_eq!(folder.read("deploy/staging/current/order.rs"), "struct Order;\n");
    let file = folder.path().join("deploy/staging/current/order.rs");
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "edited").unwrap();
    folder.done("deploy staging --version 1 --from good");
    assert_eq!(folder.read("deploy/staging/current/order.rs"), "struct Order;\n");
    folder.done("drift staging");
}

#[test]
fn what_can_not_be_told_of_hides_nothing_else() {
    let folder = releases();
    folder.file("evergen.deploy/other.yaml", "target_dir: deploy/other\n");
    folder.done("deploy staging --version 1 --from good");
    folder.done("deploy other --version 7 --from good");
    let journal = folder.path().join("deploy/staging/.evergen/journal");
    let edited = std::fs::read_to_string(&journal).unwrap().replacen("staging", "stagong", 1);
    std::fs::write(journal, edited).unwrap();
    let told = folder.say("status");
    assert_eq!(told.code, Some(4), "{told}");
    assert!(told.out.contains("other: 7 is live") && told.err.contains("ledger"), "{told}");
    let refused = folder.say("deploy staging --version 2 --from good");
    assert!(refused.err.contains("compare the ledger with a copy of it"), "{refused}");
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

/// A process of a test, which ends with it.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(folder: &Folder, arguments: &str) -> Self {
        let mut command = folder.command(arguments);
        Self(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Ends it as a system does.
    pub(crate) fn end(mut self) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until something holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < end, "in a minute not: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_release_that_is_refused_is_never_staged() {
    let folder = releases();
    let validate = "
[[environments.validate]]
name = \"gates\"
command = [\"sh\", \"-c\", \"test -s order.rs || { echo order.rs:1: it is empty; exit 1; }\"]
";
    folder.file("evergen.deploy.toml", format!("validate_before_deploy = true\n{STAGING}"));
    // Without a word of who judges, it is the project's gates.
    folder.file("broken/order.rs", "struct {\n").file("broken/item.rs", "struct Item;\n");
    let broken = folder.say("deploy staging --version 0.9.0 --from broken");
    assert_eq!(broken.code, Some(1), "{broken}");
    assert!(broken.out.contains("`quality gates` refuses the release"), "{broken}");
    let text = format!("validate_before_deploy = true\n{STAGING}{validate}");
    folder.file("evergen.deploy.toml", text);
    folder.done("deploy staging --version 1.0.0 --from good");
    let bad = folder.say("deploy staging --version 1.0.1 --from bad");
    assert_eq!(bad.code, Some(1), "{bad}");
    assert!(bad.out.contains("`gates` refuses the release: order.rs:1: it is empty"), "{bad}");
    let history = folder.done("history --environment staging --json").json();
    assert_eq!(history[2]["cause"]["remarks"][0]["line"], 1, "{history}");
}

#[test]
fn what_is_wrong_in_the_settings_is_shown_where_it_stands() {
    let folder = releases();
    for (from, to, line, said) in [
        ("target_dir = ", "target_dri = ", 4, "did you mean `target_dir`?"),
        ("target_dir = \"", "keep = 0\ntarget_dir = \"", 4, "it may be 1 to 1000"),
        ("kind = \"command\"", "kind = \"comand\"", 6, "comand"),
        ("argv = [\"test\"", "argv = [\"\"", 6, "the program is missing"),
        ("target_dir = \"deploy", "target_dir = deploy", 4, "toml.io"),
        (
            "[[environments.health",
            "service = { command = 1 }\n[[environments.health",
            6,
            "expected a list",
        ),
    ] {
        folder.file("evergen.deploy.toml", STAGING.replacen(from, to, 1));
        let wrong = folder.say("drift staging");
        assert_eq!(wrong.code, Some(2), "{to}: {wrong}");
        let place = format!("evergen.deploy.toml:{line}:");
        assert!(wrong.err.contains(&place), "{to}: {place} is not in {wrong}");
        assert!(wrong.err.contains(said), "{to}: {said} is not in {wrong}");
        let wrong = folder.say("drift staging --json").out;
        assert!(wrong.contains(&format!("\"line\": {line}")), "{to}: {wrong}");
    }
}

#[test]
fn the_file_for_haproxy_is_there_before_haproxy_is_started() {
    let folder = releases();
    let shop = "
[[environments]]
name = \"shop\"
target_dir = \"deploy/shop\"

[environments.service]
command = [\"true\"]
router = { kind = \"haproxy\", socket = \"admin.sock\", file = \"evergen.cfg\", backend = \"shop\" }
";
    folder.file("evergen.deploy.toml", shop);
    let refused = folder.say("deploy shop --version 1 --from good");
    assert!(refused.err.contains("the router of `shop` is not there"), "{refused}");
    let ready = folder.done("router shop");
    assert!(ready.out.contains("start HAProxy with it"), "{ready}");
    assert!(folder.read("evergen.cfg").contains("backend shop"));
}

#[test]
fn files_that_are_not_what_the_model_asks_for_are_told_before_they_are_deployed() {
    let folder = Folder::project();
    folder.file("evergen.deploy.toml", STAGING.split("[[environments.health").next().unwrap());
    folder.done("run");
    let clean = folder.done("deploy staging --version 1");
    assert_eq!(clean.err, "", "{clean}");
    folder.file("gen/order.txt", "by hand\n");
    let told = folder.done("deploy staging --version 2 --dry-run");
    assert!(
        told.err.contains("note: 1 file not as the model asks, as gen/order.txt (edited)"),
        "{told}"
    );
    folder.done("deploy staging --version 2");
    assert_eq!(folder.read("deploy/staging/current/order.txt"), "by hand\n");
}

/// The body that is answered to a request; nothing if there is none.
fn get(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let request = "GET /order.rs HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    (head.split(' ').nth(1) == Some("200")).then(|| body.to_owned())
}

#[test]
fn requests_go_through_the_router_and_what_died_is_started_again() {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: python3 is not installed; apt-get install python3");
        return;
    }
    let folder = releases();
    folder.file("new/order.rs", "struct Other;\n");
    let shop = "
[[environments]]
name = \"shop\"
target_dir = \"deploy/shop\"
traffic_steps = [50, 100]
dwell_ms = 300

[environments.service]
command = [\"python3\", \"-m\", \"http.server\", \"{port}\", \"--bind\", \"127.0.0.1\"]
router = { kind = \"small\", listen = \"127.0.0.1:0\" }
";
    folder.file("evergen.deploy.toml", shop);
    let refused = folder.say("deploy shop --version 1.0.0 --from good");
    assert_eq!(refused.code, Some(4), "{refused}");
    assert!(refused.err.contains("`evergen router shop` starts the small router"), "{refused}");
    assert_eq!(folder.done("history --environment shop").out, "no deployments\n");
    let mut router = Running::start(&folder, "router shop");
    let mut greeting = String::new();
    let out = router.0.stdout.take().unwrap();
    BufReader::new(out).read_line(&mut greeting).unwrap();
    let address = greeting.split("at ").nth(1).unwrap().split(';').next().unwrap().to_owned();

    folder.done("deploy shop --version 1.0.0 --from good");
    assert_eq!(get(&address).as_deref(), Some("struct Order;\n"));
    let moved = folder.done("deploy shop --version 1.1.0 --from new");
    assert!(moved.out.contains("not compared: the new slot has had"), "{moved}");
    assert_eq!(get(&address).as_deref(), Some("struct Other;\n"));
    folder.done("rollback shop");
    assert_eq!(get(&address).as_deref(), Some("struct Order;\n"));
    folder.done("drift shop");

    let status = folder.done("status --json").json();
    let slots = &status["environments"][0]["drift"]["slots"];
    let live = slots.as_array().unwrap().iter().find(|slot| slot[1]["state"] == "occupied");
    let identity = live.unwrap()[1]["running"]["instances"][0]["identity"].as_str().unwrap();
    let pid = identity.split('@').next().unwrap();
    assert!(Command::new("kill").args(["-9", pid]).status().unwrap().success());
    until("it serves again", || {
        let status = folder.say("status --json").json();
        status["environments"][0]["state"]["revivals"]["succeeded"] == 1
    });
    assert_eq!(get(&address).as_deref(), Some("struct Order;\n"));
    let told = folder.done("status");
    assert!(told.out.contains("was started again 1 time"), "{told}");

    // Other settings are drift until what is live is deployed by them.
    folder.replace("evergen.deploy.toml", "dwell_ms = 300", "dwell_ms = 300\nreplicas = 2");
    let differs = folder.say("status");
    assert_eq!(differs.code, Some(1), "{differs}");
    assert!(differs.out.contains("1.0.0 runs with other settings than those of now"), "{differs}");
    folder.done("deploy shop --version 1.0.0 --from good");
    let instances = || -> Vec<String> {
        let status = folder.done("status --json").json();
        let slots = status["environments"][0]["drift"]["slots"].as_array().unwrap().clone();
        let live = slots.iter().find(|slot| slot[1]["state"] == "occupied").unwrap().clone();
        let instances = live[1]["running"]["instances"].as_array().unwrap().clone();
        instances.iter().map(|one| one["identity"].as_str().unwrap().to_owned()).collect()
    };
    let two = instances();
    assert_eq!(two.len(), 2);
    let same = folder.done("deploy shop --version 1.0.0 --from good");
    assert!(same.out.contains("is live already"), "{same}");
    assert_eq!(instances(), two);
    folder.done("deploy shop --version 1.0.0 --from good --again");
    assert!(instances().iter().all(|one| !two.contains(one)), "others run now");
    router.end();
    // The service outlives its router; who takes it away stops what runs.
    let status = folder.say("status --json");
    stop_all(&status.json());
    assert_eq!(status.code, Some(1), "nothing listens any more: {status}");
}

fn stop_all(status: &serde_json::Value) {
    for slot in status["environments"][0]["drift"]["slots"].as_array().unwrap() {
        for instance in slot[1]["running"]["instances"].as_array().into_iter().flatten() {
            let pid = instance["identity"].as_str().unwrap().split('@').next().unwrap();
            assert!(Command::new("kill").args(["-9", pid]).status().unwrap().success());
        }
    }
}
