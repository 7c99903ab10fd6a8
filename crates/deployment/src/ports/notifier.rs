use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::forward::forward;
use crate::{BoxError, Version};

/// Tells somebody outside how a deployment goes.
///
/// # Laws
///
/// - A notice that is not delivered changes nothing about the deployment; it is told in the
///   deployment's result.
/// - A notice may come twice, after a crash, with the same [`id`](Notice::id).
/// - `notify` ends within a bounded time, its own retries included.
pub trait Notifier: Send + Sync {
    /// What it is called in settings, ledger and messages.
    fn name(&self) -> &str;

    /// Tells it.
    fn notify<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), NotifyError>>;
}

forward!(Notifier {
    fn name() -> &str;
    fn notify<'a>(notice: &'a Notice) -> BoxFuture<'a, Result<(), NotifyError>>;
});

/// What is told. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Notice {
    /// The same for the same fact, so that a receiver can drop what comes twice.
    pub id: String,
    /// The environment.
    pub environment: String,
    /// The number of the deployment in its environment.
    pub deployment: u64,
    /// The version that is deployed.
    pub version: Version,
    /// The version that is live as far as is known; none before the first deployment.
    pub live: Option<Version>,
    /// What happened.
    pub kind: NoticeKind,
    /// In a sentence, for people.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

impl Notice {
    /// A notice about a deployment; its id is made of environment, number and kind.
    pub fn new(
        environment: impl Into<String>,
        deployment: u64,
        version: Version,
        kind: NoticeKind,
        at: Timestamp,
    ) -> Self {
        let environment = environment.into();
        let id = format!("{environment}/{deployment}/{}", kind.name());
        let (live, text) = (None, String::new());
        Self { id, environment, deployment, version, live, kind, text, at }
    }

    /// Says it in a sentence.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// Says which version is live.
    #[must_use]
    pub fn with_live(mut self, live: Option<Version>) -> Self {
        self.live = live;
        self
    }
}

/// What a notice tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoticeKind {
    /// A deployment began.
    Started,
    /// It waits for a person.
    Waiting,
    /// The new release is live.
    Succeeded,
    /// It did not come to that; what was live is live.
    Failed,
    /// It was taken back after it had got traffic.
    RolledBack,
    /// It could not be taken back: a person must act.
    Incident,
}

impl NoticeKind {
    /// Its name, as serde writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RolledBack => "rolled_back",
            Self::Incident => "incident",
        }
    }
}

/// A notice was not delivered.
#[derive(Debug, thiserror::Error)]
#[error("`{notifier}` did not deliver the notice")]
pub struct NotifyError {
    /// The notifier.
    pub notifier: String,
    /// Why; redacted.
    #[source]
    pub source: BoxError,
}
