//! Whole deployments into a cluster: what the driver makes of slots and route.

use std::path::PathBuf;
use std::time::Duration;

use evergen_deployment::{
    DeployOptions, DeploymentAutomation, DeploymentConfig, DeploymentEnvironment, EnvironmentParts,
    Outcome, Summary, Version,
};
use std::sync::Arc;

use serde_json::json;

use crate::server::{Fault, Trouble};
use crate::support::{MANIFESTS, World, until, write};

struct Shop {
    world: World,
    automation: DeploymentAutomation,
}

impl Shop {
    async fn new() -> Self {
        let world = World::new().await;
        world.route();
        let automation = automation(&world);
        Self { world, automation }
    }

    fn source(&self, version: &str) -> PathBuf {
        let source = self.world.folder.path().join("sources").join(version);
        write(&source, MANIFESTS);
        std::fs::write(source.join("version"), version).unwrap();
        source
    }

    async fn deploy(&self, version: &str) -> Summary {
        let (source, version) = (self.source(version), Version::parse(version).unwrap());
        let options = DeployOptions::default();
        self.automation.deploy("production", &source, &version, options).await.unwrap()
    }

    /// The weights of the first rule, and how many pods each slot has.
    fn serves(&self) -> (Vec<(String, u64)>, [u64; 2]) {
        let replicas = ["shop-blue", "shop-green"].map(|name| {
            let deployment = self.world.server.get("deployments", name).unwrap_or_default();
            deployment["spec"]["replicas"].as_u64().unwrap_or(0)
        });
        (self.world.weights().swap_remove(0), replicas)
    }

    fn image(&self, slot: &str) -> String {
        let deployment = self.world.server.get("deployments", slot).unwrap();
        let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
        image.as_str().unwrap().to_owned()
    }

    async fn is_settled(&self) {
        let status = self.automation.status("production").await.unwrap();
        assert!(status.to_do.is_empty() && status.drift.differences.is_empty(), "{status:#?}");
    }
}

fn automation(world: &World) -> DeploymentAutomation {
    let mut environment =
        DeploymentEnvironment::new("production", world.folder.path().join("target"))
            .with_traffic_steps(vec![10, 50, 100], Duration::from_millis(60));
    environment.deadlines.start_seconds = 3;
    environment.deadlines.stop_seconds = 2;
    let config = DeploymentConfig::new(vec![environment]).unwrap();
    DeploymentAutomation::with_parts(&config, |settings| {
        EnvironmentParts::slots(settings, Arc::new(world.slots()), Arc::new(world.router()))
    })
    .unwrap()
}

fn only(slot: &str) -> Vec<(String, u64)> {
    vec![(slot.to_owned(), 1000)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn releases_come_into_use_one_after_the_other() {
    let shop = Shop::new().await;
    assert_eq!(shop.deploy("1.0").await.outcome, Outcome::Succeeded);
    assert_eq!(shop.serves(), (only("shop-blue"), [1, 0]));
    assert_eq!(shop.deploy("2.0").await.outcome, Outcome::Succeeded);
    assert_eq!(shop.serves(), (only("shop-green"), [0, 1]));
    assert_eq!(shop.image("shop-green"), "registry.example/shop:2.0");
    shop.is_settled().await;
    let back = shop.automation.rollback("production", None).await.unwrap();
    assert_eq!(back.outcome, Outcome::Succeeded);
    assert_eq!(shop.serves(), (only("shop-blue"), [1, 0]));
    assert_eq!(shop.image("shop-blue"), "registry.example/shop:1.0", "manifests go back, too");
    shop.is_settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_does_not_come_up_changes_nothing() {
    let shop = Shop::new().await;
    let first = shop.deploy("missing").await;
    assert_eq!(first.outcome, Outcome::Failed, "{first:?}");
    shop.deploy("1.0").await;
    let bad = shop.deploy("crashing").await;
    assert_eq!(bad.outcome, Outcome::Failed, "{bad:?}");
    let why = bad.cause.unwrap().to_string();
    assert!(why.contains("CrashLoopBackOff"), "{why}");
    assert_eq!(shop.serves(), (only("shop-blue"), [1, 0]));
    shop.is_settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_breaks_under_traffic_is_taken_back() {
    let shop = Shop::new().await;
    shop.deploy("1.0").await;
    let deploying = shop.deploy("2.0");
    let breaking = async {
        until("some traffic", || {
            shop.serves().0.iter().any(|it| *it == ("shop-green".to_owned(), 100))
        })
        .await;
        let image = json!([{ "name": "shop", "image": "registry.example/shop:unready" }]);
        let patch = json!({ "spec": { "template": { "spec": { "containers": image } } } });
        shop.world.server.edit("deployments", "shop-green", &patch);
    };
    let (summary, ()) = futures::join!(deploying, breaking);
    assert_eq!(summary.outcome, Outcome::RolledBack, "{summary:?}");
    assert_eq!(shop.serves(), (only("shop-blue"), [1, 0]));
    shop.is_settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_deployment_is_taken_back_or_finished() {
    // The call in which the deployer is killed: before the commit, and after it.
    for (verb, plural, skipped) in [
        ("patch", "services", 0),
        ("patch", "deployments", 0),
        ("patch", "httproutes", 0),
        ("patch", "httproutes", 1),
        ("patch", "httproutes", 3),
        ("patch", "deployments", 1),
        ("patch", "deployments", 2),
    ] {
        let shop = Shop::new().await;
        shop.deploy("1.0").await;
        let hang = Trouble::Hang(Duration::from_mins(1));
        let asked = shop.world.server.asked().len();
        shop.world.server.trouble(Fault::once(verb, plural, hang).after(skipped).times(99));
        let killed = {
            let deploying = shop.deploy("2.0");
            let reached = until("the call in which it is killed", || {
                shop.world.server.store().hanging > 0 && shop.world.server.asked().len() > asked
            });
            tokio::select! {
                summary = deploying => Err(summary),
                () = reached => Ok(()),
            }
        };
        killed.unwrap_or_else(|summary| panic!("{verb} {plural} {skipped}: {summary:?}"));
        shop.world.server.store().faults.clear();
        let next = automation(&shop.world);
        next.recover("production").await.unwrap();
        let (weights, replicas) = shop.serves();
        let old = weights == only("shop-blue") && replicas == [1, 0];
        let new = weights == only("shop-green") && replicas == [0, 1];
        assert!(old || new, "{verb} {plural} {skipped}: {weights:?} {replicas:?}");
        shop.is_settled().await;
        assert_eq!(shop.deploy("3.0").await.outcome, Outcome::Succeeded);
    }
}
