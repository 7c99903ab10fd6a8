//! Deployments with real processes behind the real router, under load: what the driver makes of
//! what the router counts, and what it does about a live release that died.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use evergen_deployment::{
    CauseKind, CompareSetting, DeployOptions, DeploymentAutomation, DeploymentConfig,
    DeploymentEnvironment, EnvironmentParts, Outcome, Record, Revival, StepNote, Summary, Version,
};
use hyper::StatusCode;

use crate::support::{InProcess, Slots, connect, get, request, service, until};

struct World {
    folder: tempfile::TempDir,
    slots: Slots,
    router: InProcess,
    automation: DeploymentAutomation,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let slots = Slots::new(service(folder.path()));
        let router = InProcess::start(InProcess::settings(folder.path())).await;
        let comparison = CompareSetting::default().with_window(Duration::from_millis(200));
        let environment = DeploymentEnvironment::new("shop", folder.path().join("target"))
            .with_traffic_steps(vec![10, 50, 100], Duration::from_millis(1200))
            .with_comparison(comparison);
        let config = DeploymentConfig::new(vec![environment]).unwrap();
        let automation = DeploymentAutomation::with_parts(&config, |settings| {
            let (slots, client) = (Arc::new(slots.0.clone()), Arc::new(router.client.clone()));
            EnvironmentParts::slots(settings, slots, client)
        });
        let automation = automation.unwrap();
        Self { folder, slots, router, automation }
    }

    /// Deploys a release of which so many in a hundred requests fail.
    async fn deploy(&self, version: &str, fails: u32) -> Summary {
        let source = self.folder.path().join("sources").join(version);
        write(&source, version, fails);
        let version = Version::parse(version).unwrap();
        let options = DeployOptions::default();
        self.automation.deploy("shop", &source, &version, options).await.unwrap()
    }

    /// The same under load.
    async fn deploy_under_load(&self, version: &str, fails: u32) -> Summary {
        let over = Arc::new(AtomicBool::new(false));
        let load: Vec<_> =
            (0..8).map(|_| tokio::spawn(ask(self.router.address, over.clone()))).collect();
        let summary = self.deploy(version, fails).await;
        over.store(true, Ordering::Relaxed);
        for task in load {
            task.await.unwrap();
        }
        summary
    }

    async fn end(self) {
        drop(self.slots);
        self.router.end().await;
    }
}

fn write(source: &Path, version: &str, fails: u32) {
    std::fs::create_dir_all(source).unwrap();
    std::fs::write(source.join("version"), version).unwrap();
    std::fs::write(source.join("fails"), fails.to_string()).unwrap();
}

/// Asks one request after another, some hundred in a second.
async fn ask(to: SocketAddr, over: Arc<AtomicBool>) {
    let mut client = connect(to).await.unwrap();
    while !over.load(Ordering::Relaxed) {
        if client.ready().await.is_err() {
            client = connect(to).await.unwrap();
            continue;
        }
        if let Ok(answer) = client.send_request(request("/")).await {
            let body = http_body_util::BodyExt::collect(answer.into_body()).await;
            body.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_answers_5xx_to_some_is_taken_back() {
    let world = World::new().await;
    assert_eq!(world.deploy("1.0", 0).await.outcome, Outcome::Succeeded);
    let summary = world.deploy_under_load("2.0", 20).await;
    let cause = summary.cause.unwrap();
    assert_eq!((summary.outcome, cause.kind), (Outcome::RolledBack, CauseKind::Worse), "{cause}");
    assert!(cause.why.contains("requests to the new slot failed, and 0 of"), "{cause}");
    for _ in 0..20 {
        assert_eq!(get(world.router.address, "/").await, (StatusCode::OK, "1.0".to_owned()));
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_fails_as_often_as_the_one_before_comes() {
    let world = World::new().await;
    world.deploy("1.0", 5).await;
    let mut progress = world.automation.subscribe();
    let summary = world.deploy_under_load("2.0", 5).await;
    assert_eq!(summary.outcome, Outcome::Succeeded, "{summary:?}");
    let mut compared = Vec::new();
    while let Ok(step) = progress.try_recv() {
        if let Record::Finished { note: Some(StepNote::Compared { comparison }), .. } =
            step.entry.record
        {
            compared.push(comparison);
        }
    }
    assert_eq!(compared.len(), 3, "one for each share: {compared:?}");
    let last = compared.last().unwrap();
    assert!(last.verdict.passes(), "{last}");
    assert!(last.new.errors > 0 && last.old.errors > 0 && last.windows >= 10, "{last}");
    world.end().await;
}

/// What the processes of a restarted machine leave: nothing runs, and the router asks nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_release_that_was_killed_serves_again() {
    let world = World::new().await;
    world.deploy("1.0", 0).await;
    let status = world.automation.status("shop").await.unwrap();
    let identities: Vec<String> = status
        .drift
        .slots
        .iter()
        .filter_map(|(_, status)| status.ready())
        .flat_map(|running| running.instances.iter().map(|instance| instance.identity.clone()))
        .collect();
    assert_eq!(identities.len(), 1, "{identities:?}");
    let pid = identities[0].split('@').next().unwrap();
    let killed = std::process::Command::new("kill").args(["-9", pid]).status().unwrap();
    assert!(killed.success());
    until("the status tells that it ended", || async {
        !world.automation.status("shop").await.unwrap().to_do.is_empty()
    })
    .await;
    assert_eq!(get(world.router.address, "/").await.0, StatusCode::BAD_GATEWAY);
    assert_eq!(world.automation.revive("shop").await.unwrap(), Revival::Revived);
    assert_eq!(get(world.router.address, "/").await, (StatusCode::OK, "1.0".to_owned()));
    let status = world.automation.status("shop").await.unwrap();
    assert!(status.to_do.is_empty() && status.drift.differences.is_empty(), "{status:?}");
    world.end().await;
}
