use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::forward::forward;
use crate::commands::said;
use crate::{BoxError, StepContext};

/// Something of the user's that runs at a step: a command before or after a deployment, a
/// gate over the release, integration tests against the new slot.
///
/// # Laws
///
/// - It ends by the context's deadline. When it fails, runs out of time or is dropped,
///   nothing of it is left running.
/// - Its report and its errors show no secret.
/// - It may run again: a deployment that was cut short is repeated.
pub trait Hook: Send + Sync {
    /// What it is called in settings, ledger and messages.
    fn name(&self) -> &str;

    /// Runs it.
    fn run<'a>(&'a self, context: &'a StepContext) -> BoxFuture<'a, Result<HookReport, HookError>>;
}

forward!(Hook {
    fn name() -> &str;
    fn run<'a>(context: &'a StepContext) -> BoxFuture<'a, Result<HookReport, HookError>>;
});

/// A hook that succeeded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HookReport {
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// The end of what it said; bounded and redacted.
    pub output: String,
}

impl HookReport {
    /// A report of a hook that took so long and said this.
    pub fn new(took: Duration, output: impl Into<String>) -> Self {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        Self { millis, output: output.into() }
    }
}

/// A hook did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HookError {
    /// It ran and said no.
    #[error("`{hook}` failed with {status}{}", said(output))]
    Failed {
        /// The hook.
        hook: String,
        /// Its exit status or signal.
        status: String,
        /// The end of what it said; bounded and redacted.
        output: String,
    },
    /// It took longer than it may, and was ended.
    #[error("`{hook}` was ended after {} s{}", deadline.as_secs_f64(), said(output))]
    TimedOut {
        /// The hook.
        hook: String,
        /// How long it may take.
        deadline: Duration,
        /// The end of what it said; bounded and redacted.
        output: String,
    },
    /// It could not be run.
    #[error("`{hook}` can't be run")]
    NotRun {
        /// The hook.
        hook: String,
        /// Why.
        #[source]
        source: BoxError,
    },
}
