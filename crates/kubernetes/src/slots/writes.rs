//! Writes that come to nothing when they come too late.
//!
//! A request may be carried out long after whoever sent it has given up, or was killed. So what
//! starts or stops pods, and what changes an object that is there, names the version of the object
//! that it was made for: after any other change the server refuses it. A Deployment is made without
//! pods, so that one that is made late runs nothing.

use std::time::Duration;

use evergen_deployment::SlotError;
use kube::api::{DeleteParams, Preconditions};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::runtime::{KubernetesSlots, failed, ours};
use super::settings::pace;
use crate::api::{Bare, ClusterError, Deployment, Kind, Meta};
use crate::manifests::{Object, Place};

/// How often a write is made anew for the newest version: controllers write down the state of an
/// object while it changes.
const TRIES: u32 = 12;

impl KubernetesSlots {
    /// Makes an object what it is to be. Where one of that name is not ours it is an error; one
    /// that can't be changed is made anew.
    pub(super) async fn apply(&self, place: &Place, object: &Object) -> Result<(), SlotError> {
        let say = |error| failed(place.slot, "start", error);
        let mut tries = 0;
        loop {
            tries += 1;
            let known = self.cluster.get::<Bare>(object.kind, &object.name).await.map_err(say)?;
            let mut value = object.value.clone();
            if let Some(Bare { metadata, immutable }) = known {
                ours(place, object.kind, &metadata)?;
                if immutable {
                    self.remove(place, object.kind, &metadata).await?;
                } else {
                    value["metadata"]["resourceVersion"] = metadata.resource_version.into();
                }
            }
            match self.cluster.apply(object.kind, &object.name, &value).await {
                Ok(_) => return Ok(()),
                Err(ClusterError::Conflict { .. }) if tries < TRIES => pause(tries).await,
                Err(error) => return Err(say(error)),
            }
        }
    }

    /// Changes the fields of the slot's Deployment that `change` names for it as it is. Nothing is
    /// done if it names none, or there is no Deployment.
    pub(super) async fn change(
        &self,
        place: &Place,
        action: &'static str,
        change: impl Fn(&Deployment) -> Result<Option<Value>, SlotError>,
    ) -> Result<(), SlotError> {
        let say = |error| failed(place.slot, action, error);
        let name = place.name();
        let mut tries = 0;
        loop {
            tries += 1;
            let known = self.cluster.get::<Deployment>(Kind::Deployment, &name).await;
            let Some(known) = known.map_err(say)? else { return Ok(()) };
            ours(place, Kind::Deployment, &known.metadata)?;
            let Some(mut patch) = change(&known)? else { return Ok(()) };
            patch["metadata"]["uid"] = known.metadata.uid.into();
            patch["metadata"]["resourceVersion"] = known.metadata.resource_version.into();
            match self.cluster.merge::<Deployment>(Kind::Deployment, &name, &patch).await {
                Ok(_) => return Ok(()),
                Err(ClusterError::Conflict { .. }) if tries < TRIES => pause(tries).await,
                Err(error) => return Err(say(error)),
            }
        }
    }

    /// Removes an object as it was seen, and waits for it to be gone.
    pub(super) async fn remove(
        &self,
        place: &Place,
        kind: Kind,
        known: &Meta,
    ) -> Result<(), SlotError> {
        let say = |error| failed(place.slot, "start", error);
        self.cluster.delete(kind, &known.name, &only(known)).await.map_err(say)?;
        loop {
            let now = self.cluster.get::<Bare>(kind, &known.name).await.map_err(say)?;
            if now.is_none_or(|now| now.metadata.uid != known.uid) {
                return Ok(());
            }
            sleep(pace::LOOK).await;
        }
    }
}

/// How an object is removed if it is still as it was seen.
pub(super) fn only(known: &Meta) -> DeleteParams {
    DeleteParams::background().preconditions(Preconditions {
        uid: Some(known.uid.clone()),
        resource_version: Some(known.resource_version.clone()),
    })
}

/// The change that takes all pods away. It is another one each time, so that whatever was sent
/// before is too late.
pub(super) fn stopped(deployment: &Deployment) -> Value {
    let version = &deployment.metadata.resource_version;
    json!({
        "metadata": { "annotations": { STOPPED: version } },
        "spec": { "replicas": 0 },
    })
}

/// The change that lets a Deployment make its pods, likewise another one each time.
pub(super) fn started(deployment: &Deployment, replicas: u32) -> Value {
    let version = &deployment.metadata.resource_version;
    json!({
        "metadata": { "annotations": { STARTED: version } },
        "spec": { "replicas": replicas },
    })
}

/// On the slot's Deployment: the version that was started last.
pub(super) const STARTED: &str = "evergen.dev/started";
/// The version that was stopped last.
const STOPPED: &str = "evergen.dev/stopped";

async fn pause(tries: u32) {
    sleep(Duration::from_millis(10) * tries).await;
}
