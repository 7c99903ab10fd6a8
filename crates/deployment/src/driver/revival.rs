//! Starting a live release again that ended by itself, as with its machine.

use std::sync::Arc;
use std::time::Duration;

use evergen_artifact::Digest;
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::{sleep, timeout};

use super::automation::{DeploymentAutomation, Site};
use super::effects::{cause, missing, stored, traffic};
use super::errors::OperationError;
use super::looking::LOOKING;
use super::parts::Target;
use super::run::Run;
use crate::{
    Cause, CauseKind, LivePoint, LockError, MayRevive, NoticeKind, Record, ReleaseName, Running,
    SlotStatus, Split, StepContext,
};

/// What became of a live release that should run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "revival")]
#[non_exhaustive]
pub enum Revival {
    /// There is nothing to start: it runs, it is a folder, or nothing is live.
    NotNeeded,
    /// It had ended, and runs again.
    Revived,
    /// It had ended and did not start.
    Failed {
        /// Why.
        why: String,
    },
    /// It had ended, and is left so for now.
    Waits {
        /// Why.
        why: String,
    },
}

/// What is wrong with a live release.
enum Fault {
    /// Nothing of it runs.
    Ended,
    /// It runs, and the router asks for it elsewhere.
    Elsewhere(Running),
}

impl DeploymentAutomation {
    /// Starts the live release of an environment again if nothing of it runs, as after a
    /// restart of the machine: at most five times an hour, ever more rarely, and each time is
    /// in the ledger. An unfinished deployment is settled first.
    ///
    /// # Errors
    /// The environment is held by somebody, or its ledger failed.
    pub async fn revive(&self, environment: &str) -> Result<Revival, OperationError> {
        let site = Arc::clone(self.site(environment)?);
        let mut run = Run::begin(&site, &self.progress).await?;
        run.settle().await?;
        run.revive().await
    }

    /// Looks at the live release of an environment every so often, and [revives](Self::revive)
    /// it where it has ended. A look writes nothing and holds nobody up. It never ends by
    /// itself; dropping the future is like killing the process there.
    ///
    /// # Errors
    /// There is no such environment.
    pub async fn keep_alive(
        &self,
        environment: &str,
        every: Duration,
    ) -> Result<std::convert::Infallible, OperationError> {
        let site = Arc::clone(self.site(environment)?);
        loop {
            sleep(every).await;
            if !self.wants_revival(&site).await {
                continue;
            }
            match self.revive(environment).await {
                Ok(Revival::Revived) => {
                    tracing::info!(environment, "the live release had ended and runs again");
                }
                Ok(Revival::Failed { why }) => {
                    tracing::error!(environment, why, "the live release does not start");
                }
                // Whoever holds it looks by itself.
                Ok(Revival::NotNeeded | Revival::Waits { .. })
                | Err(OperationError::Lock(LockError::Held { .. })) => {}
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(environment, error, "the live release can't be looked after");
                }
            }
        }
    }

    /// Whether there is something to do, without a lock.
    async fn wants_revival(&self, site: &Arc<Site>) -> bool {
        let Ok(state) = self.state_of(site).await else { return false };
        let may = state.may_revive(Timestamp::now());
        match (&state.live, may) {
            (Some(live), Some(MayRevive::Now)) => matches!(fault(site, live).await, Ok(Some(_))),
            _ => false,
        }
    }
}

impl Run {
    /// Starts the live release again if nothing of it runs.
    pub(super) async fn revive(&mut self) -> Result<Revival, OperationError> {
        let Some(live) = self.state.live.clone() else { return Ok(Revival::NotNeeded) };
        let fault = match fault(&self.site, &live).await {
            Ok(Some(fault)) => fault,
            Ok(None) => return Ok(Revival::NotNeeded),
            Err(why) => return Ok(Revival::Waits { why }),
        };
        match self.state.may_revive(Timestamp::now()) {
            Some(MayRevive::Now) => {}
            Some(MayRevive::NotBefore(next)) => {
                return Ok(Revival::Waits { why: format!("it is started again at {next}") });
            }
            Some(MayRevive::GivenUp { until }) => {
                let why = format!("it was started too often; it is left until {until}");
                return Ok(Revival::Waits { why });
            }
            None => return Ok(Revival::NotNeeded),
        }
        self.keep(vec![Record::Reviving { slot: live.slot }]).await?;
        match self.start_again(&live, fault).await {
            Ok((running, runs_with)) => {
                self.keep(vec![Record::Revived { running, runs_with }]).await?;
                Ok(Revival::Revived)
            }
            Err(cause) => {
                let why = cause.why;
                self.keep(vec![Record::NotRevived { why: why.clone() }]).await?;
                self.tell_of_end(&live, &why).await;
                Ok(Revival::Failed { why })
            }
        }
    }

    /// Somebody is called when it was the last try.
    async fn tell_of_end(&self, live: &LivePoint, why: &str) {
        let may = self.state.may_revive(Timestamp::now());
        if matches!(may, Some(MayRevive::GivenUp { .. })) {
            let text = format!("the live release has ended and does not start: {why}");
            self.tell_of(live.deployment, &live.version, NoticeKind::Incident, &text).await;
        }
    }

    /// What runs, and a digest of the settings with which it was started now.
    async fn start_again(
        &self,
        live: &LivePoint,
        fault: Fault,
    ) -> Result<(Running, Option<Digest>), Cause> {
        let Target::Slots { runtime, router } = &self.site.parts.target else {
            return Err(missing("slots"));
        };
        let deadline = Duration::from_secs(self.site.settings.deadlines.start_seconds);
        let (running, runs_with) = match fault {
            Fault::Elsewhere(running) => (running, None),
            Fault::Ended => {
                let context = self.context_of(live, deadline).await?;
                let grace = Duration::from_secs(1);
                let started = runtime.start(live.slot, &context.release, &context);
                let started = timeout(deadline + grace, started).await.map_err(|_| {
                    let why = format!("it did not start within {} s", deadline.as_secs());
                    Cause::new(CauseKind::Deadline, why)
                })?;
                let running = started.map_err(|error| cause(CauseKind::Start, &error))?;
                (running, self.site.runs_with)
            }
        };
        let endpoints = running.endpoints();
        router.point(live.slot, &endpoints).await.map_err(|error| traffic(&error))?;
        router.set(Split::all(live.slot)).await.map_err(|error| traffic(&error))?;
        Ok((running, runs_with))
    }

    async fn context_of(&self, live: &LivePoint, deadline: Duration) -> Result<StepContext, Cause> {
        let (site, live) = (Arc::clone(&self.site), live.clone());
        let made = tokio::task::spawn_blocking(move || {
            let release = site.parts.store.find(&ReleaseName::Id(live.release));
            let release = release.map_err(|error| stored(&error))?.ok_or_else(|| {
                let why = format!("release {} is not in the store any more", live.release.short());
                Cause::new(CauseKind::Store, why)
            })?;
            let name = site.settings.name.clone();
            Ok(StepContext::new(name, live.deployment, live.slot, release)
                .with_variables(site.variables()?)
                .with_deadline(deadline))
        });
        made.await.unwrap_or_else(|error| Err(cause(CauseKind::Store, &error)))
    }
}

/// Looks at the live release. What can't be found out is no fault of it.
async fn fault(site: &Site, live: &LivePoint) -> Result<Option<Fault>, String> {
    let Target::Slots { runtime, router } = &site.parts.target else { return Ok(None) };
    let both = futures::future::join(runtime.inspect(live.slot), router.read());
    let late = |_| "slots and router do not tell what they do".to_owned();
    let (status, shown) = timeout(LOOKING, both).await.map_err(late)?;
    let shown = shown.map_err(|error| traffic(&error).why)?;
    match status.map_err(|error| cause(CauseKind::Start, &error).why)? {
        SlotStatus::Empty => Ok(Some(Fault::Ended)),
        SlotStatus::Occupied { running, ready: true, .. } if running.release == live.release => {
            let meant = shown.backend(live.slot).endpoints == running.endpoints();
            Ok((!meant).then_some(Fault::Elsewhere(running)))
        }
        SlotStatus::Occupied { .. } => Ok(None),
    }
}
