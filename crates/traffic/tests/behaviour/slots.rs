//! DPL-4: process slots.

use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use evergen_deployment::conformance::check_slots;
use evergen_deployment::{
    SecretRef, Slot, SlotError, SlotRuntime as _, SlotStatus, StagedRelease, StepContext,
};
use evergen_traffic::{Ports, ProcessSettings, ProcessSlots, Readiness};

use crate::support::{Program, Slots, address, free_port, get, program, release, service, until};

const GRACE: Duration = Duration::from_secs(5);

fn context(slot: Slot, release: &StagedRelease, deadline: Duration) -> StepContext {
    StepContext::new("test", 1, slot, release.clone()).with_deadline(deadline)
}

/// Starts what must fail, and gives its error with everything that varies taken out.
async fn failure(slots: &Slots, release: &StagedRelease) -> String {
    let context = context(Slot::Blue, release, Duration::from_secs(2));
    let error = slots.0.start(Slot::Blue, release, &context).await.unwrap_err();
    assert_eq!(slots.0.inspect(Slot::Blue).await.unwrap(), SlotStatus::Empty);
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn shell(folder: &std::path::Path, script: &str) -> Slots {
    Slots::new(ProcessSettings::new(folder.join("slots"), ["sh", "-c", script]))
}

/// How many processes have this word among their arguments.
fn processes_with(word: &str) -> usize {
    let listed = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    text.lines().filter(|line| line.contains(word) && !line.contains("defunct")).count()
}

#[tokio::test]
async fn process_slots_conform() {
    let folder = tempfile::tempdir().unwrap();
    let slots = Slots::new(service(folder.path()).with_replicas(2));
    let releases = ["1.0", "2.0"].map(|version| release(folder.path(), version));
    check_slots(&slots.0, &releases[0], &releases[1]).await;
}

#[tokio::test]
async fn replicas_answer_at_ports_of_their_own_and_are_found_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let settings = service(folder.path()).with_replicas(3);
    let slots = Slots::new(settings.clone());
    let running = slots.start(Slot::Green, &release(folder.path(), "1.0")).await;
    for endpoint in running.endpoints() {
        assert_eq!(get(address(&endpoint), "/").await.1, "1.0");
    }
    assert_eq!(running.endpoints().len(), 3);
    let other = ProcessSlots::new(settings).unwrap();
    assert_eq!(other.inspect(Slot::Green).await.unwrap().ready(), Some(&running));
    other.stop(Slot::Green, GRACE).await.unwrap();
    assert_eq!(slots.0.inspect(Slot::Green).await.unwrap(), SlotStatus::Empty);
}

#[tokio::test]
async fn a_process_that_dies_is_seen_and_the_rest_is_no_ready_slot() {
    let folder = tempfile::tempdir().unwrap();
    let slots = Slots::new(service(folder.path()).with_replicas(2));
    let one = release(folder.path(), "1.0");
    let running = slots.start(Slot::Blue, &one).await;
    let number = running.instances[0].identity.split('@').next().unwrap().to_owned();
    Command::new("kill").args(["-9", &number]).status().unwrap();
    until("the dead are seen", || async {
        slots.0.inspect(Slot::Blue).await.unwrap().ready().is_none()
    })
    .await;
    let SlotStatus::Occupied { running: left, ready: false, why, .. } =
        slots.0.inspect(Slot::Blue).await.unwrap()
    else {
        panic!("half a slot")
    };
    assert_eq!(left.instances, running.instances[1..]);
    assert_eq!(why, "some of its processes are gone, or its start was cut short");
    let again = slots.start(Slot::Blue, &one).await;
    assert_eq!(again.instances.len(), 2, "a start makes it whole");
    assert_ne!(again.instances[1], running.instances[1]);
}

#[tokio::test]
async fn a_process_that_ends_at_once_shows_the_end_of_its_output_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "hunter22\n").unwrap();
    let script = "echo connecting as $PASSWORD; echo no database >&2; exit 3";
    let settings = ProcessSettings::new(folder.path().join("slots"), ["sh", "-c", script])
        .with_secret("PASSWORD", SecretRef::File(file));
    let slots = Slots::new(settings);
    let text = failure(&slots, &release(folder.path(), "1.0")).await;
    insta::assert_snapshot!(text, @r"
    the release in slot blue did not become ready: replica 0 ended with exit status: 3; the end of its output:
    connecting as redacted
    no database
    ");
}

#[tokio::test]
async fn secrets_are_in_the_environment_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "correct-horse-battery\n").unwrap();
    let settings = service(folder.path())
        .with_secret("PASSWORD", SecretRef::File(file))
        .with_variable("PORT", "1")
        .with_variable("EVERGEN_SLOT_RUN", "mine");
    let slots = Slots::new(settings);
    let running = slots.start(Slot::Blue, &release(folder.path(), "1.0")).await;
    let number = running.instances[0].identity.split('@').next().unwrap().to_owned();
    let environment = std::fs::read_to_string(format!("/proc/{number}/environ")).unwrap();
    assert!(environment.contains("PASSWORD=correct-horse-battery"));
    assert_eq!(processes_with("correct-horse-battery"), 0);
    let record = std::fs::read_to_string(folder.path().join("slots/blue.json")).unwrap();
    assert!(!record.contains("correct-horse"), "{record}");
    assert!(!environment.contains("CARGO"), "only what is listed is inherited");
}

#[tokio::test]
async fn who_ignores_the_asking_is_ended_by_force() {
    let folder = tempfile::tempdir().unwrap();
    let service = program("answering-service");
    let script = format!("trap '' TERM; exec {} ignores-asking", service.display());
    let slots = shell(folder.path(), &script);
    slots.start(Slot::Blue, &release(folder.path(), "1.0")).await;
    let began = Instant::now();
    slots.0.stop(Slot::Blue, Duration::from_millis(300)).await.unwrap();
    assert!((300..3000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    assert_eq!(processes_with("ignores-asking"), 0);
}

#[tokio::test]
async fn orphans_of_orphans_are_ended_too() {
    let folder = tempfile::tempdir().unwrap();
    let service = program("answering-service");
    // Out of the session, out of the group, the parent gone; one of them deaf.
    let script = format!(
        "(setsid sh -c 'sleep 7313 & sleep 7313' &) ; (setsid sh -c \"trap '' TERM; sleep 7313 & \
         sleep 7313\" &) ; exec {}",
        service.display()
    );
    let slots = shell(folder.path(), &script);
    slots.start(Slot::Blue, &release(folder.path(), "1.0")).await;
    until("orphans sleep", || async { processes_with("sleep 7313") >= 4 }).await;
    slots.0.stop(Slot::Blue, Duration::from_millis(500)).await.unwrap();
    assert_eq!(processes_with("sleep 7313"), 0);
}

#[tokio::test]
async fn orphans_are_found_when_the_leader_is_dead() {
    let folder = tempfile::tempdir().unwrap();
    let service = program("answering-service");
    let script = format!("(setsid sleep 7413 &) ; exec {}", service.display());
    let slots = shell(folder.path(), &script);
    let one = release(folder.path(), "1.0");
    let running = slots.start(Slot::Blue, &one).await;
    let number = running.instances[0].identity.split('@').next().unwrap().to_owned();
    Command::new("kill").args(["-9", &number]).status().unwrap();
    until("the orphan is what runs", || async {
        let status = slots.0.inspect(Slot::Blue).await.unwrap();
        status.release() == Some(one.id) && status.ready().is_none()
    })
    .await;
    slots.0.stop(Slot::Blue, GRACE).await.unwrap();
    assert_eq!(processes_with("sleep 7413"), 0);
}

#[tokio::test]
async fn a_start_that_was_cut_short_is_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let settings = service(folder.path()).with_variable("DELAY_MS", "60000");
    let slots = Slots::new(settings);
    let one = release(folder.path(), "1.0");
    let context = context(Slot::Blue, &one, Duration::from_mins(1));
    let starting = slots.0.start(Slot::Blue, &one, &context);
    let cut = tokio::time::timeout(Duration::from_millis(300), starting).await;
    assert!(cut.is_err());
    let status = slots.0.inspect(Slot::Blue).await.unwrap();
    assert_eq!((status.release(), status.ready()), (Some(one.id), None));
    slots.0.stop(Slot::Blue, GRACE).await.unwrap();
    assert_eq!(slots.0.inspect(Slot::Blue).await.unwrap(), SlotStatus::Empty);
}

#[tokio::test]
async fn what_never_listens_is_told_so_and_ended() {
    let folder = tempfile::tempdir().unwrap();
    let slots = shell(folder.path(), "echo warming up; sleep 7513");
    let text = failure(&slots, &release(folder.path(), "1.0")).await;
    assert!(text.contains("replica 0 was not ready in time: nothing listens at port"), "{text}");
    assert!(text.ends_with("the end of its output:\nwarming up"), "{text}");
    assert_eq!(processes_with("sleep 7513"), 0);
}

#[tokio::test]
async fn an_answer_of_somebody_else_is_no_readiness() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let range = Ports::Range { first: port, last: port + 1 };
    let settings =
        ProcessSettings::new(folder.path().join("slots"), ["sleep", "7613"]).with_ports(range);
    drop(taken);
    // The port is free when it is chosen; whoever takes it then is not our process.
    let slots = Slots::new(settings);
    let one = release(folder.path(), "1.0");
    let context = context(Slot::Blue, &one, Duration::from_secs(2));
    let starting = slots.0.start(Slot::Blue, &one, &context);
    let taking = async {
        until("the port was chosen", || async { processes_with("sleep 7613") > 0 }).await;
        TcpListener::bind(("127.0.0.1", port)).unwrap()
    };
    let (started, _taken) = tokio::join!(starting, taking);
    let text = started.unwrap_err().to_string();
    let expected = format!("port {port} is used by a process that is not of this slot");
    assert!(text.contains(&expected), "{text}");
}

#[tokio::test]
async fn settings_that_cannot_be_carried_out_are_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let one = release(folder.path(), "1.0");
    let port = free_port();
    let taken = [port, port + 1].map(|port| TcpListener::bind(("127.0.0.1", port)));
    let nothing = ProcessSettings::new(folder.path().join("a"), ["./bin/gone"]);
    let text = failure(&Slots::new(nothing), &one).await;
    insta::assert_snapshot!(text, @"slot blue can't be started as it is set up: the program `./bin/gone` is not there or can't be executed; see `command` in the settings");
    let range = Ports::Range { first: port, last: port + 1 };
    let busy = ProcessSettings::new(folder.path().join("b"), ["true"]).with_ports(range);
    if taken.iter().all(Result::is_ok) {
        let text = failure(&Slots::new(busy), &one).await.replace(&port.to_string(), "A");
        assert!(text.contains("end what uses them, or give a larger range"), "{text}");
    }
    let secret = SecretRef::File(folder.path().join("nowhere"));
    let secret = ProcessSettings::new(folder.path().join("c"), ["true"]).with_secret("S", secret);
    let text = failure(&Slots::new(secret), &one).await;
    assert!(text.contains("can't take a secret from the file"), "{text}");
    let wrong = |settings: ProcessSettings| ProcessSlots::new(settings).unwrap_err().to_string();
    let settings = || ProcessSettings::new("x", ["true"]);
    let errors = [
        wrong(ProcessSettings::new("x", [""])),
        wrong(settings().with_replicas(0)),
        wrong(settings().with_ports(Ports::Range { first: 1, last: 1 })),
        wrong(settings().with_variable("A=B", "")),
        wrong(settings().with_readiness(Readiness::Http { path: "health".to_owned() })),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r"
    `command` is empty; allowed is a program and its arguments
    `replicas` is 0; allowed is 1 to 64
    `ports` is 1 to 1; allowed is a range of 1 to 65535 with room for both slots
    `variables` is A=B; allowed is names without `=`
    `readiness.http` is health; allowed is a path that begins with `/`
    ");
}

#[tokio::test]
async fn a_damaged_record_is_no_empty_slot() {
    let folder = tempfile::tempdir().unwrap();
    let slots = ProcessSlots::new(service(folder.path())).unwrap();
    std::fs::create_dir_all(folder.path().join("slots")).unwrap();
    let record = folder.path().join("slots/blue.json");
    std::fs::write(&record, "{\"format\":").unwrap();
    let status = slots.inspect(Slot::Blue).await;
    assert!(matches!(status, Err(SlotError::Unavailable { .. })), "{status:?}");
    std::fs::remove_file(record).unwrap();
}

#[tokio::test]
async fn a_number_that_was_given_again_is_nobody_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let settings = service(folder.path());
    let slots = Slots::new(settings);
    let running = slots.start(Slot::Blue, &release(folder.path(), "1.0")).await;
    let record = folder.path().join("slots/blue.json");
    let text = std::fs::read_to_string(&record).unwrap();
    let mut changed: serde_json::Value = serde_json::from_str(&text).unwrap();
    // This very test, had it begun at another time.
    changed["replicas"][0]["process"]["number"] = std::process::id().into();
    changed["replicas"][0]["process"]["began"] = 1.into();
    changed["mark"] = "0".repeat(32).into();
    std::fs::write(&record, changed.to_string()).unwrap();
    assert_eq!(slots.0.inspect(Slot::Blue).await.unwrap(), SlotStatus::Empty);
    slots.0.stop(Slot::Blue, Duration::ZERO).await.unwrap();
    std::fs::write(&record, text).unwrap();
    assert_eq!(slots.0.inspect(Slot::Blue).await.unwrap().ready(), Some(&running));
}

/// Starts a deployer in a session of its own, so that its end is as hard as ends can be.
fn deployer(folder: &std::path::Path) -> Program {
    let mut command = Command::new(program("starting-deployer"));
    command.arg(folder.join("slots")).arg(folder.join("releases/1.0"));
    command.arg(program("answering-service")).stdout(std::process::Stdio::null());
    Program::start(std::os::unix::process::CommandExt::process_group(&mut command, 0))
}

#[tokio::test]
async fn what_was_started_outlives_a_deployer_that_is_killed_with_all_its_group() {
    let folder = tempfile::tempdir().unwrap();
    let one = release(folder.path(), "1.0");
    let slots = Slots::new(service(folder.path()).with_replicas(3));
    let mut deployer = deployer(folder.path());
    until("the slot is ready", || async {
        slots.0.inspect(Slot::Blue).await.unwrap().ready().is_some()
    })
    .await;
    let group = format!("-{}", deployer.0.id());
    Command::new("kill").args(["-9", "--", &group]).status().unwrap();
    deployer.0.wait().unwrap();
    let status = slots.0.inspect(Slot::Blue).await.unwrap();
    let running = status.ready().unwrap();
    assert_eq!((running.release, running.instances.len()), (one.id, 3));
    assert_eq!(get(address(&running.endpoints()[2]), "/").await.0, hyper::StatusCode::OK);
}

#[tokio::test]
async fn a_deployer_that_is_killed_at_any_moment_leaves_nothing_that_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    // A path of its own, by which the test knows the processes of this folder.
    let service = folder.path().join("service");
    std::fs::copy(program("answering-service"), &service).unwrap();
    let one = release(folder.path(), "1.0");
    let slots = Slots::new(self::service(folder.path()));
    let word = service.to_str().unwrap().to_owned();
    for moment in 0..15_u64 {
        let mut command = Command::new(program("starting-deployer"));
        command.arg(folder.path().join("slots")).arg(&one.root).arg(&service);
        let mut deployer = Program::start(command.stdout(std::process::Stdio::null()));
        tokio::time::sleep(Duration::from_millis(moment * 4)).await;
        deployer.kill();
        let runs = processes_with(&word);
        let status = slots.0.inspect(Slot::Blue).await.unwrap();
        assert_eq!(status == SlotStatus::Empty, runs == 0, "{runs} run, and {status:?}");
        slots.0.stop(Slot::Blue, GRACE).await.unwrap();
        assert_eq!(processes_with(&word), 0);
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let slots = Slots::new(service(folder.path()));
    // The new record can't be written: a folder has its name.
    std::fs::create_dir_all(folder.path().join("slots/blue.json.new")).unwrap();
    let text = failure(&slots, &release(folder.path(), "1.0")).await;
    assert!(text.starts_with("can't start slot blue"), "{text}");
}
