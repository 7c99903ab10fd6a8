use std::sync::Arc;

use evergen_artifact::{Digest, ProposedChanges};
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Whoever brings releases into use.
///
/// - A deployment is all or nothing: after an error the release that was live is live.
/// - It is known by its request's `execution_id`: asked a second time, as after a crash or a
///   lost answer, a deployer gives the first answer and does nothing.
/// - Dropping the answer's future may leave the deployment done or not; asking again tells.
pub trait Deployer: Send + Sync {
    /// The environments to which every successful cycle is deployed by itself; asked anew each
    /// time, as they may become others.
    fn automatic(&self) -> Vec<String>;

    /// Whether one of them lacks something though a cycle changed nothing, as at the start or
    /// after a deployment that failed: then that cycle is deployed, too.
    fn is_behind(&self) -> bool {
        false
    }

    /// Whether it remembers by itself what its environments lack, and says so by
    /// [`is_behind`](Self::is_behind). A deployment that fails is told in its cycle then, and not
    /// tried again or kept for the sake of the cycle's events.
    fn remembers(&self) -> bool {
        false
    }

    /// Brings the changes of a cycle into use in one environment.
    ///
    /// # Errors
    /// See [`DeployError`]; the release that was live still is.
    fn deploy(&self, request: DeploymentRequest) -> BoxFuture<'_, Result<Deployment, DeployError>>;
}

impl<D: Deployer + ?Sized> Deployer for Arc<D> {
    fn automatic(&self) -> Vec<String> {
        (**self).automatic()
    }

    fn is_behind(&self) -> bool {
        (**self).is_behind()
    }

    fn remembers(&self) -> bool {
        (**self).remembers()
    }

    fn deploy(&self, request: DeploymentRequest) -> BoxFuture<'_, Result<Deployment, DeployError>> {
        (**self).deploy(request)
    }
}

impl<D: Deployer + ?Sized> Deployer for Box<D> {
    fn automatic(&self) -> Vec<String> {
        (**self).automatic()
    }

    fn is_behind(&self) -> bool {
        (**self).is_behind()
    }

    fn remembers(&self) -> bool {
        (**self).remembers()
    }

    fn deploy(&self, request: DeploymentRequest) -> BoxFuture<'_, Result<Deployment, DeployError>> {
        (**self).deploy(request)
    }
}

/// What is to be brought into use, and where.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeploymentRequest {
    /// The environment.
    pub environment: String,
    /// The execution whose changes these are; one execution is deployed once.
    pub execution_id: Uuid,
    /// The changes, on top of what is live. That lacks the changes of executions that were not
    /// deployed, or in vain: whoever knows where all files are gives those instead, as
    /// [`DeploymentAutomation::deploy_as`](crate::DeploymentAutomation::deploy_as) takes them.
    pub changes: Arc<ProposedChanges>,
}

impl DeploymentRequest {
    /// Asks for the changes of an execution in an environment.
    pub fn new(
        environment: impl Into<String>,
        execution_id: Uuid,
        changes: Arc<ProposedChanges>,
    ) -> Self {
        Self { environment: environment.into(), execution_id, changes }
    }
}

/// A deployment that is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Deployment {
    /// The environment.
    pub environment: String,
    /// The execution whose changes were deployed.
    pub execution_id: Uuid,
    /// Counts the deployments of an environment, from 1.
    pub number: u64,
    /// The digest of the release that is live now, in hexadecimal.
    pub release: String,
    /// What it did.
    pub effect: Effect,
    /// When.
    pub at: Timestamp,
}

/// What a deployment did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Effect {
    /// Another release is live now.
    Published,
    /// The release that was live has this content already.
    Unchanged,
    /// The release before the live one is live again.
    RolledBack,
}

impl Deployment {
    /// A deployment of now.
    pub fn new(
        environment: impl Into<String>,
        execution_id: Uuid,
        number: u64,
        release: Digest,
        effect: Effect,
    ) -> Self {
        let (environment, release) = (environment.into(), release.to_string());
        Self { environment, execution_id, number, release, effect, at: Timestamp::now() }
    }
}

/// A deployment did not happen; what was live is live.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeployError {
    /// There is no environment of this name; asking again will not help.
    #[error("there is no environment `{name}`; there are {}", list(known))]
    UnknownEnvironment {
        /// The name asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// There is no release to go back to.
    #[error("`{environment}` has no release to go back to")]
    NothingBefore {
        /// The environment.
        environment: String,
    },
    /// The release was not taken, or may not be deployed; asking again will not help.
    #[error("`{environment}` did not take the release: {why}")]
    Rejected {
        /// The environment.
        environment: String,
        /// Why, and what to do.
        why: String,
    },
    /// The target is not to be had for now; asking again may help.
    #[error("the target of `{environment}` is not available: {why}")]
    Unavailable {
        /// The environment.
        environment: String,
        /// What went wrong.
        why: String,
    },
}

impl DeployError {
    /// Whether asking again may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
