//! An environment in a cluster.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use evergen_deployment::{DeploymentEnvironment, EnvironmentParts};
use evergen_kubernetes::{
    Cluster, ClusterSettings, HttpRouteSettings, HttpRouteTraffic, KubernetesSettings,
    KubernetesSlots,
};
use evergen_resilience::SettingsError;
use serde::Deserialize;

/// A release that runs in a cluster, behind an `HTTPRoute`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KubernetesSetting {
    /// What the two Services are called before `-blue` and `-green`.
    service: String,
    /// The `HTTPRoute`.
    route: String,
    /// The folder with the manifests in the release; `kubernetes` if none is named.
    #[serde(default)]
    manifests: Option<PathBuf>,
    #[serde(default)]
    kubeconfig: Option<PathBuf>,
    #[serde(default)]
    context: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
    /// How long the gateway may take to accept a change.
    #[serde(default)]
    gateway_seconds: Option<u64>,
    /// How long a slot without traffic is left alone before it is stopped.
    #[serde(default)]
    settle_seconds: Option<u64>,
}

impl KubernetesSetting {
    /// The slots and the route of an environment. Nothing of the cluster is read yet.
    pub(super) fn parts(
        &self,
        environment: &DeploymentEnvironment,
        root: &Path,
    ) -> Result<EnvironmentParts, SettingsError> {
        let cluster = Cluster::new(self.cluster(root))?;
        let mut slots = KubernetesSettings::new(&self.service, &environment.name)
            .with_replicas(environment.replicas)
            .with_resources(environment.resources.clone());
        if let Some(folder) = &self.manifests {
            slots = slots.with_manifests(folder);
        }
        let mut route = HttpRouteSettings::new(&self.route, &self.service);
        if let Some(seconds) = self.gateway_seconds {
            route = route.with_patience(Duration::from_secs(seconds));
        }
        if let Some(seconds) = self.settle_seconds {
            route = route.with_settle(Duration::from_secs(seconds));
        }
        let slots = KubernetesSlots::new(cluster.clone(), slots)?;
        let router = HttpRouteTraffic::new(cluster, route)?;
        let Self { service, manifests, context, namespace, .. } = self;
        let way = serde_json::json!({
            "service": service, "manifests": manifests, "context": context, "namespace": namespace
        });
        let parts = EnvironmentParts::slots(environment, Arc::new(slots), Arc::new(router));
        Ok(parts.with_way_of_running(way.to_string()))
    }

    fn cluster(&self, root: &Path) -> ClusterSettings {
        let mut settings = ClusterSettings::default();
        if let Some(path) = &self.kubeconfig {
            settings = settings.with_kubeconfig(root.join(path));
        }
        if let Some(context) = &self.context {
            settings = settings.with_context(context);
        }
        if let Some(namespace) = &self.namespace {
            settings = settings.with_namespace(namespace);
        }
        settings
    }
}
