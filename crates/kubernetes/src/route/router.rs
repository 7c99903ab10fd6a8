use std::sync::Arc;
use std::time::Duration;

use evergen_deployment::{
    Drained, Endpoint, RouterError, RouterState, Slot, Split, TrafficCounts, TrafficRouter,
};
use evergen_resilience::SettingsError;
use futures::future::{BoxFuture, FutureExt as _, ready};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::conditions::{Parents, Standing};
use super::rules::{Names, POINTED, Route, Unfit};
use super::settings::HttpRouteSettings;
use crate::api::{Bare, Cluster, ClusterError, Kind, words};
use crate::manifests::slot_name;

/// How often a change is made anew when somebody else has changed the route in between.
const TRIES: u32 = 5;

/// Between two looks at what the gateways say.
const LOOK: Duration = Duration::from_millis(100);

/// Shares requests by the weights of the two Services in the rules of an `HTTPRoute`.
///
/// The route is the user's: only the two `backendRefs` of our rules are changed, and one
/// annotation that says where the slots were pointed. Both weights are in one object, so they
/// change in one moment; the cluster keeps them whatever becomes of us. A change is in effect
/// when every gateway that the route names has accepted it.
///
/// What a gateway has in flight and what it has answered, a route does not tell: [`counts`] are
/// zero, and [`drain`] waits for [`settle`].
///
/// [`counts`]: TrafficRouter::counts
/// [`drain`]: TrafficRouter::drain
/// [`settle`]: HttpRouteSettings::settle
#[derive(Clone, Debug)]
pub struct HttpRouteTraffic {
    cluster: Cluster,
    settings: Arc<HttpRouteSettings>,
}

/// A route as it was read.
#[derive(Clone)]
struct Read {
    route: Route,
    resource_version: String,
    generation: i64,
    parents: Parents,
}

impl HttpRouteTraffic {
    /// A router by these settings. Nothing is read or sent yet.
    ///
    /// # Errors
    /// A setting is out of range.
    pub fn new(cluster: Cluster, settings: HttpRouteSettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self { cluster, settings: Arc::new(settings) })
    }

    async fn names(&self, action: &'static str) -> Result<Names<'_>, RouterError> {
        let namespace = self.cluster.namespace().await;
        let namespace = namespace.map_err(|error| failed(action, error))?;
        Ok(Names { service: &self.settings.service, namespace })
    }

    async fn fetch(&self, action: &'static str) -> Result<Read, RouterError> {
        let read = self.cluster.get::<Value>(Kind::HttpRoute, &self.settings.route).await;
        let value = read.map_err(|error| failed(action, error))?;
        let value = value.ok_or_else(|| self.refused("it is not there; apply it first"))?;
        Read::of(&value).map_err(|why| RouterError::Nonsense { action, answer: words(&why) })
    }

    fn refused(&self, why: impl std::fmt::Display) -> RouterError {
        RouterError::Refused { why: format!("HTTPRoute `{}`: {why}", self.settings.route) }
    }

    /// Changes the route, anew where somebody else was faster; gives it as it was read before and
    /// as it is now.
    async fn change(
        &self,
        action: &'static str,
        change: impl Fn(&Route) -> Result<Route, Unfit>,
    ) -> Result<(Read, Read), RouterError> {
        for attempt in 1..=TRIES {
            let read = self.fetch(action).await?;
            let wanted = change(&read.route).map_err(|unfit| self.refused(unfit))?;
            if wanted == read.route {
                return Ok((read.clone(), read));
            }
            let patch = wanted.patch(&read.resource_version);
            let name = &self.settings.route;
            match self.cluster.merge::<Value>(Kind::HttpRoute, name, &patch).await {
                Ok(Some(value)) => {
                    let now = Read::of(&value);
                    let now =
                        now.map_err(|why| RouterError::Nonsense { action, answer: words(&why) })?;
                    return Ok((read, now));
                }
                Ok(None) => return Err(self.refused("somebody has removed it")),
                Err(ClusterError::Conflict { .. }) => sleep(LOOK * attempt).await,
                Err(error) => return Err(failed(action, error)),
            }
        }
        let why = "somebody else changes it all the time; is it also kept by another program?";
        Err(RouterError::Unavailable { action, source: why.into() })
    }

    /// Waits until every gateway does as the route says. A Service that a gateway can't find is
    /// borne if all that `serves` is there and the gateway had missed it before, or if one slot is
    /// to serve alone: the way back must not wait for what else is in the user's route.
    async fn settle(
        &self,
        action: &'static str,
        told: &str,
        (before, mut read): (Read, Read),
        serves: Option<Slot>,
    ) -> Result<(), RouterError> {
        let names = self.names(action).await?;
        let standing = |read: &Read| read.parents.standing(names.namespace, read.generation);
        let missed = standing(&before);
        let (wanted, until) = (read.route.clone(), Instant::now() + self.settings.patience);
        loop {
            if read.route != wanted {
                return Err(self.not_in_effect(told, "somebody else has changed it"));
            }
            let now = standing(&read);
            let why = match &now {
                Standing::InEffect => return Ok(()),
                Standing::Unresolved(why) => {
                    let (slots, borne) = match serves {
                        Some(sole) => (vec![sole], true),
                        None => (read.route.slots(), now == missed),
                    };
                    if borne && self.are_there(action, &slots).await? {
                        tracing::warn!(why, "the gateway does not find all Services of the route");
                        return Ok(());
                    }
                    why
                }
                Standing::Unseen(why) | Standing::NotAccepted(why) => why,
            };
            if Instant::now() >= until {
                return Err(self.not_in_effect(told, why));
            }
            sleep(LOOK).await;
            read = self.fetch(action).await?;
        }
    }

    /// Whether all these slots have their Services.
    async fn are_there(&self, action: &'static str, slots: &[Slot]) -> Result<bool, RouterError> {
        for slot in slots {
            let name = slot_name(&self.settings.service, *slot);
            let known = self.cluster.get::<Bare>(Kind::Service, &name).await;
            if known.map_err(|error| failed(action, error))?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn not_in_effect(&self, told: &str, does: &str) -> RouterError {
        let does = format!("HTTPRoute `{}`: {does}", self.settings.route);
        RouterError::NotInEffect { told: told.to_owned(), does }
    }

    async fn point_to(&self, slot: Slot, endpoints: &[Endpoint]) -> Result<(), RouterError> {
        let action = "point the HTTPRoute to a slot";
        let names = self.names(action).await?;
        let changed =
            self.change(action, |route| route.with_endpoints(slot, endpoints, &names)).await?;
        let (before, after) = (changed.0.route.clone(), changed.1.route.clone());
        let settled = self.settle(action, &format!("slot {slot}"), changed, None).await;
        if settled.is_err() && before != after {
            // A Service that the gateway can't find must not be in the way of a way back.
            let undo =
                |route: &Route| Ok(if *route == after { before.clone() } else { route.clone() });
            if let Err(error) = self.change(action, undo).await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, %slot, "the HTTPRoute keeps what it could not carry out");
            }
        }
        settled
    }
}

impl Read {
    fn of(value: &Value) -> Result<Self, String> {
        let bare: Bare = read(value)?;
        let pointed = bare.metadata.annotations.get(POINTED).map(|text| serde_json::from_str(text));
        let pointed = pointed.transpose().map_err(|_| {
            format!("its annotation `{POINTED}` was changed by hand; remove it, and deploy again")
        })?;
        let rules = value["spec"]["rules"].as_array().cloned().unwrap_or_default();
        Ok(Self {
            route: Route { rules, pointed: pointed.unwrap_or_default() },
            resource_version: bare.metadata.resource_version,
            generation: bare.metadata.generation,
            parents: read(value)?,
        })
    }
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, String> {
    serde_json::from_value(value.clone()).map_err(|error| format!("it is no HTTPRoute: {error}"))
}

impl Route {
    /// The change of an object that is still as it was read.
    fn patch(&self, resource_version: &str) -> Value {
        // A value of texts has nothing that JSON can't say.
        let pointed = serde_json::to_string(&self.pointed).unwrap_or_default();
        json!({
            "metadata": { "resourceVersion": resource_version, "annotations": { POINTED: pointed } },
            "spec": { "rules": self.rules },
        })
    }
}

impl TrafficRouter for HttpRouteTraffic {
    fn read(&self) -> BoxFuture<'_, Result<RouterState, RouterError>> {
        async move {
            let action = "read the HTTPRoute";
            let names = self.names(action).await?;
            let read = self.fetch(action).await?;
            if let Standing::NotAccepted(why) =
                read.parents.standing(names.namespace, read.generation)
            {
                return Err(self.not_in_effect("what it says", &why));
            }
            read.route.state(&names).map_err(|unfit| self.refused(unfit))
        }
        .boxed()
    }

    fn point<'a>(
        &'a self,
        slot: Slot,
        endpoints: &'a [Endpoint],
    ) -> BoxFuture<'a, Result<(), RouterError>> {
        self.point_to(slot, endpoints).boxed()
    }

    fn set(&self, split: Split) -> BoxFuture<'_, Result<(), RouterError>> {
        async move {
            let action = "set the weights of the HTTPRoute";
            let names = self.names(action).await?;
            let changed = self.change(action, |route| route.with_split(split, &names)).await?;
            self.settle(action, &split.to_string(), changed, split.sole()).await
        }
        .boxed()
    }

    fn drain(&self, slot: Slot, deadline: Duration) -> BoxFuture<'_, Result<Drained, RouterError>> {
        async move {
            let action = "drain a slot of the HTTPRoute";
            let names = self.names(action).await?;
            let state = self.fetch(action).await?.route.state(&names);
            let state = state.map_err(|unfit| self.refused(unfit))?;
            let permille = state.split.map_or(0, |split| split.of(slot));
            if permille > 0 {
                return Err(self.refused(Unfit::StillServing { slot, permille }));
            }
            let settle = self.settings.settle;
            if settle > deadline {
                return Err(self.refused(Unfit::NoTime { settle, deadline }));
            }
            sleep(settle).await;
            Ok(Drained::new(0))
        }
        .boxed()
    }

    fn counts(&self, _slot: Slot) -> BoxFuture<'_, Result<TrafficCounts, RouterError>> {
        ready(Ok(TrafficCounts::default())).boxed()
    }
}

fn failed(action: &'static str, error: ClusterError) -> RouterError {
    match error {
        ClusterError::Nonsense { .. } => {
            RouterError::Nonsense { action, answer: words(&error.to_string()) }
        }
        error => RouterError::Unavailable { action, source: Box::new(error) },
    }
}
