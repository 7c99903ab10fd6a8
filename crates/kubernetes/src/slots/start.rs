//! Bringing a release up in a slot.

use std::time::Duration;

use evergen_deployment::{
    ReleaseId, Running, Slot, SlotError, SlotStatus, StagedRelease, StepContext,
};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::pods;
use super::record::ObjectRecord;
use super::rollout::{Progress, Rollout, rollout};
use super::runtime::{KubernetesSlots, Seen, failed, ours, release_of};
use super::settings::pace;
use super::writes::{only, started};
use crate::api::{Bare, Deployment};
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
        // Up to here nothing runs, and nothing has to be cleared away.
        let prepared = timeout_at(until, self.prepare(&place, release, context)).await;
        let prepared = prepared.map_err(|_| late("its objects were not made"))??;
        let brought = async {
            if prepared.is_some() {
                let scaled = timeout_at(until, self.scale(&place, release.id)).await;
                scaled.map_err(|_| late("its Deployment was not scaled up"))??;
            }
            let running = self.wait(&place, release.id, until).await?;
            if let Some((objects, before)) = &prepared {
                // What is left in the record goes with the next start.
                let _ = timeout_at(until, self.tidy(&place, objects, before)).await;
            }
            Ok(running)
        };
        match brought.await {
            Ok(running) => Ok(running),
            Err(error) => {
                self.clear(&place, pace::FAILED, Some(release.id)).await?;
                Err(error)
            }
        }
    }

    /// Makes all objects, the Deployment last and without pods; gives them, and what there was
    /// before. Nothing if the release runs already.
    async fn prepare(
        &self,
        place: &Place,
        release: &StagedRelease,
        context: &StepContext,
    ) -> Result<Option<(Objects, ObjectRecord)>, SlotError> {
        let seen = self.look(place, "start").await?;
        if let SlotStatus::Occupied { running, .. } = self.status(place, &seen, rollout).await? {
            let wanted = seen.deployment.as_ref().is_some_and(|it| it.wanted() > 0);
            if running.release != release.id && (wanted || !seen.pods.is_empty()) {
                return Err(SlotError::Occupied { slot: place.slot, release: running.release });
            }
            if wanted {
                return Ok(None);
            }
            // What a stop that was cut short has left, or a change that no controller has seen yet.
            self.clear(place, pace::FAILED, None).await?;
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
        self.deploy(place, &objects.deployment).await?;
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
            resources: &self.settings.resources,
        };
        let fitted = manifests::fit(&read, &about, &context.variables);
        fitted.map_err(|error| setup(error.to_string()))
    }

    /// Lets the Deployment make its pods, if it is still that of the release.
    async fn scale(&self, place: &Place, release: ReleaseId) -> Result<(), SlotError> {
        let replicas = u32::from(self.settings.replicas);
        let change = |deployment: &Deployment| {
            if release_of(place, &deployment.metadata)? != release {
                let why = "somebody has put another release into it".to_owned();
                return Err(SlotError::NotReady { slot: place.slot, why });
            }
            Ok((deployment.wanted() != replicas).then(|| started(deployment, replicas)))
        };
        self.change(place, "start", change).await
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
        let mut progress = Progress::begun();
        loop {
            match timeout_at(until, self.look(place, "start")).await {
                Ok(Ok(seen)) => match self.judge(place, release, &seen).await? {
                    Ok(running) => return Ok(running),
                    Err(waiting) if progress.is_over(seen.deployment.as_ref()) => {
                        let why = format!("its progress deadline is exceeded: {waiting}");
                        return Err(SlotError::NotReady { slot: place.slot, why });
                    }
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
        Ok(match self.status(place, seen, rollout).await? {
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
        let say = |error| failed(place.slot, "start", error);
        let tidied = async {
            for (kind, name) in surplus {
                let known = self.cluster.get::<Bare>(kind, &name).await.map_err(say)?;
                if let Some(known) = known.filter(|it| place.owns(&it.metadata.labels)) {
                    let removed = self.cluster.delete(kind, &name, &only(&known.metadata)).await;
                    removed.map_err(say)?;
                }
            }
            self.apply(place, &recorded(&objects.service, &now)).await
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
