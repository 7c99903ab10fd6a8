//! Writes that come to nothing when they come too late.
//!
//! A request may be carried out long after whoever sent it has given up, or was killed. So each
//! write names the object that it was made for and its version: after any other change, and where
//! that object is gone, the server refuses it. And each write changes something, so that those
//! sent before it are too late. Only the first write of an object that is not there can't be kept
//! from changing one that somebody else has made meanwhile.

use std::time::Duration;

use evergen_deployment::SlotError;
use kube::api::{DeleteParams, Preconditions};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::runtime::{KubernetesSlots, failed, ours, release_of};
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
        for tries in 1.. {
            let known = self.cluster.get::<Bare>(object.kind, &object.name).await.map_err(say)?;
            if let Some(known) = &known {
                ours(place, object.kind, &known.metadata)?;
            }
            let fixed = known.as_ref().filter(|known| known.immutable);
            let written = match fixed {
                Some(fixed) => {
                    self.remove(place, object.kind, &fixed.metadata).await.map(|_| false)
                }
                None => self.write(place, object, known.as_ref().map(|it| &it.metadata)).await,
            };
            if written? {
                break;
            }
            pause(place, tries).await?;
        }
        Ok(())
    }

    /// Writes the Deployment, which has no pods yet. One that has some was started by somebody
    /// else; one whose choice of pods is another one is made anew, since that can't be changed.
    pub(super) async fn deploy(&self, place: &Place, object: &Object) -> Result<(), SlotError> {
        let say = |error| failed(place.slot, "start", error);
        for tries in 1.. {
            let known = self.cluster.get::<Deployment>(object.kind, &object.name).await;
            let known = known.map_err(say)?;
            let meta = known.as_ref().map(|known| &known.metadata);
            let written = match &known {
                Some(known) => {
                    ours(place, object.kind, &known.metadata)?;
                    if known.wanted() > 0 {
                        let release = release_of(place, &known.metadata)?;
                        return Err(SlotError::Occupied { slot: place.slot, release });
                    }
                    if known.spec.selector == object.selector() {
                        self.write(place, object, meta).await
                    } else {
                        self.remove(place, object.kind, &known.metadata).await.map(|_| false)
                    }
                }
                None => self.write(place, object, None).await,
            };
            if written? {
                break;
            }
            pause(place, tries).await?;
        }
        Ok(())
    }

    /// Writes an object over the one that was seen, or where there was none. Whether that is done:
    /// if not, somebody has changed it since.
    async fn write(
        &self,
        place: &Place,
        object: &Object,
        seen: Option<&Meta>,
    ) -> Result<bool, SlotError> {
        let mut value = object.value.clone();
        if let Some(seen) = seen {
            // Every object has annotations of ours.
            let metadata = &mut value["metadata"];
            metadata["uid"] = seen.uid.as_str().into();
            metadata["resourceVersion"] = seen.resource_version.as_str().into();
            metadata["annotations"][WRITTEN] = seen.resource_version.as_str().into();
        }
        match self.cluster.apply(object.kind, &object.name, &value).await {
            Ok(_) => Ok(true),
            Err(ClusterError::Conflict { .. }) => Ok(false),
            Err(error) => Err(failed(place.slot, "start", error)),
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
        for tries in 1.. {
            let known = self.cluster.get::<Deployment>(Kind::Deployment, &name).await;
            let Some(known) = known.map_err(say)? else { break };
            ours(place, Kind::Deployment, &known.metadata)?;
            let Some(mut patch) = change(&known)? else { break };
            patch["metadata"]["uid"] = known.metadata.uid.into();
            patch["metadata"]["resourceVersion"] = known.metadata.resource_version.into();
            match self.cluster.merge::<Deployment>(Kind::Deployment, &name, &patch).await {
                Ok(_) => break,
                Err(ClusterError::Conflict { .. }) => pause(place, tries).await?,
                Err(error) => return Err(say(error)),
            }
        }
        Ok(())
    }

    /// Removes an object that is as it was seen, and waits for it to be gone. Whether it is: if
    /// not, somebody has changed it since.
    async fn remove(&self, place: &Place, kind: Kind, seen: &Meta) -> Result<bool, SlotError> {
        let say = |error| failed(place.slot, "start", error);
        match self.cluster.delete(kind, &seen.name, &only(seen)).await {
            Ok(()) => {}
            Err(ClusterError::Conflict { .. }) => return Ok(false),
            Err(error) => return Err(say(error)),
        }
        loop {
            let now = self.cluster.get::<Bare>(kind, &seen.name).await.map_err(say)?;
            if now.is_none_or(|now| now.metadata.uid != seen.uid) {
                return Ok(true);
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

/// On every object that was there before: the version that it was written over.
const WRITTEN: &str = "evergen.dev/written";

/// Waits before the next try, if there is one.
async fn pause(place: &Place, tries: u32) -> Result<(), SlotError> {
    if tries >= TRIES {
        let source = "somebody else changes its objects all the time".into();
        return Err(SlotError::Unavailable { slot: place.slot, action: "change", source });
    }
    sleep(Duration::from_millis(10) * tries).await;
    Ok(())
}
