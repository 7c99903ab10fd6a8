use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::forward::forward;
use crate::{Endpoint, StepContext};

/// Asks a release how it does, once.
///
/// # Laws
///
/// - What can't be found out is [`Verdict::NoData`], which never passes, and what will not be
///   found out later either is [`Verdict::Impossible`]. So there is no error.
/// - It ends by the context's deadline, and leaves nothing running, also when it is dropped.
/// - It changes nothing, and may be asked at any time and again.
/// - No text of a verdict shows a secret.
pub trait HealthProbe: Send + Sync {
    /// What it is called in settings, ledger and messages.
    fn name(&self) -> &str;

    /// Judges the release.
    fn probe<'a>(&'a self, target: &'a ProbeTarget) -> BoxFuture<'a, Verdict>;
}

forward!(HealthProbe {
    fn name() -> &str;
    fn probe<'a>(target: &'a ProbeTarget) -> BoxFuture<'a, Verdict>;
});

/// What is to be judged.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProbeTarget {
    /// The release, its slot, the variables and how long a probe may take.
    pub context: StepContext,
    /// Where it answers; empty for a release that answers nowhere, as a folder.
    pub endpoints: Vec<Endpoint>,
}

impl ProbeTarget {
    /// A release that answers there.
    pub fn new(context: StepContext, endpoints: Vec<Endpoint>) -> Self {
        Self { context, endpoints }
    }
}

/// What a probe says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// The release does well.
    Pass,
    /// It does not.
    Fail {
        /// What is wrong with it.
        why: String,
    },
    /// Nothing can be said yet.
    NoData {
        /// What is missing.
        why: String,
    },
    /// It can't be asked at all, and waiting does not help: its program is not there.
    Impossible {
        /// What is in the way.
        why: String,
    },
}

impl Verdict {
    /// A release that does not do well.
    pub fn fail(why: impl Into<String>) -> Self {
        Self::Fail { why: why.into() }
    }

    /// A release of which nothing is known.
    pub fn no_data(why: impl Into<String>) -> Self {
        Self::NoData { why: why.into() }
    }

    /// A probe that can't be asked until somebody mends it.
    pub fn impossible(why: impl Into<String>) -> Self {
        Self::Impossible { why: why.into() }
    }

    /// Whether it passes; without data nothing does.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Pass)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => formatter.write_str("passes"),
            Self::Fail { why } => write!(formatter, "fails: {why}"),
            Self::NoData { why } => write!(formatter, "has no data: {why}"),
            Self::Impossible { why } => write!(formatter, "can't be asked: {why}"),
        }
    }
}
