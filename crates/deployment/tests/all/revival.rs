//! A live release that ends by itself is started again: a few times, and told.

use std::sync::Arc;
use std::time::Duration;

use evergen_deployment::{
    DeployOptions, DeploymentAutomation, DeploymentConfig, DirectoryReleases, EnvironmentParts,
    MayRevive, MemoryRouter, MemorySlots, OperationError, Outcome, Record, ReleaseSource,
    ReleaseStore as _, Revival, Slot, SlotRuntime as _, Split, Summary, TrafficRouter as _,
    Version,
};

use crate::world::{World, block_on};

struct Stage {
    world: World,
    slots: Arc<MemorySlots>,
    router: Arc<MemoryRouter>,
    automation: DeploymentAutomation,
}

impl Stage {
    /// A stage on which 1.0 is live, in slot blue.
    async fn new() -> Self {
        let world = World::new();
        let (slots, router) = (Arc::new(MemorySlots::new()), Arc::new(MemoryRouter::new()));
        let config = DeploymentConfig::new(vec![world.environment()]).unwrap();
        let automation = DeploymentAutomation::with_parts(&config, |settings| {
            EnvironmentParts::slots(settings, slots.clone(), router.clone())
        });
        let stage = Self { world, slots, router, automation: automation.unwrap() };
        stage.deploy("1.0").await.unwrap();
        stage
    }

    async fn deploy(&self, name: &str) -> Result<Summary, OperationError> {
        let source = self.world.source(name, 5);
        let version = Version::parse(name).unwrap();
        self.automation.deploy("staging", &source, &version, DeployOptions::default()).await
    }

    /// From now on 1.0 does not start any more.
    fn spoil(&self) {
        let source = ReleaseSource::Folder(self.world.source("1.0", 5));
        let store = DirectoryReleases::new(self.world.target(), "staging");
        self.slots.let_fail(store.identify(&source).unwrap());
    }

    /// Whether the router asks what runs in a slot, and nothing else.
    async fn serves(&self, slot: Slot) -> bool {
        let status = self.slots.inspect(slot).await.unwrap();
        let shown = self.router.read().await.unwrap();
        let running = status.ready().map(evergen_deployment::Running::endpoints);
        shown.split == Some(Split::all(slot))
            && running.is_some_and(|endpoints| shown.backend(slot).endpoints == endpoints)
    }

    async fn to_do(&self) -> String {
        self.automation.status("staging").await.unwrap().to_do.join("; ")
    }
}

#[test]
fn what_ended_runs_again_and_the_ledger_tells() {
    block_on(async {
        let stage = Stage::new().await;
        assert_eq!(stage.automation.revive("staging").await.unwrap(), Revival::NotNeeded);
        stage.slots.kill(Slot::Blue);
        assert!(stage.to_do().await.contains("1.0 has ended; resume starts it"));
        let drift = stage.automation.drift("staging").await.unwrap();
        assert!(drift.differences[0].starts_with("slot blue runs nothing"), "{drift:?}");
        let mut progress = stage.automation.subscribe();
        stage.automation.recover("staging").await.unwrap();
        assert!(stage.serves(Slot::Blue).await);
        let kept = [progress.try_recv().unwrap(), progress.try_recv().unwrap()];
        assert!(matches!(kept[0].entry.record, Record::Reviving { slot: Slot::Blue }));
        assert!(matches!(kept[1].entry.record, Record::Revived { .. }));
        let status = stage.automation.status("staging").await.unwrap();
        assert!(status.drift.differences.is_empty() && status.to_do.is_empty(), "{status:?}");
        assert_eq!(status.state.revivals.succeeded, 1);
    });
}

#[test]
fn each_verb_lets_the_live_release_run_before_another_comes() {
    block_on(async {
        let stage = Stage::new().await;
        stage.slots.kill(Slot::Blue);
        let mut progress = stage.automation.subscribe();
        assert_eq!(stage.deploy("2.0").await.unwrap().outcome, Outcome::Succeeded);
        assert!(matches!(progress.try_recv().unwrap().entry.record, Record::Reviving { .. }));
        assert!(stage.serves(Slot::Green).await);
        // Who goes back does not want what ended.
        stage.slots.kill(Slot::Green);
        let mut progress = stage.automation.subscribe();
        stage.automation.rollback("staging", None).await.unwrap();
        assert!(matches!(progress.try_recv().unwrap().entry.record, Record::Began { .. }));
        assert!(stage.serves(Slot::Blue).await);
    });
}

#[test]
fn what_does_not_start_is_tried_within_bounds_until_a_person_lets_it_go_on() {
    block_on(async {
        let stage = Stage::new().await;
        stage.spoil();
        stage.slots.kill(Slot::Blue);
        let first = stage.automation.revive("staging").await.unwrap();
        assert!(matches!(&first, Revival::Failed { why } if why.contains("ended with status 1")));
        let second = stage.automation.revive("staging").await.unwrap();
        assert!(matches!(second, Revival::Waits { .. }), "not at once: {second:?}");
        let to_do = stage.to_do().await;
        assert!(to_do.contains("1.0 has ended (") && to_do.contains("status 1"), "{to_do}");
        let known = stage.automation.status("staging").await.unwrap().state;
        let may = known.may_revive(jiff::Timestamp::now());
        assert!(matches!(may, Some(MayRevive::NotBefore(_))), "{may:?}");
        let refused = stage.automation.resume("staging", "ann").await.unwrap_err();
        assert!(matches!(refused, OperationError::NotRevived { .. }), "{refused}");
        // A release that works comes all the same, and all is forgotten.
        assert_eq!(stage.deploy("2.0").await.unwrap().outcome, Outcome::Succeeded);
        let known = stage.automation.status("staging").await.unwrap().state;
        assert!(known.revivals.tries.is_empty());
        let nothing = stage.automation.resume("staging", "ann").await.unwrap_err();
        assert!(matches!(nothing, OperationError::NotInProgress { .. }), "{nothing}");
    });
}

#[test]
fn whoever_keeps_it_alive_sees_it_end() {
    block_on(async {
        let stage = Stage::new().await;
        let keeping = stage.automation.keep_alive("staging", Duration::from_millis(10));
        let ends = async {
            stage.slots.kill(Slot::Blue);
            let end = tokio::time::Instant::now() + Duration::from_secs(8);
            while !stage.serves(Slot::Blue).await {
                assert!(tokio::time::Instant::now() < end, "it did not come to that");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            ended = keeping => panic!("{ended:?}"),
            () = ends => {}
        }
    });
}
