//! Blue and green with a router, in memory: what the driver asks of them and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use evergen_deployment::{
    CheckSetting, DeployOptions, DeploymentAutomation, DeploymentConfig, DeploymentEnvironment,
    EnvironmentParts, HealthProbe, MemoryRouter, MemorySlots, OperationError, Outcome, ProbeTarget,
    Record, RollbackStrategy, Slot, SlotRuntime, Split, Summary, TrafficRouter, Verdict, Version,
};
use futures::future::{BoxFuture, FutureExt as _, ready};

use crate::world::{World, block_on};

/// Fails from its `bad`-th question on, if the release is the bad one.
#[derive(Debug)]
struct Probe {
    asked: AtomicU32,
    bad: u32,
    release: &'static str,
}

impl HealthProbe for Probe {
    fn name(&self) -> &'static str {
        "up"
    }

    fn probe<'a>(&'a self, target: &'a ProbeTarget) -> BoxFuture<'a, Verdict> {
        let ours = target.context.release.version.as_str() == self.release;
        let bad = ours && self.asked.fetch_add(1, Ordering::SeqCst) + 1 >= self.bad;
        ready(if bad { Verdict::fail("500") } else { Verdict::Pass }).boxed()
    }
}

struct Stage {
    world: World,
    slots: Arc<MemorySlots>,
    router: Arc<MemoryRouter>,
    automation: DeploymentAutomation,
}

impl Stage {
    fn new(bad: u32, strategy: RollbackStrategy, dwell: u64) -> Self {
        let world = World::new();
        let (slots, router) = (Arc::new(MemorySlots::new()), Arc::new(MemoryRouter::new()));
        let environment = DeploymentEnvironment::new("staging", world.target())
            .with_traffic_steps(vec![10, 50, 100], Duration::from_millis(dwell))
            .with_rollback_strategy(strategy);
        let config = DeploymentConfig::new(vec![environment]).unwrap();
        let automation = DeploymentAutomation::with_parts(&config, |settings| {
            let probe = Probe { asked: AtomicU32::new(0), bad, release: "2.0" };
            let mut check = CheckSetting::new("up", toml::Table::new());
            check.interval_ms = 10;
            EnvironmentParts::slots(settings, slots.clone(), router.clone())
                .with_probe(check, Arc::new(probe))
        })
        .unwrap();
        Self { world, slots, router, automation }
    }

    async fn deploy(&self, name: &str) -> Result<Summary, OperationError> {
        let source = self.world.source(name, 5);
        let version = Version::parse(name).unwrap();
        self.automation.deploy("staging", &source, &version, DeployOptions::default()).await
    }

    /// The sole slot that has traffic and runs; all else is empty.
    async fn settled(&self) -> Option<Slot> {
        let sole = self.router.read().await.unwrap().split?.sole()?;
        let idle = self.slots.inspect(sole.other()).await.unwrap();
        let live = self.slots.inspect(sole).await.unwrap();
        (idle.release().is_none() && live.ready().is_some()).then_some(sole)
    }
}

fn shares(stage: &Stage) -> Vec<u16> {
    stage.router.splits().into_iter().map(|split| split.of(Slot::Green)).collect()
}

#[test]
fn traffic_goes_over_step_by_step_and_the_old_slot_ends() {
    block_on(async {
        let stage = Stage::new(u32::MAX, RollbackStrategy::Automatic, 0);
        stage.deploy("1.0").await.unwrap();
        assert_eq!(stage.settled().await, Some(Slot::Blue));
        let done = stage.deploy("2.0").await.unwrap();
        assert_eq!((done.outcome, stage.settled().await), (Outcome::Succeeded, Some(Slot::Green)));
        assert_eq!(shares(&stage), [0, 100, 500, 1000]);
        assert_eq!(stage.world.live().as_deref(), Some("2.0"));
        stage.automation.rollback("staging", None).await.unwrap();
        assert_eq!(
            (stage.settled().await, stage.world.live().as_deref()),
            (Some(Slot::Blue), Some("1.0"))
        );
        assert!(stage.automation.status("staging").await.unwrap().drift.differences.is_empty());
    });
}

#[test]
fn a_release_that_never_gets_well_never_gets_traffic() {
    block_on(async {
        let stage = Stage::new(1, RollbackStrategy::Automatic, 0);
        stage.deploy("1.0").await.unwrap();
        let source = stage.world.source("2.0", 5);
        let version = Version::parse("2.0").unwrap();
        // Health has a minute; the release is bad for good, so we say when it is enough.
        let deploy =
            stage.automation.deploy("staging", &source, &version, DeployOptions::default());
        let abort = async {
            poll(|| async {
                let status = stage.automation.status("staging").await.unwrap();
                status.state.open.is_some_and(|open| open.running.is_some())
            })
            .await;
            stage.automation.abort("staging", "ann").await.unwrap();
        };
        let (done, ()) = futures::future::join(Box::pin(deploy), abort).await;
        let done = done.unwrap();
        assert_eq!((done.outcome, shares(&stage)), (Outcome::Failed, vec![0]));
        assert_eq!(done.cause.unwrap().why, "ann aborted it");
        assert_eq!(stage.settled().await, Some(Slot::Blue));
    });
}

#[test]
fn a_release_that_gets_bad_under_traffic_is_taken_back() {
    block_on(async {
        let stage = Stage::new(3, RollbackStrategy::Automatic, 0);
        stage.deploy("1.0").await.unwrap();
        let done = stage.deploy("2.0").await.unwrap();
        assert_eq!((done.outcome, stage.settled().await), (Outcome::RolledBack, Some(Slot::Blue)));
        assert_eq!(shares(&stage), [0, 100, 500, 0]);
        assert_eq!(done.cause.unwrap().why, "`up` fails: 500");
        assert_eq!(stage.world.live().as_deref(), Some("1.0"));
        // The next deployment finds a clean place.
        stage.deploy("3.0").await.unwrap();
        assert_eq!(stage.settled().await, Some(Slot::Green));
    });
}

#[test]
fn a_release_that_does_not_start_leaves_all_as_it_was() {
    block_on(async {
        let stage = Stage::new(u32::MAX, RollbackStrategy::Automatic, 0);
        stage.deploy("1.0").await.unwrap();
        let source = evergen_deployment::ReleaseSource::Folder(stage.world.source("2.0", 5));
        let store = evergen_deployment::DirectoryReleases::new(stage.world.target(), "staging");
        stage.slots.let_fail(evergen_deployment::ReleaseStore::identify(&store, &source).unwrap());
        let done = stage.deploy("2.0").await.unwrap();
        assert_eq!((done.outcome, stage.settled().await), (Outcome::Failed, Some(Slot::Blue)));
        assert!(done.cause.unwrap().why.contains("it ended with status 1"));
    });
}

#[test]
fn with_a_manual_strategy_a_person_decides() {
    block_on(async {
        let stage = Stage::new(2, RollbackStrategy::Manual, 0);
        stage.deploy("1.0").await.unwrap();
        let decide = async {
            poll(|| async { !stage.automation.status("staging").await.unwrap().to_do.is_empty() })
                .await;
            let split = stage.router.read().await.unwrap().split;
            assert_eq!(split, Split::giving(Slot::Green, 100).ok(), "traffic stays as it is");
            stage.automation.abort("staging", "ann").await.unwrap();
        };
        let (done, ()) = futures::future::join(Box::pin(stage.deploy("2.0")), decide).await;
        assert_eq!(
            (done.unwrap().outcome, stage.settled().await),
            (Outcome::RolledBack, Some(Slot::Blue))
        );
    });
}

#[test]
fn a_pause_holds_before_the_next_step_and_a_resume_goes_on() {
    block_on(async {
        let stage = Stage::new(u32::MAX, RollbackStrategy::Automatic, 300);
        stage.deploy("1.0").await.unwrap();
        let mut progress = stage.automation.subscribe();
        let people = async {
            poll(|| async { shares(&stage).last() == Some(&100) }).await;
            stage.automation.pause("staging", "ann").await.unwrap();
            poll(|| async { !stage.automation.status("staging").await.unwrap().to_do.is_empty() })
                .await;
            let held = shares(&stage);
            stage.automation.resume("staging", "ann").await.unwrap();
            held
        };
        let (done, held) = futures::future::join(Box::pin(stage.deploy("2.0")), people).await;
        assert!(matches!(done, Ok(Summary { outcome: Outcome::Succeeded, .. })), "{done:?}");
        assert!(held.len() <= 3, "{held:?}");
        assert_eq!(shares(&stage), [0, 100, 500, 1000]);
        let mut seen = Vec::new();
        while let Ok(step) = progress.try_recv() {
            seen.push(step.entry.record);
        }
        assert!(seen.iter().any(|record| matches!(record, Record::Paused { .. })));
        assert!(matches!(seen.last(), Some(Record::Ended { .. })), "{seen:?}");
    });
}

#[test]
fn what_was_not_checked_gets_no_traffic() {
    block_on(async {
        let stage = Stage::new(u32::MAX, RollbackStrategy::Automatic, 200);
        stage.deploy("1.0").await.unwrap();
        let die = async {
            poll(|| async { shares(&stage).last() == Some(&100) }).await;
            stage.slots.kill(Slot::Green);
        };
        let (done, ()) = futures::future::join(Box::pin(stage.deploy("2.0")), die).await;
        let done = done.unwrap();
        assert_eq!((done.outcome, stage.settled().await), (Outcome::RolledBack, Some(Slot::Blue)));
        assert!(done.cause.unwrap().why.contains("is not what was started and checked"));
    });
}

#[test]
fn a_deployer_that_is_dropped_anywhere_is_settled_by_the_next() {
    block_on(async {
        for turns in 0..24 {
            let stage = Stage::new(u32::MAX, RollbackStrategy::Automatic, 0);
            stage.deploy("1.0").await.unwrap();
            let cut =
                tokio::time::timeout(Duration::from_millis(turns * 4), stage.deploy("2.0")).await;
            // Blocking work in flight ends by itself and lets go of the lock.
            let settled = async {
                loop {
                    match stage.automation.recover("staging").await {
                        Ok(settled) => break settled,
                        Err(OperationError::Lock(_)) => tokio::task::yield_now().await,
                        Err(error) => panic!("{error}"),
                    }
                }
            };
            let settled = tokio::time::timeout(Duration::from_secs(8), settled).await.unwrap();
            let live = stage.settled().await.unwrap();
            let expected = if live == Slot::Green { "2.0" } else { "1.0" };
            assert_eq!(
                stage.world.live().as_deref(),
                Some(expected),
                "{turns} {cut:?} {settled:?}"
            );
        }
    });
}

/// Asks until it is so, with a deadline.
async fn poll<F: Future<Output = bool>>(mut so: impl FnMut() -> F) {
    let end = tokio::time::Instant::now() + Duration::from_secs(8);
    while !so().await {
        assert!(tokio::time::Instant::now() < end, "it did not come to that");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
