//! Deployments that nobody asks for one by one, and what has to hold before any begins.

use std::path::Path;
use std::sync::Arc;

use evergen_artifact::Digest;
use tokio::time::timeout;
use uuid::Uuid;

use super::automation::{DeployOptions, DeploymentAutomation, Order, Site, refusal, taken};
use super::effects::traffic;
use super::errors::OperationError;
use super::looking::{LOOKING, look};
use super::parts::{EnvironmentParts, Target};
use super::planning;
use crate::{
    DeployError, Deployment, DeploymentEnvironment, Effect, EnvironmentState, Plan, PlanKind,
    ReleaseSource, RouterError,
};

impl DeploymentAutomation {
    /// Brings all files below a folder into use as what an execution has made: by itself, as a
    /// loop does after a cycle.
    ///
    /// What is live already, and is not broken, stays as it is and leaves no record. So this may
    /// be asked again and again, and what it brings is never a mixture of what is live and what
    /// has changed. What people went back from is not brought back.
    ///
    /// # Errors
    /// See [`DeployError`]; the release that was live still is.
    pub async fn deploy_as(
        &self,
        environment: &str,
        source_dir: &Path,
        execution: Uuid,
    ) -> Result<Deployment, DeployError> {
        let done = self.bring(environment, source_dir, execution).await;
        done.map_err(|error| refusal(environment.to_owned(), &error))
    }

    async fn bring(
        &self,
        environment: &str,
        source_dir: &Path,
        execution: Uuid,
    ) -> Result<Deployment, OperationError> {
        if !self.enabled {
            return Err(OperationError::Disabled);
        }
        let site = Arc::clone(self.site(environment)?);
        let state = self.state_of(&site).await?;
        let source = ReleaseSource::Folder(source_dir.to_owned());
        let mut order = Order::new(source, None, PlanKind::Deploy);
        let plan = self.plan_for(&site, &state, &order).await?;
        let live = state.live.as_ref().filter(|live| live.release == plan.release);
        if let Some(live) = live {
            // It keeps the name that somebody gave it.
            order.version = Some(live.version.clone());
            let is_well = state.open.is_none() && look(&site, &state).await.differences.is_empty();
            if plan.steps.is_empty() && is_well {
                let (number, release) = (live.deployment, live.release.digest());
                let unchanged = Effect::Unchanged;
                return Ok(Deployment::new(environment, execution, number, release, unchanged));
            }
        }
        if let Some(error) = went_back_from(&site, &state, &plan) {
            return Err(error);
        }
        let options = DeployOptions { execution: Some(execution), ..DeployOptions::default() };
        let summary = self.carry_out(environment, order, options).await?;
        taken(environment, summary)
    }
}

/// A release from which somebody went back does not come back by itself.
fn went_back_from(site: &Site, state: &EnvironmentState, plan: &Plan) -> Option<OperationError> {
    if !state.left.contains(&plan.release) {
        return None;
    }
    let named = state.past.iter().rev().find(|past| past.release == plan.release);
    let version = named.map_or_else(|| plan.version.clone(), |past| past.version.clone());
    Some(OperationError::WentBack { environment: site.settings.name.clone(), version })
}

/// A digest over the settings that a running release depends on.
pub(super) fn running_digest(settings: &DeploymentEnvironment, parts: &EnvironmentParts) -> Digest {
    let DeploymentEnvironment { variables, replicas, resources, .. } = settings;
    planning::settings_digest(&(variables, replicas, resources, &parts.runs_by))
}

/// Makes sure that there is a router before anything is begun that needs it.
pub(super) async fn ask_router(site: &Site) -> Result<(), OperationError> {
    let Target::Slots { router, .. } = &site.parts.target else { return Ok(()) };
    let why = match timeout(LOOKING, router.read()).await {
        Ok(Err(error @ RouterError::Unavailable { .. })) => traffic(&error).why,
        // One that does something odd is told what to do.
        Ok(_) => return Ok(()),
        Err(_) => "it does not answer".to_owned(),
    };
    Err(OperationError::Router { environment: site.settings.name.clone(), why })
}
