//! Backups, migrations, hooks and checks: when they are asked, and what becomes of their no.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use evergen_deployment::{
    BackupError, BackupProvider, BackupRef, CheckSetting, CommandHook, CommandLine,
    DeploymentAutomation, DeploymentConfig, EnvironmentParts, HealthProbe, Hook, HookError,
    HookReport, MemoryBackup, MigrationError, MigrationPhase, Migrator, OperationError, Outcome,
    ProbeTarget, Proof, Side, StepContext, Verdict,
};
use futures::future::{BoxFuture, FutureExt as _, ready};
use jiff::Timestamp;

use crate::world::{World, block_on, deploy};

/// A part of the user's that writes down what it was asked, and says no to one thing.
#[derive(Debug, Default)]
struct Part {
    asked: Mutex<Vec<String>>,
    refuses: &'static str,
}

impl Part {
    fn ask(&self, what: String) -> Result<(), std::io::Error> {
        let refused = what == self.refuses;
        self.asked.lock().unwrap().push(what);
        if refused { Err(std::io::Error::other("it was told to refuse")) } else { Ok(()) }
    }

    fn migration(&self, what: String) -> Result<(), MigrationError> {
        let failed = |error: std::io::Error| MigrationError::Database {
            migration: "db".into(),
            action: "do as asked",
            source: error.into(),
        };
        self.ask(what).map_err(failed)
    }

    fn keeping(&self, what: &str) -> Result<(), BackupError> {
        let failed = |error: std::io::Error| BackupError::NotProven {
            location: "/backups/1".into(),
            why: error.to_string(),
        };
        self.ask(what.to_owned()).map_err(failed)
    }

    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

impl BackupProvider for Part {
    fn name(&self) -> &'static str {
        "db"
    }

    fn backup<'a>(&'a self, _: &'a StepContext) -> BoxFuture<'a, Result<BackupRef, BackupError>> {
        let kept = self.keeping("backup");
        ready(kept.map(|()| BackupRef::new("db", "/backups/1", Timestamp::UNIX_EPOCH))).boxed()
    }

    fn prove<'a>(&'a self, _: &'a BackupRef) -> BoxFuture<'a, Result<Proof, BackupError>> {
        ready(self.keeping("prove").map(|()| Proof::new("3 tables", 5))).boxed()
    }

    fn restore<'a>(&'a self, _: &'a BackupRef) -> BoxFuture<'a, Result<(), BackupError>> {
        ready(self.keeping("restore")).boxed()
    }

    fn discard<'a>(&'a self, _: &'a BackupRef) -> BoxFuture<'a, Result<(), BackupError>> {
        ready(Ok(())).boxed()
    }
}

impl Migrator for Part {
    fn name(&self) -> &'static str {
        "schema"
    }

    fn phase<'a>(
        &'a self,
        _: &'a StepContext,
    ) -> BoxFuture<'a, Result<MigrationPhase, MigrationError>> {
        ready(Ok(MigrationPhase::Pending)).boxed()
    }

    fn expand<'a>(&'a self, _: &'a StepContext) -> BoxFuture<'a, Result<(), MigrationError>> {
        ready(self.migration("expand".into())).boxed()
    }

    fn check<'a>(
        &'a self,
        side: Side,
        _: &'a StepContext,
    ) -> BoxFuture<'a, Result<(), MigrationError>> {
        ready(self.migration(format!("check {side}"))).boxed()
    }

    fn contract<'a>(&'a self, _: &'a StepContext) -> BoxFuture<'a, Result<(), MigrationError>> {
        ready(self.migration("contract".into())).boxed()
    }
}

impl Hook for Part {
    fn name(&self) -> &'static str {
        "hook"
    }

    fn run<'a>(&'a self, context: &'a StepContext) -> BoxFuture<'a, Result<HookReport, HookError>> {
        let version = &context.release.version;
        let ran = self.ask(format!("hook {version} {}", context.release.root.is_dir()));
        let ran =
            ran.map_err(|error| HookError::NotRun { hook: "hook".into(), source: error.into() });
        ready(ran.map(|()| HookReport::new(Duration::ZERO, ""))).boxed()
    }
}

/// Fails for version 2.0 as soon as it is the current one.
struct Check;

impl HealthProbe for Check {
    fn name(&self) -> &'static str {
        "content"
    }

    fn probe<'a>(&'a self, target: &'a ProbeTarget) -> BoxFuture<'a, Verdict> {
        let bad = target.context.release.version.as_str() == "2.0";
        ready(if bad { Verdict::fail("it shows nothing") } else { Verdict::Pass }).boxed()
    }
}

fn automation(world: &World, part: &Arc<Part>, restore_data: bool) -> DeploymentAutomation {
    let mut environment = world.environment();
    environment.restore_data = restore_data;
    let config = DeploymentConfig::new(vec![environment]).unwrap();
    DeploymentAutomation::with_parts(&config, |settings| {
        let mut check = CheckSetting::new("content", toml::Table::new());
        check.interval_ms = 10;
        EnvironmentParts::directory(settings)
            .with_backup(part.clone())
            .with_migrator(part.clone())
            .with_before(part.clone())
            .with_after(part.clone())
            .with_probe(check, Arc::new(Check))
    })
    .unwrap()
}

fn run(automation: &DeploymentAutomation, world: &World, name: &str) -> (Outcome, Option<String>) {
    let source = world.source(name, 5);
    let done = block_on(deploy(automation, &source, name)).unwrap();
    (done.outcome, done.cause.map(|cause| cause.why))
}

#[test]
fn data_is_kept_and_proven_before_the_schema_changes_and_contracted_at_the_end() {
    let world = World::new();
    let part = Arc::new(Part::default());
    let automation = automation(&world, &part, false);
    assert_eq!(run(&automation, &world, "1.0").0, Outcome::Succeeded);
    let first =
        ["hook 1.0 true", "backup", "prove", "expand", "check new", "contract", "hook 1.0 true"];
    assert_eq!(part.taken(), first);
    run(&automation, &world, "3.0");
    let second: Vec<_> = part.taken();
    assert_eq!(&second[3..6], ["expand", "check old", "check new"]);
    // Nothing goes back by itself beyond a contraction.
    let refused = block_on(automation.rollback("staging", None)).unwrap_err();
    assert!(matches!(refused, OperationError::PastContract { contracted: 2, .. }), "{refused}");
    assert_eq!(world.live().as_deref(), Some("3.0"));
}

#[test]
fn a_release_that_is_bad_in_a_folder_is_taken_back_with_its_data() {
    let world = World::new();
    let part = Arc::new(Part::default());
    let automation = automation(&world, &part, true);
    run(&automation, &world, "1.0");
    part.taken();
    let (outcome, why) = run(&automation, &world, "2.0");
    assert_eq!(
        (outcome, why.as_deref()),
        (Outcome::RolledBack, Some("`content` fails: it shows nothing"))
    );
    assert_eq!(world.live().as_deref(), Some("1.0"));
    assert_eq!(part.taken().last().map(String::as_str), Some("restore"));
}

#[test]
fn whoever_says_no_before_the_traffic_stops_it_there() {
    for refuses in ["hook 2.5 true", "backup", "prove", "expand", "check old", "check new"] {
        let world = World::new();
        let good = Arc::new(Part::default());
        run(&automation(&world, &good, false), &world, "1.0");
        let part = Arc::new(Part { refuses, ..Part::default() });
        let (outcome, why) = run(&automation(&world, &part, false), &world, "2.5");
        assert_eq!(outcome, Outcome::Failed, "{refuses}");
        assert!(why.unwrap().contains("it was told to refuse"), "{refuses}");
        assert_eq!(part.taken().last().map(String::as_str), Some(refuses));
        assert_eq!(world.live().as_deref(), Some("1.0"));
    }
}

#[test]
fn what_fails_after_the_commit_is_a_warning() {
    let world = World::new();
    let part = Arc::new(Part { refuses: "contract", ..Part::default() });
    let automation = automation(&world, &part, false);
    let source = world.source("1.0", 5);
    let done = block_on(deploy(&automation, &source, "1.0")).unwrap();
    assert_eq!((done.outcome, done.warnings.len()), (Outcome::Succeeded, 1));
    assert!(done.warnings[0].contains("it was told to refuse"), "{:?}", done.warnings);
}

#[test]
fn an_undo_that_fails_is_an_incident_with_what_is_left_and_can_be_gone_on_with() {
    let world = World::new();
    let part = Arc::new(Part { refuses: "restore", ..Part::default() });
    let bad = automation(&world, &part, true);
    run(&bad, &world, "1.0");
    let source = world.source("2.0", 5);
    let stuck = block_on(deploy(&bad, &source, "2.0")).unwrap_err();
    let OperationError::Incident { number: 2, left, .. } = &stuck else { panic!("{stuck}") };
    assert_eq!(left, &["restore `db` from /backups/1"]);
    assert_eq!(world.live().as_deref(), Some("1.0"), "the traffic went back first");
    let status = block_on(bad.status("staging")).unwrap();
    let mend = "mend this, and resume, which does the rest by itself: backup `/backups/1` does not";
    assert!(status.to_do[0].starts_with(mend), "{status:?}");
    assert_eq!(status.to_do[1], format!("or do by hand, and resume then: {}", left[0]));
    // The provider works again, and the next verb settles what was left.
    let part = Arc::new(Part::default());
    let good = automation(&world, &part, true);
    let settled = block_on(good.rollback("staging", None)).unwrap();
    assert_eq!((settled.number, settled.outcome, settled.incident), (2, Outcome::RolledBack, true));
    assert_eq!(part.taken(), ["restore"]);
}

#[test]
fn settings_that_name_a_missing_part_are_refused() {
    let world = World::new();
    let mut environment = world.environment();
    environment.health_checks.push(CheckSetting::new("up", toml::Table::new()));
    let config = DeploymentConfig::new(vec![environment]).unwrap();
    let automation = DeploymentAutomation::new(&config).unwrap();
    let source = world.source("1.0", 5);
    let refused = block_on(deploy(&automation, &source, "1.0")).unwrap_err().to_string();
    assert!(refused.contains("names health check `up`"), "{refused}");
    assert!(!world.target().exists());
}

#[test]
fn backups_are_discarded_when_no_way_back_needs_them() {
    let world = World::new();
    let data = Arc::new(MemoryBackup::new("text"));
    let config = DeploymentConfig::new(vec![world.environment().with_kept_releases(1)]).unwrap();
    let script = "case $EVERGEN_VERSION in bad*) exit 1;; esac";
    let automation = DeploymentAutomation::with_parts(&config, |settings| {
        let test = CommandHook::new("test", CommandLine::new(["sh", "-c", script])).unwrap();
        EnvironmentParts::directory(settings).with_backup(data.clone()).with_test(Arc::new(test))
    })
    .unwrap();
    for version in 1..=5 {
        assert_eq!(run(&automation, &world, &version.to_string()).0, Outcome::Succeeded);
    }
    // Back from the fifth is the fourth, and from there the third.
    assert_eq!(data.kept(), ["3-3", "4-4", "5-5"]);
    for version in 1..=4 {
        assert_eq!(run(&automation, &world, &format!("bad{version}")).0, Outcome::Failed);
    }
    assert_eq!(data.kept(), ["4-4", "5-5", "8-8", "9-9"], "of those that failed, the latest");
    let state = block_on(automation.status("staging")).unwrap().state;
    let known: Vec<_> = state.backups.iter().map(|kept| kept.backup.location.as_str()).collect();
    assert_eq!(known, data.kept());
    // Going back makes no backup and discards none.
    block_on(automation.rollback("staging", None)).unwrap();
    assert_eq!(data.kept().len(), 4);
}
