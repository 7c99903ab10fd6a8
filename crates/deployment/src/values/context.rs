use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Secret, Slot, StagedRelease};

/// The variables that a release, hook or check is started with. All of them are kept as
/// [`Secret`]s, since nobody can tell by a name which ones are.
pub type Variables = BTreeMap<String, Secret>;

/// What every outside part is told about the step it serves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StepContext {
    /// The environment.
    pub environment: String,
    /// The number of the deployment in its environment, from 1.
    pub deployment: u64,
    /// The slot that takes the release.
    pub slot: Slot,
    /// The release that comes.
    pub release: StagedRelease,
    /// The release that is live; none at the first deployment.
    pub live: Option<StagedRelease>,
    /// The variables of the environment, with secrets resolved.
    pub variables: Variables,
    /// How long the step may take; the caller gives up on it soon after.
    pub deadline: Duration,
}

impl StepContext {
    /// The context of a step without variables and with a minute of time.
    pub fn new(
        environment: impl Into<String>,
        deployment: u64,
        slot: Slot,
        release: StagedRelease,
    ) -> Self {
        let (environment, live) = (environment.into(), None);
        let (variables, deadline) = (Variables::new(), Duration::from_mins(1));
        Self { environment, deployment, slot, release, live, variables, deadline }
    }

    /// Says which release is live.
    #[must_use]
    pub fn with_live(mut self, live: Option<StagedRelease>) -> Self {
        self.live = live;
        self
    }

    /// Sets the variables.
    #[must_use]
    pub fn with_variables(mut self, variables: Variables) -> Self {
        self.variables = variables;
        self
    }

    /// Sets the time.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}
