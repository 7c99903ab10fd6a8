//! What the tests stand on: a server, releases with manifests, an `HTTPRoute`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use evergen_artifact::Digest;
use evergen_deployment::{
    Provenance, ReleaseId, Running, Slot, SlotError, SlotRuntime as _, StagedRelease, StepContext,
    Version,
};
use evergen_kubernetes::{
    Cluster, ClusterSettings, HttpRouteSettings, HttpRouteTraffic, KubernetesSettings,
    KubernetesSlots,
};
use evergen_resilience::RetryPolicy;
use serde_json::{Value, json};

use crate::server::ApiServer;

/// The manifests of a service whose image has the tag `{version}`.
pub(crate) const MANIFESTS: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata:
  name: "{name}"
spec:
  selector:
    matchLabels: { app: shop }
  template:
    metadata:
      labels: { app: shop }
    spec:
      containers:
        - name: shop
          image: registry.example/shop:{version}
          ports: [{ containerPort: 8080 }]
---
apiVersion: v1
kind: Service
metadata:
  name: "{name}"
spec:
  selector: { app: shop }
  ports:
    - { name: metrics, port: 9090 }
    - { name: http, port: 80, targetPort: 8080 }
"#;

/// A cluster, and the parts of an environment in it.
pub(crate) struct World {
    pub(crate) server: ApiServer,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) cluster: Cluster,
}

impl World {
    pub(crate) async fn new() -> Self {
        let server = ApiServer::start().await;
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = server.kubeconfig(folder.path());
        let cluster = Cluster::new(patient(&kubeconfig)).unwrap();
        Self { server, folder, cluster }
    }

    pub(crate) fn slots(&self) -> KubernetesSlots {
        self.slots_with(KubernetesSettings::new("shop", "production"))
    }

    pub(crate) fn slots_with(&self, settings: KubernetesSettings) -> KubernetesSlots {
        KubernetesSlots::new(self.cluster.clone(), settings).unwrap()
    }

    pub(crate) fn router(&self) -> HttpRouteTraffic {
        let settings = HttpRouteSettings::new("web", "shop")
            .with_settle(Duration::from_millis(10))
            .with_patience(Duration::from_millis(600));
        HttpRouteTraffic::new(self.cluster.clone(), settings).unwrap()
    }

    /// A release with the usual manifests.
    pub(crate) fn release(&self, version: &str) -> StagedRelease {
        self.release_with(version, MANIFESTS)
    }

    pub(crate) fn release_with(&self, version: &str, manifests: &str) -> StagedRelease {
        let root = self.folder.path().join("releases").join(version);
        write(&root, manifests);
        let provenance = Provenance::new(jiff::Timestamp::UNIX_EPOCH, "a test");
        let id = ReleaseId::new(Digest::of(format!("{version}{manifests}").as_bytes()));
        StagedRelease::new(id, Version::parse(version).unwrap(), root, provenance)
    }

    /// Puts the route of the user there: two rules of ours and one that is none of our business.
    pub(crate) fn route(&self) {
        let ours = |path: &str| {
            json!({
                "matches": [{ "path": { "value": path } }],
                "backendRefs": [{
                    "name": "shop-blue", "port": 80,
                    "filters": [{ "type": "RequestHeaderModifier" }],
                }],
            })
        };
        let other = json!({ "backendRefs": [{ "name": "docs", "port": 80, "weight": 3 }] });
        let spec = json!({
            "parentRefs": [{ "name": "public" }],
            "hostnames": ["shop.example"],
            "rules": [ours("/"), other, ours("/api")],
        });
        self.service("docs", 80);
        self.server.store().put("httproutes", "web", json!({ "metadata": {}, "spec": spec }));
    }

    /// A Service that somebody else has made.
    pub(crate) fn service(&self, name: &str, port: u16) {
        let spec = json!({ "ports": [{ "port": port }] });
        let labels = json!({ "owner": "somebody" });
        let value = json!({ "metadata": { "labels": labels }, "spec": spec });
        self.server.store().put("services", name, value);
    }

    pub(crate) fn weights(&self) -> Vec<Vec<(String, u64)>> {
        let route = self.server.get("httproutes", "web").unwrap();
        let rules = route["spec"]["rules"].as_array().unwrap();
        rules.iter().map(weights).collect()
    }
}

fn weights(rule: &Value) -> Vec<(String, u64)> {
    let references = rule["backendRefs"].as_array().unwrap();
    let shown = |reference: &Value| {
        let name = reference["name"].as_str().unwrap().to_owned();
        (name, reference["weight"].as_u64().unwrap_or(1))
    };
    references.iter().map(shown).collect()
}

pub(crate) fn write(root: &Path, manifests: &str) {
    std::fs::create_dir_all(root.join("kubernetes")).unwrap();
    std::fs::write(root.join("kubernetes/shop.yaml"), manifests).unwrap();
}

/// Calls that are tried again soon.
pub(crate) fn patient(kubeconfig: &Path) -> ClusterSettings {
    let retry = RetryPolicy::exponential(Duration::from_millis(2))
        .with_max_tries(4)
        .with_total(Duration::from_secs(5));
    ClusterSettings::default()
        .with_kubeconfig(PathBuf::from(kubeconfig))
        .with_patience(Duration::from_millis(500))
        .with_retry(retry)
}

pub(crate) fn context(slot: Slot, release: &StagedRelease) -> StepContext {
    StepContext::new("production", 1, slot, release.clone()).with_deadline(Duration::from_secs(5))
}

pub(crate) async fn start(
    slots: &KubernetesSlots,
    slot: Slot,
    release: &StagedRelease,
) -> Result<Running, SlotError> {
    slots.start(slot, release, &context(slot, release)).await
}

/// The whole chain of an error in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// Waits until something holds, and says what did not.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "in ten seconds not: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
