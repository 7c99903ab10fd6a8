use evergen_artifact::Digest;

use crate::{LockError, ReadLedgerError, ReleaseId, StageError, StoreError, Version};

/// A verb was not carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperationError {
    /// The settings say that nothing is deployed.
    #[error("deployments are disabled; set `enabled = true`")]
    Disabled,
    /// There is no such environment.
    #[error("there is no environment `{name}`; there are {}", listed(known))]
    UnknownEnvironment {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The settings name something that was not given to this program.
    #[error("environment `{environment}` names {what}, and this program has no such part")]
    MissingPart {
        /// The environment.
        environment: String,
        /// What is missing.
        what: String,
    },
    /// Releases are to be judged, and there is nobody who does.
    #[error(
        "`{environment}` says `validate_before_deploy = true`, and nothing judges its releases; add \
         a `[[environments.validate]]` with a `command`, or take the line out"
    )]
    NoValidator {
        /// The environment.
        environment: String,
    },
    /// The environment is not to be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The ledger can't be read.
    #[error(transparent)]
    Read(#[from] ReadLedgerError),
    /// The source can't be deployed.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The release store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret is missing.
    #[error(transparent)]
    Secret(#[from] crate::SecretError),
    /// The plan is not the one that was approved or looked at.
    #[error("the plan does not hold any more: it was {expected}, and now is {actual}; plan anew")]
    PlanChanged {
        /// The digest that was given.
        expected: Digest,
        /// The digest of what would be done now.
        actual: Digest,
    },
    /// The environment's plans need approval.
    #[error("`{environment}` needs approval; approve plan {digest}")]
    NeedsApproval {
        /// The environment.
        environment: String,
        /// The plan.
        digest: Digest,
    },
    /// The release is not live where it should have been first.
    #[error("{version} is not live in `{from}`, from which `{environment}` takes its releases")]
    NotPromoted {
        /// The environment.
        environment: String,
        /// The environment before it.
        from: String,
        /// The version.
        version: Version,
    },
    /// There is nothing to promote, or nowhere to take it from.
    #[error("nothing can be promoted to `{environment}`: {why}")]
    NothingToPromote {
        /// The environment.
        environment: String,
        /// Why.
        why: String,
    },
    /// There is no release to go back to.
    #[error("`{environment}` has no release to go back to{}", wanted.as_ref().map_or_else(String::new, |version| format!(" that is called {version}; it was never live, or was collected")))]
    NothingBefore {
        /// The environment.
        environment: String,
        /// The version that was asked for.
        wanted: Option<Version>,
    },
    /// The schema has lost what the release needs.
    #[error(
        "release {} was live before deployment {contracted} contracted the schema and can't run any \
         more; restore a backup, or deploy a release that fits", release.short()
    )]
    PastContract {
        /// The release.
        release: ReleaseId,
        /// The deployment.
        contracted: u64,
    },
    /// Nothing is in progress.
    #[error("no deployment is in progress in `{environment}`")]
    NotInProgress {
        /// The environment.
        environment: String,
    },
    /// The process that deployed has ended, so that there is nothing to be paused.
    #[error(
        "the process that deployed to `{environment}` has ended; `resume` or `abort` settles what it left"
    )]
    LeftAlone {
        /// The environment.
        environment: String,
    },
    /// The live release has ended and does not start.
    #[error("the live release of `{environment}` does not start: {why}; mend it, or roll back")]
    NotRevived {
        /// The environment.
        environment: String,
        /// Why.
        why: String,
    },
    /// What shares the requests is not to be had, and nothing was begun.
    #[error("the router of `{environment}` is not there: {why}")]
    Router {
        /// The environment.
        environment: String,
        /// Why.
        why: String,
    },
    /// Somebody went back from the release, and nothing brings it back by itself.
    #[error(
        "{version} was live in `{environment}` until somebody went back from it; deploy it by hand, or change what is generated"
    )]
    WentBack {
        /// The environment.
        environment: String,
        /// The release, by its name.
        version: Version,
    },
    /// A release of an execution did not come into use; what was live is live.
    #[error("deployment {number} of `{environment}` did not succeed: {why}")]
    NotTaken {
        /// The environment.
        environment: String,
        /// The deployment.
        number: u64,
        /// Why.
        why: String,
    },
    /// The machine does not allow it now.
    #[error(transparent)]
    Step(#[from] crate::StepError),
    /// The ledger could not be written. What was begun was taken back as far as possible, and
    /// the next start settles the rest.
    #[error("the ledger of `{environment}` failed, and {}", if *taken_back { "what was begun was taken back" } else { "the next start settles what was begun" })]
    Ledger {
        /// The environment.
        environment: String,
        /// Whether the old release has all the traffic again.
        taken_back: bool,
        /// What failed.
        #[source]
        source: crate::AppendError,
    },
    /// A deployment can't be ended without a person.
    #[error("deployment {number} of `{environment}` is stuck: {why}; left to do: {}", left.join("; "))]
    Incident {
        /// The environment.
        environment: String,
        /// The deployment.
        number: u64,
        /// What went wrong.
        why: String,
        /// What is left, in order.
        left: Vec<String>,
    },
    /// A part of this program ended that should not.
    #[error("a background task of the deployment ended early")]
    Task(#[from] tokio::task::JoinError),
}

/// Names, or that there are none.
fn listed(names: &[String]) -> String {
    if names.is_empty() { "none yet".to_owned() } else { names.join(", ") }
}
