//! Bringing a release up in a slot.

use std::time::Duration;

use evergen_deployment::{
    ReleaseId, Running, Slot, SlotError, SlotStatus, StagedRelease, StepContext,
};
use kube::api::{DeleteParams, Preconditions};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::pods;
use super::record::ObjectRecord;
use super::rollout::{Rollout, rollout};
use super::runtime::{KubernetesSlots, Seen, failed, ours};
use super::settings::pace;
use crate::api::{Bare, Deployment, Kind, Meta};
use crate::manifests::{self, About, OBJECTS, Object, Objects, Place};

impl KubernetesSlots {
    /// Starts a release. The Service is written first, with a record of all objects that there
    /// may be of the slot from then on; then those; the Deployment last. So pods find what they
    /// need, and whatever dies in between leaves no object that nobody knows of.
    pub(super) async fn run(
        &self,
        slot: Slot,
        release: &StagedRelease,
        context: &StepContext,
    ) -> Result<Running, SlotError> {
        // What fails must still be cleared away within the deadline.
        let spare = (context.deadline / 5).min(pace::FAILED + Duration::from_secs(1));
        let until = Instant::now() + context.deadline.saturating_sub(spare);
        let place = self.place(slot);
        let late = |what: &str| SlotError::NotReady {
            slot,
            why: format!("{what} within {} s", context.deadline.as_secs_f64()),
        };
        let prepared = timeout_at(until, self.prepare(&place, release, context)).await;
        let prepared = prepared.map_err(|_| late("its objects were not made"))??;
        let brought = async {
            let Some((objects, before)) = &prepared else {
                return self.wait(&place, release.id, until).await;
            };
            let deployed = timeout_at(until, self.deploy(&place, &objects.deployment)).await;
            deployed.map_err(|_| late("its Deployment was not made"))??;
            let running = self.wait(&place, release.id, until).await?;
            self.tidy(&place, objects, before).await;
            Ok(running)
        };
        match brought.await {
            Ok(running) => Ok(running),
            Err(error) => {
                self.clear(&place, pace::FAILED).await?;
                Err(error)
            }
        }
    }

    /// Makes all objects but the Deployment; gives them, and what there was before. Nothing if
    /// the release runs already.
    async fn prepare(
        &self,
        place: &Place,
        release: &StagedRelease,
        context: &StepContext,
    ) -> Result<Option<(Objects, ObjectRecord)>, SlotError> {
        let seen = self.look(place, "start").await?;
        if let SlotStatus::Occupied { running, .. } = self.status(place, &seen).await? {
            let wanted = seen.deployment.as_ref().is_some_and(|it| it.wanted() > 0);
            if running.release != release.id && (wanted || !seen.pods.is_empty()) {
                return Err(SlotError::Occupied { slot: place.slot, release: running.release });
            }
            if wanted {
                return Ok(None);
            }
            // What a stop that was cut short has left, or a change that no controller has seen yet.
            self.clear(place, pace::FAILED).await?;
        }
        let objects = self.objects(place, release, context).await?;
        for object in &objects.others {
            let known = self.cluster.get::<Bare>(object.kind, &object.name).await;
            if let Some(known) = known.map_err(|error| failed(place.slot, "start", error))? {
                ours(place, object.kind, &known.metadata)?;
            }
        }
        let before = seen.service.map(|service| ObjectRecord::told_by(&service.metadata));
        let before = before.unwrap_or_default();
        let record = before.with(&ObjectRecord::of(&objects));
        self.apply(place, &recorded(&objects.service, &record)).await?;
        for object in &objects.others {
            self.apply(place, object).await?;
        }
        Ok(Some((objects, before)))
    }

    /// What the manifests of a release say, for this slot.
    async fn objects(
        &self,
        place: &Place,
        release: &StagedRelease,
        context: &StepContext,
    ) -> Result<Objects, SlotError> {
        let setup = |why: String| SlotError::Setup { slot: place.slot, why };
        let (root, folder) = (release.root.clone(), self.settings.manifests.clone());
        let read = tokio::task::spawn_blocking(move || manifests::read(&root, &folder)).await;
        let read = read.map_err(|error| setup(error.to_string()))?;
        let read = read.map_err(|error| setup(error.to_string()))?;
        let namespace = self.cluster.namespace().await;
        let about = About {
            place,
            namespace: namespace.map_err(|error| failed(place.slot, "start", error))?,
            release: release.id,
            version: release.version.as_str(),
            replicas: self.settings.replicas,
            resources: &self.settings.resources,
        };
        let fitted = manifests::fit(&read, &about, &context.variables);
        fitted.map_err(|error| setup(error.to_string()))
    }

    async fn apply(&self, place: &Place, object: &Object) -> Result<(), SlotError> {
        let applied = self.cluster.apply(object.kind, &object.name, &object.value).await;
        applied.map(|_| ()).map_err(|error| failed(place.slot, "start", error))
    }

    /// Applies the Deployment. One without pods whose choice of pods is another one is made anew,
    /// since that can't be changed.
    async fn deploy(&self, place: &Place, deployment: &Object) -> Result<(), SlotError> {
        let known = self.cluster.get::<Deployment>(Kind::Deployment, &deployment.name).await;
        let known = known.map_err(|error| failed(place.slot, "start", error))?;
        if let Some(known) = known
            && known.spec.selector.match_labels != deployment.selected()
        {
            self.remove(place, &known.metadata).await?;
        }
        self.apply(place, deployment).await
    }

    async fn remove(&self, place: &Place, known: &Meta) -> Result<(), SlotError> {
        let uid = Some(known.uid.clone());
        let this = Preconditions { uid, ..Preconditions::default() };
        let how = DeleteParams::background().preconditions(this);
        let say = |error| failed(place.slot, "start", error);
        self.cluster.delete(Kind::Deployment, &known.name, &how).await.map_err(say)?;
        loop {
            let now = self.cluster.get::<Bare>(Kind::Deployment, &known.name).await.map_err(say)?;
            if now.is_none_or(|now| now.metadata.uid != known.uid) {
                return Ok(());
            }
            sleep(pace::LOOK).await;
        }
    }

    /// Waits until all pods of a slot take requests. That the server can't be reached for a
    /// while is borne.
    async fn wait(
        &self,
        place: &Place,
        release: ReleaseId,
        until: Instant,
    ) -> Result<Running, SlotError> {
        let mut pause = pace::LOOK;
        let mut why = "nothing is known of its pods".to_owned();
        loop {
            match timeout_at(until, self.look(place, "start")).await {
                Ok(Ok(seen)) => match self.judge(place, release, &seen).await? {
                    Ok(running) => return Ok(running),
                    Err(waiting) => why = waiting,
                },
                Ok(Err(error @ SlotError::Unavailable { .. })) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "can't look at slot {}",
                        place.slot
                    );
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => {}
            }
            if Instant::now() >= until {
                let why = format!("it was not ready in time: {why}");
                return Err(SlotError::NotReady { slot: place.slot, why });
            }
            sleep(pause.min(until.saturating_duration_since(Instant::now()))).await;
            pause = (pause * 2).min(pace::SELDOM);
        }
    }

    /// What runs, or why it is to be waited for.
    async fn judge(
        &self,
        place: &Place,
        release: ReleaseId,
        seen: &Seen,
    ) -> Result<Result<Running, String>, SlotError> {
        let over = |why: String| SlotError::NotReady { slot: place.slot, why };
        let Some(deployment) = &seen.deployment else {
            return Err(over("somebody has removed its Deployment".to_owned()));
        };
        if let Rollout::Failed(why) = rollout(deployment) {
            return Err(over(pods::because(&why, &seen.pods)));
        }
        Ok(match self.status(place, seen).await? {
            SlotStatus::Occupied { running, .. } if running.release != release => {
                return Err(over("somebody has put another release into it".to_owned()));
            }
            SlotStatus::Occupied { running, ready: true, .. } => Ok(running),
            SlotStatus::Occupied { why, .. } => Err(why),
            _ => return Err(over("somebody has scaled its Deployment to zero".to_owned())),
        })
    }

    /// Removes what earlier releases of the slot had and this one has not. What can't be removed
    /// stays in the record, and is removed by the next start.
    async fn tidy(&self, place: &Place, objects: &Objects, before: &ObjectRecord) {
        let now = ObjectRecord::of(objects);
        let surplus = before.without(&now);
        if surplus.is_empty() {
            return;
        }
        let tidied = async {
            for (kind, name) in surplus {
                let known = self.cluster.get::<Bare>(kind, &name).await?;
                if known.is_some_and(|known| place.owns(&known.metadata.labels)) {
                    self.cluster.delete(kind, &name, &DeleteParams::background()).await?;
                }
            }
            let service = recorded(&objects.service, &now);
            self.cluster.apply(service.kind, &service.name, &service.value).await
        };
        if let Err(error) = tidied.await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, slot = %place.slot, "objects of an earlier release are left");
        }
    }
}

/// The slot's Service with the record of its objects.
fn recorded(service: &Object, record: &ObjectRecord) -> Object {
    let mut service = service.clone();
    service.value["metadata"]["annotations"][OBJECTS] = Value::String(record.to_string());
    service
}
