use std::sync::Arc;
use std::time::Duration;

use evergen_artifact::Digest;
use evergen_deployment::{
    Endpoint, Instance, ReleaseId, Running, Scheme, Slot, SlotError, SlotRuntime, SlotStatus,
    StagedRelease, StepContext,
};
use evergen_resilience::SettingsError;
use futures::future::{BoxFuture, FutureExt as _};
use kube::api::{DeleteParams, Preconditions};
use tokio::time::{Instant, sleep};

use super::pods;
use super::rollout::{Rollout, availability};
use super::settings::{KubernetesSettings, pace};
use super::writes::{STARTED, stopped};
use crate::api::{Cluster, ClusterError, Deployment, Kind, Meta, Pod, Service};
use crate::manifests::{Place, RELEASE};

/// Runs each slot of an environment as a Deployment and a Service in a namespace of a cluster.
///
/// What it knows stands in the cluster: labels say whose an object is, annotations which release
/// it runs and which other objects belong to it. So the next deployer finds what a killed one has
/// left. An object that has the name of one of ours and not our labels is never touched.
///
/// The one instance of a slot is its Deployment with a certain specification of its pods. Pods may
/// be replaced by the cluster at any time, and be more or fewer; other containers or images are
/// not what was checked. What a `ConfigMap` says that somebody edits is not looked at. A slot is
/// emptied by scaling to zero, and its Service stays.
#[derive(Clone, Debug)]
pub struct KubernetesSlots {
    pub(super) cluster: Cluster,
    pub(super) settings: Arc<KubernetesSettings>,
}

/// What there is of a slot.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) deployment: Option<Deployment>,
    pub(super) service: Option<Service>,
    /// Those that still run, or may.
    pub(super) pods: Vec<Pod>,
}

impl KubernetesSlots {
    /// Slots in a namespace by these settings. Nothing is read or sent yet.
    ///
    /// # Errors
    /// A setting is out of range.
    pub fn new(cluster: Cluster, settings: KubernetesSettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self { cluster, settings: Arc::new(settings) })
    }

    pub(super) fn place(&self, slot: Slot) -> Place {
        let KubernetesSettings { service, environment, .. } = &*self.settings;
        Place { service: service.clone(), environment: environment.clone(), slot }
    }

    /// Looks at all there is of a slot. What has its name and is not ours is an error.
    pub(super) async fn look(
        &self,
        place: &Place,
        action: &'static str,
    ) -> Result<Seen, SlotError> {
        let (name, labels) = (place.name(), place.selector());
        let (deployment, service, pods) = futures::try_join!(
            self.cluster.get::<Deployment>(Kind::Deployment, &name),
            self.cluster.get::<Service>(Kind::Service, &name),
            self.cluster.list::<Pod>(Kind::Pod, &labels),
        )
        .map_err(|error| failed(place.slot, action, error))?;
        if let Some(deployment) = &deployment {
            ours(place, Kind::Deployment, &deployment.metadata)?;
        }
        if let Some(service) = &service {
            ours(place, Kind::Service, &service.metadata)?;
        }
        let pods = pods.into_iter().filter(pods::is_left).collect();
        Ok(Seen { deployment, service, pods })
    }

    /// What runs in a slot, with a reason where it is not ready by what `judge` makes of its
    /// Deployment.
    pub(super) async fn status(
        &self,
        place: &Place,
        seen: &Seen,
        judge: fn(&Deployment) -> Rollout,
    ) -> Result<SlotStatus, SlotError> {
        if seen.is_empty() {
            return Ok(SlotStatus::Empty);
        }
        let namespace = self.cluster.namespace().await;
        let namespace = namespace.map_err(|error| failed(place.slot, "inspect", error))?;
        let Some(deployment) = seen.deployment.as_ref().filter(|it| it.wanted() > 0) else {
            return seen.ending(place);
        };
        let release = release_of(place, &deployment.metadata)?;
        let endpoint = seen.service.as_ref().and_then(|it| endpoint(place, namespace, it));
        let why = match judge(deployment) {
            Rollout::Ready if endpoint.is_none() => "its Service has no port".to_owned(),
            Rollout::Ready => String::new(),
            Rollout::Waiting(why) | Rollout::Failed(why) => pods::because(&why, &seen.pods),
        };
        let instance = Instance::new(identity(deployment), endpoint);
        let running = Running::new(release, vec![instance]);
        Ok(SlotStatus::Occupied { running, ready: why.is_empty(), why })
    }

    /// Scales a slot to nothing, waits up to `grace` for its pods to be gone, and then ends them
    /// by force. If it is to be emptied of a certain release `only`, another one is left alone.
    pub(super) async fn clear(
        &self,
        place: &Place,
        grace: Duration,
        only: Option<ReleaseId>,
    ) -> Result<(), SlotError> {
        let is_meant = |deployment: &Deployment| {
            only.is_none() || release_of(place, &deployment.metadata).ok() == only
        };
        // What is not ours is told before anything is changed.
        self.look(place, "stop").await?;
        let stop = |deployment: &Deployment| Ok(is_meant(deployment).then(|| stopped(deployment)));
        self.change(place, "stop", stop).await?;
        for (forced, patience) in [(false, grace), (true, pace::FORCE)] {
            let until = Instant::now() + patience.min(Duration::from_hours(24));
            let mut pause = pace::LOOK;
            loop {
                let seen = self.look(place, "stop").await?;
                if seen.is_empty() || !seen.deployment.as_ref().is_none_or(is_meant) {
                    return Ok(());
                }
                if forced {
                    self.end(place, &seen.pods).await?;
                }
                if Instant::now() >= until {
                    break;
                }
                sleep(pause.min(until.saturating_duration_since(Instant::now()))).await;
                pause = (pause * 2).min(pace::SELDOM);
            }
        }
        let left = self.look(place, "stop").await?.left();
        if left.is_empty() { Ok(()) } else { Err(SlotError::NotStopped { slot: place.slot, left }) }
    }

    /// Removes pods without waiting for them to end.
    async fn end(&self, place: &Place, pods: &[Pod]) -> Result<(), SlotError> {
        for pod in pods {
            let uid = Some(pod.metadata.uid.clone());
            let this = Preconditions { uid, ..Preconditions::default() };
            let how = DeleteParams::default().grace_period(0).preconditions(this);
            match self.cluster.delete(Kind::Pod, &pod.metadata.name, &how).await {
                // Another pod of that name is none of those that were to go.
                Ok(()) | Err(ClusterError::Conflict { .. }) => {}
                Err(error) => return Err(failed(place.slot, "stop", error)),
            }
        }
        Ok(())
    }
}

impl Seen {
    /// Whether nothing runs, and nothing is going to.
    pub(super) fn is_empty(&self) -> bool {
        self.left().is_empty()
    }

    /// What still runs, or may come yet: a controller that has not seen the newest
    /// specification may still make pods by the one before.
    fn left(&self) -> Vec<String> {
        let mut left: Vec<String> = self.pods.iter().map(pods::identity).collect();
        if left.is_empty()
            && let Some(deployment) = &self.deployment
        {
            let Deployment { metadata, status, .. } = deployment;
            let seen = status.observed_generation >= metadata.generation;
            if deployment.wanted() > 0 || status.replicas > 0 || !seen {
                left.push(identity(deployment));
            }
        }
        left
    }

    /// What is left of a release that is being ended.
    fn ending(&self, place: &Place) -> Result<SlotStatus, SlotError> {
        let metas = self.deployment.iter().map(|it| &it.metadata);
        let meta = metas.chain(self.pods.iter().map(|pod| &pod.metadata)).next();
        let Some(meta) = meta else { return Ok(SlotStatus::Empty) };
        let instances = self.left().into_iter().map(|identity| Instance::new(identity, None));
        let running = Running::new(release_of(place, meta)?, instances.collect());
        let why = "its pods are being ended".to_owned();
        Ok(SlotStatus::Occupied { running, ready: false, why })
    }
}

impl SlotRuntime for KubernetesSlots {
    fn start<'a>(
        &'a self,
        slot: Slot,
        release: &'a StagedRelease,
        context: &'a StepContext,
    ) -> BoxFuture<'a, Result<Running, SlotError>> {
        self.run(slot, release, context).boxed()
    }

    fn inspect(&self, slot: Slot) -> BoxFuture<'_, Result<SlotStatus, SlotError>> {
        async move {
            let place = self.place(slot);
            let seen = self.look(&place, "inspect").await?;
            self.status(&place, &seen, availability).await
        }
        .boxed()
    }

    fn stop(&self, slot: Slot, grace: Duration) -> BoxFuture<'_, Result<(), SlotError>> {
        async move { self.clear(&self.place(slot), grace, None).await }.boxed()
    }
}

/// Refuses an object that has a name of ours and is not ours.
pub(super) fn ours(place: &Place, kind: Kind, meta: &Meta) -> Result<(), SlotError> {
    if place.owns(&meta.labels) {
        return Ok(());
    }
    let labels = place.selector();
    let why = format!(
        "there is a {} `{}` already that is not of this environment, as it does not have the \
         labels {labels}; rename one of them, or remove it",
        kind.name(),
        meta.name
    );
    Err(SlotError::Setup { slot: place.slot, why })
}

/// The release that an object says it is of.
pub(super) fn release_of(place: &Place, meta: &Meta) -> Result<ReleaseId, SlotError> {
    let told = meta.annotations.get(RELEASE).and_then(|text| text.parse().ok());
    told.ok_or_else(|| {
        let why =
            format!("`{}` does not say its release; its annotation `{RELEASE}` is gone", meta.name);
        SlotError::Setup { slot: place.slot, why }
    })
}

/// What no other Deployment is called, and this one neither after another start nor after any
/// change of what runs in its pods.
fn identity(deployment: &Deployment) -> String {
    let Meta { name, uid, annotations, .. } = &deployment.metadata;
    let started = annotations.get(STARTED).map(String::as_str).unwrap_or_default();
    let pods = deployment.spec.template.spec.to_string();
    let run = Digest::of(format!("{started} {pods}").as_bytes()).to_string();
    format!("deployment/{name}@{uid}:{}", &run[..run.len().min(16)])
}

/// Where a slot's Service answers: at the port called `http`, or else at the first.
fn endpoint(place: &Place, namespace: &str, service: &Service) -> Option<Endpoint> {
    let ports = &service.spec.ports;
    let port = ports.iter().find(|port| port.name == "http").or_else(|| ports.first())?;
    let scheme = if port.app_protocol == "https" { Scheme::Https } else { Scheme::Http };
    Endpoint::new(scheme, &format!("{}.{namespace}.svc", place.name()), port.port).ok()
}

/// What came of a call, as an error of a slot.
pub(super) fn failed(slot: Slot, action: &'static str, error: ClusterError) -> SlotError {
    let lasts = !error.may_pass() && !matches!(error, ClusterError::Conflict { .. });
    if lasts && action == "start" {
        return SlotError::Setup { slot, why: error.to_string() };
    }
    SlotError::Unavailable { slot, action, source: Box::new(error) }
}
