//! The verbs on a directory target.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use evergen_artifact::{ArtifactPath, ProposedChange, ProposedChanges};
use evergen_deployment::{
    DeployOptions, Deployer, DeploymentAutomation, DeploymentConfig, DeploymentEnvironment,
    DeploymentRequest, Effect, LockError, OperationError, Outcome, Version,
};
use uuid::Uuid;

use crate::world::{World, block_on, deploy, tree};

fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

#[test]
fn a_release_comes_into_use_and_back() {
    let world = World::new();
    let first = world.deploy("1.0").unwrap();
    assert_eq!(
        (first.number, first.outcome, world.live()),
        (1, Outcome::Succeeded, Some("1.0".into()))
    );
    world.deploy("2.0").unwrap();
    assert_eq!(world.live().as_deref(), Some("2.0"));
    let automation = world.automation();
    let back = block_on(automation.rollback("staging", None)).unwrap();
    assert_eq!((back.outcome, world.live().as_deref()), (Outcome::Succeeded, Some("1.0")));
    world.deploy("3.0").unwrap();
    block_on(automation.rollback("staging", Some(&version("2.0")))).unwrap();
    assert_eq!(world.live().as_deref(), Some("2.0"));
    let history = block_on(automation.history("staging")).unwrap();
    let versions: Vec<_> = history.iter().map(|it| it.version.as_str()).collect();
    assert_eq!(versions, ["1.0", "2.0", "1.0", "3.0", "2.0"]);
    let status = block_on(automation.status("staging")).unwrap();
    assert!(status.drift.differences.is_empty() && status.to_do.is_empty(), "{status:?}");
    assert!(serde_json::to_string(&status).unwrap().contains("\"deployments\":5"));
}

#[test]
fn a_plan_writes_nothing_and_has_the_digest_of_what_is_applied() {
    let world = World::new();
    let automation = world.automation();
    for number in 1..=2 {
        let name = format!("{number}.0");
        let source = world.source(&name, 5);
        let before = tree(&world.target());
        let plan = block_on(automation.plan(
            "staging",
            &source,
            &version(&name),
            &DeployOptions::default(),
        ))
        .unwrap();
        assert_eq!(tree(&world.target()), before, "a dry run writes nothing");
        let options = DeployOptions::default().expecting(plan.digest());
        block_on(automation.deploy("staging", &source, &version(&name), options)).unwrap();
        let text = std::fs::read_to_string(world.target().join(".evergen/journal")).unwrap();
        assert!(text.contains(&format!("\"digest\":\"{}\"", plan.digest())));
    }
}

#[test]
fn a_plan_that_does_not_hold_any_more_is_refused() {
    let world = World::new();
    let automation = world.automation();
    let source = world.source("2.0", 5);
    let plan =
        block_on(automation.plan("staging", &source, &version("2.0"), &DeployOptions::default()))
            .unwrap();
    world.deploy("1.0").unwrap();
    let options = DeployOptions::default().expecting(plan.digest());
    let refused = block_on(automation.deploy("staging", &source, &version("2.0"), options));
    assert!(matches!(refused, Err(OperationError::PlanChanged { .. })), "{refused:?}");
    assert_eq!(world.live().as_deref(), Some("1.0"));
}

#[test]
fn bad_input_is_told_and_changes_nothing() {
    let world = World::new();
    world.deploy("1.0").unwrap();
    let before = world.live();
    let automation = world.automation();
    let error = |source: &std::path::Path, name: &str| {
        block_on(deploy(&automation, source, name)).unwrap_err().to_string()
    };
    let missing = world.folder.path().join("nowhere");
    assert!(error(&missing, "2.0").contains("it is missing; build it"));
    let empty = world.folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    assert!(error(&empty, "2.0").contains("it has no files"));
    let other = world.source("other", 5);
    assert!(error(&other, "1.0").contains("give the new content a new version"));
    std::os::unix::fs::symlink("/etc/passwd", other.join("link")).unwrap();
    assert!(error(&other, "2.0").contains("is a link or a special file"));
    let unknown = block_on(automation.status("stagin")).unwrap_err().to_string();
    assert_eq!(unknown, "there is no environment `stagin`; there are staging");
    let nothing = block_on(automation.rollback("staging", None)).unwrap_err().to_string();
    assert_eq!(nothing, "`staging` has no release to go back to");
    assert_eq!(world.live(), before);
}

#[test]
fn a_folder_that_is_not_ours_is_left_alone() {
    let world = World::new();
    std::fs::create_dir(world.target()).unwrap();
    std::fs::write(world.target().join("precious"), "mine").unwrap();
    let before = tree(&world.target());
    let error = world.deploy("1.0").unwrap_err();
    assert!(matches!(error, OperationError::Lock(LockError::NotOurs { .. })), "{error}");
    assert_eq!(tree(&world.target()), before);
    std::fs::remove_file(world.target().join("precious")).unwrap();
    world.deploy("1.0").unwrap();
    let other = DeploymentEnvironment::new("production", world.target());
    let automation =
        DeploymentAutomation::new(&DeploymentConfig::new(vec![other]).unwrap()).unwrap();
    let source = world.source("2.0", 5);
    let refused = block_on(automation.deploy(
        "production",
        &source,
        &version("2.0"),
        DeployOptions::default(),
    ));
    assert!(refused.unwrap_err().to_string().contains("it belongs to environment `staging`"));
}

#[test]
fn of_many_at_once_one_wins_and_the_others_are_told_who_it_is() {
    let world = World::new();
    let held = evergen_deployment::DirectoryLedger::new(world.target(), "staging");
    let lease = evergen_deployment::DeploymentLedger::lock(&held).unwrap();
    let source = world.source("1.0", 5);
    let attempts = |count: usize| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let start = Arc::new(tokio::sync::Barrier::new(count));
            let tasks = (0..count).map(|_| {
                let (automation, source) = (world.automation(), source.clone());
                let start = Arc::clone(&start);
                tokio::spawn(async move {
                    start.wait().await;
                    deploy(&automation, &source, "1.0").await
                })
            });
            let tasks: Vec<_> = tasks.collect();
            futures::future::join_all(tasks)
                .await
                .into_iter()
                .map(Result::unwrap)
                .collect::<Vec<_>>()
        })
    };
    // While somebody holds it, nobody wins and all are told who.
    for refused in attempts(99) {
        let text = refused.unwrap_err().to_string();
        assert!(text.contains(&format!("held by process {}", std::process::id())), "{text}");
    }
    drop(lease);
    // The others come while the winner is at work, or find all done.
    let answers = attempts(100);
    let published = answers.iter().flatten().filter(|it| it.outcome == Outcome::Succeeded).count();
    let held = answers
        .iter()
        .flatten_err()
        .filter(|error| matches!(error, OperationError::Lock(LockError::Held { .. })));
    let (held, unchanged) = (held.count(), answers.iter().flatten().count() - published);
    assert_eq!((published, published + held + unchanged), (1, 100));
    assert_eq!(world.live().as_deref(), Some("1.0"));
}

trait FlattenErr<'a> {
    fn flatten_err(self) -> impl Iterator<Item = &'a OperationError>;
}

impl<'a, T: 'a, I: Iterator<Item = &'a Result<T, OperationError>>> FlattenErr<'a> for I {
    fn flatten_err(self) -> impl Iterator<Item = &'a OperationError> {
        self.filter_map(|answer| answer.as_ref().err())
    }
}

#[test]
fn promotion_keeps_its_order_and_approval() {
    let world = World::new();
    let folder = |name: &str| world.folder.path().join(name);
    let staging = DeploymentEnvironment::new("staging", folder("staging"));
    let production = DeploymentEnvironment::new("production", folder("production"))
        .with_promotion_from("staging")
        .with_approval(true);
    let config = DeploymentConfig::new(vec![staging, production]).unwrap();
    let automation = DeploymentAutomation::new(&config).unwrap();
    let promote = |options| block_on(automation.promote("production", options));
    let nothing = promote(DeployOptions::default()).unwrap_err().to_string();
    assert!(nothing.contains("nothing is live in `staging`"), "{nothing}");
    let source = world.source("1.0", 5);
    let early = block_on(automation.deploy(
        "production",
        &source,
        &version("1.0"),
        DeployOptions::default(),
    ));
    assert!(matches!(early, Err(OperationError::NotPromoted { .. })), "{early:?}");
    block_on(deploy(&automation, &source, "1.0")).unwrap();
    let asked = promote(DeployOptions::default()).unwrap_err();
    let OperationError::NeedsApproval { digest, .. } = asked else { panic!("{asked}") };
    assert_eq!(
        block_on(automation.plan_promotion("production", &DeployOptions::default()))
            .unwrap()
            .digest(),
        digest
    );
    promote(DeployOptions::default().expecting(digest).approved_by("ann")).unwrap();
    assert_eq!(crate::world::shown(&folder("production")).as_deref(), Some("1.0"));
    // What was changed by hand since is not what was tried out.
    block_on(deploy(&automation, &world.source("2.0", 5), "2.0")).unwrap();
    let file = folder("staging").join("current/sub/1.txt");
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "edited").unwrap();
    let damaged = block_on(automation.plan_promotion("production", &DeployOptions::default()))
        .unwrap_err()
        .to_string();
    assert!(damaged.contains("`sub/1.txt` of 2.0 in `staging` differs"), "{damaged}");
}

#[test]
fn the_port_of_the_orchestrator_keeps_its_laws() {
    let worlds = std::cell::RefCell::new(Vec::new());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    evergen_deployment::conformance::check(
        &mut || {
            let world = World::new();
            let automation = world.automation();
            worlds.borrow_mut().push(world);
            Box::new(automation)
        },
        "staging",
    );
}

#[test]
fn changes_of_a_cycle_go_on_top_of_what_is_live() {
    let world = World::new();
    let automation = world.automation();
    let change = |files: &[(&str, &str)]| {
        let changes = files.iter().map(|(path, text)| {
            ProposedChange::write(ArtifactPath::parse(path).unwrap(), "g", text.as_bytes(), false)
        });
        let changes = Arc::new(ProposedChanges::new(changes.collect()));
        let request = DeploymentRequest::new("staging", Uuid::now_v7(), changes);
        block_on(Deployer::deploy(&automation, request)).unwrap()
    };
    change(&[("a", "1"), ("b/c", "1")]);
    let done = change(&[("b/c", "2")]);
    assert_eq!((done.number, done.effect), (2, Effect::Published));
    let read = |path: &str| std::fs::read_to_string(world.target().join("current").join(path));
    assert_eq!((read("a").unwrap(), read("b/c").unwrap()), ("1".into(), "2".into()));
}

#[test]
fn what_is_deployed_by_itself_is_whole_and_the_same_files_are_no_news() {
    let world = World::new();
    let automation = world.automation();
    let bring = |source: &std::path::Path| {
        block_on(automation.deploy_as("staging", source, Uuid::now_v7()))
    };
    world.deploy("1.0").unwrap();
    let source = world.source("2.0", 5);
    let program = source.join("0.txt");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let second = bring(&source).unwrap();
    assert_eq!((second.number, second.effect), (2, Effect::Published));
    assert_eq!(world.live().as_deref(), Some("2.0"));
    let mode = std::fs::metadata(world.target().join("current/0.txt")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o111, 0o111, "a program stays one");
    let before = tree(&world.target());
    let again = bring(&source).unwrap();
    assert_eq!((again.number, again.effect), (2, Effect::Unchanged));
    assert_eq!(again.release, second.release);
    assert_eq!(tree(&world.target()), before, "what is live already leaves no record");
    // Somebody goes back: nothing brings it here again by itself, but a person does.
    block_on(automation.rollback("staging", None)).unwrap();
    let refused = bring(&source).unwrap_err();
    assert!(
        !refused.is_transient() && refused.to_string().contains("went back from it"),
        "{refused}"
    );
    assert_eq!(world.live().as_deref(), Some("1.0"));
    block_on(deploy(&automation, &source, "2.0")).unwrap();
    assert_eq!(bring(&source).unwrap().effect, Effect::Unchanged);
    let name = block_on(automation.status("staging")).unwrap().state.live.unwrap().version;
    assert_eq!(name, version("2.0"), "it keeps the name that somebody gave it");
    // However often somebody goes back, none of what was left comes back.
    world.deploy("3.0").unwrap();
    block_on(automation.rollback("staging", None)).unwrap();
    block_on(automation.rollback("staging", Some(&version("1.0")))).unwrap();
    let third = world.source("3.0", 5);
    for left in [&source, &third] {
        assert!(bring(left).unwrap_err().to_string().contains("went back from it"));
    }
    block_on(deploy(&automation, &source, "2.0")).unwrap();
    assert!(bring(&third).is_err(), "it was another one that somebody deployed");
    // What differs on the disk is put into use anew.
    std::fs::remove_file(world.target().join("current")).unwrap();
    bring(&source).unwrap();
    assert_eq!(world.live().as_deref(), Some("2.0"));
}

#[test]
fn what_is_live_is_deployed_again_if_somebody_wants_it() {
    let world = World::new();
    world.deploy("1.0").unwrap();
    let automation = world.automation();
    let (source, name) = (world.source("1.0", 5), version("1.0"));
    let again = DeployOptions::default().again(true);
    let plan = block_on(automation.plan("staging", &source, &name, &again)).unwrap();
    assert!(!plan.steps.is_empty());
    let options = again.expecting(plan.digest());
    let done = block_on(automation.deploy("staging", &source, &name, options)).unwrap();
    assert_eq!(done.outcome, Outcome::Succeeded);
    let same = block_on(deploy(&automation, &source, "1.0")).unwrap();
    assert_eq!(same.outcome, Outcome::Unchanged);
}

#[test]
fn drift_is_seen_file_by_file() {
    let world = World::new();
    world.deploy("1.0").unwrap();
    let automation = world.automation();
    assert!(block_on(automation.drift("staging")).unwrap().differences.is_empty());
    let file = world.target().join("current/sub/1.txt");
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "edited").unwrap();
    let drift = block_on(automation.drift("staging")).unwrap();
    assert_eq!(drift.differences, ["1.0: `sub/1.txt` differs from what was staged"]);
    // What is gone back to counts as well.
    world.deploy("2.0").unwrap();
    let drift = block_on(automation.drift("staging")).unwrap();
    assert_eq!(drift.differences, ["1.0: `sub/1.txt` differs from what was staged"]);
}
