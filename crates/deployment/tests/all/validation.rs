//! A release is judged before anything of it is staged.

use std::sync::Arc;
use std::time::Duration;

use evergen_artifact::{ArtifactPath, ProposedChange, ProposedChanges};
use evergen_deployment::conformance::check_validator;
use evergen_deployment::{
    Candidate, CauseKind, CommandLine, CommandValidator, Deployer, DeploymentAutomation,
    DeploymentConfig, DeploymentRequest, EnvironmentParts, MemoryValidator, OperationError,
    Outcome, Provenance, Record, ReleaseId, ReleaseSource, ReleaseValidator, Slot, StagedRelease,
    StepContext, StepNote, Version,
};
use uuid::Uuid;

use crate::world::{World, block_on, deploy, tree};

/// Refuses a release that has a file `bad`, and says where the fault is.
fn command() -> CommandValidator {
    let script = "test ! -e bad || { echo 'bad:7: a fault'; exit 1; }";
    CommandValidator::new("gates", CommandLine::new(["sh", "-c", script])).unwrap()
}

fn judged_by(world: &World, validator: &Arc<dyn ReleaseValidator>) -> DeploymentAutomation {
    let environment = world.environment().with_validation(true);
    let config = DeploymentConfig::new(vec![environment]).unwrap();
    DeploymentAutomation::with_parts(&config, |settings| {
        EnvironmentParts::directory(settings).with_validator(validator.clone())
    })
    .unwrap()
}

fn candidate(world: &World, name: &str, bad: bool) -> Candidate {
    let root = world.source(name, 5);
    if bad {
        std::fs::write(root.join("bad"), "1").unwrap();
    }
    let id = ReleaseId::new(evergen_artifact::Digest::of(name.as_bytes()));
    let provenance = Provenance::new(jiff::Timestamp::UNIX_EPOCH, "a test");
    let version = Version::parse(name).unwrap();
    let release = StagedRelease::new(id, version, root.clone(), provenance);
    let context = StepContext::new("staging", 1, Slot::Blue, release);
    Candidate::new(context.with_deadline(Duration::from_secs(10)), ReleaseSource::Folder(root))
}

#[test]
fn validators_keep_their_laws() {
    let world = World::new();
    let (good, bad) = (candidate(&world, "1.0", false), candidate(&world, "2.0", true));
    let memory = MemoryValidator::new("rules").requiring("0.txt").forbidding("bad");
    block_on(async {
        check_validator(&memory, &good, &bad).await;
        check_validator(&command(), &good, &bad).await;
    });
}

#[test]
fn a_release_that_is_refused_is_not_staged_and_the_ledger_says_why() {
    let world = World::new();
    let automation = judged_by(&world, &(Arc::new(command()) as _));
    let good = block_on(deploy(&automation, &world.source("1.0", 5), "1.0")).unwrap();
    assert_eq!(good.outcome, Outcome::Succeeded);
    let releases = tree(&world.target().join("releases"));
    let source = world.source("2.0", 5);
    std::fs::write(source.join("bad"), "1").unwrap();
    let bad = block_on(deploy(&automation, &source, "2.0")).unwrap();
    let cause = bad.cause.unwrap();
    assert_eq!((bad.outcome, cause.kind), (Outcome::Failed, CauseKind::Refused));
    assert_eq!(cause.why, "`gates` refuses the release: bad:7: a fault");
    assert_eq!((cause.remarks[0].path.as_deref(), cause.remarks[0].line), (Some("bad"), Some(7)));
    assert_eq!(tree(&world.target().join("releases")), releases, "nothing was staged");
    let journal = std::fs::read_to_string(world.target().join(".evergen/journal")).unwrap();
    assert!(journal.contains("\"remarks\":[{\"level\":\"error\""), "{journal}");
}

#[test]
fn changes_of_a_cycle_are_judged_as_the_whole_release_that_they_make() {
    let world = World::new();
    let rules = Arc::new(MemoryValidator::new("rules").requiring("a.txt").forbidding("bad"));
    let automation = judged_by(&world, &(rules.clone() as _));
    let request = |path: &str| {
        let path = ArtifactPath::parse(path).unwrap();
        let change = ProposedChange::write(path, "g", b"1".as_slice(), false);
        let changes = Arc::new(ProposedChanges::new(vec![change]));
        DeploymentRequest::new("staging", Uuid::now_v7(), changes)
    };
    let mut progress = automation.subscribe();
    block_on(async {
        let deployer: &dyn Deployer = &automation;
        deployer.deploy(request("a.txt")).await.unwrap();
        deployer.deploy(request("b.txt")).await.unwrap();
        deployer.deploy(request("bad")).await.unwrap_err();
    });
    assert_eq!(rules.judged().len(), 3);
    assert_eq!(automation.automatic(), Vec::<String>::new());
    let mut notes = 0;
    while let Ok(step) = progress.try_recv() {
        let note = matches!(
            step.entry.record,
            Record::Finished { note: Some(StepNote::Judged { .. }), .. }
        );
        notes += u32::from(note);
    }
    assert_eq!(notes, 2, "each judgement is kept");
}

#[test]
fn who_asks_for_validation_needs_a_validator() {
    let world = World::new();
    let config = DeploymentConfig::new(vec![world.environment().with_validation(true)]).unwrap();
    let automation = DeploymentAutomation::new(&config).unwrap();
    let refused = block_on(deploy(&automation, &world.source("1.0", 5), "1.0")).unwrap_err();
    assert!(matches!(refused, OperationError::NoValidator { .. }), "{refused}");
    assert!(refused.to_string().contains("[[environments.validate]]"), "{refused}");
    let off = DeploymentConfig::new(vec![world.environment().with_validation(false)]).unwrap();
    let automation = DeploymentAutomation::with_parts(&off, |settings| {
        let never = MemoryValidator::new("never").requiring("no such file");
        EnvironmentParts::directory(settings).with_validator(Arc::new(never))
    });
    let done = block_on(deploy(&automation.unwrap(), &world.source("1.0", 5), "1.0")).unwrap();
    assert_eq!(done.outcome, Outcome::Succeeded);
}
